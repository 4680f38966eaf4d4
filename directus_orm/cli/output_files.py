"""The files that a command writes: compared, refused where somebody edited them, written, and cleared away."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import attrs
import click

from ..schema.generating.files import body_of, is_edited
from .exit_codes import ExitCode


@attrs.frozen
class OutputFile:
    """A file and the text that belongs into it."""

    path: Path
    text: str

    @property
    def before(self) -> str | None:
        """The text of the file as it is; None if there is no file."""
        # A file of others may be in any encoding.
        return self.path.read_text(encoding="utf-8", errors="replace") if self.path.is_file() else None

    @property
    def difference(self) -> str:
        """What the command would change below the header, as lines of a diff."""
        before = body_of(self.before or "") or ""
        after = body_of(self.text) or ""
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, str(self.path), "server"))

    @property
    def is_edited(self) -> bool:
        """Whether the file is there and is not as this program wrote it."""
        before = self.before
        return before is not None and is_edited(before)


def obsolete_files(folder: Path, files: Sequence[OutputFile]) -> list[Path]:
    """Return the stub files of a folder that this program wrote, nobody edited, and no model needs any more."""
    kept = {each.path for each in files}
    found = sorted(folder.glob("*.pyi"))
    return [each for each in found if each not in kept and not OutputFile(each, "").is_edited]


def compare(files: Iterable[OutputFile], obsolete: Iterable[Path]) -> bool:
    """Print what differs, and return whether something does. Nothing is written."""
    differences = [each.difference for each in files]
    gone = [f"{path} belongs to no model.\n" for path in obsolete]
    found = "".join([*differences, *gone])
    click.echo(found, err=True, nl=False)
    return bool(found)


def write(files: Sequence[OutputFile], obsolete: Iterable[Path], *, force: bool, quiet: bool) -> None:
    """Write all files, or none if one of them was edited, and delete those that are obsolete."""
    edited = [each.path for each in files if each.is_edited]
    if edited and not force:
        message = "was edited, or was not written by this program, and stays as it is. --force overwrites it."
        refuse([f"{path} {message}" for path in edited])
    for each in files:
        each.path.parent.mkdir(exist_ok=True)
        each.path.write_text(each.text, encoding="utf-8")
    for path in obsolete:
        path.unlink()
    for written in [] if quiet else _places(files):
        click.echo(f"Wrote {written}.", err=True)


def refuse(messages: Iterable[str]) -> NoReturn:
    """Print why nothing was written, and exit."""
    for message in messages:
        click.echo(f"Error: {message}", err=True)
    raise SystemExit(ExitCode.REFUSED)


def _places(files: Sequence[OutputFile]) -> list[str]:
    """Return the modules, and the folders of stub files with the number of these."""
    stubs = [each.path.parent for each in files if each.path.suffix == ".pyi"]
    modules = [str(each.path) for each in files if each.path.suffix != ".pyi"]
    return modules + [f"{stubs.count(folder)} files in {folder}" for folder in dict.fromkeys(stubs)]
