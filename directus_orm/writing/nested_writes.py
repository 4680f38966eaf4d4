"""Instances without rows that go along with another one, in one request: what is sent, and what is taken back.

A many-to-one goes nested where the server makes its key; one that carries a key is created before, by itself,
since nested it would change the row that has the key (G10). So is one that several lead to, since nested twice it
would become two rows. New rows of lists always go under ``create``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import attrs

from ..core.errors import ConversionError
from ..core.messages import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.to_many import ToMany
from ..fields.type_table import SEQUENTIAL_KEYS
from ..instances.state import is_new, key_to_send, state_of
from ..query.query import PrefetchedList, Query
from ..reading.unknown_names import SentNames

StoreInstance = Callable[[Any, Row, Row], None]
"""Lets an instance hold what was stored: the instance, its row, and what was sent of it."""


@attrs.define(eq=False)
class NestedPayload:
    """What a request carries of one instance, and of those that go along with it.

    ``ones`` go along in its fields, ``lists`` in its relations to many.
    """

    instance: Any
    row: Row
    ones: dict[str, NestedPayload] = attrs.field(factory=dict)
    lists: dict[str, list[ListEntry]] = attrs.field(factory=dict)

    @property
    def info(self) -> ModelInfo:
        """What is known of the instance's model."""
        info: ModelInfo = type(self.instance).directus
        return info

    def query(self, fields: Iterable[Field]) -> Query:
        """Return the description of what is read back."""
        paths: list[Any] = []
        nested: list[PrefetchedList] = []
        for field in fields:
            along = self.ones.get(field.name)
            if along is None:
                paths.append((field,))
            else:
                inner = along.query(along.info.fields.values())
                paths += [(field, *path) for path in inner.paths]
                nested += [attrs.evolve(each, path=(field, *each.path)) for each in inner.nested]
        for name, parts in self.lists.items():
            relation = self.info.relations[name]
            queries = tuple(_of_scope(scope, parts) for scope in relation.scopes)
            nested.append(
                PrefetchedList(
                    (relation,), queries, junction_fields=junction_fields_to_read(relation, self.said(name).fields)
                )
            )
        return Query(self.info.model, paths=tuple(paths), nested=tuple(nested))

    def said(self, name: str) -> SentNames:
        """Return what is sent of a list."""
        relation = self.info.relations[name]
        rows = self.row[relation.column].get("create", ()) if relation.has_junction else ()
        return SentNames(relation, frozenset(name for row in rows for name in row))


@attrs.frozen(eq=False)
class ListEntry:
    """One of a list: an instance, what is sent of it if it is new, and further fields of the junction's row."""

    instance: Any
    new: NestedPayload | None
    further: Mapping[str, Any]


# --- before anything is sent ------------------------------------------------------------------------------------


def created_first(instance: Any, fields: Iterable[Field] | None = None) -> list[Any]:
    """Return the new instances that are created before, each by itself, those first that others refer to.

    All new instances are cleaned on the way. ``fields`` are those of an instance that has a row already.

    Raises:
        ConversionError: one refers to itself, over others.
    """
    search = _Search()
    if fields is None:
        search.enter(instance)
    else:
        search.above.append(instance)
        search.follow(instance, fields)
    return [one for known, one in search.left.items() if known in search.ahead]


@attrs.define(eq=False)
class _Search:
    """The way through new instances: those above, those that were left, and those that cannot go nested."""

    above: list[Any] = attrs.field(factory=list)
    left: dict[int, Any] = attrs.field(factory=dict)
    ahead: set[int] = attrs.field(factory=set)

    def enter(self, instance: Any, owner: Field | None = None) -> None:
        if any(instance is each for each in self.above):
            msg = f"{instance!r} refers to itself over instances that are not saved: save one of them first."
            raise ConversionError(msg, model=type(instance).__name__)
        if id(instance) in self.left:
            self.ahead.add(id(instance))
            return
        instance.clean()
        self.above.append(instance)
        info: ModelInfo = type(instance).directus
        self.follow(instance, [field for field in info.fields.values() if field != owner])
        for name, waiting in state_of(instance).pending.items():
            relation = info.relations[name]
            to_one = relation.is_one_to_many
            for one, _ in waiting:
                if is_new(one):
                    self.enter(one, relation.reverse_field if to_one else None)
                    self._keep(one, to_one)
        self.left[id(self.above.pop())] = instance

    def follow(self, instance: Any, fields: Iterable[Field]) -> None:
        for field in fields:
            value = instance.__dict__.get(field.name)
            if is_new(value):
                self.enter(value)
                self._keep(value, created=False)

    def _keep(self, instance: Any, created: bool) -> None:
        if not created and carries_key(instance):
            self.ahead.add(id(instance))


# --- what is sent -----------------------------------------------------------------------------------------------


def carries_key(instance: Any) -> bool:
    """Return whether an instance says its key itself."""
    return instance.__dict__.get(type(instance).directus.pk.name) is not None


def list_payload(relation: ToMany, parts: Iterable[ListEntry]) -> Row:
    """Return what is sent for a list of a row that is new as well, in the order of the list."""
    if relation.is_one_to_many:
        column = relation.target.directus.pk.column
        create = [part.new.row for part in parts if part.new is not None]
        update = [{column: key_to_send(part.instance)} for part in parts if part.new is None]
        return {name: rows for name, rows in (("create", create), ("update", update)) if rows}
    sort = relation.options.sort
    rows = [
        junction_row(relation, part.instance, key_to_send(part.instance) if part.new is None else part.new.row)
        | ({sort: number} if sort else {})
        | dict(part.further)
        for number, part in enumerate(parts, 1)
    ]
    return {"create": rows}


def junction_fields_to_read(relation: ToMany, names: Iterable[str]) -> tuple[str, ...]:
    """Return those fields of a junction that do not come with every list, for them to be read back."""
    always = {relation.target_column, relation.options.collection, relation.junction_key}
    return tuple(sorted(set(names) - always))


def junction_row(relation: ToMany, instance: Any, body: Any) -> Row:
    """Return a junction's row that leads to an instance; the body is its key, or its row if it is new."""
    step = relation.target_column
    if not relation.is_many_to_any:
        return {step: body}
    item = body if isinstance(body, dict) else str(body)
    return {relation.options.collection or "": type(instance).directus.collection, step: item}


# --- what is taken back -----------------------------------------------------------------------------------------


def store_nested(sending: NestedPayload, row: Row, store: StoreInstance) -> None:
    """Let an instance, and those that went along, hold what the server stored.

    What the row does not tell of those that went along is taken from what was sent.
    """
    sent, known = dict(sending.row), dict(row)
    for name, along in sending.ones.items():
        column, key = sending.info.fields[name].column, along.info.pk.column
        part = row.get(column)
        if not isinstance(part, dict):  # it may not be read: then its key comes, or nothing (G26)
            part = along.row if part is None else {**along.row, key: part}
        store_nested(along, part, store)
        del sent[column]
        known.pop(column, None)
        if part.get(key) is not None:
            sent[column] = known[column] = part[key]
    for name, parts in sending.lists.items():
        relation = sending.info.relations[name]
        for part, found in _matched(relation, parts, known.pop(relation.column, None)):
            store_nested(part, found, store)
        del sent[relation.column]
    store(sending.instance, known, sent)
    for name in sending.ones:  # of one whose key nobody told, nothing changed either
        state_of(sending.instance).row.setdefault(sending.info.fields[name].column, None)
    state_of(sending.instance).pending.clear()
    for name, parts in sending.lists.items():
        for part in parts:
            set_parent(part.instance, sending.info.relations[name], sending.instance)


def missing_from_response(sending: NestedPayload, row: Any) -> Iterator[SentNames]:
    """Yield what was sent of lists and is not in the answer."""
    row = row if isinstance(row, dict) else {}
    for name, along in sending.ones.items():
        yield from missing_from_response(along, row.get(sending.info.fields[name].column))
    for name, parts in sending.lists.items():
        said = sending.said(name)
        if said.is_in(row):
            found: Iterable[tuple[NestedPayload, Row]] = _matched(said.relation, parts, row[said.relation.column])
        else:
            yield said
            found = [(part.new, {}) for part in parts if part.new is not None]
        for each, inner in found:
            yield from missing_from_response(each, inner)


def set_parent(child: Any, relation: ToMany, instance: Any) -> None:
    """Let a child of a one-to-many know whose it is now."""
    if relation.is_one_to_many:
        key = state_of(instance).row.get(type(instance).directus.pk.column)
        state_of(child).row[relation.reverse_field.column] = key
        child.__dict__[relation.reverse_field.name] = instance


def _of_scope(scope: ToMany, parts: list[ListEntry]) -> Query:
    info: ModelInfo = scope.target.directus
    new = [part.new for part in parts if part.new is not None and isinstance(part.instance, scope.target)]
    return _joined([Query(info.model, paths=info.paths), *(each.query(info.fields.values()) for each in new)])


def _joined(queries: Sequence[Query]) -> Query:
    """Return the query that brings what any of these brings."""
    paths = dict.fromkeys(path for query in queries for path in query.paths)
    longer = {path[:n] for path in paths for n in range(1, len(path))}
    nested: dict[Any, list[PrefetchedList]] = {}
    for each in (each for query in queries for each in query.nested):
        nested.setdefault(each.path, []).append(each)
    lists = [
        attrs.evolve(same[0], queries=tuple(map(_joined, zip(*(each.queries for each in same), strict=True))))
        for same in nested.values()
    ]
    return Query(queries[0].model, paths=tuple(p for p in paths if p not in longer), nested=tuple(lists))


def _matched(relation: ToMany, parts: list[ListEntry], rows: Any) -> Iterator[tuple[NestedPayload, Row]]:
    """Yield each of the new instances of a list with its row, or with what was sent where that cannot be told.

    All rows of the list are those that were sent. Keys tell which is which; keys that the server counted grow in
    the order of the rows.
    """
    for scope in relation.scopes:
        pk: Field = scope.target.directus.pk
        found = {pk.load(row[pk.column]): row for row in _rows_of(scope, rows)}
        mine = [part for part in parts if isinstance(part.instance, scope.target)]
        known = {part.instance.pk for part in mine if part.new is None}
        new = [part.new for part in mine if part.new is not None]
        named = {pk.load(each.row[pk.column]): each for each in new if pk.column in each.row}
        unnamed = [each for each in new if pk.column not in each.row]
        counted = sorted(key for key in found if key not in known and key not in named)[: len(unnamed)]
        if len(unnamed) > 1 and pk.value_type.kind not in SEQUENTIAL_KEYS:
            counted = []
        for key, each in (*named.items(), *zip_longest(counted, unnamed)):
            yield each, found.get(key, each.row)


def _rows_of(scope: ToMany, rows: Any) -> Iterator[Row]:
    for row in rows if isinstance(rows, list) else ():
        part = row
        if scope.has_junction:
            if scope.is_many_to_any and row.get(scope.options.collection) != scope.target.directus.collection:
                continue
            part = row.get(scope.target_column)
        if isinstance(part, dict):
            yield part
