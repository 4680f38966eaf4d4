"""What of groups one request can bring: columns to group by, and totals of each group.

The server groups by its own columns and by functions of them, and computes over columns; not over relations, and
not everything on every database. What it cannot say is grouped finer, and put together in `merging`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from ..errors import UnsupportedQuery
from ..fields import Field
from ..wire import Row
from .grouping import Path, Term, kind_of, own_column
from .query import Query
from .transforms import PARTS


@attrs.frozen
class Column:
    """What the server groups by: a column, or a function of it."""

    field: Field
    function: str | None = None

    @property
    def text(self) -> str:
        """How a request names it."""
        return self.field.column if self.function is None else f"{self.function}({self.field.column})"

    @property
    def key(self) -> str:
        """How the rows of the answer name it."""
        return self.field.column if self.function is None else f"{self.field.column}_{self.function}"


@attrs.frozen
class Total:
    """What the server computes of a field's values in a group: ``sum``, ``countDistinct`` and others.

    Rows are counted by their keys: an answer that counts values and rows (``*``) shows the first alone.
    """

    function: str
    field: Field

    @property
    def text(self) -> str:
        """How a request names it in an ordering."""
        return f"{self.function}.{self.field.column}"

    def of(self, row: Row) -> Any:
        """Return it from a row of the answer."""
        return row[self.function][self.field.column]


@attrs.frozen
class Sorted:
    """One key of an ordering that the server is asked for."""

    by: Column | Total
    descending: bool = False


@attrs.frozen
class Ask:
    """One request for groups: of which rows, by which columns, with which totals, in what order, how many.

    The rows are those of the query's conditions, or those among ``keys``, where there are some.
    """

    rows: Query
    columns: tuple[Column, ...] = ()
    totals: tuple[Total, ...] = ()
    order: tuple[Sorted, ...] = ()
    keys: tuple[Any, ...] | None = None

    def __attrs_post_init__(self) -> None:
        names = [*(column.key for column in self.columns), *{total.function for total in self.totals}]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = (
                f"The server would answer with two things called {twice!r}: it names groups by their columns, and "
                "totals by their functions. Group in Python, or by another field."
            )
            raise UnsupportedQuery(msg)


# --- what the server groups by, of a name -----------------------------------------------------------------------

# Values that the server shows with fewer digits than it may keep (G30): two groups of its can look alike.
_MOMENTS = frozenset({"timestamp", "dateTime"})
_SHOWN_SHORTER = frozenset({"timestamp", "dateTime", "float"})
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
class Key:
    """A group key: the server's columns for it, and its value, of a row of the answer.

    ``finer`` says that the server makes several groups where one is meant; ``related`` is the rest of a path over
    a relation, whose values have to be read; the row gives the key of the related row then.
    """

    term: Term
    columns: tuple[Column, ...]
    get: Get = attrs.field(eq=False, repr=False)
    finer: bool = False
    related: Path = ()

    @property
    def moment(self) -> Field | None:
        """The field of whose moments the server takes parts."""
        first = self.columns[0]
        return first.field if first.function and kind_of(first.field) in _MOMENTS else None


def key(term: Term, *, whole: bool = False) -> Key:
    """Return how the server is asked to group by a value; by ``whole`` values, whose parts are taken here."""
    field, *related = own_column(term.path)
    if related:
        return Key(term, (Column(field),), _raw(field), finer=True, related=tuple(related))
    term = attrs.evolve(term, path=(field,))
    functions, finer = _functions(term)
    if whole or not functions:
        shorter = value_of(term) is not None or kind_of(field) in _SHOWN_SHORTER
        return Key(term, (Column(field),), _loaded(term), finer=shorter)
    columns = tuple(Column(field, function) for function in functions)
    return Key(term, columns, _made(columns, _maker(term, functions)), finer=finer)


def _functions(term: Term) -> tuple[tuple[str, ...], bool]:
    if term.start is not None:
        return _STARTS[term.start]
    if term.part is None or kind_of(term.field) == "time":  # SQLite has no hours of a time
        return (), False
    functions, finer = _FUNCTIONS[term.part]
    return ((), True) if kind_of(term.field) == "date" and functions == _DATE else (functions, finer)


def _raw(field: Field) -> Get:
    def get(row: Row) -> Any:
        value = row[field.column]
        return None if value is None else field.load(value)

    return get


def _loaded(term: Term) -> Get:
    get, field, value = _raw(term.field), term.field, value_of(term)

    def loaded(row: Row) -> Any:
        found = get(row)
        if found is None and not field.nullable:
            raise field.error("null", "the annotation has no '| None'", None, None)
        return found if found is None or value is None else value(found)

    return loaded


def value_of(term: Term) -> Callable[[Any], Any] | None:
    """Return the function from a field's value that is there to what is meant of it; None for the value itself."""
    if term.part is not None:
        return PARTS[term.part].of
    if term.start is not None:
        start, moment = term.start, term.moment
        return lambda value: beginning(value, start, moment=moment)
    return None


def _made(columns: tuple[Column, ...], make: Callable[..., Any]) -> Get:
    def get(row: Row) -> Any:
        raw = [row[column.key] for column in columns]
        # PostgreSQL sends numbers as text, and seconds with a fraction.
        return None if None in raw else make(*(int(str(number).partition(".")[0]) for number in raw))

    return get


def _maker(term: Term, functions: tuple[str, ...]) -> Callable[..., Any]:
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


_UNITS = ("year", "month", "day", "hour", "minute", "second")


def beginning(value: date, start: str, *, moment: bool) -> date:
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
