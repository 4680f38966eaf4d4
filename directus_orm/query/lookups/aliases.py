"""Resolves the names and expressions of `annotate`, `values` and `aggregate` against a model."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ...core.errors import FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.model_info import ModelInfo, Step
from ...fields.paths import kind_of, target_model, trim_join
from ...fields.type_table import NUMBERS, WITH_EXTREMES, WITHOUT_EQUALITY
from ..conditions import ALWAYS, Node
from ..expressions import Aggregate, F
from ..grouping import AggregateSpec
from ..q import Q
from ..value_refs import Alias, Aliases, RelatedCount, ValueRef
from .date_parts import parts_of
from .filters import resolve_filter

# --- names --------------------------------------------------------------------------------------------------


def expand_alias(name: str, aliases: Aliases) -> str:
    """Return a path whose first name is replaced by the path that it is an alias of."""
    for alias, value in aliases:
        if name == alias or name.startswith(f"{alias}__"):
            return value.name + name[len(alias) :]
    return name


def expand_aliases(condition: Q, aliases: Aliases) -> Q:
    """Return a condition in which aliases are replaced by their paths."""
    if not aliases:
        return condition
    children = tuple(
        expand_aliases(child, aliases) if isinstance(child, Q) else (expand_alias(child[0], aliases), child[1])
        for child in condition.children
    )
    return condition.with_children(children)


def resolve_value(info: ModelInfo, name: str, where: str) -> ValueRef:
    """Return the value that a name refers to: a field, or a part of its date.

    Raises:
        FieldError: there is no such field, or its type has no such part.
        UnsupportedQuery: the path leads over many rows.
    """
    path, rest = info.resolve_to_one(name, where)
    if not rest:
        return ValueRef(name, path)
    return ValueRef(name, path, _date_part(path[-1], rest, where))


def _date_part(field: Field, name: str, where: str) -> str:
    """Return the name of a part of a field's dates, or raise if it has no such part."""
    target = field.target
    parts = parts_of(kind_of(field)) if target is None else []
    if name in parts:
        return name
    if not parts:
        raise (target.directus if target else field.model.directus).unknown_field(name, where)
    msg = f"{where}: {field} has no part {name!r}; parts: {', '.join(parts)}."
    raise FieldError(msg, name=name, choices=tuple(parts))


def resolve_row_value(info: ModelInfo, name: str, where: str) -> ValueRef:
    """Return the value of a row that a name refers to; a related row's key is the relation's own value."""
    ref = resolve_value(info, name, where)
    return ref if ref.part is not None else attrs.evolve(ref, path=trim_join(ref.path))


def resolve_alias(info: ModelInfo, expression: object, where: str) -> Alias:
    """Return the value that an expression of `annotate` gives each row.

    Raises:
        UnsupportedQuery: the value is computed from many rows, or the server cannot compute it.
    """
    if isinstance(expression, F):
        return resolve_row_value(info, expression.name, where)
    if isinstance(expression, Aggregate):
        return _related_count(info, expression, where)
    msg = (
        f"{where} takes F('path') and Count('relation'), not {expression!r}: the server computes nothing else. "
        "Compute in Python, with the rows."
    )
    raise UnsupportedQuery(msg)


def _related_count(info: ModelInfo, aggregate: Aggregate, where: str) -> RelatedCount:
    if aggregate.expression == "*":
        path, rest = cast("tuple[Step, ...]", (info.pk,)), ""
    else:
        path, rest = info.resolve_path(aggregate.expression, where)
    many = [step for step in path if step.to_many]
    is_plain_count = aggregate.function == "count" and aggregate.filter is None  # it is always distinct
    if is_plain_count and many == [path[-1]] and not rest:
        return RelatedCount(f"{aggregate.expression}__count", path)
    if not many:
        msg = (
            f"{where}: {aggregate!r} is computed from many rows, and each instance is one row. "
            f"Use aggregate({aggregate!r}) for all rows, values('field').annotate(…) for groups."
        )
        raise UnsupportedQuery(msg)
    msg = (
        f"{where}: of the rows behind {many[0]}, the server gives each row only their number, with "
        f"Count({many[0].name!r}). For others, query {target_model((many[0],)).__name__}: values('…').annotate(…)."
    )
    raise UnsupportedQuery(msg)


def resolve_aggregate(info: ModelInfo, aggregate: object, aliases: Aliases, where: str) -> AggregateSpec:
    """Return the aggregate that an expression describes.

    Raises:
        FieldError: it names no field.
        QueryError: it cannot be computed from such values.
        UnsupportedQuery: the server cannot be asked exactly this.
    """
    if not isinstance(aggregate, Aggregate):
        msg = f"{where} takes Count, Sum, Avg, Min and Max, not {aggregate!r}: the server has no others."
        raise UnsupportedQuery(msg)
    condition: Node = ALWAYS
    if aggregate.filter is not None:
        condition = resolve_filter(expand_aliases(aggregate.filter, aliases), info.model)
    if aggregate.expression == "*":
        return AggregateSpec("count", (info.pk,), where=condition)
    value = resolve_value(info, expand_alias(aggregate.expression, aliases), where)
    if value.part is not None:
        msg = f"{where}: {aggregate!r} would be computed from parts of dates; group by {value.name!r} instead."
        raise UnsupportedQuery(msg)
    _check_type(value.field, aggregate, where)
    return AggregateSpec(aggregate.function, value.path, aggregate.distinct, condition, aggregate.default)


def _check_type(field: Field, aggregate: Aggregate, where: str) -> None:
    """Refuse an aggregate that cannot be computed from values of the field's type."""
    kind, function = kind_of(field), aggregate.function
    if function in ("sum", "avg") and kind not in NUMBERS:
        msg = f"{where}: {aggregate!r} is computed from numbers, and {field} holds values of type {kind}."
        raise QueryError(msg)
    if function in ("min", "max") and kind not in WITH_EXTREMES:
        msg = f"{where}: {aggregate!r}: not every database has an order of values of type {kind}."
        raise UnsupportedQuery(msg)
    if kind == "hash" or (aggregate.distinct and kind in WITHOUT_EQUALITY):
        msg = f"{where}: {aggregate!r}: not every database can tell which values of type {kind} are equal."
        raise UnsupportedQuery(msg)


def resolve_group_key(info: ModelInfo, name: str, aliases: Aliases, where: str) -> ValueRef:
    """Return the value that rows are grouped by.

    Raises:
        UnsupportedQuery: not every database can tell which of its values are equal.
    """
    if isinstance(dict(aliases).get(name), RelatedCount):
        msg = f"{where}: the server cannot group by {name!r}, the number of related rows."
        raise UnsupportedQuery(msg)
    value = resolve_value(info, expand_alias(name, aliases), where)
    kind = kind_of(value.field)
    if kind in WITHOUT_EQUALITY:
        msg = f"{where}: {value.field} is of type {kind}, and not every database can tell which of them are equal."
        raise UnsupportedQuery(msg)
    return value


def check_alias_name(info: ModelInfo, name: str, where: str) -> str:
    """Return a name that `annotate` is to give to a value.

    Raises:
        QueryError: it is not an identifier, or the model has such a field or attribute.
    """
    is_field = name in info.fields or name in info.relations or name == "pk"
    if is_field or hasattr(info.model, name):
        taken_by = "a field" if is_field else "an attribute"
        msg = f"{where}: {info.model.__name__} has {taken_by} {name!r} already; choose another name."
        raise QueryError(msg)
    if not name.isidentifier() or name.startswith("_"):
        msg = f"{where}: {name!r} cannot be the name of an attribute."
        raise QueryError(msg)
    return name


def name_aggregates(expressions: tuple[Any, ...], by_name: dict[str, Any], where: str) -> dict[str, Any]:
    """Return aggregates by name; those without a name take one from their field, such as ``dep_delay__avg``.

    Raises:
        QueryError: an expression has no name, or two have the same.
    """
    by_default_name: dict[str, Any] = {}
    for expression in expressions:
        if not isinstance(expression, Aggregate):
            msg = f"{where} takes expressions by name, such as n=Count('*'); {expression!r} has none."
            raise QueryError(msg)
        name = expression.default_name
        if name in by_default_name or name in by_name:
            msg = f"{where}: two expressions are called {name!r}; name one of them."
            raise QueryError(msg)
        by_default_name[name] = expression
    return {**by_default_name, **by_name}
