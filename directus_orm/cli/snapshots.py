"""The option ``--snapshot``, and the schema of its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..core.errors import ConfigurationError, QueryError
from ..schema.normal_form import DatabaseSchema
from ..schema.reading import load_snapshot

snapshot_option = click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read a snapshot of the schema, JSON or YAML, and ask no server.",
)


def schema_of_snapshot(path: Path, **reading: Any) -> DatabaseSchema:
    """Return the schema of a snapshot, read with these options; exit with a message if the file is none."""
    try:
        return load_snapshot(path, **reading)
    except (QueryError, ConfigurationError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error
