"""A record of what a session sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import attrs

from ..core.messages import Purpose, Request


@attrs.frozen(repr=False)
class Entry:
    """One request that went out; ``status`` is None where no answer came."""

    request: Request
    status: int | None
    seconds: float

    @property
    def purpose(self) -> Purpose:
        """Why it was sent: ``data``, ``login`` or ``info``."""
        return self.request.purpose

    def __repr__(self) -> str:
        outcome = "no answer" if self.status is None else str(self.status)
        purpose = "" if self.purpose == "data" else f" ({self.purpose})"
        return f"<{self.request} -> {outcome}{purpose}>"


class Capture(Sequence[Entry]):
    """The requests of a session while its ``capture()`` block was open, in the order of their answers."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Record one request."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget what was recorded."""
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
