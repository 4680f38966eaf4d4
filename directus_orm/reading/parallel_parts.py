"""`partition()`: dividing the rows of a query into parts that can be read at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ..query.conditions import NEVER, Comparison, KeyList, Node, all_of
from ..query.query import Order, Query
from ..session.session import Session
from .pagination.keyset_pagination import has_keyset_order
from .row_recheck import needs_recheck
from .run_query import read_count, resolve_subqueries, select_keys


def partition(session: Session, query: Query, parts: int) -> list[Query]:
    """Return queries that divide the rows of a query into ``parts`` parts of about the same size.

    Keys that the server compares are divided by ranges; others, and slices, by lists of keys that are read first.
    """
    by_key = query.evolve(order=(Order((query.model.directus.pk,)),))
    if query.is_sliced or needs_recheck(query) or not has_keyset_order(by_key):
        return list(_by_key_lists(query, select_keys(session, query), parts))
    resolved = resolve_subqueries(session, query)
    ranges = _key_ranges(session, resolve_subqueries(session, by_key), parts)
    return [resolved.filtered(where) for where in ranges]


def _by_key_lists(query: Query, keys: Sequence[Any], parts: int) -> Iterator[Query]:
    """Yield a query for each part, by a list of its keys."""
    unsliced = query.evolve(limit=None, offset=0)
    bounds = [len(keys) * part // parts for part in range(parts + 1)]
    for start, end in pairwise(bounds):
        yield unsliced.filtered(KeyList(tuple(keys[start:end])) if start < end else NEVER)


def _key_ranges(session: Session, query: Query, parts: int) -> Iterator[Node]:
    """Yield a range of keys for each part. Its bounds are read at row offsets, so gaps do not matter."""
    pk = query.model.directus.pk
    total = read_count(session, query)
    offsets = {total * part // parts for part in range(1, parts)}
    bounds = sorted({key for offset in offsets for key in select_keys(session, query.sliced(offset, offset + 1))})
    for low, high in pairwise([None, *bounds, None]):
        from_low = [] if low is None else [Comparison((pk,), "gte", low)]
        yield all_of(from_low if high is None else [*from_low, Comparison((pk,), "lt", high)])
    yield from [NEVER] * (parts - 1 - len(bounds))
