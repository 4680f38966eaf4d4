"""Sending many rows: in chunks that the server takes, and with an account of what becomes of each row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs

from ..core.errors import (
    BulkFailure,
    DirectusError,
    InvalidRequest,
    Protected,
    ServerError,
    TransportError,
    Unavailable,
)
from ..core.json_codec import dumps
from ..core.messages import Request, Response
from ..core.progress import Advance, Progress, reporting
from ..core.worker import worker_thread
from ..dialects.registry import dialect_of
from ..fields.model_info import ModelInfo
from ..session.http.watch import RequestObserver, SentSignal, observing
from ..session.session import Session
from . import write_recovery
from .row_errors import at_fault
from .write_recovery import RecoverableWrite

if TYPE_CHECKING:
    from concurrent.futures import Future


# Below the server's default of 1 MB for a body, 1,048,576 bytes (G35).
MAX_BODY = 1_000_000
MAX_ROWS = 1000

BuildRequest = Callable[[list[Any]], "Request | RecoverableWrite"]
"""Makes the request for a chunk, with what tells its fate where the answer may be lost."""
HandleResponse = Callable[[Sequence[int], list[Any], Response], None]
"""Takes the answer to a chunk: whose places among the given rows, what was sent, and the answer."""

_UNSENT, _DONE, _REFUSED, _UNKNOWN = range(4)


@attrs.frozen(eq=False)
class _BulkItems:
    """Rows or keys to send, where each stands among the given, and how some of them are asked for."""

    parts: list[Any]
    places: Sequence[int]
    request: BuildRequest
    most: int


@attrs.frozen(eq=False)
class _Chunk:
    """Some of them, from ``start`` on, as they are sent together."""

    start: int
    parts: list[Any]
    places: Sequence[int]
    made: Request | RecoverableWrite
    size: int
    """The bytes of the body."""

    @property
    def end(self) -> int:
        """Where the next one starts."""
        return self.start + len(self.parts)


@attrs.frozen
class _Sent:
    chunk: _Chunk
    answer: Response


class BulkWrite:
    """A bulk write of rows that were given: instances, or keys; and what became of each."""

    def __init__(
        self, session: Session, info: ModelInfo, given: Sequence[Any], verb: str, batch_size: int | None = None
    ) -> None:
        self.session = session
        self.info = info
        self.given = given
        self.advance: Advance = lambda _: None
        self._verb = verb
        self._most = batch_size or MAX_ROWS
        self._fates = bytearray(len(given))
        self._at_fault: list[int] = []

    def send(
        self,
        parts: list[Any],
        request: BuildRequest,
        take: HandleResponse,
        places: Sequence[int],
        *,
        most: int | None = None,
    ) -> None:
        """Send rows or keys, as many at a time as the server takes, and hand each chunk's answer on.

        ``places`` are those of the parts among the given rows. The next chunk is on its way while an answer is
        taken, but for the first, which tells whether all is as it should be. ``parts`` is emptied on the way.
        """
        load = _BulkItems(parts, places, request, most or self._most)
        first = self._chunk(load, 0)
        if first is None:
            return
        sent = self._sent(load, first)
        self._take(sent, take)
        end = sent.chunk.end
        del first, sent
        self._send_on(load, end, take)

    def _send_on(self, load: _BulkItems, start: int, take: HandleResponse) -> None:
        """Send chunk after chunk; while one is under way, take the answer before it, and encode the next."""
        chunk = self._chunk(load, start)
        if chunk is None:
            return
        untaken: deque[Future[_Sent]] = deque()
        try:
            with worker_thread() as worker:
                while chunk is not None:
                    sending = SentSignal()
                    sent = worker.submit(partial(self._sent, load, chunk, sending.sent), untaken)
                    sending.wait(sent)
                    if len(untaken) > 1:
                        self._take(untaken.popleft().result(), take)
                    further = self._chunk(load, chunk.end)
                    end = sent.result().chunk.end
                    chunk = further if end == chunk.end else self._chunk(load, end)  # it may be less than was sent
            self._take(untaken.popleft().result(), take)
        except BaseException:  # an interrupted waiting among them
            for late in untaken:
                if late.done():  # it may be written by now: then its instances are to know
                    with suppress(Exception):
                        self._take(late.result(), take)
            raise

    def _take(self, sent: _Sent, take: HandleResponse) -> None:
        take(sent.chunk.places, sent.chunk.parts, sent.answer)
        self.advance(len(sent.chunk.parts))

    def _sent(self, load: _BulkItems, chunk: _Chunk, sent: Callable[[], None] = lambda: None) -> _Sent:
        """Send a chunk; one that is too much for the server, in less."""
        while True:
            self._mark(chunk.places, _UNKNOWN)
            try:
                with observing(RequestObserver(sent)):
                    answer = self._answer(chunk.made)
            except DirectusError as error:
                if self._is_less(error, len(chunk.parts), chunk.size):
                    self._mark(chunk.places, _UNSENT)
                    chunk = self._chunk(load, chunk.start) or chunk
                    continue
                if _was_refused(error):
                    self._mark(chunk.places, _REFUSED)
                    if isinstance(chunk.parts[0], dict):
                        self._at_fault = [chunk.places[n] for n in at_fault(self.info, error, chunk.parts)]
                raise
            self._mark(chunk.places, _DONE)
            # Whoever gave the rows holds them, too: of what was sent, nothing is kept.
            load.parts[chunk.start : chunk.end] = [None] * len(chunk.parts)
            return _Sent(chunk, answer)

    def _answer(self, made: Request | RecoverableWrite) -> Response:
        return (
            write_recovery.send(self.session, made)
            if isinstance(made, RecoverableWrite)
            else self.session.send(made)
        )

    def _chunk(self, load: _BulkItems, start: int) -> _Chunk | None:
        """Return as many parts from ``start`` on as one request may carry; None behind the last."""
        session = self.session
        most = min(n for n in (load.most, session.max_rows, session.max_written) if n is not None)
        chunk = _cut(load, start, most)
        room = session.max_body or MAX_BODY
        if chunk is None or chunk.size <= room:
            return chunk
        so_far = list(accumulate(len(dumps(part)) + 1 for part in chunk.parts))
        around = chunk.size - so_far[-1]
        return _cut(load, start, max(1, sum(size + around <= room for size in so_far)))

    def _is_less(self, error: DirectusError, count: int, size: int) -> bool:
        """Learn from a refusal how much the server takes; return whether that is less than was sent."""
        session = self.session
        if count > 1 and dialect_of(session).is_too_large(error):
            session.max_body = size // 2
            return True
        if not isinstance(error, InvalidRequest):
            return False
        for name, limit in (
            ("max_rows", dialect_of(session).row_limit(error)),
            ("max_written", dialect_of(session).write_limit(error)),
        ):
            if limit is not None and 0 < limit < count:
                setattr(session, name, limit)
                return True
        return False

    def _mark(self, places: Sequence[int], fate: int) -> None:
        for place in places:
            self._fates[place] = fate

    def left(self) -> list[int]:
        """Return the places of the rows that were refused or not sent."""
        return [place for place, fate in enumerate(self._fates) if fate in (_REFUSED, _UNSENT)]

    def tell(self, error: BaseException) -> None:
        """Let an error carry the account along, as data, and in a note for people."""
        of: list[list[Any]] = [[], [], [], []]
        for row, fate in zip(self.given, self._fates, strict=True):
            of[fate].append(row)
        if not any(of[_DONE] + of[_REFUSED] + of[_UNKNOWN]):
            return
        faulty = [self.given[place] for place in self._at_fault if self._fates[place] == _REFUSED]
        failure = BulkFailure(*map(tuple, (of[_DONE], of[_REFUSED], of[_UNKNOWN], of[_UNSENT], faulty)))
        vars(error)["bulk"] = failure
        words = {
            _DONE: f"were {self._verb}",
            _REFUSED: "were refused together",
            _UNKNOWN: f"may have been {self._verb}",
            _UNSENT: "were not sent",
        }
        told = ", ".join(f"{len(of[fate])} {what}" for fate, what in words.items() if of[fate])
        which = (
            f" At fault is number {self._at_fault[0]}, counted from 0: {faulty[0]!r}." if len(faulty) == 1 else ""
        )
        error.add_note(f"Of {len(self.given)} rows, {told}; the error's attribute 'bulk' has them.{which}")


@contextmanager
def bulk_write(
    session: Session,
    info: ModelInfo,
    given: Sequence[Any],
    verb: str,
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> Iterator[BulkWrite]:
    """Account for a bulk write: tell of its progress, and let an error that ends it say what was done."""
    made = BulkWrite(session, info, given, verb, batch_size)
    try:
        with reporting(progress, len(given), label=info.collection) as made.advance:
            yield made
    except BaseException as error:
        made.tell(error)
        raise


def _cut(load: _BulkItems, start: int, most: int) -> _Chunk | None:
    parts = load.parts[start : start + most]
    if not parts:
        return None
    made = load.request(parts)
    request = (made.request if isinstance(made, RecoverableWrite) else made).encoded()
    made = attrs.evolve(made, request=request) if isinstance(made, RecoverableWrite) else request
    return _Chunk(start, parts, load.places[start : start + len(parts)], made, len(request.body or b""))


def _was_refused(error: DirectusError) -> bool:
    """Return whether nothing of what was sent can have been written."""
    if isinstance(error, ServerError):
        # A foreign key undoes the transaction, and pressure is told before any work (G34, G41).
        busy = isinstance(error, Unavailable) and "pressure" in str(error.extensions.get("reason")).lower()
        return error.status < 500 or isinstance(error, Protected) or busy
    return isinstance(error, TransportError) and (not error.sent or 300 <= (error.status or 0) < 500)
