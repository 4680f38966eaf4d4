"""After a write: instances take the rows of the response; rounded and dropped values are reported."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import attrs

from ..core.errors import DirectusError, FieldError, Forbidden, NotVisibleWarning, RoundedWarning
from ..core.request_response import Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.paths import FieldPath
from ..fields.registry import is_model
from ..fields.type_table import ROUNDED, SEQUENTIAL_KEYS
from ..instances.column_conversion import field_loader, load_fields
from ..instances.dirty_tracking import is_changed
from ..instances.refetch import refetch_rows
from ..instances.state import PageBatch, info_of, key_of, state_of
from ..query.query import Query
from ..reading.server_versions import supported_fields, supported_paths
from ..session.http.error_mapping import outcome_unknown
from ..session.session import Session

# --- rows of a response -----------------------------------------------------------------------------------------


def match_rows(pk: Field, sent: Sequence[Row], row_by_key: Mapping[Any, Row]) -> list[Row | None]:
    """Return the created row for each row that was sent, or None if it is unclear which one it is (G11).

    ``row_by_key`` are the created rows, as far as this user sees them. Rows sent with a key are found by it.
    Sequential keys that the server made grow in the order of the rows that were sent, if all of them are there.
    """
    sent_keys = [pk.load(row[pk.column]) if pk.column in row else None for row in sent]
    made_keys = sorted(row_by_key.keys() - set(sent_keys))
    count = sent_keys.count(None)
    if len(made_keys) != count or (count > 1 and pk.value_type.kind not in SEQUENTIAL_KEYS):
        made_keys = []
    next_made_key = iter(made_keys)
    return [row_by_key.get(next(next_made_key, None) if key is None else key) for key in sent_keys]


def store_row(session: Session, instance: Any, row: Row, sent: Row) -> None:
    """Store a row of the response in the instance that was written, so that it has no changes left.

    Raises:
        FieldError: the server has no such field; it only left it out of the response.
    """
    store_back = StoreBack(info_of(instance), row)
    store_back.store(session, instance, row)
    store_back.check(row, sent)


class StoreBack:
    """Stores and checks the rows of one response, which have the same columns, in two steps; see `store_row`."""

    def __init__(self, info: ModelInfo, columns: Iterable[str]) -> None:
        columns = set(columns)
        fields = [f for f in info.fields.values() if f.column in columns]
        self._info = info
        self._load_plain = field_loader(f for f in fields if f.target is None and not f.is_document)
        self._related = [f for f in fields if f.target is not None]
        self._documents = [f for f in fields if f.target is None and f.is_document]
        self._may_be_rounded = [f for f in fields if f.value_type.kind in ROUNDED]

    def store(self, session: Session, instance: Any, row: Row) -> None:
        """Store a row of the response in the instance that was written."""
        state = state_of(instance)
        if state.batch is None:
            state.batch = PageBatch(session, self._info.model)
            state.batch.add(instance)
        state.stored, state.deleted, state.missing = True, False, False
        state.row.update(row)
        self._load_plain(instance, row)
        load_fields(instance, row, [f for f in self._related if not _has_same_key(f, instance, row)])
        load_fields(instance, row, [f for f in self._documents if not _is_same_document(f, instance, row)])

    def check(self, row: Row, sent: Row) -> None:
        """Warn about values that a column rounded, and raise for fields that the server lacks."""
        _warn_if_any_rounded(self._may_be_rounded, row, sent)
        _refuse_dropped_fields(self._info, row, sent)


def keeps_object(field: Field, instance: Any, row: Row) -> bool:
    """Return whether the row contains the related instance or document that a field holds."""
    if field.target is not None:
        return _has_same_key(field, instance, row)
    return field.is_document and _is_same_document(field, instance, row)


def _has_same_key(field: Field, instance: Any, row: Row) -> bool:
    """Return whether a row refers to the related instance that a field holds."""
    value, raw = instance.__dict__.get(field.name), row.get(field.column)
    if raw is None or not is_model(type(value)):
        return False
    try:
        return bool(field.value_type.load(raw) == key_of(value))
    except (ValueError, TypeError, ArithmeticError):
        return False  # loading the value keeps the error


def _is_same_document(field: Field, instance: Any, row: Row) -> bool:
    """Return whether a row contains the document that a field holds."""
    value, raw = instance.__dict__.get(field.name), row.get(field.column)
    return value is not None and raw is not None and not is_changed(field, instance, row)


# --- rounded values and dropped fields --------------------------------------------------------------------------


def check_stored_values(info: ModelInfo, row: Row, sent: Row) -> None:
    """Warn about values that a column rounded, and raise for fields that the server lacks.

    Raises:
        FieldError: the server has no such field; it only left it out of the response.
    """
    _warn_if_any_rounded([f for f in info.fields.values() if f.value_type.kind in ROUNDED], row, sent)
    _refuse_dropped_fields(info, row, sent)


def _warn_if_any_rounded(fields: Iterable[Field], row: Row, sent: Row) -> None:
    for field in fields:
        column = field.column
        if column in sent and column in row and sent[column] != row[column]:
            _warn_if_rounded(field, sent[column], row[column])


def _warn_if_rounded(field: Field, sent: Any, stored: Any) -> None:
    """Warn if a number, or a time within its second or in a gap of the server's clock, was stored as another."""
    if sent is None or stored is None:
        return
    try:
        before, after = field.value_type.load(sent), field.value_type.load(stored)
    except (ValueError, TypeError, ArithmeticError):
        return  # access to the field raises the error
    # A time of another second was not rounded: the server sets some times itself (G47).
    is_other_time = isinstance(before, datetime) and abs(before - after) >= timedelta(seconds=1)
    if before == after or (is_other_time and not _was_skipped(field, before, after)):
        return
    reason = (
        "Its clock skips this time, when daylight saving time begins: use a timestamp, or a server in UTC."
        if is_other_time
        else "Its column is less precise: a float or decimal of few digits, or a timestamp of whole seconds."
    )
    msg = f"{field}: {before} was sent and the server stored {after}. {reason}"
    warnings.warn(msg, RoundedWarning, stacklevel=level_of_caller())


# By how much clocks are put forward: mostly an hour. Samoa skipped a day.
_SKIPS = frozenset({timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(days=1)})


def _was_skipped(field: Field, before: datetime, after: datetime) -> bool:
    """Return whether a time looks like one that the server's clock skips, stored as what its clock shows then."""
    return field.value_type.kind == "dateTime" and after - before in _SKIPS


def level_of_caller() -> int:
    """Return the stack level of the first frame outside this package."""
    package = __name__.partition(".")[0] + "."
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - the documented way to it; inspect.stack() reads files
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def _refuse_dropped_fields(info: ModelInfo, row: Row, sent: Row) -> None:
    if sent.keys() <= row.keys():
        return
    dropped = [f.column for f in info.fields.values() if f.column in sent and f.column not in row]
    if dropped:  # Directus 10 gives no other sign of it (G15)
        names = ", ".join(dropped)
        msg = (
            f"The {info.model.__name__} was written, but {info.collection!r} has no field {names}: "
            "what was sent for it is lost."
        )
        raise FieldError(msg, name=dropped[0], choices=tuple(row))


# --- responses without rows -------------------------------------------------------------------------------------


@contextmanager
def reading_after_write(response: Response) -> Iterator[None]:
    """Raise `OutcomeUnknown` if reading fails after a write was accepted, as its caller must not repeat the write.

    `Forbidden` passes: it tells what this user may read.
    """
    try:
        yield
    except Forbidden:
        raise
    except DirectusError as error:
        request = response.request
        if request is None:
            raise
        message = f"The server accepted {request.method} {request.path}, but its rows could not be read: {error}"
        raise outcome_unknown(request, message, response.status) from error


def read_back_creations(
    session: Session, instances: Sequence[Any], sent: Sequence[Row], response: Response
) -> list[Any]:
    """Find out why the response to a creation has no rows, and store those rows that can be found by their keys.

    The instances hold already what was sent. Returns those whose rows this user does not see.

    Raises:
        Forbidden: the server lacks a field, or this user may not read it.
        OutcomeUnknown: reading failed in another way.
    """
    info = info_of(instances[0])
    rows: list[Row | None] = [None] * len(instances)
    if is_readable(session, info, supported_paths(session, info.paths), response) and info.pk.column in sent[0]:
        # A row that the database stored under another key is not found by the key that was sent.
        with reading_after_write(response):
            rows = refetch_rows(session, instances, supported_fields(session, info.fields.values()))
    for instance, sent_row, row in zip(instances, sent, rows, strict=True):
        if row is not None:
            store_row(session, instance, row, sent_row)
    return [instance for instance, row in zip(instances, rows, strict=True) if row is None]


def store_unseen(session: Session, instances: Sequence[Any], sent: Sequence[Row]) -> None:
    """Store what was sent in instances whose rows were written, and which this user does not see."""
    for instance, sent_row in zip(instances, sent, strict=True):
        store_row(session, instance, sent_row, sent_row)


def warn_of_unseen(instances: Sequence[Any]) -> None:
    """Warn that the rows of instances were written, but are not visible to this user."""
    if not instances:
        return
    count = len(instances)
    names = ", ".join(sorted({type(instance).__name__ for instance in instances}))
    keys = [state_of(instance).row.get(info_of(instance).pk.column) for instance in instances]
    single = names if keys[0] is None else f"{names} with key {keys[0]!r}"
    who = f"{count} rows of {names}" if count > 1 else single
    holds = "The instances hold" if count > 1 else "The instance holds"
    no_key = ", without a key that the server made" if None in keys else ""
    msg = f"{who}: written, but not visible to this user. {holds} what was sent{no_key}."
    warnings.warn(msg, NotVisibleWarning, stacklevel=level_of_caller())


def is_readable(session: Session, info: ModelInfo, paths: tuple[FieldPath, ...], response: Response) -> bool:
    """Return whether this user may read the fields that were written, after a response without rows (G13).

    Raises:
        Forbidden: the server lacks a field, or this user may not read it.
        OutcomeUnknown: reading failed in another way.
    """
    request = dialect_of(session).read(Query(info.model, paths=paths, limit=0))
    try:
        with reading_after_write(response):
            session.send(attrs.evolve(request, purpose="info"))
    except Forbidden as error:
        if not dialect_of(session).names_field(error):
            return False
        error.add_note(WRITTEN_BUT_NOT_READ.format(info.model.__name__))
        raise
    return True


WRITTEN_BUT_NOT_READ = (
    "The {} was written; only reading it back failed. The value of a field that the server lacks is lost."
)
