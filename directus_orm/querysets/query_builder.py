"""What comes of each row, or of each group: names chosen, annotated, grouped, as queries and columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..core.errors import QueryError, UnsupportedQuery
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.paths import FieldPath
from ..fields.type_table import DATES, MOMENTS
from ..query.conditions import Exists, all_of, parts_of
from ..query.expressions import Aggregate, F
from ..query.grouping import AggregateSpec, Alias, Grouping, GroupOrder, RelatedCount, ValueRef
from ..query.lookups.aliases import (
    check_alias_name,
    expand_alias,
    expand_aliases,
    leading_name,
    lookup_names,
    name_aggregates,
    resolve_aggregate,
    resolve_alias,
    resolve_group_key,
    resolve_value,
    split_conditions,
)
from ..query.lookups.filters import resolve_filter
from ..query.lookups.ordering import resolve_ordering
from ..query.q import Q, check_root
from ..query.query import Order, Query
from ..reading.aggregation.having import test_of

Columns = tuple[tuple[str, Alias | None], ...]


# --- conditions and orderings, of rows and of groups ----------------------------------------------------------


def filtered(query: Query, condition: Q, where: str) -> Query:
    """Return the query for those of its rows, or groups, that meet a condition."""
    grouping = query.grouping
    _check_numbers(query, condition, where)
    if grouping is None:
        return query.filtered(resolve_filter(expand_aliases(condition, query.aliases), query.model))
    of_rows, of_groups = split_conditions(condition, grouping, where)
    if of_rows is not None:
        query = query.filtered(resolve_filter(expand_aliases(of_rows, query.aliases), query.model))
    if of_groups is None:
        return query
    test_of([of_groups], grouping)
    return query.evolve(grouping=attrs.evolve(grouping, having=(*grouping.having, of_groups)))


def _check_numbers(query: Query, condition: Q, where: str) -> None:
    """Refuse to choose rows by a number that the server has otherwise."""
    listed = tuple(name for name, known in query.aliases if isinstance(known, RelatedCount) and known.is_listed)
    for path in lookup_names(condition) if listed else ():
        name = leading_name(path, listed)
        if name is not None:
            msg = (
                f"{where}: the server would look at the rows of the junction behind {name!r}, those that lead "
                "nowhere included. Look at the numbers in Python."
            )
            raise UnsupportedQuery(msg)


def ordered(query: Query, names: tuple[str, ...], where: str = "order_by") -> Query:
    """Return the query in another order."""
    if query.grouping is not None:
        order = tuple(_group_order(query, query.grouping, name, where) for name in names)
        return query.evolve(grouping=attrs.evolve(query.grouping, order=order))
    plain = tuple(_signed(name, query) for name in names)
    return query.evolve(order=resolve_ordering(query.model, plain, where))


def _signed(name: object, query: Query) -> Any:
    if not isinstance(name, str) or not query.aliases:
        return name
    check_root(name, query.model)
    sign, path = ("-", name[1:]) if name.startswith("-") else ("", name)
    return sign + expand_alias(path, query.aliases)


def _group_order(query: Query, grouping: Grouping, name: object, where: str) -> GroupOrder:
    if not isinstance(name, str) or not name.strip("-+"):
        msg = f"{where}() takes names, each with '-' before it to turn it round, not {name!r}."
        raise QueryError(msg)
    check_root(name, query.model)
    descending, path = name.startswith("-"), name.lstrip("-+")
    plain = expand_alias(path, query.aliases)
    key = next((key for key, known in grouping.keys if path in (key, known.name) or plain == known.name), None)
    if key is not None:
        return GroupOrder(key, descending)
    made = dict(grouping.aggregates).get(path)
    if made is None:
        resolve_value(query.model.directus, plain, f"{where}({name!r})")
        msg = (
            f"{where}({name!r}): groups have no {path!r}, which their rows have many of. Order by what they are "
            f"grouped by or what is made of them: {', '.join(grouping.names)}; or group by {path!r} as well."
        )
        raise UnsupportedQuery(msg)
    if made.where != AggregateSpec("count", made.path).where and made.may_be_null:
        msg = (
            f"{where}({name!r}): where no row meets its filter it is None; say what stands for that with default=."
        )
        raise UnsupportedQuery(msg)
    return GroupOrder(path, descending)


def _order_of(query: Query, keys: tuple[tuple[str, ValueRef], ...], where: str) -> tuple[GroupOrder, ...]:
    """Return the ordering of rows as one of groups; the model's own is dropped, as in Django."""
    if query.order == resolve_ordering(query.model, query.model.directus.options.ordering, "ordering"):
        return ()
    return tuple(_as_group_order(order, keys, where) for order in query.order)


def _as_group_order(order: Order, keys: tuple[tuple[str, ValueRef], ...], where: str) -> GroupOrder:
    for name, known in keys:
        if known.path == order.path and known.part == order.function and known.truncate_to is None:
            return GroupOrder(name, order.descending)
    path = "__".join(step.name for step in order.path)
    msg = (
        f"{where}: the rows are ordered by {path!r}, which groups do not have; Django would group by it as well. "
        "Call order_by() again, without it or after grouping."
    )
    raise UnsupportedQuery(msg)


# --- values ---------------------------------------------------------------------------------------------------


def columns(query: Query, names: tuple[str | F, ...], by_name: dict[str, Any], verb: str) -> tuple[Query, Columns]:
    """Return the query and the columns for values of these names; of none, for all fields and annotations.

    Raises:
        FieldError: a name is no field.
        UnsupportedQuery: a path leads over many rows.
    """
    for name, expression in by_name.items():
        query = _aliased(query, name, expression, f"{verb}({name}=…)")
    wanted = (*(name.name if isinstance(name, F) else name for name in names), *by_name)
    if query.grouping is not None:
        return _of_groups(query, query.grouping, wanted, verb)
    info: ModelInfo = query.model.directus
    wanted = wanted or (*info.fields, *query.shown)
    chosen = tuple((name, _stands_for(query, name, f"{verb}({name!r})")) for name in wanted)
    return _reading(query, chosen), _with_keys(chosen)


def _stands_for(query: Query, name: str, where: str) -> Alias:
    known = dict(query.aliases).get(name)
    return (
        known
        if known is not None
        else resolve_value(query.model.directus, expand_alias(name, query.aliases), where)
    )


def _with_keys(chosen: tuple[tuple[str, Alias], ...]) -> Columns:
    """Return columns in which a relation asked for beside one of its fields is a row, with its key."""
    paths = [known.path for _, known in chosen]
    return tuple(
        (name, attrs.evolve(known, path=_key_of(known.path)) if _leads_on(known.path, paths) else known)
        for name, known in chosen
    )


def _reading(query: Query, chosen: tuple[tuple[str, Alias], ...]) -> Query:
    terms = [known for _, known in _with_keys(chosen) if isinstance(known, ValueRef)]
    paths = dict.fromkeys([(query.model.directus.pk,), *(known.path for known in terms)])
    tallies = tuple(name for name, known in chosen if isinstance(known, RelatedCount))
    # A relation on the way to a number is a row, too.
    on_the_way = [
        known.path[:n] for _, known in chosen if isinstance(known, RelatedCount) for n in range(1, len(known.path))
    ]
    paths |= dict.fromkeys((*path, path[-1].target.directus.pk) for path in on_the_way)
    plain = {path: _key_of(path) if path in on_the_way else path for path in paths}
    return query.evolve(paths=tuple(dict.fromkeys(plain.values())), related=(), nested=(), shown=tallies)


def _key_of(path: Any) -> Any:
    target = path[-1].target
    return path if target is None or path[-1].to_many else (*path, target.directus.pk)


def _leads_on(path: FieldPath, others: Iterable[FieldPath]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in others)


def _of_groups(query: Query, grouping: Grouping, wanted: tuple[str, ...], verb: str) -> tuple[Query, Columns]:
    chosen = wanted or grouping.shown
    for name in chosen:
        if name not in grouping.names:
            resolve_value(query.model.directus, expand_alias(name, query.aliases), f"{verb}({name!r})")
            msg = f"{verb}({name!r}): groups have {', '.join(grouping.names)}; group by {name!r} as well."
            raise UnsupportedQuery(msg)
    keys = dict(grouping.keys)
    if not grouping.aggregates and set(chosen) < set(keys):
        msg = f"{verb}() after distinct() would leave fewer rows in Django; call distinct() last."
        raise UnsupportedQuery(msg)
    query = query.evolve(grouping=attrs.evolve(grouping, shown=chosen))
    return query, tuple((name, keys.get(name)) for name in chosen)


# --- annotations ----------------------------------------------------------------------------------------------


def annotated(query: Query, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool) -> Query:
    """Return the query whose instances have further values, or know their names."""
    verb = "annotate" if shown else "alias"
    for name, expression in name_aggregates(expressions, by_name, f"{verb}()").items():
        query = _aliased(query, name, expression, f"{verb}({name}=…)")
        if shown:
            query = query.evolve(shown=(*query.shown, name))
    return with_annotations(query) if shown else query


def with_annotations(query: Query) -> Query:
    """Return the query that brings along what its annotations are made of."""
    known = [alias for name, alias in query.aliases if name in query.shown]
    prefixes = {alias.path[:n]: None for alias in known for n in range(1, len(alias.path))}
    prefixes |= dict.fromkeys(query.related)
    paths = [*query.paths, *(alias.path for alias in known if isinstance(alias, ValueRef))]
    paths += [_key_of(prefix) for prefix in prefixes]
    # A relation that comes along is named by its fields, not by its key as well.
    kept = tuple(path for path in dict.fromkeys(paths) if path not in prefixes)
    return query.evolve(paths=kept)


def _aliased(query: Query, name: str, expression: object, where: str) -> Query:
    if "__" not in name:
        check_alias_name(query.model.directus, name, where)
    if isinstance(expression, F):
        expression = F(expand_alias(expression.name, query.aliases))
    known = resolve_alias(query.model.directus, expression, where)
    if isinstance(known, RelatedCount):
        _check_tally(query, known, where)
    others = tuple(pair for pair in query.aliases if pair[0] != name)
    return query.evolve(aliases=(*others, (name, known)))


def _check_tally(query: Query, tally: RelatedCount, where: str) -> None:
    relation = tally.path[-1]
    answered = tally.key
    if any(field.column == answered for field in relation.model.directus.fields.values()):
        msg = f"{where}: the server would answer with two things called {answered!r}, this number and the field."
        raise UnsupportedQuery(msg)
    if any(isinstance(part, Exists) and relation in part.path for part in parts_of(query.where)):
        msg = (
            f"{where}: after a filter through {relation}, Django counts the rows that met it, the server all. "
            f"Annotate first for all; for those, query {relation.target.__name__} and group by its relation."
        )
        raise UnsupportedQuery(msg)


def grouped(
    query: Query, known: Columns, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool
) -> tuple[Query, Columns]:
    """Return the query, and the columns, of values with more of each row, or of groups of equal values."""
    verb = "annotate" if shown else "alias"
    info: ModelInfo = query.model.directus
    made: dict[str, AggregateSpec] = {}
    for name, expression in name_aggregates(expressions, by_name, f"{verb}()").items():
        where = f"{verb}({name}=…)"
        if _is_of_row(query, known, expression):
            query = _aliased(query, name, expression, where)
            known = (*known, (name, dict(query.aliases)[name])) if shown else known
        else:
            if "__" not in name:
                check_alias_name(info, name, where)
            made[name] = resolve_aggregate(info, expression, query.aliases, where)
    if not made and query.grouping is None:
        return _reading(query, tuple((name, alias) for name, alias in known if alias is not None)), known
    before = query.grouping or _grouping(query, known, f"{verb}()")
    both = dict(before.aggregates) | made
    names = (*before.shown, *(name for name in made if name not in before.shown)) if shown else before.shown
    grouping = attrs.evolve(before, aggregates=tuple(both.items()), shown=names)
    keys = dict(grouping.keys)
    return query.evolve(grouping=grouping), tuple((name, keys.get(name)) for name in names)


def _is_of_row(query: Query, known: Columns, expression: object) -> bool:
    if query.grouping is not None:
        if isinstance(expression, F):
            msg = f"{expression!r} after grouping: annotate it before, or name it in values(), to group by it."
            raise UnsupportedQuery(msg)
        return False
    if not isinstance(expression, Aggregate) or expression.expression == "*":
        return not isinstance(expression, Aggregate)
    info: ModelInfo = query.model.directus
    steps, _ = info.resolve_path(expand_alias(expression.expression, query.aliases))
    # Of groups that are rows, related rows can be counted.
    with_key = any(isinstance(each, ValueRef) and each.path == (info.pk,) for _, each in known)
    return with_key and any(step.to_many for step in steps)


def _grouping(query: Query, known: Columns, where: str) -> Grouping:
    keys = tuple((name, _key(query, name, each, where)) for name, each in known)
    return Grouping(keys, order=_order_of(query, keys, where), shown=tuple(name for name, _ in keys))


def _key(query: Query, name: str, known: Alias | None, where: str) -> ValueRef:
    if isinstance(known, ValueRef):
        resolve_group_key(query.model.directus, known.name, query.aliases, where)
        return known
    msg = f"{where}: the server cannot group by {name!r}, the number of related rows."
    raise UnsupportedQuery(msg)


def distinct(query: Query, known: Columns) -> Query:
    """Return the query for different values."""
    if query.grouping is None:
        info: ModelInfo = query.model.directus
        if any(isinstance(each, ValueRef) and each.path == (info.pk,) for _, each in known):
            return query
        return query.evolve(grouping=_grouping(query, known, "distinct()"))
    if not {name for name, _ in query.grouping.keys} <= set(query.grouping.shown):
        msg = "distinct() of groups without what they are grouped by: take a set of the results, in Python."
        raise UnsupportedQuery(msg)
    return query


def measures(query: Query, expressions: tuple[Any, ...], by_name: dict[str, Any]) -> dict[str, AggregateSpec]:
    """Return what `aggregate` was asked for, by name.

    Raises:
        UnsupportedQuery: of groups.
    """
    if query.grouping is not None:
        msg = "aggregate() of groups: the server has no such thing; compute it in Python, from the results."
        raise UnsupportedQuery(msg)
    found = name_aggregates(expressions, by_name, "aggregate()")
    return {
        name: resolve_aggregate(query.model.directus, expression, query.aliases, f"aggregate({name}=…)")
        for name, expression in found.items()
    }


# --- dates ----------------------------------------------------------------------------------------------------

_DATE_UNITS = ("year", "quarter", "month", "week", "day")
_MOMENT_UNITS = (*_DATE_UNITS, "hour", "minute", "second")


def truncated_dates(query: Query, name: str, kind: str, order: str, *, moments: bool) -> tuple[Query, Columns]:
    """Return the query and the column for the years, months … in which there are rows."""
    verb = "datetimes" if moments else "dates"
    kinds = _MOMENT_UNITS if moments else _DATE_UNITS
    if kind not in kinds or order not in ("ASC", "DESC"):
        msg = f"{verb}({name!r}, {kind!r}, order={order!r}): kinds: {', '.join(kinds)}; order: ASC or DESC."
        raise QueryError(msg)
    found = resolve_value(query.model.directus, expand_alias(name, query.aliases), f"{verb}({name!r})")
    known: Field = found.field
    fitting = MOMENTS if moments else DATES
    if found.part is not None or known.value_type.kind not in fitting:
        msg = f"{verb}({name!r}) takes fields of type {', '.join(sorted(fitting))}, and {known} is of another."
        raise QueryError(msg)
    started = attrs.evolve(found, truncate_to=kind, as_datetime=moments)
    present = resolve_filter(Q(**{f"{found.name}__isnull": False}), query.model)
    where = all_of([query.where, present])
    keys = ((verb, started),)
    grouping = Grouping(keys, order=(GroupOrder(verb, order == "DESC"),), shown=(verb,))
    return query.evolve(where=where, order=(), shown=(), grouping=grouping), keys
