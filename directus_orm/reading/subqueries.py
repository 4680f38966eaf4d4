"""Replacing conditions that the server cannot evaluate, such as sub-queries, by lists of keys or values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import attrs

from ..fields.field import Field
from ..fields.paths import server_path, target_model
from ..query.capabilities import Capabilities
from ..query.conditions import (
    ALWAYS,
    NEVER,
    And,
    Comparison,
    Exists,
    InSubquery,
    KeyList,
    Node,
    Or,
    all_of,
    any_of,
    joins_to_many,
    negate,
    true_for_null_row,
)
from ..query.lookups.text_lookups import by_key
from ..query.query import PrefetchedList, Query

ResolveSubquery = Callable[[InSubquery], Node]
"""Runs a sub-query, and returns the condition that takes its place."""


def replace_subqueries(
    query: Query, resolve: ResolveSubquery, capabilities: Capabilities, prefix: tuple[str, ...] = ()
) -> Query:
    """Return the query with conditions that can be sent: without sub-queries, and with one join per relation.

    Args:
        query: the query.
        resolve: runs a sub-query and returns the condition that takes its place.
        capabilities: what the server can evaluate.
        prefix: the server's names that lead to the query's rows, if these are nested in other rows.
    """
    return _Replacement(resolve, capabilities).in_query(query, prefix)


def _can_be_sent(node: Node) -> bool:
    """Return whether a condition consists of comparisons that the server has, and nothing else."""
    if isinstance(node, Comparison):
        return node.operator != "nicontains"
    return isinstance(node, And | Or) and all(map(_can_be_sent, node.parts))


@attrs.frozen
class _Replacement:
    """Replaces sub-queries, and conditions that the server does not have, in queries and conditions."""

    resolve: ResolveSubquery
    capabilities: Capabilities

    def in_query(self, query: Query, prefix: tuple[str, ...]) -> Query:
        if not query.nested and _can_be_sent(query.where):
            return query
        where = self._in_condition(query.where)
        if joins_to_many(where):
            where = self._fit_joins(where, set(), prefix)
        nested = tuple(map(self._in_list, query.nested))
        if where == query.where and nested == query.nested:
            return query
        return query.evolve(where=where, nested=nested)

    def _in_list(self, nested: PrefetchedList) -> PrefetchedList:
        prefix = nested.relation.segments[1:]
        return attrs.evolve(nested, queries=tuple(self.in_query(query, prefix) for query in nested.queries))

    # --- sub-queries ----------------------------------------------------------------------------------------

    def _in_condition(self, node: Node) -> Node:
        """Replace sub-queries by their keys or values; those that cannot change the result are not run."""
        match node:
            case And(parts):
                return all_of(_up_to(NEVER, map(self._in_condition, parts)))
            case Or(parts):
                return any_of(_up_to(ALWAYS, map(self._in_condition, parts)))
            case Exists():
                return self._in_exists(node)
            case InSubquery():
                # The values may be texts that the server would evaluate; these need a further sub-query.
                condition = self._in_condition(self.resolve(node))
                return negate(condition) if node.negated else condition
            case Comparison(operator="nicontains"):
                return self._in_condition(_not_icontains(node))
            case Comparison() | KeyList():
                return node

    def _in_exists(self, node: Exists) -> Node:
        where = self._in_condition(node.where)
        if where == NEVER:
            return ALWAYS if node.negated else NEVER
        return attrs.evolve(node, where=where)

    # --- conditions on related rows -------------------------------------------------------------------------

    def _fit_joins(self, node: Node, joined: set[tuple[str, ...]], prefix: tuple[str, ...]) -> Node:
        """Bring conditions on related rows into a form that the server can evaluate.

        The server evaluates ``_some`` and ``_none`` with one condition each (G2), or joins each relation once per
        filter, so that only one group of conditions on a relation can be joined. The others become lists of keys.

        Args:
            node: the condition.
            joined: the relations that are joined already, by the server's names from the root.
            prefix: the server's names from the root to the row that the condition is about.
        """
        match node:
            case And(parts):
                return all_of(self._fit_joins(part, joined, prefix) for part in parts)
            case Or(parts):
                return any_of(self._fit_joins(part, joined, prefix) for part in parts)
            case Exists():
                return self._fit_exists(node, joined, prefix)
        return node

    def _fit_exists(self, node: Exists, joined: set[tuple[str, ...]], prefix: tuple[str, ...]) -> Node:
        if not prefix and self.capabilities.quantifies(node):
            return node
        # The segment behind the junction is left out, since all models of a many-to-any share one join.
        relation = (*prefix, *server_path(node.path[:-1]), node.path[-1].column)
        if node.negated or relation in joined:
            return self._exists_by_key(node)
        joined.add(relation)
        where = self._fit_joins(node.where, joined, (*prefix, *server_path(node.path)))
        if true_for_null_row(where):  # the join has a row of nulls if there is no related row
            where = all_of([where, Comparison((target_model(node.path).directus.pk,), "nnull")])
        return attrs.evolve(node, where=where)

    def _exists_by_key(self, node: Exists) -> Node:
        """Return the condition as a list of keys: those of the rows that have such related rows."""
        *outer, relation = node.path
        model = relation.model
        pk: Field = model.directus.pk
        query = Query(model, where=Exists((relation,), node.where), paths=((pk,),))
        path: Any = tuple(outer) or (pk,)
        return self._in_condition(InSubquery(path, query, (pk,), negated=node.negated))


def _not_icontains(comparison: Comparison) -> Node:
    """Return the opposite of ``icontains``, which the server lacks: the keys of the other rows are excluded."""
    path = cast("tuple[Field, ...]", comparison.path)
    return negate(by_key(path, Comparison(path[-1:], "icontains", comparison.value)))


def _up_to(last: Node, nodes: Iterator[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if node == last:
            return
