"""Exporting rows to a file here, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, Any

import attrs

from ...core.errors import ConversionError, QueryError
from ...core.progress import Progress, reporting
from ...core.request_response import Row
from .row_formats import RowWriter, format_of_suffix, row_writer
from .whole_files import whole_file

Target = str | os.PathLike[str] | IO[bytes]
"""The path of a file, or an open binary file."""

# Progress and the file hear of so many rows at once.
_ROWS_AT_ONCE = 500


@attrs.frozen
class FileExport:
    """A file that rows are about to be written to: its path or the open file, and its format."""

    path: Path | None
    file: Any
    writer: RowWriter

    @classmethod
    def of(cls, to: Target, format: str | None, columns: Sequence[str] | None) -> FileExport:  # noqa: A002 - as callers name it
        """Return the export to a path or an open file, in a format that may be known by the suffix of the path.

        ``columns`` are the names for the header of a CSV file, if they are known before the first row.

        Raises:
            QueryError: there is no such format, or it is not known.
            ConfigurationError: its package is missing.
        """
        path = Path(to) if isinstance(to, str | os.PathLike) else None
        name = format or (format_of_suffix(path.suffix) if path else None)
        if name is None:
            raise QueryError(f"export(to={to!r}): give format=, since no suffix such as .csv or .jsonl says it.")
        return cls(path, to, row_writer(name, columns))

    def write(self, rows: Iterable[Row], total: Callable[[], int], progress: Progress = None) -> int:
        """Write rows as they are read, and return their number. A path gets the whole file, or none.

        ``total`` counts the rows, for the progress.

        Raises:
            ConversionError: the format has no place for a value.
            OSError: the file cannot be written.
        """
        opened = nullcontext(self.file) if self.path is None else whole_file(self.path)
        label = None if self.path is None else self.path.name
        with opened as file, reporting(progress, total, label=label) as advance:
            return _write(self.writer, rows, file, advance)


def _write(writer: RowWriter, rows: Iterable[Row], file: IO[bytes], advance: Callable[[int], object]) -> int:
    file.write(writer.begin().encode())
    done, left = 0, iter(rows)
    while batch := list(islice(left, _ROWS_AT_ONCE)):
        file.write(b"".join(_encoded(writer, row, number) for number, row in enumerate(batch, done + 1)))
        done += len(batch)
        advance(len(batch))
    file.write(writer.end().encode())
    return done


def _encoded(writer: RowWriter, row: Row, number: int) -> bytes:
    try:
        return writer.row(row).encode()
    except ConversionError as error:
        raise ConversionError(f"Row {number} of the export: {error}") from None
    except UnicodeEncodeError as error:
        msg = f"Row {number} of the export holds half of a character, {error.object[error.start]!r}."
        raise ConversionError(msg) from None
