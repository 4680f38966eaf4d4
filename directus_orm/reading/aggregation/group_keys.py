"""Group keys: which columns the server groups by for a value, and how that value is read from the response.

The server groups by columns and by functions of them, but not by fields of related rows, and not by every part of
a date on every database. For these, finer groups are requested and merged in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import attrs

from ...core.request_response import Row
from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of, trim_join
from ...fields.type_table import AWARE_MOMENTS, MOMENTS, SHOWN_SHORTER
from ...query.capabilities import Capabilities, GroupFunctions
from ...query.group_request import GroupColumn
from ...query.value_refs import ValueRef
from ..row_values import value_transform

ReadValue = Callable[[Row], Any]
"""Reads the value of a group key from a row of a response."""

GroupValues = tuple[Any, ...]
"""The values of the group keys of one group."""

Group = dict[str, Any]
"""A group, as the values of its keys and aggregates by their names."""


@attrs.frozen
class GroupKey:
    """A group key: the server's columns for it, and the function that reads its value from a row of the response.

    ``is_finer`` says that the server may return several groups for one value. ``related`` is the rest of a path
    over a relation; then ``read`` returns the key of the related row, and the value has to be looked up by it.
    """

    ref: ValueRef
    columns: tuple[GroupColumn, ...]
    read: ReadValue = attrs.field(eq=False, repr=False)
    is_finer: bool = False
    related: FieldPath = ()

    @property
    def moment_field(self) -> Field | None:
        """The datetime field if the server computes parts of it; else None."""
        first = self.columns[0]
        return first.field if first.function and kind_of(first.field) in MOMENTS else None


def group_key(ref: ValueRef, capabilities: Capabilities, *, by_whole_values: bool = False) -> GroupKey:
    """Return how the server groups by a value; with ``by_whole_values``, Python takes the parts of dates."""
    field, *related = trim_join(ref.path)
    if related:
        return GroupKey(ref, (GroupColumn(field),), _read_field(field), is_finer=True, related=tuple(related))
    ref = attrs.evolve(ref, path=(field,))
    grouped_by = _functions(ref, capabilities)
    if by_whole_values or not grouped_by.functions:
        # The server sends some values with less precision than it groups by (G30): two groups may look alike.
        is_finer = value_transform(ref) is not None or kind_of(field) in SHOWN_SHORTER
        return GroupKey(ref, (GroupColumn(field),), _read_value(ref), is_finer=is_finer)
    columns = tuple(GroupColumn(field, function) for function in grouped_by.functions)
    read = _read_parts(columns, _combine_parts(ref, grouped_by.functions))
    return GroupKey(ref, columns, read, is_finer=grouped_by.is_finer)


def _functions(ref: ValueRef, capabilities: Capabilities) -> GroupFunctions:
    if ref.truncate_to is not None:
        return capabilities.truncation_functions[ref.truncate_to]
    if ref.part is None or kind_of(ref.field) == "time":  # SQLite has no parts of a time
        return GroupFunctions()
    by_parts = capabilities.group_functions[ref.part]
    # Grouping by year, month and day of a date is no more than grouping by the date.
    is_whole = (
        kind_of(ref.field) == "date" and by_parts.functions == capabilities.group_functions["date"].functions
    )
    return GroupFunctions(is_finer=True) if is_whole else by_parts


def _read_field(field: Field) -> ReadValue:
    def read(row: Row) -> Any:
        raw = row[field.column]
        return None if raw is None else field.load(raw)

    return read


def _read_value(ref: ValueRef) -> ReadValue:
    """Return the function that reads a field, and takes the part of its value that the reference names."""
    field, read_field, transform = ref.field, _read_field(ref.field), value_transform(ref)

    def read(row: Row) -> Any:
        value = read_field(row)
        if value is None and not field.nullable:
            raise field.conversion_error("null", "the annotation has no '| None'", None, None)
        return value if value is None or transform is None else transform(value)

    return read


def _read_parts(columns: Sequence[GroupColumn], combine: Callable[..., Any]) -> ReadValue:
    """Return the function that reads the numbers of the server's functions, and combines them."""

    def read(row: Row) -> Any:
        raw = [row[column.key] for column in columns]
        if None in raw:
            return None
        try:
            # PostgreSQL sends numbers as text, and seconds with a fraction.
            return combine(*(int(str(number).partition(".")[0]) for number in raw))
        except (ValueError, ArithmeticError) as error:
            field = columns[0].field
            raise field.conversion_error(f"the server's parts {raw!r}", error, None, raw) from error

    return read


def _combine_parts(ref: ValueRef, functions: tuple[str, ...]) -> Callable[..., Any]:
    """Return the function that turns the numbers of the server's functions into the value of the group key."""
    transform = value_transform(ref)
    if transform is None or functions == (ref.part,):
        return lambda number: number
    if functions == ("month",):
        return lambda month: transform(date(2000, month, 1))
    zone = UTC if kind_of(ref.field) in AWARE_MOMENTS else None
    january_first = (1, 1)

    def combine(*numbers: int) -> Any:
        year_to_day = (*numbers, *january_first[len(numbers) - 1 :])
        return transform(datetime(*year_to_day, tzinfo=zone))  # type: ignore[misc,arg-type]

    return combine
