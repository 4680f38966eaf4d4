"""Imports that the server makes, of a file of rows or of the rows of several collections."""

from __future__ import annotations

import csv
import io
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, get_args

import attrs

from ...core.deferred_import import public_in
from ...core.errors import FieldError, QueryError, ServerError, suggestion
from ...core.progress import Progress, reporting
from ...core.request_response import Request, Send, url_path
from .upload_sources import Source

ImportMode = Literal["add", "merge"]
"""``"add"`` inserts all rows with new keys; ``"merge"`` updates the rows whose keys exist, and inserts others."""

FORMATS: Mapping[str, str] = {"csv": "text/csv", "json": "application/json"}
"""The MIME types of the formats that the server reads."""

# The names of the fields stand within so many bytes from the start.
_LONGEST_START = 1 << 20


@public_in("directus_orm.session")
@attrs.frozen
class ImportedRows:
    """What an import of several collections did, or would do, with one of them: the keys of its rows.

    ``mapped`` leads from the keys in the import to those that the rows have.
    """

    existing: tuple[Any, ...]
    new: tuple[Any, ...]
    deleted: tuple[Any, ...]
    mapped: Mapping[str, Any]


@public_in("directus_orm.session")
@attrs.frozen
class ImportResult:
    """What an import of several collections did; with ``applied=False``, what it would have done."""

    applied: bool
    collections: Mapping[str, ImportedRows]


@attrs.frozen
class FileImport:
    """A file of rows on its way into a collection.

    Args:
        send: sends it.
        collection: where the rows go.
        fields: the names of the collection's fields.
    """

    send: Send
    collection: str
    fields: Sequence[str]

    def run(self, source: Source, progress: Progress) -> None:
        """Send the file, and let the server write all its rows, or none.

        Raises:
            FieldError: the file names a field that the collection does not have.
            QueryError: a CSV file has no header.
            ServerError: the server refused a row; the message says which one.
        """
        source = self._checked(source)
        with reporting(progress, source.length or 0, unit="B", label=source.name) as advance:
            upload = source.as_part({}, advance)
            try:
                self.send(Request("POST", "/utils/import" + url_path(self.collection), upload=upload))
            except ServerError as error:
                rows = refused_rows(error)
                raise (error.with_message(f"{error} Refused rows: {rows}.") if rows else error) from None

    def _checked(self, source: Source) -> Source:
        """Return the source after a look at the names in it: of the header, or of the first JSON object.

        The server would store a row without values for each row whose names it does not know.
        """
        pieces = source.pieces(0)
        start, names = _read_start(pieces, _NAMES[source.type])
        if source.type == FORMATS["csv"] and not names:
            raise QueryError(f"{source.name} has no header: its first line names the fields.")
        self._check_names(names or ())
        # Directus 10 reads a BOM as a part of the first name, and ignores the values below it.
        skipped = len(BOM_UTF8) if start.startswith(BOM_UTF8) else 0
        length = None if source.length is None else source.length - skipped
        if source.repeatable:
            return attrs.evolve(source, length=length, pieces=lambda offset: source.pieces(offset + skipped))
        return attrs.evolve(source, length=length, pieces=lambda _: _resumed(start[skipped:], pieces))

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name.partition(".")[0] not in self.fields:
                known = ", ".join(sorted(self.fields))
                raise FieldError(
                    f"The file names a field {name!r}, which {self.collection!r} does not have, or which is "
                    f"hidden from this user.{suggestion(name, self.fields)} Fields: {known}. "
                    "A CSV file is separated by commas. The server would store rows without values."
                )


def _resumed(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    return chain([start] if start else [], rest)


def _read_start(
    pieces: Iterator[bytes], names_in: Callable[[str], list[str] | None]
) -> tuple[bytes, list[str] | None]:
    """Return the start of a file that was read, and the names in it; None if there are none."""
    start = b""
    for piece in pieces:
        start += piece
        names = names_in(start.decode("utf-8-sig", "ignore"))
        if names is not None or len(start) > _LONGEST_START:
            return start, names
    return start, names_in(start.decode("utf-8-sig", "ignore") + "\n")


def _first_record(text: str) -> list[str] | None:
    """Return the names in the header of a CSV file; None if its end is not there yet."""
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            read.append(line)
            yield line

    try:
        names = next(csv.reader(lines(), strict=True), None)
    except csv.Error:  # a quote is open
        return None
    return names if read and read[-1].endswith(("\n", "\r")) else None


def _first_object(text: str) -> list[str] | None:
    """Return the names in the first object of a JSON list; None if its end is not there yet."""
    start = text.lstrip()
    if not start.startswith("["):
        return [] if start else None  # the server says what is wrong
    try:
        row, _ = json.JSONDecoder().raw_decode(start[1:].lstrip())
    except ValueError:
        return None
    return list(row) if isinstance(row, dict) else []


_NAMES: Mapping[str, Callable[[str], list[str] | None]] = {
    FORMATS["csv"]: _first_record,
    FORMATS["json"]: _first_object,
}


def refused_rows(error: ServerError) -> str:
    """Return the numbers of the rows that an import was refused for, from 1; empty if the server does not say."""
    texts = []
    for entry in error.errors:
        extensions = entry.get("extensions") or {}
        listed = extensions.get("rows") if isinstance(extensions, Mapping) else None
        for each in listed if isinstance(listed, list) else []:
            texts += _numbers(each)
    return ", ".join(dict.fromkeys(texts))


def _numbers(rows: Any) -> list[str]:
    match rows:
        case {"type": "lines", "rows": [*numbers]}:
            return [str(number) for number in numbers]
        case {"type": "range", "start": start, "end": end}:
            return [f"{start} to {end}"]
        case _:
            return []


def collections_request(
    rows: Mapping[str, Iterable[Mapping[str, Any]]], mode: str, *, dry_run: bool, delete: bool
) -> Request:
    """Return the request that imports the rows of several collections.

    Raises:
        QueryError: there is no such mode, or it deletes no rows.
    """
    if mode not in get_args(ImportMode):
        raise QueryError(f"mode={mode!r} is none of {', '.join(map(repr, get_args(ImportMode)))}.")
    if delete and mode != "merge":
        raise QueryError("import_collections(delete_others=True) needs mode='merge'.")
    flags = {"dryRun": dry_run, "dangerouslyAllowDelete": delete}
    params = [("mode", mode), *((name, "true") for name, is_set in flags.items() if is_set)]
    body = [{"collection": name, "items": [dict(row) for row in each]} for name, each in rows.items()]
    return Request("POST", "/utils/import", tuple(params), json=body)


def read_result(data: Any) -> ImportResult | None:
    """Return what the response to such a request says; None if it is something else."""
    match data:
        case {"applied": bool(applied), "collections": dict(collections)}:
            return ImportResult(applied, {name: _imported(each) for name, each in collections.items()})
        case _:
            return None


def _imported(data: Mapping[str, Any]) -> ImportedRows:
    existing, new, deleted = (tuple(data.get(name) or ()) for name in ("existing", "new", "deleted"))
    return ImportedRows(existing, new, deleted, data.get("mapped") or {})
