"""Writing many rows: in chunks that the server takes, each of them one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from . import fates
from .errors import DirectusError, Forbidden, InvalidRequest, QueryError, ServerError, TransportError
from .fates import Write
from .fields import Field
from .info import ModelInfo
from .instances import Batch, state_of, stored_key
from .query.fetch import fetch
from .query.lookups import key_of
from .query.paging import key_pages
from .query.query import Path, Query
from .query.steps import keys
from .session import Session
from .wire import Answer, Request, Row
from .writes import can_be_read, check_kept, created_silently, new_row, payload, stored

# Below the server's default of 1 MB for a body (G35), with room for what surrounds the rows.
MAX_BODY = 900_000
MAX_ROWS = 1000

_Ask = Callable[[list[Any]], Request | Write]


def create(session: Session, info: ModelInfo, instances: Sequence[Any]) -> None:
    """Create the rows of instances, and let each hold what was stored of it."""
    rows = [_with_key(instance) for instance in instances]
    done = 0

    def request(chunk: list[Row]) -> Write:
        back = Query(info.model, paths=info.paths)
        return Write(session.dialect.create_many(info, chunk, info.paths), info, chunk, back, creates=True)

    for chunk, answer in _in_chunks(session, rows, request, "created"):
        part = instances[done : done + len(chunk)]
        batch = Batch(session, info.model)
        for instance in part:
            state_of(instance).batch = batch
            batch.add(instance)
        if answer.data is None:
            created_silently(session, part, chunk)
        else:
            for instance, sent, row in zip(part, chunk, _in_order(info, chunk, answer), strict=True):
                stored(instance, session, row, sent)
        done += len(chunk)


def update_instances(session: Session, info: ModelInfo, instances: Sequence[Any], names: Sequence[str]) -> int:
    """Write these fields of instances whose rows are there; return how many were."""
    fields = [info.field(name, f"bulk_update(…, [{name!r}])") for name in names]
    if info.pk in fields or not fields:
        msg = f"bulk_update() takes the names of the fields to write, and not the key ({info.pk.name!r})."
        raise QueryError(msg)
    for instance in instances:
        instance.clean()
    rows = [
        (instance, {info.pk.column: stored_key(instance), **payload(instance, fields)}) for instance in instances
    ]
    return _update_rows(session, info, rows, tuple((field,) for field in (info.pk, *fields)))


def upsert(session: Session, info: ModelInfo, instances: Sequence[Any]) -> None:
    """Write the instances whose rows are there, and create the rest; each holds then what was stored of it."""
    keyed = {key: instance for instance in instances if (key := _key(info, instance)) is not None}
    there = set(_still_there(session, info, list(keyed)))
    known = [instance for key, instance in keyed.items() if key in there]
    written = {id(instance) for instance in known}
    rows = []
    for instance in known:
        instance.clean()
        rows.append((instance, {**new_row(instance), info.pk.column: _key(info, instance)}))
    _update_rows(session, info, rows, info.paths)
    missing = [instance for instance in instances if id(instance) not in written]
    if missing:
        create(session, info, missing)


def _key(info: ModelInfo, instance: Any) -> Any:
    key = instance.__dict__.get(info.pk.name)
    return None if key is None else info.pk.dump(key)


def _update_rows(
    session: Session, info: ModelInfo, rows: Sequence[tuple[Any, Row]], paths: tuple[Path, ...]
) -> int:
    """Write each row by its key; let the instances hold what was stored, and return how many rows there were."""
    pk, written = info.pk, 0
    by_key = {pk.load(row[pk.column]): instance for instance, row in rows}

    known = {key: state_of(instance).row for key, instance in by_key.items()}

    def request(chunk: list[Row]) -> Write:
        back = Query(info.model, paths=paths)
        return Write(session.dialect.update_many(info, chunk, paths), info, chunk, back, known)

    for chunk, answer in _in_chunks(session, [row for _, row in rows], request, "updated"):
        if answer.data is None:
            can_be_read(session, info, paths)
        found = {pk.load(row[pk.column]): row for row in (chunk if answer.data is None else answer.data)}
        for row in chunk:
            key = pk.load(row[pk.column])
            if key in found:
                stored(by_key[key], session, found[key], row)
        written += len(found)
    return written


def update(session: Session, query: Query, values: Mapping[str, Any]) -> int:
    """Write the same values to the rows of a query; return how many there were.

    The rows are chosen first, all of them and in the query's order, and then written by key: a server that is
    asked to write by query stops at 100 rows (G1), and widens some filters (G2, G3, G4).
    """
    info: ModelInfo = query.model.directus
    changes = _changes(info, values)
    paths = tuple((field,) for field in info.fields.values() if field == info.pk or field.column in changes)

    def request(chunk: list[Any]) -> Write:
        rows = [{info.pk.column: key, **changes} for key in chunk]
        sent = session.dialect.update_keys(info, chunk, changes, paths)
        return Write(sent, info, rows, Query(info.model, paths=paths))

    written = 0
    for chunk, answer in _by_key(session, query, request, "updated"):
        rows = answer.data
        if rows is None:  # the server takes fields that it lacks, and drops their values (G13, G15)
            can_be_read(session, info, paths)
        elif rows:
            check_kept(info, rows[0], changes)
        written += len(chunk if rows is None else rows)
    return written


def delete(session: Session, query: Query) -> int:
    """Delete the rows of a query; return how many there were. They are chosen first, and deleted by key (G1)."""
    info: ModelInfo = query.model.directus

    def request(chunk: list[Any]) -> Request:
        return session.dialect.delete_keys(info, chunk)

    return sum(len(chunk) for chunk, _ in _by_key(session, query, request, "deleted"))


def _changes(info: ModelInfo, values: Mapping[str, Any]) -> Row:
    """Convert what `update` is to write, each value checked by its type and its validator."""
    if not values:
        msg = f"update() of {info.model.__name__} was given nothing to write."
        raise QueryError(msg)
    row: Row = {}
    for name, value in values.items():
        field = info.field(name, f"update({name}=…)")
        if field == info.pk or field.options.readonly:
            what = "the key" if field == info.pk else "readonly"
            msg = f"update({name}=…): {field} is {what}, and cannot be written."
            raise QueryError(msg)
        row[field.column] = field.dump(_plain(field, value))
        if field.options.validator is not None:
            field.options.validator(None, field.attribute, value)
    return row


def _plain(field: Field, value: Any) -> Any:
    return key_of(field, value) if field.target is not None else value


def _by_key(session: Session, query: Query, request: _Ask, verb: str) -> Iterator[tuple[list[Any], Answer]]:
    """Choose the rows of a query, then send a request for their keys; yield each chunk and its answer."""
    chosen = keys(session, query)
    done = 0
    try:
        for chunk, answer in _in_chunks(session, chosen, request, verb):
            done += len(chunk)
            yield chunk, answer
    except Forbidden:
        # One row that another program deleted meanwhile makes the server refuse the whole chunk (G33).
        left = _still_there(session, query.model.directus, chosen[done:])
        if len(left) == len(chosen) - done:
            raise
        yield from _in_chunks(session, left, request, verb)


def _still_there(session: Session, info: ModelInfo, keys: Sequence[Any]) -> list[Any]:
    pk: Field = info.pk
    steps = key_pages(Query(info.model, paths=((pk,),)), keys, session.dialect, session.max_rows)
    there = {pk.load(row[pk.column]) for rows in fetch(session, steps) for row in rows}
    return [key for key in keys if pk.load(key) in there]


def _in_chunks(session: Session, parts: Sequence[Any], request: _Ask, verb: str) -> Any:
    """Send a request for as many parts at a time as the server takes; yield each chunk and its answer.

    An error says in a note what became of the parts before it.
    """
    done = 0
    while done < len(parts):
        chunk = _chunk(parts, done, session.max_rows)
        try:
            answer = _sent(session, request(chunk))
        except DirectusError as error:
            maximum = session.dialect.row_limit(error) if isinstance(error, InvalidRequest) else None
            if maximum is None or maximum >= len(chunk):
                _note_progress(error, done, len(chunk), len(parts), verb)
                raise
            session.max_rows = maximum
            continue
        yield chunk, answer
        done += len(chunk)


def _sent(session: Session, request: Request | Write) -> Answer:
    return session.send(request) if isinstance(request, Request) else fates.send(session, request)


def _chunk(parts: Sequence[Any], start: int, maximum: int | None) -> list[Any]:
    """Return as many rows or keys from ``start`` on as one request may carry."""
    chunk: list[Any] = []
    size = 0
    for part in parts[start : start + min(MAX_ROWS, maximum or MAX_ROWS)]:
        size += len(json.dumps(part)) + 2
        if chunk and size > MAX_BODY:
            break
        chunk.append(part)
    return chunk


def _note_progress(error: DirectusError, done: int, tried: int, total: int, verb: str) -> None:
    """Say on an error which rows were written: a chunk is a transaction, whose end only a refusal tells."""
    refused = isinstance(error, ServerError) and error.status < 500
    fates = [
        (done, f"were {verb}"),
        (tried, "were not" if refused else f"may have been {verb}"),
        (total - done - tried, "were not sent"),
    ]
    error.add_note(f"Of {total} rows in their order: {', '.join(f'{n} {fate}' for n, fate in fates if n)}.")


def _with_key(instance: Any) -> Row:
    """Return the row to create; a uuid key is made here, since answers are sorted by key (G11)."""
    instance.clean()
    row = new_row(instance)
    pk: Field = type(instance).directus.pk
    if pk.column not in row and pk.value_type.kind == "uuid":
        row[pk.column] = str(uuid4())
    return row


def _in_order(info: ModelInfo, sent: Sequence[Row], answer: Answer) -> list[Row]:
    """Return the rows of the answer in the order in which they were sent (G11)."""
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
