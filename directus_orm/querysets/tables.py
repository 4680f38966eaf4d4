"""Tables of values: Arrow, pandas, polars. The column types come from the model, even without rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from ..core.errors import ConfigurationError, ConversionError, QueryError
from ..core.progress import Advance
from ..fields.field import Field
from ..fields.paths import kind_of
from ..fields.scalar_values import SCALARS, Convert
from ..fields.type_table import directus_type
from ..query.grouping import AggregateSpec
from ..query.query import Query
from ..query.value_refs import Alias, ValueRef
from ..reading.row_values import value_transform

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


# The number of rows held as Python objects at a time; Arrow needs a tenth of their memory.
ROWS_AT_ONCE = 10_000
# The most digits of a decimal128.
_DIGITS = 38


@attrs.frozen
class TableColumn:
    """A column of a table: its name, its kind (a key of `_ARROW_TYPES`), and the conversion of non-null values."""

    name: str
    kind: str
    convert: Convert | None = None


# The Arrow type of each `TableColumn.kind`; the scale of decimals is that of their values.
_ARROW_TYPES: dict[str, Callable[[Any], Any]] = {
    "bool": lambda pa: pa.bool_(),
    "date": lambda pa: pa.date32(),
    "decimal": lambda pa: pa.decimal128(_DIGITS, 0),
    "float": lambda pa: pa.float64(),
    "int": lambda pa: pa.int64(),
    "list": lambda pa: pa.list_(pa.string()),
    "moment": lambda pa: pa.timestamp("ms", tz="UTC"),
    "naive": lambda pa: pa.timestamp("ms"),
    "text": lambda pa: pa.string(),
    "time": lambda pa: pa.time64("us"),
}
# The Python types whose values Arrow takes as they are, by `FieldType.python`.
_TAKEN_AS_IS = {kind.__name__ for kind in (str, int, float, bool, Decimal, datetime, date, time)}
# The loader of each Directus type into the first Python type that it has in `SCALARS`.
_LOADERS: dict[str, Convert] = {
    kind: load for python, kinds in reversed(SCALARS.items()) for kind, (load, *_) in kinds.items()
}


def table_columns(query: Query, columns: Iterable[tuple[str, Alias | None]]) -> list[TableColumn]:
    """Return the table column for each column of `values`.

    Raises:
        QueryError: two columns have the same name.
    """
    aggregates = {} if query.grouping is None else dict(query.grouping.aggregates)
    converted = [_column(name, aggregates[name] if alias is None else alias) for name, alias in columns]
    names = [column.name for column in converted]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        msg = f"A table has each column once, and {repeated!r} is named twice."
        raise QueryError(msg)
    return converted


def _column(name: str, value: Alias | AggregateSpec) -> TableColumn:
    if isinstance(value, AggregateSpec):
        return _aggregate_column(name, value)
    if not isinstance(value, ValueRef):
        return TableColumn(name, "int")  # a number of related rows
    if value_transform(value) is None:
        return _field_column(name, value.field)
    if value.part is not None:
        return TableColumn(name, "date" if value.part == "date" else "int")
    return TableColumn(name, directus_type(kind_of(value.field)).arrow if value.as_datetime else "date")


def _aggregate_column(name: str, aggregate: AggregateSpec) -> TableColumn:
    if aggregate.function == "count":
        return TableColumn(name, "int")
    column = _field_column(name, aggregate.path[-1])
    return TableColumn(name, "float") if aggregate.function == "avg" and column.kind == "int" else column


def _field_column(name: str, field: Field) -> TableColumn:
    kind, python, dump = kind_of(field), field.value_type.python, field.value_type.dump
    if kind in ("json", "geometry"):
        return TableColumn(name, "text", lambda value: _json_text(dump(value)))
    if kind == "csv":
        return TableColumn(name, "list")
    if python == "float":
        return TableColumn(name, "float")
    if python in _TAKEN_AS_IS:
        return TableColumn(name, directus_type(kind).arrow)
    arrow = directus_type(kind).arrow
    if kind in ("key", "uuid"):
        return TableColumn(name, arrow, str)
    load = _LOADERS[kind]
    return TableColumn(name, arrow, lambda value: load(dump(value)))


def _json_text(dumped: Any) -> str:
    # A bare string is dumped as JSON text already.
    return dumped if isinstance(dumped, str) else json.dumps(dumped, ensure_ascii=False)


# --- making tables ----------------------------------------------------------------------------------------------


def arrow_table(columns: list[TableColumn], rows: Iterable[tuple[Any, ...]], advance: Advance) -> pa.Table:
    """Return an Arrow table of rows; at most `ROWS_AT_ONCE` of them are held as Python objects at a time."""
    pa = import_library("pyarrow", "arrow")
    types = [_ARROW_TYPES[column.kind](pa) for column in columns]
    chunks: list[list[Any]] = [[] for _ in columns]  # by column
    for some_rows in _in_chunks(iter(rows)):
        by_column = zip(columns, types, chunks, zip(*some_rows, strict=True), strict=True)
        for column, arrow_type, chunks_of_column, values in by_column:
            chunks_of_column.append(_array(pa, column, arrow_type, values))
        advance(len(some_rows))
    arrays = [_chunked_array(pa, arrow_type, chunk) for arrow_type, chunk in zip(types, chunks, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def pandas_frame(table: pa.Table) -> pd.DataFrame:
    """Return a pandas DataFrame with Arrow types."""
    return table.to_pandas(types_mapper=import_library("pandas").ArrowDtype)


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """Return a polars DataFrame, which shares the memory of the Arrow table."""
    frame: pl.DataFrame = import_library("polars").from_arrow(table)
    return frame


def import_library(name: str, extra: str | None = None) -> Any:
    """Return a library that an extra of this package installs.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        msg = f"This table is made with {name}, which is missing: pip install 'directus_orm[{extra or name}]'."
        raise ConfigurationError(msg) from error


def _in_chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while some_rows := list(islice(rows, ROWS_AT_ONCE)):
        yield some_rows


def _array(pa: Any, column: TableColumn, arrow_type: Any, values: tuple[Any, ...]) -> Any:
    convert = column.convert
    converted = values if convert is None else [None if value is None else convert(value) for value in values]
    if column.kind == "decimal":
        scales = (_scale(value) for value in converted if value is not None)
        arrow_type = pa.decimal128(_DIGITS, max(scales, default=0))
    try:
        return pa.array(converted, arrow_type)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        why = f"a value does not fit Arrow's {arrow_type}: {error}"
        msg = f"{column.name}: {why}. Read it without a table, by values()."
        raise ConversionError(msg, field=column.name) from error


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _chunked_array(pa: Any, arrow_type: Any, arrays: list[Any]) -> Any:
    if pa.types.is_decimal(arrow_type):
        arrow_type = pa.decimal128(_DIGITS, max((array.type.scale for array in arrays), default=0))
        arrays = [array.cast(arrow_type) for array in arrays]
    return pa.chunked_array(arrays, arrow_type)
