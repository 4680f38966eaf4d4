"""The pager that finds out whether the server left out rows because their keys are hidden. No I/O.

A row of which this user may read no field that is asked for does not come, but the server counts it.
"""

from __future__ import annotations

from collections.abc import Generator

from ...core.errors import DirectusError
from ...dialects.protocol import Dialect
from ...query.query import Query
from .pager_protocol import Pager, RawPage, RoundTrip, relay

# The server reads the rows first and counts them then. A row that is inserted between looks like one left out.
_CONFIRMATIONS = 5


def complete_pager(pager: Pager, query: Query, dialect: Dialect) -> Pager:
    """Page as another pager does, and count the rows.

    If there are fewer than the first response with a total says, one more request tells whether keys are hidden or
    rows were deleted meanwhile.

    Raises:
        ConversionError: a row was left out, since its key is hidden.
    """
    number, total = 0, None

    def count(round_trip: RoundTrip, pages: list[RawPage]) -> None:
        nonlocal number, total
        total = pages[-1].total if total is None else total
        number += len(round_trip.rows or ())

    round_trip = yield from relay(pager, count)
    number += len(round_trip.rows or ())
    if total is not None and number < _within_slice(query, total):
        pk = query.model.directus.pk
        yield from check_last_row(query.with_paths((pk,)), total, dialect, pk.missing_key_error(is_null=False))
    yield round_trip


def _within_slice(query: Query, total: int) -> int:
    after_offset = max(0, total - query.offset)
    return after_offset if query.limit is None else min(after_offset, query.limit)


def check_last_row(
    query: Query, total: int, dialect: Dialect, error: DirectusError
) -> Generator[RoundTrip, list[RawPage], None]:
    """Ask for the last of all rows with the fields of a query: it is missing if any row is left out.

    Raises:
        DirectusError: ``error``: it is missing each time, and no row was deleted since the rows were counted.
    """
    times = 0
    while total:
        last = query.evolve(limit=1, offset=total - 1)
        (page,) = yield RoundTrip(None, (dialect.read(last, total=True),))
        if page.rows or page.total is None:
            return
        times = times + 1 if page.total >= total else 0
        if times == _CONFIRMATIONS:
            raise error
        total = page.total
