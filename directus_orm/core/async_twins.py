"""The async face: the twin of a verb is that verb in a worker thread, so that there is one way of doing things.

Threads are those of the event loop's default executor. They see the context variables of the task, and with them
its session.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from .worker import in_context

if TYPE_CHECKING:
    import asyncio


S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def async_twin(
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
        return await run_in_thread(call, to_the_end=changes)

    return _named(awaited, name, "await it" + (", and it is not cut off by cancelling" if changes else ""))


def _named(function: F, name: str, use: str) -> F:
    place = function.__qualname__.rpartition(".")[0]
    function.__name__, function.__qualname__ = f"a{name}", f"{place}.a{name}"
    function.__doc__ = f"Do as `{name}` does, in a worker thread: {use}."
    return function


async def run_in_thread(call: Callable[[], T], *, to_the_end: bool = False) -> T:
    """Return what a call returns that is made in a worker thread; see `async_twin`."""
    import asyncio  # noqa: PLC0415 - who uses it has it; it costs others a tenth of importing this library

    job = _Job(call, asyncio.CancelledError)
    work = asyncio.get_running_loop().run_in_executor(None, in_context(job))
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
