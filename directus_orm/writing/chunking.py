"""Bulk writes: rows are sent in chunks that the server accepts, and the outcome of each row is recorded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import accumulate
from typing import Any

import attrs

from ..core.errors import (
    BulkFailure,
    DirectusError,
    Protected,
    ServerError,
    TransportError,
    Unavailable,
)
from ..core.json_codec import dumps
from ..core.progress import Advance, Progress, reporting
from ..core.request_response import Request, Response
from ..core.worker import worker_thread
from ..fields.model_info import ModelInfo
from ..session.http.request_progress import RequestObserver, SentSignal, observing
from ..session.items.chunks import learn_limit
from ..session.session import Session
from . import write_recovery
from .row_errors import rows_at_fault
from .write_recovery import RecoverableWrite

# Below the server's default limit for a body, 1,048,576 bytes (G35).
MAX_BODY = 1_000_000
MAX_ROWS = 1000

BuildRequest = Callable[[list[Any]], "Request | RecoverableWrite"]
"""Builds the request for the items of a chunk."""
HandleResponse = Callable[[Sequence[int], list[Any], Response], None]
"""Handles the response to a chunk, given the positions of its items, the items, and the response.

Once it has stored the rows, it calls `BulkWrite.record_done`; an interrupt before that lets it be called again.
"""

_UNSENT, _DONE, _REFUSED, _UNKNOWN = range(4)


@attrs.frozen(eq=False)
class _BulkItems:
    """The items to send (rows or keys), their positions among the inputs, and how to build requests for them."""

    items: list[Any]
    positions: Sequence[int]
    build_request: BuildRequest
    most: int
    """The most items for one request."""


@attrs.frozen(eq=False)
class _Chunk:
    """The items of one request, from index ``start`` on."""

    start: int
    items: list[Any]
    positions: Sequence[int]
    write: Request | RecoverableWrite
    body_size: int
    """In bytes."""

    @property
    def end(self) -> int:
        """The index at which the next chunk starts."""
        return self.start + len(self.items)


@attrs.frozen
class _SentChunk:
    chunk: _Chunk
    response: Response


class BulkWrite:
    """One bulk write: sends chunks, and records the outcome of each input (an instance or a key)."""

    def __init__(
        self, session: Session, info: ModelInfo, inputs: Sequence[Any], verb: str, batch_size: int | None = None
    ) -> None:
        self.session = session
        self.info = info
        self.inputs = inputs
        self.advance: Advance = lambda _: None
        self._verb = verb
        self._most = batch_size or MAX_ROWS
        self._outcomes = bytearray(len(inputs))
        self._at_fault: list[int] = []
        self._arrived: deque[_SentChunk] = deque()  # the chunks whose responses are not handled yet

    def send(
        self,
        items: list[Any],
        build_request: BuildRequest,
        handle_response: HandleResponse,
        positions: Sequence[int],
        *,
        most: int | None = None,
    ) -> None:
        """Send items in chunks as large as the server accepts, and handle the response to each chunk.

        ``positions`` are those of the items among the inputs. The response to the first chunk is handled before
        anything else is sent, since it shows whether the write works at all. From then on the next chunk is sent
        while a response is handled. ``items`` is emptied on the way, to free memory.
        """
        source = _BulkItems(items, positions, build_request, most or self._most)
        first = self._chunk_from(source, 0)
        if first is None:
            return
        try:
            end = self._send_chunk(source, first)
            del first  # frees the first chunk while the rest is sent
            self._handle_next(handle_response)
            self._send_rest(source, end, handle_response)
        except BaseException:  # an interrupt, too
            self._handle_arrived(handle_response)
            raise

    def skip(self, positions: Sequence[int]) -> None:
        """Record inputs that are on the server already as done."""
        if positions:
            self.record_done(positions)
            self.advance(len(positions))

    def record_done(self, positions: Sequence[int]) -> None:
        """Record inputs that are written, and whose instances hold what the server stored."""
        self._record(positions, _DONE)

    def _send_rest(self, source: _BulkItems, start: int, handle_response: HandleResponse) -> None:
        """Send chunks in a worker thread; meanwhile handle the response before, and encode the next chunk."""
        chunk = self._chunk_from(source, start)
        if chunk is None:
            return
        with worker_thread() as worker:
            while chunk is not None:
                signal, has_arrived = SentSignal(), bool(self._arrived)
                sending = worker.submit(partial(self._send_chunk, source, chunk, signal.sent))
                signal.wait(sending)
                if has_arrived:
                    self._handle_next(handle_response)
                following = self._chunk_from(source, chunk.end)
                end = sending.result()
                # The server may have accepted fewer items than the chunk had at first.
                chunk = following if end == chunk.end else self._chunk_from(source, end)
        self._handle_next(handle_response)

    def _handle_next(self, handle_response: HandleResponse) -> None:
        sent = self._arrived[0]
        handle_response(sent.chunk.positions, sent.chunk.items, sent.response)
        self._arrived.popleft()  # only now: if it is interrupted, it is handled once more
        self.advance(len(sent.chunk.items))

    def _handle_arrived(self, handle_response: HandleResponse) -> None:
        """Handle the responses that arrived before an error, so that instances know that they were written."""
        while self._arrived:
            sent = self._arrived.popleft()
            with suppress(Exception):
                handle_response(sent.chunk.positions, sent.chunk.items, sent.response)
                self.advance(len(sent.chunk.items))

    def _send_chunk(self, source: _BulkItems, chunk: _Chunk, on_sent: Callable[[], None] = lambda: None) -> int:
        """Send a chunk; if it is too large for the server, send a smaller one instead.

        Returns the index at which the next chunk starts.
        """
        while True:
            self._record(chunk.positions, _UNKNOWN)
            try:
                with observing(RequestObserver(on_sent)):
                    response = self._send_write(chunk.write)
            except DirectusError as error:
                session = self.session
                if learn_limit(session.facts, session.api, error, len(chunk.items), chunk.body_size):
                    self._record(chunk.positions, _UNSENT)
                    chunk = self._chunk_from(source, chunk.start) or chunk
                    continue
                if _was_refused(error):
                    self._record_refusal(error, chunk)
                raise
            self._arrived.append(_SentChunk(chunk, response))
            # The instances hold the values as well, so what was sent can be freed.
            source.items[chunk.start : chunk.end] = [None] * len(chunk.items)
            return chunk.end

    def _send_write(self, write: Request | RecoverableWrite) -> Response:
        if isinstance(write, RecoverableWrite):
            return write_recovery.send(self.session, write)
        return self.session.send(write)

    # --- the size of chunks ---------------------------------------------------------------------------------

    def _chunk_from(self, source: _BulkItems, start: int) -> _Chunk | None:
        """Return the largest chunk from an index on that fits into one request; None after the last item."""
        session = self.session
        most = min(n for n in (source.most, session.max_rows, session.max_written) if n is not None)
        chunk = _build_chunk(source, start, most)
        max_body = session.max_body or MAX_BODY
        if chunk is None or chunk.body_size <= max_body:
            return chunk
        item_ends = list(accumulate(len(dumps(item)) + 1 for item in chunk.items))
        overhead = chunk.body_size - item_ends[-1]
        return _build_chunk(source, start, max(1, sum(end + overhead <= max_body for end in item_ends)))

    # --- the outcome of each input --------------------------------------------------------------------------

    def _record(self, positions: Sequence[int], outcome: int) -> None:
        for position in positions:
            self._outcomes[position] = outcome

    def _record_refusal(self, error: DirectusError, chunk: _Chunk) -> None:
        self._record(chunk.positions, _REFUSED)
        if isinstance(chunk.items[0], dict):
            indexes = rows_at_fault(self.info, error, chunk.items)
            self._at_fault = [chunk.positions[index] for index in indexes]

    def unwritten(self) -> list[int]:
        """Return the positions of the inputs that were refused or not sent."""
        return [position for position, outcome in enumerate(self._outcomes) if outcome in (_REFUSED, _UNSENT)]

    def attach_outcomes(self, error: BaseException) -> None:
        """Attach the outcomes of the inputs to an error: as its ``bulk``, and in a note for people."""
        by_outcome: list[list[Any]] = [[], [], [], []]
        for row_or_key, outcome in zip(self.inputs, self._outcomes, strict=True):
            by_outcome[outcome].append(row_or_key)
        done, refused, unknown = by_outcome[_DONE], by_outcome[_REFUSED], by_outcome[_UNKNOWN]
        if not (done or refused or unknown):
            return
        at_fault = [position for position in self._at_fault if self._outcomes[position] == _REFUSED]
        faulty = [self.inputs[position] for position in at_fault]
        failure = BulkFailure(*map(tuple, (done, refused, unknown, by_outcome[_UNSENT], faulty)))
        # Not by setattr: an error of the application gets it as well, and may be frozen.
        error.__dict__["bulk"] = failure
        texts = {
            _DONE: f"were {self._verb}",
            _REFUSED: "were refused together",
            _UNKNOWN: f"may have been {self._verb}",
            _UNSENT: "were not sent",
        }
        counts = ", ".join(
            f"{len(by_outcome[outcome])} {text}" for outcome, text in texts.items() if by_outcome[outcome]
        )
        fault = f" At fault is number {at_fault[0]}, counted from 0: {faulty[0]!r}." if len(faulty) == 1 else ""
        error.add_note(f"Of {len(self.inputs)} rows, {counts}; the error's attribute 'bulk' has them.{fault}")


@contextmanager
def bulk_write(
    session: Session,
    info: ModelInfo,
    inputs: Sequence[Any],
    verb: str,
    *,
    batch_size: int | None = None,
    progress: Progress = None,
) -> Iterator[BulkWrite]:
    """Run a bulk write with progress; an error that ends it has the outcomes of the inputs."""
    bulk = BulkWrite(session, info, inputs, verb, batch_size)
    try:
        with reporting(progress, len(inputs), label=info.collection) as bulk.advance:
            yield bulk
    except BaseException as error:
        bulk.attach_outcomes(error)
        raise


def _build_chunk(source: _BulkItems, start: int, most: int) -> _Chunk | None:
    items = source.items[start : start + most]
    if not items:
        return None
    write = source.build_request(items)
    request = (write.request if isinstance(write, RecoverableWrite) else write).encoded()
    write = attrs.evolve(write, request=request) if isinstance(write, RecoverableWrite) else request
    return _Chunk(start, items, source.positions[start : start + len(items)], write, len(request.body or b""))


def _was_refused(error: DirectusError) -> bool:
    """Return whether it is certain that the server wrote nothing of the request."""
    if isinstance(error, ServerError):
        # A foreign key error rolls the transaction back; "under pressure" comes before any work (G34, G41).
        reason = str(error.extensions.get("reason")).lower()
        is_under_pressure = isinstance(error, Unavailable) and "pressure" in reason
        return error.status < 500 or isinstance(error, Protected) or is_under_pressure
    return isinstance(error, TransportError) and (not error.sent or 300 <= (error.status or 0) < 500)
