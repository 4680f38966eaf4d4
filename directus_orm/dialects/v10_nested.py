"""The query parameters for related rows, prefetched lists and counts of related rows.

``fields`` names values along relations, ``deep`` filters, sorts and limits lists, and ``alias`` gives a list or
a key another name in the response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from ..core.errors import UnsupportedQuery
from ..core.request_response import Row
from ..fields.model_info import Step
from ..fields.paths import operator_like, server_path
from ..fields.to_many import ToMany
from ..query.conditions import ALWAYS, NEVER, Node
from ..query.query import Order, PrefetchedList, Query
from ..query.value_refs import RelatedCount

# Without a limit each list is cut at 100 rows (G24), with -1 at the server's maximum; any other number is kept.
_ALL = 1_000_000_000

CompileFilter = Callable[[Node, tuple[str, ...]], Row]
"""Writes conditions as a filter on the rows at the end of a path of the server's names."""
WriteSortKey = Callable[[Order], str]
"""Writes one key of an ordering, without its direction."""


# --- fields -----------------------------------------------------------------------------------------------------


def field_names(query: Query, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the fields of rows, of their related rows and of prefetched lists, each as a path from the root."""
    aliases = query.key_aliases
    for path in dict.fromkeys((*query.paths, *aliases)) if aliases else query.paths:
        column = path[-1].column
        name = aliases.get(path, column) if aliases else column
        yield ".".join((*prefix, *server_path(path[:-1]), name))
    for nested in query.nested:
        yield from _list_fields(nested, (*prefix, *server_path(nested.path[:-1]), nested.column))


def _list_fields(nested: PrefetchedList, prefix: tuple[str, ...]) -> Iterator[str]:
    relation = nested.relation
    if relation.is_many_to_any:
        yield ".".join((*prefix, relation.collection_column or "collection"))
    yield from (".".join((*prefix, name)) for name in nested.junction_fields)
    for scope, inner in zip(relation.scopes, nested.queries, strict=True):
        yield from field_names(inner, (*prefix, *scope.segments[1:]))


# --- alias ------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Level:
    """The aliases of the rows at one place of a response: the columns requested there, and that of each alias."""

    model: type[Any]
    requested: frozenset[str]
    columns: Row = attrs.field(factory=dict)

    def add(self, alias: str, column: str) -> None:
        """Add an alias; refuse it if it stands for another column already."""
        if self.columns.setdefault(alias, column) != column:
            msg = f"{alias!r} would be {column!r} and {self.columns[alias]!r} of {self.model.__name__}"
            raise UnsupportedQuery(f"{msg}: choose another to_attr.")

    def with_repeated(self, others: Row) -> Row:
        """Return these aliases and those of other levels; refuse those that would cover a column here."""
        covered = sorted((others.keys() - self.columns.keys()) & self.requested)
        if covered:
            msg = f"{covered[0]!r} names a list or a key in this query, and a column of {self.model.__name__}"
            raise UnsupportedQuery(f"{msg}: choose another to_attr, or load one of the two by itself.")
        return others | self.columns


def alias_parameter(query: Query) -> Row:
    """Return the aliases of the query's own rows; those of related rows go into `deep_parameter`."""
    own = _aliases(query).get(())
    return {} if own is None else own.columns


def _aliases(query: Query) -> dict[tuple[Step, ...], _Level]:
    """Return the aliases of a query, by the path to the rows that have them."""
    levels: dict[tuple[Step, ...], _Level] = {}

    def add(path: tuple[Step, ...], alias: str) -> None:
        place, last = path[:-1], path[-1]
        if place not in levels:
            levels[place] = _Level(last.model, _requested_columns(query, place))
        levels[place].add(alias, last.column)

    for nested in query.nested:
        if nested.attribute is not None:
            add(nested.path, nested.attribute)
    for path, alias in query.key_aliases.items():
        add(path, alias)
    return levels


def _requested_columns(query: Query, place: tuple[Step, ...]) -> frozenset[str]:
    """Return the columns that a query requests by their own names of the rows that a path leads to."""
    depth = len(place)
    lists = [nested.path for nested in query.nested if nested.attribute is None]
    return frozenset(
        path[depth].column for path in (*query.paths, *lists) if len(path) > depth and path[:depth] == place
    )


def _aliases_of_all_levels(query: Query) -> Row:
    """Return the aliases of a query and of the queries of its lists, as columns by alias.

    Directus 10 forgets the aliases of the levels above where a level has its own, so each level repeats them all.
    """
    columns: Row = {}
    for level in _aliases(query).values():
        columns |= level.columns
    for nested in query.nested:
        for inner in nested.queries:
            columns |= _aliases_of_all_levels(inner)
    return columns


# --- deep -------------------------------------------------------------------------------------------------------


def deep_parameter(query: Query, compile_filter: CompileFilter, sort_key: WriteSortKey) -> Row:
    """Return the parameter that says which rows of the prefetched lists come, and in what order."""
    if not query.nested and not query.key_aliases:
        return {}
    return _DeepWriter(compile_filter, sort_key, _aliases_of_all_levels(query)).parameters(query)


@attrs.frozen
class _DeepWriter:
    """Writes the ``deep`` parameter of a query, level by level."""

    compile_filter: CompileFilter
    sort_key: WriteSortKey
    aliases: Row

    def parameters(self, query: Query) -> Row:
        """Return what goes into ``deep`` for the related rows and lists of a query."""
        params: Row = {}
        for nested in query.nested:
            _descend(params, _place(nested.path[:-1]))[nested.column] = self._list_parameters(nested)
        for place, level in _aliases(query).items():
            if place:
                _descend(params, _place(place))["_alias"] = level.with_repeated(self.aliases)
        return params

    def _list_parameters(self, nested: PrefetchedList) -> Row:
        query = nested.queries[0]
        if all(inner.is_empty for inner in nested.queries):
            return {"_limit": 0}
        limit, offset = (query.limit, query.offset) if nested.client_slice == slice(None) else (None, 0)
        params: Row = {"_limit": _ALL if limit is None else limit, "_sort": list(self._sort_keys(nested))}
        if offset:
            params["_offset"] = offset
        filters = self._filters(nested)
        if filters:
            params["_filter"] = filters[0] if len(filters) == 1 else {"_or": filters}
        for scope, inner in zip(nested.relation.scopes, nested.queries, strict=True):
            inner_params = _descend(params, scope.segments[1:])
            inner_params |= self.parameters(inner)
            own = _aliases(inner).get(())
            if own is not None:
                inner_params["_alias"] = own.with_repeated(self.aliases)
        if nested.relation.is_many_to_any:
            params["_alias"] = self._aliases_of_items(nested)
        return {name: value for name, value in params.items() if value != {}}

    def _aliases_of_items(self, nested: PrefetchedList) -> Row:
        """Return aliases of rows of a many-to-any for its junction, where Directus 10 and 11 look for them.

        Only Directus 12 has aliases for each model. So a name that stands for two columns, or that is a column of
        the junction, is left out: Directus 12 does not need it there, and 11 refuses it as unknown.
        """
        levels = [level for query in nested.queries if (level := _aliases(query).get(()))]
        aliases = [alias for level in levels for alias in level.columns.items()]
        if not aliases:
            return {}
        relation, columns = nested.relation, dict(aliases)
        ambiguous = {*nested.junction_fields, relation.collection_column, relation.target_column}
        ambiguous |= {alias for alias, column in aliases if columns[alias] != column}
        return {alias: column for alias, column in (self.aliases | columns).items() if alias not in ambiguous}

    def _filters(self, nested: PrefetchedList) -> list[Row]:
        """Return filters; each row of the list must meet one of them. Without filters, all rows are meant."""
        relation, queries = nested.relation, nested.queries
        if all(query.where == ALWAYS for query in queries):
            return []
        filters: list[Row] = []
        for scope, query in zip(relation.scopes, queries, strict=True):
            if query.where == ALWAYS:
                filters.append({relation.collection_column or "": {"_eq": scope.target.directus.collection}})
            elif query.where != NEVER:
                filters.append(self.compile_filter(query.where, scope.segments[1:]))
        return filters

    def _sort_keys(self, nested: PrefetchedList) -> Iterator[str]:
        """Yield the sort keys of a list, each with its direction.

        The server sorts each list once more, by the first key alone and with nulls last. It finds no value for a
        path, so a path whose value is the same in the whole list comes first, and that second sort does nothing.
        """
        relation, query = nested.relation, nested.queries[0]
        yield f"{relation.source_column}.{relation.model.directus.pk.column}"
        if relation.sort_column and not query.order:
            yield relation.sort_column
        if relation.is_many_to_any:
            yield relation.junction_key
            return
        junction = "".join(f"{name}." for name in relation.segments[1:])
        for order in query.total_order:
            yield f"{'-' if order.descending else ''}{junction}{self.sort_key(order)}"


# --- counts of related rows --------------------------------------------------------------------------------------


def add_related_counts(params: Row, query: Query) -> None:
    """Add the counts of related rows to a query's parameters.

    Without a junction, the server's ``count`` is used. With one, it would count rows that lead nowhere or to the
    same row, so the junction rows are read as a list and counted in Python.
    """
    for related_count in dict.fromkeys(query.related_counts):
        *outer, relation = related_count.path
        place = _place(outer)
        if not related_count.is_listed:
            params["fields"].append(".".join((*place, f"count({relation.segments[0]})")))
            continue
        name = related_count.response_key
        params["fields"] += [".".join((*place, name, *path)) for path in related_count.item_paths]
        aliases = ("alias",) if not place else ("deep", *place, "_alias")
        _descend(params, aliases)[name] = relation.column
        _descend(params, ("deep", *place))[name] = {
            "_limit": _ALL,
            "_filter": _junction_filter(relation, related_count),
        }


def _junction_filter(relation: ToMany, related_count: RelatedCount) -> Row:
    if relation.is_many_to_any:
        # The junction of a many-to-any keeps the keys of deleted rows; `RelatedCount.count` leaves these out.
        return {relation.collection_column or "": {"_in": related_count.collections}}
    return {relation.target_column: {"_nnull": True}}


def _place(path: Iterable[Step]) -> tuple[str, ...]:
    """Return the server's names of a path to rows, as ``deep`` takes them.

    Raises:
        UnsupportedQuery: the server would take a name for an operator, and ignore what is said of these rows.
    """
    path = tuple(path)
    column = operator_like(path)
    if column is not None:
        msg = (
            f"{path[0].model.__name__}: the server ignores what is said of lists and related rows behind "
            f"{column!r}: it takes names that begin with '_' for operators. Query these rows by themselves."
        )
        raise UnsupportedQuery(msg)
    return server_path(path)


def _descend(params: Row, names: Iterable[str]) -> Row:
    """Return the dictionary at the end of a path of names; create those that are missing."""
    for name in names:
        params = params.setdefault(name, {})
    return params
