"""Long lists in requests that the server accepts: the rows of a write, or keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ...core.errors import BulkFailure, DirectusError, InvalidRequest, OutcomeUnknown, Protected, ServerError
from ...core.request_response import Request, Response, Row, Send
from ..http.api import Api
from ..http.error_mapping import unexpected_response
from .key_columns import KeyColumn

# Below the server's default limit for a body, 1,048,576 bytes (G35).
_MOST_BYTES = 1_000_000
_MOST_ROWS = 1000


class Limits(Protocol):
    """The limits of its server that a session learned."""

    max_rows: int | None
    max_written: int | None
    max_body: int | None


class Facts(Limits, Protocol):
    """What a session learned about its server, as far as `Items` needs it."""

    key_columns: dict[str, KeyColumn]


class Chunks:
    """Sends a list in parts as large as the server accepts, and learns its limits from its refusals."""

    def __init__(self, send: Send, api: Api, facts: Facts) -> None:
        self._send = send
        self._api = api
        self._facts = facts

    def read(self, items: Sequence[Any], build: Callable[[list[Any]], Request]) -> list[Row]:
        """Send the requests for all parts, and return the rows of all responses."""
        rows: list[Row] = []
        self._send_parts(items, build, rows)
        return rows

    def write(self, items: Sequence[Any], build: Callable[[list[Any]], Request], done: str) -> list[Row]:
        """Send the requests for all parts, each a transaction, and return the rows of all responses.

        An error has the attribute ``bulk`` and a note, which say what happened to the items.
        """
        rows: list[Row] = []
        self._send_parts(items, build, rows, done)
        return rows

    def _send_parts(
        self, items: Sequence[Any], build: Callable[[list[Any]], Request], rows: list[Row], done: str = ""
    ) -> None:
        start = 0
        while start < len(items):
            request, count = self._fitting(items, start, build)
            try:
                response = self._send(request)
            except DirectusError as error:
                if learn_limit(self._facts, self._api, error, count, len(request.body or b"")):
                    continue
                if done:
                    self._attach_outcomes(error, items, start, count, done)
                raise
            rows += _rows(response)
            start += count

    def _fitting(
        self, items: Sequence[Any], start: int, build: Callable[[list[Any]], Request]
    ) -> tuple[Request, int]:
        """Return the request for the next items, as many as fit, and their number."""
        facts = self._facts
        bounds = (_MOST_ROWS, facts.max_rows, facts.max_written, len(items) - start)
        count = min(bound for bound in bounds if bound is not None)
        most_bytes = facts.max_body or _MOST_BYTES
        while True:
            request = build(list(items[start : start + count])).encoded()
            size = len(request.body or b"")
            if size <= most_bytes or count == 1:
                return request, count
            count = max(1, min(count - 1, count * most_bytes // size))

    def _attach_outcomes(
        self, error: DirectusError, items: Sequence[Any], start: int, count: int, done: str
    ) -> None:
        before, sent, after = items[:start], tuple(items[start : start + count]), items[start + count :]
        refused, unknown = (sent, ()) if self._was_refused(error) else ((), sent)
        failure = BulkFailure(tuple(before), refused, unknown, tuple(after))
        error.__dict__["bulk"] = failure
        texts = {f"were {done}": before, "were refused together": refused, f"may have been {done}": unknown}
        texts["were not sent"] = tuple(after)
        counts = ", ".join(f"{len(part)} {text}" for text, part in texts.items() if part)
        error.add_note(f"Of {len(items)} rows, {counts}; the error's attribute 'bulk' has them.")

    def _was_refused(self, error: DirectusError) -> bool:
        """Return whether it is certain that the server wrote nothing of the request."""
        if isinstance(error, ServerError):
            is_early = error.status < 500 or isinstance(error, Protected)
            return is_early or self._api.is_refused_unprocessed(error)
        return not isinstance(error, OutcomeUnknown)


def learn_limit(limits: Limits, api: Api, error: DirectusError, count: int, size: int) -> bool:
    """Learn from the refusal of a write how much the server accepts; return whether fewer rows may be accepted.

    Args:
        limits: where the limit is kept.
        api: reads it from the refusal.
        error: the refusal.
        count: the number of rows that were sent.
        size: the length of the body, in bytes.
    """
    if count > 1 and api.is_too_large(error):
        limits.max_body = size // 2
        return True
    if not isinstance(error, InvalidRequest):
        return False
    most_rows, most_written = api.row_limit(error), api.write_limit(error)
    if most_rows is not None and 0 < most_rows < count:
        limits.max_rows = most_rows
        return True
    if most_written is not None and 0 < most_written < count:
        limits.max_written = most_written
        return True
    return False


def _rows(response: Response) -> list[Row]:
    """Return the rows of a response; none if the user may write, but not read them."""
    if response.data is None:
        return []
    if not isinstance(response.data, list):
        raise unexpected_response(response, response.data, "a list of rows")
    return response.data
