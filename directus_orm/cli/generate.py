"""``directus-orm generate``: the models of a server, or of a snapshot, as a Python module."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import attrs
import click

from ..core.errors import ConfigurationError
from ..schema.generating.files import body_of, file_text, stub_text
from ..schema.generating.layout import Layout, LookupDepth
from ..schema.generating.lookup_files import lookup_files
from ..schema.generating.modules import GeneratedModule, generate_module, models_module
from ..schema.generating.options import Choices, GeneratorOptions
from ..schema.normal_form import DatabaseSchema, SchemaNote
from ..schema.reading import read_schema
from .connections import connection_options, opened_session
from .exit_codes import ExitCode
from .output_files import OutputFile, compare, obsolete_files, refuse, write
from .project_names import TABLE, project_names
from .snapshots import schema_of_snapshot, snapshot_option

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_LIMITED = SchemaNote(
    "all collections", None, "asked as a user who is no administrator; what this user may not read is left out."
)
_MODELS = '"""Models: yours to edit. directus-orm generate --bases writes the fields of their bases anew."""\n\n'


@click.command()
@connection_options
@snapshot_option
@click.option("-o", "--output", type=_FILE, help="The file to write; by default the models are printed.")
@click.option(
    "--bases",
    type=_FOLDER,
    metavar="FOLDER",
    help="Write abstract bases to _generated.py in this folder, and once a models.py, which is yours.",
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Take only these collections, such as 'shop_*'.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these collections out.")
@click.option("--untracked", is_flag=True, help="Take tables and columns as well that Directus does not manage.")
@click.option(
    "--enums",
    type=click.Choice(get_args(Choices)),
    default="none",
    show_default=True,
    help="Write the choices of fields as a Literal or a StrEnum. The server takes any other value, too.",
)
@click.option(
    "--typed-lookups",
    type=click.Choice(["none", "own", "one", "two"]),
    default="none",
    show_default=True,
    help="Write stub files, from which editors and type checkers know the names that filter() takes: those of the "
    "model's own fields, or over one or two relations as well.",
)
@click.option(
    "--sort",
    type=click.Choice(["studio", "name"]),
    default="studio",
    show_default=True,
    help="The order of fields: that of Directus's app, or by name.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if the files differ.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print an object in JSON: models, notes, files or the source."
)
@click.option("-q", "--quiet", is_flag=True, help="Print neither notes nor which files were written.")
def generate(
    snapshot: Path | None,
    output: Path | None,
    bases: Path | None,
    only: Sequence[str],
    exclude: Sequence[str],
    *,
    untracked: bool,
    enums: Choices,
    typed_lookups: LookupDepth,
    sort: Any,
    check: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    **connection: Any,
) -> None:
    """Write models for the collections of a server.

    The models are those of the collections that the user sees. Names of your own are taken from the table
    [tool.directus_orm.names] of the nearest pyproject.toml: a class for a collection, or an attribute for
    "collection.field". What the models cannot say is printed, and stands at the end of the file.
    """
    path = _path(output, bases, needs_files={"--check": check, "--typed-lookups": typed_lookups != "none"})

    def include(name: str) -> bool:
        wanted = not only or any(fnmatchcase(name, pattern) for pattern in only)
        return wanted and not any(fnmatchcase(name, pattern) for pattern in exclude)

    reading: dict[str, Any] = {"untracked": untracked, "include": include}
    schema = schema_of_snapshot(snapshot, **reading) if snapshot else _of_server(connection, reading)
    if not schema.collections:
        click.echo("Error: no collection is to be seen with these options and this user.", err=True)
        raise SystemExit(ExitCode.NOT_ASKED)
    options = GeneratorOptions(names=project_names(Path.cwd()), choices=enums, sort=sort)
    layout = _layout(path, has_bases=bases is not None, lookups=typed_lookups)
    try:
        module = generate_module(schema, options, layout)
    except ConfigurationError as error:
        raise click.UsageError(f"{TABLE}: {error}") from error
    if not quiet:
        for note in module.notes:
            click.echo(f"Note: {note}", err=True)
    files = [] if path is None else _files(path, module, schema, options, layout)
    if path is not None:
        _finish(
            path, files, _own_models(path, schema, options, layout), layout, check=check, force=force, quiet=quiet
        )
    if as_json:
        click.echo(json.dumps(_as_json(module, files), indent=2, ensure_ascii=False))
    elif path is None:
        click.echo(file_text(module.body, schema), nl=False)


def _path(output: Path | None, bases: Path | None, *, needs_files: Mapping[str, bool]) -> Path | None:
    """Return the path of the generated module; None if it is printed."""
    if output is not None and bases is not None:
        raise click.UsageError("-o writes models, and --bases abstract bases and models: give one of them.")
    path = output if bases is None else bases / "_generated.py"
    needed = [option for option, is_given in needs_files.items() if is_given]
    if path is None and needed:
        raise click.UsageError(f"{needed[0]} is about files: name them with -o or --bases.")
    if path is not None and not path.parent.is_dir():
        raise click.UsageError(f"There is no folder {path.parent}.")
    return path


def _of_server(connection: Mapping[str, Any], reading: Mapping[str, Any]) -> DatabaseSchema:
    with opened_session(**connection) as session:
        session.info()  # the version for the header
        schema = read_schema(session, **reading)
        if session.permissions().is_administrator:
            return schema
        return attrs.evolve(schema, notes=(*schema.notes, _LIMITED))


def _layout(path: Path | None, *, has_bases: bool, lookups: LookupDepth) -> Layout:
    if path is None:
        return Layout()
    if lookups != "none" and not path.stem.isidentifier():
        raise click.UsageError(
            f"{path.name} cannot be imported by that name, and stub files import it: choose another."
        )
    is_package = (path.parent / "__init__.py").is_file()
    return Layout(path.stem, has_bases=has_bases, lookups=lookups, is_package=is_package)


# --- files ----------------------------------------------------------------------------------------------------


def _files(
    path: Path, module: GeneratedModule, schema: DatabaseSchema, options: GeneratorOptions, layout: Layout
) -> list[OutputFile]:
    """Return the files that are written anew each time: the module, and the stub files."""
    folder = path.parent / layout.lookups_folder
    stubs = lookup_files(schema, options, layout).items()
    return [
        OutputFile(path, file_text(module.body, schema)),
        *(OutputFile(folder / name, stub_text(text)) for name, text in stubs),
    ]


def _own_models(
    path: Path, schema: DatabaseSchema, options: GeneratorOptions, layout: Layout
) -> OutputFile | None:
    """Return the user's own models, as far as they are not there yet; None without abstract bases."""
    if not layout.has_bases:
        return None
    own = OutputFile(path.parent / "models.py", "")
    if own.before is not None and body_of(own.before) is not None:
        refuse([f"{own.path} was written by generate -o. Move it away, or write its models into another folder."])
    try:
        lacking = models_module(schema, options, layout, own.before)
    except SyntaxError as error:
        raise click.UsageError(f"{own.path} cannot be read: {error}") from error
    return attrs.evolve(own, text=lacking.body)


def _finish(
    path: Path,
    files: list[OutputFile],
    own: OutputFile | None,
    layout: Layout,
    *,
    check: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Compare the files, or write them."""
    obsolete = obsolete_files(path.parent / layout.lookups_folder, files)
    if not check:
        write(files, obsolete, force=force, quiet=quiet)
        if own is not None and own.before is None:
            own.path.write_text(_MODELS + own.text, encoding="utf-8")
            click.echo(f"Wrote {own.path}: it is yours from now on.", err=True)
            return
    if own is not None and own.text:
        click.echo(f"{own.path} has no models of these bases yet; add them:\n\n{own.text}", err=True)
    if check and (compare(files, obsolete) or (own is not None and own.text)):
        raise SystemExit(ExitCode.DIFFERENT)


def _as_json(module: GeneratedModule, files: Sequence[OutputFile]) -> dict[str, Any]:
    """Return what was generated as values for JSON, with the source if it is in no file."""
    found: dict[str, Any] = {
        "models": [{"collection": name, "class": each} for name, each in module.classes.items()],
        "notes": [attrs.asdict(note) for note in module.notes],
        "files": [str(each.path) for each in files],
    }
    return found if files else {**found, "source": module.body}
