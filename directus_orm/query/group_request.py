"""`GroupRequest`: one request for groups, made of what the server can group by and compute itself."""

from __future__ import annotations

from typing import Any

import attrs

from ..core.errors import UnsupportedQuery
from ..core.request_response import Row
from ..fields.field import Field
from .query import Query


@attrs.frozen
class GroupColumn:
    """What the server groups by: a column, or a function of it."""

    field: Field
    function: str | None = None

    @property
    def key(self) -> str:
        """The name of the value in the rows of the response."""
        return self.field.column if self.function is None else f"{self.field.column}_{self.function}"


@attrs.frozen
class ServerAggregate:
    """A value that the server computes of each group: a function of a field, such as ``sum`` or ``countDistinct``.

    Rows are counted by their keys: the server cannot count values and rows (``*``) in one request.
    """

    function: str
    field: Field

    def value_in(self, row: Row) -> Any:
        """Return the aggregate's value from one row of the response."""
        return row[self.function][self.field.column]


@attrs.frozen
class GroupSort:
    """One key of an ordering of groups by the server."""

    by: GroupColumn | ServerAggregate
    descending: bool = False


@attrs.frozen
class GroupRequest:
    """One request for groups.

    Args:
        rows: the query of the rows to group; its limit and offset are those of the groups.
        columns: what to group by; without columns, all rows are one group.
        aggregates: what the server computes of each group.
        order: the ordering of the groups.
        keys: the keys of the rows to group, instead of all rows that meet the query's conditions.

    Raises:
        UnsupportedQuery: two values would have the same name in the response.
    """

    rows: Query
    columns: tuple[GroupColumn, ...] = ()
    aggregates: tuple[ServerAggregate, ...] = ()
    order: tuple[GroupSort, ...] = ()
    keys: tuple[Any, ...] | None = None

    def __attrs_post_init__(self) -> None:
        names = [*(column.key for column in self.columns), *{aggregate.function for aggregate in self.aggregates}]
        duplicate = next((name for name in names if names.count(name) > 1), None)
        if duplicate is not None:
            msg = (
                f"The server would return two values called {duplicate!r}: it names groups by their columns, "
                "and totals by their functions. Group in Python, or by another field."
            )
            raise UnsupportedQuery(msg)
