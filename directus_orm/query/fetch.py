"""Driving the paging generators: requests sent, pages handed on, and the next ones fetched meanwhile."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest
from ..session import Session
from ..wire import Request, Row
from .turns import Page, Steps, Turn

if TYPE_CHECKING:
    from concurrent.futures import Future

# With the second page, a loop has shown that it wants more than a glance.
_FIRST_AHEAD = 2


def fetch(session: Session, steps: Steps, read_ahead: int = 0) -> Iterator[list[Row]]:
    """Send what paging asks for, and yield each page; nothing is sent before it is needed.

    From the second page on, ``read_ahead`` pages are fetched while one is consumed, by a thread that ends with
    them. A loop that is left waits for those that are under way.
    """
    run = _Run(session, steps)
    ahead: deque[Future[None]] = deque()
    number = 0
    try:
        while True:
            while ahead and not run.pages:
                ahead.popleft().result()
            if not run.pages and not run.advance():
                return
            number += 1
            if number >= _FIRST_AHEAD and run.goes_on:
                on_the_way = len(run.pages) - 1 + sum(not future.done() for future in ahead)
                ahead.extend(_started(run.advance) for _ in range(read_ahead - on_the_way))
            yield run.pages.popleft()  # held by nobody while the next one comes
    finally:
        for future in ahead:
            future.exception()
        steps.close()


class _Run:
    """The turns of a paging generator, taken one at a time, from whatever thread."""

    def __init__(self, session: Session, steps: Steps) -> None:
        self._session = session
        self._steps = steps
        self._asks: tuple[Request, ...] = ()
        self._lock = threading.Lock()
        self._number = 0
        self.pages: deque[list[Row]] = deque()
        self._take(next(steps))

    @property
    def goes_on(self) -> bool:
        """Whether there is more to ask for."""
        return bool(self._asks)

    def advance(self) -> bool:
        """Read one more page; say whether there was one."""
        with self._lock:
            before = self._number
            while self.goes_on and self._number == before:
                try:
                    self._take(self._steps.send(_answers(self._session, self._asks)))
                except InvalidRequest as refusal:
                    self._take(self._steps.throw(refusal))
                    self._session.max_rows = self._session.dialect.row_limit(refusal)
            return self._number > before

    def _take(self, turn: Turn) -> None:
        self._asks = turn.asks
        if turn.rows is not None:
            self.pages.append(turn.rows)
            self._number += 1


def _answers(session: Session, asks: tuple[Request, ...]) -> list[Page]:
    def send(request: Request) -> Page:
        answer = session.send(request)
        return Page(session.dialect.rows(answer), answer.size)

    if len(asks) == 1:
        return [send(asks[0])]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as below

    with ThreadPoolExecutor(len(asks), _THREADS) as pool:
        return [future.result() for future in [pool.submit(_in_context(send), request) for request in asks]]


def _started(call: Callable[[], Any]) -> Future[Any]:
    """Call a function in a thread of its own, which ends with it."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - short loops need none of it

    pool = ThreadPoolExecutor(1, _THREADS)
    try:
        return pool.submit(_in_context(call))
    finally:
        pool.shutdown(wait=False)


def _in_context(call: Callable[..., Any]) -> Callable[..., Any]:
    context = contextvars.copy_context()
    return lambda *args: context.run(call, *args)


_THREADS = "directus_orm"
