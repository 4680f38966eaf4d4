"""Observing a request while it is under way: when it has been sent, and when its body has arrived."""

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
    """Functions to call when a request has been sent, and with the undecoded body when that has arrived."""

    on_sent: Callable[[], None] = lambda: None
    on_arrived: Callable[[bytes], None] = lambda _: None


_observer: ContextVar[RequestObserver | None] = ContextVar("directus_orm_request_observer", default=None)


@contextmanager
def observing(observer: RequestObserver) -> Iterator[None]:
    """Observe the requests that this thread or task sends in the block."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def notify_sent() -> None:
    """Tell the observer that a request has been sent."""
    observer = _observer.get()
    if observer is not None:
        observer.on_sent()


def notify_arrived(body: bytes) -> None:
    """Tell the observer that a body has arrived, before it is decoded."""
    observer = _observer.get()
    if observer is not None:
        observer.on_arrived(body)


class SentSignal:
    """Lets a thread that starts another one for a request wait until that request has been sent.

    Without waiting, the first thread would go on computing and hold the interpreter (see
    `sys.setswitchinterval`) several times before the other one gets to send, while the server is idle.
    """

    def __init__(self) -> None:
        self._is_sent = threading.Event()
        self.sent = self._is_sent.set

    def wait(self, future: Future[Any]) -> None:
        """Wait until `sent` is called or the future is done, but not long, since connecting may take longer."""
        future.add_done_callback(lambda _: self.sent())
        self._is_sent.wait(_LONGEST_WAIT)


_LONGEST_WAIT = 0.01
