"""Pagination of groups: the pager that requests groups by limit and offset. No I/O."""

from __future__ import annotations

import attrs

from ...core.errors import InvalidRequest
from ...dialects.protocol import Dialect
from ...query.group_request import GroupRequest, ServerAggregate
from ...session.http.error_mapping import unusable_response
from ..pagination.page_size import PageSizer
from ..pagination.pager_protocol import Pager, RoundTrip

# In most cases one request returns all groups, as they were at one moment.
GROUPS_AT_ONCE = 10_000


def group_pager(
    request: GroupRequest, dialect: Dialect, maximum: int | None = None, page_size: int | None = None
) -> Pager:
    """Page through the groups of a request by limit and offset."""
    request = attrs.evolve(request, aggregates=_with_sort_aggregates(request))
    if not request.columns:
        sent = dialect.groups(slice_groups(request, 1, 0))
        (page,) = yield RoundTrip(None, (sent,))
        if len(page.rows) != 1:
            raise unusable_response(sent, f"The response to {sent.method} {sent.path} is not one row of totals.")
        yield RoundTrip(page.rows)
        return
    sizes = PageSizer(dialect, page_size or GROUPS_AT_ONCE, maximum)
    left, offset = request.rows.limit, request.rows.offset
    while left is None or left > 0:
        size = sizes.next(left)
        try:
            (page,) = yield sizes.round_trip((dialect.groups(slice_groups(request, size, offset)),))
        except InvalidRequest as refusal:
            sizes.retry_smaller(refusal)
            continue
        sizes.ready = page.rows
        if len(page.rows) < size:
            break
        offset += size
        left = None if left is None else left - size
    yield sizes.round_trip()


def slice_groups(request: GroupRequest, limit: int | None, offset: int) -> GroupRequest:
    """Return the request for at most ``limit`` of the groups, from ``offset`` on."""
    return attrs.evolve(request, rows=attrs.evolve(request.rows, limit=limit, offset=offset))


def _with_sort_aggregates(request: GroupRequest) -> tuple[ServerAggregate, ...]:
    """Return the aggregates of a request and those that it sorts by, which the server has to compute as well."""
    sorted_by = (sort.by for sort in request.order if isinstance(sort.by, ServerAggregate))
    return tuple(dict.fromkeys((*request.aggregates, *sorted_by)))
