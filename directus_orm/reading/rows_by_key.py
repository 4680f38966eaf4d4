"""Reading rows by their keys, which the database may find under other spellings than those asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from unicodedata import combining, normalize

from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.paths import FieldPath, kind_of, target_of
from ..fields.type_table import COLLATED
from ..query.query import Query, key_alias
from ..session.session import Session
from .pagination.pager_driver import fetch
from .pagination.pagers import key_pager


def read_rows_by_key(session: Session, query: Query, keys: Iterable[Any]) -> dict[Any, Row]:
    """Read what a query selects of the rows with these keys, which are as they are sent to the server.

    Returns the rows by the loaded keys that were asked for. MariaDB takes "ABC" for "abc", also in foreign keys:
    a key that no row has as it is written, but one in another spelling, is asked for by itself, and the database
    decides.
    """
    pk: Field = query.model.directus.pk
    wanted = {pk.load(key): key for key in keys}
    rows = _read(session, query, list(wanted.values()))
    missing = [key for key in wanted if isinstance(key, str) and key not in rows]
    spelled = {fold_text(key) for key in rows if isinstance(key, str)} if missing else set()
    for key in missing:
        if fold_text(key) in spelled:
            rows.update((key, row) for row in _read(session, query, [wanted[key]]).values())
    return {key: rows[key] for key in wanted if key in rows}


def may_find_other_spellings(session: Session, pk: Field, keys: Iterable[Any]) -> bool:
    """Return whether the database may find a row by its key in another spelling than it has.

    A session asks this once for each collection, with one of ``keys``, which are of rows that this user may read.
    Without letters in them, nothing is asked.
    """
    if kind_of(pk) not in COLLATED:
        return False
    known, collection = session.facts.finds_other_spellings, pk.model.directus.collection
    if collection not in known:
        key = next((key for key in keys if isinstance(key, str) and key != key.swapcase()), None)
        if key is None:
            return True
        spellings = [key.swapcase(), f"{key} ", f"{key}\N{COMBINING ACUTE ACCENT}"]
        rows = _read(session, Query(pk.model, paths=((pk,),)), spellings).values()
        known[collection] = any(row[pk.column] not in spellings for row in rows)
    return known[collection]


def _read(session: Session, query: Query, keys: list[Any]) -> dict[Any, Row]:
    pk: Field = query.model.directus.pk
    pager = key_pager(query, keys, dialect_of(session), session.max_rows)
    return {pk.load(row[pk.column]): row for page in fetch(session, pager) for row in page}


# --- related rows -----------------------------------------------------------------------------------------------


def with_spelled_rows(session: Session, query: Query, rows: list[Row]) -> list[Row]:
    """Return rows with those related rows that the database finds by another spelling of their keys.

    Beside other rows the server finds a row only by its key to the letter. So keys that stand beside no row are
    asked for by themselves, if the database finds such (see `may_find_other_spellings`). The rows that were given
    stay as they are.
    """
    for path in query.related_by_text:
        target = target_of(path[-1])
        pk: Field = target.directus.pk
        keys = dict.fromkeys(_related_keys(rows, path, beside_row=False))
        if keys and may_find_other_spellings(session, pk, _related_keys(rows, path, beside_row=True)):
            inner = (each[len(path) :] for each in query.paths if _leads(path, each))
            related = read_rows_by_key(session, Query(target, paths=((pk,), *inner)), keys)
            rows = [_with_row(row, path, related) for row in rows]
    return rows


def _leads(path: FieldPath, longer: FieldPath) -> bool:
    return len(longer) > len(path) and longer[: len(path)] == path


def _related_keys(rows: Iterable[Row], path: FieldPath, *, beside_row: bool) -> Iterator[Any]:
    """Yield the keys at the end of a path of relations: those beside a row, or those beside none."""
    *relations, last = path
    for row in rows:
        nested: Any = row
        for relation in relations:
            nested = nested.get(relation.column) if isinstance(nested, dict) else None
        if not isinstance(nested, dict) or (key := nested.get(key_alias(last))) is None:
            continue
        related = nested.get(last.column, key)  # left out, or a bare key, if this user may read no such rows (G26)
        if isinstance(related, dict) if beside_row else related is None:
            yield key


def _with_row(row: Row, path: FieldPath, related: dict[Any, Row]) -> Row:
    """Return a row with the related row at the end of a path put in, if it lacks one that has its key."""
    first, *rest = path
    nested = row.get(first.column)
    if isinstance(nested, dict):
        inner = _with_row(nested, tuple(rest), related) if rest else nested
        return row if inner is nested else {**row, first.column: inner}
    key = None if rest else row.get(key_alias(first))
    found = None if key is None else related.get(first.load(key))
    return row if found is None else {**row, first.column: found}


def fold_text(text: str) -> str:
    """Return a text as MariaDB compares it by default: without case, accents and trailing blanks, emoji alike."""
    plain = (c if c < "\U00010000" else "\ufffd" for c in normalize("NFKD", text) if not combining(c))
    return "".join(plain).casefold().rstrip(" ")
