"""Paging in any order, exactly: windows of keys say which rows come next, and the rows are read by key.

No value is compared here, so null, collations, and values that come back less precise than they are stored do not
matter. A window overlaps the one before: what follows a key that is known is what comes next, however many rows
came or went before it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from ...core.errors import UnsupportedQuery
from ...core.messages import Request
from ...query.query import Query
from .list_cursor import ListCursor
from .pager_protocol import FULL_PAGE, Pager, PageSizer, RawPage, RoundTrip

# Twenty thousand keys are one cheap request; of as many rows the server would choke.
_FIRST_WINDOW = 4 * FULL_PAGE
_LARGEST_WINDOW = 20_000
# How far a window reaches back: so many rows may vanish before it without a further request.
_OVERLAP = 500
_OVERLAP_OF_ROWS = 20
# Two known keys that stand as before tell the place; one alone may have moved.
_LEAST_OVERLAP = 2

_WindowSteps = Generator[RoundTrip, list[RawPage], None]


def key_window_pager(query: Query, sizes: PageSizer, after: Any = None) -> Pager:
    """Yield the turns that read a query in whatever order; behind the row with a key, if one is given."""
    reading = _WindowPager(query, sizes, after)
    while reading.goes_on:
        yield from reading.step()
    yield sizes.turn()


@attrs.frozen
class _Window:
    """A part of the list of keys."""

    keys: Query
    offset: int
    wanted: int

    def limit(self, sizes: PageSizer) -> int:
        """Return how many keys are asked for, as far as the server allows (G45)."""
        return sizes.bounded(self.wanted)

    def request(self, sizes: PageSizer) -> Request:
        """Return the request for the keys."""
        return sizes.reader.read(self.keys.evolve(limit=self.limit(sizes), offset=self.offset))


class _WindowPager:
    """What the turns share: the place in the list, and the keys whose rows are to be read next."""

    def __init__(self, query: Query, sizes: PageSizer, after: Any) -> None:
        pk = query.model.directus.pk
        self._query = query
        self._sizes = sizes
        self._column: str = pk.column
        self._keys_alone = query.with_paths((pk,))
        self._brings_keys_alone = self._keys_alone == query
        self._place = ListCursor(query.offset, _OVERLAP, 2 * _LARGEST_WINDOW, after)
        self._left = query.limit
        self._pending: list[Any] = []
        self._size_of_window = _FIRST_WINDOW
        # The first two pages are read as they are: a short list needs no more.
        self._whole_pages = 0 if after is not None else 1 if sizes.fixed else 2

    @property
    def goes_on(self) -> bool:
        """Whether there is more to ask for."""
        return bool(self._pending) or not (self._place.ended or self._left == 0)

    def step(self) -> _WindowSteps:
        """Hand on the rows that are ready, ask for what comes next, and make that ready."""
        return self._read_rows() if self._brings_keys_alone or self._whole_pages else self._read_by_key()

    def _read_rows(self) -> _WindowSteps:
        """Read a window of whole rows."""
        overlap = _OVERLAP if self._brings_keys_alone else _OVERLAP_OF_ROWS
        offset, back = self._next_place(overlap)

        def request(size: int) -> tuple[Request, ...]:
            return (
                self._sizes.reader.read(self._query.evolve(limit=self._sizes.bounded(size + back), offset=offset)),
            )

        size, (page,) = yield from self._sizes.asking(self._left, request)
        self._sizes.grow_after(len(page.rows), page.size)
        new = self._taken(page, offset, self._sizes.bounded(size + back))
        self._whole_pages = max(0, self._whole_pages - 1) if new is not None else 0
        wanted = set(new or ())
        self._sizes.ready = [row for row in page.rows if row[self._column] in wanted]

    def _read_by_key(self) -> _WindowSteps:
        """Read the rows of the next keys; and along with them the next window, while there are keys left.

        So it is asked for while some rows are left that the loop cannot have deleted yet.
        """
        window = self._next_window()

        def requests(size: int) -> tuple[Request, ...]:
            chunk = self._pending[:size]
            rows = (self._sizes.reader.read_keys(self._query, chunk),) if chunk else ()
            return (*rows, window.request(self._sizes)) if self._is_short(chunk) else rows

        size, answers = yield from self._sizes.asking(None, requests)
        chunk = self._pending[:size]
        if self._is_short(chunk):
            further = yield from self._further(window, answers[-1])
            self._pending += further
        del self._pending[: len(chunk)]
        if chunk:
            self._sizes.grow_after(len(answers[0].rows), answers[0].size)
            found = {row[self._column]: row for row in answers[0].rows}
            self._sizes.ready = [found[key] for key in chunk if key in found]

    def _further(self, window: _Window, page: RawPage) -> Generator[RoundTrip, list[RawPage], list[Any]]:
        """Return the new keys of a window; where it missed the place, of those that are asked for then."""
        while (new := self._taken(page, window.offset, window.limit(self._sizes))) is None:
            if self._place.ended:
                return []
            window = self._next_window()
            _, (page,) = yield from self._sizes.asking(
                None,
                lambda _, window=window: (window.request(self._sizes),),  # type: ignore[misc]
            )
        self._size_of_window = min(_LARGEST_WINDOW, 4 * self._size_of_window)
        return new

    def _next_window(self) -> _Window:
        offset, back = self._next_place(_OVERLAP)
        wanted = self._size_of_window if self._left is None else min(self._size_of_window, self._left)
        return _Window(self._keys_alone, offset, wanted + back)

    def _next_place(self, overlap: int) -> tuple[int, int]:
        """Return where the next window starts, and how far it reaches back; half of what the server gives at most.

        Raises:
            UnsupportedQuery: it gives so few rows at a time that no window shows two known keys and a new one.
        """
        maximum = self._sizes.maximum
        most = overlap if maximum is None else max(_LEAST_OVERLAP, min(overlap, maximum // 2))
        offset, back = self._place.next_window(most)
        if back and maximum is not None and maximum <= _LEAST_OVERLAP:
            raise UnsupportedQuery(_TOO_FEW.format(maximum, _LEAST_OVERLAP + 1))
        return offset, back

    def _is_short(self, chunk: list[Any]) -> bool:
        """Return whether another window is wanted, once these keys are read."""
        ends = self._place.ended or self._left == 0
        return not ends and len(self._pending) - len(chunk) < FULL_PAGE

    def _taken(self, page: RawPage, offset: int, asked: int) -> list[Any] | None:
        """Return the keys of a window that are new and wanted; None where it showed no place to go on from."""
        new = self._place.take([row[self._column] for row in page.rows], offset, asked)
        if new is not None and self._left is not None:
            new = new[: self._left]
            self._left -= len(new)
        return new


_TOO_FEW = (
    "The server gives {} at a time (its QUERY_LIMIT_MAX), and reading on in this order takes {} or more. Order by "
    "a key that is an integer, or raise the server's maximum."
)
