"""Values out of rows: along a path, or a part of a date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from ..core.messages import Row
from ..fields.field import Field
from ..fields.paths import FieldPath
from ..query.grouping import ValueRef
from ..query.lookups.date_parts import DATE_PARTS


def _raw_value(row: Row, path: FieldPath) -> Any:
    value: Any = row
    for field in path:
        value = value.get(field.column) if isinstance(value, dict) else None
    return value


def value_of(term: ValueRef) -> Callable[[Any], Any] | None:
    """Return the function from a field's value that is there to what is meant of it; None for the value itself."""
    if term.part is not None:
        return DATE_PARTS[term.part].of
    if term.truncate_to is not None:
        start, moment = term.truncate_to, term.as_datetime
        return lambda value: truncate_date(value, start, moment=moment)
    return None


_UNITS = ("year", "month", "day", "hour", "minute", "second")


def truncate_date(value: date, start: str, *, moment: bool) -> date:
    """Return the beginning of the year, quarter, month, week … that a date or a moment is in."""
    if start == "week":
        value, start = value - timedelta(days=value.weekday()), "day"
    if start == "quarter":
        value, start = value.replace(day=1, month=(value.month - 1) // 3 * 3 + 1), "month"
    left = _UNITS[_UNITS.index(start) + 1 :]
    day = date(value.year, 1 if "month" in left else value.month, 1 if "day" in left else value.day)
    if not moment:
        return day
    clock: list[Any] = [0 if unit in left else getattr(value, unit) for unit in _UNITS[3:]]
    return datetime.combine(day, time(*clock), getattr(value, "tzinfo", None))


def value_getter(path: FieldPath) -> Callable[[Row, Any], Any]:
    """Return the function that takes a row and its key and returns the value at the end of a path.

    It returns None where the path breaks off at a null, and raises ConversionError for a value that does not fit
    and for a related row that may not be read.
    """
    *outer, field = path
    column, load, plain = field.column, field.value_type.load, field.value_type.plain

    def get(row: Row, key: Any) -> Any:
        for step in outer:
            row = row.get(step.column, _UNREADABLE)
            if row is None:
                return None
            if not isinstance(row, dict):  # G26: a bare key, or nothing
                raise field.conversion_error(
                    "nothing", "the related row is one that this user may not read", key, None
                )
        raw = row.get(column, _UNREADABLE)
        if raw.__class__ is plain:
            return raw
        if raw is None and field.nullable:
            return None
        if raw is None or raw is _UNREADABLE:
            what, why = ("null", "the annotation has no '| None'") if raw is None else ("nothing", "no such field")
            raise field.conversion_error(what, why, key, None)
        try:
            return load(raw)
        except (ValueError, TypeError, ArithmeticError):
            return field.load(raw, key)  # raises, and says where

    return get


_UNREADABLE: Any = object()


def _value(row: Row, path: tuple[Field, ...]) -> Any:
    value: Any = row
    for field in path:
        value = value.get(field.column) if isinstance(value, dict) else None
    # Of a relation whose row comes along, the server shows the row in the place of its key.
    target = path[-1].target
    return value[target.directus.pk.column] if isinstance(value, dict) and target is not None else value
