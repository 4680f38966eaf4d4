"""Writing many rows: bulk create, update and upsert of instances; update and delete of the rows of a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.errors import ConfigurationError, Forbidden, QueryError, TransportError
from ..core.progress import Progress
from ..core.request_response import Request, Response, Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.paths import FieldPath
from ..fields.type_table import SEQUENTIAL_KEYS
from ..instances.dirty_tracking import changed_fields, is_changed
from ..instances.state import PageBatch, info_of, state_of, stored_key
from ..instances.write_guards import guard_of
from ..query.lookups.field_lookups import key_of
from ..query.query import Query
from ..reading.hidden_rows import may_hide_rows
from ..reading.pagination.pager_driver import fetch
from ..reading.pagination.pagers import key_pager
from ..reading.run_query import select_keys
from ..reading.server_versions import require_columns, supported_paths
from ..session.session import Session
from .chunking import BuildRequest, BulkWrite, HandleResponse, bulk_write
from .payload import DumpPlan, check_new_key, dump_flat_row, dump_plan, dump_row, with_generated_key
from .store_back import (
    StoreBack,
    check_stored_values,
    is_readable,
    match_rows,
    read_back_creations,
    store_unseen,
    warn_of_unseen,
)
from .write_recovery import RecoverableWrite

# --- instances --------------------------------------------------------------------------------------------------


def create(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> None:
    """Create the rows of instances; each instance then holds what the server stored."""
    dialect_of(session).check_writes(info, "create")
    with bulk_write(session, info, instances, "created", batch_size=batch_size, progress=progress) as bulk:
        rows = [check_new_key(info, row) for row in map(_RowDump(instances).whole_row, instances)]
        _refuse_repeated_keys("bulk_create", info, rows, instances)
        _create_rows(bulk, rows, range(len(rows)))


def _create_rows(bulk: BulkWrite, rows: Iterable[Row], positions: Sequence[int]) -> None:
    session, info = bulk.session, bulk.info
    given = list(rows)
    rows = [with_generated_key(row, info) for row in given]  # the response is sorted by key (G11)
    new_keys = {row[info.pk.column] for row, before in zip(rows, given, strict=True) if row is not before}
    del given
    # Only sequential keys and uuids tell which row of the response is which.
    one_by_one = info.pk.value_type.kind not in SEQUENTIAL_KEYS and any(info.pk.column not in row for row in rows)

    require_columns(session, info, dict.fromkeys(column for row in rows for column in row))
    paths = supported_paths(session, info.paths)

    def build_request(chunk: list[Row]) -> RecoverableWrite:
        request = dialect_of(session).create_many(info, chunk, paths)
        readback = Query(info.model, paths=paths)
        return RecoverableWrite(request, info, chunk, readback, new_keys=new_keys, creates=True)

    def handle_response(positions: Sequence[int], chunk: list[Row], response: Response) -> None:
        instances = [bulk.inputs[position] for position in positions]
        batch = PageBatch(session, info.model)
        for instance in instances:
            state_of(instance).batch = batch
            batch.add(instance)
        if response.data is None:
            store_unseen(session, instances, chunk)
            bulk.record_done(positions)
            warn_of_unseen(read_back_creations(session, instances, chunk, response))
            return
        _store_rows(bulk, positions, chunk, _created_rows(info, chunk, response))

    bulk.send(rows, build_request, handle_response, positions, most=1 if one_by_one else None)


def _created_rows(info: ModelInfo, sent: Sequence[Row], response: Response) -> list[Row | None]:
    """Return the rows of a response in the order in which they were sent (G11).

    None stands for a row that this user does not see, or of which it is unclear which one it is.
    """
    row_by_key = _row_by_key(info.pk, response)
    rows = match_rows(info.pk, sent, row_by_key)
    if len(row_by_key) > len(sent) or (len(row_by_key) == len(sent) and None in rows):
        msg = f"{len(sent)} rows were created in {info.collection!r}, but the response does not show each one."
        raise TransportError(msg, status=response.status)
    return rows


def _row_by_key(pk: Field, response: Response) -> dict[Any, Row]:
    """Return the rows of a response by their keys, without those whose key this user does not see."""
    return {pk.load(row[pk.column]): row for row in response.data if row.get(pk.column) is not None}


def _store_rows(
    bulk: BulkWrite, positions: Sequence[int], sent: Sequence[Row], rows: Sequence[Row | None]
) -> None:
    """Store the rows of one response in the instances at some positions; these may be of several models.

    A row that is None was written as well, but this user does not see it. All rows are stored before any is
    checked, so that an error loses no key.
    """
    session, by_model, unseen = bulk.session, dict[type[Any], StoreBack](), list[Any]()
    for position, row, sent_row in zip(positions, rows, sent, strict=True):
        instance = bulk.inputs[position]
        if row is None:
            store_unseen(session, [instance], [sent_row])
            unseen.append(instance)
            continue
        model = type(instance)
        if model not in by_model:
            by_model[model] = StoreBack(model.directus, row)
        by_model[model].store(session, instance, row)
    bulk.record_done(positions)
    for position, row, sent_row in zip(positions, rows, sent, strict=True):
        if row is not None:
            by_model[type(bulk.inputs[position])].check(row, sent_row)
    warn_of_unseen(unseen)


def update_instances(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    names: Sequence[str],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> int:
    """Update these fields of instances whose rows exist; return the number of rows."""
    dialect_of(session).check_writes(info, "update")
    fields = [info.field(name, f"bulk_update(…, [{name!r}])") for name in names]
    if info.pk in fields or not fields:
        msg = f"bulk_update() takes the names of the fields to write, and not the key ({info.pk.name!r})."
        raise QueryError(msg)
    with bulk_write(session, info, instances, "updated", batch_size=batch_size, progress=progress) as bulk:
        plan = dump_plan(fields)
        rows = [_row_to_update(instance, info, plan) for instance in instances]
        _refuse_repeated_keys("bulk_update", info, rows, instances)
        paths = tuple((field,) for field in (info.pk, *fields))
        return len(rows) - len(_update_rows(bulk, rows, range(len(rows)), paths))


def _row_to_update(instance: Any, info: ModelInfo, plan: DumpPlan) -> Row:
    instance.clean()
    row = {info.pk.column: stored_key(instance), **dump_row(plan, instance)}
    if len(row) <= len(plan):
        missing = ", ".join(field.name for *_, field in plan if field.column not in row)
        msg = f"bulk_update(): {instance!r} has no value to write for {missing}: assign one, or load it."
        raise ConfigurationError(msg)
    # A null that was read may stand for a value hidden from this user (G27): writing it back would destroy that.
    before = state_of(instance).row
    return {
        column: value for column, value in row.items() if value is not None or before.get(column, "") is not None
    }


def upsert(
    session: Session,
    info: ModelInfo,
    instances: Sequence[Any],
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> None:
    """Update the rows that exist and create the others; each instance then holds what the server stored.

    Instances that were read or saved before send their changes alone: a null that was read may stand for a value
    hidden from this user (G27).
    """
    for action in ("create", "update"):
        dialect_of(session).check_writes(info, action)
    with bulk_write(session, info, instances, "written", batch_size=batch_size, progress=progress) as bulk:
        dump, column = _RowDump(instances), info.pk.column
        was_read = [_is_its_row(instance) for instance in instances]
        rows = [
            dump.changes(instance) if read else dump.whole_row(instance)
            for instance, read in zip(instances, was_read, strict=True)
        ]
        _refuse_repeated_keys("upsert", info, rows, instances)
        existing = set(_existing_keys(session, info, [row[column] for row in rows if column in row]))
        to_update, unchanged, to_create = [], [], {}
        for position, row in enumerate(rows):
            if row.get(column) not in existing:
                whole_row = dump.whole_row(instances[position]) if was_read[position] else row
                to_create[position] = check_new_key(info, whole_row)
            elif was_read[position] and len(row) == 1:
                unchanged.append(position)
            else:
                to_update.append(position)
        bulk.skip(unchanged)
        gone = _update_rows(bulk, [rows[position] for position in to_update], to_update, info.paths)
        to_create |= {position: check_new_key(info, dump.whole_row(instances[position])) for position in gone}
        positions = sorted(to_create)
        _create_rows(bulk, [to_create[position] for position in positions], positions)


def _is_its_row(instance: Any) -> bool:
    """Return whether the row that an instance would be written to is the one that it was read from."""
    pk, state = info_of(instance).pk, state_of(instance)
    return state.stored and not (pk.name in instance.__dict__ and is_changed(pk, instance, state.row))


class _RowDump:
    """Converts cleaned instances, which may be of several models, to the rows that are sent; see `dump_row`."""

    def __init__(self, instances: Sequence[Any]) -> None:
        for instance in instances:
            instance.clean()
        models = {type(instance) for instance in instances}
        self._plans: dict[type[Any], DumpPlan] = {m: dump_plan(m.directus.fields.values()) for m in models}

    def whole_row(self, instance: Any) -> Row:
        """Return all that an instance has, to create its row or to write over one that exists.

        Readonly fields that still have the value that was read are left out.
        """
        plan = self._plans[type(instance)]
        if state_of(instance).stored:
            changed = changed_fields(instance)
            plan = tuple(entry for entry in plan if not entry[-1].options.readonly or entry[-1] in changed)
        return dump_flat_row(instance, plan)

    def changes(self, instance: Any) -> Row:
        """Return the key of an instance's row, and the fields that changed."""
        changed = changed_fields(instance)
        plan = tuple(entry for entry in self._plans[type(instance)] if entry[-1] in changed)
        return {info_of(instance).pk.column: stored_key(instance), **dump_flat_row(instance, plan)}


def _refuse_repeated_keys(verb: str, info: ModelInfo, rows: Sequence[Row], instances: Sequence[Any]) -> None:
    """Refuse two rows with the same key: one of them would be lost."""
    position_by_key: dict[Any, int] = {}
    for position, row in enumerate(rows):
        key = row.get(info.pk.column)
        if key is None:
            continue
        first = position_by_key.setdefault(key, position)
        if first != position:
            msg = (
                f"{verb}() was given two rows with the key {key!r}, numbers {first} and {position} (from 0): "
                f"{instances[first]!r} and {instances[position]!r}."
            )
            raise ConfigurationError(msg)


def _update_rows(
    bulk: BulkWrite, rows: Sequence[Row], positions: Sequence[int], paths: tuple[FieldPath, ...]
) -> list[int]:
    """Update each row by its key, and store the response; return the positions of rows that do not exist."""
    session, info, pk = bulk.session, bulk.info, bulk.info.pk
    require_columns(session, info, dict.fromkeys(column for row in rows for column in row))
    paths = supported_paths(session, paths)
    row_by_position = dict(zip(positions, rows, strict=True))
    guard = guard_of(info.model)
    if guard is not None and rows:
        guard.before_update(session, info.model, {row[pk.column]: row for row in rows}, by_query=False)
    keys = {position: row[pk.column] for position, row in row_by_position.items()}
    rows_before = {pk.load(key): state_of(bulk.inputs[position]).row for position, key in keys.items()}
    gone: set[int] = set()

    def build_request(chunk: list[Row]) -> RecoverableWrite:
        first, dialect = chunk[0], dialect_of(session)
        if first[pk.column]:
            request = dialect.update_many(info, chunk, paths)
        else:  # beside others, the server takes a row with the key 0 for one without a key
            changes = {column: value for column, value in first.items() if column != pk.column}
            request = dialect.update_keys(info, [first[pk.column]], changes, paths)
        return RecoverableWrite(request, info, chunk, Query(info.model, paths=paths), rows_before)

    def handle_response(positions: Sequence[int], chunk: list[Row], response: Response) -> None:
        instances = [bulk.inputs[position] for position in positions]
        if response.data is None:
            store_unseen(session, instances, chunk)
            bulk.record_done(positions)
            is_readable(session, info, paths, response)
            warn_of_unseen(instances)
            return
        row_by_key = _row_by_key(pk, response)
        stored = {position: row_by_key.get(pk.load(keys[position])) for position in positions}
        if None in stored.values() and not may_hide_rows(session, info.collection):
            gone.update(position for position, row in stored.items() if row is None)
        found = [position for position in positions if position not in gone]
        bulk.record_done([position for position in positions if position in gone])
        _store_rows(bulk, found, [row_by_position[each] for each in found], [stored[each] for each in found])

    by_itself = {position: row for position, row in row_by_position.items() if not row[pk.column]}
    together = {position: row for position, row in row_by_position.items() if row[pk.column]}
    missing = [
        position
        for items in (together, by_itself)
        for position in _send_to_existing(bulk, items, keys, build_request, handle_response)
    ]
    return [*missing, *gone]


def _send_to_existing(
    bulk: BulkWrite,
    items: Mapping[int, Any],
    keys: Mapping[int, Any],
    build_request: BuildRequest,
    handle_response: HandleResponse,
) -> list[int]:
    """Send items, by position, for rows that should exist; return the positions of rows that do not.

    The server refuses a whole chunk if one of its rows does not exist (G33). Then the rows that still exist are
    looked up and sent again.
    """
    try:
        bulk.send(list(items.values()), build_request, handle_response, list(items))
    except Forbidden:
        unwritten = [position for position in bulk.unwritten() if position in items]
        existing = set(_existing_keys(bulk.session, bulk.info, [keys[position] for position in unwritten]))
        remaining = {position: items[position] for position in unwritten if keys[position] in existing}
        if len(remaining) == len(unwritten):
            raise
    else:
        return []
    bulk.send(list(remaining.values()), build_request, handle_response, list(remaining))
    return [position for position in unwritten if position not in remaining]


def _existing_keys(session: Session, info: ModelInfo, keys: Sequence[Any]) -> list[Any]:
    pk: Field = info.pk
    pager = key_pager(Query(info.model, paths=((pk,),)), keys, dialect_of(session), session.max_rows)
    existing = {pk.load(row[pk.column]) for page in fetch(session, pager) for row in page}
    return [key for key in keys if pk.load(key) in existing]


# --- rows of a query --------------------------------------------------------------------------------------------


def update(session: Session, query: Query, values: Mapping[str, Any], progress: Progress = None) -> int:
    """Write the same values to the rows of a query; return the number of rows.

    The keys of all rows are selected first, in the query's order, and the rows are then written by key. The
    server's own update by query would stop at 100 rows (G1), and widen some filters (G2, G3, G4).
    """
    info: ModelInfo = query.model.directus
    dialect_of(session).check_writes(info, "update")
    changes = _dump_values(info, values)
    require_columns(session, info, changes)
    paths = tuple((field,) for field in info.fields.values() if field == info.pk or field.column in changes)
    updated = 0

    def build_request(chunk: list[Any]) -> RecoverableWrite:
        rows = [{info.pk.column: key, **changes} for key in chunk]
        request = dialect_of(session).update_keys(info, chunk, changes, paths)
        return RecoverableWrite(request, info, rows, Query(info.model, paths=paths))

    def handle_response(positions: Sequence[int], chunk: list[Any], response: Response) -> None:
        nonlocal updated
        bulk.record_done(positions)
        rows = response.data
        if rows is None:  # the server accepts fields that it lacks, and drops their values (G13, G15)
            is_readable(session, info, paths, response)
        elif rows:
            check_stored_values(info, rows[0], changes)
        written = chunk if rows is None else rows
        if len(written) < len(chunk) and may_hide_rows(session, info.collection):
            written = chunk  # the response lacks rows that this user no longer sees
        updated += len(written)

    with bulk_write(session, info, select_keys(session, query), "updated", progress=progress) as bulk:
        keys = dict(enumerate(bulk.inputs))
        guard = guard_of(info.model)
        if guard is not None and keys:
            guard.before_update(session, info.model, dict.fromkeys(bulk.inputs, changes), by_query=True)
        _send_to_existing(bulk, keys, keys, build_request, handle_response)
    return updated


def delete(
    session: Session, query: Query, progress: Progress = None, choices: Mapping[str, Any] | None = None
) -> int:
    """Delete the rows of a query; return their number. Their keys are selected first (G1).

    ``choices`` are those of `WriteGuard.before_delete`.
    """
    info: ModelInfo = query.model.directus
    dialect_of(session).check_writes(info, "delete")
    deleted = 0

    def build_request(chunk: list[Any]) -> Request:
        return dialect_of(session).delete_keys(info, chunk)

    def handle_response(positions: Sequence[int], chunk: list[Any], _: Response) -> None:
        nonlocal deleted
        bulk.record_done(positions)
        deleted += len(chunk)

    with bulk_write(session, info, select_keys(session, query), "deleted", progress=progress) as bulk:
        keys = dict(enumerate(bulk.inputs))
        guard = guard_of(info.model)
        if guard is not None and keys:
            guard.before_delete(session, info.model, bulk.inputs, choices or {})
        _send_to_existing(bulk, keys, keys, build_request, handle_response)
    return deleted


def _dump_values(info: ModelInfo, values: Mapping[str, Any]) -> Row:
    """Convert the values of `update` to JSON, each checked by its type and its validator."""
    if not values:
        msg = f"update() of {info.model.__name__} was given nothing to write."
        raise QueryError(msg)
    row: Row = {}
    for name, value in values.items():
        field = info.field(name, f"update({name}=…)")
        if field == info.pk or field.options.readonly:
            reason = "the key" if field == info.pk else "readonly"
            msg = f"update({name}=…): {field} is {reason}, and cannot be written."
            raise QueryError(msg)
        row[field.column] = field.dump(value if field.target is None else key_of(field, value))
        field.check_length(row[field.column])
        if field.options.validator is not None:
            field.options.validator(None, field.attribute, value)
    return row
