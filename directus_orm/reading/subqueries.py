"""Queries that need more than one request: sub-queries are run first and replaced by their keys or values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import attrs

from ..fields.field import Field
from ..fields.paths import server_path, target_model
from ..query.capabilities import DEFAULT_CAPABILITIES
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

LIST_OPERATORS = frozenset({"in", "nin"})

Find = Callable[[InSubquery], Node]
"""Gives the condition that says what another query finds."""


def replace_subqueries(query: Query, find: Find, before: tuple[str, ...] = ()) -> Query:
    """Do as `settle` does, with another way to what the other queries find.

    ``before`` are the server's names that lead to the rows, where they come with other rows.
    """
    if not query.nested and _can_be_sent(query.where):
        return query
    where = _known(query.where, find)
    if joins_to_many(where):
        where = _arranged(where, find, set(), before)
    nested = tuple(_settled_list(each, find) for each in query.nested)
    if where == query.where and nested == query.nested:
        return query
    return query.evolve(where=where, nested=nested)


def _can_be_sent(node: Node) -> bool:
    """Return whether a condition is made of nothing but comparisons that the server has."""
    if isinstance(node, Comparison):
        return node.operator != "nicontains"
    return isinstance(node, And | Or) and all(map(_can_be_sent, node.parts))


def _settled_list(nested: PrefetchedList, find: Find) -> PrefetchedList:
    junction = nested.relation.segments[1:]
    return attrs.evolve(
        nested, queries=tuple(replace_subqueries(query, find, junction) for query in nested.queries)
    )


# --- values that another query finds --------------------------------------------------------------------------


def _known(node: Node, find: Find) -> Node:
    """Put the values of other queries where they are asked for; what folds meanwhile is not asked any more."""
    match node:
        case And(parts):
            return all_of(_until(NEVER, (_known(part, find) for part in parts)))
        case Or(parts):
            return any_of(_until(ALWAYS, (_known(part, find) for part in parts)))
        case Exists():
            return _known_inside(node, find)
        case InSubquery():
            # Its values may be texts that the server misreads: then another question follows.
            found = _known(find(node), find)
            return negate(found) if node.negated else found
        case Comparison(operator="nicontains"):
            return _known(_without(node), find)
        case Comparison() | KeyList():
            return node


def _known_inside(node: Exists, find: Find) -> Node:
    inner = _known(node.where, find)
    if inner == NEVER:
        return ALWAYS if node.negated else NEVER
    return attrs.evolve(node, where=inner)


def _without(leaf: Comparison) -> Node:
    """Return how an opposite is said that the server lacks: by the keys of the rows that are not meant."""
    path = cast("tuple[Field, ...]", leaf.path)
    return negate(by_key(path, Comparison(path[-1:], "icontains", leaf.value)))


def _until(last: Node, nodes: Iterator[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if node == last:
            return


# --- conditions on related rows -------------------------------------------------------------------------------


def _arranged(node: Node, find: Find, joined: set[tuple[str, ...]], before: tuple[str, ...]) -> Node:
    """Bring conditions on related rows into a form that the server understands.

    It has ``_some`` and ``_none`` for one condition at a time (G2), and joins: one per relation for the whole
    filter, so that only one group of conditions on a relation can go that way. ``joined`` are the lists taken, by
    the server's names from the root; ``before`` are the names of the row that this is about.
    """
    match node:
        case And(parts):
            return all_of(_arranged(part, find, joined, before) for part in parts)
        case Or(parts):
            return any_of(_arranged(part, find, joined, before) for part in parts)
        case Exists():
            return _arranged_some(node, find, joined, before)
    return node


def _arranged_some(node: Exists, find: Find, joined: set[tuple[str, ...]], before: tuple[str, ...]) -> Node:
    if not before and DEFAULT_CAPABILITIES.quantifies(node):
        return node
    place = (*before, *server_path(node.path))
    # By the list, not by what its junction leads to: all models behind a many-to-any share one join.
    listed = (*before, *server_path(node.path[:-1]), node.path[-1].column)
    if node.negated or listed in joined:
        return _asked_first(node, find)
    joined.add(listed)
    where = _arranged(node.where, find, joined, place)
    if true_for_null_row(where):  # a join has a row of nulls where there is none
        where = all_of([where, Comparison((target_model(node.path).directus.pk,), "nnull")])
    return attrs.evolve(node, where=where)


def _asked_first(node: Exists, find: Find) -> Node:
    """Return the keys of the rows that have such related rows, as a condition."""
    *outer, relation = node.path
    model = relation.model
    pk: Field = model.directus.pk
    query = Query(model, where=Exists((relation,), node.where), paths=((pk,),))
    path: Any = tuple(outer) or (pk,)
    return _known(InSubquery(path, query, (pk,), negated=node.negated), find)
