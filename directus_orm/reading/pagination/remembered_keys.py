"""The keys that were returned last, and where their rows were, to recognize the place in a changing list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import Any

_MOVED: Any = object()
"""Stands for the ordering values of a row that moved, or may have moved, away from where it was."""
_ANYWHERE: Any = object()
"""Stands for the ordering values of a row that was not read: it is in place wherever it is found."""


class RememberedKeys:
    """The last keys that were returned, in the order of the list, each with the ordering values of its row.

    A row with the same values as before is where it was: everything that was not returned yet comes after it.
    """

    def __init__(self, keep: int, after: Any = None) -> None:
        """Remember up to ``keep`` keys; at first the key ``after``, if not None, wherever its row is."""
        self._keep = keep
        self._values: dict[Any, Any] = {} if after is None else {after: _ANYWHERE}
        # Whether these are all keys that were returned.
        self.are_complete = after is None

    def __len__(self) -> int:
        return len(self._values)

    @property
    def last(self) -> list[Any]:
        """A few of the keys, for messages."""
        return [*self._values][-3:]

    def first_in_place(self, keys: Sequence[Any], values: Sequence[Any]) -> int | None:
        """Return the place in a window of the first remembered key whose row did not move; None if there is none.

        Args:
            keys: the keys of the window.
            values: the ordering values of each.
        """
        known = self._values
        places = enumerate(zip(keys, values, strict=True))
        return next(
            (place for place, (key, value) in places if known.get(key, _MOVED) in (value, _ANYWHERE)), None
        )

    def unknown(self, keys: Sequence[Any]) -> list[Any]:
        """Return the keys that are not remembered."""
        return [key for key in keys if key not in self._values]

    def after_window(self, keys: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        """Return the remembered keys that came after the last one of a window that did not move."""
        from_last = self.first_in_place(keys[::-1], values[::-1])
        if from_last is None:
            return [*self._values]
        last = keys[-1 - from_last]
        return [*takewhile(lambda key: key != last, reversed(self._values))][::-1]

    def add(self, keys: Sequence[Any], values: Sequence[Any], ahead: Sequence[Any] = ()) -> None:
        """Remember the keys of a window after all others, but before those that are ahead of it.

        Where the rows ahead are is not known before a window shows it.
        """
        known = self._values
        for key in keys:
            known.pop(key, None)
        known.update(zip(keys, values, strict=True))
        in_window = set(keys)
        for key in ahead:
            if key not in in_window:
                del known[key]
                known[key] = _MOVED
        for key in [*islice(known, max(0, len(known) - self._keep))]:
            self.are_complete = False
            del known[key]
