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
    them. A loop that is left waits for the one that is under way, and none is asked for after that.
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
        run.goes_on = False
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
        # Whether there is more to ask for: not at the end, not after an error, not where the loop was left.
        self.goes_on = True
        self._take(next(steps))

    def advance(self) -> bool:
        """Read one more page; say whether there was one."""
        with self._lock:
            before = self._number
            try:
                while self.goes_on and self._number == before:
                    self._ask()
            except BaseException:
                self.goes_on = False
                raise
            return self._number > before

    def _ask(self) -> None:
        try:
            self._take(self._steps.send(_answers(self._session, self._asks)))
        except InvalidRequest as refusal:
            self._take(self._steps.throw(refusal))
            self._session.max_rows = self._session.dialect.row_limit(refusal)

    def _take(self, turn: Turn) -> None:
        self._asks, self.goes_on = turn.asks, self.goes_on and bool(turn.asks)
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
