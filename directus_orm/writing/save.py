"""Saving, deleting and refreshing one instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..core.errors import ConfigurationError, ConversionError, Forbidden, UnsupportedQuery
from ..core.request_response import Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..instances.column_conversion import load_fields
from ..instances.dirty_tracking import changed_fields, has_changes
from ..instances.refetch import refetch_by_query, refetch_rows
from ..instances.state import RowIdentity, does_not_exist, info_of, session_of, state_of, stored_key
from ..instances.write_guards import guard_of
from ..query.query import PrefetchedList, Query
from ..reading.hidden_rows import may_hide_rows
from ..reading.server_versions import require_columns, require_support, supported_fields, supported_part
from ..reading.unknown_names import refuse_dropped_names
from ..session.session import Session
from . import write_recovery
from .nested_payload import NestedPayload, creation_payload, instances_to_create_first, update_payload
from .nested_response import listed_rows, missing_from_response, store_nested
from .optimistic_lock import check_unmodified
from .store_back import (
    WRITTEN_BUT_NOT_READ,
    keeps_object,
    read_back_creations,
    reading_after_write,
    store_row,
    warn_of_unseen,
)
from .write_recovery import RecoverableWrite


def save(instance: Any, update_fields: Iterable[str] | None = None, *, if_unmodified: bool = False) -> None:
    """Create the row, or update the fields that changed; see `Model.save`."""
    info, state = info_of(instance), state_of(instance)
    if state.deleted:
        raise does_not_exist(instance, "it was deleted; a new instance creates it again")
    if if_unmodified and not state.row:
        msg = f"if_unmodified is for rows that were read or saved before, and this {info.model.__name__} was not."
        raise ConfigurationError(msg)
    if state.stored or info.options.singleton:
        _update(instance, info, update_fields, if_unmodified)
    else:
        _create(instance, info, update_fields)


# --- create -----------------------------------------------------------------------------------------------------


def _create(instance: Any, info: ModelInfo, names: Iterable[str] | None) -> None:
    if names is not None:
        msg = f"update_fields is for rows that exist; this {info.model.__name__} is not saved yet."
        raise ConfigurationError(msg)
    session, created_first = session_of(instance), instances_to_create_first(instance)
    payload = _after_creating(session, created_first, partial(creation_payload, instance, created_first))
    _send_creation(session, payload)


def _after_creating(
    session: Session, created_first: Sequence[Any], build_payload: Callable[[], NestedPayload]
) -> NestedPayload:
    """Create the instances that the payload refers to, and return the payload, which then contains their keys.

    All payloads are built, and so checked, before anything is sent.
    """
    payload = build_payload()
    if not created_first:
        return payload
    for instance in created_first:
        creation_payload(instance, created_first)
    for instance in created_first:
        _send_creation(session, creation_payload(instance))
    return build_payload()


def _send_creation(session: Session, payload: NestedPayload) -> None:
    info = payload.info
    require_columns(session, info, payload.row)
    readback = supported_part(session, payload.readback(info.fields.values()))
    request = dialect_of(session).create(info, payload.row, readback)
    write = RecoverableWrite(request, info, [payload.row], readback, creates=True, single=True)
    response = write_recovery.send(session, write)
    row = response.data
    dropped_names = list(missing_from_response(payload, row))
    unseen = store_nested(session, payload, payload.row if row is None else row)
    if row is None:
        nested_columns = {info.fields[name].column for name in payload.related}
        nested_columns |= {info.relations[name].column for name in payload.lists}
        flat_row = {column: value for column, value in payload.row.items() if column not in nested_columns}
        unseen += read_back_creations(session, [payload.instance], [flat_row], response)
    refuse_dropped_names(session, dropped_names)
    warn_of_unseen(unseen)


# --- update -----------------------------------------------------------------------------------------------------


def _update(instance: Any, info: ModelInfo, names: Iterable[str] | None, if_unmodified: bool) -> None:
    candidates = list(info.fields.values()) if names is None else _named_fields(info, names)
    if not has_changes(instance, candidates) and not _has_waiting_rows(instance):
        return
    instance.clean()
    created_first = instances_to_create_first(instance, candidates)
    changed = changed_fields(instance)  # after clean() of all instances, which may change fields
    fields = [field for field in candidates if field in changed]
    if not fields and not _has_waiting_rows(instance):
        return
    _refuse_changed_key(instance, info, fields)
    check = partial(check_unmodified, instance) if if_unmodified else None
    if check is not None:
        check()
    session = session_of(instance)
    listed = _listed_rows(session, instance)
    build_payload = partial(update_payload, instance, fields, created_first, listed)
    payload = _after_creating(session, created_first, build_payload)
    # Changed fields that are not saved now keep their values, to be saved later.
    unsaved = [field for field in changed if field not in fields]
    readback_fields = [
        field
        for field in info.fields.values()
        if field == info.pk or (field.name in instance.__dict__ and field not in unsaved)
    ]
    response = _send_update(session, payload, readback_fields, check)
    row = response.data
    dropped_names = list(missing_from_response(payload, row))
    if row is None:
        row = _row_after_silent_update(session, instance, payload.row, readback_fields, response)
    unseen = store_nested(session, payload, payload.row if row is None else row)
    refuse_dropped_names(session, dropped_names)
    warn_of_unseen([instance, *unseen] if row is None else unseen)


def _has_waiting_rows(instance: Any) -> bool:
    """Return whether rows wait in the lists of an instance: of a singleton that was not read or saved before."""
    return any(state_of(instance).pending.values())


def _listed_rows(session: Session, instance: Any) -> dict[str, set[RowIdentity]]:
    """Return the rows that are in the lists in which others wait, by relation: the singleton may exist."""
    relations = [info_of(instance).relations[name] for name, rows in state_of(instance).pending.items() if rows]
    if not relations:
        return {}
    info = info_of(instance)
    lists = [PrefetchedList((relation,), tuple(map(_query_of_keys, relation.targets))) for relation in relations]
    query = Query(info.model, paths=((info.pk,),), nested=tuple(lists))
    row = refetch_by_query(session, query, [instance])[0] or {}
    return {relation.name: listed_rows(relation, row.get(relation.column)) for relation in relations}


def _query_of_keys(model: type[Any]) -> Query:
    return Query(model, paths=((model.directus.pk,),))


def _named_fields(info: ModelInfo, names: Iterable[str]) -> list[Field]:
    if isinstance(names, str):
        msg = f"update_fields takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    return list(dict.fromkeys(info.field(name, "save(update_fields=…)") for name in names))


def _refuse_changed_key(instance: Any, info: ModelInfo, fields: Sequence[Field]) -> None:
    if info.pk not in fields:
        return
    before, now = state_of(instance).row.get(info.pk.column), instance.__dict__[info.pk.name]
    msg = (
        f"{info.pk} changed from {before!r} to {now!r}: the server cannot change a key. "
        f"Create a new {info.model.__name__} and delete this one."
    )
    raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=now)


def _send_update(
    session: Session, payload: NestedPayload, readback_fields: Sequence[Field], check: Callable[[], None] | None
) -> Response:
    info, instance = payload.info, payload.instance
    key = None if info.options.singleton else stored_key(instance)
    require_columns(session, info, payload.row)
    guard = guard_of(info.model)
    if guard is not None:
        guard.before_update(session, info.model, {key: payload.row}, by_query=False)
    readback = supported_part(session, payload.readback(readback_fields))
    row = payload.row if key is None else {**payload.row, info.pk.column: key}
    write = RecoverableWrite(
        dialect_of(session).update(info, key, payload.row, readback),
        info,
        [row],
        readback,
        rows_before={None if key is None else info.pk.load(key): state_of(instance).row},
        single=True,
        recheck=check,
    )
    try:
        response = write_recovery.send(session, write)
    except Forbidden as error:
        if info.options.singleton:
            return _response_to_singleton(session, payload, error)
        # The server gives the same error for a row that does not exist as for one that may not be changed (G33).
        if _is_visible(session, instance) is False:
            raise does_not_exist(instance) from None
        raise
    if info.options.singleton and response.data is not None and response.data.get(info.pk.column) is None:
        return Response(204, request=response.request)  # the defaults, in place of a row that is hidden
    return response


def _response_to_singleton(session: Session, payload: NestedPayload, error: Forbidden) -> Response:
    """Return an empty response if only reading the singleton was refused: of others, the server reports nothing.

    Raises:
        Forbidden: this user may not write it, or the server lacks a field, or this user may not read it.
    """
    dialect = dialect_of(session)
    if not dialect.is_of_reading(error):
        raise error
    if dialect.names_field(error):
        store_nested(session, payload, payload.row)
        error.add_note(WRITTEN_BUT_NOT_READ.format(type(payload.instance).__name__))
        raise error
    return Response(204, request=error.request)


def _row_after_silent_update(
    session: Session, instance: Any, sent: Row, fields: Sequence[Field], response: Response
) -> Row | None:
    """Return the row of an instance after a response without rows; None if it is hidden from this user (G5).

    Raises:
        DoesNotExist: the row does not exist.
        Forbidden: the server lacks a field, or this user may not read it.
        OutcomeUnknown: reading failed in another way.
    """
    if info_of(instance).options.singleton:
        return None
    try:
        with reading_after_write(response):
            row = refetch_rows(session, [instance], fields)[0]
    except Forbidden as error:
        if not dialect_of(session).names_field(error):
            return None  # this user may write and not read
        if not _may_exist(session, instance):
            raise does_not_exist(instance) from None
        store_row(session, instance, sent, sent)
        error.add_note(WRITTEN_BUT_NOT_READ.format(type(instance).__name__))
        raise
    if row is None and not may_hide_rows(session, info_of(instance).collection):
        raise does_not_exist(instance)
    return row


def _may_exist(session: Session, instance: Any) -> bool:
    """Return whether the row of an instance exists, or may be hidden from this user."""
    return _is_visible(session, instance) is not False or may_hide_rows(session, info_of(instance).collection)


def _is_visible(session: Session, instance: Any) -> bool | None:
    """Return whether this user sees the row of an instance; None if this user may not read the collection."""
    try:
        return refetch_rows(session, [instance], [])[0] is not None
    except Forbidden:
        return None


# --- delete and refresh -----------------------------------------------------------------------------------------


def delete(instance: Any, choices: Mapping[str, Any] | None = None) -> None:
    """Delete the row; see `Model.delete`. ``choices`` are those of `WriteGuard.before_delete`."""
    info, state = info_of(instance), state_of(instance)
    if info.options.singleton:
        msg = f"{info.model.__name__} is a singleton and has no delete()."
        raise UnsupportedQuery(msg)
    if state.deleted:
        return
    if not state.stored:
        raise does_not_exist(instance, "it was never saved")
    session, guard = session_of(instance), guard_of(info.model)
    if guard is not None:
        guard.before_delete(session, info.model, [stored_key(instance)], choices or {})
    try:
        session.send(dialect_of(session).delete(info, stored_key(instance)))
    except Forbidden as error:
        # The server gives the same error for a row that does not exist as for one that may not be deleted (G33).
        if _may_exist(session, instance):
            error.add_note(f"The {type(instance).__name__} may be deleted already, if this user does not see it.")
            raise
    state.stored, state.deleted = False, True


def refresh(instance: Any, names: Iterable[str] | None = None) -> None:
    """Read the row again; see `Model.refresh`."""
    info, state = info_of(instance), state_of(instance)
    if not state.stored and not info.options.singleton:
        raise does_not_exist(instance, "it was deleted" if state.deleted else "it was never saved")
    if isinstance(names, str):
        msg = f"refresh() takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    session = session_of(instance)
    names = None if names is None else list(names)
    if names is None:
        loaded = [f for f in info.fields.values() if f.name in instance.__dict__ or f.name in state.problems]
        fields = supported_fields(session, loaded if len(loaded) > 1 else info.fields.values())
    else:
        fields = [info.field(name, "refresh(…)") for name in names if name not in info.relations]
        require_support(session, fields)
    for name in info.relations if names is None else info.relations.keys() & set(names):
        instance.__dict__.pop(name, None)  # a list is read again when it is used
        state.pending.pop(name, None)
    if names and not fields:
        return
    row = refetch_rows(session, [instance], fields)[0]
    state.missing = row is None
    if row is None:
        raise does_not_exist(instance)
    for field in fields:
        state.problems.pop(field.name, None)
    state.row.update(row)
    state.stored = not info.options.singleton or row.get(info.pk.column) is not None
    load_fields(instance, row, [f for f in fields if not keeps_object(f, instance, row)])
