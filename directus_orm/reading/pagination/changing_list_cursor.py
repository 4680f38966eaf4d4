"""A cursor into a list of keys that other programs change while it is read. No I/O.

The position is that of the keys that were returned last. Only the last ones are remembered, to bound memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ...core.errors import IterationLost


class ListCursor:
    """The position after the keys that were returned, in a list that is read in overlapping windows.

    A window starts some rows before the position. Every unknown key after a known one is new, even if other rows
    were inserted or deleted meanwhile: rows that stay keep their order, so none is skipped and none is repeated.
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
        self._keep = keep
        self._least_overlap = self._overlap = overlap
        self._position = start
        # The last keys that were returned, in the order of the list; and whether these are all of them.
        self._tail: list[Any] = [] if after is None else [after]
        self._has_all_keys = after is None
        # Whether the last window missed the position; whether it is searched for from the start of the list.
        self._is_missed = self._is_searching = after is not None

    def next_window(self, max_overlap: int) -> tuple[int, int]:
        """Return the offset of the next window, and how many rows before the position it starts.

        It starts at most ``max_overlap`` rows before the position, at a key that is reliable (see
        `_first_reliable`), unless the position has to be found again.
        """
        if self._is_searching or self._position == self._start:
            return self._position, 0
        reliable = len(self._tail) - self._first_reliable
        overlap = self._overlap if self._is_missed else min(self._overlap, max_overlap, reliable)
        offset = max(0, self._position - overlap)
        return offset, self._position - offset

    def take(self, keys: Sequence[Any], offset: int, limit: int) -> list[Any] | None:
        """Return the new keys of a window; None if it holds no reliable known key: then read the next window.

        Raises:
            IterationLost: none of the keys returned last is in the list any more.
        """
        index_by_key = {key: index for index, key in enumerate(self._tail)}
        first = self._first_after_position(keys, index_by_key, offset)
        if first is None:
            self._search(keys, offset, limit)
            return None
        following = keys[first:]
        self._remember(following, index_by_key)
        self._position, self.ended = offset + len(keys), len(keys) < limit
        self._is_missed = self._is_searching = False
        self._overlap = max(self._least_overlap, self._overlap // 2)
        return [key for key in following if key not in index_by_key]

    def _first_after_position(self, keys: Sequence[Any], index_by_key: dict[Any, int], offset: int) -> int | None:
        """Return the index after which every unknown key is new; None if the window holds no reliable known key.

        A window has to start with a reliable key. One that starts with unknown keys may lie after the position,
        because rows were inserted or deleted before it; then a window that starts earlier is needed.
        """
        if not self._tail or (self._has_all_keys and offset == 0 == self._start):
            return 0
        first_reliable = self._first_reliable
        matches = [
            (place, index_by_key[key])
            for place, key in enumerate(keys)
            if index_by_key.get(key, -1) >= first_reliable
        ]
        if not matches or (matches[0][0] and not self._is_missed):
            return None
        # A single known key may be a row that moved; two in the same order as before are not.
        in_order = (place for (place, index), (_, next_index) in pairwise(matches) if index < next_index)
        return next(in_order, matches[0][0] if len(self._tail) == 1 else None)

    @property
    def _first_reliable(self) -> int:
        """The index of the first remembered key that may start a window: the later half of the keys, at least two.

        The window may have keys before an earlier one that were forgotten, and these would seem new.
        """
        return 0 if self._has_all_keys else max(0, min(len(self._tail) // 2, len(self._tail) - 2))

    def _search(self, keys: Sequence[Any], offset: int, limit: int) -> None:
        """Let the next window start earlier; once at the start of the list, search the list forward from there."""
        at_end, self._is_missed = len(keys) < limit, True
        if offset == 0 or self._is_searching:
            if at_end and (keys or offset):
                raise IterationLost(_LOST.format(", ".join(map(repr, self._tail[-3:]))))
            self.ended = at_end  # the list is empty
            self._is_searching, self._position = True, offset + len(keys)
        else:
            self._overlap *= 4

    def _remember(self, keys: Sequence[Any], index_by_key: dict[Any, int]) -> None:
        """Merge the keys of a window into the remembered ones; known keys that it lacks stay at their places."""
        present = set(keys)
        start = min((index_by_key[key] for key in keys if key in index_by_key), default=len(self._tail))
        merged, absent_after, previous = self._tail[:start], dict[Any, list[Any]](), None
        for key in self._tail[start:]:
            if key in present:
                previous = key
            else:
                absent_after.setdefault(previous, []).append(key)
        merged += absent_after.get(None, [])
        for key in keys:
            merged.append(key)
            merged += absent_after.get(key, ())
        self._has_all_keys = self._has_all_keys and len(merged) <= self._keep
        self._tail = merged[-self._keep :]


_LOST = (
    "Iteration cannot continue: the rows with the keys … {} are no longer in the list, so it is unknown which "
    "rows come next. Start again, or order by an integer key, where this cannot happen."
)
