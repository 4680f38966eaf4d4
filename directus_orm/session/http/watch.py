"""Telling how far a request is: sent, answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from concurrent.futures import Future


@attrs.frozen
class RequestObserver:
    """What wants to know how far a request is: when it is with the server, and what body came back undecoded."""

    sent: Callable[[], None] = lambda: None
    arrived: Callable[[bytes], None] = lambda _: None


_watch: ContextVar[RequestObserver | None] = ContextVar("directus_orm_watch", default=None)


@contextmanager
def observing(watch: RequestObserver) -> Iterator[None]:
    """Let the requests of the block be watched, in this thread alone."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def notify_sent() -> None:
    """Say that a request is with the server, and its answer awaited."""
    watch = _watch.get()
    if watch is not None:
        watch.sent()


def notify_arrived(body: bytes) -> None:
    """Say that the answer to a request is there, before it is decoded."""
    watch = _watch.get()
    if watch is not None:
        watch.arrived(body)


class SentSignal:
    """Lets whoever starts a thread that sends a request wait until the request is with the server.

    Otherwise the one who started it, and goes on to compute, would keep the interpreter from that thread (see
    `sys.setswitchinterval`), several times, while the server has nothing to do.
    """

    def __init__(self) -> None:
        self._is_sent = threading.Event()
        self.sent = self._is_sent.set

    def wait(self, future: Future[Any]) -> None:
        """Wait until `sent` is called, or the future is done; not for long, since to connect may take longer."""
        future.add_done_callback(lambda _: self.sent())
        self._is_sent.wait(_LONGEST_SENDING)


_LONGEST_SENDING = 0.01
