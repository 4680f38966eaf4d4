"""Async twins: methods (``acount`` …) run in a worker thread, `async for` reads each page in one.

The threads are those of the event loop's default executor. They see the context variables of the task, and so its
current session.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from .cancellation import Cancellation, Cancelled, cancelled_by, result_of
from .tracebacks import clear_own_locals, hides_locals
from .worker import in_context, start_thread

if TYPE_CHECKING:
    import asyncio


S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def async_twin(
    method: Callable[Concatenate[S, P], T], *, changes: bool = False
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Return an async method that calls ``method``, or a subclass's method of that name, in a worker thread.

    When cancelled, it ends at once, and the result of the thread is dropped. With ``changes=True``, for a
    method that changes the server or an instance, a call that has started is awaited even when cancelled, so that
    nobody repeats it by mistake.
    """
    name = method.__name__

    @functools.wraps(method)
    async def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call: Callable[[], T] = functools.partial(getattr(self, name), *args, **kwargs)
        try:
            return await run_in_thread(call, to_the_end=changes)
        except BaseException as error:
            del args, kwargs, call
            clear_own_locals(error)
            raise

    return named_twin(twin, name, "await it" + (", and cancelling does not interrupt it" if changes else ""))


def named_twin(function: F, name: str, use: str) -> F:
    """Give an async twin its name and its docstring."""
    owner = function.__qualname__.rpartition(".")[0]
    function.__name__, function.__qualname__ = f"a{name}", f"{owner}.a{name}"
    function.__doc__ = f"Do as `{name}` does, in a worker thread: {use}."
    return function


async def run_in_thread(call: Callable[[], T], *, to_the_end: bool = False) -> T:
    """Return the result of a call in a worker thread; with ``to_the_end``, wait for it even when cancelled.

    Otherwise the call is cancelled as well, so that its thread is free for others, and no exit waits for it.
    """
    import asyncio  # noqa: PLC0415 - it takes a tenth of the time to import this library

    job = _Job(call, asyncio.CancelledError)
    work = asyncio.get_running_loop().run_in_executor(None, in_context(job))
    try:
        await asyncio.wait([work])
    except asyncio.CancelledError as cancelled:
        # Once it is claimed here, no thread starts the call.
        if job.claim() or not to_the_end:
            job.cancellation.cancel()
            work.add_done_callback(_retrieve_error)
            raise
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise cancelled from work.exception()
    return work.result()


def _retrieve_error(work: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging an error that nobody waits for."""
    if not work.cancelled():
        work.exception()


class _Job(Generic[T]):
    """A call for a thread; raises ``given_up`` instead if the call was given up before the thread started it."""

    def __init__(self, call: Callable[[], T], given_up: type[BaseException]) -> None:
        self._call = call
        self._given_up = given_up
        self._claimed = threading.Lock()
        self.cancellation = Cancellation()

    def claim(self) -> bool:
        """Claim the call, to make it or to give it up; return False if it was claimed before."""
        return self._claimed.acquire(blocking=False)

    def __call__(self) -> T:
        if not self.claim():
            raise self._given_up  # nobody waits for it
        try:
            with cancelled_by(self.cancellation):
                return self._call()
        except Cancelled:
            raise self._given_up from None


# --- iterating --------------------------------------------------------------------------------------------------


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

    @hides_locals
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
