"""What rows become: instances, dictionaries, tuples, single values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import attrs

from ..instances import Page, RowLoader
from ..session import Session
from ..wire import Row
from .query import Path, Query

T = TypeVar("T")


class Shape(Protocol[T]):
    """Makes, for a query, the function that turns each page of rows into results."""

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[T]]:
        """Return the function."""
        ...


@attrs.frozen
class Instances:
    """Rows become instances of the query's model, those of one page knowing one another."""

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        load = RowLoader(query.model, query.paths)

        def decode(session: Session, rows: list[Row]) -> list[Any]:
            page = Page(session, query.model)
            return [load(row, page) for row in rows]

        return decode


@attrs.frozen
class Values:
    """Rows become dictionaries, tuples, named tuples or single values, by ``kind``."""

    columns: tuple[tuple[str, Path], ...]
    kind: str

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        getters = [(path, tuple(field.column for field in path[:-1])) for _, path in self.columns]
        pack = _PACKERS[self.kind]([name for name, _ in self.columns])
        pk = query.model.directus.pk.column

        def decode(_: Session, rows: list[Row]) -> list[Any]:
            return [pack([_value(row, path, outer, row.get(pk)) for path, outer in getters]) for row in rows]

        return decode


def _value(row: Row, path: Path, outer: tuple[str, ...], key: Any) -> Any:
    """Return the value at the end of a path; None where the path breaks off at a null.

    Raises:
        ConversionError: the value does not fit, or the related row may not be read.
    """
    field = path[-1]
    part: Any = row
    for column in outer:
        part = part.get(column, ...)
        if part is None:
            return None
        if not isinstance(part, dict):  # G26: a bare key, or nothing
            raise field.error("nothing", "the related row is one that this user may not read", key, None)
    if field.column not in part:
        raise field.error("nothing", "the server has no such field", key, None)
    raw = part[field.column]
    if raw is None:
        if field.nullable:
            return None
        raise field.error("null", "the annotation has no '| None'", key, None)
    return field.load(raw, key)


def _named(names: list[str]) -> Callable[[list[Any]], Any]:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return cast("Callable[[list[Any]], Any]", row._make)


_PACKERS: dict[str, Callable[[list[str]], Callable[[list[Any]], Any]]] = {
    "dict": lambda names: lambda values: dict(zip(names, values, strict=True)),
    "tuple": lambda _: tuple,
    "named": _named,
    "flat": lambda _: lambda values: values[0],
}
