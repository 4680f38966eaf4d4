"""Cancelling work that nobody waits for any more: pauses end, requests under way are hung up, no others are sent.

Generators are closed by the garbage collector as well, which runs in any thread, even in one that does the work
or holds a lock. So `Cancellation.cancel` takes no lock and never waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Cancelled(BaseException):
    """Ends work that was cancelled; nobody waits for its result, so nobody sees this error."""


class Cancellation:
    """Whether some work is cancelled, and what has to be called then."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self._calls: dict[object, Callable[[], None]] = {}

    def cancel(self) -> None:
        """Cancel the work. Returns at once; may be called again, and in any thread."""
        self.is_cancelled = True
        with suppress(KeyError):  # another thread took the last one
            while self._calls:
                self._calls.popitem()[1]()

    def check(self) -> None:
        """Raise `Cancelled` if the work is cancelled."""
        if self.is_cancelled:
            raise Cancelled

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Make a call if the work is cancelled within the block; it must not wait.

        Raises:
            Cancelled: the work is cancelled already.
        """
        key = object()
        self._calls[key] = call
        try:
            self.check()
            yield
        finally:
            self._calls.pop(key, None)


_cancellation: ContextVar[Cancellation | None] = ContextVar("directus_orm_cancellation", default=None)


def current_cancellation() -> Cancellation | None:
    """Return the cancellation of the work that this thread or task does."""
    return _cancellation.get()


@contextmanager
def cancelled_by(cancellation: Cancellation | None) -> Iterator[None]:
    """Let the work of the block be cancelled by this cancellation instead of any other; None: by none."""
    token = _cancellation.set(cancellation)
    try:
        yield
    finally:
        _cancellation.reset(token)


def pause(seconds: float) -> None:
    """Sleep; raise `Cancelled` as soon as the current work is cancelled."""
    cancellation = _cancellation.get()
    if cancellation is None:
        time.sleep(seconds)
        return
    asleep = _locked()
    with cancellation.calling(partial(_release, asleep)):
        asleep.acquire(timeout=seconds)
    cancellation.check()


def result_of(future: Future[T]) -> T:
    """Wait for a future, and return its result; raise `Cancelled` as soon as the current work is cancelled."""
    cancellation = _cancellation.get()
    if cancellation is not None and not future.done():
        waiting = _locked()
        future.add_done_callback(lambda _: _release(waiting))
        with cancellation.calling(partial(_release, waiting)):
            waiting.acquire()
        cancellation.check()
    return future.result()


def _locked() -> threading.Lock:
    # Not an Event: setting one takes a lock, which the thread that cancels may hold.
    lock = threading.Lock()
    lock.acquire()
    return lock


def _release(lock: threading.Lock) -> None:
    with suppress(RuntimeError):  # it was released before
        lock.release()
