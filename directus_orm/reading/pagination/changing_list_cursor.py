"""A cursor into a list of keys that other programs change while it is read. No I/O.

The position is that of the keys that were returned last. Only the last ones are remembered, to bound memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import IterationLost
from .remembered_keys import RememberedKeys

# How many windows may bring few keys or none, besides two for each window that brought what was expected.
_FRUITLESS_WINDOWS = 64
# How many keys show whether rows come again: so many of the new ones of each window, and so many in all.
_LANDMARKS_OF_WINDOW = 100
_MOST_LANDMARKS = 10_000


class ListCursor:
    """The position after the keys that were returned, in a list that is read in overlapping windows.

    A window starts some rows before the position, with keys that are known. A known row whose ordering values are
    the same as before tells the position, as it did not move: each unknown key after it is new. Rows that do not
    move keep their order, so none of them is skipped, and none comes twice.
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
        self._least_overlap = overlap
        # How many places the rows before the position went forward between the last two windows.
        self._shift = 0
        # After a window that missed the position: how many rows before it the next one starts.
        self._steps_back = 0
        self._position = start
        self._returned = RememberedKeys(keep, after)
        # Whether the last window missed the position; whether the list is searched for it from its start.
        self._is_missed = self._is_searching = after is not None
        # Windows that start before this offset may have known keys ahead.
        self._known_until = 1
        self._landmarks = dict[Any, Any]()
        self._repeated = 0
        # How many more windows may be fruitless; None while the key to start after is searched: any number may be.
        self._patience = _FRUITLESS_WINDOWS if after is None else None

    def next_window(self, max_overlap: int) -> tuple[int, int]:
        """Return the offset of the next window, and how many known keys it probably starts with.

        Those are at most ``max_overlap``, unless the position has to be found again.
        """
        if self._is_searching:
            return self._position, 0
        overlap = min(self._least_overlap, max_overlap, len(self._returned))
        steps_back = self._steps_back or overlap + self._shift
        return max(0, self._position - steps_back), max(overlap, self._steps_back)

    def take(self, keys: Sequence[Any], values: Sequence[Any], offset: int, limit: int) -> list[Any] | None:
        """Return the new keys of a window; None if it missed the position, and another one has to be read.

        Args:
            keys: the keys of the window.
            values: the ordering values of each.
            offset: where in the list the window starts.
            limit: how many keys were requested.

        Raises:
            IterationLost: none of the rows returned last is where it was; or too many windows were fruitless; or
                rows come again and again.
        """
        first = self._first_after_position(keys, values, offset)
        new_keys = [] if first is None else self._returned.unknown(keys[first:])
        self._count_window(len(new_keys), offset, limit)
        if first is None:
            self._search(keys, offset, limit)
            return None
        self._remember(keys[first:], values[first:], offset)
        self._check_landmarks(new_keys, dict(zip(keys, values, strict=True)))
        end = offset + len(keys)
        self._shift = max(0, self._position - (end - len(new_keys)))
        self._position, self.ended = end, len(keys) < limit
        self._is_missed, self._is_searching, self._steps_back = False, False, 0
        return new_keys

    def _first_after_position(self, keys: Sequence[Any], values: Sequence[Any], offset: int) -> int | None:
        """Return the index after which every unknown key is new; None if the window does not tell the position.

        At the start of the list nothing is missed, and while all keys are remembered, none is repeated.
        """
        returned = self._returned
        if not len(returned) or (returned.are_complete and offset == 0 == self._start):
            return 0
        return returned.first_in_place(keys, values)

    def _remember(self, keys: Sequence[Any], values: Sequence[Any], offset: int) -> None:
        """Remember the keys of a window from the position on."""
        ahead: list[Any] = []
        if self._is_missed or offset < self._known_until:
            ahead = self._returned.after_window(keys, values)
        if self._is_missed:
            self._known_until = offset + len(keys) + 2 * len(ahead)
        self._returned.add(keys, values, ahead)

    def _search(self, keys: Sequence[Any], offset: int, limit: int) -> None:
        """Let the next window start earlier; once at the start of the list, search the list forward from there."""
        at_end, self._is_missed = len(keys) < limit, True
        if offset == 0 or self._is_searching:
            if at_end and (keys or offset):
                raise IterationLost(_LOST.format(", ".join(map(repr, self._returned.last))))
            self.ended = at_end  # the list is empty
            self._is_searching, self._position = True, offset + len(keys)
        else:
            self._steps_back = 4 * (self._position - offset)

    def _count_window(self, new_keys: int, offset: int, limit: int) -> None:
        """Count a window that brought so many new keys as fruitful or fruitless.

        Raises:
            IterationLost: too many were fruitless.
        """
        if self._patience is None:
            self._patience = _FRUITLESS_WINDOWS if new_keys else None
            return
        room = limit - min(self._position - offset, self._least_overlap, limit // 2)
        self._patience += 2 if 2 * new_keys >= room else -1
        if self._patience < 0:
            raise IterationLost(_FRUITLESS)

    def _check_landmarks(self, new_keys: list[Any], values: Mapping[Any, Any]) -> None:
        """Look for landmarks among keys that seem to be new; make landmarks of some of these keys.

        A landmark that comes again was forgotten. If its row did not move, rows that were read are ahead again.

        Raises:
            IterationLost: the row of a landmark did not move; or more landmarks came than there are, so the list
                has no end.
        """
        again = self._landmarks.keys() & new_keys
        self._repeated += len(again)
        if any(self._landmarks[key] == values[key] for key in again):
            raise IterationLost(_OVERTAKEN)
        if self._repeated > len(self._landmarks):
            raise IterationLost(_ENDLESS)
        if len(self._landmarks) < _MOST_LANDMARKS:
            step = max(1, len(new_keys) // _LANDMARKS_OF_WINDOW)
            self._landmarks.update((key, values[key]) for key in new_keys[::step])


_LOST = (
    "Iteration cannot continue: the rows with the keys … {} are no longer where they were, so it is unknown which "
    "rows come next. Start again, or order by an integer key, where this cannot happen."
)
_FRUITLESS = (
    "The reading cannot go on: so many rows are deleted, or moved in this order, that hardly any request brings "
    "new rows. Start again when less is written, or order by a key that is an integer, where no row moves."
)
_OVERTAKEN = (
    "The reading cannot go on: more rows are inserted where it stands than it remembers, so that it would return "
    "rows again. Start again when less is written, or order by a key that is an integer."
)
_ENDLESS = (
    "The reading would not end: rows that were read are moved to places ahead, again and again. Order by a field "
    "that does not change meanwhile, such as a key that is an integer."
)
