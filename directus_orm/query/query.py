"""`Query`: what is wanted, as a value. Deriving one never changes the one it came from."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ..fields.field import Field
from ..fields.model_info import Step
from ..fields.paths import FieldPath
from ..fields.to_many import ToMany
from .conditions import ALWAYS, NEVER, Node, all_of
from .grouping import Grouping
from .value_refs import Aliases, RelatedCount


@attrs.frozen
class Order:
    """One key of an ordering: the value at the end of a path, or what a function of the server makes of it."""

    path: FieldPath
    descending: bool = False
    function: str | None = None


@attrs.frozen
class PrefetchedList:
    """The rows behind a relation to many that come along with each row, complete unless their query has a limit.

    ``path`` leads there over many-to-one relations; ``queries`` describe the rows, of each model that a
    many-to-any leads to. They become a list of the instance, under the relation's name or that of ``attribute``.
    ``junction_fields`` are fields of the junction that come as well.
    """

    path: tuple[Step, ...]
    queries: tuple[Query, ...]
    attribute: str | None = None
    junction_fields: tuple[str, ...] = ()

    @property
    def relation(self) -> ToMany:
        """The relation."""
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
        """Which part of the list is meant, of all that comes.

        The server would count rows of a junction that lead nowhere, and those that lead to one row twice.
        """
        query = self.queries[0]
        if self.relation.is_one_to_many or not query.is_sliced:
            return slice(None)
        return slice(query.offset, None if query.limit is None else query.offset + query.limit)


def key_alias(field: Field) -> str:
    """Return the name under which the key of a relation comes beside the related row.

    Of a row that may not be read, nothing else tells it from none.
    """
    return f"{field.column}__key"


@attrs.frozen
class Query:
    """A frozen description of rows: which, in what order, how many, and what of each.

    ``paths`` are the values wanted of each row, ``related`` the many-to-one relations whose rows come along.
    ``nested`` are the lists that come along. ``aliases`` are names given to values, of which ``shown`` come along.
    With a ``grouping``, limit and offset are those of groups.
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

    @property
    def related_counts(self) -> tuple[RelatedCount, ...]:
        """The numbers of related rows that come along with each row."""
        return tuple(
            known for name, known in self.aliases if name in self.shown and isinstance(known, RelatedCount)
        )

    @property
    def is_empty(self) -> bool:
        """Whether no row can match, so that nothing needs to be asked."""
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
        """Return the query with other values of its attributes, as `attrs.evolve` does, in less time."""
        made = object.__new__(Query)
        for name in _ATTRIBUTES:
            object.__setattr__(made, name, changes[name] if name in changes else getattr(self, name))
        return made

    def with_paths(self, *paths: FieldPath) -> Query:
        """Return the query for these values of its rows, and nothing else of them."""
        return self.evolve(paths=tuple(dict.fromkeys(paths)), related=(), shown=(), nested=())

    def filtered(self, node: Node) -> Query:
        """Return the query for those of its rows that meet a further condition."""
        return self.evolve(where=all_of([self.where, node]))

    def reversed(self) -> Query:
        """Return the query for the same rows, or groups, last first."""
        if self.grouping is not None:
            return self.evolve(grouping=self.grouping.reversed())
        flipped = tuple(attrs.evolve(order, descending=not order.descending) for order in self.total_order)
        return self.evolve(order=flipped)

    def sliced(self, start: int, stop: int | None) -> Query:
        """Return the query for the rows from ``start`` to before ``stop`` of these rows."""
        room = None if self.limit is None else max(self.limit - start, 0)
        wanted = None if stop is None else max(stop - start, 0)
        limits = [n for n in (room, wanted) if n is not None]
        return self.evolve(offset=self.offset + start, limit=min(limits, default=None))


class DescribesRows:
    """Base class of querysets, for code below them that takes one: ``in`` lookups and `Prefetch`."""

    __slots__ = ("_using",)

    _using: Any
    """The session that `using` chose, or None; typed by the subclass, since queries know no session."""

    @property
    def query(self) -> Query:
        """The query."""
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
