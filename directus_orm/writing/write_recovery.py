"""Recovery of writes whose response was lost: rows are read back, and a write that was not applied is repeated.

The session repeats only requests that are always safe to repeat. Creates and updates are not: for them it raises
`OutcomeUnknown`. Here the model is known, so the rows are read back by their keys, and compared with the rows that
were sent and with those that were loaded before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from ..core.errors import ConversionError, DirectusError, InvalidRequest, OutcomeUnknown, RecordNotUnique
from ..core.request_response import Request, Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.type_table import PLAIN_KEYS
from ..instances.dirty_tracking import differs_from_stored
from ..query.query import Query
from ..reading.hidden_rows import may_hide_rows
from ..reading.pagination.pager_driver import fetch
from ..reading.pagination.pagers import key_pager
from ..session.http.error_mapping import outcome_unknown
from ..session.http.retry import RetryState, is_conclusive, shared_deadline
from ..session.session import Session


@attrs.frozen(eq=False)
class RecoverableWrite:
    """A request that writes rows in one transaction, with what is needed to find out whether it was applied.

    ``rows`` are the rows as they are sent, each with its key. ``readback`` selects the fields of the response.
    ``rows_before`` holds the rows as they were loaded before the write, by key. ``new_keys`` are keys that were
    made for this write, so that nobody else creates their rows. ``single`` says that the response is one row.
    ``recheck`` is called before the write is repeated, and raises if it must not be.
    """

    request: Request
    info: ModelInfo
    rows: Sequence[Row]
    readback: Query
    rows_before: Mapping[Any, Row] = attrs.field(factory=dict)
    new_keys: Container[Any] = ()
    creates: bool = False
    single: bool = False
    recheck: Callable[[], None] | None = None

    @property
    def can_be_looked_up(self) -> bool:
        """Whether the rows show what became of it: each has a key to look for, and no new rows in its lists."""
        if self.info.options.singleton:
            lists = {relation.column for relation in self.info.relations.values()}
            return all(lists.isdisjoint(row) for row in self.rows)
        return all(row.get(self.info.pk.column) is not None for row in self.rows)

    def key_of(self, row: Row) -> Any:
        """Return the key of a row as a Python value; None for a singleton."""
        return None if self.info.options.singleton else self.info.pk.load(row[self.info.pk.column])


def send(session: Session, write: RecoverableWrite) -> Response:
    """Send a write; if its response is lost, find out whether it was applied, and repeat it if it was not.

    Raises:
        OutcomeUnknown: it is impossible to find out whether the write was applied.
    """
    try:
        if not write.can_be_looked_up or not session.retry.times:
            return _checked(session, write, session.send(write.request))
        with shared_deadline():
            return WriteRecovery(session, write).result()
    except InvalidRequest as error:
        _explain_route(write.info, error)
        raise


def _explain_route(info: ModelInfo, error: InvalidRequest) -> None:
    """Add a note to a refusal of the request for a singleton by an ordinary collection, or the other way round."""
    name = info.model.__name__
    if info.options.singleton and '"data" is required' in str(error):
        error.add_note(f"If the server's {info.collection!r} is no singleton, leave out singleton=True of {name}.")
    if not info.options.singleton and error.code == "ROUTE_NOT_FOUND":
        error.add_note(f"If the server's {info.collection!r} is a singleton, declare {name} with singleton=True.")


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
                return _checked(self._session, self._write, self._session.send(self._write.request))
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
            if refusal is not None and self._is_of_first_try(refusal):
                return self._response_with([], lost)
            self._check_may_be_repeated(lost, refusal)

    def _is_of_first_try(self, refusal: RecordNotUnique) -> bool:
        """Return whether the key in a refusal was made here: then the first try wrote rows that are hidden."""
        write, column = self._write, self._write.info.pk.column
        return refusal.field == column and all(row[column] in write.new_keys for row in write.rows)

    def _response_from_rows(self, lost: OutcomeUnknown) -> Response | None:
        """Return the response that was lost, built from the rows; None if the write was not applied."""
        write = self._write
        try:
            row_by_key = _read_back(self._session, write)
            applied = (
                _were_created(write, row_by_key)
                if write.creates
                else _were_updated(write, row_by_key, self._may_be_hidden(row_by_key))
            )
        except DirectusError as unreadable:
            raise lost from unreadable
        if applied is None:
            raise lost
        if not applied:
            return None
        return self._response_with(list(row_by_key.values()), lost)

    def _response_with(self, rows: list[Row], lost: OutcomeUnknown) -> Response:
        if not self._write.single:
            return Response(200, rows, request=lost.request)
        return Response(200, rows[0], request=lost.request) if rows else Response(204, request=lost.request)

    def _may_be_hidden(self, row_by_key: Mapping[Any, Row]) -> bool:
        """Return whether rows that were not found may exist, hidden from this user."""
        write = self._write
        return len(row_by_key) < len(write.rows) and may_hide_rows(self._session, write.info.collection)

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


def _checked(session: Session, write: RecoverableWrite, response: Response) -> Response:
    """Return a response that holds nothing, or the rows that were written.

    Raises:
        OutcomeUnknown: it holds something else.
    """
    if response.data is None:
        return response
    dialect, pk = dialect_of(session), write.info.pk
    rows = [dialect.written_row(response)] if write.single else dialect.rows(response)
    keys = [row.get(pk.column, ...) for row in rows if row is not None]
    shown = [key for key in keys if key is not None]  # null if it is hidden from this user
    try:
        loaded = set(map(pk.load, shown))
        if len(loaded) == len(shown) and loaded <= _possible_keys(write, loaded):
            return response if write.single else attrs.evolve(response, data=rows)
        reason = "twice the same key, or the key of another row"
    except ConversionError as error:
        reason = str(error)
    message = (
        f"The response to {write.request.method} {write.request.path} (status {response.status}) shows other rows "
        f"than were written: {reason}"
    )
    raise outcome_unknown(write.request, message, response.status, passing=True)


def _possible_keys(write: RecoverableWrite, loaded: set[Any]) -> set[Any]:
    """Return the keys that the written rows may have: any (``loaded``) if the server or the database decides."""
    pk = write.info.pk
    sent = [row.get(pk.column) for row in write.rows]
    if write.info.options.singleton or None in sent or pk.value_type.kind not in PLAIN_KEYS:
        return loaded
    return set(map(pk.load, sent))


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
    """Return whether the rows were created; None if that is unclear: rows with these keys have other values.

    One row with a key that was made for this write shows that all were created, also those that this user does not
    see.
    """
    if not row_by_key:
        return False
    stored = [(row, row_by_key.get(write.key_of(row))) for row in write.rows]
    if any(found is not None and row[write.info.pk.column] in write.new_keys for row, found in stored):
        return True
    return True if all(found is not None and _was_created(write, row, found) for row, found in stored) else None


def _was_created(write: RecoverableWrite, sent: Row, stored: Row) -> bool:
    fields = _sent_fields(write.info, _comparable(write.info, sent))
    return all(not _is_masked(field, sent) and _holds(field, sent, stored, {}) for field in fields)


def _were_updated(write: RecoverableWrite, row_by_key: Mapping[Any, Row], may_be_hidden: bool) -> bool | None:
    """Return whether the rows were updated; None if that is unclear. Rows that do not exist are skipped (G5).

    If other rows may be hidden, only a row that the write changes shows what became of them all.
    """
    pairs = [(row, row_by_key[key]) for row in write.rows if (key := write.key_of(row)) in row_by_key]
    if may_be_hidden and not any(_changes(write, row) for row, _ in pairs):
        return None
    if all(_comparable(write.info, row) == row and _was_updated(write, row, stored) for row, stored in pairs):
        return True
    return False if all(_is_unchanged(write, row, stored) for row, stored in pairs) else None


def _changes(write: RecoverableWrite, sent: Row) -> bool:
    """Return whether a row is known to have had another value than was sent, which the server does not mask."""
    before = write.rows_before.get(write.key_of(sent), {})
    fields = _sent_fields(write.info, sent)
    return any(not field.is_secret and _differs(field, sent, before) for field in fields)


def _was_updated(write: RecoverableWrite, sent: Row, stored: Row) -> bool:
    """Return whether a row holds what was sent; of masked fields, whether a field beside them changed."""
    before, fields = write.rows_before.get(write.key_of(sent), {}), _sent_fields(write.info, sent)
    readable = [field for field in fields if not _is_masked(field, sent)]
    if not all(_holds(field, sent, stored, before) for field in readable):
        return False
    return len(readable) == len(fields) or any(_differs(field, sent, before) for field in readable)


def _sent_fields(info: ModelInfo, sent: Row) -> list[Field]:
    """Return the fields that were sent, but for the key; lists of related rows are in the same transaction."""
    return [field for field in info.fields.values() if field.column in sent and field != info.pk]


def _is_masked(field: Field, sent: Row) -> bool:
    """Return whether a value cannot be compared, since the server masks it (G6); it does not mask null."""
    return field.is_secret and sent[field.column] is not None


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


def _holds(field: Field, sent: Row, stored: Row, before: Row) -> bool:
    """Return whether a row holds the value that was sent, as it was sent or as its column rounded it."""
    column = field.column
    if column not in stored:
        return False
    if _is_same(field, sent[column], stored[column]):
        return True
    return column in before and _was_rounded(field, sent[column], stored[column], before[column])


def _differs(field: Field, sent: Row, before: Row) -> bool:
    """Return whether the value before is known, and another one than was sent."""
    return field.column in before and not _is_same(field, sent[field.column], before[field.column])


def _is_unchanged(write: RecoverableWrite, sent: Row, stored: Row) -> bool:
    before = write.rows_before.get(write.key_of(sent), {})
    return all(
        field.column in before
        and field.column in stored
        and not field.is_secret
        and _is_same(field, before[field.column], stored[field.column])
        for field in _sent_fields(write.info, sent)
    )


def _is_same(field: Field, sent: Any, stored: Any) -> bool:
    """Return whether two JSON values mean the same, such as 1.50 as text and 1.5 as number."""
    sent, stored = _key_or_value(field, sent), _key_or_value(field, stored)
    if sent is None or stored is None:
        return sent is stored
    try:
        return not differs_from_stored(field, field.load(sent), stored)
    except ConversionError:
        return False


def _was_rounded(field: Field, sent: Any, stored: Any, before: Any) -> bool:
    """Return whether the stored value is the sent one, rounded by a column of less precision.

    A value that is only near the sent one shows nothing if the value before was as near.
    """
    try:
        value, rounded = field.load(_key_or_value(field, sent)), field.load(_key_or_value(field, stored))
        earlier = None if before is None else field.load(_key_or_value(field, before))
        tolerance = _rounding_of_column(rounded, earlier)
        if tolerance is None or abs(value - rounded) > tolerance:
            return False
        return earlier is None or abs(value - earlier) > tolerance
    except (ConversionError, TypeError, ArithmeticError):
        return False


def _rounding_of_column(stored: Any, before: Any) -> Any:
    """Return by how much a column changes a value at most, given two values that it stored; None if it never does.

    What the column kept of one value shows that it rounds no other more coarsely.
    """
    kept = [value for value in (stored, before) if value is not None]
    match stored:
        case datetime():
            return timedelta(milliseconds=0 if any(value.microsecond for value in kept) else 999)
        case Decimal():
            return min(Decimal((0, (5,), int(value.as_tuple().exponent) - 1)) for value in kept)
        case float():
            return abs(stored) * 1e-6
        case _:
            return None


def _key_or_value(field: Field, value: Any) -> Any:
    """Return the key of a nested related row; other values as they are."""
    if field.target is not None and isinstance(value, dict):
        return value.get(field.target.directus.pk.column)
    return value
