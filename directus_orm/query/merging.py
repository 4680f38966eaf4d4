"""Totals of groups, put together: what of each row the server sends goes into which result.

A measure is taken from the server's own totals where these are exact and can be added up. Else the rows are
grouped by the value as well, and its results are made of the values and how often each occurs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import Enum
from typing import Any, Protocol

import attrs

from ..fields import Field
from ..scalars import SCALARS
from ..wire import Row
from .conditions import ALWAYS, Leaf, Node, all_of
from .grouping import Measure, Path, kind_of, own_column
from .parts import Column, Total

# The server sends the numbers of these as they are; of dates as dates, of csv as lists, of secrets as asterisks.
_COUNTED = frozenset("integer bigInteger float decimal string text uuid time boolean".split())
# What databases order by collations of their own.
TEXTS = frozenset({"string", "text", "binary", "uuid"})
# Not every database compares these with min and max.
_COMPARED_HERE = frozenset({"boolean"})
# PostgreSQL adds up single floats in single precision; this is theirs.
_SINGLE = 2.0**-23

_EXACT = Context(prec=28)
_DOUBLE = Context(prec=15)

# The key of a related row -> the value behind it.
Related = Mapping[Any, Any]


# A value -> what it is compared by.
Rank = Callable[[Any], Any]


def inner_value(value: Any) -> Any:
    """Return a value, of an Enum what the database has for it."""
    return value.value if isinstance(value, Enum) else value


class Result(Protocol):
    """What becomes of a measure in one group, while the rows that belong to it come in."""

    def add(self, row: Row, related: Related) -> None:
        """Take a row of an answer."""
        ...

    def value(self) -> Any:
        """Return the result; None where there was no value."""
        ...


@attrs.frozen
class Recipe:
    """How a measure is made: of which rows, grouped by which further column, with which totals.

    ``related`` is the rest of a path over a relation; the column holds the key of the related row then. ``texts``
    is the path of texts that have to be compared here, by their places in the database's order.
    """

    make: Callable[[Rank], Result] = attrs.field(eq=False, repr=False)
    totals: tuple[Total, ...]
    where: Node = ALWAYS
    column: Column | None = None
    related: Path = ()
    texts: Path = ()

    @property
    def is_first(self) -> bool:
        """Whether it comes with the groups themselves, without a request of its own."""
        return self.where == ALWAYS and self.column is None


def recipe(measure: Measure, *, split: bool) -> Recipe:
    """Return how a measure is made; ``split`` says that a group comes in several rows."""
    measure = attrs.evolve(measure, path=own_column(measure.path))
    field, *rest = measure.path
    if rest or _needs_values(measure, split):
        return _of_values(measure)
    if measure.function == "count" and kind_of(field) not in _COUNTED:
        present = all_of([measure.where, Leaf((field,), "nnull")])
        rows = _rows(field)
        return Recipe(lambda _: _Count(rows), (rows,), present)
    return _of_totals(measure, field, split=split)


def _needs_values(measure: Measure, split: bool) -> bool:
    kind = kind_of(measure.path[-1])
    if measure.function in ("min", "max"):
        return kind in _COMPARED_HERE
    return measure.distinct and (split or (measure.function == "count" and kind not in _COUNTED))


def _of_totals(measure: Measure, field: Field, *, split: bool) -> Recipe:
    suffix = "Distinct" if measure.distinct else ""
    count, mean = Total(f"count{suffix}", field), Total(f"avg{suffix}", field)
    whole = Total(f"sum{suffix}", field)
    single = kind_of(field) == "float"
    match measure.function:
        case "count":
            return Recipe(lambda _: _Count(count), (count,), measure.where)
        case "sum" if single:
            return Recipe(lambda _: _FloatSum(whole, mean, count), (whole, mean, count), measure.where)
        case "sum":
            return Recipe(lambda _: _Sum(whole), (whole,), measure.where)
        case "avg" if single:
            return Recipe(lambda _: _FloatMean(mean, count), (mean, count), measure.where)
        case "avg":
            return Recipe(lambda _: _Mean(whole, count), (whole, count), measure.where)
    extreme = Total(measure.function, field)
    texts = _texts(measure) if split else ()
    return Recipe(lambda rank: _Extreme(extreme, rank), (extreme,), measure.where, texts=texts)


def _of_values(measure: Measure) -> Recipe:
    first, *rest = measure.path
    make, column, rows = _VALUED[measure.function], Column(first), _rows(first)
    return Recipe(
        lambda rank: make(column, rows, measure, rank, related=bool(rest)),
        (rows,),
        measure.where,
        column,
        tuple(rest),
        _texts(measure),
    )


def _texts(measure: Measure) -> Path:
    """Return the path of the texts that a measure compares."""
    compares = measure.function in ("min", "max") and kind_of(measure.path[-1]) in TEXTS
    return measure.path if compares else ()


def _rows(field: Field) -> Total:
    return Total("count", field.model.directus.pk)


# --- numbers --------------------------------------------------------------------------------------------------


def number(field: Field, value: Any) -> Any:
    """Return a total of a field's numbers: an int, a float, or a Decimal.

    Raises:
        ConversionError: the server cannot write it exactly.
    """
    kind = kind_of(field)
    try:
        if kind in ("integer", "bigInteger"):
            return SCALARS[int][kind][0](value)
        if kind == "float" or field.value_type.python == "float":
            return float(value)
        # SQLite adds decimals up as floating point; 15 digits of the sum are the numbers' own, as under Django.
        return Decimal(value) if isinstance(value, str | int) else _DOUBLE.create_decimal_from_float(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise field.error(f"the server's total {value!r}", error, None, value) from error


def quotient(total: Any, count: int) -> Any:
    """Return a mean."""
    return _EXACT.divide(total, Decimal(count)) if isinstance(total, Decimal) else total / count


def plus(total: Any, more: Any) -> Any:
    """Return a sum; None is none."""
    return more if total is None else total if more is None else total + more


class _Count:
    def __init__(self, total: Total) -> None:
        self._total = total
        self._number = 0

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        self._number += int(self._total.of(row))

    def value(self) -> int:
        return self._number


class _Sum:
    def __init__(self, total: Total) -> None:
        self._total = total
        self._sum: Any = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        raw, field = self._total.of(row), self._total.field
        if raw is not None:
            self._sum = plus(self._sum, number(field, raw))

    def value(self) -> Any:
        return self._sum


class _Mean:
    def __init__(self, total: Total, count: Total) -> None:
        self._sum, self._count = _Sum(total), _Count(count)

    def add(self, row: Row, related: Related) -> None:
        self._sum.add(row, related)
        self._count.add(row, related)

    def value(self) -> Any:
        total = self._sum.value()
        return None if total is None else quotient(total, self._count.value())


class _FloatSum:
    def __init__(self, total: Total, mean: Total, count: Total) -> None:
        self._totals = (total, mean, count)
        self._sum: float | None = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        total, mean, count = (total.of(row) for total in self._totals)
        if total is None:
            return
        precise = float(mean) * int(count)
        near = abs(float(total) - precise) <= _SINGLE * abs(precise)
        self._sum = plus(self._sum, float(total) if near else precise)

    def value(self) -> float | None:
        return self._sum


class _FloatMean:
    def __init__(self, mean: Total, count: Total) -> None:
        self._totals = (mean, count)
        self._parts: list[tuple[float, int]] = []

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        mean, count = (total.of(row) for total in self._totals)
        if mean is not None:
            self._parts.append((float(mean), int(count)))

    def value(self) -> float | None:
        if len(self._parts) == 1:
            return self._parts[0][0]
        if not self._parts:
            return None
        return sum(mean * count for mean, count in self._parts) / sum(count for _, count in self._parts)


class _Extreme:
    def __init__(self, total: Total, rank: Rank) -> None:
        self._total = total
        self._rank = rank
        self._found: Any = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        raw, field = self._total.of(row), self._total.field
        if raw is not None:
            found = field.load(in_rows(field, raw))
            self._found = _further(self._total.function, self._rank, self._found, found)

    def value(self) -> Any:
        return self._found


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of the server's own time, whichever it is
_WRITTEN = {"timestamp": "%Y-%m-%dT%H:%M:%S.%fZ", "dateTime": "%Y-%m-%dT%H:%M:%S", "date": "%Y-%m-%d"}


def in_rows(field: Field, raw: Any) -> Any:
    """Return the least or greatest date as rows show it; Directus 10 writes it as the database does."""
    written = _WRITTEN.get(kind_of(field))
    if written is None or (isinstance(raw, str) and not raw.endswith("Z")):
        return raw
    moment = _EPOCH + timedelta(milliseconds=raw) if isinstance(raw, int) else datetime.fromisoformat(raw[:-1])
    return moment.strftime(written) if moment.year > 999 else raw


_CHOICES: dict[str, Callable[[Any, Any], Any]] = {"min": operator.lt, "max": operator.gt}


def _further(function: str, rank: Rank, found: Any, value: Any) -> Any:
    if found is None:
        return value
    return value if _CHOICES[function](rank(value), rank(found)) else found


# --- of values and how often each occurs ----------------------------------------------------------------------


class _Valued:
    """A result made of values; without ``distinct``, each as often as it occurs."""

    def __init__(self, column: Column, rows: Total, measure: Measure, rank: Rank, *, related: bool) -> None:
        self._column = column
        self._rank = rank
        self._rows = rows
        self._measure = measure
        self._related = related
        self._times: dict[Any, int] = {}

    def add(self, row: Row, related: Related) -> None:
        raw = row[self._column.key]
        if raw is None:
            return
        value = self._column.field.load(raw)
        if self._related:
            value = related.get(value)
        if value is not None:
            self._take(value, int(self._rows.of(row)))

    def _take(self, value: Any, times: int) -> None:
        self._times[value] = 1 if self._measure.distinct else self._times.get(value, 0) + times

    def value(self) -> Any:
        """Return the result."""
        raise NotImplementedError


class _ValuedCount(_Valued):
    def _take(self, value: Any, times: int) -> None:
        # Values that are counted need not be hashable.
        super()._take(value if self._measure.distinct else 0, times)

    def value(self) -> int:
        return sum(self._times.values())


class _ValuedSum(_Valued):
    def value(self) -> Any:
        total: Any = None
        for value, times in self._times.items():
            total = plus(total, inner_value(value) * times)
        return total


class _ValuedMean(_ValuedSum):
    def value(self) -> Any:
        total = super().value()
        return None if total is None else quotient(total, sum(self._times.values()))


class _ValuedExtreme(_Valued):
    def value(self) -> Any:
        found: Any = None
        for value in self._times:
            found = _further(self._measure.function, self._rank, found, value)
        return found


_VALUED: dict[str, type[_Valued]] = {
    "count": _ValuedCount,
    "sum": _ValuedSum,
    "avg": _ValuedMean,
    "min": _ValuedExtreme,
    "max": _ValuedExtreme,
}
