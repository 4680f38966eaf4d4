"""Names in orderings, and what they stand for."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ...core.errors import FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import FieldPath
from ...fields.to_many import ToMany
from ...fields.type_table import DATES, WITHOUT_ORDER
from ..q import check_root
from ..query import Order
from .date_parts import DATE_PARTS


def resolve_ordering(model: type[Any], names: tuple[str, ...], where: str = "order_by") -> tuple[Order, ...]:
    """Resolve the names of an ordering; a relation stands for its model's own ordering, as in Django.

    Raises:
        FieldError: a name is no field, or more than a field.
    """
    return tuple(order for name in names for order in _orders(model, name, where, (model,)))


def _orders(model: type[Any], name: str, where: str, seen: tuple[type[Any], ...]) -> list[Order]:
    if not isinstance(name, str) or not name.strip("-+"):
        msg = f"{where}() takes names of fields, each with '-' before it to turn it round, not {name!r}."
        raise QueryError(msg)
    check_root(name, model)
    if name == "?":
        msg = "The server cannot order rows at random; take keys with values_list('pk', flat=True) and choose."
        raise FieldError(msg, name=name)
    descending, plain = name.startswith("-"), name.lstrip("-+")
    steps, rest = model.directus.resolve_path(plain, where=f"{where}({name!r})")
    if rest == "count" and steps[-1].to_many and not any(step.to_many for step in steps[:-1]):
        return [_by_number(cast("ToMany", steps[-1]), cast("FieldPath", steps), descending, f"{where}({name!r})")]
    path, rest = model.directus.resolve_to_one(plain, where=f"{where}({name!r})")
    kind = path[-1].value_type.kind
    if rest:
        functions = _functions(path[-1], rest, f"{where}({name!r})")
        return [Order(path, descending, function) for function in functions]
    if kind.partition(".")[0] in WITHOUT_ORDER:
        msg = f"{where}({name!r}): not every database can order fields of type {kind}."
        raise UnsupportedQuery(msg)
    target = path[-1].target
    if target is None or not target.directus.options.ordering or target in seen:
        return [Order(path, descending)]
    inner = [
        order for key in target.directus.options.ordering for order in _orders(target, key, where, (*seen, target))
    ]
    return [
        attrs.evolve(order, path=(*path, *order.path), descending=order.descending is not descending)
        for order in inner
    ]


def _by_number(relation: ToMany, path: FieldPath, descending: bool, where: str) -> Order:
    if relation.has_junction:
        msg = (
            f"{where}: the server orders by the rows of the junction of {relation}, those that lead nowhere "
            "included. Order the results in Python."
        )
        raise UnsupportedQuery(msg)
    return Order(path, descending, "count")


def _functions(field: Field, name: str, where: str) -> tuple[str, ...]:
    """Return the server's functions for a part of a date, if all databases order by them alike."""
    if name in _ORDERED_BY and field.target is None and field.value_type.kind in DATES:
        return _ORDERED_BY[name]
    if name in DATE_PARTS and field.target is None and field.value_type.kind in DATE_PARTS[name].kinds:
        msg = (
            f"{where}: not every database can order by the {name} of {field}. Order by {field.name!r} itself, or "
            f"by its {', '.join(_ORDERED_BY)}."
        )
        raise UnsupportedQuery(msg)
    target = field.target
    raise (target.directus if target else field.model.directus).unknown_field(name, where)


_ORDERED_BY = {
    **{name: (name,) for name in ("year", "month", "day", "hour", "minute")},
    "date": ("year", "month", "day"),
}
