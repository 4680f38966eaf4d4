"""`Query`: a frozen description of the rows that are wanted. Deriving a query never changes the original."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast
from zlib import crc32

import attrs

from ..fields.field import Field
from ..fields.model_info import Step
from ..fields.paths import FieldPath, kind_of
from ..fields.to_many import ToMany
from ..fields.type_table import COLLATED
from .conditions import ALWAYS, NEVER, Node, all_of
from .grouping import Grouping
from .value_refs import Aliases, RelatedCount

# PostgreSQL cuts longer names off.
_LONGEST_NAME = 63


@attrs.frozen
class Order:
    """One key of an ordering: the value at the end of a path, or a function of the server applied to it."""

    path: FieldPath
    descending: bool = False
    function: str | None = None


@attrs.frozen
class PrefetchedList:
    """A list of related rows that comes with each row; it is complete unless its query has a limit.

    Args:
        path: many-to-one relations, and the relation to many at the end.
        queries: the queries of the related rows; for a many-to-any, one for each model that it leads to.
        attribute: the name of the list in the instances, if it is not the relation's name.
        junction_fields: fields of the junction that come as well.
    """

    path: tuple[Step, ...]
    queries: tuple[Query, ...]
    attribute: str | None = None
    junction_fields: tuple[str, ...] = ()

    @property
    def relation(self) -> ToMany:
        """The relation whose rows are prefetched."""
        return cast("ToMany", self.path[-1])

    @property
    def column(self) -> str:
        """The name of the list in the server's rows."""
        return self.attribute or self.relation.column

    @property
    def name(self) -> str:
        """The name of the list in the instances."""
        return self.attribute or self.relation.name

    @property
    def client_slice(self) -> slice:
        """The part of the list to take in Python, where the server cannot slice it.

        The server's limit and offset would also count junction rows that lead nowhere, and repeated rows.
        """
        query = self.queries[0]
        if self.relation.is_one_to_many or not query.is_sliced:
            return slice(None)
        return slice(query.offset, None if query.limit is None else query.offset + query.limit)


def key_alias(field: Field) -> str:
    """Return the alias under which the key of a many-to-one relation is read beside the related row.

    Without the key, a related row that is hidden or gone looks like none. The alias covers no column of the model.
    """
    alias, columns = f"{field.column}__key", field.model.directus.columns
    if len(alias.encode()) > _LONGEST_NAME:
        alias = f"key_{crc32(field.column.encode()):08x}"
    while alias in columns:
        alias += "_"
    return alias


@attrs.frozen
class Query:
    """A frozen description of rows: which rows, in what order, how many, and which values of each.

    Args:
        model: the model of the rows.
        where: the conditions that the rows meet.
        order: the ordering; `total_order` adds the key.
        paths: the values that are wanted of each row.
        related: the many-to-one relations whose rows come with each row (``select_related``).
        limit: the most rows; with a grouping, the most groups.
        offset: the number of rows, or groups, that are left out before.
        search: what the server searches for in all fields.
        aliases: names given to values.
        shown: the aliases whose values come with each row; the others can only be filtered and ordered by.
        grouping: the groups, if rows are grouped.
        nested: the lists that come with each row (``prefetch_related``).
        readable: whether, of all that, only what the user may read is loaded.
    """

    model: type[Any]
    where: Node = ALWAYS
    order: tuple[Order, ...] = ()
    paths: tuple[FieldPath, ...] = ()
    related: tuple[FieldPath, ...] = ()
    limit: int | None = None
    offset: int = 0
    search: str | None = None
    aliases: Aliases = ()
    shown: tuple[str, ...] = ()
    grouping: Grouping | None = None
    nested: tuple[PrefetchedList, ...] = ()
    readable: bool = False

    @property
    def related_counts(self) -> tuple[RelatedCount, ...]:
        """The counts of related rows that come with each row."""
        return tuple(
            value for name, value in self.aliases if name in self.shown and isinstance(value, RelatedCount)
        )

    @cached_property
    def key_aliases(self) -> dict[FieldPath, str]:
        """The relations whose keys come beside their related rows, each with its alias (see `key_alias`).

        If the relation's own value is wanted, the row in its place may be hidden or gone. If keys are texts, the
        database may find a row that the server does not, see `related_by_text`.
        """
        with_rows = self._paths_to_rows
        if not with_rows:
            return {}
        own = (path for path in self.paths if path in with_rows)
        return {path: key_alias(path[-1]) for path in (*own, *self.related_by_text)}

    @cached_property
    def related_by_text(self) -> tuple[FieldPath, ...]:
        """The relations whose related rows come, and whose keys are texts; those of the query's own rows first."""
        return tuple(sorted((path for path in self._paths_to_rows if kind_of(path[-1]) in COLLATED), key=len))

    @cached_property
    def _paths_to_rows(self) -> dict[FieldPath, None]:
        """The relations whose related rows come with each row."""
        return dict.fromkeys(path[:n] for path in self.paths if len(path) > 1 for n in range(1, len(path)))

    @property
    def is_empty(self) -> bool:
        """Whether no row can match, so that no request is needed."""
        return self.where == NEVER or self.limit == 0

    @property
    def is_sliced(self) -> bool:
        """Whether a limit or an offset is set."""
        return self.limit is not None or self.offset > 0

    @property
    def total_order(self) -> tuple[Order, ...]:
        """The ordering, made total by the key: rows that tie would change places between pages (G25)."""
        pk = self.model.directus.pk
        for position, order in enumerate(self.order):
            if order.path == (pk,) and order.function is None:
                return self.order[: position + 1]
        return (*self.order, Order((pk,)))

    def evolve(self, **changes: Any) -> Query:
        """Return the query with some attributes changed, as `attrs.evolve` does, but faster."""
        query = object.__new__(Query)
        for name in _ATTRIBUTES:
            object.__setattr__(query, name, changes[name] if name in changes else getattr(self, name))
        return query

    @property
    def reads_only_keys(self) -> bool:
        """Whether nothing of the rows is read but their keys."""
        return self.paths == ((self.model.directus.pk,),) and self.with_paths(*self.paths) == self

    def with_paths(self, *paths: FieldPath) -> Query:
        """Return the query that reads only these values of its rows."""
        return self.evolve(paths=tuple(dict.fromkeys(paths)), related=(), shown=(), nested=())

    def filtered(self, node: Node) -> Query:
        """Return the query with one more condition on its rows."""
        return self.evolve(where=all_of([self.where, node]))

    def reversed(self) -> Query:
        """Return the query for the same rows, or groups, in the opposite order."""
        if self.grouping is not None:
            return self.evolve(grouping=self.grouping.reversed())
        flipped = tuple(attrs.evolve(order, descending=not order.descending) for order in self.total_order)
        return self.evolve(order=flipped)

    def sliced(self, start: int, stop: int | None) -> Query:
        """Return the query for a slice of its rows: from ``start`` up to, not including, ``stop``."""
        remaining = None if self.limit is None else max(self.limit - start, 0)
        length = None if stop is None else max(stop - start, 0)
        limits = [limit for limit in (remaining, length) if limit is not None]
        return self.evolve(offset=self.offset + start, limit=min(limits, default=None))


class DescribesRows:
    """Base class of querysets, for code below them that takes one: ``in`` lookups and `Prefetch`."""

    __slots__ = ("_using",)

    _using: Any
    """The session that `using` chose, or None; typed by the subclass, since queries know no session."""

    @property
    def query(self) -> Query:
        """The query that describes the rows."""
        raise NotImplementedError

    @property
    def columns(self) -> tuple[FieldPath, ...] | None:
        """The paths of the values in each result; None if results are instances."""
        raise NotImplementedError

    @property
    def _has_instances(self) -> bool:
        """Whether results are instances, not values."""
        raise NotImplementedError


_ATTRIBUTES = tuple(attribute.name for attribute in attrs.fields(Query))
