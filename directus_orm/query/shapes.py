"""What rows become: instances, dictionaries, tuples, single values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import attrs

from ..instances import Batch, RowLoader
from ..session import Session
from ..wire import Row
from .query import Path, Query

T = TypeVar("T")


class Shape(Protocol[T]):
    """Makes, for a query, the function that turns each page of rows into results."""

    @property
    def paths(self) -> tuple[Path, ...] | None:
        """The paths of the values that each result has, where it is not an instance."""
        ...

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[T]]:
        """Return the function."""
        ...


@attrs.frozen
class Instances:
    """Rows become instances of the query's model, those of one page knowing one another."""

    @property
    def paths(self) -> None:
        """None: a result is not made of values."""
        return

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        load = RowLoader(query.model, query.paths)

        def decode(session: Session, rows: list[Row]) -> list[Any]:
            batch = Batch(session, query.model)
            return [load(row, batch) for row in rows]

        return decode


@attrs.frozen
class Values:
    """Rows become dictionaries, tuples, named tuples or single values, by ``kind``."""

    columns: tuple[tuple[str, Path], ...]
    kind: str

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the values."""
        return tuple(path for _, path in self.columns)

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        getters = [getter(path) for _, path in self.columns]
        pack = _PACKERS[self.kind]([name for name, _ in self.columns])
        pk = query.model.directus.pk.column

        def decode(_: Session, rows: list[Row]) -> list[Any]:
            return [pack([get(row, row.get(pk)) for get in getters]) for row in rows]

        return decode


def getter(path: Path) -> Callable[[Row, Any], Any]:
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
                raise field.error("nothing", "the related row is one that this user may not read", key, None)
        raw = row.get(column, _UNREADABLE)
        if raw.__class__ is plain:
            return raw
        if raw is None and field.nullable:
            return None
        if raw is None or raw is _UNREADABLE:
            what, why = ("null", "the annotation has no '| None'") if raw is None else ("nothing", "no such field")
            raise field.error(what, why, key, None)
        try:
            return load(raw)
        except (ValueError, TypeError, ArithmeticError):
            return field.load(raw, key)  # raises, and says where

    return get


_UNREADABLE: Any = object()


def _named(names: list[str]) -> Callable[[list[Any]], Any]:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return cast("Callable[[list[Any]], Any]", row._make)


_PACKERS: dict[str, Callable[[list[str]], Callable[[list[Any]], Any]]] = {
    "dict": lambda names: lambda values: dict(zip(names, values, strict=True)),
    "tuple": lambda _: tuple,
    "named": _named,
    "flat": lambda _: lambda values: values[0],
}
