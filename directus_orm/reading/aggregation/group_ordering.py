"""Sorting of groups in Python, in the order of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ...dialects.registry import dialect_of
from ...fields.paths import FieldPath, kind_of
from ...fields.type_table import COLLATED
from ...query.group_request import GroupColumn, GroupRequest, GroupSort
from ...query.grouping import Grouping, GroupOrder
from ...query.query import Order, Query
from ...session.session import Session
from ..pagination.pager_driver import fetch
from ..pagination.pagers import query_pager
from ..row_values import raw_getter, value_transform
from .accumulators import Rank, plain_value
from .group_keys import Group
from .group_paging import group_pager


class GroupOrdering:
    """Sorts groups as the database would; requests find out where it puts null, and how it orders texts."""

    def __init__(self, session: Session, requests: Sequence[GroupRequest], grouping: Grouping) -> None:
        self._session = session
        self._requests = requests
        self._rows = requests[0].rows
        self._keys = dict(grouping.keys)
        self._aggregates = dict(grouping.aggregates)

    def sort(self, groups: list[Group], orders: Sequence[GroupOrder]) -> None:
        """Sort groups in place; the sort is stable."""
        for order in reversed(orders):
            self._sort_by(groups, order)

    def _sort_by(self, groups: list[Group], order: GroupOrder) -> None:
        name = order.name
        values = [group[name] for group in groups if group[name] is not None]
        has_both = 0 < len(values) < len(groups)
        null_first = has_both and self._puts_null_first(self._path(name))
        rank = self._rank(name) if values else plain_value

        def sort_key(group: Group) -> tuple[bool, Any]:
            value = group[name]
            return (value is None) is not null_first, 0 if value is None else rank(value)

        groups.sort(key=sort_key, reverse=order.descending)

    def _path(self, name: str) -> FieldPath:
        return self._keys[name].path if name in self._keys else self._aggregates[name].path

    def _puts_null_first(self, path: FieldPath) -> bool:
        session = self._session
        if session.null_first is None:
            pk = self._rows.model.directus.pk
            query = attrs.evolve(self._rows, order=(Order(path),), paths=((pk,), path), limit=1, offset=0)
            (rows,) = fetch(session, query_pager(query, dialect_of(session)))
            if not rows:  # they were deleted meanwhile
                return False
            session.null_first = raw_getter(path)(rows[0]) is None
        return session.null_first

    def _rank(self, name: str) -> Rank:
        path = self._path(name)
        if name in self._keys:
            has_own_order = value_transform(self._keys[name]) is not None  # a part of a date
        else:
            has_own_order = self._aggregates[name].function == "count"
        if has_own_order or kind_of(path[-1]) not in COLLATED:
            return plain_value
        return database_rank(self._session, self._requests, path)


def database_rank(session: Session, requests: Sequence[GroupRequest], path: FieldPath) -> Rank:
    """Read the texts of a field in the database's order, and return the function from a text to its place."""
    places = {text: place for place, text in enumerate(_texts_in_order(session, requests, path))}
    return lambda text: places.get(text, len(places))


def _texts_in_order(session: Session, requests: Sequence[GroupRequest], path: FieldPath) -> Iterator[Any]:
    """Yield the texts of a field in the order of the database."""
    field, is_own = path[-1], len(path) == 1
    column = GroupColumn(field)
    if is_own and len(requests) == 1:
        request = requests[0]
    else:  # all rows: one request must bring all texts
        request = GroupRequest(Query(requests[0].rows.model if is_own else field.model))
    request = attrs.evolve(request, columns=(column,), order=(GroupSort(column),))
    for rows in fetch(session, group_pager(request, dialect_of(session), session.max_rows)):
        yield from (field.load(row[column.key]) for row in rows if row[column.key] is not None)
