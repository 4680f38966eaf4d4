"""Recording the requests of a session: `Session.capture`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import overload

import attrs

from ..core.forks import register_for_forks
from ..core.request_response import Purpose, Request


@attrs.frozen(repr=False)
class Entry:
    """One recorded request; ``status`` is None if no response came."""

    request: Request
    status: int | None
    seconds: float

    @property
    def purpose(self) -> Purpose:
        """Why it was sent: ``data``, ``login`` or ``info``."""
        return self.request.purpose

    def __repr__(self) -> str:
        outcome = "no response" if self.status is None else str(self.status)
        purpose = "" if self.purpose == "data" else f" ({self.purpose})"
        return f"<{self.request} -> {outcome}{purpose}>"


class Capture(Sequence[Entry]):
    """The requests that a session sent while its ``capture()`` block was open, in the order of their responses."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Record one request."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Remove what was recorded so far."""
        self._entries.clear()

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries[:])

    def __repr__(self) -> str:
        lines = "\n".join(f"  {entry!r}" for entry in self)
        return f"<Capture of {len(self)} requests\n{lines}>" if lines else "<Capture of no requests>"


class Recorder:
    """Passes the requests of a session on to its open captures."""

    def __init__(self) -> None:
        self._captures: tuple[Capture, ...] = ()
        self.reset_after_fork()
        register_for_forks(self)

    def reset_after_fork(self) -> None:
        """Make a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def record(self, request: Request, status: int | None, seconds: float) -> None:
        """Add a request to every open capture, without its secrets."""
        for capture in self._captures:
            capture.add(Entry(request.masked(), status, seconds))

    @contextmanager
    def capture(self) -> Iterator[Capture]:
        """Yield a capture that is open until the block ends."""
        capture = Capture()
        with self._lock:
            self._captures += (capture,)
        try:
            yield capture
        finally:
            with self._lock:
                self._captures = tuple(c for c in self._captures if c is not capture)
