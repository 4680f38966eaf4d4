"""Reading groups: the groups of a query page by page, the number of groups, and aggregates of all rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import attrs

from ...fields.paths import kind_of
from ...fields.type_table import COUNTED_DISTINCT
from ...query.grouping import AggregateSpec, Grouping
from ...query.query import Query
from ...session.session import Session
from ..pagination.pager_driver import fetch
from ..server_versions import require_grouping_support
from .accumulators import load_count
from .aggregate_plans import row_count, server_aggregate
from .group_keys import Group
from .group_ordering import GroupOrdering
from .group_paging import group_pager, slice_groups
from .group_reader import GroupReader, UnreliableDatePartsError
from .having import Test, having_test
from .row_selection import RowSelection


def read(session: Session, query: Query, page_size: int | None = None) -> Iterator[list[Group]]:
    """Yield the groups of a query, page by page: filtered, in their order, and sliced."""
    if query.is_empty:
        return
    if query.grouping is not None:
        require_grouping_support(session, query.grouping)
    with suppress(UnreliableDatePartsError):
        yield from _pages(group_reader(RowSelection(session, all_rows(query)), query), query, page_size)
        return
    selection = RowSelection(session, all_rows(query))
    yield from _pages(group_reader(selection, query, by_whole_values=True), query, page_size)


def all_rows(query: Query) -> Query:
    """Return the query for all rows that are grouped: the limit and offset of a grouped query count groups."""
    return query.evolve(limit=None, offset=0)


def group_reader(selection: RowSelection, query: Query, *, by_whole_values: bool = False) -> GroupReader:
    """Return the reader of a query's groups."""
    assert query.grouping is not None  # noqa: S101 - callers check this
    return GroupReader(selection, query.grouping, by_whole_values=by_whole_values)


def _pages(reader: GroupReader, query: Query, page_size: int | None) -> Iterator[list[Group]]:
    grouping = reader.grouping
    test = having_test(grouping.having, grouping) if grouping.having else None
    request = reader.stream_request()
    if request is None:
        yield _merged_groups(reader, query, test)
    elif test is None:
        yield from reader.stream(slice_groups(request, query.limit, query.offset), page_size)
    else:
        pages = reader.stream(request, page_size)
        yield from _slice_pages(([group for group in page if test(group)] for page in pages), query)


def _merged_groups(reader: GroupReader, query: Query, test: Test | None) -> list[Group]:
    groups = [group for group in reader.merge() if test is None or test(group)]
    plans = {name: plan for name, plan in reader.plans.items() if plan.request.lists_groups}
    python_keys, _ = reader.server_order(plans)
    if python_keys and groups:
        ordering = GroupOrdering(reader.session, reader.selection.requests(), reader.grouping)
        ordering.sort(groups, reader.grouping.total_order[:python_keys])
    return groups[query.offset :] if query.limit is None else groups[query.offset : query.offset + query.limit]


def _slice_pages(pages: Iterable[list[Group]], query: Query) -> Iterator[list[Group]]:
    """Yield the groups of a slice, and read no page after it."""
    start = 0  # the position of the page's first group
    stop = None if query.limit is None else query.offset + query.limit
    for page in pages:
        yield page[max(query.offset - start, 0) : None if stop is None else max(stop - start, 0)]
        start += len(page)
        if stop is not None and start >= stop:
            return


def count(session: Session, query: Query) -> int:
    """Return the number of groups, by one request that reads none of them if the server can count them."""
    if query.is_empty:
        return 0
    grouping = query.grouping
    assert grouping is not None  # noqa: S101 - callers check this
    require_grouping_support(session, grouping)
    reader = GroupReader(RowSelection(session, all_rows(query)), grouping)
    number = None if grouping.having else _count_by_server(reader)
    if number is None:
        # Aggregates are needed for conditions on groups only.
        bare = attrs.evolve(grouping, order=(), aggregates=grouping.aggregates if grouping.having else ())
        number = sum(map(len, read(session, attrs.evolve(all_rows(query), grouping=bare))))
    after_offset = max(number - query.offset, 0)
    return after_offset if query.limit is None else min(after_offset, query.limit)


def _count_by_server(reader: GroupReader) -> int | None:
    """Return the number of values of the only group key, with null; None if the server cannot count them."""
    requests, columns = reader.selection.requests(), reader.columns
    if not requests:
        return 0
    if reader.is_split or len(columns) != 1:
        return None
    field, function = columns[0].field, columns[0].function
    if function or kind_of(field) not in COUNTED_DISTINCT:
        return None
    dialect = reader.selection.dialect
    rows, values = row_count(field, dialect.capabilities), server_aggregate("count", field, dialect.capabilities)
    different = server_aggregate("count", field, dialect.capabilities, distinct=True)
    request = attrs.evolve(requests[0], aggregates=(rows, values, different))
    ((row,),) = fetch(reader.session, group_pager(request, dialect))
    has_null = load_count(rows, row) > load_count(values, row)
    return load_count(different, row) + has_null


def aggregate(session: Session, query: Query, aggregates: Mapping[str, AggregateSpec]) -> Group:
    """Return aggregates of all rows of a query, by name."""
    grouping = Grouping(aggregates=tuple(aggregates.items()))
    require_grouping_support(session, grouping)
    reader = GroupReader(RowSelection(session, query), grouping)
    return reader.merge()[0]
