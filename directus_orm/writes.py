"""Writing one instance: what is sent, and what the answer makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from . import fates
from .changes import changed_fields, check_unmodified, differs
from .errors import (
    ConfigurationError,
    ConversionError,
    FieldError,
    Forbidden,
    UnsupportedQuery,
)
from .fates import Write
from .fields import Field
from .info import ModelInfo, is_model
from .instances import Batch, gone, is_new, key_of, read_rows, session_of, state_of, stored_key
from .loading import take, taking_in
from .losses import refuse_lost
from .query.query import Path, Query
from .relations import ToMany
from .rounding import ROUNDED, warn_if_rounded
from .scalars import Convert
from .session import Session
from .trees import Part, Sending, Store, beforehand, listed, take_back, unseen, with_key
from .wire import Row


def _key_to_send(field: Field, value: Any) -> Any:
    """Return what stands for the value of a relation: of a related instance, its key."""
    if not is_model(type(value)):
        return value
    if not state_of(value).stored:
        fate = "which was deleted" if state_of(value).deleted else "which is not saved: save it first"
        msg = f"{field} refers to {value!r}, {fate}."
        raise ConversionError(msg, model=field.model.__name__, field=field.name, value=value)
    return key_of(value)


# Of each field: its name and column, the conversion, whether it leads to a row, whether more than its type is
# checked, and itself.
DumpPlan = tuple[tuple[str, str, Convert, bool, bool, Field], ...]


def dump_plan(fields: Iterable[Field]) -> DumpPlan:
    """Return what `dumped` needs of fields, looked up once for all instances."""
    return tuple((f.name, f.column, f.value_type.dump, f.target is not None, _is_checked(f), f) for f in fields)


def _is_checked(field: Field) -> bool:
    return field.options.readonly or field.options.validator is not None


def payload(instance: Any, fields: Iterable[Field]) -> Row:
    """Convert fields for sending, each checked by its type and its validator; what has no value is left out."""
    return dumped(dump_plan(fields), instance)


def dumped(fields: DumpPlan, instance: Any) -> Row:
    """Do as `payload` does; this runs for every row of a bulk write."""
    values = instance.__dict__
    row: Row = {}
    for name, column, dump, leads, is_checked, field in fields:
        if name not in values:
            continue
        value = values[name]
        if leads:
            value = _key_to_send(field, value)
        try:
            row[column] = None if value is None and field.nullable else dump(value)
        except (ValueError, TypeError, ArithmeticError):
            row[column] = field.dump(value, instance.pk)  # raises, and says where
        if is_checked:
            _check(field, instance, value)
    return row


def _check(field: Field, instance: Any, value: Any) -> None:
    if field.options.readonly:
        msg = f"{field} is readonly: its value cannot be sent. Take it from the server with refresh()."
        raise ConversionError(msg, model=field.model.__name__, key=instance.pk, field=field.name)
    if field.options.validator is not None:
        field.options.validator(instance, field.attribute, value)


# --- one row ------------------------------------------------------------------------------------------------


def save(instance: Any, update_fields: Iterable[str] | None = None, *, if_unmodified: bool = False) -> None:
    """Create the row, or send what changed; see `Model.save`."""
    info, state = _info(instance), state_of(instance)
    if state.deleted:
        raise gone(instance, "it was deleted; a new instance creates it again")
    if if_unmodified and not state.stored:
        msg = f"if_unmodified is for rows that were read or saved before; this {info.model.__name__} was not."
        raise ConfigurationError(msg)
    if state.stored or info.options.singleton:
        _update(instance, info, update_fields, if_unmodified)
    else:
        _create(instance, info, update_fields)


def _create(instance: Any, info: ModelInfo, names: Iterable[str] | None) -> None:
    if names is not None:
        msg = f"update_fields is for rows that exist; this {info.model.__name__} is not saved yet."
        raise ConfigurationError(msg)
    _create_one(session_of(instance), _settled(instance))


def _settled(instance: Any, fields: Sequence[Field] | None = None) -> Sending:
    """Return what is sent of an instance, once what has to be there before is created.

    All is checked before anything is created. ``fields`` are those of an instance that has a row already.
    """
    ahead = beforehand(instance, fields)

    def sending() -> Sending:
        return _tree(instance, ahead) if fields is None else _sending(instance, fields, ahead)

    found = sending()
    if not ahead:
        return found
    for one in ahead:
        _tree(one, ahead)
    for one in ahead:
        _create_one(session_of(instance), _tree(one))
    return sending()


def _create_one(session: Session, sending: Sending) -> None:
    info, back = sending.info, sending.query(sending.info.fields.values())
    request = session.dialect.create(info, sending.row, back)
    answer = fates.send(session, Write(request, info, [sending.row], back, creates=True, single=True))
    lost = list(unseen(sending, answer.data))
    take_back(sending, sending.row if answer.data is None else answer.data, _storing(session))
    if answer.data is None:
        along = {sending.info.fields[name].column for name in sending.ones}
        along |= {sending.info.relations[name].column for name in sending.lists}
        plain = {column: value for column, value in sending.row.items() if column not in along}
        created_silently(session, [sending.instance], [plain])
    refuse_lost(session, lost)


def _storing(session: Session) -> Store:
    return lambda instance, row, sent: stored(instance, session, row, sent)


def _tree(instance: Any, ahead: Sequence[Any] = (), owner: Field | None = None) -> Sending:
    """Return what creating an instance sends, with all that goes along but for what is created ahead.

    ``owner`` is told by where it goes.
    """
    info = _info(instance)
    sending = _sending(
        instance, [f for f in info.fields.values() if f.name in instance.__dict__ and f != owner], ahead
    )
    checked_key(info, sending.row)
    for name, waiting in state_of(instance).pending.items():
        relation = info.relations[name]
        now = [(one, further) for one, further in waiting if not (is_new(one) and _among(one, ahead))]
        parts = [_part(relation, one, further, ahead) for one, further in now]
        if parts:
            sending.lists[name] = parts
            sending.row[relation.column] = listed(relation, parts)
    return sending


def _sending(instance: Any, fields: Sequence[Field], ahead: Sequence[Any] = ()) -> Sending:
    """Return what is sent of some fields, and the new instances that go nested in them."""
    info, values = _info(instance), instance.__dict__
    new = {f.name: values[f.name] for f in fields if is_new(values[f.name])}
    ones = {name: _tree(one, ahead) for name, one in new.items() if not _among(one, ahead)}
    row = payload(instance, [f for f in fields if f.name not in new])
    return Sending(instance, row | {info.fields[name].column: along.row for name, along in ones.items()}, ones)


def _part(relation: ToMany, one: Any, further: Mapping[str, Any], ahead: Sequence[Any]) -> Part:
    if not is_new(one):
        return Part(one, None, further)
    sending = _tree(one, ahead, relation.reverse if relation.options.kind == "one-to-many" else None)
    sending.row = with_key(sending.row, sending.info)
    return Part(one, sending, further)


def _among(instance: Any, others: Sequence[Any]) -> bool:
    # Not by ==: new instances are equal to nothing else, and others may be to one another.
    return any(instance is other for other in others)


def new_row(instance: Any, fields: DumpPlan) -> Row:
    """Return what creating an instance sends: what was given, and the defaults other than None."""
    if any(state_of(instance).pending.values()):
        names = ", ".join(name for name, waiting in state_of(instance).pending.items() if waiting)
        msg = f"{instance!r} has related rows that wait for it ({names}): save() takes them along, this does not."
        raise ConfigurationError(msg)
    return checked_key(_info(instance), dumped(fields, instance))


def checked_key(info: ModelInfo, row: Row) -> Row:
    """Return a new row without a key that is null, which the server refuses; refuse one that it would replace."""
    key = info.pk.column
    if key in row and not row[key]:
        if row[key] is None:
            del row[key]  # an explicit null is refused (G12), and says the same as nothing
        else:
            msg = f"{info.pk} is {row[key]!r}: the server would store the row and answer with another one (G12)."
            raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=row[key])
    return row


def _update(instance: Any, info: ModelInfo, names: Iterable[str] | None, if_unmodified: bool) -> None:
    names = names if names is None or isinstance(names, str) else list(names)
    if not _chosen(info, instance, names):
        return
    instance.clean()
    fields = _chosen(info, instance, names)
    if not fields:
        return
    _check_key(instance, info, fields)
    check = partial(check_unmodified, instance) if if_unmodified else None
    if check is not None:
        check()
    session = session_of(instance)
    sending = _settled(instance, fields)
    # What changed and is not sent now stays as it is, to be sent later.
    waiting = [f for f in changed_fields(instance) if f not in fields]
    held = [f for f in info.fields.values() if f == info.pk or (f.name in instance.__dict__ and f not in waiting)]
    key = None if info.options.singleton else stored_key(instance)
    try:
        back = sending.query(held)
        request = session.dialect.update(info, key, sending.row, back)
        row = sending.row if key is None else {**sending.row, info.pk.column: key}
        known = {None if key is None else info.pk.load(key): state_of(instance).row}
        answer = fates.send(session, Write(request, info, [row], back, known, single=True, check=check))
    except Forbidden:
        # The same answer for a row that is gone and for one that may not be changed (G33).
        if not info.options.singleton and not _visible(session, instance):
            raise gone(instance) from None
        raise
    row, lost = answer.data, list(unseen(sending, answer.data))
    if row is None:
        row = _updated_silently(session, instance, sending.row, held)
    take_back(sending, row, _storing(session))
    refuse_lost(session, lost)


def _chosen(info: ModelInfo, instance: Any, names: Iterable[str] | None) -> list[Field]:
    """Return the fields to update: those that changed, or of the named ones those."""
    if names is None:
        return changed_fields(instance)
    if isinstance(names, str):
        msg = f"update_fields takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    named = [info.field(name, "save(update_fields=…)") for name in names]
    row = state_of(instance).row
    return [f for f in dict.fromkeys(named) if f.name in instance.__dict__ and differs(f, instance, row)]


def _check_key(instance: Any, info: ModelInfo, fields: Sequence[Field]) -> None:
    if info.pk not in fields:
        return
    was, now = state_of(instance).row.get(info.pk.column), instance.__dict__[info.pk.name]
    msg = (
        f"{info.pk} changed from {was!r} to {now!r}: the server cannot change a key (G15). "
        f"Create a new {info.model.__name__} and delete this one."
    )
    raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=now)


def stored(instance: Any, session: Session, row: Row, sent: Row) -> None:
    """Let an instance hold what the server stored, so that it is clean.

    Raises:
        FieldError: the server has no such field, and said so only by leaving it out of the answer.
    """
    Storing(_info(instance), row)(instance, session, row, sent)


class Storing:
    """Does as `stored` does for the rows of one answer, which have the same columns."""

    def __init__(self, info: ModelInfo, columns: Iterable[str]) -> None:
        columns = set(columns)
        fields = [f for f in info.fields.values() if f.column in columns]
        self._info = info
        self._take = taking_in(f for f in fields if f.target is None and not f.is_document)
        self._related = [f for f in fields if f.target is not None]
        self._documents = [f for f in fields if f.target is None and f.is_document]
        self._rounded = [f for f in fields if f.value_type.kind in ROUNDED]

    def __call__(self, instance: Any, session: Session, row: Row, sent: Row) -> None:
        """Let an instance hold what the server stored."""
        state = state_of(instance)
        if state.batch is None:
            state.batch = Batch(session, self._info.model)
            state.batch.add(instance)
        state.stored, state.deleted, state.missing = True, False, False
        state.row.update(row)
        self._take(instance, row)
        take(instance, row, [f for f in self._related if not _is_led_to(f, instance, row)])
        take(instance, row, [f for f in self._documents if not _is_as_stored(f, instance, row)])
        _warn_of_rounded(self._rounded, row, sent)
        _refuse_lost(self._info, row, sent)


def check_kept(info: ModelInfo, row: Row, sent: Row) -> None:
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
    return value is not None and raw is not None and not differs(field, instance, row)


def _kept(field: Field, instance: Any, row: Row) -> bool:
    """Whether an object can stay."""
    if field.target is not None:
        return _is_led_to(field, instance, row)
    return field.is_document and _is_as_stored(field, instance, row)


def created_silently(session: Session, instances: Sequence[Any], sent: Sequence[Row]) -> None:
    """Take instances for stored, though the server did not say so (G13), and find out why it did not.

    Raises:
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    info = _info(instances[0])
    for instance, row in zip(instances, sent, strict=True):
        stored(instance, session, row, row)
    if not can_be_read(session, info, info.paths):
        return  # creating is allowed and reading is not
    if info.pk.column in sent[0]:  # what a database keeps as another key cannot be read back by this one
        for instance, row, found in zip(
            instances, sent, read_rows(session, instances, info.fields.values()), strict=True
        ):
            stored(instance, session, found or row, row)


def can_be_read(session: Session, info: ModelInfo, paths: tuple[Path, ...]) -> bool:
    """Whether what was written could have been read back; asked after an answer without rows (G13).

    Raises:
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    request = session.dialect.read(Query(info.model, paths=paths, limit=0))
    try:
        session.send(attrs.evolve(request, purpose="info"))
    except Forbidden as error:
        if not session.dialect.names_field(error):
            return False
        error.add_note(_SILENT.format(info.model.__name__))
        raise
    return True


_SILENT = (
    "The {} was written all the same: only reading it back failed (G13). What was sent for a field that the "
    "server lacks is lost."
)


def _updated_silently(session: Session, instance: Any, sent: Row, fields: Sequence[Field]) -> Row:
    """Find out why the answer to an update was empty: no such row, or one that may not be read (G5).

    Raises:
        DoesNotExist: the row is not there.
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    if _info(instance).options.singleton:
        return sent
    try:
        row = read_rows(session, [instance], fields)[0]
    except Forbidden as error:
        if not session.dialect.names_field(error):
            return sent  # writing is allowed and reading is not
        if not _visible(session, instance):
            raise gone(instance) from None
        stored(instance, session, sent, sent)
        error.add_note(_SILENT.format(type(instance).__name__))
        raise
    if row is None:
        raise gone(instance)
    return row


def delete(instance: Any) -> None:
    """Delete the row; see `Model.delete`."""
    info, state = _info(instance), state_of(instance)
    if info.options.singleton:
        msg = f"{info.model.__name__} is a singleton and has no delete()."
        raise UnsupportedQuery(msg)
    if state.deleted:
        return
    if not state.stored:
        raise gone(instance, "it was never saved")
    session = session_of(instance)
    try:
        session.send(session.dialect.delete(info, stored_key(instance)))
    except Forbidden:
        # The same answer for a row that is gone and for one that may not be deleted (G33).
        if _visible(session, instance):
            raise
    state.stored, state.deleted = False, True


def _visible(session: Session, instance: Any) -> bool:
    """Whether a row is there, as far as this user can tell."""
    try:
        return read_rows(session, [instance], [])[0] is not None
    except Forbidden:
        return True


def refresh(instance: Any, names: Iterable[str] | None = None) -> None:
    """Read the row again; see `Model.refresh`."""
    info, state = _info(instance), state_of(instance)
    if not state.stored and not info.options.singleton:
        raise gone(instance, "it was deleted" if state.deleted else "it was never saved")
    if isinstance(names, str):
        msg = f"refresh() takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    names = None if names is None else list(names)
    if names is None:
        held = [f for f in info.fields.values() if f.name in instance.__dict__ or f.name in state.problems]
        fields = held if len(held) > 1 else list(info.fields.values())
    else:
        fields = [info.field(name, "refresh(…)") for name in names if name not in info.relations]
    for name in info.relations if names is None else info.relations.keys() & set(names):
        instance.__dict__.pop(name, None)  # a list is read when it is touched
    if names and not fields:
        return
    row = read_rows(session_of(instance), [instance], fields)[0]
    state.missing = row is None
    if row is None:
        raise gone(instance)
    for field in fields:
        state.problems.pop(field.name, None)
    state.row.update(row)
    take(instance, row, [f for f in fields if not _kept(f, instance, row)])


def _info(instance: Any) -> ModelInfo:
    info: ModelInfo = type(instance).directus
    return info
