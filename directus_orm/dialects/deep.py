"""Rows behind relations to many, in the same request: which fields of them, and how many in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..core.messages import Row
from ..fields.paths import server_path
from ..query.conditions import ALWAYS, NEVER, Node
from ..query.query import Order, PrefetchedList, Query, key_alias

# Without a limit each list is cut at 100 (G24), with -1 at the server's maximum; it honours any other number.
_ALL = 1_000_000_000

Compile = Callable[[Node, tuple[str, ...]], Row]
"""Compiles conditions on what the names lead to."""
Key = Callable[[Order], str]
"""Writes a key of an ordering."""


def related_fields(query: Query, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the fields to ask for of all rows that come along, and the keys that say whether there is one."""
    for path in query.related:
        yield ".".join((*before, *server_path(path[:-1]), key_alias(path[-1])))
    for nested in query.nested:
        place = (*before, *server_path(nested.path[:-1]), nested.column)
        relation = nested.relation
        if relation.is_many_to_any:
            yield ".".join((*place, relation.options.collection or "collection"))
        yield from (".".join((*place, name)) for name in nested.junction_fields)
        for one, inner in zip(relation.scopes, nested.queries, strict=True):
            inside = (*place, *one.segments[1:])
            yield from (".".join((*inside, *server_path(path))) for path in inner.paths)
            yield from related_fields(inner, inside)


def deep_params(query: Query, compile_filter: Compile, key: Key) -> Row:
    """Return the parameters of the lists that come along, and of the rows behind relations."""
    return _deep(query, compile_filter, key, _every_alias(query))


def _deep(query: Query, compile_filter: Compile, key: Key, every: Row) -> Row:
    found: Row = {}
    for nested in query.nested:
        _at(found, server_path(nested.path[:-1]))[nested.column] = _of_list(nested, compile_filter, key, every)
    for place, name, column in _aliases(query):
        if place:
            _at(found, place).setdefault("_alias", dict(every))[name] = column
    return found


def alias_params(query: Query) -> Row:
    """Return what comes under another name than its own with the rows themselves."""
    return {name: column for place, name, column in _aliases(query) if not place}


def _aliases(query: Query) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield where something comes under another name, that name, and its own."""
    for nested in query.nested:
        if nested.attribute is not None:
            yield server_path(nested.path[:-1]), nested.attribute, nested.relation.column
    for *outer, last in query.related:
        yield server_path(outer), key_alias(last), last.column


def _every_alias(query: Query) -> Row:
    """Return the aliases of all levels.

    Directus 10 forgets those of the levels above where a level has its own, so that each level has to say all.
    """
    found = {name: column for _, name, column in _aliases(query)}
    for nested in query.nested:
        for inner in nested.queries:
            found |= _every_alias(inner)
    return found


def _at(found: Row, place: Iterable[str]) -> Row:
    for name in place:
        found = found.setdefault(name, {})
    return found


def _of_list(nested: PrefetchedList, compile_filter: Compile, key: Key, every: Row) -> Row:
    relation, query = nested.relation, nested.queries[0]
    if all(one.is_empty for one in nested.queries):
        return {"_limit": 0}
    limit, offset = (query.limit, query.offset) if nested.client_slice == slice(None) else (None, 0)
    parts: Row = {"_limit": _ALL if limit is None else limit, "_sort": list(_sort(nested, key))}
    if offset:
        parts["_offset"] = offset
    filters = _filters(nested, compile_filter)
    if filters:
        parts["_filter"] = filters[0] if len(filters) == 1 else {"_or": filters}
    for one, inner in zip(relation.scopes, nested.queries, strict=True):
        place = _at(parts, one.segments[1:])
        place |= _deep(inner, compile_filter, key, every)
        names = alias_params(inner)
        if names:
            place["_alias"] = every | names
    return {name: part for name, part in parts.items() if part != {}}


def _filters(nested: PrefetchedList, compile_filter: Compile) -> list[Row]:
    """Return what a row of the list has to meet, one of them; nothing where all are meant."""
    relation, queries = nested.relation, nested.queries
    if all(query.where == ALWAYS for query in queries):
        return []
    found: list[Row] = []
    for one, query in zip(relation.scopes, queries, strict=True):
        if query.where == ALWAYS:
            found.append({relation.options.collection or "": {"_eq": one.target.directus.collection}})
        elif query.where != NEVER:
            found.append(compile_filter(query.where, one.segments[1:]))
    return found


def _sort(nested: PrefetchedList, key: Key) -> Iterator[str]:
    """Yield the keys of the ordering.

    The server sorts each list once more, by the first key alone and with nulls last. It finds no value for a path,
    so one that is the same for the whole list keeps it from doing harm.
    """
    relation, query = nested.relation, nested.queries[0]
    yield f"{relation.source_column}.{relation.model.directus.pk.column}"
    if relation.options.sort and not query.order:
        yield relation.options.sort
    if relation.is_many_to_any:
        yield relation.junction_key
        return
    junction = "".join(f"{name}." for name in relation.segments[1:])
    for order in query.total_order:
        yield f"{'-' if order.descending else ''}{junction}{key(order)}"


def add_related_counts(parts: Row, query: Query) -> None:
    """Add what brings the numbers of related rows to the parameters of a query."""
    for tally in dict.fromkeys(query.related_counts):
        *outer, relation = tally.path
        place = server_path(outer)
        if not tally.is_listed:
            parts["fields"].append(".".join((*place, f"count({relation.column})")))
            continue
        parts["fields"] += [".".join((*place, tally.key, *name)) for name in tally.names]
        # What a row of a many-to-any leads to is known when it comes: its column has the key of what is gone, too.
        where: Row = (
            {relation.options.collection: {"_in": tally.collections}}
            if relation.is_many_to_any
            else {relation.target_column: {"_nnull": True}}
        )
        listed = {"_limit": _ALL, "_filter": where}
        if not place:
            _put(parts, ("alias", tally.key), relation.column)
        else:
            _put(parts, ("deep", *place, "_alias", tally.key), relation.column)
        _put(parts, ("deep", *place, tally.key), listed)


def _put(found: Row, names: tuple[str, ...], value: Any) -> None:
    *outer, last = names
    for name in outer:
        found = found.setdefault(name, {})
    found[last] = value
