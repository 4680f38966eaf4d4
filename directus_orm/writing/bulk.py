"""Writing many rows: what is sent of each, and what the answers make of the instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.errors import ConfigurationError, Forbidden, QueryError, TransportError
from ..core.messages import Request, Response, Row
from ..core.progress import Progress
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.paths import FieldPath
from ..fields.type_table import SEQUENTIAL_KEYS
from ..instances.dirty_tracking import changed_fields
from ..instances.state import PageBatch, state_of, stored_key
from ..query.lookups.field_lookups import key_of
from ..query.query import Query
from ..reading.pagination.fetch import fetch
from ..reading.pagination.pagers import key_pager
from ..reading.run_query import select_keys
from ..session.session import Session
from .chunking import BuildRequest, BulkWrite, HandleResponse, bulk_write
from .payload import DumpPlan, dump_new_row, dump_plan, dump_row, with_generated_key
from .store_back import StoreBack, check_stored_values, is_readable, store_unread_creations
from .write_recovery import RecoverableWrite


def create(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> None:
    """Create the rows of instances, and let each hold what was stored of it."""
    with bulk_write(session, info, instances, "created", batch_size=batch_size, progress=progress) as work:
        rows = _new_rows(instances, readonly=True)
        _refuse_repeated("bulk_create", info, rows, instances)
        _create(work, rows, range(len(rows)))


def _create(work: BulkWrite, rows: Iterable[Row], places: Sequence[int]) -> None:
    session, info = work.session, work.info
    rows = [with_generated_key(row, info) for row in rows]  # answers are sorted by key (G11)
    # Other keys that the server makes have no order that would tell whose they are.
    one_by_one = info.pk.value_type.kind not in SEQUENTIAL_KEYS and any(info.pk.column not in row for row in rows)

    def request(chunk: list[Row]) -> RecoverableWrite:
        back = Query(info.model, paths=info.paths)
        return RecoverableWrite(
            dialect_of(session).create_many(info, chunk, info.paths), info, chunk, back, creates=True
        )

    def take(there: Sequence[int], chunk: list[Row], answer: Response) -> None:
        part = [work.given[place] for place in there]
        batch = PageBatch(session, info.model)
        for instance in part:
            state_of(instance).batch = batch
            batch.add(instance)
        if answer.data is None:
            store_unread_creations(session, part, chunk)
            return
        store = _StoreBackByModel(session)
        for instance, sent, row in zip(part, chunk, _in_order(info, chunk, answer), strict=True):
            store(instance, row, sent)

    work.send(rows, request, take, places, most=1 if one_by_one else None)


class _StoreBackByModel:
    """Lets instances, of one model or of several that extend it, hold the rows of one answer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._by_model: dict[type[Any], StoreBack] = {}

    def __call__(self, instance: Any, row: Row, sent: Row) -> None:
        model = type(instance)
        store = self._by_model.get(model)
        if store is None:
            store = self._by_model[model] = StoreBack(model.directus, row)
        store(self._session, instance, row, sent)


def update_instances(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    names: Sequence[str],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> int:
    """Write these fields of instances whose rows are there; return how many were."""
    fields = [info.field(name, f"bulk_update(…, [{name!r}])") for name in names]
    if info.pk in fields or not fields:
        msg = f"bulk_update() takes the names of the fields to write, and not the key ({info.pk.name!r})."
        raise QueryError(msg)
    with bulk_write(session, info, instances, "updated", batch_size=batch_size, progress=progress) as work:
        plan = dump_plan(fields)
        rows = [_changes_of(instance, info, plan) for instance in instances]
        _refuse_repeated("bulk_update", info, rows, instances)
        paths = tuple((field,) for field in (info.pk, *fields))
        return len(rows) - len(_update(work, rows, range(len(rows)), paths))


def _changes_of(instance: Any, info: ModelInfo, plan: DumpPlan) -> Row:
    instance.clean()
    row = {info.pk.column: stored_key(instance), **dump_row(plan, instance)}
    if len(row) <= len(plan):
        missing = ", ".join(field.name for *_, field in plan if field.column not in row)
        msg = f"bulk_update(): {instance!r} has no value to write for {missing}: assign one, or load it."
        raise ConfigurationError(msg)
    return row


def upsert(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> None:
    """Write the instances whose rows are there, and create the rest; each holds then what was stored of it."""
    with bulk_write(session, info, instances, "written", batch_size=batch_size, progress=progress) as work:
        rows, column = _new_rows(instances, readonly=False), info.pk.column
        _refuse_repeated("upsert", info, rows, instances)
        there = set(_still_there(session, info, [row[column] for row in rows if column in row]))
        known = [place for place, row in enumerate(rows) if row.get(column) in there]
        gone = _update(work, [rows[place] for place in known], known, info.paths)
        rest = sorted({*range(len(rows))} - {*known} | {*gone})
        _create(work, [rows[place] for place in rest], rest)


def _new_rows(instances: Sequence[Any], *, readonly: bool) -> list[Row]:
    """Return what creating the instances sends, all of it checked before anything is sent.

    Without ``readonly``, fields that may not be written are passed over where they are as they were read.
    """
    plans: dict[type[Any], DumpPlan] = {}
    rows = []
    for instance in instances:
        instance.clean()
        model = type(instance)
        if model not in plans:
            plans[model] = dump_plan(model.directus.fields.values())
        fields = plans[model]
        if not readonly and state_of(instance).stored:
            changed = changed_fields(instance)
            fields = tuple(each for each in fields if not each[-1].options.readonly or each[-1] in changed)
        rows.append(dump_new_row(instance, fields))
    return rows


def _refuse_repeated(verb: str, info: ModelInfo, rows: Sequence[Row], instances: Sequence[Any]) -> None:
    """Refuse two rows with one key: of two, one would be lost, and nobody would know which."""
    seen: dict[Any, int] = {}
    for place, row in enumerate(rows):
        key = row.get(info.pk.column)
        if key is not None and seen.setdefault(key, place) != place:
            msg = (
                f"{verb}() was given two rows with the key {key!r}, numbers {seen[key]} and {place} (from 0): "
                f"{instances[seen[key]]!r} and {instances[place]!r}."
            )
            raise ConfigurationError(msg)


def _update(
    work: BulkWrite, rows: Sequence[Row], places: Sequence[int], paths: tuple[FieldPath, ...]
) -> list[int]:
    """Write each row by its key; let instances hold what was stored; return the places of those not there."""
    session, info, pk = work.session, work.info, work.info.pk
    gone: list[int] = []

    known = {
        pk.load(row[pk.column]): state_of(work.given[place]).row for place, row in zip(places, rows, strict=True)
    }

    def request(chunk: list[Row]) -> RecoverableWrite:
        back = Query(info.model, paths=paths)
        return RecoverableWrite(dialect_of(session).update_many(info, chunk, paths), info, chunk, back, known)

    def take(there: Sequence[int], chunk: list[Row], answer: Response) -> None:
        if answer.data is None:
            is_readable(session, info, paths)
        found = {pk.load(row[pk.column]): row for row in (chunk if answer.data is None else answer.data)}
        store = _StoreBackByModel(session)
        for place, sent in zip(there, chunk, strict=True):
            row = found.get(pk.load(sent[pk.column]))
            if row is None:
                gone.append(place)
            else:
                store(work.given[place], row, sent)

    by_place = dict(zip(places, rows, strict=True))
    keys_of = {place: row[pk.column] for place, row in by_place.items()}
    return gone + _send_by_key(work, by_place, keys_of, request, take)


def _send_by_key(
    work: BulkWrite, parts: Mapping[int, Any], keys: Mapping[int, Any], request: BuildRequest, take: HandleResponse
) -> list[int]:
    """Send parts, by place, for rows that are there; return the places of those that are not.

    One row that another program deleted meanwhile makes the server refuse a whole chunk (G33): then it is looked
    which ones are still there.
    """
    try:
        work.send(list(parts.values()), request, take, list(parts))
    except Forbidden:
        left = [place for place in work.left() if place in parts]
        there = set(_still_there(work.session, work.info, [keys[place] for place in left]))
        remaining = {place: parts[place] for place in left if keys[place] in there}
        if len(remaining) == len(left):
            raise
    else:
        return []
    work.send(list(remaining.values()), request, take, list(remaining))
    return [place for place in left if place not in remaining]


def update(session: Session, query: Query, values: Mapping[str, Any], progress: Progress = None) -> int:
    """Write the same values to the rows of a query; return how many there were.

    The rows are chosen first, all of them and in the query's order, and then written by key: a server that is
    asked to write by query stops at 100 rows (G1), and widens some filters (G2, G3, G4).
    """
    info: ModelInfo = query.model.directus
    changes = _changes(info, values)
    paths = tuple((field,) for field in info.fields.values() if field == info.pk or field.column in changes)
    written = 0

    def request(chunk: list[Any]) -> RecoverableWrite:
        rows = [{info.pk.column: key, **changes} for key in chunk]
        sent = dialect_of(session).update_keys(info, chunk, changes, paths)
        return RecoverableWrite(sent, info, rows, Query(info.model, paths=paths))

    def take(_: Sequence[int], chunk: list[Any], answer: Response) -> None:
        nonlocal written
        rows = answer.data
        if rows is None:  # the server takes fields that it lacks, and drops their values (G13, G15)
            is_readable(session, info, paths)
        elif rows:
            check_stored_values(info, rows[0], changes)
        written += len(chunk if rows is None else rows)

    with bulk_write(session, info, select_keys(session, query), "updated", progress=progress) as work:
        chosen = dict(enumerate(work.given))
        _send_by_key(work, chosen, chosen, request, take)
    return written


def delete(session: Session, query: Query, progress: Progress = None) -> int:
    """Delete the rows of a query; return how many there were. They are chosen first, and deleted by key (G1)."""
    info: ModelInfo = query.model.directus
    deleted = 0

    def request(chunk: list[Any]) -> Request:
        return dialect_of(session).delete_keys(info, chunk)

    def take(_: Sequence[int], chunk: list[Any], __: Response) -> None:
        nonlocal deleted
        deleted += len(chunk)

    with bulk_write(session, info, select_keys(session, query), "deleted", progress=progress) as work:
        chosen = dict(enumerate(work.given))
        _send_by_key(work, chosen, chosen, request, take)
    return deleted


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


def _still_there(session: Session, info: ModelInfo, keys: Sequence[Any]) -> list[Any]:
    pk: Field = info.pk
    steps = key_pager(Query(info.model, paths=((pk,),)), keys, dialect_of(session), session.max_rows)
    there = {pk.load(row[pk.column]) for rows in fetch(session, steps) for row in rows}
    return [key for key in keys if pk.load(key) in there]


def _in_order(info: ModelInfo, sent: Sequence[Row], answer: Response) -> list[Row]:
    """Return the rows of the answer in the order in which they were sent (G11)."""
    column, load = info.pk.column, info.pk.value_type.load
    named = [load(row[column]) if column in row else None for row in sent]
    by_key = {load(row[column]): row for row in answer.data}
    made = iter(sorted(by_key.keys() - set(named)))
    found = [row for key in named if (row := by_key.get(next(made, None) if key is None else key)) is not None]
    if len(found) != len(sent) or len(by_key) != len(sent):
        msg = (
            f"{len(sent)} rows were created in {info.collection!r}, and the answer does not show them one by one."
        )
        raise TransportError(msg, status=answer.status)
    return found
