"""The payload of an instance with related instances nested in it, all written by one request.

A new many-to-one instance is nested if the server makes its key. If it has a key, it is created first, by a
request of its own, since nested it would update the row that has the key (G10). So is one that several instances
refer to, since nested twice it would become two rows. New instances of lists always go under ``create``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

import attrs

from ..core.errors import ConversionError
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.registry import is_row_of
from ..fields.to_many import ToMany
from ..instances.state import RowIdentity, info_of, is_new, key_to_send, row_identity, state_of
from ..query.query import PrefetchedList, Query
from ..reading.unknown_names import SentNames
from .payload import check_new_key, dump_fields, with_generated_key, without_null_key


@attrs.define(eq=False)
class NestedPayload:
    """The payload of one instance, and those of the instances nested in it.

    ``row`` is what is sent. ``related`` are new many-to-one instances, by field; ``lists`` are the entries of
    to-many relations, by relation. ``listed`` are the rows that the lists hold already, by relation.
    """

    instance: Any
    row: Row
    related: dict[str, NestedPayload] = attrs.field(factory=dict)
    lists: dict[str, list[ListEntry]] = attrs.field(factory=dict)
    listed: Mapping[str, Set[RowIdentity]] = attrs.field(factory=dict)

    @property
    def info(self) -> ModelInfo:
        """The description of the instance's model."""
        return info_of(self.instance)

    def readback(self, fields: Iterable[Field]) -> Query:
        """Return the query for the response: these fields, and the fields of all nested instances."""
        paths: list[Any] = []
        nested: list[PrefetchedList] = []
        for field in fields:
            related = self.related.get(field.name)
            if related is None:
                paths.append((field,))
            else:
                inner = related.readback(related.info.fields.values())
                paths += [(field, *path) for path in inner.paths]
                nested += [attrs.evolve(prefetched, path=(field, *prefetched.path)) for prefetched in inner.nested]
        for name, entries in self.lists.items():
            relation = self.info.relations[name]
            queries = tuple(_readback_of_entries(scope, entries) for scope in relation.scopes)
            junction_fields = junction_fields_to_read(relation, self.sent_names(name).fields)
            nested.append(PrefetchedList((relation,), queries, junction_fields=junction_fields))
        return Query(self.info.model, paths=tuple(paths), nested=tuple(nested))

    def sent_names(self, name: str) -> SentNames:
        """Return the names that the payload contains for a list: of its column and its junction's fields."""
        relation = self.info.relations[name]
        rows = self.row[relation.column].get("create", ()) if relation.has_junction else ()
        return SentNames(relation, frozenset(column for row in rows for column in row))


@attrs.frozen(eq=False)
class ListEntry:
    """One entry of a list: an instance, its payload if it is new, and further values of the junction row."""

    instance: Any
    payload: NestedPayload | None
    junction_values: Mapping[str, Any]


def _readback_of_entries(scope: ToMany, entries: list[ListEntry]) -> Query:
    info: ModelInfo = scope.target.directus
    payloads = [entry.payload for entry in entries if is_row_of(entry.instance, scope.target)]
    readbacks = [payload.readback(info.fields.values()) for payload in payloads if payload is not None]
    return _union([Query(info.model, paths=info.paths), *readbacks])


def _union(queries: Sequence[Query]) -> Query:
    """Return a query that selects all paths and lists of some queries of one model."""
    paths = dict.fromkeys(path for query in queries for path in query.paths)
    prefixes = {path[:n] for path in paths for n in range(1, len(path))}
    lists_by_path: dict[Any, list[PrefetchedList]] = {}
    for prefetched in (prefetched for query in queries for prefetched in query.nested):
        lists_by_path.setdefault(prefetched.path, []).append(prefetched)
    lists = [
        attrs.evolve(
            same_path[0], queries=tuple(map(_union, zip(*(each.queries for each in same_path), strict=True)))
        )
        for same_path in lists_by_path.values()
    ]
    return Query(queries[0].model, paths=tuple(p for p in paths if p not in prefixes), nested=tuple(lists))


# --- building the payload ---------------------------------------------------------------------------------------


def creation_payload(
    instance: Any, created_first: Sequence[Any] = (), parent_field: Field | None = None
) -> NestedPayload:
    """Return the payload that creates an instance.

    ``created_first`` are new instances that get requests of their own, so they are not nested. ``parent_field`` is
    left out: the server sets it to the parent in which the payload is nested.
    """
    info = info_of(instance)
    fields = [f for f in info.fields.values() if f.name in instance.__dict__ and f != parent_field]
    payload = update_payload(instance, fields, created_first)
    check_new_key(info, without_null_key(info, payload.row))
    return payload


def update_payload(
    instance: Any,
    fields: Sequence[Field],
    created_first: Sequence[Any] = (),
    listed: Mapping[str, Set[RowIdentity]] = MappingProxyType({}),
) -> NestedPayload:
    """Return the payload of some fields, with the new many-to-one instances in them, and of the waiting lists.

    ``listed`` are the rows that are in the lists already, by relation.
    """
    info, values = info_of(instance), instance.__dict__
    new = {field.name: values[field.name] for field in fields if is_new(values[field.name])}
    related = {
        name: creation_payload(value, created_first)
        for name, value in new.items()
        if not _contains(created_first, value)
    }
    row = dump_fields(instance, [field for field in fields if field.name not in new])
    nested_rows = {info.fields[name].column: payload.row for name, payload in related.items()}
    payload = NestedPayload(instance, row | nested_rows, related, listed=listed)
    for name, pending in state_of(instance).pending.items():
        _add_list(payload, info.relations[name], pending, created_first)
    return payload


def _add_list(
    payload: NestedPayload,
    relation: ToMany,
    pending: Iterable[tuple[Any, Mapping[str, Any]]],
    created_first: Sequence[Any],
) -> None:
    """Add the entries of a list to a payload, except those that are created first, and those that are listed."""
    listed = payload.listed.get(relation.name, frozenset())
    entries = [
        _list_entry(relation, related, junction_values, created_first)
        for related, junction_values in pending
        if not (_contains(created_first, related) if is_new(related) else row_identity(related) in listed)
    ]
    if entries:
        payload.lists[relation.name] = entries
        payload.row[relation.column] = list_payload(relation, entries)


def _list_entry(
    relation: ToMany, instance: Any, junction_values: Mapping[str, Any], created_first: Sequence[Any]
) -> ListEntry:
    if not is_new(instance):
        return ListEntry(instance, None, junction_values)
    parent_field = relation.reverse_field if relation.is_one_to_many else None
    payload = creation_payload(instance, created_first, parent_field)
    payload.row = with_generated_key(payload.row, payload.info)
    return ListEntry(instance, payload, junction_values)


def _contains(instances: Sequence[Any], instance: Any) -> bool:
    # By identity: two instances of the same row are equal.
    return any(instance is each for each in instances)


def list_payload(relation: ToMany, entries: Iterable[ListEntry]) -> Row:
    """Return the payload of a list of a new row, in the order of the list."""
    if relation.is_one_to_many:
        column = relation.target.directus.pk.column
        create = [entry.payload.row for entry in entries if entry.payload is not None]
        update = [{column: key_to_send(entry.instance)} for entry in entries if entry.payload is None]
        return {name: rows for name, rows in (("create", create), ("update", update)) if rows}
    sort = relation.sort_column
    rows = [
        junction_row(relation, entry.instance, _row_or_key(entry))
        | ({sort: position} if sort else {})
        | dict(entry.junction_values)
        for position, entry in enumerate(entries, 1)
    ]
    return {"create": rows}


def _row_or_key(entry: ListEntry) -> Any:
    return key_to_send(entry.instance) if entry.payload is None else entry.payload.row


def junction_row(relation: ToMany, instance: Any, row_or_key: Any) -> Row:
    """Return a junction row that links to an instance, given its key, or its row if it is new."""
    if not relation.is_many_to_any:
        return {relation.target_column: row_or_key}
    item = row_or_key if isinstance(row_or_key, dict) else str(row_or_key)
    return {relation.collection_column or "": info_of(instance).collection, relation.target_column: item}


def junction_fields_to_read(relation: ToMany, names: Iterable[str]) -> tuple[str, ...]:
    """Return those fields of a junction that must be selected to be in the response, in a fixed order."""
    always_selected = {relation.target_column, relation.collection_column, relation.junction_key}
    return tuple(sorted(set(names) - always_selected))


# --- what must be created first ---------------------------------------------------------------------------------


def instances_to_create_first(instance: Any, fields: Iterable[Field] | None = None) -> list[Any]:
    """Return the new instances that need requests of their own, in the order in which these are sent.

    Calls ``clean()`` of every new instance on the way. For an instance that has a row already, ``fields`` are the
    fields to follow; without them, the instance itself is new.

    Raises:
        ConversionError: an instance refers to itself through others.
    """
    walk = _DependencyWalk()
    if fields is None:
        walk.visit(instance)
    else:
        walk.ancestors.append(instance)
        walk.visit_related(instance, fields)
        walk.visit_lists(instance)
    return [each for identity, each in walk.visited.items() if identity in walk.created_first]


@attrs.define(eq=False)
class _DependencyWalk:
    """A depth-first walk over new instances; what an instance refers to is visited before it."""

    ancestors: list[Any] = attrs.field(factory=list)
    visited: dict[int, Any] = attrs.field(factory=dict)
    created_first: set[int] = attrs.field(factory=set)

    def visit(self, instance: Any, parent_field: Field | None = None) -> None:
        if _contains(self.ancestors, instance):
            msg = f"{instance!r} refers to itself through instances that are not saved: save one of them first."
            raise ConversionError(msg, model=type(instance).__name__)
        if id(instance) in self.visited:
            self.created_first.add(id(instance))
            return
        instance.clean()
        self.ancestors.append(instance)
        fields = info_of(instance).fields.values()
        self.visit_related(instance, [field for field in fields if field != parent_field])
        self.visit_lists(instance)
        self.ancestors.pop()
        self.visited[id(instance)] = instance

    def visit_lists(self, instance: Any) -> None:
        for name, pending in state_of(instance).pending.items():
            relation = info_of(instance).relations[name]
            for related, _ in pending:
                if is_new(related):
                    self.visit(related, relation.reverse_field if relation.is_one_to_many else None)
                    # Under ``create`` of a one-to-many a key is safe: the row is created, never updated.
                    if relation.has_junction:
                        self._create_first_if_keyed(related)

    def visit_related(self, instance: Any, fields: Iterable[Field]) -> None:
        for field in fields:
            value = instance.__dict__.get(field.name)
            if is_new(value):
                if info_of(value).options.singleton:  # nested, it would become a second row
                    msg = f"{field} refers to {value!r}, a singleton that is not saved: save it first."
                    raise ConversionError(msg, model=type(instance).__name__, field=field.name)
                self.visit(value)
                self._create_first_if_keyed(value)

    def _create_first_if_keyed(self, instance: Any) -> None:
        if instance.__dict__.get(info_of(instance).pk.name) is not None:
            self.created_first.add(id(instance))
