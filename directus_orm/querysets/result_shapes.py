"""What rows become: instances, dictionaries, tuples, single values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast

import attrs

from ..core.errors import UnsupportedQuery
from ..core.messages import Row
from ..fields.paths import FieldPath
from ..instances.hydration import RowLoader
from ..instances.state import PageBatch
from ..query.grouping import Alias, RelatedCount, ValueRef
from ..query.query import Query
from ..reading.row_values import count_getter, value_getter, value_transform
from ..session.session import Session

T = TypeVar("T")


class Shape(Protocol[T]):
    """Makes, for a query, the function that turns each page of rows into results."""

    @property
    def paths(self) -> tuple[FieldPath, ...] | None:
        """The paths of the values that each result has, where it is not an instance."""
        ...

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[T]:
        """Return groups, given as their values by name, in this shape."""
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

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Return nothing: groups are no instances."""
        raise NotImplementedError

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        load = RowLoader(query.model, query.paths, query.nested)
        pk = query.model.directus.pk.column
        annotated = [(name, _value(_met(known, query))) for name, known in query.aliases if name in query.shown]

        batch: PageBatch | None = None

        def decode(session: Session, rows: list[Row]) -> list[Any]:
            nonlocal batch
            if batch is None or batch.session is not session or not batch.has_room:
                batch = PageBatch(session, query.model)
            if not annotated:
                return [load(row, batch) for row in rows]
            # First, since loading takes rows apart.
            values = [{name: get(row, row.get(pk)) for name, get in annotated} for row in rows]
            loaded = [load(row, batch) for row in rows]
            for instance, extra in zip(loaded, values, strict=True):
                instance.__dict__.update(extra)
            return loaded

        return decode


@attrs.frozen
class Values:
    """Rows become dictionaries, tuples, named tuples or single values, by ``kind``.

    A column is a name, and what it stands for; None for what is made of a group.
    """

    columns: tuple[tuple[str, Alias | None], ...]
    kind: str

    @property
    def paths(self) -> tuple[FieldPath, ...]:
        """The paths of the values.

        Raises:
            UnsupportedQuery: a value is more than what is in a field.
        """
        for name, known in self.columns:
            if not isinstance(known, ValueRef) or value_transform(known) is not None:
                msg = f"{name!r} is no field's own value: read it first, as a list, and use that in the query."
                raise UnsupportedQuery(msg)
        return tuple(known.path for _, known in self.columns if isinstance(known, ValueRef))

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Return groups, given as their values by name, in this shape."""
        names = [name for name, _ in self.columns]
        pack = _PACKERS[self.kind](names)
        return [pack([group[name] for name in names]) for group in groups]

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function."""
        getters = [_value(known) for _, known in self.columns if known is not None]
        pack = _PACKERS[self.kind]([name for name, _ in self.columns])
        pk = query.model.directus.pk.column

        def decode(_: Session, rows: list[Row]) -> list[Any]:
            return [pack([get(row, row.get(pk)) for get in getters]) for row in rows]

        return decode


def _value(known: Alias) -> Callable[[Row, Any], Any]:
    """Return the function that takes a row and its key and returns what a name stands for."""
    if isinstance(known, RelatedCount):
        return count_getter(known)
    get, value = value_getter(known.path), value_transform(known)
    if value is None:
        return get

    def part(row: Row, key: Any) -> Any:
        found = get(row, key)
        return None if found is None else value(found)

    return part


def _met(known: Alias, query: Query) -> Alias:
    """Return a relation's key by its place in the row that comes along with it, where one does."""
    if isinstance(known, ValueRef) and any(path[:-1] == known.path for path in query.paths):
        target = known.path[-1].target
        return known if target is None else attrs.evolve(known, path=(*known.path, target.directus.pk))
    return known


def _named(names: list[str]) -> Callable[[list[Any]], Any]:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return cast("Callable[[list[Any]], Any]", row._make)


_PACKERS: dict[str, Callable[[list[str]], Callable[[list[Any]], Any]]] = {
    "dict": lambda names: lambda values: dict(zip(names, values, strict=True)),
    "tuple": lambda _: tuple,
    "named": _named,
    "flat": lambda _: lambda values: values[0],
}
