"""Worker threads: calls made in other threads, with the caller's context variables, and futures of their results.

`concurrent.futures` is imported at first use: short loops and short writes need no thread.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .cancellation import Cancellation, cancelled_by, result_of

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

P = ParamSpec("P")
T = TypeVar("T")

_THREAD_NAME = "directus_orm"


def in_context(call: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes a call with this thread's context variables, in any thread."""
    return functools.partial(contextvars.copy_context().run, call)


def complete(future: Future[T], call: Callable[[], T]) -> None:
    """Make a call, and set its result or its error on a future."""
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
        future.set_exception(error)
    finally:
        del future, call  # the error's traceback holds this frame: a cycle would keep both alive


def run_now(call: Callable[[], T]) -> Future[T]:
    """Make a call in this thread, and return the future of its result or its error."""
    from concurrent.futures import Future  # noqa: PLC0415 - see above

    future: Future[T] = Future()
    complete(future, call)
    try:
        return future
    finally:
        del future  # as in `complete`


def start_thread(call: Callable[[], T]) -> Future[T]:
    """Make a call in a thread of its own, which ends with the call; no exit of the interpreter waits for it."""
    from concurrent.futures import Future  # noqa: PLC0415 - see above

    future: Future[T] = Future()
    # Not a ThreadPoolExecutor: the interpreter joins its threads at exit, however long their requests take.
    thread = threading.Thread(target=in_context(complete), args=(future, call), name=_THREAD_NAME, daemon=True)
    thread.start()
    return future


def run_concurrently(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make calls at the same time, a thread for each, and return their results in order.

    After an error or an interrupt, the calls that are under way are cancelled, and nobody waits for them.
    """
    cancellation = Cancellation()
    try:
        with cancelled_by(cancellation):
            futures = [start_thread(call) for call in calls]
        return [result_of(future) for future in futures]
    except BaseException:
        cancellation.cancel()
        raise


class Worker:
    """One thread that makes calls in turn."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Let the thread make a call, and return the future of its result."""
        from concurrent.futures import Future  # noqa: PLC0415 - see above

        future: Future[T] = Future()
        self._pool.submit(in_context(complete), future, call)
        return future


@contextmanager
def worker_thread() -> Iterator[Worker]:
    """Start a thread for the block, which ends when its last call is done."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - see above

    with ThreadPoolExecutor(1, _THREAD_NAME) as pool:
        # An interrupt while the thread starts would lose the thread, so an empty call starts it first.
        pool.submit(int).result()
        yield Worker(pool)
