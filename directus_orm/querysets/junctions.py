"""Junctions: the models of their rows, declared or made of what a relation tells."""

from __future__ import annotations

import functools
import types
import typing
import weakref
from typing import Any

import attrs

from ..fields.field import Field, field, generated
from ..fields.registry import is_model
from ..fields.to_many import ToMany
from ..query.conditions import InSubquery, Node

_made: weakref.WeakKeyDictionary[type[Any], dict[tuple[str, type[Any] | None], type[Any]]] = (
    weakref.WeakKeyDictionary()
)


def junction(relation: ToMany) -> type[Any]:
    """Return the model of a relation's junction: the declared one, or one of the fields that are known."""
    through = relation.options.through
    if not isinstance(through, str):
        assert through is not None  # noqa: S101 - only a one-to-many has none
        return through
    return _once(relation, None, functools.partial(_junction, relation, through))


def _junction(relation: ToMany, collection: str) -> type[Any]:
    options = relation.options
    if relation.is_many_to_any:
        target: dict[Any, Any] = {options.target: str | None, options.collection: str | None}
    else:
        target = {relation.target_column: relation.target | None}
    sort = {options.sort: int | None} if options.sort else {}
    annotations = {"id": int, relation.source_column: relation.model | None, **target, **sort}
    return _define(relation, collection, annotations, {"id": field(default=generated, primary_key=True)})


def _tie(model: type[Any], name: str, target: type[Any]) -> type[Any]:
    """Return a model of the rows of a junction that lead to one model, for conditions on them."""
    relation = attrs.evolve(model.directus.relations[name], targets=(target,))
    return _once(relation, target, functools.partial(_define_tie, relation))


def _define_tie(relation: ToMany) -> type[Any]:
    step = relation.target_column
    fields = {
        "id": field(default=generated, primary_key=True, name=relation.junction_key),
        "source": field(default=None, name=relation.source_column),
        "target": field(default=None, name=step),
    }
    annotations = {"source": relation.model | None, "target": relation.target | None}
    if relation.options.sort:
        annotations["place"] = int | None
        fields["place"] = field(default=None, name=relation.options.sort)
    if relation.is_many_to_any:
        annotations["collection"] = str | None
        fields["collection"] = field(default=None, name=relation.options.collection)
    return _define(relation, relation.junction, {**annotations, "id": int}, fields)


def _once(relation: ToMany, target: type[Any] | None, make: Any) -> type[Any]:
    known = _made.setdefault(relation.model, {})
    key = (relation.name, target)
    if key not in known:
        known[key] = make()
    return known[key]


def _define(relation: ToMany, collection: str, annotations: dict[Any, Any], fields: dict[str, Any]) -> type[Any]:
    root = next(each for each in reversed(relation.model.__mro__) if is_model(each))
    name = f"{relation.model.__name__}_{relation.name}_{len(_made.get(relation.model, {}))}"
    body = {
        "__annotations__": annotations,
        "__module__": relation.model.__module__,
        "__qualname__": name,
        **fields,
    }
    made: Any = types.new_class(name, (root,), {"collection": collection}, lambda names: names.update(body))
    made._options = attrs.evolve(made._options, junction_of=relation)  # noqa: SLF001 - no class statement says it
    return typing.cast("type[Any]", made)


def field_of(model: type[Any], column: str | None) -> Field:
    """Return the field of a model by the server's name."""
    fields: dict[str, Field] = {each.column: each for each in model.directus.fields.values()}
    return fields[column or ""]


def junction_condition(instance: Any, relation: ToMany) -> Node:
    """Return the condition that the junction ties a row to an instance, by the keys that stand there."""
    query = junction_rows(instance, relation).query
    target: Field = query.model.directus.fields["target"]
    paths = ((query.model.directus.pk,), (target,))
    return InSubquery((relation.target.directus.pk,), query.evolve(paths=paths), (target,))


def junction_rows(instance: Any, relation: ToMany) -> Any:
    """Return the rows of a junction that lead from an instance to rows of one model, ``target``."""
    rows: Any = _tie(relation.model, relation.name, relation.target).objects
    scope = {"collection": relation.target.directus.collection} if relation.is_many_to_any else {}
    return rows.filter(source=instance, **scope)
