"""The protocol between a pager, which is a generator without I/O, and the code that sends its requests."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import attrs

from ...core.errors import InvalidRequest
from ...core.request_response import Request, Row
from ...fields.field import Field


@attrs.frozen
class RawPage:
    """The rows of a response as the server sent them, and the length of its body in bytes.

    ``total`` is the number of rows of all pages, if the request asked for it.
    """

    rows: list[Row]
    size: int = 0
    total: int | None = None

    def keys(self, pk: Field) -> list[Any]:
        """Return the key of each row.

        Raises:
            ConversionError: a row came without its key; one that others hide would be skipped.
        """
        column = pk.column
        keys = [row.get(column) for row in self.rows]
        if None in keys:
            raise pk.missing_key_error(is_null=column in self.rows[keys.index(None)])
        return keys


@attrs.frozen(eq=False)
class NextByKey:
    """How to build the next requests from the last key of a page, to send them before the page is decoded."""

    column: str
    """The column of the key."""
    requests: Callable[[int, Any, int], tuple[Request, ...]]
    """Takes the page's number of rows, its last key, and the length of its body in bytes."""


@attrs.frozen
class RoundTrip:
    """One step of a pager: the rows to hand on now, and the requests to send next, at the same time.

    ``rows`` is None if there are no rows to hand on yet. Without requests, the pager has ended.
    """

    rows: list[Row] | None
    requests: tuple[Request, ...] = ()
    next_by_key: NextByKey | None = None


Pager = Generator[RoundTrip, list[RawPage], None]
"""Yields round trips, and is sent the pages for their requests; `InvalidRequest` is thrown into it."""


def relay(
    pager: Pager, look_at: Callable[[RoundTrip, list[RawPage]], None]
) -> Generator[RoundTrip, list[RawPage], RoundTrip]:
    """Page as another pager does, and look at all pages; return the last round trip, which has no requests.

    ``look_at`` may raise an error, which ends the reading.
    """
    round_trip = next(pager)
    while round_trip.requests:
        try:
            pages = yield round_trip
        except InvalidRequest as refusal:
            round_trip = pager.throw(refusal)
            continue
        look_at(round_trip, pages)
        round_trip = pager.send(pages)
        del pages  # frees their memory while the rows are in use
    return round_trip
