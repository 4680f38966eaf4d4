"""The keys that were returned last, in the order of a changing list, and their comparison with a window of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import attrs

# So many rows deleted or inserted between two keys are no sign that one of these has moved.
_LARGEST_GAP = 16


@attrs.frozen
class ComparedWindow:
    """A window of keys, compared with the remembered ones."""

    keys: Sequence[Any]
    index_by_key: dict[Any, int]
    """The place of each remembered key."""
    stayed: list[tuple[int, int]]
    """The place in the window, and the place in memory, of each key that stayed in its order."""

    def run_of_stayed(self, evidence: int) -> tuple[int, int] | None:
        """Return the place in the window, and in memory, where a run of keys that stayed begins; or None.

        Others may be among them, but ``evidence`` more have stayed. Keys that moved ahead, to rows that were not
        read yet, are among many others there.
        """
        score, following, start = 0, 0, (0, 0)
        for place, index in self.stayed:
            score -= place - following
            if score <= 0:
                score, start = 0, (place, index)
            score, following = score + 1, place + 1
            if score >= evidence:
                return start
        return None

    def new_keys_from(self, first: int) -> list[Any]:
        """Return the keys from a place on that are not remembered."""
        return [key for key in self.keys[first:] if key not in self.index_by_key]


class RememberedKeys:
    """The last keys that were returned, in the order of the list as the windows showed it."""

    def __init__(self, keep: int, after: Any = None) -> None:
        """Remember up to ``keep`` keys; at first the key ``after``, if not None."""
        self._keep = keep
        self._keys: list[Any] = [] if after is None else [after]
        # Whether these are all keys that were returned.
        self.are_complete = after is None

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def last(self) -> list[Any]:
        """A few of the keys, for messages."""
        return self._keys[-3:]

    def compare(self, keys: Sequence[Any], evidence: int) -> ComparedWindow:
        """Compare a window with the remembered keys; fewer than ``evidence`` keys together count as moved."""
        index_by_key = {key: index for index, key in enumerate(self._keys)}
        known = [(place, index_by_key[key]) for place, key in enumerate(keys) if key in index_by_key]
        return ComparedWindow(keys, index_by_key, _together(_longest_in_order(known), evidence))

    def ahead_of(self, window: ComparedWindow) -> int:
        """Return how many of the keys come after those of a window."""
        return len(self._keys) - 1 - window.stayed[-1][1] if window.stayed else len(self._keys)

    def merge(self, window: ComparedWindow, first: int, *, last_are_ahead: bool) -> None:
        """Put the known keys of a window, and all those from place ``first`` on, into the order of the window.

        Keys that the window lacks remain after the key before them that stayed: they were deleted, or have moved.
        The last ones go after the window if they are ahead of it.
        """
        known, stayed = window.index_by_key, {index for _, index in window.stayed}
        keys = [key for place, key in enumerate(window.keys) if place >= first or key in known]
        places = set(keys)
        start = window.stayed[0][1] if stayed else 0
        lacking: dict[Any, list[Any]] = {}
        previous = None
        for index, key in enumerate(self._keys[start:], start):
            if index in stayed:
                previous = key
            elif key not in places:
                lacking.setdefault(previous, []).append(key)
        ahead = lacking.pop(previous, []) if last_are_ahead or previous is None else []
        merged = [key for key in self._keys[:start] if key not in places]
        for key in keys:
            merged.append(key)
            merged += lacking.get(key, ())
        merged += ahead
        self.are_complete = self.are_complete and len(merged) <= self._keep
        self._keys = merged[-self._keep :]


def _longest_in_order(known: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most keys that are in the same order in a window and in memory: the others have moved.

    Args:
        known: the place in the window, and that in memory, of each key, by the former.
    """
    if all(index < next_index for (_, index), (_, next_index) in pairwise(known)):
        return known
    # Of all runs with one more key each: the least place in memory where it can end, and the key that ends it.
    ends, last_of = list[int](), list[int]()
    before = list[int]()
    for number, (_, index) in enumerate(known):
        length = bisect_left(ends, index)
        before.append(last_of[length - 1] if length else -1)
        ends[length : length + 1], last_of[length : length + 1] = [index], [number]
    number, longest = last_of[-1], list[tuple[int, int]]()
    while number >= 0:
        longest.append(known[number])
        number = before[number]
    return longest[::-1]


def _together(stayed: list[tuple[int, int]], least: int) -> list[tuple[int, int]]:
    """Return the keys that are close, in the window and in memory, to ``least`` keys in all."""
    together, run = list[tuple[int, int]](), stayed[:1]
    for (place, index), (next_place, next_index) in pairwise(stayed):
        if next_place - place + next_index - index > 2 + _LARGEST_GAP:
            together += run if len(run) >= least else ()
            run = []
        run.append((next_place, next_index))
    return together + run if len(run) >= least else together
