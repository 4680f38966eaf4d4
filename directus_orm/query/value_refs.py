"""What the names of values in a query refer to: a field, a part of its date, or the number of related rows."""

from __future__ import annotations

from typing import Any

import attrs

from ..fields.field import Field
from ..fields.paths import FieldPath


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
        """The field at the end of the path."""
        return self.path[-1]


@attrs.frozen
class RelatedCount:
    """The number of related rows of a relation to many; ``path`` ends in the relation."""

    name: str
    path: tuple[Any, ...]

    @property
    def is_listed(self) -> bool:
        """Whether the related rows come as a list and are counted in Python.

        The server's count would include junction rows that lead nowhere, and a row that is linked twice, twice.
        """
        return bool(self.path[-1].has_junction)

    @property
    def response_key(self) -> str:
        """The name of the number, or of the list, in the rows of the response."""
        relation = self.path[-1]
        if not self.is_listed:
            return f"{relation.column}_count"
        return "_".join(("tally", relation.column, *(self.collections if relation.is_many_to_any else ())))

    @property
    def collections(self) -> list[str]:
        """The collections of the related rows that are counted."""
        return [target.directus.collection for target in self.path[-1].targets]

    @property
    def item_paths(self) -> list[tuple[str, ...]]:
        """The paths to ask for of each row of a list."""
        relation = self.path[-1]
        items = [(*scope.segments[1:], scope.target.directus.pk.column) for scope in relation.scopes]
        return [(relation.collection_column,), *items] if relation.is_many_to_any else items

    def count(self, rows: list[Any]) -> int | None:
        """Return to how many related rows a list leads, each counted once; None if they may not be read.

        A row that is hidden or gone is null, so that the number is that of the rows in the list of the relation.
        """
        relation = self.path[-1]
        if not all(isinstance(row, dict) for row in rows):  # where no field may be read, bare keys come
            return None
        related = [(row.get(relation.collection_column), row.get(relation.target_column)) for row in rows]
        if not all(isinstance(row, dict | None) for _, row in related):
            return None
        return len({(collection, *row.values()) for collection, row in related if row})


Alias = ValueRef | RelatedCount
"""What a name given by `annotate` or `alias` refers to."""
Aliases = tuple[tuple[str, Alias], ...]
"""The names that a query gives to values."""
