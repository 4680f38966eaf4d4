"""A cursor into a list of keys that other programs change while it is read. No I/O.

The position is that of the keys that were returned last. Only the last ones are remembered, to bound memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.errors import IterationLost
from .remembered_keys import ComparedWindow, RememberedKeys

# How many keys in their old order tell the position, if the window is large enough. Keys that moved do not tell
# it, and a few of them may be in order by chance.
_EVIDENCE = 16
# How many windows may bring few keys or none, besides two for each window that brought what was expected.
_FRUITLESS_WINDOWS = 64


class ListCursor:
    """The position after the keys that were returned, in a list that is read in overlapping windows.

    A window starts some rows before the position, with keys that are known. Every unknown key after these is new,
    whatever was inserted, deleted or moved meanwhile: rows that stay keep their order, so none is skipped and none
    comes twice.
    """

    def __init__(self, start: int, overlap: int, keep: int, after: Any = None) -> None:
        """Start after ``start`` rows; or after a key, which is searched for from the start of the list.

        Args:
            start: the offset of the first row.
            overlap: how many rows before the position a window starts.
            keep: how many keys are remembered.
            after: the key to start after, if not None.
        """
        self.ended = False
        self._start = start
        self._least_overlap = self._overlap = overlap
        self._position = start
        self._returned = RememberedKeys(keep, after)
        # Whether the last window missed the position; whether the list is searched for it from its start.
        self._is_missed = self._is_searching = after is not None
        # After the position was found again: up to which offset there may be known keys ahead.
        self._known_until = 0
        # How many more windows may be fruitless; None while the key to start after is searched: any number may be.
        self._patience = _FRUITLESS_WINDOWS if after is None else None

    def next_window(self, max_overlap: int) -> tuple[int, int]:
        """Return the offset of the next window, and how many rows before the position it starts.

        It starts at most ``max_overlap`` rows before the position, unless that has to be found again.
        """
        if self._is_searching or self._position == self._start:
            return self._position, 0
        overlap = self._overlap if self._is_missed else min(self._overlap, max_overlap, len(self._returned))
        offset = max(0, self._position - overlap)
        return offset, self._position - offset

    def take(self, keys: Sequence[Any], offset: int, limit: int) -> list[Any] | None:
        """Return the new keys of a window; None if it missed the position, and another one has to be read.

        Raises:
            IterationLost: too few of the keys returned last are in the list; or too many windows were fruitless,
                because rows are moved and deleted faster than the position can be found.
        """
        evidence = self._evidence(offset, limit)
        window = self._returned.compare(keys, evidence)
        first = self._first_after_position(window, offset, evidence)
        new_keys = [] if first is None else window.new_keys_from(first)
        self._count_window(len(new_keys), offset, limit)
        if first is None:
            self._search(keys, offset, limit)
            return None
        if self._is_missed:
            self._known_until = offset + len(keys) + 2 * self._returned.ahead_of(window)
        self._returned.merge(window, first, last_are_ahead=offset < self._known_until)
        self._position, self.ended = offset + len(keys), len(keys) < limit
        self._is_missed = self._is_searching = False
        self._overlap = max(self._least_overlap, self._overlap // 2)
        return new_keys

    def _evidence(self, offset: int, limit: int) -> int:
        """Return how many keys in their old order tell the position: few if the window or its overlap is small."""
        overlap, known = self._position - offset or limit, len(self._returned)
        return max(min(2, known), min(_EVIDENCE, known, self._least_overlap, overlap // 2, limit // 8))

    def _first_after_position(self, window: ComparedWindow, offset: int, evidence: int) -> int | None:
        """Return the index after which every unknown key is new; None if the window does not tell the position.

        A window that starts with unknown keys may lie after the position, because rows before it were deleted or
        moved; then one that starts earlier is needed. At the start of the list there is nothing to miss.
        """
        returned = self._returned
        if not len(returned) or (returned.are_complete and offset == 0 == self._start):
            return 0
        run = window.run_of_stayed(evidence)
        if run is None:
            return None
        place, index = run
        follows_forgotten = self._is_missed and index < evidence and len(window.new_keys_from(place)) < evidence
        is_at_start = place < evidence or follows_forgotten or offset == 0 or self._is_searching
        return place if is_at_start else None

    def _search(self, keys: Sequence[Any], offset: int, limit: int) -> None:
        """Let the next window start earlier; once at the start of the list, search the list forward from there."""
        at_end, self._is_missed = len(keys) < limit, True
        if offset == 0 or self._is_searching:
            if at_end and (keys or offset):
                raise IterationLost(_LOST.format(", ".join(map(repr, self._returned.last))))
            self.ended = at_end  # the list is empty
            self._is_searching, self._position = True, offset + len(keys)
        else:
            self._overlap = 4 * (self._position - offset)

    def _count_window(self, new_keys: int, offset: int, limit: int) -> None:
        """Count a window that brought so many new keys as fruitful or fruitless.

        Raises:
            IterationLost: too many were fruitless.
        """
        if self._patience is None:
            self._patience = _FRUITLESS_WINDOWS if new_keys else None
            return
        expected = max(1, limit - (self._position - offset))
        self._patience += 2 if not self._is_missed and 2 * new_keys >= expected else -1
        if self._patience < 0:
            raise IterationLost(_FRUITLESS)


_LOST = (
    "Iteration cannot continue: the rows with the keys … {} are no longer in the list, so it is unknown which "
    "rows come next. Start again, or order by an integer key, where this cannot happen."
)
_FRUITLESS = (
    "The reading cannot go on: so many rows are deleted, or moved in this order, that hardly any request brings "
    "new rows. Start again when less is written, or order by a key that is an integer, where no row moves."
)
