"""Restoring a row to what a revision says: our own way, since the server's writes masks over passwords (S3)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from ..core.errors import Forbidden, NotVisibleWarning, UnsupportedQuery
from ..core.request_response import Request, Row
from ..session.http.routes import SYSTEM_COLLECTIONS, finds_by_keys
from ..session.session import Session
from ..writing.store_back import level_of_caller
from .stored_columns import StoredColumn, columns_of

ValuesHeld = Callable[[Iterable[str]], Mapping[str, Any]]
"""Returns, of these columns, the values that the revisions of a row hold."""

Change = tuple[Any, Any]
"""The value of a field before and after."""

_NOT_HELD = "No revision up to this one holds its value."
_NO_FIELD = "The collection has no such field, or this user may not read it."
_UNREADABLE = "This user may not read it."
_ANOTHER_VALUE = "The server stored another value."
_GONE = "The row that it led to is gone, or this user may not read it."

# Rows that would do harm, or have no content, if they were created from what revisions hold.
_NEVER_CREATED = {
    "directus_access": (
        "revisions do not hold whom it belonged to, and an access without an owner is for everybody. "
        "Create it with Access.objects.create(…)."
    ),
    "directus_files": "its content was deleted with it. Upload the file again.",
    "directus_presets": (
        "revisions do not hold whom it belonged to, and a preset without an owner is for everybody. "
        "Create it with Preset.objects.create(…)."
    ),
}


def _frozen(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(values))


@attrs.frozen(kw_only=True)
class Restoration:
    """What `Revision.restore` did. Fields have the server's names, and values are its JSON.

    A field that is in neither mapping had the value of the revision already.

    Attributes:
        collection: the collection of the row.
        key: the key of the row.
        created: whether the row had been deleted, and was created again.
        restored: the fields that were written, each with its value before and after.
        not_restored: the fields that may differ from the revision, each with the reason.
    """

    collection: str
    key: Any
    created: bool
    restored: Mapping[str, Change] = attrs.field(converter=_frozen, hash=False)
    not_restored: Mapping[str, str] = attrs.field(converter=_frozen, hash=False)


def restore(session: Session, collection: str, item: str, data: Row, values_held: ValuesHeld) -> Restoration:
    """Write what a revision holds of a row; see `Revision.restore`."""
    _require_writable(collection)
    columns = columns_of(session, collection)
    row = _Row(session, collection, next(column for column in columns.values() if column.is_key), item)
    before = row.read()
    if before is None:
        _require_creatable(collection, data)
    plan = _plan(session, columns, before, values_held)
    changed = {name: value for name, value in plan.wanted.items() if _differs(columns[name], before, value)}
    after = before if before is not None and not changed else row.write(before, changed)
    # A field that this user does not see now was sent all the same.
    lost = [name for name, value in plan.wanted.items() if name in after and _differs(columns[name], after, value)]
    written = {name: ((before or {}).get(name), after.get(name, value)) for name, value in changed.items()}
    return Restoration(
        collection=collection,
        key=row.key,
        created=before is None,
        restored={name: change for name, change in written.items() if name not in lost},
        not_restored={
            **dict.fromkeys((name for name in data if name not in columns), _NO_FIELD),
            **plan.problems,
            **dict.fromkeys(lost, _ANOTHER_VALUE),
        },
    )


@attrs.frozen
class _Plan:
    """The values that the row should have, and why other fields cannot have theirs."""

    wanted: Row
    problems: dict[str, str]


def _plan(
    session: Session, columns: Mapping[str, StoredColumn], before: Row | None, values_held: ValuesHeld
) -> _Plan:
    others = [column for column in columns.values() if not column.is_key]
    plan = _Plan({}, {column.name: column.kept for column in others if column.kept is not None})
    free = [column for column in others if column.kept is None]
    held = values_held([column.name for column in free])
    for column in free:
        problem = _problem(session, column, held, before)
        if problem is None:
            plan.wanted[column.name] = held[column.name]
        else:
            plan.problems[column.name] = problem
    return plan


def _problem(session: Session, column: StoredColumn, held: Mapping[str, Any], before: Row | None) -> str | None:
    if column.name not in held:
        return _NOT_HELD
    if before is not None and column.name not in before:
        return _UNREADABLE
    value = held[column.name]
    problem = column.problem(value)
    if problem is None and _differs(column, before, value) and _leads_nowhere(session, column, value):
        return _GONE
    return problem


def _differs(column: StoredColumn, row: Row | None, value: Any) -> bool:
    return row is None or not column.is_same(row.get(column.name), value)


class _Row:
    """The row of a revision on the server; the row of a singleton has a route without a key."""

    def __init__(self, session: Session, collection: str, key_column: StoredColumn, item: str) -> None:
        self.key = key_column.key(item)
        self._session = session
        self._collection = collection
        self._column = key_column.name
        self._is_singleton = False

    def read(self) -> Row | None:
        """Return the fields that this user may read; None if the row is deleted, or hidden from this user."""
        data = _rows_with_key(self._session, self._collection, self._column, self.key)
        self._is_singleton = isinstance(data, dict)
        return data if isinstance(data, dict) else next(iter(data), None)

    def write(self, before: Row | None, values: Row) -> Row:
        """Write values, and return the row as it is stored; what was sent, if this user does not see the row."""
        items = self._session.items(self._collection)
        if before is None:
            items.create({self._column: self.key, **values})
        else:
            items.update(None if self._is_singleton else self.key, values)
        # All fields are read back: a preset of the user's permissions may have set others (S19).
        after = self._read_after_write()
        if after is None:
            msg = f"{self._collection} {self.key!r} was restored, but this user does not see the row."
            warnings.warn(msg, NotVisibleWarning, stacklevel=level_of_caller())
        return {**(before or {}), **values} if after is None else after

    def _read_after_write(self) -> Row | None:
        try:
            return self.read()
        except Forbidden:
            return None


def _leads_nowhere(session: Session, column: StoredColumn, key: Any) -> bool:
    """Return whether a key leads to a row that is not there, as far as this user sees."""
    if column.refers_to is None or key is None:
        return False
    try:
        return not _rows_with_key(session, *column.refers_to, key)
    except Forbidden:
        return False  # the server decides


def _rows_with_key(session: Session, collection: str, column: str, key: Any) -> Any:
    """Return the list of the rows with a key, past caches; of a singleton, its row."""
    path = session.api.items_path(collection)
    query = {"fields": ["*"], "limit": 1}
    if finds_by_keys(path):  # a filter would evaluate a key such as "$NOW"
        return session.send(Request("SEARCH", path, json={"keys": [key], "query": query})).data
    params = session.api.query_params({**query, "filter": {column: {"_eq": key}}})
    return session.send(Request("GET", path, params, fresh=True)).data


def _require_writable(collection: str) -> None:
    """Refuse collections whose rows are no rows of such a route: a field is changed with the schema (C11)."""
    system = SYSTEM_COLLECTIONS.get(collection)
    if collection.startswith("directus_") and (system is None or "update" not in system.writes):
        msg = f"Rows of {collection} cannot be restored: the server changes them in other ways."
        raise UnsupportedQuery(msg)


def _require_creatable(collection: str, data: Row) -> None:
    why = _NEVER_CREATED.get(collection, None if data else "this revision holds no values.")
    if why is not None:
        msg = f"This row of {collection} was deleted, and cannot be created again: {why}"
        raise UnsupportedQuery(msg)
