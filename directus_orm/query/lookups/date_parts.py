"""Lookups on parts of dates and times, such as ``time_hour__year__gt=2012``.

Years and days become ranges of dates: every database compares these alike, and can use an index. Other parts
become functions of the server where all databases compute the same. Where they do not, the server finds too many
rows, and they are rechecked in Python. Moments are taken in UTC, so the server's time zone must be UTC too (G31).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from ...core.errors import QueryError
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ...fields.type_table import AWARE_MOMENTS, CLOCKS, DATES, MOMENTS
from ..capabilities import DEFAULT_CAPABILITIES
from ..comparisons import COMPARISONS, MULTI_VALUE_LOOKUPS, OPERATORS, two_bounds
from ..conditions import NEVER, Comparison, Node, all_of, any_of
from .text_lookups import with_recheck
from .time_ranges import compare, time_range


@attrs.frozen
class DatePart:
    """A part of a date or a time.

    Args:
        name: the name, as a lookup.
        kinds: the Directus types that have this part.
        extract: computes the part of a value in Python.
        start: returns the first date on which the part has a value; only for parts that never decrease over time.
    """

    name: str
    kinds: frozenset[str]
    extract: Callable[[Any], Any] = attrs.field(eq=False)
    start: Callable[[Any], date] | None = attrs.field(default=None, eq=False)

    def of(self, value: Any) -> Any:
        """Return the part of a value; of None, it is None."""
        return None if value is None else self.extract(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _part_named, (self.name,)


def _part_named(name: str) -> DatePart:
    return DATE_PARTS[name]


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _same_date(value: date) -> date:
    return value


def _first_day(year: int) -> date:
    return date(year, 1, 1)


def _first_iso_day(year: int) -> date:
    return date.fromisocalendar(year, 1, 1)


DATE_PARTS = {
    part.name: part
    for part in (
        DatePart("date", MOMENTS, _day, _same_date),
        DatePart("year", DATES, lambda d: d.year, _first_day),
        DatePart("iso_year", DATES, lambda d: d.isocalendar().year, _first_iso_day),
        DatePart("quarter", DATES, lambda d: (d.month + 2) // 3),
        DatePart("month", DATES, lambda d: d.month),
        DatePart("day", DATES, lambda d: d.day),
        DatePart("week", DATES, lambda d: d.isocalendar().week),
        DatePart("week_day", DATES, lambda d: d.isoweekday() % 7 + 1),
        DatePart("iso_week_day", DATES, lambda d: d.isoweekday()),
        DatePart("hour", CLOCKS, lambda t: t.hour),
        DatePart("minute", CLOCKS, lambda t: t.minute),
        DatePart("second", CLOCKS, lambda t: t.second),
    )
}


def parts_of(kind: str) -> list[str]:
    """Return the names of the parts that fields of a Directus type have."""
    return [part.name for part in DATE_PARTS.values() if kind in part.kinds]


@attrs.frozen
class DatePartTest:
    """A test whether a part of a date or a time compares as wanted, on the value as the server sends it."""

    field: Field
    part: DatePart
    lookup: str
    value: Any

    def __call__(self, raw: Any) -> bool:
        """Return whether the part of the value compares as wanted."""
        return bool(COMPARISONS[self.lookup](self.part.extract(self.field.load(raw)), self.value))


def condition(path: FieldPath, part: DatePart, lookup: str, value: Any) -> Node:
    """Return the condition of a lookup on a part of the value at the end of a path.

    Raises:
        QueryError: the part cannot be compared with this value.
    """
    if lookup == "isnull":
        return Comparison(path, "null" if value else "nnull")
    value = _operand(path, part, lookup, value)
    bound = _bound_function(path, part)
    if bound is not None:
        return _by_bounds(bound, lookup, value)
    kind, function = path[-1].value_type.kind, DEFAULT_CAPABILITIES.part_functions.get(part.name)
    if function is not None and kind != "time":  # SQLite has no functions of a time
        return _by_function(path, function, lookup, value)
    superset = _superset(path[-1], part, lookup, value)
    if superset == NEVER:
        return NEVER
    return with_recheck(path, superset, DatePartTest(path[-1], part, lookup, value))


def _operand(path: FieldPath, part: DatePart, lookup: str, value: Any) -> Any:
    """Return what a part is compared with: one value, or a tuple of values for ``in`` and ``range``."""
    wanted: type = date if part.name == "date" else int
    is_list = lookup in MULTI_VALUE_LOOKUPS
    values = list(value) if is_list and isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if lookup == "in":
        values = [each for each in values if each is not None]
    fits = all(isinstance(each, wanted) and not isinstance(each, bool | datetime) for each in values)
    if not fits or (lookup == "range" and len(values) != 2):
        shapes = {"in": f"a list of {wanted.__name__}", "range": two_bounds(f"{wanted.__name__}s")}
        shape = shapes.get(lookup, f"one {wanted.__name__}")
        msg = f"{path_name(path)}__{part.name}__{lookup} takes {shape}, not {value!r}."
        raise QueryError(msg)
    return tuple(values) if is_list else values[0]


def _by_function(path: FieldPath, function: str, lookup: str, value: Any) -> Node:
    if lookup == "in" and not value:
        return NEVER
    return Comparison(path, OPERATORS[lookup], list(value) if lookup in MULTI_VALUE_LOOKUPS else value, function)


# --- parts as ranges --------------------------------------------------------------------------------------------

_Bound = Callable[[str, Any], Node]
"""Returns the condition that a part compares with a value, by the operator ``gte`` or ``lt``."""


def _bound_function(path: FieldPath, part: DatePart) -> _Bound | None:
    """Return the function for bounds of a part; None for a part that repeats over time, such as the month."""
    if part.start is not None:
        return functools.partial(_date_bound, path, part.start)
    if part.name == "quarter":
        function = DEFAULT_CAPABILITIES.part_functions["month"]
        return lambda operator, quarter: Comparison(path, operator, 3 * quarter - 2, function)
    if part.name == "hour" and path[-1].value_type.kind == "time":
        return functools.partial(_hour_bound, path)
    return None


def _by_bounds(bound: _Bound, lookup: str, value: Any) -> Node:
    """Return a comparison, written as "at least this, and less than the next"."""
    if lookup == "in":
        return any_of(_by_bounds(bound, "exact", each) for each in dict.fromkeys(value))
    low, high = value if lookup == "range" else (value, value)
    bounds: list[Node] = []
    if lookup not in ("lt", "lte"):
        bounds.append(bound("gte", _next(low) if lookup == "gt" else low))
    if lookup not in ("gt", "gte"):
        bounds.append(bound("lt", high if lookup == "lt" else _next(high)))
    return all_of(bounds)


def _next(value: Any) -> Any:
    """Return the next number or day; None after the last day that Python has."""
    if not isinstance(value, date):
        return value + 1
    return None if value == date.max else value + timedelta(days=1)


def _date_bound(path: FieldPath, start: Callable[[Any], date], operator: str, value: Any) -> Node:
    if value is None or (isinstance(value, int) and value > date.max.year):
        return _all_or_none(path, all_rows=operator == "lt")
    if isinstance(value, int) and value < 1:
        return _all_or_none(path, all_rows=operator == "gte")
    field, day = path[-1], start(value)
    zone = UTC if field.value_type.kind in AWARE_MOMENTS else None
    bound = day if field.value_type.kind == "date" else datetime.combine(day, time(), zone)
    try:
        return compare(path, operator, time_range(field, bound))
    except ValueError as error:
        msg = f"{path_name(path)}: {value} cannot be compared with: {error}."
        raise QueryError(msg) from None


def _hour_bound(path: FieldPath, operator: str, hour: int) -> Node:
    if not 0 < hour < 24:
        return _all_or_none(path, all_rows=(hour > 23) is (operator == "lt"))
    return compare(path, operator, time_range(path[-1], time(hour)))


def _all_or_none(path: FieldPath, *, all_rows: bool) -> Node:
    """Return the condition for a bound that all values meet, or none."""
    return Comparison(path, "nnull") if all_rows else NEVER


# --- parts that are rechecked -----------------------------------------------------------------------------------


def _superset(field: Field, part: DatePart, lookup: str, value: Any) -> Node:
    """Return a condition that holds for all rows that are meant, and for as few others as possible."""
    wanted = [number for number in range(60) if COMPARISONS[lookup](number, value)]
    if not wanted:
        return NEVER
    narrow = _NARROWING.get(part.name)
    if field.value_type.kind == "time" or narrow is None:
        return Comparison((field,), "nnull")
    function = DEFAULT_CAPABILITIES.narrowing_functions[part.name]
    return any_of([*narrow(field, function, wanted), *_before_1970(field)])


def _before_1970(field: Field) -> Iterator[Node]:
    """Yield the condition on moments whose fractions of a second SQLite rounds up."""
    if field.value_type.kind != "date":
        epoch = datetime(1970, 1, 1, tzinfo=UTC if field.value_type.kind in AWARE_MOMENTS else None)
        yield Comparison((field,), "lt", field.value_type.dump(epoch))


def _between_seconds(field: Field, function: str, wanted: list[int]) -> Iterator[Node]:
    # PostgreSQL has fractions of seconds.
    yield Comparison((field,), "between", [wanted[0], wanted[-1] + 1], function)


def _in_numbers(
    numbers_of: Callable[[int], Iterable[int]], field: Field, function: str, wanted: list[int]
) -> Iterator[Node]:
    numbers = sorted({number for each in wanted for number in numbers_of(each)})
    if numbers:
        yield Comparison((field,), "in", numbers, function)


@functools.cache
def _months_of_weeks() -> dict[int, frozenset[int]]:
    """Return the months that days of each ISO week can be in; the calendar repeats every 28 years."""
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(28 * 366)]
    weeks: dict[int, set[int]] = {}
    for day in days:
        weeks.setdefault(day.isocalendar().week, set()).add(day.month)
    return {week: frozenset(months) for week, months in weeks.items()}


# For each part, the numbers that the server's function returns on any database, so that no row is missed: Sunday
# is 0 on SQLite and PostgreSQL, and 1 on MariaDB.
_NARROWING: dict[str, Callable[[Field, str, list[int]], Iterator[Node]]] = {
    "second": _between_seconds,
    "week": functools.partial(_in_numbers, lambda week: _months_of_weeks().get(week, ())),
    "week_day": functools.partial(_in_numbers, lambda day: (day - 1, day)),
    "iso_week_day": functools.partial(_in_numbers, lambda day: (day % 7, day % 7 + 1)),
}
