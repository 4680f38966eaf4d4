"""Names in expressions, and what they stand for: resolved against a model, or refused with the reason."""

from __future__ import annotations

import functools
from typing import Any, Literal

from ...core.errors import FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.model_info import ModelInfo
from ...fields.paths import kind_of, target_model
from ...fields.type_table import NUMBERS, WITH_EXTREMES, WITHOUT_EQUALITY
from ..conditions import ALWAYS, Node
from ..expressions import Aggregate, F
from ..grouping import AggregateSpec, Alias, Aliases, Grouping, RelatedCount, ValueRef
from ..q import Q
from .date_parts import DATE_PARTS
from .filters import resolve_filter

# --- names --------------------------------------------------------------------------------------------------


def expand_alias(name: str, aliases: Aliases) -> str:
    """Return a path with the name that it begins with replaced by what that stands for."""
    for alias, stands_for in aliases:
        if name == alias or name.startswith(f"{alias}__"):
            return stands_for.name + name[len(alias) :]
    return name


def expand_aliases(condition: Q, aliases: Aliases) -> Q:
    """Return a condition in which names that `annotate` gave are replaced by what they stand for."""
    if not aliases:
        return condition
    children = tuple(
        expand_aliases(child, aliases) if isinstance(child, Q) else (expand_alias(child[0], aliases), child[1])
        for child in condition.children
    )
    return condition.with_children(children)


def resolve_value(info: ModelInfo, name: str, where: str) -> ValueRef:
    """Return what the name of a value stands for.

    Raises:
        FieldError: there is no such field, or its dates have no such part.
        UnsupportedQuery: the path leads over many rows.
    """
    path, rest = info.resolve_to_one(name, where)
    if not rest:
        return ValueRef(name, path)
    return ValueRef(name, path, _part(path[-1], rest, where))


def _part(field: Field, name: str, where: str) -> str:
    fitting = [part.name for part in DATE_PARTS.values() if field.target is None and kind_of(field) in part.kinds]
    if name in fitting:
        return name
    if not fitting:
        target = field.target
        raise (target.directus if target else field.model.directus).unknown_field(name, where)
    msg = f"{where}: {field} has no part {name!r}; parts: {', '.join(fitting)}."
    raise FieldError(msg, name=name, choices=tuple(fitting))


def resolve_alias(info: ModelInfo, expression: object, where: str) -> Alias:
    """Return what an expression stands for, of each row by itself.

    Raises:
        UnsupportedQuery: it is made of many rows, or is nothing the server has.
    """
    if isinstance(expression, F):
        return resolve_value(info, expression.name, where)
    if isinstance(expression, Aggregate):
        return _tally(info, expression, where)
    msg = (
        f"{where} takes F('path') and Count('relation'), not {expression!r}: the server computes nothing else. "
        "Compute in Python, with the rows."
    )
    raise UnsupportedQuery(msg)


def _tally(info: ModelInfo, aggregate: Aggregate, where: str) -> RelatedCount:
    known = () if aggregate.expression == "*" else info.resolve_path(aggregate.expression, where)
    path, rest = known or ((info.pk,), "")
    many = [step for step in path if step.to_many]
    plain = aggregate.function == "count" and not aggregate.distinct and aggregate.filter is None
    if plain and many == [path[-1]] and not rest:
        return RelatedCount(f"{aggregate.expression}__count", path)
    if not many:
        msg = (
            f"{where}: {aggregate!r} is made of many rows, and each instance is one. "
            f"aggregate({aggregate!r}) makes it of all rows, values('field').annotate(…) of groups."
        )
        raise UnsupportedQuery(msg)
    msg = (
        f"{where}: of the rows behind {many[0]}, the server gives each row their number alone, with "
        f"Count({many[0].name!r}). Else query {target_model((many[0],)).__name__}: values('…').annotate(…) there."
    )
    raise UnsupportedQuery(msg)


def resolve_aggregate(info: ModelInfo, aggregate: object, aliases: Aliases, where: str) -> AggregateSpec:
    """Return what an aggregate makes of many rows.

    Raises:
        FieldError: it names no field.
        QueryError: it cannot be made of such values.
        UnsupportedQuery: the server cannot be asked that without bending it.
    """
    if not isinstance(aggregate, Aggregate):
        msg = f"{where} takes Count, Sum, Avg, Min and Max, not {aggregate!r}: the server has no others."
        raise UnsupportedQuery(msg)
    condition: Node = ALWAYS
    if aggregate.filter is not None:
        condition = resolve_filter(expand_aliases(aggregate.filter, aliases), info.model)
    if aggregate.expression == "*":
        return AggregateSpec("count", (info.pk,), where=condition)
    named = resolve_value(info, expand_alias(aggregate.expression, aliases), where)
    if named.part is not None:
        msg = f"{where}: {aggregate!r} would be made of parts of dates; group by {named.name!r} instead."
        raise UnsupportedQuery(msg)
    _check(named.field, aggregate, where)
    return AggregateSpec(aggregate.function, named.path, aggregate.distinct, condition, aggregate.default)


def _check(field: Field, aggregate: Aggregate, where: str) -> None:
    kind, function = kind_of(field), aggregate.function
    if function in ("sum", "avg") and kind not in NUMBERS:
        msg = f"{where}: {aggregate!r} is made of numbers, and {field} holds values of type {kind}."
        raise QueryError(msg)
    if function in ("min", "max") and kind not in WITH_EXTREMES:
        msg = f"{where}: {aggregate!r}: not every database has an order of values of type {kind}."
        raise UnsupportedQuery(msg)
    if kind == "hash" or (aggregate.distinct and kind in WITHOUT_EQUALITY):
        msg = f"{where}: {aggregate!r}: not every database can tell which values of type {kind} are equal."
        raise UnsupportedQuery(msg)


def resolve_group_key(info: ModelInfo, name: str, aliases: Aliases, where: str) -> ValueRef:
    """Return what rows are grouped by.

    Raises:
        UnsupportedQuery: not every database can tell which of its values are equal.
    """
    known = dict(aliases).get(name)
    if isinstance(known, RelatedCount):
        msg = f"{where}: the server cannot group by {name!r}, the number of related rows."
        raise UnsupportedQuery(msg)
    found = resolve_value(info, expand_alias(name, aliases), where)
    if kind_of(found.field) in WITHOUT_EQUALITY:
        kind = kind_of(found.field)
        msg = f"{where}: {found.field} is of type {kind}, and not every database can tell which of them are equal."
        raise UnsupportedQuery(msg)
    return found


def check_alias_name(info: ModelInfo, name: str, where: str) -> str:
    """Return a name for what is annotated.

    Raises:
        QueryError: it is no name, or means something already.
    """
    taken = name in info.fields or name in info.relations or name == "pk"
    if taken or hasattr(info.model, name):
        what = "a field" if taken else "an attribute"
        msg = f"{where}: {info.model.__name__} has {what} {name!r} already; choose another name."
        raise QueryError(msg)
    if not name.isidentifier() or name.startswith("_"):
        msg = f"{where}: {name!r} cannot be the name of an attribute."
        raise QueryError(msg)
    return name


def name_aggregates(expressions: tuple[Any, ...], by_name: dict[str, Any], where: str) -> dict[str, Any]:
    """Return expressions by name; those without one take that of their field, as ``dep_delay__avg``.

    Raises:
        QueryError: one has no name, or two have the same.
    """
    found: dict[str, Any] = {}
    for expression in expressions:
        if not isinstance(expression, Aggregate):
            msg = f"{where} takes expressions by name, such as n=Count('*'); {expression!r} has none."
            raise QueryError(msg)
        name = expression.default_name
        if name in found or name in by_name:
            msg = f"{where}: two expressions are called {name!r}; name one of them."
            raise QueryError(msg)
        found[name] = expression
    return {**found, **by_name}


Stand = Literal["rows", "groups"]


def split_conditions(condition: Q, grouping: Grouping, where: str) -> tuple[Q | None, Q | None]:
    """Divide a condition on grouped rows into that on rows, and that on groups, which names measures.

    Raises:
        UnsupportedQuery: a part of it speaks of both.
    """
    measures = {name for name, _ in grouping.aggregates}
    if not condition.negated and condition.joined_by == "and":
        stands = [(child, _stand(_alone(child), measures, grouping, where)) for child in condition.children]
        rows = [_alone(child) for child, stand in stands if stand == "rows"]
        groups = [_alone(child) for child, stand in stands if stand == "groups"]
        return _joined(rows), _joined(groups)
    if _stand(condition, measures, grouping, where) == "rows":
        return condition, None
    return None, condition


def _alone(child: Q | tuple[str, Any]) -> Q:
    return child if isinstance(child, Q) else Q.of(*child)


def _joined(conditions: list[Q]) -> Q | None:
    return functools.reduce(lambda left, right: left & right, conditions) if conditions else None


def _stand(condition: Q, measures: set[str], grouping: Grouping, where: str) -> Stand:
    names = [leading_name(path, grouping.names) for path in lookup_names(condition)]
    if not measures.intersection(names):
        return "rows"
    if None in names:
        fields = [path for path in lookup_names(condition) if leading_name(path, grouping.names) is None]
        msg = (
            f"{where}: {condition!r} speaks of groups and, with {', '.join(fields)}, of rows, which are other "
            "things. Filter by each in a call of its own, joined by 'and', or group by the field as well."
        )
        raise UnsupportedQuery(msg)
    return "groups"


def leading_name(path: str, names: tuple[str, ...]) -> str | None:
    """Return which of the names a path begins with; the longest, since they may hold ``__``."""
    fitting = [name for name in names if path == name or path.startswith(f"{name}__")]
    return max(fitting, key=len, default=None)


def lookup_names(condition: Q) -> list[str]:
    """Return the left sides of all comparisons in a condition."""
    return [
        path
        for child in condition.children
        for path in (lookup_names(child) if isinstance(child, Q) else [child[0]])
    ]
