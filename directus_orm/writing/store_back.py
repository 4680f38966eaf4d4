"""Saying aloud when a column keeps less of a value than was sent."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ..core.errors import FieldError, Forbidden, RoundedWarning
from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.paths import FieldPath
from ..fields.registry import is_model
from ..fields.type_table import ROUNDED
from ..instances.dirty_tracking import is_changed
from ..instances.field_values import field_loader, load_fields
from ..instances.refetch import refetch_rows
from ..instances.state import PageBatch, info_of, key_of, state_of
from ..query.query import Query
from ..session.session import Session

"""The types whose columns may keep less than they are given: facts of the database, unknown beforehand."""


def warn_if_rounded(field: Field, sent: Any, stored: Any) -> None:
    """Warn where a number, or a time within its second, came back as another one."""
    if sent is None or stored is None:
        return
    try:
        before, after = field.value_type.load(sent), field.value_type.load(stored)
    except (ValueError, TypeError, ArithmeticError):
        return  # reading the field says so, louder
    # Another second was not rounded: the server makes some times itself (G47).
    if before == after or (isinstance(before, datetime) and abs(before - after) >= timedelta(seconds=1)):
        return
    msg = (
        f"{field}: {before} was sent and the server stored {after}. Its column keeps less: "
        "a float or decimal of few digits, or a timestamp of whole seconds."
    )
    warnings.warn(msg, RoundedWarning, stacklevel=_outside())


def _outside() -> int:
    """Return how many frames up the caller of this library is."""
    package = __name__.partition(".")[0] + "."
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - the documented way to it; inspect.stack() reads files
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def store_row(instance: Any, session: Session, row: Row, sent: Row) -> None:
    """Let an instance hold what the server stored, so that it is clean.

    Raises:
        FieldError: the server has no such field, and said so only by leaving it out of the answer.
    """
    StoreBack(info_of(instance), row)(instance, session, row, sent)


class StoreBack:
    """Does as `store_row` does for the rows of one answer, which have the same columns."""

    def __init__(self, info: ModelInfo, columns: Iterable[str]) -> None:
        columns = set(columns)
        fields = [f for f in info.fields.values() if f.column in columns]
        self._info = info
        self._take = field_loader(f for f in fields if f.target is None and not f.is_document)
        self._related = [f for f in fields if f.target is not None]
        self._documents = [f for f in fields if f.target is None and f.is_document]
        self._rounded = [f for f in fields if f.value_type.kind in ROUNDED]

    def __call__(self, instance: Any, session: Session, row: Row, sent: Row) -> None:
        """Let an instance hold what the server stored."""
        state = state_of(instance)
        if state.batch is None:
            state.batch = PageBatch(session, self._info.model)
            state.batch.add(instance)
        state.stored, state.deleted, state.missing = True, False, False
        state.row.update(row)
        self._take(instance, row)
        load_fields(instance, row, [f for f in self._related if not _is_led_to(f, instance, row)])
        load_fields(instance, row, [f for f in self._documents if not _is_as_stored(f, instance, row)])
        _warn_of_rounded(self._rounded, row, sent)
        _refuse_lost(self._info, row, sent)


def check_stored_values(info: ModelInfo, row: Row, sent: Row) -> None:
    """Warn of what a column rounded, and raise for what the server lacks.

    Raises:
        FieldError: the server has no such field, and said so only by leaving it out of the answer.
    """
    _warn_of_rounded([f for f in info.fields.values() if f.value_type.kind in ROUNDED], row, sent)
    _refuse_lost(info, row, sent)


def _warn_of_rounded(fields: Iterable[Field], row: Row, sent: Row) -> None:
    for field in fields:
        column = field.column
        if column in sent and column in row and sent[column] != row[column]:
            warn_if_rounded(field, sent[column], row[column])


def _refuse_lost(info: ModelInfo, row: Row, sent: Row) -> None:
    if sent.keys() <= row.keys():
        return
    lost = [f.column for f in info.fields.values() if f.column in sent and f.column not in row]
    if lost:  # Directus 10 says nothing else (G15)
        names = ", ".join(lost)
        msg = f"The {info.model.__name__} was written, and {info.collection!r} has no field {names}: that is lost."
        raise FieldError(msg, name=lost[0], choices=tuple(row))


def _is_led_to(field: Field, instance: Any, row: Row) -> bool:
    """Whether a related instance can stay, since the row still leads to it."""
    value, raw = instance.__dict__.get(field.name), row.get(field.column)
    if raw is None or not is_model(type(value)):
        return False
    try:
        return bool(field.value_type.load(raw) == key_of(value))
    except (ValueError, TypeError, ArithmeticError):
        return False  # whoever takes the value says so


def _is_as_stored(field: Field, instance: Any, row: Row) -> bool:
    """Whether a document can stay, since it is what is stored."""
    value, raw = instance.__dict__.get(field.name), row.get(field.column)
    return value is not None and raw is not None and not is_changed(field, instance, row)


def keeps_object(field: Field, instance: Any, row: Row) -> bool:
    """Whether an object can stay."""
    if field.target is not None:
        return _is_led_to(field, instance, row)
    return field.is_document and _is_as_stored(field, instance, row)


def store_unread_creations(session: Session, instances: Sequence[Any], sent: Sequence[Row]) -> None:
    """Take instances for stored, though the server did not say so (G13), and find out why it did not.

    Raises:
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    info = info_of(instances[0])
    for instance, row in zip(instances, sent, strict=True):
        store_row(instance, session, row, row)
    if not is_readable(session, info, info.paths):
        return  # creating is allowed and reading is not
    if info.pk.column in sent[0]:  # what a database keeps as another key cannot be read back by this one
        for instance, row, found in zip(
            instances, sent, refetch_rows(session, instances, info.fields.values()), strict=True
        ):
            store_row(instance, session, found or row, row)


def is_readable(session: Session, info: ModelInfo, paths: tuple[FieldPath, ...]) -> bool:
    """Whether what was written could have been read back; asked after an answer without rows (G13).

    Raises:
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    request = dialect_of(session).read(Query(info.model, paths=paths, limit=0))
    try:
        session.send(attrs.evolve(request, purpose="info"))
    except Forbidden as error:
        if not dialect_of(session).names_field(error):
            return False
        error.add_note(WRITTEN_BUT_NOT_READ.format(info.model.__name__))
        raise
    return True


WRITTEN_BUT_NOT_READ = (
    "The {} was written all the same: only reading it back failed (G13). What was sent for a field that the "
    "server lacks is lost."
)
