"""Pagination in any order: the ordered keys are read in windows (limit and offset), and then the rows by key.

Each window overlaps the one before: the unknown keys after the known ones come next, however many rows were
inserted, deleted or moved before them. Ordering values tell only whether a row moved. Which one is less does not
matter, nor do nulls, collations, and values that come back less precise than they are stored.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from ...core.errors import InvalidRequest, UnsupportedQuery
from ...core.request_response import Request
from ...fields.field import Field
from ...query.query import Query
from .changing_list_cursor import ListCursor
from .ordering_values import RowsWithOrderingValues
from .page_size import FULL_PAGE, PageSizer
from .pager_protocol import Pager, RawPage, RoundTrip

# Twenty thousand keys are one cheap request; as many whole rows would be too much for the server.
_FIRST_WINDOW = 4 * FULL_PAGE
_LARGEST_WINDOW = 20_000
# Long texts to order by make windows smaller.
_LARGEST_BODY = 4_000_000
# How many rows before the position a window starts: this many can be deleted without a further request.
_OVERLAP = 500
_OVERLAP_OF_ROWS = 20

_RoundTrips = Generator[RoundTrip, list[RawPage], None]


def key_window_pager(query: Query, sizes: PageSizer, after: Any = None) -> Pager:
    """Return the pager for a query in any order, from its start or after the row with the key ``after``."""
    pager = _WindowPager(query, sizes, after)
    while pager.has_more:
        yield from pager.step()
    yield sizes.round_trip()


@attrs.frozen
class _Window:
    """A part of the ordered list of keys; with ``counts``, the response counts all of them."""

    keys: Query
    """The query for the keys and the ordering values."""
    offset: int
    wanted: int
    counts: bool

    def limit(self, sizes: PageSizer) -> int:
        """Return how many keys to request, within the server's maximum (G45)."""
        return sizes.bounded(self.wanted)

    def request(self, sizes: PageSizer) -> Request:
        """Return the request for the keys."""
        keys = self.keys.evolve(limit=self.limit(sizes), offset=self.offset)
        return sizes.dialect.read(keys, total=self.counts)


class _WindowPager:
    """The state of one pager: its cursor in the list of keys, and the keys whose rows are read next."""

    def __init__(self, query: Query, sizes: PageSizer, after: Any) -> None:
        pk = query.model.directus.pk
        self._query = query
        self._sizes = sizes
        self._pk: Field = pk
        keys = query.with_paths((pk,))
        self._reads_only_keys = query.reads_only_keys
        self._keys, self._rows = RowsWithOrderingValues(keys), RowsWithOrderingValues(query)
        self._cursor = ListCursor(query.offset, _OVERLAP, 2 * _LARGEST_WINDOW, after)
        self._left = query.limit
        self._pending_keys: list[Any] = []
        self._window_size = _FIRST_WINDOW
        self._is_counted = False
        # The first two pages are windows of whole rows: a short list needs no further request.
        self._whole_pages = 0 if after is not None else 1 if sizes.fixed else 2

    @property
    def has_more(self) -> bool:
        """Whether there may be more rows to read."""
        return bool(self._pending_keys) or not self._is_list_read

    @property
    def _is_list_read(self) -> bool:
        """Whether all keys up to the limit are known."""
        return self._cursor.ended or self._left == 0

    def step(self) -> _RoundTrips:
        """Hand on the rows that are ready, request the next ones, and make these ready."""
        return self._read_whole_rows() if self._reads_only_keys or self._whole_pages else self._read_by_key()

    def _read_whole_rows(self) -> _RoundTrips:
        """Read a window of whole rows."""
        offset, overlap = self._next_offset(_OVERLAP if self._reads_only_keys else _OVERLAP_OF_ROWS)
        while True:
            limit = self._sizes.bounded(self._sizes.next(self._left) + overlap)
            request = self._sizes.read(self._rows.query.evolve(limit=limit, offset=offset))
            try:
                (page,) = yield self._sizes.round_trip((request,))
                break
            except InvalidRequest as refusal:
                self._sizes.retry_smaller(refusal)
        self._sizes.grow_after(len(page.rows), page.size)
        new_keys = self._new_keys(self._rows, page, offset, limit)
        self._whole_pages = max(0, self._whole_pages - 1)
        self._bound_windows(page)
        keys_to_return = set(new_keys or ())
        self._sizes.ready = [row for row in page.rows if row[self._pk.column] in keys_to_return]
        self._rows.remove_added(self._sizes.ready)

    def _read_by_key(self) -> _RoundTrips:
        """Read the rows of the next keys, and at the same time the next window, if few keys are left.

        The window then overlaps rows that are not handed on yet, so the loop cannot have deleted them.
        """
        window = self._next_window()
        while True:
            keys = self._pending_keys[: self._sizes.next()]
            requests = (self._sizes.dialect.read_keys(self._query, keys),) if keys else ()
            if self._needs_window_after(keys):
                requests = (*requests, window.request(self._sizes))
            try:
                pages = yield self._sizes.round_trip(requests)
                break
            except InvalidRequest as refusal:
                self._sizes.retry_smaller(refusal)
        if self._needs_window_after(keys):
            following_keys = yield from self._following_keys(window, pages[-1])
            self._pending_keys += following_keys
        del self._pending_keys[: len(keys)]
        if keys:
            self._sizes.grow_after(len(pages[0].rows), pages[0].size)
            row_by_key = dict(zip(pages[0].keys(self._pk), pages[0].rows, strict=True))
            self._sizes.ready = [row_by_key[key] for key in keys if key in row_by_key]

    def _following_keys(self, window: _Window, page: RawPage) -> Generator[RoundTrip, list[RawPage], list[Any]]:
        """Return the new keys of a window; if it brought none, read further windows, and return theirs.

        The rows before the position are not handed on before the next keys are known, as the loop may move them.
        """
        self._is_counted = True
        while not (new_keys := self._new_keys(self._keys, page, window.offset, window.limit(self._sizes))):
            if self._cursor.ended:
                return []
            window = self._next_window()
            page = yield from self._read_window(window)
        self._window_size = min(_LARGEST_WINDOW, 4 * self._window_size)
        self._bound_windows(page)
        return new_keys

    def _read_window(self, window: _Window) -> Generator[RoundTrip, list[RawPage], RawPage]:
        while True:
            try:
                (page,) = yield self._sizes.round_trip((window.request(self._sizes),))
            except InvalidRequest as refusal:
                self._sizes.retry_smaller(refusal)
            else:
                return page

    def _bound_windows(self, page: RawPage) -> None:
        """Let the next windows have no more bytes than a window should, if their rows are like those of a page."""
        if page.size:
            self._window_size = min(self._window_size, max(1, _LARGEST_BODY * len(page.rows) // page.size))

    def _next_window(self) -> _Window:
        offset, overlap = self._next_offset(min(_OVERLAP, self._window_size))
        wanted = self._window_size if self._left is None else min(self._window_size, self._left)
        return _Window(self._keys.query, offset, wanted + overlap, counts=not self._is_counted)

    def _next_offset(self, overlap: int) -> tuple[int, int]:
        """Return the offset of the next window, and its overlap: at most half of the server's maximum of rows.

        Raises:
            UnsupportedQuery: that maximum is too small for a known key and a new one.
        """
        maximum = self._sizes.maximum
        max_overlap = overlap if maximum is None else max(1, min(overlap, maximum // 2))
        offset, overlap = self._cursor.next_window(max_overlap)
        if overlap and maximum == 1:
            raise UnsupportedQuery(_TOO_FEW)
        return offset, overlap

    def _needs_window_after(self, keys: list[Any]) -> bool:
        """Return whether the next window is needed once the rows of these keys are read."""
        return not self._is_list_read and len(self._pending_keys) - len(keys) < FULL_PAGE

    def _new_keys(
        self, window: RowsWithOrderingValues, page: RawPage, offset: int, limit: int
    ) -> list[Any] | None:
        """Return the new keys of a window, up to the limit; None if it missed the cursor's position."""
        keys, values = page.keys(self._pk), window.values(page.rows)
        new_keys = self._cursor.take(keys, values, offset, limit)
        if new_keys is not None and self._left is not None:
            new_keys = new_keys[: self._left]
            self._left -= len(new_keys)
        return new_keys


_TOO_FEW = (
    "The server returns one row at a time (its QUERY_LIMIT_MAX is 1), and paging in this order needs 2 or more. "
    "Order by an integer key, or raise the server's maximum."
)
