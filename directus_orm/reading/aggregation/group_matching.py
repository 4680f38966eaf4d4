"""Matching of rows to groups: a database may name one group "a" in one response and "A" in the next."""

from __future__ import annotations

from collections.abc import Callable

from ..rows_by_key import fold_text
from .accumulators import Accumulator
from .group_keys import GroupValues

Accumulators = dict[str, Accumulator]
"""The accumulators of one group, by the names of the aggregates."""


class GroupMatcher:
    """Finds the accumulators of the group that a row of a response belongs to.

    The first response lists the groups. In later ones, a database whose collation takes "a" for "A" may name a
    group by the other spelling; groups that were not in the first response are new, and left out.
    """

    def __init__(
        self,
        groups: dict[GroupValues, Accumulators],
        new_accumulators: Callable[[], Accumulators],
        *,
        is_first: bool,
    ) -> None:
        self._groups = groups
        self._new_accumulators = new_accumulators
        self._is_first = is_first
        self._by_folded_values: dict[GroupValues, Accumulators | None] | None = None

    def find(self, group: GroupValues) -> Accumulators | None:
        """Return the accumulators of a group; None if it was created since the first response."""
        if group in self._groups:
            return self._groups[group]
        if not self._is_first:
            return self._find_other_spelling(group)
        self._groups[group] = self._new_accumulators()
        return self._groups[group]

    def _find_other_spelling(self, group: GroupValues) -> Accumulators | None:
        if self._by_folded_values is None:
            self._by_folded_values = {}
            for values, accumulators in self._groups.items():
                folded = _fold(values)
                is_ambiguous = folded in self._by_folded_values
                self._by_folded_values[folded] = None if is_ambiguous else accumulators
        return self._by_folded_values.get(_fold(group))


def _fold(group: GroupValues) -> GroupValues:
    return tuple(fold_text(value) if isinstance(value, str) else value for value in group)
