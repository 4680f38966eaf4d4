"""`Grouping`: the groups of rows that a query asks for, and `AggregateSpec`: what is computed of each group."""

from __future__ import annotations

from typing import Any

import attrs

from ..fields.paths import FieldPath
from .conditions import ALWAYS, Node
from .q import Q
from .value_refs import ValueRef


@attrs.frozen
class AggregateSpec:
    """An aggregate of the values at the end of a path, computed in each group. Rows are counted by their keys.

    Args:
        function: "count", "sum", "avg", "min" or "max".
        path: the path of the values.
        distinct: whether equal values are taken once.
        where: the condition on the rows whose values are taken.
        default: the result instead of None.
    """

    function: str
    path: FieldPath
    distinct: bool = False
    where: Node = ALWAYS
    default: Any = None

    @property
    def may_be_null(self) -> bool:
        """Whether the result can be None, as for a group without values."""
        return self.function != "count" and self.default is None


@attrs.frozen
class GroupOrder:
    """One key of an ordering of groups: the name of a group key or of an aggregate."""

    name: str
    descending: bool = False


@attrs.frozen
class Grouping:
    """The groups of rows that a query asks for.

    Args:
        keys: the values to group by, by name.
        aggregates: what is computed of each group, by name.
        having: conditions on the groups.
        order: the ordering of the groups.
        shown: the names that are part of the results; names given by `Rows.alias` are not.
    """

    keys: tuple[tuple[str, ValueRef], ...] = ()
    aggregates: tuple[tuple[str, AggregateSpec], ...] = ()
    having: tuple[Q, ...] = ()
    order: tuple[GroupOrder, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of keys and aggregates."""
        return tuple(name for name, _ in (*self.keys, *self.aggregates))

    @property
    def total_order(self) -> tuple[GroupOrder, ...]:
        """The ordering, made total by the group keys, so that pages do not overlap (G25)."""
        named = {order.name for order in self.order}
        return (*self.order, *(GroupOrder(name) for name, _ in self.keys if name not in named))

    def reversed(self) -> Grouping:
        """Return the same groups in the opposite order."""
        flipped = tuple(attrs.evolve(order, descending=not order.descending) for order in self.total_order)
        return attrs.evolve(self, order=flipped)
