"""Accumulators: they combine the rows that the server sends for one group into the value of one aggregate.

An accumulator takes either the server's own aggregates, or single values with the number of rows that have each.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import Enum
from typing import Any

import attrs

from ...core.request_response import Row
from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of
from ...fields.scalar_values import SCALARS
from ...query.capabilities import Capabilities
from ...query.group_request import GroupColumn, ServerAggregate

_EXACT = Context(prec=28)
_DOUBLE = Context(prec=15)

RelatedByKey = Mapping[Any, Any]
"""The key of a related row -> the value at the end of a path over it."""

Rank = Callable[[Any], Any]
"""Returns the key by which a value is compared with others, as the key of `sorted` does."""


def plain_value(value: Any) -> Any:
    """Return a value as the database has it: the value of an Enum member, others as they are."""
    return value.value if isinstance(value, Enum) else value


@attrs.frozen
class AggregateInputs:
    """What an accumulator reads from each row of a response.

    ``aggregates`` are the server's aggregates, in the order that the class of the accumulator takes them. With
    ``column``, each row is for one value of that column. With ``related``, the rest of a path, that value is the
    key of a related row, and the value to aggregate is looked up by it.
    """

    function: str
    aggregates: tuple[ServerAggregate, ...]
    capabilities: Capabilities
    distinct: bool = False
    column: GroupColumn | None = None
    related: FieldPath = ()


class Accumulator(ABC):
    """Combines rows of one group into the value of one aggregate."""

    @abstractmethod
    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None: ...

    @abstractmethod
    def add(self, row: Row, related: RelatedByKey) -> None:
        """Take in one row of a response."""

    @abstractmethod
    def result(self) -> Any:
        """Return the value of the aggregate; None if no row had a value."""


# --- from the server's own aggregates --------------------------------------------------------------------------


class CountAccumulator(Accumulator):
    """Adds up the server's counts."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:  # noqa: ARG002
        (self._count,) = inputs.aggregates
        self._rows = 0

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        self._rows += load_count(self._count, row)

    def result(self) -> int:
        """Return the number of rows or values."""
        return self._rows


class SumAccumulator(Accumulator):
    """Adds up the server's sums of exact numbers."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:  # noqa: ARG002
        (self._sum,) = inputs.aggregates
        self._total: Any = None

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        raw = self._sum.value_in(row)
        if raw is not None:
            self._total = _add(self._total, load_sum(self._sum.field, raw))

    def result(self) -> Any:
        """Return the sum."""
        return self._total


class MeanAccumulator(Accumulator):
    """Divides the server's sums of exact numbers by its counts."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:  # noqa: ARG002
        self._sum, self._count = inputs.aggregates
        self._total: Any = None
        self._values = 0

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        raw = self._sum.value_in(row)
        if raw is not None:
            self._total = _add(self._total, load_sum(self._sum.field, raw))
        self._values += load_count(self._count, row)

    def result(self) -> Any:
        """Return the mean."""
        return None if self._total is None else _divide(self._total, self._values)


class FloatSumAccumulator(Accumulator):
    """Adds up the server's sums of floats; where a sum is less precise, mean times count replaces it."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:  # noqa: ARG002
        self._sum, self._mean, self._count = inputs.aggregates
        self._sum_error = inputs.capabilities.sum_error
        self._total: float | None = None

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        raw = self._sum.value_in(row)
        if raw is None:
            return
        total = _load_float(self._sum.field, raw)
        precise = _load_float(self._mean.field, self._mean.value_in(row)) * load_count(self._count, row)
        is_close = abs(total - precise) <= self._sum_error * abs(precise)
        self._total = _add(self._total, total if is_close else precise)

    def result(self) -> float | None:
        """Return the sum."""
        return self._total


class FloatMeanAccumulator(Accumulator):
    """Weights the server's means of floats by its counts."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:  # noqa: ARG002
        self._mean, self._count = inputs.aggregates
        self._means: list[tuple[float, int]] = []

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        raw = self._mean.value_in(row)
        if raw is not None:
            self._means.append((_load_float(self._mean.field, raw), load_count(self._count, row)))

    def result(self) -> float | None:
        """Return the mean."""
        if not self._means:
            return None
        if len(self._means) == 1:
            return self._means[0][0]
        return sum(mean * count for mean, count in self._means) / sum(count for _, count in self._means)


class ExtremeAccumulator(Accumulator):
    """Keeps the least or the greatest of the server's ``min`` or ``max``."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:
        self._inputs, self._rank = inputs, rank
        (self._extreme,) = inputs.aggregates
        self._value: Any = None

    def add(self, row: Row, related: RelatedByKey) -> None:  # noqa: ARG002
        """Take in one row of a response."""
        raw, field = self._extreme.value_in(row), self._extreme.field
        if raw is not None:
            value = load_extreme(field, raw, self._inputs.capabilities)
            self._value = _extreme_of(self._inputs.function, self._rank, self._value, value)

    def result(self) -> Any:
        """Return the least or greatest value."""
        return self._value


# --- from single values, and how many rows have each ------------------------------------------------------------


class ValuesAccumulator(Accumulator):
    """Collects values and how often each occurs; with ``distinct``, each counts once."""

    def __init__(self, inputs: AggregateInputs, rank: Rank) -> None:
        self._inputs, self._rank = inputs, rank
        assert inputs.column is not None  # noqa: S101 - plans from values have one
        self._column = inputs.column
        (self._row_count,) = inputs.aggregates
        self._times: dict[Any, int] = {}

    def add(self, row: Row, related: RelatedByKey) -> None:
        """Take in one row of a response."""
        raw = row[self._column.key]
        if raw is None:
            return
        value = self._column.field.load(raw)
        if self._inputs.related:
            value = related.get(value)
        if value is not None:
            self._collect(value, load_count(self._row_count, row))

    def _collect(self, value: Any, times: int) -> None:
        self._times[value] = 1 if self._inputs.distinct else self._times.get(value, 0) + times


class ValuesCount(ValuesAccumulator):
    """Counts the values."""

    def _collect(self, value: Any, times: int) -> None:
        # Values that are only counted need not be hashable: they are collected under one key.
        super()._collect(value if self._inputs.distinct else 0, times)

    def result(self) -> int:
        """Return the number of values."""
        return sum(self._times.values())


class ValuesSum(ValuesAccumulator):
    """Adds up the values."""

    def result(self) -> Any:
        """Return the sum."""
        total: Any = None
        for value, times in self._times.items():
            total = _add(total, plain_value(value) * times)
        return total


class ValuesMean(ValuesSum):
    """Divides the sum of the values by their number."""

    def result(self) -> Any:
        """Return the mean."""
        total = super().result()
        return None if total is None else _divide(total, sum(self._times.values()))


class ValuesExtreme(ValuesAccumulator):
    """Finds the least or the greatest of the values."""

    def result(self) -> Any:
        """Return the least or greatest value."""
        extreme: Any = None
        for value in self._times:
            extreme = _extreme_of(self._inputs.function, self._rank, extreme, value)
        return extreme


# --- numbers and dates as the server writes aggregates ---------------------------------------------------------


def load_sum(field: Field, raw: Any) -> Any:
    """Return the server's sum of a field's numbers as an int, a float, or a Decimal.

    Raises:
        ConversionError: the server did not write the sum exactly.
    """
    kind = kind_of(field)
    try:
        if kind in ("integer", "bigInteger"):
            return SCALARS[int][kind][0](raw)
        if kind == "float" or field.value_type.python == "float":
            return float(raw)
        # SQLite adds up decimals as floats: 15 digits of the sum are exact, as in Django.
        return Decimal(raw) if isinstance(raw, str | int) else _DOUBLE.create_decimal_from_float(raw)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise field.conversion_error(f"the server's total {raw!r}", error, None, raw) from error


def load_count(count: ServerAggregate, row: Row) -> int:
    """Return the server's count of a group, which some databases send as text.

    Raises:
        ConversionError: it is no number.
    """
    raw = count.value_in(row)
    try:
        return int(raw)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise count.field.conversion_error(f"the server's count {raw!r}", error, None, raw) from error


def _load_float(field: Field, raw: Any) -> float:
    try:
        return float(raw)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise field.conversion_error(f"the server's total {raw!r}", error, None, raw) from error


def _add(total: Any, number: Any) -> Any:
    return number if total is None else total + number


def _divide(total: Any, count: int) -> Any:
    return _EXACT.divide(total, Decimal(count)) if isinstance(total, Decimal) else total / count


_IS_FURTHER: dict[str, Callable[[Any, Any], bool]] = {"min": operator.lt, "max": operator.gt}


def _extreme_of(function: str, rank: Rank, current: Any, value: Any) -> Any:
    if current is None:
        return value
    return value if _IS_FURTHER[function](rank(value), rank(current)) else current


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - in the server's own time, whichever that is


def load_extreme(field: Field, raw: Any, capabilities: Capabilities) -> Any:
    """Load the server's ``min`` or ``max`` of a field, in which Directus 10 writes dates unlike in rows."""
    date_format = capabilities.date_formats.get(kind_of(field))
    if date_format is None or (isinstance(raw, str) and not raw.endswith("Z")):
        return field.load(raw)
    try:
        moment = _EPOCH + timedelta(milliseconds=raw) if isinstance(raw, int) else datetime.fromisoformat(raw[:-1])
    except (ValueError, TypeError, ArithmeticError) as error:
        raise field.conversion_error(f"the server's value {raw!r}", error, None, raw) from error
    return field.load(moment.strftime(date_format) if moment.year > 999 else raw)
