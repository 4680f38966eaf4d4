"""Adding to, removing from and setting a to-many relation by the smallest change of the list (G7, G8)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..core.errors import ConversionError, Forbidden, InvalidForeignKey
from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.registry import is_row_of
from ..fields.to_many import ToMany
from ..fields.type_table import PLAIN_KEYS
from ..instances.refetch import refetch_rows
from ..instances.state import (
    PageBatch,
    RowIdentity,
    does_not_exist,
    info_of,
    is_new,
    key_to_send,
    row_identity,
    session_of,
    state_of,
    stored_key,
)
from ..query.conditions import NEVER, Comparison
from ..query.query import PrefetchedList, Query
from ..reading.hidden_rows import may_hide_rows
from ..reading.unknown_names import SentNames, refuse_dropped_names
from ..session.http.routes import SYSTEM_COLLECTIONS
from ..session.session import Session
from . import bulk, save
from .nested_payload import junction_fields_to_read, junction_row
from .nested_response import related_rows, set_parent
from .store_back import reading_after_write, warn_of_unseen


@attrs.frozen
class JunctionRow:
    """An existing junction row: its key for payloads, and its value of the relation's ``sort`` field.

    ``is_shown`` says whether the list shows the related row: this user may see it. ``hidden_column`` is a linking
    field that this user may not see.
    """

    key: Any
    sort: int | None = None
    is_shown: bool = True
    hidden_column: str | None = None


JunctionRows = dict[RowIdentity, list[JunctionRow]]
"""The junction rows of an instance, by the related row that they link to."""
FindJunctionRows = Callable[[Sequence[Any]], JunctionRows]
"""Reads the junction rows that link to some related instances; for an empty sequence, all of them."""

# --- one-to-many ------------------------------------------------------------------------------------------------


def move_children(parent: Any, relation: ToMany, gained: Sequence[Any], lost: Sequence[Any]) -> None:
    """Add children to the list of a parent, and remove others, in one request; new children are created first.

    The server's settings of the relation decide whether removed children are deleted or only lose their parent.
    """
    pk: Field = relation.target.directus.pk
    new_children = [child for child in gained if is_new(child)]
    existing_children = [child for child in gained if not is_new(child)]
    loaded = {row_identity(child): child for child in parent.__dict__.get(relation.name, ())}
    update = [{pk.column: key_to_send(child)} for child in existing_children]
    delete = [key_to_send(child) for child in lost]
    for child in new_children:
        setattr(child, relation.reverse_field.name, parent)
    create_new(session_of(parent), new_children)
    send_list_changes(parent, relation, {"update": update, "delete": delete}, linked=existing_children)
    for child in (*new_children, *existing_children):
        set_parent(child, relation, parent)
    for child in lost:
        _forget_parent(child, relation)
        _forget_parent(loaded.get(row_identity(child), child), relation)


def _forget_parent(child: Any, relation: ToMany) -> None:
    """Unset the reverse relation of a child, so that access to it loads it again."""
    child.__dict__.pop(relation.reverse_field.name, None)
    state_of(child).row.pop(relation.reverse_field.column, None)


# --- junctions --------------------------------------------------------------------------------------------------


def add_links(
    instance: Any,
    relation: ToMany,
    related: Sequence[Any],
    junction_values: Mapping[str, Any],
    find_junction_rows: FindJunctionRows,
) -> None:
    """Link related instances to an instance by new junction rows, unless they are linked already."""
    linked = find_junction_rows([each for each in related if not is_new(each)])
    create_new(session_of(instance), related)
    missing = [each for each in related if row_identity(each) not in linked]
    create = [_new_junction_row(relation, each, junction_values) for each in missing]
    send_list_changes(instance, relation, {"create": create}, linked=missing)


def remove_links(
    instance: Any, relation: ToMany, related: Sequence[Any], find_junction_rows: FindJunctionRows
) -> None:
    """Delete the junction rows that link an instance to related instances."""
    junction_rows = [row for rows in find_junction_rows(related).values() for row in rows]
    send_list_changes(instance, relation, {"delete": [row.key for row in junction_rows]})


def set_links(
    instance: Any,
    relation: ToMany,
    related: Sequence[Any],
    junction_values: Mapping[str, Any],
    find_junction_rows: FindJunctionRows,
    *,
    ordered: bool,
) -> None:
    """Link an instance to these related instances and no others, in one request; ``ordered`` keeps their order.

    Junction rows whose related row this user may not see stay as they are.

    Raises:
        ConversionError: a link that the list shows has to go, and a linking field of it is hidden from this user.
    """
    links = find_junction_rows([])
    kept = {row_identity(each) for each in related if not is_new(each)}
    _refuse_hidden_links(relation, [row for key in links.keys() - kept for row in links[key] if row.is_shown])
    create_new(session_of(instance), related)
    sort_column = relation.sort_column if ordered else None
    create: list[Row] = []
    update: list[Row] = []
    new: list[Any] = []
    last_sort: int | None = None
    for each in related:
        junction_rows = links.pop(row_identity(each), None)
        if junction_rows is None:
            last_sort = _next_sort(last_sort, None)
            sort_value = {sort_column: last_sort} if sort_column else {}
            create.append(_new_junction_row(relation, each, {**sort_value, **junction_values}))
            new.append(each)
        for row in junction_rows or ():
            last_sort = _next_sort(last_sort, row.sort)
            if sort_column and last_sort != row.sort:
                update.append({relation.junction_key: row.key, sort_column: last_sort})
    delete = [row.key for junction_rows in links.values() for row in junction_rows if row.is_shown]
    send_list_changes(instance, relation, {"create": create, "update": update, "delete": delete}, linked=new)


def _refuse_hidden_links(relation: ToMany, lost: Iterable[JunctionRow]) -> None:
    """Refuse to delete junction rows of which this user may not see what they link."""
    for row in lost:
        if row.hidden_column is not None:
            msg = (
                f"{relation}: the list shows a row that cannot be taken out of it, since "
                f"{relation.junction}.{row.hidden_column} is hidden from this user on the row with the key "
                f"{row.key!r}. Permit to read that field there; nothing was written."
            )
            raise ConversionError(msg, model=relation.model.__name__, key=row.key, field=relation.name)


def _next_sort(last: int | None, current: int | None) -> int:
    """Return a sort value above the last one: the current value if it is, to save writing the row."""
    if current is not None and (last is None or current > last):
        return current
    return 1 if last is None else last + 1


def _new_junction_row(relation: ToMany, related: Any, junction_values: Mapping[str, Any]) -> Row:
    return {**junction_row(relation, related, key_to_send(related)), **junction_values}


# --- creating related instances ---------------------------------------------------------------------------------


def create_new(session: Session, instances: Iterable[Any]) -> None:
    """Create the rows of new instances: all of one model in one request, except those with nested instances."""
    new_by_model: dict[type[Any], list[Any]] = {}
    for instance in instances:
        if not is_new(instance):
            continue
        if any(map(is_new, instance.__dict__.values())) or any(state_of(instance).pending.values()):
            _set_session(instance, session)
            save.save(instance)
        else:
            new_by_model.setdefault(type(instance), []).append(instance)
    for model, new in new_by_model.items():
        bulk.create(session, model.directus, new)


def _set_session(instance: Any, session: Session) -> None:
    """Let an instance without a session use this one."""
    state = state_of(instance)
    if state.batch is None:
        state.batch = PageBatch(session, type(instance))
        state.batch.add(instance)


# --- the request ------------------------------------------------------------------------------------------------

# The URL selects the rows of the list to read back by key, and has room for this many keys (G36).
_MOST_READ_BACK = 50
# Directus 10 takes no more rows out of a list by one request, and the others no more than their maximum (G1).
_MOST_REMOVED = 100


def send_list_changes(
    instance: Any, relation: ToMany, changes: Mapping[str, list[Any]], *, linked: Sequence[Any] = ()
) -> None:
    """Send changes of a list (``create``, ``update``, ``delete``), and forget what was loaded of the list.

    One request takes at most 100 rows out of the list. ``linked`` are the related instances that the changes add.

    Raises:
        DoesNotExist: the instance or a linked one does not exist.
        ConfigurationError: the server has no such list, or its junction lacks a field.
        OutcomeUnknown: the response is lost, or the linked rows could not be read back.
    """
    removed = changes.get("delete", [])
    size = min(_MOST_REMOVED, session_of(instance).max_rows or _MOST_REMOVED)
    _send_changes(instance, relation, {**changes, "delete": removed[:size]}, linked)
    for start in range(size, len(removed), size):
        _send_changes(instance, relation, {"delete": removed[start : start + size]}, ())


def _send_changes(
    instance: Any, relation: ToMany, changes: Mapping[str, list[Any]], linked: Sequence[Any]
) -> None:
    """Send changes of a list by one request.

    The server ignores rows that do not exist (G5), so the linked rows are read back.

    Raises:
        DoesNotExist: the instance or a linked one does not exist.
        ConfigurationError: the server has no such list, or its junction lacks a field.
        OutcomeUnknown: the response is lost, or the linked rows could not be read back.
    """
    changes = {name: rows for name, rows in changes.items() if rows}
    if not changes:
        return
    info, session = info_of(instance), session_of(instance)
    if info.collection in SYSTEM_COLLECTIONS:  # Directus 10 answers 500 if the users of a role lack one of these
        changes = {name: changes.get(name, []) for name in ("create", "update", "delete")}
    # Only the foreign key of a many-to-many makes the server refuse rows that do not exist.
    unverified = () if relation.is_many_to_many else linked
    sent_names = _sent_names(relation, changes)
    junction_fields = junction_fields_to_read(relation, sent_names.fields)
    # With Directus 10, only the rows of the response show which fields the junction has.
    read_back = linked if junction_fields else unverified
    if len(read_back) > _MOST_READ_BACK or not _keys_can_be_compared(relation):
        read_back = ()
    readback = Query(info.model, paths=((info.pk,),), nested=(_list_of(relation, read_back, junction_fields),))
    key = None if info.options.singleton else stored_key(instance)
    try:
        request = dialect_of(session).update(info, key, {relation.column: changes}, readback)
        response = session.send(request)
        row = dialect_of(session).written_row(response)
    except (Forbidden, InvalidForeignKey) as error:
        for each in _missing(session, [instance, *linked]):
            raise does_not_exist(each) from error
        raise
    finally:
        instance.__dict__.pop(relation.name, None)
    # The rows that the server accepted exist; those that are missing now may only be hidden from this user.
    if row is None or len(read_back) < len(unverified):
        with reading_after_write(response):
            missing = _missing(session, unverified if row is not None else [instance, *unverified])
    else:
        missing = _not_listed(relation, row.get(relation.column), unverified)
    junctions = [relation.junction] if relation.has_junction else []
    if missing and not may_hide_rows(session, *(info_of(each).collection for each in missing), *junctions):
        raise does_not_exist(missing[0])
    if not sent_names.are_in(row):
        refuse_dropped_names(session, [sent_names])
    warn_of_unseen([each for each in missing if each is not instance])


def _sent_names(relation: ToMany, changes: Mapping[str, list[Any]]) -> SentNames:
    """Return the names that the changes contain: of the list, and of the junction's fields."""
    rows = [row for name in ("create", "update") for row in changes.get(name, ())] if relation.has_junction else []
    return SentNames(relation, frozenset(name for row in rows for name in row if name != relation.junction_key))


def _keys_can_be_compared(relation: ToMany) -> bool:
    """Return whether rows can be filtered by the related keys: the server evaluates some texts (G16, G17)."""
    return all(target.directus.pk.value_type.kind in PLAIN_KEYS for target in relation.targets)


def _list_of(relation: ToMany, related: Sequence[Any], junction_fields: tuple[str, ...]) -> PrefetchedList:
    """Return the query for the keys of related instances that are in the list, and for junction fields."""
    queries = []
    for scope in relation.scopes:
        pk = scope.target.directus.pk
        keys = [stored_key(each) for each in related if is_row_of(each, scope.target)]
        where = Comparison((pk,), "in", keys) if keys else NEVER
        queries.append(Query(scope.target, where, paths=((pk,),)))
    return PrefetchedList((relation,), tuple(queries), junction_fields=junction_fields)


def _not_listed(relation: ToMany, list_rows: Any, related: Sequence[Any]) -> list[Any]:
    """Return the related instances that are not in the list that was read back."""
    if not isinstance(list_rows, list) or not all(isinstance(row, dict) for row in list_rows):
        return []  # this user may not read the list (G26)
    listed = {
        (scope.target.directus.collection, key)
        for scope in relation.scopes
        for key in related_rows(scope, list_rows)
    }
    return [each for each in related if row_identity(each) not in listed]


def _missing(session: Session, instances: Sequence[Any]) -> list[Any]:
    """Return the instances whose rows are not found, though this user may read their collection."""
    by_model: dict[type[Any], list[Any]] = {}
    for instance in instances:
        if not info_of(instance).options.singleton:
            by_model.setdefault(type(instance), []).append(instance)
    missing: list[Any] = []
    for of_model in by_model.values():
        with contextlib.suppress(Forbidden):
            rows = refetch_rows(session, of_model, ())
            missing += [instance for instance, row in zip(of_model, rows, strict=True) if row is None]
    return missing
