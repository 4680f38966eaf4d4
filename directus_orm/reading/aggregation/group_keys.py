"""Group keys: the columns that the server groups by for a value, and that value from a row of the response.

The server groups by columns and by functions of them, but not by fields of related rows, and not by every part of
a date on every database. Elsewhere it is asked for finer groups, and these are merged in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import attrs

from ...core.messages import Row
from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of, trim_join
from ...fields.type_table import MOMENTS, SHOWN_SHORTER
from ...query.group_request import GroupColumn
from ...query.grouping import ValueRef
from ..row_values import value_transform

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

ReadValue = Callable[[Row], Any]


@attrs.frozen
class GroupKey:
    """A group key: the server's columns for it, and the function that reads its value from a row of the response.

    ``is_finer`` says that the server makes several groups where one is meant. ``related`` is the rest of a path
    over a relation; then ``read`` returns the key of the related row, and the value has to be looked up by it.
    """

    ref: ValueRef
    columns: tuple[GroupColumn, ...]
    read: ReadValue = attrs.field(eq=False, repr=False)
    is_finer: bool = False
    related: FieldPath = ()

    @property
    def moment_field(self) -> Field | None:
        """The field of moments whose parts the server takes, if it does."""
        first = self.columns[0]
        return first.field if first.function and kind_of(first.field) in MOMENTS else None


def group_key(ref: ValueRef, *, by_whole_values: bool = False) -> GroupKey:
    """Return how the server groups by a value; ``by_whole_values``, parts of dates are taken in Python."""
    field, *related = trim_join(ref.path)
    if related:
        return GroupKey(ref, (GroupColumn(field),), _read_field(field), is_finer=True, related=tuple(related))
    ref = attrs.evolve(ref, path=(field,))
    functions, is_finer = _functions(ref)
    if by_whole_values or not functions:
        # Of values that the server shows shorter than it keeps them (G30), two of its groups can look alike.
        is_finer = value_transform(ref) is not None or kind_of(field) in SHOWN_SHORTER
        return GroupKey(ref, (GroupColumn(field),), _read_value(ref), is_finer=is_finer)
    columns = tuple(GroupColumn(field, function) for function in functions)
    return GroupKey(ref, columns, _read_parts(columns, _combine_parts(ref, functions)), is_finer=is_finer)


def _functions(ref: ValueRef) -> tuple[tuple[str, ...], bool]:
    if ref.truncate_to is not None:
        return _STARTS[ref.truncate_to]
    if ref.part is None or kind_of(ref.field) == "time":  # SQLite has no hours of a time
        return (), False
    functions, finer = _FUNCTIONS[ref.part]
    return ((), True) if kind_of(ref.field) == "date" and functions == _DATE else (functions, finer)


def _read_field(field: Field) -> ReadValue:
    def read(row: Row) -> Any:
        raw = row[field.column]
        return None if raw is None else field.load(raw)

    return read


def _read_value(ref: ValueRef) -> ReadValue:
    """Return the function that reads a field and takes the part of it that is meant."""
    field, read_field, part_of = ref.field, _read_field(ref.field), value_transform(ref)

    def read(row: Row) -> Any:
        value = read_field(row)
        if value is None and not field.nullable:
            raise field.conversion_error("null", "the annotation has no '| None'", None, None)
        return value if value is None or part_of is None else part_of(value)

    return read


def _read_parts(columns: Sequence[GroupColumn], combine: Callable[..., Any]) -> ReadValue:
    """Return the function that reads the numbers of the server's functions, and combines them."""

    def read(row: Row) -> Any:
        raw = [row[column.key] for column in columns]
        # PostgreSQL sends numbers as text, and seconds with a fraction.
        return None if None in raw else combine(*(int(str(number).partition(".")[0]) for number in raw))

    return read


def _combine_parts(ref: ValueRef, functions: tuple[str, ...]) -> Callable[..., Any]:
    """Return the function from the numbers of the server's functions to the value that is meant."""
    part_of = value_transform(ref)
    if part_of is None or functions == (ref.part,):
        return lambda number: number
    if functions == ("month",):
        return lambda month: part_of(date(2000, month, 1))
    zone = UTC if kind_of(ref.field) == "timestamp" else None
    january_first = (1, 1)

    def combine(*numbers: int) -> Any:
        year_to_day = (*numbers, *january_first[len(numbers) - 1 :])
        return part_of(datetime(*year_to_day, tzinfo=zone))  # type: ignore[misc,arg-type]

    return combine
