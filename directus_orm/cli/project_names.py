"""Names of a project's own for classes and attributes: a table in its pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

TABLE = "[tool.directus_orm.names]"


def project_names(folder: Path) -> Mapping[str, str]:
    """Return the names in the pyproject.toml of a folder, or of the nearest one above it; none if there is none.

    Raises:
        UsageError: the file cannot be read, or has something that is no name in Python.
    """
    files = (each / "pyproject.toml" for each in (folder, *folder.parents))
    project = next((each for each in files if each.is_file()), None)
    return {} if project is None else _names_of(project)


def _names_of(project: Path) -> Mapping[str, str]:
    try:
        content: Any = tomllib.loads(project.read_text(encoding="utf-8"))
    except ValueError as error:  # of TOML, or of the encoding
        raise click.UsageError(f"{project} is no TOML: {error}.") from error
    for part in ("tool", "directus_orm", "names"):
        content = content.get(part, {}) if isinstance(content, dict) else None
    if not isinstance(content, dict):
        raise click.UsageError(f"{project}: {TABLE} is no table.")
    for name in content.values():
        if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
            raise click.UsageError(f"{project}: {name!r} in {TABLE} is no name in Python.")
    return content
