"""What paging and the one who sends its requests say to one another, and how large a page is. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Protocol

import attrs

from ...core.errors import InvalidRequest
from ...core.messages import Request, Row
from ...query.query import Query

FIRST_PAGE = 100
FULL_PAGE = 1000
# Larger pages are hardly faster, and take memory: of a page's rows and instances, and of the page that is ahead.
LARGEST_PAGE = 4000
_LARGEST_BODY = 900_000


class PageSource(Protocol):
    """What paging needs of a dialect."""

    def read(self, query: Query) -> Request:
        """Return the request for one page."""
        ...

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys."""
        ...

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the maximum that an error speaks of."""
        ...


@attrs.frozen
class RawPage:
    """The rows of an answer, and the length of its body in bytes."""

    rows: list[Row]
    size: int = 0


PredictNext = Callable[[bytes], tuple[Request, ...]]
"""Says of an answer that is not decoded yet what will be asked next; nothing where it cannot know."""


@attrs.frozen
class RoundTrip:
    """What paging says in its turn: the rows that are ready, and the requests for what follows, sent at once.

    Without requests it has ended. ``rows`` is None where there is nothing to hand on yet. ``foresee`` tells more
    of what follows, so that it can be on its way early; what is then asked for is what counts.
    """

    rows: list[Row] | None
    asks: tuple[Request, ...] = ()
    foresee: PredictNext | None = None


Pager = Generator[RoundTrip, list[RawPage], None]
"""Paging: yields turns, and is sent the answers to their requests; a refusal of too large a page is thrown in."""
PageRequests = Generator[RoundTrip, list[RawPage], tuple[int, list[RawPage]]]


@attrs.define
class PageSizer:
    """How many rows the next page has: few at first, then more and more, within the server's maximum (G45)."""

    reader: PageSource
    fixed: int | None = None
    maximum: int | None = None
    least: int = FIRST_PAGE
    bound: int = LARGEST_PAGE
    ready: list[Row] | None = None
    """The rows to hand on with the next turn; nothing here holds them then, so that memory has them once."""

    def next(self, left: int | None = None) -> int:
        """Return the number of rows to ask for, where ``left`` are wanted at most.

        A few are asked for at once: one small page would be followed by another request.
        """
        size = self.fixed or (self.least if left is None or left > FULL_PAGE else FULL_PAGE)
        return min(bound for bound in (size, self.maximum, left) if bound is not None)

    def bounded(self, rows: int) -> int:
        """Return so many rows, or as many as the server gives at a time (G45)."""
        return rows if self.maximum is None else min(rows, self.maximum)

    def grow_after(self, rows: int, size: int) -> None:
        """Let the next page be larger than one of so many rows and bytes, as far as it stays below a bound."""
        if size:
            self.bound = min(LARGEST_PAGE, max(FIRST_PAGE, _LARGEST_BODY * rows // size))
        self.least = min(self.bound, max(FULL_PAGE, 2 * self.least))

    def asking(
        self,
        left: int | None,
        requests: Callable[[int], tuple[Request, ...]],
        foresee: Callable[[int, bytes], tuple[Request, ...]] | None = None,
    ) -> PageRequests:
        """Hand on the rows that are ready and ask for a page; where its size is refused, for a smaller one.

        Return the number of rows that were asked for, and the answers.
        """
        while True:
            asked = self.next(left)
            try:
                return asked, (yield self.turn(requests(asked), foresee and partial(foresee, asked)))
            except InvalidRequest as refusal:
                maximum = self.reader.row_limit(refusal)
                if not maximum or maximum >= (self.maximum or maximum + 1):
                    raise
                self.maximum = maximum

    def turn(self, asks: tuple[Request, ...] = (), foresee: PredictNext | None = None) -> RoundTrip:
        """Return the turn that hands on the rows that are ready."""
        made, self.ready = RoundTrip(self.ready, asks, foresee), None
        return made
