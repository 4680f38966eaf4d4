"""Resolves the names in `order_by` and in a model's ordering to the keys of an ordering."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ...core.errors import FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of
from ...fields.to_many import ToMany
from ...fields.type_table import DATES, WITHOUT_ORDER
from ..capabilities import DEFAULT_CAPABILITIES
from ..q import check_root
from ..query import Order, Query
from .date_parts import parts_of


def resolve_ordering(model: type[Any], names: tuple[str, ...], where: str = "order_by") -> tuple[Order, ...]:
    """Resolve the names of an ordering; a relation means the ordering of its model, as in Django.

    Raises:
        FieldError: a name is not a field, or not one of the functions to order by.
        UnsupportedQuery: not every database can order by it.
    """
    return tuple(order for name in names for order in _resolve_name(model, name, where, (model,)))


def list_queries(relation: ToMany) -> tuple[Query, ...]:
    """Return the queries for all rows that a relation leads to, one for each of its models.

    The rows of a one-to-many with a ``sort`` field are in its order, before any other ordering.
    """
    queries: tuple[Query, ...] = tuple(target.objects.query for target in relation.targets)
    if relation.sort_field is None:
        return queries
    return tuple(query.evolve(order=(Order((relation.sort_field,)), *query.order)) for query in queries)


def _resolve_name(model: type[Any], name: str, where: str, seen: tuple[type[Any], ...]) -> list[Order]:
    """Return what one name orders by; ``seen`` are the models whose orderings led here."""
    if not isinstance(name, str) or not name.strip("-+"):
        msg = f"{where}() takes names of fields, with '-' before a name to reverse its order, not {name!r}."
        raise QueryError(msg)
    check_root(name, model)
    if name == "?":
        msg = "The server cannot order rows at random; take keys with values_list('pk', flat=True) and choose."
        raise FieldError(msg, name=name)
    descending, plain, where_name = name.startswith("-"), name.lstrip("-+"), f"{where}({name!r})"
    steps, rest = model.directus.resolve_path(plain, where=where_name)
    if rest == "count" and steps[-1].to_many and not any(step.to_many for step in steps[:-1]):
        return [_by_related_count(cast("FieldPath", steps), descending, where_name)]
    path, rest = model.directus.resolve_to_one(plain, where=where_name)
    if rest:
        functions = _functions(path[-1], rest, where_name)
        return [Order(path, descending, function) for function in functions]
    if kind_of(path[-1]) in WITHOUT_ORDER:
        msg = f"{where_name}: not every database can order fields of type {path[-1].value_type.kind}."
        raise UnsupportedQuery(msg)
    return _by_field(path, descending, where, seen)


def _by_field(path: FieldPath, descending: bool, where: str, seen: tuple[type[Any], ...]) -> list[Order]:
    """Return the ordering by a field; by a relation, it is the ordering of the related model."""
    target = path[-1].target
    if target is None or not target.directus.options.ordering or target in seen:
        return [Order(path, descending)]
    names = target.directus.options.ordering
    orders = [order for name in names for order in _resolve_name(target, name, where, (*seen, target))]
    return [
        attrs.evolve(order, path=(*path, *order.path), descending=order.descending is not descending)
        for order in orders
    ]


def _by_related_count(path: FieldPath, descending: bool, where: str) -> Order:
    relation = cast("ToMany", path[-1])
    if relation.has_junction:
        msg = (
            f"{where}: the server orders by the rows of the junction of {relation}, those that lead nowhere "
            "included. Order the results in Python."
        )
        raise UnsupportedQuery(msg)
    return Order(path, descending, "count")


def _functions(field: Field, name: str, where: str) -> tuple[str, ...]:
    """Return the server's functions to order by for a part of a date.

    Raises:
        UnsupportedQuery: not every database orders by it alike.
        FieldError: the field has no such part.
    """
    target, kind, by_part = field.target, field.value_type.kind, DEFAULT_CAPABILITIES.order_functions
    if name in by_part and target is None and kind in DATES:
        return by_part[name]
    if target is None and name in parts_of(kind):
        msg = (
            f"{where}: not every database can order by the {name} of {field}. Order by {field.name!r} itself, or "
            f"by its {', '.join(by_part)}."
        )
        raise UnsupportedQuery(msg)
    raise (target.directus if target else field.model.directus).unknown_field(name, where)
