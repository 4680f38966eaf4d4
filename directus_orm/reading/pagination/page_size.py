"""How many rows a page has: few at first, then more, within the server's maximum."""

from __future__ import annotations

import attrs

from ...core.errors import InvalidRequest
from ...core.request_response import Request, Row
from ...dialects.protocol import Dialect
from ...query.query import Query
from .pager_protocol import NextByKey, RoundTrip

FIRST_PAGE = 100
FULL_PAGE = 1000
# Larger pages are hardly faster, and take memory for a page's rows, its instances, and the page read ahead.
LARGEST_PAGE = 4000
_LARGEST_BODY = 900_000


@attrs.define
class PageSizer:
    """Decides the size of each page of one pager, and keeps its rows until they are handed on."""

    dialect: Dialect
    fixed: int | None = None
    """The page size that the caller asked for."""
    maximum: int | None = None
    """The server's maximum of rows in a response (G45); None while it is not known."""
    counts: bool = False
    """Whether the response with the next page also counts the rows of all pages; only that with the first does."""
    _next: int = FIRST_PAGE
    _bound: int = LARGEST_PAGE
    ready: list[Row] | None = None
    """The rows to hand on with the next round trip. They are dropped then, to free the memory."""

    def next(self, left: int | None = None) -> int:
        """Return the number of rows to request, of which at most ``left`` are needed.

        Up to a full page is requested at once, since a small first page would only add a request.
        """
        size = self.fixed or (self._next if left is None or left > FULL_PAGE else FULL_PAGE)
        return min(bound for bound in (size, self.maximum, left) if bound is not None)

    def read(self, query: Query) -> Request:
        """Return the request for a page of a query; the query's limit is its size."""
        return self.dialect.read(query, total=self.counts)

    def bounded(self, rows: int) -> int:
        """Return a number of rows, or the server's maximum if that is less (G45)."""
        return rows if self.maximum is None else min(rows, self.maximum)

    def grow_after(self, rows: int, size: int) -> None:
        """Enlarge the next page after one of ``rows`` rows and ``size`` bytes, within a bound for its bytes."""
        if size:
            self._bound = min(LARGEST_PAGE, max(FIRST_PAGE, _LARGEST_BODY * rows // size))
        self.counts = False
        self._next = min(self._bound, max(FULL_PAGE, 2 * self._next))

    def retry_smaller(self, refusal: InvalidRequest) -> None:
        """Learn the server's maximum from its refusal of a page, so that a smaller page can be requested.

        Raises:
            InvalidRequest: the refusal itself, if it is not about the size of the page.
        """
        maximum = self.dialect.row_limit(refusal)
        if not maximum or maximum >= (self.maximum or maximum + 1):
            raise refusal
        self.maximum = maximum

    def round_trip(self, requests: tuple[Request, ...] = (), next_by_key: NextByKey | None = None) -> RoundTrip:
        """Return the round trip that hands on the rows that are ready."""
        rows, self.ready = self.ready, None
        return RoundTrip(rows, requests, next_by_key)
