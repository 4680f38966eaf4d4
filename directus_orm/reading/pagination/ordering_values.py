"""The values that rows are ordered by, read with the rows: a row has moved if one of them changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

import attrs

from ...core.request_response import Row
from ...fields.field import Field
from ...fields.model_info import Step
from ...fields.paths import FieldPath, kind_of
from ...fields.type_table import TEXTS
from ...query.query import Order, Query, key_alias
from ...query.value_refs import RelatedCount


class RowsWithOrderingValues:
    """A query whose rows have the values that they are ordered by, besides those that are wanted.

    The value of a date stands for a part of it. The key is left out, since it never changes.
    """

    def __init__(self, query: Query) -> None:
        pk = query.model.directus.pk
        orders = [order for order in query.total_order if order.path != (pk,)]
        paths = [order.path for order in orders if order.function != "count"]
        counts = list(_related_counts(orders))
        # The keys of the rows that are counted for: they let the relation's own key come beside such a row.
        keys = [(*count.path[:-1], count.path[-1].model.directus.pk) for count in counts]
        self.query = query.evolve(
            paths=tuple(dict.fromkeys((*query.paths, *paths, *keys))),
            aliases=(*query.aliases, *((count.name, count) for count in counts)),
            shown=(*query.shown, *(count.name for count in counts)),
        )
        beside = self.query.key_aliases
        self._getters = [
            *(_getter(path, beside.get(path, path[-1].column)) for path in paths),
            *(_getter(count.path, count.response_key) for count in counts),
        ]
        self._added = (
            *_added_counts(query, counts),
            *_added_columns(query, (*paths, *keys), set(beside).difference(query.key_aliases)),
        )

    def values(self, rows: Sequence[Row]) -> list[Any]:
        """Return what each row is ordered by."""
        columns = [list(map(get, rows)) for get in self._getters]
        return columns[0] if len(columns) == 1 else [*zip(*columns, strict=True)] or [None] * len(rows)

    def remove_added(self, rows: Iterable[Row]) -> None:
        """Leave in the rows what the original query requests."""
        for added in self._added:
            for row in rows:
                added.remove_from(row)


def _related_counts(orders: Iterable[Order]) -> Iterator[RelatedCount]:
    """Yield the counts of related rows to order by, except those whose name in the response a field has."""
    for number, order in enumerate(orders):
        count = RelatedCount(f"ordering {number}", order.path)
        if order.function == "count" and count.response_key not in order.path[-1].model.directus.columns:
            yield count


def _getter(path: Sequence[Step], column: str) -> Callable[[Row], Any]:
    """Return the function that takes a row and returns the value of a column at the end of a path.

    It returns the hash of a text, so that the texts of thousands of rows take no memory.
    """
    outer = _columns(path[:-1])

    def get_value(row: Row) -> Any:
        related = reduce(_related_row, outer, row)
        return related.get(column)

    is_text = isinstance(path[-1], Field) and kind_of(path[-1]) in TEXTS
    return (lambda row: hash(get_value(row))) if is_text else get_value


def _related_row(row: Row, column: str) -> Row:
    related = row.get(column)
    return related if isinstance(related, dict) else {}


@attrs.frozen
class _AddedColumn:
    """A column in rows, or in related rows, that the original query does not request as it is."""

    outer: tuple[str, ...]
    column: str
    key_column: str | None
    """Where the key of a relation is, if the original query requests the key, and the column has the row."""

    def remove_from(self, row: Row) -> None:
        """Remove the column, or let it hold the key."""
        row = reduce(_related_row, self.outer, row)
        if self.key_column is None:
            row.pop(self.column, None)
        elif self.key_column in row:
            row[self.column] = row.pop(self.key_column)


def _added_counts(query: Query, counts: Iterable[RelatedCount]) -> Iterator[_AddedColumn]:
    """Yield the counts that ``query`` does not request."""
    requested = {(count.path[:-1], count.response_key) for count in query.related_counts}
    for count in counts:
        if (count.path[:-1], count.response_key) not in requested:
            yield _AddedColumn(_columns(count.path[:-1]), count.response_key, None)


def _added_columns(query: Query, paths: Iterable[FieldPath], beside: set[FieldPath]) -> Iterator[_AddedColumn]:
    """Yield what rows have that ``query`` does not request, if these paths are added to it.

    Args:
        query: the query without the paths.
        paths: what is added.
        beside: the relations whose key comes beside the related row because of the paths.
    """
    requested = [*query.paths, *(nested.path for nested in query.nested)]
    for path in paths:
        for prefix in (path[:end] for end in range(1, len(path) + 1)):
            outer, last = _columns(prefix[:-1]), prefix[-1]
            if all(other[: len(prefix)] != prefix for other in requested):
                yield _AddedColumn(outer, last.column, None)
                if prefix in beside:
                    yield _AddedColumn(outer, key_alias(last), None)
                break
            if prefix in beside and prefix in query.paths:
                yield _AddedColumn(outer, last.column, key_alias(last))
                break
            if prefix in beside:
                yield _AddedColumn(outer, key_alias(last), None)


def _columns(path: Iterable[Step]) -> tuple[str, ...]:
    return tuple(step.column for step in path)
