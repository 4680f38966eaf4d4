"""Writing instances: what is sent, and what the answer makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import attrs

from .errors import (
    ConfigurationError,
    ConversionError,
    DirectusError,
    FieldError,
    Forbidden,
    InvalidRequest,
    ServerError,
    TransportError,
)
from .fields import Field
from .info import ModelInfo, is_model
from .instances import Page, gone, read_rows, session_of, state_of, take
from .query.query import Query
from .rounding import ROUNDED, warn_if_rounded
from .session import Session
from .wire import Answer, Row

# Below the server's default of 1 MB for a body (G35), with room for what surrounds the rows.
MAX_BODY = 900_000
MAX_ROWS = 1000


# --- what changed -------------------------------------------------------------------------------------------


def changed_fields(instance: Any) -> list[Field]:
    """Return the fields whose value is not the one the server is known to hold."""
    info, state = _info(instance), state_of(instance)
    return [f for f in info.fields.values() if f.name in instance.__dict__ and _differs(f, instance, state.row)]


def _differs(field: Field, instance: Any, row: Row) -> bool:
    value = _plain(field, instance)
    if field.column not in row:
        return True
    stored = row[field.column]
    if value is None or stored is None:
        return value is not stored
    try:
        before = field.load(stored)
    except ConversionError:
        return True
    if type(value) is type(before) and value == before and not isinstance(value, list | dict):
        return False
    try:
        return _json(field.dump(value)) != _json(field.dump(before))
    except ConversionError:  # one of the two cannot be sent: whoever sends it says so
        return bool(value != before)


def _json(value: Any) -> str:
    # As text, 1 and True differ, and dictionaries do not differ by their order.
    return json.dumps(value, sort_keys=True)


def _plain(field: Field, instance: Any) -> Any:
    """Return a value as it is stored: of a related instance, its key."""
    value = instance.__dict__[field.name]
    if not is_model(type(value)):
        return value
    if value.pk is None or not state_of(value).stored:
        msg = f"{field} refers to {value!r}, which is not saved: save it first."
        raise ConversionError(msg, model=field.model.__name__, field=field.name, value=value)
    return value.pk


def _payload(instance: Any, fields: Iterable[Field]) -> Row:
    """Convert fields for sending, each checked by its type and its validator."""
    row: Row = {}
    for field in fields:
        if field.options.readonly:
            msg = f"{field} is readonly: its value cannot be sent. Take it from the server with refresh()."
            raise ConversionError(msg, model=field.model.__name__, key=instance.pk, field=field.name)
        value = _plain(field, instance)
        row[field.column] = field.dump(value, instance.pk)
        if field.options.validator is not None:
            field.options.validator(instance, field.attribute, value)
    return row


# --- one row ------------------------------------------------------------------------------------------------


def save(instance: Any, update_fields: Iterable[str] | None = None) -> None:
    """Create the row, or send what changed; see `Model.save`."""
    info, state = _info(instance), state_of(instance)
    if state.deleted:
        raise gone(instance, "it was deleted; to create it again, make a new instance of its to_dict()")
    if state.stored or info.options.singleton:
        _update(instance, info, update_fields)
    else:
        _create(instance, info, update_fields)


def _chosen(info: ModelInfo, instance: Any, names: Iterable[str] | None) -> list[Field]:
    """Return the fields to update: those that changed, or of the named ones those."""
    if names is None:
        return changed_fields(instance)
    if isinstance(names, str):
        msg = f"update_fields takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    named = [info.field(name, "save(update_fields=…)") for name in names]
    return [field for field in changed_fields(instance) if field in named]


def _create(instance: Any, info: ModelInfo, names: Iterable[str] | None) -> None:
    if names is not None:
        msg = f"update_fields is for rows that exist; this {info.model.__name__} is not saved yet."
        raise ConfigurationError(msg)
    instance.clean()
    session = session_of(instance)
    row = new_row(instance)
    answer = session.send(session.dialect.create(info, row, own_paths(info)))
    data = answer.data
    if data is None:
        data = _silently_created(session, instance, row)
    stored(instance, session, data, row)


def new_row(instance: Any) -> Row:
    """Return what creating an instance sends: what was given, and the defaults other than None."""
    info = _info(instance)
    row = _payload(instance, [f for f in info.fields.values() if f.name in instance.__dict__])
    key = info.pk.column
    if key in row and not row[key]:
        if row[key] is None:
            del row[key]  # an explicit null is refused (G12), and says the same as nothing
        else:
            msg = f"{info.pk} is {row[key]!r}: the server would store the row and answer with another one (G12)."
            raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=row[key])
    return row


def _update(instance: Any, info: ModelInfo, names: Iterable[str] | None) -> None:
    names = names if names is None or isinstance(names, str) else list(names)
    if not _chosen(info, instance, names):
        return
    instance.clean()
    fields = _chosen(info, instance, names)
    if info.pk in fields and not info.options.singleton:
        was = state_of(instance).row.get(info.pk.column)
        msg = (
            f"{info.pk} changed from {was!r} to {instance.pk!r}: the server cannot change a key (G15). "
            f"Create a new {info.model.__name__} and delete this one."
        )
        raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=instance.pk)
    changes = _payload(instance, fields)
    session = session_of(instance)
    # What changed and is not sent now stays as it is, to be sent later.
    waiting = [f for f in changed_fields(instance) if f not in fields]
    known = [f for f in info.fields.values() if f is info.pk or (f.name in instance.__dict__ and f not in waiting)]
    key = state_of(instance).row.get(info.pk.column)
    answer = session.send(session.dialect.update(info, key, changes, [(f,) for f in known]))
    row = answer.data
    if row is None:
        row = _explain_silent_update(session, instance, changes, known)
    stored(instance, session, row, changes)


def stored(instance: Any, session: Session, row: Row, sent: Row) -> None:
    """Let an instance hold what the server stored, so that it is clean."""
    state = state_of(instance)
    _check_nothing_lost(_info(instance), row, sent)
    if state.page is None:
        state.page = Page(session, type(instance))
        state.page.add(instance)
    state.stored, state.deleted = True, False
    state.row.update(row)
    fields = [f for f in _info(instance).fields.values() if f.column in row]
    take(instance, row, [f for f in fields if not _still_related(f, instance, row)])
    for field in fields:
        if field.column in sent and field.value_type.kind in ROUNDED:
            warn_if_rounded(field, sent[field.column], row[field.column])


def _check_nothing_lost(info: ModelInfo, row: Row, sent: Row) -> None:
    """Raise where a field that was sent is missing in the answer: Directus 10 says nothing else (G15)."""
    for field in info.fields.values():
        if field.column in sent and field.column not in row:
            msg = f"{field}: the collection {info.collection!r} has no field {field.column!r}; the value is lost."
            raise FieldError(msg, name=field.column, choices=tuple(row))


def _still_related(field: Field, instance: Any, row: Row) -> bool:
    """Whether a relation leads where it led, so that the related instance can stay."""
    related = instance.__dict__.get(field.name)
    raw = row[field.column]
    return raw is not None and is_model(type(related)) and bool(field.load(raw) == related.pk)


def _silently_created(session: Session, instance: Any, row: Row) -> Row:
    """Return what is known of a row that was created and not read back (G13)."""
    info = _info(instance)
    _explain_silence(session, info)
    if info.pk.column not in row:
        return row
    state_of(instance).row[info.pk.column] = row[info.pk.column]
    try:
        return read_rows(session, info.model, [instance], list(info.fields.values())).get(instance.pk, row)
    except Forbidden:
        return row


def _explain_silence(session: Session, info: ModelInfo) -> None:
    """Find out why the answer to a create was empty (G13): an unknown field raises, as reading it does.

    Where the rows may not be read, the row was created and that is all that can be known.
    """
    request = session.dialect.read(Query(info.model, paths=own_paths(info), limit=0))
    try:
        session.send(attrs.evolve(request, purpose="info"))
    except Forbidden as error:
        if session.dialect.names_field(error):
            error.add_note(
                f"The {info.model.__name__} was created all the same: only reading it back failed (G13)."
            )
            raise


def _explain_silent_update(session: Session, instance: Any, changes: Row, fields: Sequence[Field]) -> Row:
    """Find out why the answer to an update was empty: no such row, or one that may not be read (G5)."""
    if _info(instance).options.singleton:
        return changes
    try:
        rows = read_rows(session, type(instance), [instance], fields)
    except Forbidden as error:
        if session.dialect.names_field(error):
            raise
        return changes  # writing is allowed and reading is not
    if instance.pk not in rows:
        raise gone(instance)
    return rows[instance.pk]


def delete(instance: Any) -> None:
    """Delete the row; see `Model.delete`."""
    info, state = _info(instance), state_of(instance)
    if state.deleted:
        return
    if not state.stored:
        raise gone(instance, "it was never saved")
    session = session_of(instance)
    try:
        session.send(session.dialect.delete(info, state.row[info.pk.column]))
    except Forbidden:
        # The same answer for a row that is gone and for one that may not be deleted (G33).
        if _visible(session, instance):
            raise
    state.stored, state.deleted = False, True


def _visible(session: Session, instance: Any) -> bool:
    try:
        return bool(read_rows(session, type(instance), [instance], []))
    except Forbidden:
        return True


def refresh(instance: Any, names: Iterable[str] | None = None) -> None:
    """Read the row again; see `Model.refresh`."""
    info, state = _info(instance), state_of(instance)
    if not state.stored:
        raise gone(instance, "it was deleted" if state.deleted else "it was never saved")
    if isinstance(names, str):
        msg = f"refresh() takes a list of names, not the string {names!r}."
        raise TypeError(msg)
    if names is None:
        held = [f for f in info.fields.values() if f.name in instance.__dict__ or f.name in state.problems]
        fields = held if len(held) > 1 else list(info.fields.values())
    else:
        fields = [info.field(name, "refresh(…)") for name in names]
    session = session_of(instance)
    if info.options.singleton:
        row = session.send(
            session.dialect.read_singleton(Query(info.model, paths=tuple((f,) for f in fields)))
        ).data
    else:
        row = read_rows(session, info.model, [instance], fields).get(instance.pk)
    if row is None:
        raise gone(instance)
    for field in fields:
        state.problems.pop(field.name, None)
    state.row.update(row)
    take(instance, row, [f for f in fields if not _still_related(f, instance, row)])


# --- many rows ----------------------------------------------------------------------------------------------


def bulk_create(session: Session, info: ModelInfo, instances: Sequence[Any]) -> None:
    """Create rows, as many at a time as the server takes; each chunk is one transaction."""
    rows = [_with_key(instance) for instance in instances]
    done = 0
    while done < len(rows):
        chunk = _chunk(rows, done, session.max_rows)
        try:
            answer = session.send(session.dialect.create_many(info, chunk, own_paths(info)))
        except InvalidRequest as refusal:
            maximum = session.dialect.row_limit(refusal)
            if maximum is None or maximum >= len(chunk):
                _note_progress(refusal, done, chunk, rows)
                raise
            session.max_rows = maximum
            continue
        except DirectusError as error:
            _note_progress(error, done, chunk, rows)
            raise
        if answer.data is None:
            _explain_silence(session, info)
        page = Page(session, info.model)
        for instance, sent, row in zip(
            instances[done : done + len(chunk)], chunk, _in_order(info, chunk, answer), strict=True
        ):
            state_of(instance).page = page
            page.add(instance)
            stored(instance, session, row, sent)
        done += len(chunk)


def _note_progress(error: DirectusError, done: int, chunk: Sequence[Row], rows: Sequence[Row]) -> None:
    """Say on an error which rows were created: a chunk is a transaction, whose end only a refusal tells."""
    refused = isinstance(error, ServerError) and error.status < 500
    fate = "were not" if refused else "may have been"
    after = len(rows) - done - len(chunk)
    error.add_note(
        f"Of {len(rows)} rows, the first {done} were created, the next {len(chunk)} {fate}"
        f"{f', and the last {after} were not sent' if after else ''}."
    )


def _with_key(instance: Any) -> Row:
    """Return the row to create; a uuid key is made here, since answers are sorted by key (G11)."""
    instance.clean()
    row = new_row(instance)
    pk = _info(instance).pk
    if pk.column not in row and pk.value_type.kind == "uuid":
        row[pk.column] = str(uuid4())
    return row


def _chunk(rows: Sequence[Row], start: int, maximum: int | None) -> list[Row]:
    """Return as many rows from ``start`` on as one request may carry."""
    chunk: list[Row] = []
    size = 0
    for row in rows[start : start + min(MAX_ROWS, maximum or MAX_ROWS)]:
        size += len(json.dumps(row)) + 2
        if chunk and size > MAX_BODY:
            break
        chunk.append(row)
    return chunk


def _in_order(info: ModelInfo, sent: Sequence[Row], answer: Answer) -> list[Row]:
    """Return the rows of the answer in the order in which they were sent (G11)."""
    if answer.data is None:
        return list(sent)
    column, load = info.pk.column, info.pk.load
    named = {load(row[column]) for row in sent if column in row}
    by_key = {load(row[column]): row for row in answer.data}
    made = sorted(key for key in by_key if key not in named)
    if len(by_key) != len(sent) or not named <= by_key.keys():
        msg = (
            f"{len(sent)} rows were created in {info.collection!r}, and the answer does not show them one by one."
        )
        raise TransportError(msg, status=answer.status)
    unnamed = iter(made)
    return [by_key[load(row[column]) if column in row else next(unnamed)] for row in sent]


def own_paths(info: ModelInfo) -> tuple[tuple[Field], ...]:
    """Return the paths of a model's own fields; never ``*``, which brings what nobody asked for."""
    return tuple((field,) for field in info.fields.values())


def _info(instance: Any) -> ModelInfo:
    info: ModelInfo = type(instance).directus
    return info
