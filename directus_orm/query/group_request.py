"""One request for groups, as a value."""

from __future__ import annotations

from typing import Any

import attrs

from ..core.errors import UnsupportedQuery
from ..core.messages import Row
from ..fields.field import Field
from .query import Query


@attrs.frozen
class GroupColumn:
    """What the server groups by: a column, or a function of it."""

    field: Field
    function: str | None = None

    @property
    def key(self) -> str:
        """How the rows of the answer name it."""
        return self.field.column if self.function is None else f"{self.field.column}_{self.function}"


@attrs.frozen
class ServerAggregate:
    """What the server computes of a field's values in a group: ``sum``, ``countDistinct`` and others.

    Rows are counted by their keys: an answer that counts values and rows (``*``) shows the first alone.
    """

    function: str
    field: Field

    def value_in(self, row: Row) -> Any:
        """Return the aggregate's value from one row of the response."""
        return row[self.function][self.field.column]


@attrs.frozen
class GroupSort:
    """One key of an ordering that the server is asked for."""

    by: GroupColumn | ServerAggregate
    descending: bool = False


@attrs.frozen
class GroupRequest:
    """One request for groups: of which rows, by which columns, with which totals, in what order, how many.

    The rows are those of the query's conditions, or those among ``keys``, where there are some.
    """

    rows: Query
    columns: tuple[GroupColumn, ...] = ()
    aggregates: tuple[ServerAggregate, ...] = ()
    order: tuple[GroupSort, ...] = ()
    keys: tuple[Any, ...] | None = None

    def __attrs_post_init__(self) -> None:
        names = [*(column.key for column in self.columns), *{total.function for total in self.aggregates}]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = (
                f"The server would answer with two things called {twice!r}: it names groups by their columns, and "
                "totals by their functions. Group in Python, or by another field."
            )
            raise UnsupportedQuery(msg)
