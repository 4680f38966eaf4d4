"""The shapes of results: rows become instances, dictionaries, tuples or single values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

import attrs

from ..core.deferred_import import DeferredModule
from ..core.errors import UnsupportedQuery
from ..core.request_response import Row
from ..fields.paths import FieldPath
from ..instances.hydration import RowLoader
from ..instances.state import PageBatch
from ..query.query import Query
from ..query.value_refs import Alias, RelatedCount, ValueRef
from ..reading.readable_fields import loadable_part, readable_part
from ..reading.row_values import count_getter, value_getter, value_transform
from ..reading.rows_by_key import with_spelled_rows
from ..reading.run_query import read_pages
from ..reading.server_versions import require_support
from ..session.current import current_session
from ..session.session import Session

if TYPE_CHECKING:
    from ..reading.aggregation import read_groups
else:
    read_groups = DeferredModule("..reading.aggregation.read_groups", __package__)

T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of rows, as `QuerySet.page` returns it.

    Attributes:
        rows: the rows of this page.
        total: the number of rows on all pages.
    """

    rows: list[T]
    total: int


class Shape(Protocol[T]):
    """The form of results: its `decoder` turns pages of rows into instances, dictionaries, tuples or values."""

    @property
    def paths(self) -> tuple[FieldPath, ...] | None:
        """The paths of the values in each result; None if results are instances."""
        ...

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[T]:
        """Return groups, given as dictionaries of values by name, in this shape."""
        ...

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[T]]:
        """Return the function that takes a session and a page of rows, and returns results."""
        ...


@attrs.frozen
class Instances:
    """Rows become instances of the query's model; those of one page share a `PageBatch`."""

    @property
    def paths(self) -> None:
        """None: results are instances."""
        return

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Refuse: groups are no instances."""
        raise NotImplementedError

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function that takes a session and a page of rows, and returns instances."""
        load = RowLoader(query.model, query.paths, query.nested)
        pk = query.model.directus.pk.column
        annotations = [(name, _getter(alias)) for name, alias in query.aliases if name in query.shown]
        has_text_keys = bool(annotations and query.related_by_text)
        batch: PageBatch | None = None

        def decode(session: Session, rows: list[Row]) -> list[Any]:
            nonlocal batch
            if batch is None or batch.session is not session or not batch.has_room:
                batch = PageBatch(session, query.model, readable=query.readable)
            if not annotations:
                return [load(row, batch) for row in rows]
            # Annotations are read first, since loading changes the rows.
            whole_rows = with_spelled_rows(session, query, rows) if has_text_keys else rows
            values = [{name: get(row, row.get(pk)) for name, get in annotations} for row in whole_rows]
            instances = [load(row, batch) for row in rows]
            for instance, annotated in zip(instances, values, strict=True):
                instance.__dict__.update(annotated)
            return instances

        return decode


@attrs.frozen
class Values:
    """Rows become dictionaries, tuples, named tuples or single values: ``kind`` is dict, tuple, named or flat.

    Each column is a name and the value that it stands for, or None for an aggregate of a group.
    """

    columns: tuple[tuple[str, Alias | None], ...]
    kind: str

    @property
    def paths(self) -> tuple[FieldPath, ...]:
        """The paths of the values.

        Raises:
            UnsupportedQuery: a value is not that of a field, but a part of a date, a count or an aggregate.
        """
        for name, alias in self.columns:
            if not isinstance(alias, ValueRef) or value_transform(alias) is not None:
                msg = f"{name!r} is not the value of a field: read it first, as a list, and use that in the query."
                raise UnsupportedQuery(msg)
        return tuple(alias.path for _, alias in self.columns if isinstance(alias, ValueRef))

    def pack_groups(self, groups: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Return groups, given as dictionaries of values by name, in this shape."""
        names = [name for name, _ in self.columns]
        pack = _PACKERS[self.kind](names)
        return [pack([group[name] for name in names]) for group in groups]

    def decoder(self, query: Query) -> Callable[[Session, list[Row]], list[Any]]:
        """Return the function that takes a session and a page of rows, and returns values."""
        getters = [_getter(alias) for _, alias in self.columns if alias is not None]
        pack = _PACKERS[self.kind]([name for name, _ in self.columns])
        pk, has_text_keys = query.model.directus.pk.column, bool(query.related_by_text)

        def decode(session: Session, rows: list[Row]) -> list[Any]:
            if has_text_keys:
                rows = with_spelled_rows(session, query, rows)
            return [pack([get(row, row.get(pk)) for get in getters]) for row in rows]

        return decode


def _getter(alias: Alias) -> Callable[[Row, Any], Any]:
    """Return the function that takes a row and its key and returns the value that a name stands for."""
    if isinstance(alias, RelatedCount):
        return count_getter(alias)
    get, transform = value_getter(alias.path), value_transform(alias)
    if transform is None:
        return get

    def get_part(row: Row, key: Any) -> Any:
        value = get(row, key)
        return None if value is None else transform(value)

    return get_part


def _pack_named(names: list[str]) -> Callable[[list[Any]], Any]:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return cast("Callable[[list[Any]], Any]", row._make)


_PACKERS: dict[str, Callable[[list[str]], Callable[[list[Any]], Any]]] = {
    "dict": lambda names: lambda values: dict(zip(names, values, strict=True)),
    "tuple": lambda _: tuple,
    "named": _pack_named,
    "flat": lambda _: lambda values: values[0],
}


def read_shaped_pages(
    query: Query, shape: Shape[T], using: Session | None, *, page_size: int | None, read_ahead: int, after: Any
) -> Iterator[list[T]]:
    """Yield the results of a query, page by page; they are read by ``using``, or by the current session.

    This is no method of a queryset, which keeps its pages: they would keep each other until the garbage collector
    comes.
    """
    if query.is_empty:
        return
    session = using or current_session()
    if query.grouping is not None:
        for page_of_groups in read_groups.read(session, query, page_size):
            yield shape.pack_groups(page_of_groups)
        return
    query = part_to_read(session, query, shape)
    decode = shape.decoder(query)
    size = page_size or session.page_size
    for page in read_pages(session, query, size, read_ahead=read_ahead, after=after):
        yield decode(session, page)
        del page  # frees the memory before the next page is read


def part_to_read(session: Session, query: Query, shape: Shape[Any]) -> Query:
    """Return what a query reads of its rows on this server: of instances, all that can be loaded.

    Raises:
        UnsupportedQuery: values are wanted that this version of the server does not have.
    """
    if isinstance(shape, Instances):
        return loadable_part(session, query)
    require_support(session, (step for path in query.paths for step in path))
    return readable_part(session, query)
