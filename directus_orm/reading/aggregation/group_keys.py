"""What of groups one request can bring: columns to group by, and totals of each group.

The server groups by its own columns and by functions of them, and computes over columns; not over relations, and
not everything on every database. What it cannot say is grouped finer, and put together in `merging`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import attrs

from ...core.messages import Row
from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of, trim_join
from ...fields.type_table import MOMENTS, SHOWN_SHORTER
from ...query.group_request import GroupColumn
from ...query.grouping import ValueRef
from ..row_values import value_of

# --- what the server groups by, of a name -----------------------------------------------------------------------

# The functions that tell as much of a moment as a part does; those that tell more are marked as finer.
_DATE = ("year", "month", "day")
_FUNCTIONS: dict[str, tuple[tuple[str, ...], bool]] = {
    **{name: ((name,), False) for name in ("year", "month", "day", "hour", "minute")},
    "second": (("second",), True),  # of PostgreSQL with its fraction
    "quarter": (("month",), True),
    "date": (_DATE, False),
    **dict.fromkeys(("week", "week_day", "iso_week_day", "iso_year"), (_DATE, True)),
}
# The same of the beginnings of years, months …
_STARTS: dict[str, tuple[tuple[str, ...], bool]] = {
    "year": (("year",), False),
    "quarter": (("year", "month"), True),
    "month": (("year", "month"), False),
    "week": (_DATE, True),
    "day": (_DATE, False),
    "hour": ((*_DATE, "hour"), False),
    "minute": ((*_DATE, "hour", "minute"), False),
    "second": ((), True),
}

Get = Callable[[Row], Any]


@attrs.frozen
class GroupKey:
    """A group key: the server's columns for it, and its value, of a row of the answer.

    ``finer`` says that the server makes several groups where one is meant; ``related`` is the rest of a path over
    a relation, whose values have to be read; the row gives the key of the related row then.
    """

    term: ValueRef
    columns: tuple[GroupColumn, ...]
    get: Get = attrs.field(eq=False, repr=False)
    finer: bool = False
    related: FieldPath = ()

    @property
    def moment(self) -> Field | None:
        """The field of whose moments the server takes parts."""
        first = self.columns[0]
        return first.field if first.function and kind_of(first.field) in MOMENTS else None


def group_key(term: ValueRef, *, whole: bool = False) -> GroupKey:
    """Return how the server is asked to group by a value; by ``whole`` values, whose parts are taken here."""
    field, *related = trim_join(term.path)
    if related:
        return GroupKey(term, (GroupColumn(field),), _raw(field), finer=True, related=tuple(related))
    term = attrs.evolve(term, path=(field,))
    functions, finer = _functions(term)
    if whole or not functions:
        shorter = value_of(term) is not None or kind_of(field) in SHOWN_SHORTER
        return GroupKey(term, (GroupColumn(field),), _loaded(term), finer=shorter)
    columns = tuple(GroupColumn(field, function) for function in functions)
    return GroupKey(term, columns, _made(columns, _maker(term, functions)), finer=finer)


def _functions(term: ValueRef) -> tuple[tuple[str, ...], bool]:
    if term.truncate_to is not None:
        return _STARTS[term.truncate_to]
    if term.part is None or kind_of(term.field) == "time":  # SQLite has no hours of a time
        return (), False
    functions, finer = _FUNCTIONS[term.part]
    return ((), True) if kind_of(term.field) == "date" and functions == _DATE else (functions, finer)


def _raw(field: Field) -> Get:
    def get(row: Row) -> Any:
        value = row[field.column]
        return None if value is None else field.load(value)

    return get


def _loaded(term: ValueRef) -> Get:
    get, field, value = _raw(term.field), term.field, value_of(term)

    def loaded(row: Row) -> Any:
        found = get(row)
        if found is None and not field.nullable:
            raise field.conversion_error("null", "the annotation has no '| None'", None, None)
        return found if found is None or value is None else value(found)

    return loaded


def _made(columns: tuple[GroupColumn, ...], make: Callable[..., Any]) -> Get:
    def get(row: Row) -> Any:
        raw = [row[column.key] for column in columns]
        # PostgreSQL sends numbers as text, and seconds with a fraction.
        return None if None in raw else make(*(int(str(number).partition(".")[0]) for number in raw))

    return get


def _maker(term: ValueRef, functions: tuple[str, ...]) -> Callable[..., Any]:
    """Return the function from the numbers that functions give to what is meant."""
    value = value_of(term)
    if value is None or functions == (term.part,):
        return lambda number: number
    if functions == ("month",):
        return lambda month: value(date(2000, month, 1))
    zone = UTC if kind_of(term.field) == "timestamp" else None
    first = (1, 1)

    def made(*numbers: int) -> Any:
        return value(datetime(*(*numbers, *first[len(numbers) - 1 :]), tzinfo=zone))  # type: ignore[misc,arg-type]

    return made
