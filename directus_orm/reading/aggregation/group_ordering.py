"""Ordering groups here, as the database would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from ...dialects.registry import dialect_of
from ...fields.paths import FieldPath, kind_of
from ...fields.type_table import COLLATED
from ...query.group_request import GroupColumn, GroupRequest, GroupSort
from ...query.grouping import Grouping, GroupOrder, ValueRef
from ...query.query import Order, Query
from ...session.session import Session
from ..pagination.fetch import fetch
from ..pagination.pagers import query_pager
from ..row_values import _raw_value, value_of
from .accumulators import Rank, inner_value
from .group_paging import group_pages

Group = dict[str, Any]


class Ordering:
    """Orders groups as the database would: it is asked where null comes, and how it orders texts."""

    def __init__(self, session: Session, chosen: Sequence[GroupRequest], grouping: Grouping) -> None:
        self._session = session
        self._chosen = chosen
        self._rows = chosen[0].rows
        self._terms = dict(grouping.keys)
        self._measures = dict(grouping.aggregates)

    def sort(self, groups: list[Group], orders: Sequence[GroupOrder]) -> None:
        """Order groups in place; those that tie stay in their order."""
        for order in reversed(orders):
            self._sort_by(groups, order)

    def _sort_by(self, groups: list[Group], order: GroupOrder) -> None:
        name, term = order.name, self._terms.get(order.name)
        path = term.path if term is not None else self._measures[name].path
        present = [group[name] for group in groups if group[name] is not None]
        null_first = 0 < len(present) < len(groups) and self._null_first(path)
        rank = self._ranks(name, term, present)

        def place(group: Group) -> tuple[bool, Any]:
            value = group[name]
            return (value is None) is not null_first, 0 if value is None else rank(value)

        groups.sort(key=place, reverse=order.descending)

    def _null_first(self, path: FieldPath) -> bool:
        session = self._session
        if session.null_first is None:
            pk = self._rows.model.directus.pk
            query = attrs.evolve(self._rows, order=(Order(path),), paths=((pk,), path), limit=1, offset=0)
            (rows,) = fetch(session, query_pager(query, dialect_of(session)))
            session.null_first = _raw_value(rows[0], path) is None
        return session.null_first

    def _ranks(self, name: str, term: ValueRef | None, values: list[Any]) -> Callable[[Any], Any]:
        path = term.path if term is not None else self._measures[name].path
        counted = term is None and self._measures[name].function == "count"
        parted = term is not None and value_of(term) is not None
        if counted or parted or kind_of(path[-1]) not in COLLATED or not values:
            return inner_value
        return text_rank(self._session, self._chosen, path)


def text_rank(session: Session, chosen: Sequence[GroupRequest], path: FieldPath) -> Rank:
    """Return the function from a text to its place in the database's order, which is asked for."""
    places = {text: place for place, text in enumerate(_texts(session, chosen, path))}
    return lambda text: places.get(text, len(places))


def _texts(session: Session, chosen: Sequence[GroupRequest], path: FieldPath) -> Iterator[Any]:
    """Yield all texts of a field in the database's order."""
    field = path[-1]
    column = GroupColumn(field)
    own = chosen[0] if len(path) == 1 and len(chosen) == 1 else None
    rows = own or GroupRequest(Query(chosen[0].rows.model if len(path) == 1 else field.model))
    ask = attrs.evolve(rows, columns=(column,), order=(GroupSort(column),))
    for page in fetch(session, group_pages(ask, dialect_of(session), session.max_rows)):
        yield from (field.load(row[column.key]) for row in page if row[column.key] is not None)
