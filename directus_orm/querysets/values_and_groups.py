"""How `values`, `annotate`, `distinct`, `aggregate` and `dates` change a query: values, annotations, group by."""

from __future__ import annotations

from typing import Any

import attrs

from ..core.errors import QueryError, UnsupportedQuery
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.type_table import DATES, MOMENTS
from ..query.conditions import Exists, all_of, parts_of
from ..query.expressions import Aggregate, F
from ..query.grouping import AggregateSpec, Grouping, GroupOrder
from ..query.lookups.aliases import (
    check_alias_name,
    expand_alias,
    name_aggregates,
    resolve_aggregate,
    resolve_alias,
    resolve_group_key,
    resolve_row_value,
    resolve_value,
)
from ..query.lookups.filters import resolve_filter
from ..query.lookups.ordering import resolve_ordering
from ..query.q import Q
from ..query.query import Order, Query
from ..query.selections import key_path, with_annotations
from ..query.value_refs import Alias, RelatedCount, ValueRef

Columns = tuple[tuple[str, Alias | None], ...]
"""The columns of `values`: each a name and the value that it stands for, or None for an aggregate of a group."""


# --- values -----------------------------------------------------------------------------------------------------


def with_values(query: Query, names: tuple[str | F, ...], by_name: dict[str, Any]) -> tuple[Query, Columns]:
    """Return the query and the columns for values of these names; without names, for all fields and annotations.

    Raises:
        FieldError: a field does not exist.
        UnsupportedQuery: a path crosses a to-many relation.
    """
    for name, expression in by_name.items():
        query = _with_alias(query, name, expression, f"values({name}=…)")
    column_names = (*(name.name if isinstance(name, F) else name for name in names), *by_name)
    if query.grouping is not None:
        return _values_of_groups(query, query.grouping, column_names)
    info: ModelInfo = query.model.directus
    if query.readable and not column_names:
        msg = (
            "values() after readable() takes the names of fields: only when rows are read is it known which ones "
            "this user may read. to_dict() of the instances has those."
        )
        raise QueryError(msg)
    column_names = column_names or (*info.fields, *query.shown)
    columns = tuple((name, _alias_of(query, name, f"values({name!r})")) for name in column_names)
    return _with_columns(query, columns), columns


def _alias_of(query: Query, name: str, where: str) -> Alias:
    defined = dict(query.aliases).get(name)
    if defined is not None:
        return defined
    return resolve_row_value(query.model.directus, expand_alias(name, query.aliases), where)


def _with_columns(query: Query, columns: tuple[tuple[str, Alias], ...]) -> Query:
    """Return the query that loads the fields and counts that these columns are read from, and the key."""
    refs = [column for _, column in columns if isinstance(column, ValueRef)]
    counts = [(name, column) for name, column in columns if isinstance(column, RelatedCount)]
    paths = dict.fromkeys([(query.model.directus.pk,), *(ref.path for ref in refs)])
    # The related rows on the path to a count are loaded, too.
    relations = [count.path[:n] for _, count in counts for n in range(1, len(count.path))]
    paths |= dict.fromkeys(map(key_path, relations))
    shown = tuple(name for name, _ in counts)
    return query.evolve(paths=tuple(paths), related=(), nested=(), shown=shown, readable=False)


def _values_of_groups(query: Query, grouping: Grouping, names: tuple[str, ...]) -> tuple[Query, Columns]:
    names = names or grouping.shown
    for name in names:
        if name not in grouping.names:
            resolve_value(query.model.directus, expand_alias(name, query.aliases), f"values({name!r})")
            msg = f"values({name!r}): groups have {', '.join(grouping.names)}; group by {name!r} as well."
            raise UnsupportedQuery(msg)
    keys = dict(grouping.keys)
    if not grouping.aggregates and set(names) < set(keys):
        msg = "values() after distinct() would leave fewer rows in Django; call distinct() last."
        raise UnsupportedQuery(msg)
    query = query.evolve(grouping=attrs.evolve(grouping, shown=names))
    return query, tuple((name, keys.get(name)) for name in names)


# --- annotations ------------------------------------------------------------------------------------------------


def annotate_instances(
    query: Query, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool
) -> Query:
    """Return the query with further named values; with ``shown``, they are attributes of its instances."""
    verb = _verb(shown)
    for name, expression in name_aggregates(expressions, by_name, f"{verb}()").items():
        query = _with_alias(query, name, expression, f"{verb}({name}=…)")
        if shown:
            query = query.evolve(shown=(*query.shown, name))
    return with_annotations(query) if shown else query


def _with_alias(query: Query, name: str, expression: object, where: str) -> Query:
    """Return the query in which a name stands for an expression."""
    if "__" not in name:
        check_alias_name(query.model.directus, name, where)
    if isinstance(expression, F):
        expression = F(expand_alias(expression.name, query.aliases))
    defined = resolve_alias(query.model.directus, expression, where)
    if isinstance(defined, RelatedCount):
        _check_count(query, defined, where)
    other_aliases = tuple(pair for pair in query.aliases if pair[0] != name)
    return query.evolve(aliases=(*other_aliases, (name, defined)))


def _check_count(query: Query, count: RelatedCount, where: str) -> None:
    relation = count.path[-1]
    key = count.response_key
    if any(field.column == key for field in relation.model.directus.fields.values()):
        msg = f"{where}: the server would return two values called {key!r}, this number and the field."
        raise UnsupportedQuery(msg)
    if any(isinstance(part, Exists) and relation in part.path for part in parts_of(query.where)):
        msg = (
            f"{where}: after a filter through {relation}, Django counts only the rows that met it, the server "
            "counts all. To count all, annotate before the filter; to count those that met it, query "
            f"{relation.target.__name__} and group by its relation."
        )
        raise UnsupportedQuery(msg)


# --- groups -----------------------------------------------------------------------------------------------------


def annotate_values(
    query: Query, columns: Columns, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool
) -> tuple[Query, Columns]:
    """Return the query and the columns of annotated `values`.

    An expression that has a value in each row, such as ``F("name")``, adds a column. An aggregate groups the rows
    by the columns.
    """
    verb = _verb(shown)
    info: ModelInfo = query.model.directus
    measures: dict[str, AggregateSpec] = {}
    for name, expression in name_aggregates(expressions, by_name, f"{verb}()").items():
        where = f"{verb}({name}=…)"
        if _is_of_single_row(query, columns, expression):
            query = _with_alias(query, name, expression, where)
            columns = (*columns, (name, dict(query.aliases)[name])) if shown else columns
        else:
            if "__" not in name:
                check_alias_name(info, name, where)
            measures[name] = resolve_aggregate(info, expression, query.aliases, where)
    if not measures and query.grouping is None:
        return _with_columns(query, tuple((name, value) for name, value in columns if value is not None)), columns
    current = query.grouping or _grouping(query, columns, f"{verb}()")
    new_names = [name for name in measures if name not in current.shown] if shown else []
    names = (*current.shown, *new_names)
    all_measures = dict(current.aggregates) | measures
    grouping = attrs.evolve(current, aggregates=tuple(all_measures.items()), shown=names)
    keys = dict(grouping.keys)
    return query.evolve(grouping=grouping), tuple((name, keys.get(name)) for name in names)


def _verb(shown: bool) -> str:
    return "annotate" if shown else "alias"


def _is_of_single_row(query: Query, columns: Columns, expression: object) -> bool:
    """Whether an expression has a value in each row, and needs no groups."""
    if query.grouping is not None:
        if isinstance(expression, F):
            msg = f"{expression!r} after grouping: annotate it before, or name it in values(), to group by it."
            raise UnsupportedQuery(msg)
        return False
    if not isinstance(expression, Aggregate) or expression.expression == "*":
        return not isinstance(expression, Aggregate)
    info: ModelInfo = query.model.directus
    steps, _ = info.resolve_path(expand_alias(expression.expression, query.aliases))
    # With the key among its columns each group is a single row, whose related rows can be counted.
    return _has_key(columns, info) and any(step.to_many for step in steps)


def _has_key(columns: Columns, info: ModelInfo) -> bool:
    return any(isinstance(column, ValueRef) and column.path == (info.pk,) for _, column in columns)


def _grouping(query: Query, columns: Columns, where: str) -> Grouping:
    keys = tuple((name, _group_key(query, name, column, where)) for name, column in columns)
    return Grouping(keys, order=_group_orders(query, keys, where), shown=tuple(name for name, _ in keys))


def _group_key(query: Query, name: str, column: Alias | None, where: str) -> ValueRef:
    if isinstance(column, ValueRef):
        resolve_group_key(query.model.directus, column.name, query.aliases, where)
        return column
    msg = f"{where}: the server cannot group by {name!r}, the number of related rows."
    raise UnsupportedQuery(msg)


def _group_orders(query: Query, keys: tuple[tuple[str, ValueRef], ...], where: str) -> tuple[GroupOrder, ...]:
    """Return the ordering of the rows as one of groups; as in Django, the model's own ordering is dropped."""
    if query.order == resolve_ordering(query.model, query.model.directus.options.ordering, "ordering"):
        return ()
    return tuple(_as_group_order(order, keys, where) for order in query.order)


def _as_group_order(order: Order, keys: tuple[tuple[str, ValueRef], ...], where: str) -> GroupOrder:
    for name, ref in keys:
        if ref.path == order.path and ref.part == order.function and ref.truncate_to is None:
            return GroupOrder(name, order.descending)
    path = "__".join(step.name for step in order.path)
    msg = (
        f"{where}: the rows are ordered by {path!r}, which groups do not have; Django would group by it as well. "
        "Call order_by() again, without it or after grouping."
    )
    raise UnsupportedQuery(msg)


def distinct_values(query: Query, columns: Columns) -> Query:
    """Return the query that groups by all values, so that each comes once; rows with their key differ anyway."""
    grouping = query.grouping
    if grouping is None:
        if _has_key(columns, query.model.directus):
            return query
        return query.evolve(grouping=_grouping(query, columns, "distinct()"))
    if not {name for name, _ in grouping.keys} <= set(grouping.shown):
        msg = "distinct() of groups needs all their group keys: take a set of the results, in Python."
        raise UnsupportedQuery(msg)
    return query


def aggregates(query: Query, expressions: tuple[Any, ...], by_name: dict[str, Any]) -> dict[str, AggregateSpec]:
    """Return the aggregates in the arguments of `aggregate`, by name.

    Raises:
        UnsupportedQuery: the query has groups.
    """
    if query.grouping is not None:
        msg = "aggregate() of groups: the server cannot do this; compute it in Python, from the results."
        raise UnsupportedQuery(msg)
    return {
        name: resolve_aggregate(query.model.directus, expression, query.aliases, f"aggregate({name}=…)")
        for name, expression in name_aggregates(expressions, by_name, "aggregate()").items()
    }


# --- dates ------------------------------------------------------------------------------------------------------

_UNITS = ("year", "quarter", "month", "week", "day")
_DATETIME_UNITS = (*_UNITS, "hour", "minute", "second")


def truncated_dates(query: Query, name: str, unit: str, order: str, *, datetimes: bool) -> tuple[Query, Columns]:
    """Return the query and the column for the years, months … that have rows, each as the date of its start."""
    verb = "datetimes" if datetimes else "dates"
    units = _DATETIME_UNITS if datetimes else _UNITS
    if unit not in units or order not in ("ASC", "DESC"):
        msg = f"{verb}({name!r}, {unit!r}, order={order!r}): kinds: {', '.join(units)}; order: ASC or DESC."
        raise QueryError(msg)
    ref = resolve_value(query.model.directus, expand_alias(name, query.aliases), f"{verb}({name!r})")
    field: Field = ref.field
    field_types = MOMENTS if datetimes else DATES
    if ref.part is not None or field.value_type.kind not in field_types:
        msg = f"{verb}({name!r}) takes fields of type {', '.join(sorted(field_types))}; {field} has another type."
        raise QueryError(msg)
    keys = ((verb, attrs.evolve(ref, truncate_to=unit, as_datetime=datetimes)),)
    has_date = resolve_filter(Q(**{f"{ref.name}__isnull": False}), query.model)
    grouping = Grouping(keys, order=(GroupOrder(verb, order == "DESC"),), shown=(verb,))
    return query.evolve(where=all_of([query.where, has_date]), order=(), shown=(), grouping=grouping), keys
