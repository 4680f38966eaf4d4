"""Iterating in asyncio: one worker thread for each page."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Concatenate, Generic, Protocol

from ..core.async_twins import P, S, T, _named, run_in_thread


def paged_twin(
    verb: Callable[Concatenate[S, P], Iterator[T]],
) -> Callable[Concatenate[S, P], AsyncGenerator[T, None]]:
    """Return the twin of `iterator`: one thread for each page, and none for its rows."""
    name = verb.__name__

    @functools.wraps(verb)
    def paged(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return _rows(_Pages(self._paged(*args, **kwargs)))

    return _named(paged, name, "loop over it by `async for`")


# --- rows -------------------------------------------------------------------------------------------------------


class Kept(Protocol[T]):
    """What keeps the rows that it read."""

    _cache: list[T]

    def _from(self, position: int) -> list[T]:
        """Return the rows from a position on that are there; read a page where there are none yet."""
        ...


async def kept_rows(results: Kept[T]) -> AsyncIterator[T]:
    """Yield the rows of a queryset; a thread is asked only for those that are not there yet."""
    position = 0
    while rows := results._cache[position:] or await run_in_thread(  # noqa: SLF001 - what a queryset has for this
        functools.partial(results._from, position)  # noqa: SLF001
    ):
        for row in rows:
            yield row
        position += len(rows)


class _Pages(Generic[T]):
    """Pages that are read in one thread after the other, and closed by whoever comes last."""

    def __init__(self, pages: Iterator[list[T]]) -> None:
        self._pages = pages
        self._lock = threading.Lock()
        self._unwanted = False

    def next(self) -> list[T] | None:
        """Read a page; None behind the last."""
        try:
            with self._lock:
                return None if self._unwanted else next(self._pages, None)
        finally:
            if self._unwanted:  # whoever said so may have found the lock taken
                self.close()

    def close(self) -> None:
        """Let the pages go; a thread that is reading one does it when it has it."""
        self._unwanted = True
        if self._lock.acquire(blocking=False):
            try:
                getattr(self._pages, "close", lambda: None)()
            finally:
                self._lock.release()


async def _rows(pages: _Pages[T]) -> AsyncGenerator[T, None]:
    try:
        while (page := await run_in_thread(pages.next)) is not None:
            for row in page:
                yield row
    finally:
        await run_in_thread(pages.close, to_the_end=True)
