"""Dividing the rows of a query among several, that can be read at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ..dialects.registry import dialect_of
from ..query.conditions import NEVER, Comparison, KeyList, Node, all_of
from ..query.query import Order, Query
from ..session.session import Session
from .pagination.keyset import has_keyset_order
from .row_recheck import needs_recheck
from .run_query import read_pages, resolve_subqueries, select_keys


def partition(session: Session, query: Query, parts: int) -> list[Query]:
    """Return queries of about equally many rows; disjoint, and together all of a query's rows."""
    by_key = query.evolve(order=(Order((query.model.directus.pk,)),))
    if query.is_sliced or needs_recheck(query) or not has_keyset_order(by_key):
        return list(_lists(query, select_keys(session, query), parts))
    settled = resolve_subqueries(session, query)
    return [settled.filtered(where) for where in _ranges(session, resolve_subqueries(session, by_key), parts)]


def _lists(query: Query, found: Sequence[Any], parts: int) -> Iterator[Query]:
    """Yield queries by the keys of their rows."""
    whole = query.evolve(limit=None, offset=0)
    bounds = [len(found) * part // parts for part in range(parts + 1)]
    for start, end in pairwise(bounds):
        yield whole.filtered(KeyList(tuple(found[start:end])) if start < end else NEVER)


def _ranges(session: Session, query: Query, parts: int) -> Iterator[Node]:
    """Yield a condition on the key for each part: its bounds are read at offsets, so that gaps do not matter."""
    pk = query.model.directus.pk
    total = dialect_of(session).row_count(session.send(dialect_of(session).count(query)))
    offsets = {total * part // parts for part in range(1, parts)}
    bounds = sorted({key for offset in offsets for key in _key_at(session, query, offset)})
    for low, high in pairwise([None, *bounds, None]):
        least = [] if low is None else [Comparison((pk,), "gte", low)]
        yield all_of(least if high is None else [*least, Comparison((pk,), "lt", high)])
    yield from [NEVER] * (parts - 1 - len(bounds))


def _key_at(session: Session, query: Query, offset: int) -> list[Any]:
    """Return the key of the row at an offset, if there is one."""
    pk = query.model.directus.pk
    found = read_pages(session, query.with_paths((pk,)).sliced(offset, offset + 1))
    return [pk.dump(pk.load(row[pk.column])) for rows in found for row in rows]
