"""Asking for groups page by page: which request comes next. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ...core.errors import InvalidRequest
from ...dialects.base import Dialect
from ...query.group_request import GroupColumn, GroupRequest, GroupSort, ServerAggregate
from ...query.query import Query
from ..pagination.page_size import PageSizer
from ..pagination.pager_protocol import Pager, RoundTrip
from .recipes import AggregatePlan

# One request brings all groups in most cases, as they were at one moment.
GROUPS_AT_ONCE = 10_000
# SQLite binds 32,766 values at most, and the server takes bodies of 1 MB (G35).
MOST_KEYS = 30_000
MOST_BYTES = 900_000


def group_pages(
    ask: GroupRequest, dialect: Dialect, maximum: int | None = None, page_size: int | None = None
) -> Pager:
    """Return the pager for groups; see `query_pager`."""
    ask = attrs.evolve(ask, aggregates=_ordered_totals(ask))
    if not ask.columns:
        (page,) = yield RoundTrip(None, (dialect.groups(cut_to(ask, 1, 0)),))
        yield RoundTrip(page.rows)
        return
    sizes = PageSizer(dialect, page_size or GROUPS_AT_ONCE, maximum)
    left, offset = ask.rows.limit, ask.rows.offset
    while left is None or left > 0:
        size = sizes.next(left)
        try:
            (page,) = yield sizes.round_trip((dialect.groups(cut_to(ask, size, offset)),))
        except InvalidRequest as refusal:
            sizes.retry_smaller(refusal)
            continue
        sizes.ready = page.rows
        if len(page.rows) < size:
            break
        offset += size
        left = None if left is None else left - size
    yield sizes.round_trip()


def cut_to(ask: GroupRequest, limit: int | None, offset: int) -> GroupRequest:
    """Return what asks for some of the groups, by their places."""
    return attrs.evolve(ask, rows=attrs.evolve(ask.rows, limit=limit, offset=offset))


def by_keys(query: Query, found: Sequence[Any]) -> list[GroupRequest]:
    """Divide keys among requests that the server takes."""
    asks: list[GroupRequest] = []
    chunk: list[Any] = []
    size = 0
    for one in found:
        size += len(json.dumps(one)) + 2
        if chunk and (len(chunk) == MOST_KEYS or size > MOST_BYTES):
            asks.append(GroupRequest(query, keys=tuple(chunk)))
            chunk, size = [], len(json.dumps(one)) + 2
        chunk.append(one)
    return [*asks, GroupRequest(query, keys=tuple(chunk))] if chunk else asks


def with_totals(
    ask: GroupRequest,
    columns: tuple[GroupColumn, ...],
    recipes: Mapping[str, AggregatePlan],
    order: tuple[GroupSort, ...],
) -> GroupRequest:
    """Return what asks for groups of these columns, with the totals that recipes take."""
    totals = tuple(dict.fromkeys(total for made in recipes.values() for total in made.aggregates))
    return attrs.evolve(ask, columns=columns, aggregates=totals, order=order)


def _ordered_totals(ask: GroupRequest) -> tuple[ServerAggregate, ...]:
    """Return the totals, and those that are ordered by: the server has to compute them to know them."""
    return tuple(
        dict.fromkeys((*ask.aggregates, *(each.by for each in ask.order if isinstance(each.by, ServerAggregate))))
    )
