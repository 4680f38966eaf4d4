"""Writes whose answer is lost: the rows tell whether they were applied, and only what was not is sent again.

The session repeats what is safe for every request. A create or an update is not, so that it raises
`OutcomeUnknown`. Here the model is known: rows are read back by their keys, and compared with what was sent, and
with what was known before.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import attrs

from ..core.errors import ConversionError, DirectusError, OutcomeUnknown, RecordNotUnique
from ..core.messages import Request, Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..query.query import Query
from ..reading.pagination.fetch import fetch
from ..reading.pagination.pagers import key_pager
from ..session.http.retry import is_conclusive, shared_deadline
from ..session.session import Session


@attrs.frozen(eq=False)
class RecoverableWrite:
    """A request that writes rows in one transaction, and what tells whether it was applied.

    ``rows`` are the rows as they are sent, each with its key; ``back`` says what the answer shows of them.
    ``known`` holds what was known of a row before, by its key. ``single`` says that the answer is one row.
    ``check`` raises where what was seen before the write does not hold any more, so that it is not sent again.
    """

    request: Request
    info: ModelInfo
    rows: Sequence[Row]
    back: Query
    known: Mapping[Any, Row] = attrs.field(factory=dict)
    creates: bool = False
    single: bool = False
    check: Callable[[], None] | None = None

    @property
    def can_be_told(self) -> bool:
        """Whether every row has a key to look for."""
        singleton = self.info.options.singleton
        return singleton or all(row.get(self.info.pk.column) is not None for row in self.rows)


def send(session: Session, write: RecoverableWrite) -> Response:
    """Send a write; where its answer is lost, find out what became of it, and repeat it if nothing did.

    Raises:
        OutcomeUnknown: nobody can tell.
    """
    if not write.can_be_told or not session.retry.times:
        return _checked(write, session.send(write.request))
    with shared_deadline() as started:
        return WriteRecovery(session, write, started).result()


class WriteRecovery:
    """The recovery of one write: sent, looked up if its response is lost, repeated where that is safe."""

    def __init__(self, session: Session, write: RecoverableWrite, started: float) -> None:
        self._session = session
        self._write = write
        self._started = started
        self._lost: OutcomeUnknown | None = None

    def result(self) -> Response:
        """Return the response, or one made of the rows that were looked up."""
        tried = 0
        while True:
            tried += 1
            refusal = None
            try:
                return _checked(self._write, self._session.send(self._write.request))
            except OutcomeUnknown as error:
                if not error.passing:
                    raise
                self._lost = lost = self._lost or error
            except RecordNotUnique as error:
                if self._lost is None or not self._write.creates:
                    raise
                lost, refusal = self._lost, error  # perhaps by the row of the first try
            except DirectusError as error:
                if self._lost is None or is_conclusive(error):
                    raise
                raise self._lost from error
            time.sleep(self._session.retry.pause(lost, tried))
            answer = self._looked_up(lost)
            if answer is not None:
                return answer
            if refusal is not None:
                self._refuse(refusal, lost)
            self._check_again(lost, tried)

    def _looked_up(self, lost: OutcomeUnknown) -> Response | None:
        """Return the answer that was lost; None where the write was not applied."""
        try:
            found = _found(self._session, self._write)
            told = _created(self._write, found) if self._write.creates else _updated(self._write, found)
        except DirectusError as blind:
            raise lost from blind
        if told is None:
            raise lost
        rows = list(found.values())
        if not told:
            return None
        if self._write.single:
            return Response(200, rows[0], request=lost.request) if rows else Response(204, request=lost.request)
        return Response(200, rows, request=lost.request)

    def _refuse(self, refusal: RecordNotUnique, lost: OutcomeUnknown) -> NoReturn:
        """Raise for a repeated create that is refused, and whose row is not to be seen."""
        if refusal.field in {None, self._write.info.pk.column}:
            raise lost from refusal  # there may be a row that this user may not read
        raise refusal

    def _check_again(self, lost: OutcomeUnknown, tried: int) -> None:
        """Raise where the write, which was not applied, is not to be sent again."""
        policy = self._session.retry
        if tried > policy.times or time.monotonic() - self._started > policy.total:
            raise lost
        if self._write.check is not None:
            self._write.check()


def _checked(write: RecoverableWrite, answer: Response) -> Response:
    """Return an answer that shows rows, or none; one that shows something else tells nothing."""
    rows = [answer.data] if write.single else answer.data
    key = write.info.pk.column
    if answer.data is None or (isinstance(rows, list) and all(isinstance(r, dict) and key in r for r in rows)):
        return answer
    request = write.request
    msg = (
        f"The answer to {request.method} {request.path} (status {answer.status}) is {str(answer.data)[:80]!r}, "
        "where what was written belongs. It is not known whether it was."
    )
    raise OutcomeUnknown(msg, request=request, status=answer.status, passing=True)


def _found(session: Session, write: RecoverableWrite) -> dict[Any, Row]:
    """Return the rows that are there, by their keys, past every cache of the server (G28)."""
    dialect, pk = dialect_of(session), write.info.pk
    if write.info.options.singleton:
        answer = session.send(dialect.read_singleton(write.back, fresh=True))
        return {None: dialect.singleton_row(answer, write.info)}
    keys = [row[pk.column] for row in write.rows]
    steps = key_pager(write.back, keys, dialect, session.max_rows)
    return {pk.load(row[pk.column]): row for rows in fetch(session, steps) for row in rows}


def _created(write: RecoverableWrite, found: Mapping[Any, Row]) -> bool | None:
    """Return whether rows were created; None where nobody knows, since others have their keys."""
    if not found:
        return False
    pairs = [(_told(write.info, row), found.get(_key(write, row), {})) for row in write.rows]
    return True if all(there and _holds(write.info, row, there, _near) for row, there in pairs) else None


def _updated(write: RecoverableWrite, found: Mapping[Any, Row]) -> bool | None:
    """Return whether rows were changed; None where nobody knows. Rows that are gone take no part (G5)."""
    pairs = [(row, found[key]) for row in write.rows if (key := _key(write, row)) in found]
    all_told = all(_told(write.info, row) == row for row, _ in pairs)
    if all_told and all(_holds(write.info, row, there, _same) for row, there in pairs):
        return True
    if all(_is_unchanged(write, row, there) for row, there in pairs):
        return False
    near = all_told and all(_holds(write.info, row, there, _near) for row, there in pairs)
    return True if near else None


def _key(write: RecoverableWrite, row: Row) -> Any:
    return None if write.info.options.singleton else write.info.pk.load(row[write.info.pk.column])


def _told(info: ModelInfo, row: Row) -> Row:
    """Return a row without the related rows that were sent nested and get their keys from the server."""
    fields = {field.column: field for field in info.fields.values()}
    return {name: value for name, value in row.items() if name not in fields or not _is_new(fields[name], value)}


def _is_new(field: Field, value: Any) -> bool:
    return isinstance(value, dict) and field.target is not None and _bare(field, value) is None


Compare = Callable[[Field, Any, Any], bool]


def _holds(info: ModelInfo, sent: Row, there: Row, compare: Compare) -> bool:
    """Return whether a row holds what was sent. Lists of related rows came with it or not at all."""
    fields = [field for field in info.fields.values() if field.column in sent and field != info.pk]
    telling = [field for field in fields if not field.is_secret]
    if fields and not telling:
        return False  # what is masked tells nothing (G6)
    return all(f.column in there and compare(f, sent[f.column], there[f.column]) for f in telling)


def _is_unchanged(write: RecoverableWrite, sent: Row, there: Row) -> bool:
    before = write.known.get(_key(write, sent), {})
    fields = [field for field in write.info.fields.values() if field.column in sent and field != write.info.pk]
    return all(
        field.column in before
        and field.column in there
        and not field.is_secret
        and _same(field, before[field.column], there[field.column])
        for field in fields
    )


def _same(field: Field, sent: Any, there: Any) -> bool:
    """Return whether two JSON values say the same: decimals come as texts, documents in another order."""
    sent, there = _bare(field, sent), _bare(field, there)
    if sent is None or there is None:
        return sent is there
    try:
        return _text(field, sent) == _text(field, there)
    except ConversionError:
        return False


def _near(field: Field, sent: Any, there: Any) -> bool:
    """Return whether one value is what a column of fewer digits makes of the other."""
    if _same(field, sent, there):
        return True
    try:
        before, after = field.load(_bare(field, sent)), field.load(_bare(field, there))
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


def _bare(field: Field, value: Any) -> Any:
    """Return the key in a related row that was sent, or came, nested."""
    if field.target is not None and isinstance(value, dict):
        return value.get(field.target.directus.pk.column)
    return value


def _text(field: Field, value: Any) -> str:
    return json.dumps(field.dump(field.load(value)), sort_keys=True)
