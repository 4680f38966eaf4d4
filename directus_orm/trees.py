"""Instances without rows that go along with another one, in one request: what is sent, and what is taken back.

A many-to-one goes nested where the server makes its key; one that carries a key is created before, by itself,
since nested it would change the row that has the key (G10). New rows of lists always go under ``create``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import attrs

from .fields import Field
from .info import ModelInfo, is_model
from .instances import state_of
from .query.query import Nested, Query
from .relations import ToMany
from .wire import Row

Store = Callable[[Any, Row, Row], None]
"""Lets an instance hold what was stored: the instance, its row, and what was sent of it."""


@attrs.define(eq=False)
class Sending:
    """What a request carries of one instance, and of those that go along with it.

    ``ones`` go along in its fields, ``lists`` in its relations to many.
    """

    instance: Any
    row: Row
    ones: dict[str, Sending] = attrs.field(factory=dict)
    lists: dict[str, list[Part]] = attrs.field(factory=dict)

    @property
    def info(self) -> ModelInfo:
        """What is known of the instance's model."""
        info: ModelInfo = type(self.instance).directus
        return info

    def query(self, fields: Iterable[Field]) -> Query:
        """Return the description of what is read back."""
        paths: list[Any] = []
        nested: list[Nested] = []
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
            nested.append(Nested((relation,), tuple(_of_scope(scope, parts) for scope in relation.scopes)))
        return Query(self.info.model, paths=tuple(paths), nested=tuple(nested))


@attrs.frozen(eq=False)
class Part:
    """One of a list: an instance, what is sent of it if it is new, and further fields of the junction's row."""

    instance: Any
    new: Sending | None
    further: Mapping[str, Any]


def is_new(value: Any) -> bool:
    """Return whether a value is an instance that has no row yet."""
    return is_model(type(value)) and not state_of(value).stored and not state_of(value).deleted


def carries_key(instance: Any) -> bool:
    """Return whether an instance says its key itself."""
    return instance.__dict__.get(type(instance).directus.pk.name) is not None


def with_key(row: Row, info: ModelInfo) -> Row:
    """Return a row with a key, where the server's answer could not tell which is which (G11)."""
    if info.pk.column not in row and info.pk.value_type.kind == "uuid":
        return {**row, info.pk.column: str(uuid4())}
    return row


def listed(relation: ToMany, parts: Iterable[Part]) -> Row:
    """Return what is sent for a list of a row that is new as well."""
    if relation.options.kind == "one-to-many":
        column = relation.target.directus.pk.column
        create = [part.new.row for part in parts if part.new is not None]
        update = [{column: key_sent(part.instance)} for part in parts if part.new is None]
        return {name: rows for name, rows in (("create", create), ("update", update)) if rows}
    rows = [
        {**junction_row(relation, part.instance, key_sent(part.instance) if part.new is None else part.new.row)}
        | dict(part.further)
        for part in parts
    ]
    return {"create": rows}


def key_sent(instance: Any) -> Any:
    """Return the key of an instance as it is sent."""
    return type(instance).directus.pk.dump(instance.pk)


def junction_row(relation: ToMany, instance: Any, body: Any) -> Row:
    """Return a junction's row that leads to an instance; the body is its key, or its row if it is new."""
    step = relation.steps[1].partition(":")[0]
    if not relation.is_scoped:
        return {step: body}
    item = body if isinstance(body, dict) else str(body)
    return {relation.options.collection or "": type(instance).directus.collection, step: item}


def take_back(sending: Sending, row: Row, store: Store) -> None:
    """Let an instance, and those that went along, hold what the server stored."""
    sent, known = dict(sending.row), dict(row)
    for name, along in sending.ones.items():
        column = sending.info.fields[name].column
        part = row.get(column)
        if isinstance(part, dict):
            take_back(along, part, store)
            known[column] = part.get(along.info.pk.column)
        sent[column] = known.get(column)
    for name, parts in sending.lists.items():
        relation = sending.info.relations[name]
        for part, found in _matched(relation, parts, known.pop(relation.column, None)):
            take_back(part, found, store)
        del sent[relation.column]
    store(sending.instance, known, sent)
    state_of(sending.instance).pending.clear()


def _of_scope(scope: ToMany, parts: list[Part]) -> Query:
    info: ModelInfo = scope.target.directus
    new = [part.new for part in parts if part.new is not None and isinstance(part.instance, scope.target)]
    mine = [each.query(info.fields.values()) for each in new]
    paths = dict.fromkeys([*info.paths, *(path for query in mine for path in query.paths)])
    kept = tuple(path for path in paths if not any(len(p) > len(path) and p[: len(path)] == path for p in paths))
    nested = {each.path: each for query in mine for each in query.nested}
    return Query(info.model, paths=kept, nested=tuple(nested.values()))


def _matched(relation: ToMany, parts: list[Part], rows: Any) -> Iterator[tuple[Sending, Row]]:
    """Yield each of the new instances of a list with its row.

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
        counted = sorted(key for key in found if key not in known and key not in named)
        unnamed = [each for each in new if pk.column not in each.row]
        for key, each in (*named.items(), *zip(counted, unnamed, strict=False)):
            yield each, found.get(key, each.row)


def _rows_of(scope: ToMany, rows: Any) -> Iterator[Row]:
    for row in rows if isinstance(rows, list) else ():
        part = row
        if scope.options.kind != "one-to-many":
            if scope.is_scoped and row[scope.options.collection] != scope.target.directus.collection:
                continue
            part = row[scope.steps[1].partition(":")[0]]
        if isinstance(part, dict):
            yield part
