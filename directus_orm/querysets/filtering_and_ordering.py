"""How `filter`, `exclude`, `order_by` and `union` change a query: its conditions and its ordering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ..core.deferred_import import DeferredModule
from ..core.errors import QueryError, UnsupportedQuery
from ..fields.field import Field
from ..query.conditions import ALWAYS, NEVER, InSubquery, Node, split_key_list
from ..query.group_conditions import leading_name, lookup_names, split_conditions
from ..query.grouping import Grouping, GroupOrder
from ..query.lookups.aliases import (
    expand_alias,
    expand_aliases,
    resolve_value,
)
from ..query.lookups.filters import resolve_filter
from ..query.lookups.ordering import resolve_ordering
from ..query.q import Q, check_root
from ..query.query import Query
from ..query.value_refs import RelatedCount

if TYPE_CHECKING:
    from ..reading.aggregation import having
else:
    having = DeferredModule("..reading.aggregation.having", __package__)


# --- conditions -------------------------------------------------------------------------------------------------


def with_filter(query: Query, condition: Q, where: str) -> Query:
    """Return the query with a further condition on its rows, or on its groups.

    Raises:
        FieldError: a field or lookup does not exist.
        QueryError: a value has the wrong type.
        UnsupportedQuery: the server cannot evaluate the condition.
    """
    grouping = query.grouping
    _refuse_junction_counts(query, condition, where)
    if grouping is None:
        return query.filtered(resolve_filter(expand_aliases(condition, query.aliases), query.model))
    of_rows, of_groups = split_conditions(condition, grouping, where)
    if of_rows is not None:
        query = query.filtered(resolve_filter(expand_aliases(of_rows, query.aliases), query.model))
    if of_groups is None:
        return query
    having.having_test([of_groups], grouping)  # raises for lookups that groups do not have
    return query.evolve(grouping=attrs.evolve(grouping, having=(*grouping.having, of_groups)))


def _refuse_junction_counts(query: Query, condition: Q, where: str) -> None:
    """Refuse conditions on a count for which the server would count rows of the junction instead."""
    counts = tuple(name for name, alias in query.aliases if isinstance(alias, RelatedCount) and alias.is_listed)
    for path in lookup_names(condition) if counts else ():
        name = leading_name(path, counts)
        if name is not None:
            msg = (
                f"{where}: the server would count all rows of the junction behind {name!r}, those that lead "
                "nowhere included. Compare the numbers in Python."
            )
            raise UnsupportedQuery(msg)


def as_condition(query: Query) -> Node:
    """Return the condition that a row is one of a query's rows.

    For a slice, a search or a part of a partition, it is a sub-query for its keys.
    """
    if not query.is_sliced and query.search is None and split_key_list(query.where)[1] is None:
        return query.where
    pk: Field = query.model.directus.pk
    return NEVER if query.is_empty else InSubquery((pk,), query.with_paths((pk,)), (pk,))


# --- orderings --------------------------------------------------------------------------------------------------


def with_order(query: Query, names: tuple[str, ...], where: str = "order_by") -> Query:
    """Return the query with its rows, or its groups, in another order."""
    if query.grouping is not None:
        order = tuple(_group_order(query, query.grouping, name, where) for name in names)
        return query.evolve(grouping=attrs.evolve(query.grouping, order=order))
    plain = tuple(_without_alias(name, query) for name in names)
    return query.evolve(order=resolve_ordering(query.model, plain, where))


def _without_alias(name: object, query: Query) -> Any:
    """Return a name of an ordering in which an alias is replaced by the path that it stands for."""
    if not isinstance(name, str) or not query.aliases:
        return name
    check_root(name, query.model)
    sign, path = ("-", name[1:]) if name.startswith("-") else ("", name)
    return sign + expand_alias(path, query.aliases)


def _group_order(query: Query, grouping: Grouping, name: object, where: str) -> GroupOrder:
    if not isinstance(name, str) or not name.strip("-+"):
        msg = f"{where}() takes names, with '-' before a name to reverse its order, not {name!r}."
        raise QueryError(msg)
    check_root(name, query.model)
    descending, path = name.startswith("-"), name.lstrip("-+")
    plain = expand_alias(path, query.aliases)
    group_key = next((key for key, ref in grouping.keys if path in (key, ref.name) or plain == ref.name), None)
    if group_key is not None:
        return GroupOrder(group_key, descending)
    measure = dict(grouping.aggregates).get(path)
    if measure is None:
        resolve_value(query.model.directus, plain, f"{where}({name!r})")  # raises if there is no such field
        msg = (
            f"{where}({name!r}): groups have no single {path!r}. Order by a group key or an aggregate: "
            f"{', '.join(grouping.names)}; or group by {path!r} as well."
        )
        raise UnsupportedQuery(msg)
    if measure.where != ALWAYS and measure.may_be_null:
        msg = f"{where}({name!r}): it is None where no row meets its filter; give it a default=."
        raise UnsupportedQuery(msg)
    return GroupOrder(path, descending)
