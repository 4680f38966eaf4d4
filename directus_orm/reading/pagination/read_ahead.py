"""Read-ahead: the next page is requested before the current one is decoded, so that the server works meanwhile.

In the order of an integer key, the next request follows from the last key of a page, and that key can be found in
the undecoded JSON of the response. This is a guess: if the pager requests something else once the page is decoded,
the early response is dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ...core.cancellation import result_of
from ...core.errors import DirectusError
from ...core.request_response import Request
from ...core.worker import start_thread
from ...session.http.request_progress import SentSignal
from .pager_protocol import NextByKey, RawPage

if TYPE_CHECKING:
    from concurrent.futures import Future

SendRequests = Callable[[tuple[Request, ...], Callable[[], None]], list[RawPage]]
"""Sends requests, calls the function once they are with the server, and returns the pages."""
StartThread = Callable[[Callable[[], list[RawPage]]], "Future[list[RawPage]]"]
"""Makes a call in a thread, and returns the future of its result."""


class EarlyRequests:
    """Requests that were sent before the pager asked for them, and their pages; at most one page is pending."""

    def __init__(self, start_thread: StartThread = start_thread) -> None:
        self._start_thread = start_thread
        self._requests: tuple[Request, ...] = ()
        self._pages: Future[list[RawPage]] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether requests were sent that are not claimed yet."""
        return self._pages is not None

    def start(self, send: SendRequests, next_by_key: NextByKey, body: bytes) -> None:
        """Send the requests after an undecoded page in a thread, and return once the server has them."""
        requests = predict_requests(next_by_key, body)
        if not requests:
            return
        signal = SentSignal()
        pages = self._start_thread(partial(send, requests, signal.sent))
        self._requests, self._pages = requests, pages
        signal.wait(pages)

    def claim(self, requests: tuple[Request, ...]) -> list[RawPage] | None:
        """Wait for the pages for these requests, and return them; None if other requests or none were sent."""
        pages, self._pages = self._pages, None
        try:
            return result_of(pages) if pages is not None and self._requests == requests else None
        finally:
            del pages  # the traceback of its error holds this frame: a cycle would keep both alive

    def drop(self) -> None:
        """Drop the pages, which nobody claims any more."""
        self._pages = None


def predict_requests(next_by_key: NextByKey, body: bytes) -> tuple[Request, ...]:
    """Return the requests after a page, from its undecoded body; none if the last key is not found in it."""
    try:
        count, key = peek_last_key(body, next_by_key.column)
        return () if key is None else next_by_key.requests(count, key, len(body))
    except _MISFITS:
        return ()


# Errors of a key that does not fit its field, for example. They are raised again when the page is decoded.
_MISFITS = (DirectusError, ArithmeticError, TypeError, ValueError)
_NUMBER = re.compile(rb'("-?[0-9]+"|-?[0-9]+)[,}]')


def peek_last_key(body: bytes, column: str) -> tuple[int, Any]:
    """Return the number of rows in the JSON of a page, and the last row's key as it is written there, or None.

    The search is for the column's name in quotes. Inside a JSON text, these quotes would have backslashes.
    """
    name = f"{json.dumps(column)}:".encode()
    start = body.rfind(name)
    number = _NUMBER.match(body, start + len(name)) if start >= 0 else None
    return body.count(name), None if number is None else json.loads(number[1])
