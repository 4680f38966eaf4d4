"""What becomes of a measure while rows come in."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import Enum
from typing import Any, Protocol

from ...core.messages import Row
from ...fields.field import Field
from ...fields.paths import kind_of
from ...fields.scalars import SCALARS
from ...query.group_request import GroupColumn, ServerAggregate
from ...query.grouping import AggregateSpec

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


class Accumulator(Protocol):
    """What becomes of a measure in one group, while the rows that belong to it come in."""

    def add(self, row: Row, related: Related) -> None:
        """Take a row of an answer."""
        ...

    def value(self) -> Any:
        """Return the result; None where there was no value."""
        ...


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
        raise field.conversion_error(f"the server's total {value!r}", error, None, value) from error


def quotient(total: Any, count: int) -> Any:
    """Return a mean."""
    return _EXACT.divide(total, Decimal(count)) if isinstance(total, Decimal) else total / count


def plus(total: Any, more: Any) -> Any:
    """Return a sum; None is none."""
    return more if total is None else total if more is None else total + more


class _Count:
    def __init__(self, total: ServerAggregate) -> None:
        self._total = total
        self._number = 0

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        self._number += int(self._total.value_in(row))

    def value(self) -> int:
        return self._number


class _Sum:
    def __init__(self, total: ServerAggregate) -> None:
        self._total = total
        self._sum: Any = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        raw, field = self._total.value_in(row), self._total.field
        if raw is not None:
            self._sum = plus(self._sum, number(field, raw))

    def value(self) -> Any:
        return self._sum


class _Mean:
    def __init__(self, total: ServerAggregate, count: ServerAggregate) -> None:
        self._sum, self._count = _Sum(total), _Count(count)

    def add(self, row: Row, related: Related) -> None:
        self._sum.add(row, related)
        self._count.add(row, related)

    def value(self) -> Any:
        total = self._sum.value()
        return None if total is None else quotient(total, self._count.value())


class _FloatSum:
    def __init__(self, total: ServerAggregate, mean: ServerAggregate, count: ServerAggregate) -> None:
        self._totals = (total, mean, count)
        self._sum: float | None = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        total, mean, count = (total.value_in(row) for total in self._totals)
        if total is None:
            return
        precise = float(mean) * int(count)
        near = abs(float(total) - precise) <= _SINGLE * abs(precise)
        self._sum = plus(self._sum, float(total) if near else precise)

    def value(self) -> float | None:
        return self._sum


class _FloatMean:
    def __init__(self, mean: ServerAggregate, count: ServerAggregate) -> None:
        self._totals = (mean, count)
        self._parts: list[tuple[float, int]] = []

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        mean, count = (total.value_in(row) for total in self._totals)
        if mean is not None:
            self._parts.append((float(mean), int(count)))

    def value(self) -> float | None:
        if len(self._parts) == 1:
            return self._parts[0][0]
        if not self._parts:
            return None
        return sum(mean * count for mean, count in self._parts) / sum(count for _, count in self._parts)


class _Extreme:
    def __init__(self, total: ServerAggregate, rank: Rank) -> None:
        self._total = total
        self._rank = rank
        self._found: Any = None

    def add(self, row: Row, related: Related) -> None:  # noqa: ARG002
        raw, field = self._total.value_in(row), self._total.field
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


class _FromValues:
    """A result made of values; without ``distinct``, each as often as it occurs."""

    def __init__(
        self, column: GroupColumn, rows: ServerAggregate, measure: AggregateSpec, rank: Rank, *, related: bool
    ) -> None:
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
            self._take(value, int(self._rows.value_in(row)))

    def _take(self, value: Any, times: int) -> None:
        self._times[value] = 1 if self._measure.distinct else self._times.get(value, 0) + times

    def value(self) -> Any:
        """Return the result."""
        raise NotImplementedError


class _CountFromValues(_FromValues):
    def _take(self, value: Any, times: int) -> None:
        # Values that are counted need not be hashable.
        super()._take(value if self._measure.distinct else 0, times)

    def value(self) -> int:
        return sum(self._times.values())


class _SumFromValues(_FromValues):
    def value(self) -> Any:
        total: Any = None
        for value, times in self._times.items():
            total = plus(total, inner_value(value) * times)
        return total


class _MeanFromValues(_SumFromValues):
    def value(self) -> Any:
        total = super().value()
        return None if total is None else quotient(total, sum(self._times.values()))


class _ExtremeFromValues(_FromValues):
    def value(self) -> Any:
        found: Any = None
        for value in self._times:
            found = _further(self._measure.function, self._rank, found, value)
        return found


_FROM_VALUES: dict[str, type[_FromValues]] = {
    "count": _CountFromValues,
    "sum": _SumFromValues,
    "avg": _MeanFromValues,
    "min": _ExtremeFromValues,
    "max": _ExtremeFromValues,
}
