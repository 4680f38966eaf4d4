"""Groups of rows, as values: by what, what is made of each group, and what the names of a query stand for."""

from __future__ import annotations

from typing import Any

import attrs

from ..fields.field import Field
from ..fields.paths import FieldPath
from .conditions import ALWAYS, Node
from .q import Q


@attrs.frozen
class ValueRef:
    """A value that a name refers to: the field at the end of a path, or something computed from its date or time.

    Args:
        name: the path as the user wrote it.
        path: the fields along the path.
        part: the name of a `DatePart`, if a part of the date or time is meant.
        truncate_to: "year", "month" …, if the date is truncated to the beginning of that unit.
        as_datetime: whether a truncated value is a datetime instead of a date.
    """

    name: str
    path: FieldPath
    part: str | None = None
    truncate_to: str | None = None
    as_datetime: bool = False

    @property
    def field(self) -> Field:
        """The field whose value it is."""
        return self.path[-1]


@attrs.frozen
class RelatedCount:
    """The number of rows at the other end of a relation to many; ``path`` ends in the relation."""

    name: str
    path: tuple[Any, ...]

    @property
    def is_listed(self) -> bool:
        """Whether the rows are listed, since the server would count rows of the junction that lead nowhere."""
        return bool(self.path[-1].has_junction)

    @property
    def key(self) -> str:
        """The name of the number, or of the list, in the server's rows."""
        relation = self.path[-1]
        if not self.is_listed:
            return f"{relation.column}_count"
        return "_".join(("tally", relation.column, *(self.collections if relation.is_many_to_any else ())))

    @property
    def collections(self) -> list[str]:
        """Where the rows of a many-to-any lie that are meant."""
        return [target.directus.collection for target in self.path[-1].targets]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """What of each row of a list is asked for."""
        relation = self.path[-1]
        if not relation.is_many_to_any:
            return [(relation.target_column,)]
        items = [(scope.segments[1], scope.target.directus.pk.column) for scope in relation.scopes]
        return [(relation.collection_column,), *items]

    def count(self, rows: list[Any]) -> int:
        """Return how many rows of a list lead to one that is there."""
        relation = self.path[-1]
        if not relation.is_many_to_any:
            return len(rows)
        step = relation.target_column
        return sum(isinstance(row.get(step), dict) and bool(row[step]) for row in rows)


@attrs.frozen
class AggregateSpec:
    """What an aggregate makes of the values at the end of a path, in each group; rows are counted by their keys.

    ``where`` says which of the rows, and ``default`` what stands for None.
    """

    function: str
    path: FieldPath
    distinct: bool = False
    where: Node = ALWAYS
    default: Any = None

    @property
    def may_be_null(self) -> bool:
        """Whether there is a group of which nothing is made."""
        return self.function != "count" and self.default is None


@attrs.frozen
class GroupOrder:
    """One key of an ordering of groups: the name of a group key or of a measure."""

    name: str
    descending: bool = False


@attrs.frozen
class Grouping:
    """Rows in groups: by which values, what is made of each group, which groups are kept, and in what order.

    ``shown`` are the names that come along; `Rows.alias` gives others.
    """

    keys: tuple[tuple[str, ValueRef], ...] = ()
    aggregates: tuple[tuple[str, AggregateSpec], ...] = ()
    having: tuple[Q, ...] = ()
    order: tuple[GroupOrder, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of keys and measures."""
        return tuple(name for name, _ in (*self.keys, *self.aggregates))

    @property
    def total_order(self) -> tuple[GroupOrder, ...]:
        """The ordering, made total by the group keys (G25)."""
        named = {order.name for order in self.order}
        return (*self.order, *(GroupOrder(name) for name, _ in self.keys if name not in named))

    def reversed(self) -> Grouping:
        """Return the same groups, last first."""
        flipped = tuple(attrs.evolve(order, descending=not order.descending) for order in self.total_order)
        return attrs.evolve(self, order=flipped)


Alias = ValueRef | RelatedCount
Aliases = tuple[tuple[str, Alias], ...]
