"""Recovery of writes whose response was lost: rows are read back, and a write that was not applied is repeated.

The session repeats only requests that are always safe to repeat. Creates and updates are not: for them it raises
`OutcomeUnknown`. Here the model is known, so the rows are read back by their keys, and compared with the rows that
were sent and with those that were loaded before.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from ..core.errors import ConversionError, DirectusError, OutcomeUnknown, RecordNotUnique
from ..core.request_response import Request, Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..query.query import Query
from ..reading.pagination.pager_driver import fetch
from ..reading.pagination.pagers import key_pager
from ..session.http.retry import RetryState, is_conclusive, shared_deadline
from ..session.session import Session


@attrs.frozen(eq=False)
class RecoverableWrite:
    """A request that writes rows in one transaction, with what is needed to find out whether it was applied.

    ``rows`` are the rows as they are sent, each with its key. ``readback`` selects the fields of the response.
    ``rows_before`` holds the rows as they were loaded before the write, by key. ``single`` says that the response
    is one row. ``recheck`` is called before the write is repeated, and raises if it must not be.
    """

    request: Request
    info: ModelInfo
    rows: Sequence[Row]
    readback: Query
    rows_before: Mapping[Any, Row] = attrs.field(factory=dict)
    creates: bool = False
    single: bool = False
    recheck: Callable[[], None] | None = None

    @property
    def can_be_looked_up(self) -> bool:
        """Whether every row has a key to look for."""
        singleton = self.info.options.singleton
        return singleton or all(row.get(self.info.pk.column) is not None for row in self.rows)

    def key_of(self, row: Row) -> Any:
        """Return the key of a row as a Python value; None for a singleton."""
        return None if self.info.options.singleton else self.info.pk.load(row[self.info.pk.column])


def send(session: Session, write: RecoverableWrite) -> Response:
    """Send a write; if its response is lost, find out whether it was applied, and repeat it if it was not.

    Raises:
        OutcomeUnknown: it is impossible to find out whether the write was applied.
    """
    if not write.can_be_looked_up or not session.retry.times:
        return _with_rows(write, session.send(write.request))
    with shared_deadline():
        return WriteRecovery(session, write).result()


class WriteRecovery:
    """Sends one write, looks its rows up if the response is lost, and repeats it where that is safe."""

    def __init__(self, session: Session, write: RecoverableWrite) -> None:
        self._session = session
        self._write = write
        self._tries = RetryState(session.retry, write.request, session.api)

    def result(self) -> Response:
        """Return the response, or one built from the rows that were read back."""
        while True:
            refusal = None
            try:
                return _with_rows(self._write, self._session.send(self._write.request))
            except OutcomeUnknown as error:
                if not error.passing:
                    raise
                lost = self._tries.lost or error
            except RecordNotUnique as error:
                if self._tries.lost is None or not self._write.creates:
                    raise
                lost, refusal = self._tries.lost, error  # the first try may have created it
            except DirectusError as error:
                if self._tries.lost is None or is_conclusive(error):
                    raise
                raise self._tries.lost from error
            time.sleep(self._tries.count(lost))
            response = self._response_from_rows(lost)
            if response is not None:
                return response
            self._check_may_be_repeated(lost, refusal)

    def _response_from_rows(self, lost: OutcomeUnknown) -> Response | None:
        """Return the response that was lost, built from the rows; None if the write was not applied."""
        write = self._write
        try:
            row_by_key = _read_back(self._session, write)
            applied = _were_created(write, row_by_key) if write.creates else _were_updated(write, row_by_key)
        except DirectusError as unreadable:
            raise lost from unreadable
        if applied is None:
            raise lost
        if not applied:
            return None
        rows = list(row_by_key.values())
        if not write.single:
            return Response(200, rows, request=lost.request)
        return Response(200, rows[0], request=lost.request) if rows else Response(204, request=lost.request)

    def _check_may_be_repeated(self, lost: OutcomeUnknown, refusal: RecordNotUnique | None) -> None:
        """Raise if the write, which was not applied, must not be sent again."""
        if refusal is not None:
            if refusal.field in {None, self._write.info.pk.column}:
                raise lost from refusal  # the row may exist, and be hidden from this user
            raise refusal
        if self._tries.is_exhausted:
            raise lost
        if self._write.recheck is not None:
            self._write.recheck()


def _with_rows(write: RecoverableWrite, response: Response) -> Response:
    """Return a response if it contains rows or nothing; raise OutcomeUnknown if it contains something else."""
    rows = [response.data] if write.single else response.data
    key = write.info.pk.column
    if response.data is None or (isinstance(rows, list) and all(isinstance(r, dict) and key in r for r in rows)):
        return response
    request = write.request
    msg = (
        f"The response to {request.method} {request.path} (status {response.status}) is "
        f"{str(response.data)[:80]!r} instead of what was written. It is not known whether it was written."
    )
    raise OutcomeUnknown(msg, request=request, status=response.status, passing=True)


def _read_back(session: Session, write: RecoverableWrite) -> dict[Any, Row]:
    """Return the rows that exist, by key. The server's caches are bypassed (G28)."""
    dialect, pk = dialect_of(session), write.info.pk
    if write.info.options.singleton:
        response = session.send(dialect.read_singleton(write.readback, fresh=True))
        return {None: dialect.singleton_row(response, write.info)}
    keys = [row[pk.column] for row in write.rows]
    pager = key_pager(write.readback, keys, dialect, session.max_rows)
    return {pk.load(row[pk.column]): row for page in fetch(session, pager) for row in page}


# --- was it applied? --------------------------------------------------------------------------------------------


def _were_created(write: RecoverableWrite, row_by_key: Mapping[Any, Row]) -> bool | None:
    """Return whether the rows were created; None if that is unclear: rows with these keys have other values."""
    if not row_by_key:
        return False
    pairs = [(_comparable(write.info, row), row_by_key.get(write.key_of(row), {})) for row in write.rows]
    return True if all(stored and _holds(write.info, row, stored, _is_near) for row, stored in pairs) else None


def _were_updated(write: RecoverableWrite, row_by_key: Mapping[Any, Row]) -> bool | None:
    """Return whether the rows were updated; None if that is unclear. Rows that do not exist are skipped (G5)."""
    pairs = [(row, row_by_key[key]) for row in write.rows if (key := write.key_of(row)) in row_by_key]
    all_comparable = all(_comparable(write.info, row) == row for row, _ in pairs)
    if all_comparable and all(_holds(write.info, row, stored, _is_same) for row, stored in pairs):
        return True
    if all(_is_unchanged(write, row, stored) for row, stored in pairs):
        return False
    if all_comparable and all(_holds(write.info, row, stored, _is_near) for row, stored in pairs):
        return True
    return None


def _comparable(info: ModelInfo, row: Row) -> Row:
    """Return a row without the new related rows nested in it: the server makes their keys."""
    fields = {field.column: field for field in info.fields.values()}
    return {
        column: value
        for column, value in row.items()
        if column not in fields or not _is_new_related_row(fields[column], value)
    }


def _is_new_related_row(field: Field, value: Any) -> bool:
    return isinstance(value, dict) and field.target is not None and _key_or_value(field, value) is None


# --- comparing JSON values --------------------------------------------------------------------------------------

Compare = Callable[[Field, Any, Any], bool]


def _holds(info: ModelInfo, sent: Row, stored: Row, compare: Compare) -> bool:
    """Return whether a row has the sent values; lists need no check, since they are in the same transaction."""
    sent_fields = [field for field in info.fields.values() if field.column in sent and field != info.pk]
    fields = [field for field in sent_fields if not field.is_secret]
    if sent_fields and not fields:
        return False  # masked values cannot be compared (G6)
    return all(f.column in stored and compare(f, sent[f.column], stored[f.column]) for f in fields)


def _is_unchanged(write: RecoverableWrite, sent: Row, stored: Row) -> bool:
    before = write.rows_before.get(write.key_of(sent), {})
    fields = [field for field in write.info.fields.values() if field.column in sent and field != write.info.pk]
    return all(
        field.column in before
        and field.column in stored
        and not field.is_secret
        and _is_same(field, before[field.column], stored[field.column])
        for field in fields
    )


def _is_same(field: Field, sent: Any, stored: Any) -> bool:
    """Return whether two JSON values mean the same, such as a decimal as number and as text."""
    sent, stored = _key_or_value(field, sent), _key_or_value(field, stored)
    if sent is None or stored is None:
        return sent is stored
    try:
        return _normalized_json(field, sent) == _normalized_json(field, stored)
    except ConversionError:
        return False


def _is_near(field: Field, sent: Any, stored: Any) -> bool:
    """Return whether the values are the same, or one is the other rounded by a column of less precision."""
    if _is_same(field, sent, stored):
        return True
    try:
        before, after = field.load(_key_or_value(field, sent)), field.load(_key_or_value(field, stored))
    except (ConversionError, TypeError):
        return False
    match before, after:
        case datetime(), datetime():
            return abs(before - after) < timedelta(seconds=1)
        case Decimal(), Decimal():
            return abs(before - after) <= Decimal((0, (5,), int(after.as_tuple().exponent) - 1))
        case float(), float():
            return math.isclose(before, after, rel_tol=1e-6)
        case _:
            return False


def _key_or_value(field: Field, value: Any) -> Any:
    """Return the key of a nested related row; other values as they are."""
    if field.target is not None and isinstance(value, dict):
        return value.get(field.target.directus.pk.column)
    return value


def _normalized_json(field: Field, value: Any) -> str:
    return json.dumps(field.dump(field.load(value)), sort_keys=True)
