"""Where in a list that changes a reading is, told by the keys that it has handed out. No I/O.

They are remembered in the order of the list, the last ones alone, so that memory is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ...core.errors import IterationLost


class ListCursor:
    """The place behind the keys that were handed out; windows of the list are shown to it one by one.

    A window starts somewhat before the place. What is unknown in it behind a known key is new, whatever was
    inserted or deleted meanwhile: rows that stay keep their order, so none is passed over and none comes twice.
    """

    def __init__(self, start: int, overlap: int, keep: int, after: Any = None) -> None:
        """Begin behind so many rows, or behind a key, which is looked for from the start of the list."""
        self.ended = False
        self._start = start
        self._keep = keep
        self._least_overlap = self._overlap = overlap
        self._position = start
        # The keys handed out, in the order of the list; whether they are all of them.
        self._tail: list[Any] = [] if after is None else [after]
        self._whole = after is None
        # Whether the last window missed the place; whether the list is gone through from its start to find it.
        self._is_missed = self._is_searched = after is not None

    def next_window(self, most: int) -> tuple[int, int]:
        """Return where the next window starts, and how many rows before the place that is.

        It is at most ``most`` rows, and begins with a key that tells, unless the place has to be found again.
        """
        if self._is_searched or self._position == self._start:
            return self._position, 0
        telling = len(self._tail) - self._first_telling
        reach = self._overlap if self._is_missed else min(self._overlap, most, telling)
        offset = max(0, self._position - reach)
        return offset, self._position - offset

    def take(self, keys: Sequence[Any], offset: int, asked: int) -> list[Any] | None:
        """Return the keys of a window that are new; None where it holds no known one, and another one is needed.

        Raises:
            PlaceLost: no key that was handed out lately is in the list any more.
        """
        index = {key: at for at, key in enumerate(self._tail)}
        first = self._first(keys, index, offset)
        if first is None:
            self._look_elsewhere(keys, offset, asked)
            return None
        behind = keys[first:]
        self._remember(behind, index)
        self._position, self.ended = offset + len(keys), len(keys) < asked
        self._is_missed = self._is_searched = False
        self._overlap = max(self._least_overlap, self._overlap // 2)
        return [key for key in behind if key not in index]

    def _first(self, keys: Sequence[Any], index: dict[Any, int], offset: int) -> int | None:
        """Return from where on all that is unknown in a window is new; None where nothing tells.

        That is a known key at its start, one that tells. Where a window begins with unknown keys, rows have come
        there, or so many are gone that it begins behind the place: another one tells, which reaches back further.
        """
        if not self._tail or (self._whole and offset == 0 == self._start):
            return 0
        least = self._first_telling
        known = [(at, index[key]) for at, key in enumerate(keys) if index.get(key, -1) >= least]
        if not known or (known[0][0] and not self._is_missed):
            return None
        # One alone may be a row that moved; two that stand as before are not.
        in_order = (at for (at, here), (_, there) in pairwise(known) if here < there)
        return next(in_order, known[0][0] if len(self._tail) == 1 else None)

    @property
    def _first_telling(self) -> int:
        """From which of the known keys on they tell the place, and two do.

        The later half: what stands before the others was forgotten, and would seem to be new.
        """
        return 0 if self._whole else max(0, min(len(self._tail) // 2, len(self._tail) - 2))

    def _look_elsewhere(self, keys: Sequence[Any], offset: int, asked: int) -> None:
        """Reach further back for the next window; from the start of the list on, look forward."""
        at_end, self._is_missed = len(keys) < asked, True
        if offset == 0 or self._is_searched:
            if at_end and (keys or offset):
                raise IterationLost(_LOST.format(", ".join(map(repr, self._tail[-3:]))))
            self.ended = at_end  # the list is empty
            self._is_searched, self._position = True, offset + len(keys)
        else:
            self._overlap *= 4

    def _remember(self, keys: Sequence[Any], index: dict[Any, int]) -> None:
        """Put the keys of a window where they are in the list; known ones that it lacks stay where they were."""
        here = set(keys)
        start = min((index[key] for key in keys if key in index), default=len(self._tail))
        merged, lacking, before = self._tail[:start], dict[Any, list[Any]](), None
        for key in self._tail[start:]:
            if key in here:
                before = key
            else:
                lacking.setdefault(before, []).append(key)
        merged += lacking.get(None, [])
        for key in keys:
            merged.append(key)
            merged += lacking.get(key, ())
        self._whole = self._whole and len(merged) <= self._keep
        self._tail = merged[-self._keep :]


_LOST = (
    "The reading cannot go on: the rows with the keys … {} are not in the list any more, so that nobody knows "
    "which rows come next. Start again, or order by a key that is an integer, where that cannot happen."
)
