"""The driver of pagers: `fetch` sends their requests, yields their pages, and reads ahead in threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ...core.cancellation import Cancellation, cancelled_by, result_of
from ...core.errors import InvalidRequest
from ...core.forks import no_fork, register_for_forks
from ...core.request_response import Request, Row
from ...core.worker import run_concurrently, start_thread
from ...dialects.registry import dialect_of
from ...session.http.request_progress import RequestObserver, SentSignal, observing
from ...session.session import Session
from .pager_protocol import Pager, RawPage, RoundTrip
from .read_ahead import EarlyRequests

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

# A loop that enters its second page probably reads on.
_FIRST_PAGE_WITH_READ_AHEAD = 2


def fetch(session: Session, pager: Pager, read_ahead: int = 0) -> Iterator[list[Row]]:
    """Send the requests of a pager, and yield each page; nothing is sent before it is needed.

    From the second page on, ``read_ahead`` pages are fetched while one is consumed, each in a thread of its own.
    Leaving a loop waits for nothing: requests under way are hung up, and no others are sent.
    """
    fetcher = _PageFetcher(session, pager)
    number = 0
    try:
        while fetcher.has_page():
            number += 1
            if number >= _FIRST_PAGE_WITH_READ_AHEAD:
                fetcher.read_ahead(read_ahead)
            yield fetcher.pages.popleft()  # no variable here holds the page while the next one is fetched
    finally:
        fetcher.close()


class _PageFetcher:
    """Advances a pager from page to page; any thread may do it, one at a time.

    The threads that fetch ahead hold the fetcher, but not the generator that closes it. So a loop that is left is
    closed at once; should the garbage collector close it in one of these threads, that does not wait for itself.
    """

    def __init__(self, session: Session, pager: Pager) -> None:
        self._session = session
        self._pager = pager
        self._read_ahead = 0
        self.pages: deque[list[Row]] = deque()
        self._count = 0
        # False at the end, after an error, and once the loop was left: then nothing more is requested.
        self._goes_on = True
        self._error: BaseException | None = None
        self.reset_after_fork()
        self._take(next(pager))
        register_for_forks(self)

    def reset_after_fork(self) -> None:
        """Forget the requests under way, whose threads a child does not have: the next step sends them again."""
        self._lock = threading.Lock()
        self._ahead: deque[Future[bool]] = deque()
        self._cancellation = Cancellation()
        self._early = EarlyRequests(partial(_start_thread, self._cancellation))
        # Whether the loop waits for a page, which it will certainly use.
        self._is_awaited = False

    def has_page(self) -> bool:
        """Wait for the next page, and return whether there is one."""
        self._is_awaited = True
        try:
            while self._ahead and not self.pages:
                result_of(self._ahead[0])
                self._ahead.popleft()
            if not self.pages and self._error is not None:
                raise self._error
            return bool(self.pages) or self._advance()
        finally:
            self._is_awaited = False

    def read_ahead(self, pages: int) -> None:
        """Fetch this many pages in threads while the current one is consumed."""
        self._read_ahead = pages
        if self._goes_on:
            running = sum(not future.done() for future in self._ahead) + self._early.is_pending
            for _ in range(pages - running - (len(self.pages) - 1)):
                self._start_ahead()

    def close(self) -> None:
        """Request nothing more, hang up the requests under way, and drop what they bring. Waits for nothing."""
        self._goes_on = False
        self._cancellation.cancel()
        # The traceback of an error holds frames, which hold this object: a cycle would keep all of them alive.
        self._error = None
        self._ahead.clear()
        self._early.drop()

    def _start_ahead(self) -> None:
        signal, is_next = SentSignal(), all(future.done() for future in self._ahead)
        future = _start_thread(self._cancellation, partial(self._advance, signal.sent))
        self._ahead.append(future)
        if is_next:  # the requests of later pages are sent only when the pages before them have arrived
            signal.wait(future)

    def _advance(self, on_sent: Callable[[], None] = lambda: None) -> bool:
        """Read one more page, and return whether there was one."""
        with self._lock:
            before = self._count
            try:
                while self._goes_on and self._count == before:
                    self._step(on_sent)
            except BaseException as error:
                self._fail(error)
                raise
            return self._count > before

    def _fail(self, error: BaseException) -> None:
        with no_fork:
            self._error = error if self._goes_on else None
            self._goes_on = False

    def _step(self, on_sent: Callable[[], None]) -> None:
        requests = self._round_trip.requests
        try:
            pages = self._early.claim(requests)
            pages = self._send(requests, on_sent) if pages is None else pages
        except InvalidRequest as refusal:
            with no_fork:
                self._take(self._pager.throw(refusal))
            self._session.max_rows = dialect_of(self._session).row_limit(refusal)
            return
        with no_fork:  # a child could not go on with a pager that is in the middle of a step
            self._take(self._pager.send(pages))

    def _take(self, round_trip: RoundTrip) -> None:
        self._round_trip, self._goes_on = round_trip, self._goes_on and bool(round_trip.requests)
        if round_trip.rows is not None:
            self.pages.append(round_trip.rows)
            self._count += 1

    def _send(self, requests: tuple[Request, ...], on_sent: Callable[[], None]) -> list[RawPage]:
        with observing(RequestObserver(on_sent, partial(self._send_early, requests))):
            return _send(self._session, requests)

    def _send_early(self, requests: tuple[Request, ...], body: bytes) -> None:
        """Send the requests after a page that the loop waits for, before that page is decoded."""
        round_trip = self._round_trip
        if not (self._is_awaited and self._goes_on) or self._read_ahead != 1 or self._early.is_pending:
            return
        if round_trip.next_by_key is not None and round_trip.requests == requests:
            self._early.start(self._send, round_trip.next_by_key, body)


def _start_thread(cancellation: Cancellation, call: Callable[[], T]) -> Future[T]:
    """Make a call in a thread that this cancels, and not what cancels the caller."""
    with cancelled_by(cancellation):
        return start_thread(call)


def _send(session: Session, requests: tuple[Request, ...]) -> list[RawPage]:
    """Send requests at the same time, and return the page of each."""

    def send(request: Request) -> RawPage:
        response = session.send(request)
        dialect = dialect_of(session)
        total = dialect.total_count(response) if response.meta else None
        return RawPage(dialect.rows(response), response.size, total)

    if len(requests) == 1:
        return [send(requests[0])]
    return run_concurrently([partial(send, request) for request in requests])
