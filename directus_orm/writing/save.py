"""Writing one instance: what is sent, and what the answer makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..core.errors import ConfigurationError, ConversionError, Forbidden, UnsupportedQuery
from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.to_many import ToMany
from ..instances.dirty_tracking import changed_fields, is_changed
from ..instances.field_values import load_fields
from ..instances.refetch import refetch_rows
from ..instances.state import does_not_exist, info_of, is_new, session_of, state_of, stored_key
from ..reading.unknown_names import refuse_dropped_names
from ..session.session import Session
from . import write_recovery
from .nested_writes import (
    ListEntry,
    NestedPayload,
    StoreInstance,
    created_first,
    list_payload,
    missing_from_response,
    store_nested,
)
from .optimistic_lock import check_unmodified
from .payload import check_new_key, dump_fields, with_generated_key
from .store_back import WRITTEN_BUT_NOT_READ, keeps_object, store_row, store_unread_creations
from .write_recovery import RecoverableWrite

# --- one row ------------------------------------------------------------------------------------------------


def save(instance: Any, update_fields: Iterable[str] | None = None, *, if_unmodified: bool = False) -> None:
    """Create the row, or send what changed; see `Model.save`."""
    info, state = info_of(instance), state_of(instance)
    if state.deleted:
        raise does_not_exist(instance, "it was deleted; a new instance creates it again")
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


def _settled(instance: Any, fields: Sequence[Field] | None = None) -> NestedPayload:
    """Return what is sent of an instance, once what has to be there before is created.

    All is checked before anything is created. ``fields`` are those of an instance that has a row already.
    """
    ahead = created_first(instance, fields)

    def sending() -> NestedPayload:
        return _tree(instance, ahead) if fields is None else _sending(instance, fields, ahead)

    found = sending()
    if not ahead:
        return found
    for one in ahead:
        _tree(one, ahead)
    for one in ahead:
        _create_one(session_of(instance), _tree(one))
    return sending()


def _create_one(session: Session, sending: NestedPayload) -> None:
    info, back = sending.info, sending.query(sending.info.fields.values())
    request = dialect_of(session).create(info, sending.row, back)
    answer = write_recovery.send(
        session, RecoverableWrite(request, info, [sending.row], back, creates=True, single=True)
    )
    lost = list(missing_from_response(sending, answer.data))
    store_nested(sending, sending.row if answer.data is None else answer.data, _storing(session))
    if answer.data is None:
        along = {sending.info.fields[name].column for name in sending.ones}
        along |= {sending.info.relations[name].column for name in sending.lists}
        plain = {column: value for column, value in sending.row.items() if column not in along}
        store_unread_creations(session, [sending.instance], [plain])
    refuse_dropped_names(session, lost)


def _storing(session: Session) -> StoreInstance:
    return lambda instance, row, sent: store_row(instance, session, row, sent)


def _tree(instance: Any, ahead: Sequence[Any] = (), owner: Field | None = None) -> NestedPayload:
    """Return what creating an instance sends, with all that goes along but for what is created ahead.

    ``owner`` is told by where it goes.
    """
    info = info_of(instance)
    sending = _sending(
        instance, [f for f in info.fields.values() if f.name in instance.__dict__ and f != owner], ahead
    )
    check_new_key(info, sending.row)
    for name, waiting in state_of(instance).pending.items():
        relation = info.relations[name]
        now = [(one, further) for one, further in waiting if not (is_new(one) and _among(one, ahead))]
        parts = [_part(relation, one, further, ahead) for one, further in now]
        if parts:
            sending.lists[name] = parts
            sending.row[relation.column] = list_payload(relation, parts)
    return sending


def _sending(instance: Any, fields: Sequence[Field], ahead: Sequence[Any] = ()) -> NestedPayload:
    """Return what is sent of some fields, and the new instances that go nested in them."""
    info, values = info_of(instance), instance.__dict__
    new = {f.name: values[f.name] for f in fields if is_new(values[f.name])}
    ones = {name: _tree(one, ahead) for name, one in new.items() if not _among(one, ahead)}
    row = dump_fields(instance, [f for f in fields if f.name not in new])
    return NestedPayload(
        instance, row | {info.fields[name].column: along.row for name, along in ones.items()}, ones
    )


def _part(relation: ToMany, one: Any, further: Mapping[str, Any], ahead: Sequence[Any]) -> ListEntry:
    if not is_new(one):
        return ListEntry(one, None, further)
    sending = _tree(one, ahead, relation.reverse_field if relation.is_one_to_many else None)
    sending.row = with_generated_key(sending.row, sending.info)
    return ListEntry(one, sending, further)


def _among(instance: Any, others: Sequence[Any]) -> bool:
    # Not by ==: new instances are equal to nothing else, and others may be to one another.
    return any(instance is other for other in others)


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
        request = dialect_of(session).update(info, key, sending.row, back)
        row = sending.row if key is None else {**sending.row, info.pk.column: key}
        known = {None if key is None else info.pk.load(key): state_of(instance).row}
        answer = write_recovery.send(
            session, RecoverableWrite(request, info, [row], back, known, single=True, recheck=check)
        )
    except Forbidden:
        # The same answer for a row that is gone and for one that may not be changed (G33).
        if not info.options.singleton and not _visible(session, instance):
            raise does_not_exist(instance) from None
        raise
    row, lost = answer.data, list(missing_from_response(sending, answer.data))
    if row is None:
        row = _updated_silently(session, instance, sending.row, held)
    store_nested(sending, row, _storing(session))
    refuse_dropped_names(session, lost)


def _chosen(info: ModelInfo, instance: Any, names: Iterable[str] | None) -> list[Field]:
    """Return the fields to update: those that changed, or of the named ones those."""
    if names is None:
        return changed_fields(instance)
    if isinstance(names, str):
        msg = f"update_fields takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    named = [info.field(name, "save(update_fields=…)") for name in names]
    row = state_of(instance).row
    return [f for f in dict.fromkeys(named) if f.name in instance.__dict__ and is_changed(f, instance, row)]


def _check_key(instance: Any, info: ModelInfo, fields: Sequence[Field]) -> None:
    if info.pk not in fields:
        return
    was, now = state_of(instance).row.get(info.pk.column), instance.__dict__[info.pk.name]
    msg = (
        f"{info.pk} changed from {was!r} to {now!r}: the server cannot change a key (G15). "
        f"Create a new {info.model.__name__} and delete this one."
    )
    raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=now)


def _updated_silently(session: Session, instance: Any, sent: Row, fields: Sequence[Field]) -> Row:
    """Find out why the answer to an update was empty: no such row, or one that may not be read (G5).

    Raises:
        DoesNotExist: the row is not there.
        Forbidden: for fields that the server lacks, or that this user may not read.
    """
    if info_of(instance).options.singleton:
        return sent
    try:
        row = refetch_rows(session, [instance], fields)[0]
    except Forbidden as error:
        if not dialect_of(session).names_field(error):
            return sent  # writing is allowed and reading is not
        if not _visible(session, instance):
            raise does_not_exist(instance) from None
        store_row(instance, session, sent, sent)
        error.add_note(WRITTEN_BUT_NOT_READ.format(type(instance).__name__))
        raise
    if row is None:
        raise does_not_exist(instance)
    return row


def delete(instance: Any) -> None:
    """Delete the row; see `Model.delete`."""
    info, state = info_of(instance), state_of(instance)
    if info.options.singleton:
        msg = f"{info.model.__name__} is a singleton and has no delete()."
        raise UnsupportedQuery(msg)
    if state.deleted:
        return
    if not state.stored:
        raise does_not_exist(instance, "it was never saved")
    session = session_of(instance)
    try:
        session.send(dialect_of(session).delete(info, stored_key(instance)))
    except Forbidden:
        # The same answer for a row that is gone and for one that may not be deleted (G33).
        if _visible(session, instance):
            raise
    state.stored, state.deleted = False, True


def _visible(session: Session, instance: Any) -> bool:
    """Whether a row is there, as far as this user can tell."""
    try:
        return refetch_rows(session, [instance], [])[0] is not None
    except Forbidden:
        return True


def refresh(instance: Any, names: Iterable[str] | None = None) -> None:
    """Read the row again; see `Model.refresh`."""
    info, state = info_of(instance), state_of(instance)
    if not state.stored and not info.options.singleton:
        raise does_not_exist(instance, "it was deleted" if state.deleted else "it was never saved")
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
    row = refetch_rows(session_of(instance), [instance], fields)[0]
    state.missing = row is None
    if row is None:
        raise does_not_exist(instance)
    for field in fields:
        state.problems.pop(field.name, None)
    state.row.update(row)
    load_fields(instance, row, [f for f in fields if not keeps_object(f, instance, row)])
