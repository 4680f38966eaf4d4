"""Models of junction rows: the declared ones, and those that are generated from what a relation declares."""

from __future__ import annotations

import functools
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

import attrs

from ..fields.field import Field, field, generated
from ..fields.registry import is_model
from ..fields.to_many import ToMany
from ..query.conditions import InSubquery, Node

# By the model that declares the relation: by the relation's name, and the target of a link model.
_generated: weakref.WeakKeyDictionary[type[Any], dict[tuple[str, type[Any] | None], type[Any]]] = (
    weakref.WeakKeyDictionary()
)


def junction_model(relation: ToMany) -> type[Any]:
    """Return the model of a relation's junction: the declared one, or one with the fields of the relation."""
    through = relation.options.through
    if not isinstance(through, str):
        assert through is not None  # noqa: S101 - only a one-to-many has none
        return through
    return _generate_once(relation, None, functools.partial(_define_junction_model, relation, through))


def _define_junction_model(relation: ToMany, collection: str) -> type[Any]:
    options = relation.options
    if relation.is_many_to_any:
        target: dict[Any, Any] = {options.target: str | None, options.collection: str | None}
    else:
        target = {relation.target_column: relation.target | None}
    sort = {options.sort: int | None} if options.sort else {}
    annotations = {"id": int, relation.source_column: relation.model | None, **target, **sort}
    return _define_model(relation, collection, annotations, {"id": field(default=generated, primary_key=True)})


def field_of(model: type[Any], column: str | None) -> Field:
    """Return the field of a model by the server's name."""
    field_by_column: dict[str, Field] = {each.column: each for each in model.directus.fields.values()}
    return field_by_column[column or ""]


# --- links to one model -----------------------------------------------------------------------------------------


def junction_condition(instance: Any, relation: ToMany) -> Node:
    """Return the condition that the junction links a row of the target model to an instance."""
    query = junction_rows(instance, relation).query
    target: Field = query.model.directus.fields["target"]
    paths = ((query.model.directus.pk,), (target,))
    return InSubquery((relation.target.directus.pk,), query.evolve(paths=paths), (target,))


def junction_rows(instance: Any, relation: ToMany) -> Any:
    """Return the junction rows that link an instance to rows of the target model, as a queryset."""
    rows: Any = _link_model(relation.model, relation.name, relation.target).objects
    of_target = {"collection": relation.target.directus.collection} if relation.is_many_to_any else {}
    return rows.filter(source=instance, **of_target)


def _link_model(model: type[Any], name: str, target: type[Any]) -> type[Any]:
    """Return the model of a junction's rows that lead to one model, as ``source`` and ``target``."""
    relation = attrs.evolve(model.directus.relations[name], targets=(target,))
    return _generate_once(relation, target, functools.partial(_define_link_model, relation))


def _define_link_model(relation: ToMany) -> type[Any]:
    fields = {
        "id": field(default=generated, primary_key=True, name=relation.junction_key),
        "source": field(default=None, name=relation.source_column),
        "target": field(default=None, name=relation.target_column),
    }
    annotations = {"source": relation.model | None, "target": relation.target | None}
    if relation.sort_column:
        annotations["sort"] = int | None
        fields["sort"] = field(default=None, name=relation.sort_column)
    if relation.is_many_to_any:
        annotations["collection"] = str | None
        fields["collection"] = field(default=None, name=relation.collection_column)
    return _define_model(relation, relation.junction, {**annotations, "id": int}, fields)


# --- generating -------------------------------------------------------------------------------------------------


def _generate_once(relation: ToMany, target: type[Any] | None, define: Callable[[], type[Any]]) -> type[Any]:
    models = _generated.setdefault(relation.model, {})
    key = (relation.name, target)
    if key not in models:
        models[key] = define()
    return models[key]


def _define_model(
    relation: ToMany, collection: str, annotations: dict[Any, Any], fields: dict[str, Any]
) -> type[Any]:
    base = next(each for each in reversed(relation.model.__mro__) if is_model(each))  # `Model` itself
    name = f"{relation.model.__name__}_{relation.name}_{len(_generated.get(relation.model, {}))}"
    body = {
        "__annotations__": annotations,
        "__module__": relation.model.__module__,
        "__qualname__": name,
        **fields,
    }
    model: Any = types.new_class(name, (base,), {"collection": collection}, lambda names: names.update(body))
    model._options = attrs.evolve(model._options, junction_of=relation)  # noqa: SLF001 - no argument of a class statement
    return typing.cast("type[Any]", model)
