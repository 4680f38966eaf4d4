"""Values as tables: of Arrow, and what is made of it. The types are the model's, also where there are no rows."""

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
from ..fields.scalars import SCALARS, Convert
from ..fields.type_table import directus_type
from ..query.grouping import AggregateSpec, Alias, ValueRef
from ..query.query import Query
from ..reading.row_values import value_transform

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


# Rows that are held as Python objects; Arrow takes a tenth of their memory.
ROWS_AT_ONCE = 10_000
# The most digits of Arrow's usual decimal.
_DIGITS = 38


@attrs.frozen
class TableColumn:
    """A column of a table: its name, how Arrow calls its type, and what is made of each value that is not null."""

    name: str
    kind: str
    convert: Convert | None = None


# What `TableColumn.kind` means to Arrow. Of decimals, the scale is that of the values.
_TYPES: dict[str, Callable[[Any], Any]] = {
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
# Python's types whose values Arrow takes as they are, by the name that a `FieldType` gives them.
_TAKEN = {kind.__name__ for kind in (str, int, float, bool, Decimal, datetime, date, time)}
# Of a Directus type, the loader of the first of these Python types that it can be.
_LOADERS: dict[str, Convert] = {
    kind: load for python, kinds in reversed(SCALARS.items()) for kind, (load, *_) in kinds.items()
}


def columns_of(query: Query, columns: Iterable[tuple[str, Alias | None]]) -> list[TableColumn]:
    """Return the columns of a table of values.

    Raises:
        QueryError: two have one name.
    """
    measures = {} if query.grouping is None else dict(query.grouping.aggregates)
    found = [_column(name, measures[name] if known is None else known) for name, known in columns]
    names = [column.name for column in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"A table has each column once, and {twice!r} is named twice."
        raise QueryError(msg)
    return found


def _column(name: str, known: Alias | AggregateSpec) -> TableColumn:
    if isinstance(known, AggregateSpec):
        return _of_measure(name, known)
    if not isinstance(known, ValueRef):
        return TableColumn(name, "int")  # a number of related rows
    field = known.field
    if value_transform(known) is None:
        return _of_field(name, field)
    if known.part is not None:
        return TableColumn(name, "date" if known.part == "date" else "int")
    return TableColumn(name, directus_type(kind_of(field)).arrow if known.as_datetime else "date")


def _of_measure(name: str, measure: AggregateSpec) -> TableColumn:
    if measure.function == "count":
        return TableColumn(name, "int")
    column = _of_field(name, measure.path[-1])
    return TableColumn(name, "float") if measure.function == "avg" and column.kind == "int" else column


def _of_field(name: str, field: Field) -> TableColumn:
    kind, python, dump = kind_of(field), field.value_type.python, field.value_type.dump
    if kind in ("json", "geometry"):
        return TableColumn(name, "text", lambda value: _document(dump(value)))
    if kind == "csv":
        return TableColumn(name, "list")
    if python == "float":
        return TableColumn(name, "float")
    if python in _TAKEN:
        return TableColumn(name, directus_type(kind).arrow)
    load = _LOADERS[kind]
    return TableColumn(name, directus_type(kind).arrow, str if kind == "uuid" else lambda value: load(dump(value)))


def _document(sent: Any) -> str:
    # A bare string travels as JSON already.
    return sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)


# --- making them ------------------------------------------------------------------------------------------------


def arrow(columns: list[TableColumn], rows: Iterable[tuple[Any, ...]], advance: Advance) -> pa.Table:
    """Return a table of rows, of which a few thousand at a time are held as Python objects."""
    pa = library("pyarrow", "arrow")
    types = [_TYPES[column.kind](pa) for column in columns]
    parts: list[list[Any]] = [[] for _ in columns]
    for some in _chunks(iter(rows)):
        for column, kind, part, values in zip(columns, types, parts, zip(*some, strict=True), strict=True):
            part.append(_array(pa, column, kind, values))
        advance(len(some))
    arrays = [_joined(pa, kind, part) for kind, part in zip(types, parts, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def pandas(table: pa.Table) -> pd.DataFrame:
    """Return a table of pandas whose types are those of Arrow."""
    return table.to_pandas(types_mapper=library("pandas").ArrowDtype)


def polars(table: pa.Table) -> pl.DataFrame:
    """Return a table of polars, which shares its memory with Arrow's."""
    made: pl.DataFrame = library("polars").from_arrow(table)
    return made


def library(name: str, extra: str | None = None) -> Any:
    """Return a library that an extra installs.

    Raises:
        ConfigurationError: it is not there.
    """
    try:
        return import_module(name)
    except ImportError as error:
        msg = f"This table is made with {name}, which is missing: pip install 'directus_orm[{extra or name}]'."
        raise ConfigurationError(msg) from error


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while some := list(islice(rows, ROWS_AT_ONCE)):
        yield some


def _array(pa: Any, column: TableColumn, kind: Any, values: tuple[Any, ...]) -> Any:
    convert = column.convert
    made = values if convert is None else [None if value is None else convert(value) for value in values]
    if column.kind == "decimal":
        kind = pa.decimal128(_DIGITS, max((_scale(value) for value in made if value is not None), default=0))
    try:
        return pa.array(made, kind)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        msg = f"{column.name}: a value does not fit Arrow's {kind}: {error}. Read it without a table, by values()."
        raise ConversionError(msg, field=column.name) from error


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _joined(pa: Any, kind: Any, parts: list[Any]) -> Any:
    if pa.types.is_decimal(kind):
        kind = pa.decimal128(_DIGITS, max((part.type.scale for part in parts), default=0))
        parts = [part.cast(kind) for part in parts]
    return pa.chunked_array(parts, kind)
