"""A request while it is under way: when it has been sent, when its body has arrived, and hanging it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from ...core.cancellation import current_cancellation

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


_waits_for_pieces: ContextVar[bool] = ContextVar("directus_orm_waits_for_pieces", default=False)


@contextmanager
def response_in_pieces(*, streamed: bool) -> Iterator[None]:
    """Let the timeout hold for each piece of a response that is ``streamed``, and not for the whole."""
    token = _waits_for_pieces.set(streamed)
    try:
        yield
    finally:
        _waits_for_pieces.reset(token)


def waits_for_pieces() -> bool:
    """Return whether the timeout holds for each piece of a response."""
    return _waits_for_pieces.get()


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


class HangUp:
    """Hangs up the connection of one request, if it is called while the connection carries that request."""

    def __init__(self) -> None:
        self._shut_down: Callable[[], None] | None = None
        # Held for a moment only. Who hangs up does not wait even for that, see `Cancellation`.
        self._lock = threading.Lock()

    def carried_by(self, connected: Any) -> None:
        """Say which socket carries the request."""
        import socket  # noqa: PLC0415 - urllib3 has imported it; importing the package need not

        with self._lock:
            is_socket = isinstance(connected, socket.socket)
            self._shut_down = partial(socket.socket.shutdown, connected, socket.SHUT_RDWR) if is_socket else None

    def answered(self) -> None:
        """Say that the response has been read, so that the connection may carry other requests."""
        with self._lock:
            self._shut_down = None

    def __call__(self) -> None:
        """Shut the socket down: the thread that reads from it finds its end. Closing it is left to that thread."""
        if self._lock.acquire(blocking=False):
            try:
                if self._shut_down is not None:
                    with suppress(OSError):  # it is closed already
                        self._shut_down()
            finally:
                self._lock.release()


_hang_up: ContextVar[HangUp | None] = ContextVar("directus_orm_hang_up", default=None)


@contextmanager
def hung_up_when_cancelled() -> Iterator[None]:
    """Hang up the request that is sent in the block as soon as the current work is cancelled.

    Raises:
        Cancelled: the work is cancelled already.
    """
    cancellation = current_cancellation()
    if cancellation is None:
        yield
        return
    hang_up = HangUp()
    token = _hang_up.set(hang_up)
    try:
        with cancellation.calling(hang_up):
            yield
    finally:
        _hang_up.reset(token)


def notify_carried_by(connected: Any) -> HangUp | None:
    """Say which socket carries the request; return what hangs it up, to tell when the response has been read.

    Raises:
        Cancelled: the work was cancelled while the connection was made.
    """
    hang_up, cancellation = _hang_up.get(), current_cancellation()
    if hang_up is None or cancellation is None:
        return None
    hang_up.carried_by(connected)
    cancellation.check()
    return hang_up
