"""Parts of dates and times: ``time_hour__year``, as the server is asked for them, and in Python.

Years and days are said as ranges, which every database answers alike, and from an index. The other parts are the
server's functions where these agree; where they do not, the server narrows the rows and Python looks at them.
Moments are those of UTC: the server's own zone must be that as well (G31).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from ...core.errors import QueryError
from ...fields.field import Field
from ...fields.paths import path_name
from ...fields.type_table import CLOCKS, DATES, MOMENTS
from ..conditions import NEVER, Comparison, Node, all_of, any_of
from .text_lookups import with_recheck

Path = tuple[Field, ...]


@attrs.frozen
class DatePart:
    """A part of a date or a time: the types of field that have it, and its value in Python.

    ``function`` is the server's, where all databases agree on it; ``start`` gives the first date or moment of
    which the part has a value, where the part grows with the date.
    """

    name: str
    kinds: frozenset[str]
    extract: Callable[[Any], Any] = attrs.field(eq=False)
    function: str | None = None
    start: Callable[[Any], date] | None = attrs.field(default=None, eq=False)

    def of(self, value: Any) -> Any:
        """Return the part of a value, of None None."""
        return None if value is None else self.extract(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


def _named(name: str) -> DatePart:
    return DATE_PARTS[name]


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _same(number: date) -> date:
    return number


DATE_PARTS = {
    part.name: part
    for part in (
        DatePart("date", MOMENTS, _day, start=_same),
        DatePart("year", DATES, lambda d: d.year, start=lambda year: date(year, 1, 1)),
        DatePart(
            "iso_year", DATES, lambda d: d.isocalendar().year, start=lambda year: date.fromisocalendar(year, 1, 1)
        ),
        DatePart("quarter", DATES, lambda d: (d.month + 2) // 3),
        DatePart("month", DATES, lambda d: d.month, "month"),
        DatePart("day", DATES, lambda d: d.day, "day"),
        DatePart("week", DATES, lambda d: d.isocalendar().week),
        DatePart("week_day", DATES, lambda d: d.isoweekday() % 7 + 1),
        DatePart("iso_week_day", DATES, lambda d: d.isoweekday()),
        DatePart("hour", CLOCKS, lambda t: t.hour, "hour"),
        DatePart("minute", CLOCKS, lambda t: t.minute, "minute"),
        DatePart("second", CLOCKS, lambda t: t.second),
    )
}


@attrs.frozen
class DatePartTest:
    """Whether a part of a date or a time, as the server sends it, compares as asked."""

    field: Field
    part: DatePart
    lookup: str
    value: Any

    def __call__(self, raw: Any) -> bool:
        """Return whether it does."""
        return bool(COMPARISONS[self.lookup](self.part.extract(self.field.load(raw)), self.value))


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, choices: value in choices,
    "range": lambda value, bounds: bounds[0] <= value <= bounds[1],
}
"""What can be asked of a part, in Python."""

_OPERATORS = {
    "exact": "eq",
    "in": "in",
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "range": "between",
}


def condition(path: Path, part: DatePart, lookup: str, value: Any) -> Node:
    """Return the condition that a part of the value at the end of a path compares as asked.

    Raises:
        QueryError: the value is not one to compare the part with.
    """
    if lookup == "isnull":
        return Comparison(path, "null" if value else "nnull")
    value = _operand(path, part, lookup, value)
    at_least = _bounds(path, part)
    if at_least is not None:
        return _in_bounds(path, at_least, lookup, value)
    if part.function is not None and path[-1].value_type.kind != "time":
        if lookup == "in":
            return Comparison(path, "in", list(value), part.function) if value else NEVER
        return Comparison(path, _OPERATORS[lookup], list(value) if lookup == "range" else value, part.function)
    return with_recheck(
        path, _narrowed(path[-1], part, lookup, value), DatePartTest(path[-1], part, lookup, value)
    )


def _operand(path: Path, part: DatePart, lookup: str, value: Any) -> Any:
    kind: type = date if part.name == "date" else int
    many = lookup in ("in", "range")
    values = list(value) if many and isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if lookup == "in":
        values = [v for v in values if v is not None]
    fits = all(isinstance(v, kind) and not isinstance(v, bool | datetime) for v in values)
    if not fits or (lookup == "range" and len(values) != 2):
        what = {"in": f"a list of {kind.__name__}", "range": f"two {kind.__name__}s, the lowest and the highest"}
        msg = (
            f"{path_name(path)}__{part.name}__{lookup} takes {what.get(lookup, f'one {kind.__name__}')}, "
            f"not {value!r}."
        )
        raise QueryError(msg)
    return tuple(values) if many else values[0]


# A function that returns the condition that a part is at least so much; negated, less.
_AtLeast = Callable[[Any, bool], Node]


def _bounds(path: Path, part: DatePart) -> _AtLeast | None:
    """Return how "at least" is said of a part that grows with the value, or that is said by another's growth."""
    if part.start is not None:
        return functools.partial(_from_start, path, part.start)
    if part.name == "quarter":
        return lambda n, less: Comparison(path, "lt" if less else "gte", 3 * n - 2, "month")
    if part.name == "hour" and path[-1].value_type.kind == "time":
        return functools.partial(_from_hour, path)
    return None


def _in_bounds(path: Path, at_least: _AtLeast, lookup: str, value: Any) -> Node:
    if lookup == "in":
        return any_of(_in_bounds(path, at_least, "exact", v) for v in dict.fromkeys(value))
    low, high = value if lookup == "range" else (value, value)
    lows = [at_least(_next(low) if lookup == "gt" else low, False)] if lookup not in ("lt", "lte") else []
    highs = [at_least(high if lookup == "lt" else _next(high), True)] if lookup not in ("gt", "gte") else []
    return all_of([*lows, *highs])


def _next(value: Any) -> Any:
    if not isinstance(value, date):
        return value + 1
    return None if value == date.max else value + timedelta(days=1)


def _from_start(path: Path, start: Callable[[Any], date], value: Any, less: bool) -> Node:
    if value is None or (isinstance(value, int) and value > date.max.year):
        return Comparison(path, "nnull") if less else NEVER
    if isinstance(value, int) and value < 1:
        return NEVER if less else Comparison(path, "nnull")
    field = path[-1]
    day = start(value)
    zone = UTC if field.value_type.kind == "timestamp" else None
    bound = day if field.value_type.kind == "date" else datetime.combine(day, time(), zone)
    try:
        return Comparison(path, "lt" if less else "gte", field.value_type.dump(bound))
    except ValueError as error:
        msg = f"{path_name(path)}: {value} cannot be compared with: {error}."
        raise QueryError(msg) from None


def _from_hour(path: Path, hour: int, less: bool) -> Node:
    if not 0 < hour < 24:
        return Comparison(path, "nnull") if (hour > 23) is less else NEVER
    return Comparison(path, "lt" if less else "gte", path[-1].value_type.dump(time(hour)))


def _narrowed(field: Field, part: DatePart, lookup: str, value: Any) -> Node:
    """Return a condition that all values meet whose part compares as asked, and as few others as can be said."""
    wanted = [n for n in range(60) if COMPARISONS[lookup](n, value)]
    if not wanted:
        return NEVER
    if field.value_type.kind == "time" or part.name not in _POSSIBLE:
        return Comparison((field,), "nnull")
    return any_of([*_POSSIBLE[part.name](field, wanted), *_before_1970(field)])


def _before_1970(field: Field) -> Iterator[Node]:
    """Yield the condition on moments whose fractions of a second SQLite rounds up."""
    if field.value_type.kind != "date":
        early = datetime(1970, 1, 1, tzinfo=UTC if field.value_type.kind == "timestamp" else None)
        yield Comparison((field,), "lt", field.value_type.dump(early))


def _seconds(field: Field, wanted: list[int]) -> Iterator[Node]:
    # PostgreSQL has fractions of seconds.
    yield Comparison((field,), "between", [wanted[0], wanted[-1] + 1], "second")


def _numbered(
    function: str, numbers: Callable[[int], Iterable[int]], field: Field, wanted: list[int]
) -> Iterator[Node]:
    found = sorted({number for n in wanted for number in numbers(n)})
    if found:
        yield Comparison((field,), "in", found, function)


@functools.cache
def _months_of_weeks() -> dict[int, frozenset[int]]:
    """Return the months that days of an ISO week can be in; weeks fall alike every 28 years."""
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(28 * 366)]
    weeks: dict[int, set[int]] = {}
    for day in days:
        weeks.setdefault(day.isocalendar().week, set()).add(day.month)
    return {week: frozenset(months) for week, months in weeks.items()}


# How the server is asked for the parts that databases count differently, so that none is missed. The Sunday of
# SQLite and PostgreSQL is 0, that of MariaDB 1.
_POSSIBLE: dict[str, Callable[[Field, list[int]], Iterator[Node]]] = {
    "second": _seconds,
    "week": functools.partial(_numbered, "month", lambda week: _months_of_weeks().get(week, ())),
    "week_day": functools.partial(_numbered, "weekday", lambda day: (day - 1, day)),
    "iso_week_day": functools.partial(_numbered, "weekday", lambda day: (day % 7, day % 7 + 1)),
}
