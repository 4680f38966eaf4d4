"""Rows behind relations to many, in the same request: which fields of them, and how many in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..query.conditions import ALWAYS, Node, server_path
from ..query.query import Nested, Order, Query
from ..wire import Row

# Without a limit each list is cut at 100 (G24), with -1 at the server's maximum; it honours any other number.
_ALL = 1_000_000_000

Compile = Callable[[Node, tuple[str, ...]], Row]
"""Compiles conditions on what the names lead to."""
Key = Callable[[Order], str]
"""Writes a key of an ordering."""


def nested_fields(query: Query, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the fields to ask for of all rows that come along."""
    for nested in query.nested:
        place = (*before, *server_path(nested.path[:-1]), nested.column)
        relation = nested.relation
        if relation.is_scoped:
            yield ".".join((*place, relation.options.collection or "collection"))
        for one, inner in zip(relation.scopes, nested.queries, strict=True):
            inside = (*place, *one.steps[1:])
            yield from (".".join((*inside, *server_path(path))) for path in inner.paths)
            yield from nested_fields(inner, inside)


def deep(query: Query, compile_filter: Compile, key: Key) -> Row:
    """Return the parameters of the lists that come along."""
    found: Row = {}
    for nested in query.nested:
        place = found
        for name in server_path(nested.path[:-1]):
            place = place.setdefault(name, {})
        place[nested.column] = _of_list(nested, compile_filter, key)
    return found


def renamed(query: Query) -> Row:
    """Return the lists that come under another name than the relation's."""
    return {n.attribute: n.relation.column for n in query.nested if n.attribute is not None}


def _of_list(nested: Nested, compile_filter: Compile, key: Key) -> Row:
    relation, query = nested.relation, nested.queries[0]
    if query.is_empty:
        return {"_limit": 0}
    parts: Row = {"_limit": _ALL if query.limit is None else query.limit, "_sort": list(_sort(nested, key))}
    if query.offset:
        parts["_offset"] = query.offset
    if query.where != ALWAYS:
        parts["_filter"] = compile_filter(query.where, relation.steps[1:])
    for one, inner in zip(relation.scopes, nested.queries, strict=True):
        place = parts
        for name in one.steps[1:]:
            place = place.setdefault(name, {})
        place |= deep(inner, compile_filter, key)
        names = renamed(inner)
        if names:
            place["_alias"] = names
    return {name: part for name, part in parts.items() if part != {}}


def _sort(nested: Nested, key: Key) -> Iterator[str]:
    """Yield the keys of the ordering.

    The server sorts each list once more, by the first key alone and with nulls last. It finds no value for a path,
    so one that is the same for the whole list keeps it from doing harm.
    """
    relation, query = nested.relation, nested.queries[0]
    yield f"{relation.source}.{relation.model.directus.pk.column}"
    if relation.options.sort and not query.order:
        yield relation.options.sort
    if relation.is_scoped:
        yield relation.junction_key
        return
    junction = "".join(f"{name}." for name in relation.steps[1:])
    for order in query.total_order:
        yield f"{'-' if order.descending else ''}{junction}{key(order)}"
