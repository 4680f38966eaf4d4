"""``directus-orm generate``: the models of a server, or of a snapshot, as a Python module."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
import click

from ..core.errors import ConfigurationError
from ..schema.generating.files import body_of, file_text, is_edited
from ..schema.generating.modules import generate_module
from ..schema.generating.options import GeneratorOptions
from ..schema.normal_form import DatabaseSchema, SchemaNote
from ..schema.reading import read_schema
from .connections import connection_options, opened_session
from .exit_codes import ExitCode
from .project_names import TABLE, project_names
from .snapshots import schema_of_snapshot, snapshot_option

_FILE = click.Path(dir_okay=False, path_type=Path)
_LIMITED = SchemaNote(
    "all collections", None, "asked as a user who is no administrator; what this user may not read is left out."
)


@click.command()
@connection_options
@snapshot_option
@click.option("-o", "--output", type=_FILE, help="The file to write; by default the models are printed.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Take only these collections, such as 'shop_*'.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these collections out.")
@click.option("--untracked", is_flag=True, help="Take tables and columns as well that Directus does not manage.")
@click.option(
    "--enums",
    type=click.Choice(["none", "literal"]),
    default="none",
    show_default=True,
    help="Write the choices of fields as a Literal. The server takes any other value, too.",
)
@click.option(
    "--sort",
    type=click.Choice(["studio", "name"]),
    default="studio",
    show_default=True,
    help="The order of fields: that of Directus's app, or by name.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if the file differs.")
@click.option("--force", is_flag=True, help="Overwrite a file that was edited.")
@click.option("-q", "--quiet", is_flag=True, help="Print no notes.")
def generate(
    snapshot: Path | None,
    output: Path | None,
    only: Sequence[str],
    exclude: Sequence[str],
    *,
    untracked: bool,
    enums: Any,
    sort: Any,
    check: bool,
    force: bool,
    quiet: bool,
    **connection: Any,
) -> None:
    """Write models for the collections of a server.

    The models are those of the collections that the user sees. Names of your own are taken from the table
    [tool.directus_orm.names] of the nearest pyproject.toml: a class for a collection, or an attribute for
    "collection.field". What the models cannot say is printed, and stands at the end of the file.
    """
    if check and output is None:
        raise click.UsageError("--check compares a file: give it with -o.")
    if output is not None and not output.parent.is_dir():
        raise click.UsageError(f"There is no folder {output.parent}.")

    def include(name: str) -> bool:
        wanted = not only or any(fnmatchcase(name, pattern) for pattern in only)
        return wanted and not any(fnmatchcase(name, pattern) for pattern in exclude)

    reading: dict[str, Any] = {"untracked": untracked, "include": include}
    schema = schema_of_snapshot(snapshot, **reading) if snapshot else _of_server(connection, reading)
    if not schema.collections:
        click.echo("Error: no collection is to be seen with these options and this user.", err=True)
        raise SystemExit(ExitCode.NOT_ASKED)
    options = GeneratorOptions(names=project_names(Path.cwd()), choices=enums, sort=sort)
    try:
        module = generate_module(schema, options)
    except ConfigurationError as error:
        raise click.UsageError(f"{TABLE}: {error}") from error
    text = file_text(module, schema)
    if not quiet:
        for note in module.notes:
            click.echo(f"Note: {note}", err=True)
    if output is None:
        click.echo(text, nl=False)
    elif check:
        _compare(output, text)
    else:
        _write(output, text, force=force)


def _of_server(connection: Mapping[str, Any], reading: Mapping[str, Any]) -> DatabaseSchema:
    with opened_session(**connection) as session:
        session.info()  # the version for the header
        schema = read_schema(session, **reading)
        if session.permissions().is_administrator:
            return schema
        return attrs.evolve(schema, notes=(*schema.notes, _LIMITED))


def _compare(path: Path, text: str) -> None:
    """Exit with status 1, and print the differences, if the models of a file are others."""
    before = body_of(_text_of(path)) if path.is_file() else ""
    after = body_of(text)
    if before == after:
        return
    old, new = ((each or "").splitlines(keepends=True) for each in (before, after))
    click.echo("".join(difflib.unified_diff(old, new, str(path), "server")), err=True, nl=False)
    raise SystemExit(ExitCode.DIFFERENT)


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")  # a file of others may be in any encoding


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.is_file() and not force and is_edited(_text_of(path)):
        click.echo(
            f"Error: {path} was edited, or was not written by this program, and stays as it is. "
            "--force overwrites it.",
            err=True,
        )
        raise SystemExit(ExitCode.REFUSED)
    path.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {path}.", err=True)
