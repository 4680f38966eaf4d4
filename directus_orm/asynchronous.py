"""The async face: the twin of a verb is that verb in a worker thread, so that there is one way of doing things.

Threads are those of the event loop's default executor. They see the context variables of the task, and with them
its session.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def twin(
    verb: Callable[Concatenate[S, P], T], *, changes: bool = False
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Return the method that does what another does, in a worker thread; a subclass that has its own is asked.

    Cancelled, it ends at once, and what the thread still finds is dropped. A verb that ``changes`` something, on
    the server or in an instance, is waited for once it has begun, so that nobody repeats what is under way.
    """
    name = verb.__name__

    @functools.wraps(verb)
    async def awaited(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call: Callable[[], T] = functools.partial(getattr(self, name), *args, **kwargs)
        return await in_thread(call, to_the_end=changes)

    return _named(awaited, name, "await it" + (", and it is not cut off by cancelling" if changes else ""))


def paged_twin(
    verb: Callable[Concatenate[S, P], Iterator[T]],
) -> Callable[Concatenate[S, P], AsyncGenerator[T, None]]:
    """Return the twin of `iterator`: one thread for each page, and none for its rows."""
    name = verb.__name__

    @functools.wraps(verb)
    def paged(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return _rows(_Pages(self._paged(*args, **kwargs)))

    return _named(paged, name, "loop over it by `async for`")


def _named(function: F, name: str, use: str) -> F:
    place = function.__qualname__.rpartition(".")[0]
    function.__name__, function.__qualname__ = f"a{name}", f"{place}.a{name}"
    function.__doc__ = f"Do as `{name}` does, in a worker thread: {use}."
    return function


async def in_thread(call: Callable[[], T], *, to_the_end: bool = False) -> T:
    """Return what a call returns that is made in a worker thread; see `twin`."""
    import asyncio  # noqa: PLC0415 - who uses it has it; it costs others a tenth of importing this library

    job = _Job(call, asyncio.CancelledError)
    run = contextvars.copy_context().run
    work = asyncio.get_running_loop().run_in_executor(None, run, job)
    try:
        await asyncio.wait([work])
    except asyncio.CancelledError as cancelled:
        # What no thread has begun is not begun any more.
        if job.claim() or not to_the_end:
            work.add_done_callback(_looked_at)
            raise
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise cancelled from work.exception()
    return work.result()


def _looked_at(work: asyncio.Future[Any]) -> None:
    """Keep asyncio from telling of an error that came when nobody waited any more."""
    if not work.cancelled():
        work.exception()


class _Job(Generic[T]):
    """A call that is begun by a thread, unless it was given up before: then ``given_up`` is raised."""

    def __init__(self, call: Callable[[], T], given_up: type[BaseException]) -> None:
        self._call = call
        self._given_up = given_up
        self._claimed = threading.Lock()

    def claim(self) -> bool:
        """Return whether nobody claimed the call before."""
        return self._claimed.acquire(blocking=False)

    def __call__(self) -> T:
        if not self.claim():
            raise self._given_up  # nobody waits for it
        return self._call()


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
    while rows := results._cache[position:] or await in_thread(  # noqa: SLF001 - what a queryset has for this
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
        while (page := await in_thread(pages.next)) is not None:
            for row in page:
                yield row
    finally:
        await in_thread(pages.close, to_the_end=True)
