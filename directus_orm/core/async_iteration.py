"""Iterating with `async for`: each page is read in a worker thread, and its rows are yielded in the event loop."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Concatenate, Generic

from .async_twins import P, S, T, named_twin, run_in_thread
from .cancellation import cancelled_by, result_of
from .worker import start_thread


def paged_twin(
    method: Callable[Concatenate[S, P], Iterator[T]], pages: str
) -> Callable[Concatenate[S, P], AsyncGenerator[T, None]]:
    """Return the async twin of a method that yields rows: it uses a thread for each page, not for each row.

    Args:
        method: the synchronous method.
        pages: the name of the method that takes the same arguments and yields the rows page by page.
    """
    name = method.__name__

    @functools.wraps(method)
    def async_iterator(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return _rows(_PageReader(getattr(self, pages)(*args, **kwargs)))

    return named_twin(async_iterator, name, "loop over it by `async for`")


async def cached_rows(cached: Callable[[], list[T]], read: Callable[[], list[T]]) -> AsyncIterator[T]:
    """Yield the rows of a queryset; a thread is used only for rows that are not cached yet.

    When cancelled, nobody waits for the page under way. It is read to its end in a thread of its own, since other
    loops over the queryset may wait for it.

    Args:
        cached: returns the next cached rows.
        read: does the same, but reads a page first if no more are cached.
    """
    while rows := cached() or await run_in_thread(functools.partial(_detached, read)):
        for row in rows:
            yield row


def _detached(read: Callable[[], list[T]]) -> list[T]:
    """Read rows in a thread that nothing cancels; only the waiting for them is cancelled."""
    with cancelled_by(None):
        rows = start_thread(read)
    return result_of(rows)


class _PageReader(Generic[T]):
    """Reads the pages of a generator, each in some thread; closes the generator once no thread reads a page."""

    def __init__(self, pages: Iterator[list[T]]) -> None:
        self._pages = pages
        self._reading = threading.Lock()
        self._closed = False

    def next(self) -> list[T] | None:
        """Read a page; return None after the last one, or once closed."""
        try:
            with self._reading:
                return None if self._closed else next(self._pages, None)
        finally:
            if self._closed:  # `close` was called while this page was read, and could not close the generator
                self.close()

    def close(self) -> None:
        """Close the generator: at once, or after the page that a thread is reading. Waits for nothing."""
        self._closed = True
        if self._reading.acquire(blocking=False):
            try:
                getattr(self._pages, "close", lambda: None)()
            finally:
                self._reading.release()


async def _rows(pages: _PageReader[T]) -> AsyncGenerator[T, None]:
    try:
        while (page := await run_in_thread(pages.next)) is not None:
            for row in page:
                yield row
    finally:
        pages.close()
