"""Driving the paging generators: requests sent, pages handed on, and the next ones fetched meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ...core.errors import DirectusError, InvalidRequest
from ...core.messages import Request, Row
from ...core.worker import run_concurrently, run_now, start_thread
from ...dialects.registry import dialect_of
from ...session.http.watch import RequestObserver, SentSignal, observing
from ...session.session import Session
from .pager_protocol import Pager, RawPage, RoundTrip

if TYPE_CHECKING:
    from concurrent.futures import Future


# With the second page, a loop has shown that it wants more than a glance.
_FIRST_AHEAD = 2


def fetch(session: Session, steps: Pager, read_ahead: int = 0) -> Iterator[list[Row]]:
    """Send what paging asks for, and yield each page; nothing is sent before it is needed.

    From the second page on, ``read_ahead`` pages are fetched while one is consumed, by a thread that ends with
    them. A loop that is left waits for the one that is under way, and none is asked for after that.
    """
    run = _PageFetcher(session, steps)
    number = 0
    try:
        while run.has_page():
            number += 1
            if number >= _FIRST_AHEAD:
                run.go_ahead(read_ahead)
            yield run.pages.popleft()  # held by nobody while the next one comes
    finally:
        run.leave()


class _PageFetcher:
    """The turns of a paging generator, taken one at a time, from whatever thread."""

    def __init__(self, session: Session, steps: Pager) -> None:
        self._session = session
        self._steps = steps
        self._lock = threading.Lock()
        self._number = 0
        self._ahead: deque[Future[bool]] = deque()
        # Whether the loop waits for a page, so that it will certainly enter it.
        self._is_awaited = False
        self._read_ahead = 0
        self.pages: deque[list[Row]] = deque()
        # Whether there is more to ask for: not at the end, not after an error, not where the loop was left.
        self._goes_on = True
        self._take(next(steps))

    def has_page(self) -> bool:
        """Return whether there is one more page, once it is there."""
        while self._ahead and not self.pages:
            self._is_awaited = True
            try:
                self._ahead[0].result()
            finally:
                self._is_awaited = False
            self._ahead.popleft()
        return bool(self.pages) or self._advance()

    def go_ahead(self, pages: int) -> None:
        """Let so many pages be fetched while the one that is there is consumed."""
        self._read_ahead = pages
        if self._goes_on:
            on_the_way = len(self.pages) - 1 + sum(not future.done() for future in self._ahead)
            for _ in range(pages - on_the_way):
                self._begin()

    def leave(self) -> None:
        """Ask for nothing more, and wait for what is under way."""
        self._goes_on = False
        while self._ahead:
            self._ahead.popleft().exception()
        self._steps.close()

    def _begin(self, foreseen: tuple[Request, ...] = ()) -> None:
        """Read one more page in a thread."""
        sending, is_next = SentSignal(), all(future.done() for future in self._ahead)
        future = start_thread(partial(self._advance, sending.sent, foreseen))
        self._ahead.append(future)
        if foreseen or is_next:  # others are sent when those before them are answered
            sending.wait(future)

    def _advance(self, sent: Callable[[], None] = lambda: None, foreseen: tuple[Request, ...] = ()) -> bool:
        """Read one more page; say whether there was one. What is foreseen is asked for at once."""
        early = run_now(partial(self._asked, foreseen, sent)) if foreseen and self._goes_on else None
        with self._lock:
            before = self._number
            try:
                while self._goes_on and self._number == before:
                    asks = self._turn.asks
                    is_early = asks == foreseen
                    self._ask(early.result if early and is_early else partial(self._asked, asks, sent))
                    early = None
            except BaseException:
                self._goes_on = False
                raise
            finally:
                early = None  # an error in it leads back here
            return self._number > before

    def _ask(self, answers: Callable[[], list[RawPage]]) -> None:
        try:
            self._take(self._steps.send(answers()))
        except InvalidRequest as refusal:
            self._take(self._steps.throw(refusal))
            self._session.max_rows = dialect_of(self._session).row_limit(refusal)

    def _take(self, turn: RoundTrip) -> None:
        self._turn, self._goes_on = turn, self._goes_on and bool(turn.asks)
        if turn.rows is not None:
            self.pages.append(turn.rows)
            self._number += 1

    def _asked(self, asks: tuple[Request, ...], sent: Callable[[], None]) -> list[RawPage]:
        with observing(RequestObserver(sent, partial(self._arrived, asks))):
            return _answers(self._session, asks)

    def _arrived(self, asks: tuple[Request, ...], body: bytes) -> None:
        """Ask for the page behind one that the loop waits for, before that is decoded."""
        is_alone = self._read_ahead == len(self._ahead) == 1
        if is_alone and self._is_awaited and self._goes_on and self._turn.foresee and self._turn.asks == asks:
            with suppress(*_UNFORESEEN):
                if foreseen := self._turn.foresee(body):
                    self._begin(foreseen)


# A key that does not fit its field, say: who decodes the page finds that out.
_UNFORESEEN = (DirectusError, ArithmeticError, TypeError, ValueError)


def _answers(session: Session, asks: tuple[Request, ...]) -> list[RawPage]:
    def send(request: Request) -> RawPage:
        answer = session.send(request)
        return RawPage(dialect_of(session).rows(answer), answer.size)

    if len(asks) == 1:
        return [send(asks[0])]
    return run_concurrently([partial(send, request) for request in asks])
