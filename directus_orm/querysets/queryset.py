"""`QuerySet`: the rows of a model as instances: union, only, readable, select_related, prefetch_related, dates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Generic, Self, TypeVar

from ..core.async_twins import async_twin
from ..core.errors import QueryError
from ..core.tracebacks import hides_locals
from ..dialects.registry import dialect_of
from ..fields.model_info import ModelInfo
from ..instances.state import HasKey, PageBatch, reference
from ..query.conditions import Node, all_of, any_of, negate
from ..query.lookups.field_lookups import key_of
from ..query.lookups.ordering import resolve_ordering
from ..query.query import Query
from ..reading.pagination.pager_driver import fetch
from ..reading.pagination.pagers import key_pager
from ..reading.readable_fields import loadable_part
from ..reading.run_query import resolve_subqueries
from ..reading.unknown_names import explain_refusals
from . import filtering_and_ordering, prefetching, values_and_groups
from .base_queryset import Rows
from .prefetching import Prefetch
from .result_shapes import Instances, Values
from .writable_rows import WritableRows

M = TypeVar("M", bound=HasKey)


class QuerySet(WritableRows[M]):
    """The rows of a model as instances, as in Django: ``Model.objects`` has all rows.

    A queryset is lazy: rows are read when they are needed, page by page, and kept, so that a second loop sends
    nothing. Chained methods return a new queryset and never change this one.

    Example:
        >>> late = Flight.objects.filter(dep_delay__gt=47).order_by("-dep_delay", "id")
        >>> for flight in late.select_related("carrier")[:2]:
        ...     print(flight.id, flight.carrier.name)
        90 JetBlue
        180 Odd Key
    """

    __slots__ = ()

    @classmethod
    def as_manager(cls) -> OwnManager[Self]:
        """Return a manager, for the attribute ``objects`` of a model whose querysets are of this class.

        Example:
            >>> from typing import TypeVar
            >>> M = TypeVar("M", bound=Model)
            >>> class LateFlights(QuerySet[M]):
            ...     def by_more_than(self, minutes: int) -> Self:
            ...         return self.filter(dep_delay__gt=minutes)
            >>> class Late(Flight):
            ...     objects = LateFlights["Late"].as_manager()
            >>> Late.objects.by_more_than(47).order_by("pk").first().pk
            60
        """
        return OwnManager(cls)

    def initial(self) -> Self:
        """Return the queryset for ``Model.objects``; override it to add a permanent filter or ordering."""
        return self

    # --- sets -------------------------------------------------------------------------------------------------

    def union(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in any of these querysets, each once, in the order of this one.

        Their conditions are joined into one query. If one of them is a slice, reading the rows first reads the
        keys of the slice.

        Raises:
            TypeError: an argument is not a queryset of this model.
            QueryError: the querysets use different sessions.

        Example:
            >>> late, far = Flight.objects.filter(dep_delay__gt=70), Flight.objects.filter(distance__gt=380)
            >>> late.union(far).count()  # or: late | far
            20
        """
        return self._combine("union", others, any_of)

    def intersection(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in all of these querysets, in the order of this one; errors as in `union`."""
        return self._combine("intersection", others, all_of)

    def difference(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in this queryset and in none of the others; errors as in `union`."""
        return self._combine("difference", others, lambda nodes: all_of([nodes[0], *map(negate, nodes[1:])]))

    def __or__(self, other: QuerySet[M]) -> Self:
        return self.union(other)

    def __and__(self, other: QuerySet[M]) -> Self:
        return self.intersection(other)

    def __xor__(self, other: QuerySet[M]) -> Self:
        return self.union(other).difference(self.intersection(other))

    def _combine(self, verb: str, others: tuple[QuerySet[M], ...], join: Callable[[list[Node]], Node]) -> Self:
        self._check_verb(verb)
        for other in others:
            if not isinstance(other, QuerySet) or other.query.model is not self._query.model:
                msg = f"{verb}() takes querysets of {self._query.model.__name__}, not {other!r}."
                raise TypeError(msg)
        querysets: list[QuerySet[M]] = [self, *others]
        sessions = {id(rows._using): rows._using for rows in querysets if rows._using is not None}  # noqa: SLF001
        if len(sessions) > 1:
            msg = f"{verb}() joins querysets of one session; these are of several: {list(sessions.values())}."
            raise QueryError(msg)
        where = join([filtering_and_ordering.as_condition(rows.query) for rows in querysets])
        joined = self._with(self._query.evolve(where=where, limit=None, offset=0, search=None))
        joined._using = next(iter(sessions.values()), None)  # noqa: SLF001 - made here
        return joined

    # --- loaded fields and related rows -----------------------------------------------------------------------

    def only(self, *names: str) -> Self:
        """Load only these fields and the keys: ``"title"``, ``"author__first_name"``.

        A path over many-to-one relations loads the related rows in the same request, and of them only the fields
        that are named. A field that is left out is loaded when it is read: one request loads it for all instances
        of the page.

        Raises:
            FieldError: a field does not exist.
            QueryError: a path crosses a relation to many rows.

        Example:
            >>> for flight in Flight.objects.only("dep_delay", "carrier__name")[:1]:
            ...     print(flight, flight.carrier)
            Flight(id=1, carrier='AA', dep_delay=None) Airline(carrier='AA', name='American Airlines')
        """
        self._check_verb("only")
        return self._with(prefetching.with_only(self._query, names))

    def defer(self, *names: str) -> Self:
        """Load all fields but these; each is loaded when it is read, as with `only`.

        A path over many-to-one relations loads the related rows without the field that it names.

        Raises:
            FieldError, QueryError: as `only`.
        """
        self._check_verb("defer")
        return self._with(prefetching.with_deferred(self._query, names))

    def readable(self) -> Self:
        """Load, of the fields, related rows and lists of the query, those that this user may read.

        The others are deferred: reading one of them asks the server, which refuses. Of related rows that are
        loaded later, too, only readable fields are. The session asks for the permissions once, when the first such
        query is read. Keys are always loaded, and conditions and orderings stay as they are.

        Raises:
            UnsupportedQuery: when rows are read, the server does not say what this user may read; Directus 11 and
                later do.

        Example:
            >>> Airline.objects.readable().get(pk="AA")  # as a user who may read everything
            Airline(carrier='AA', name='American Airlines', country='US')
        """
        self._check_verb("readable")
        return self._with(self._query.evolve(readable=True))

    def select_related(self, *names: str | None) -> Self:
        """Load the rows of many-to-one relations in the same request: ``"carrier"``, ``"plane__owner"``.

        Without names, it loads the relations that cannot be null; with None alone, no relation. Of a relation in
        `only` or `defer`, it loads the fields that these say.

        Raises:
            FieldError: a field does not exist.
            QueryError: a field is not a many-to-one relation.

        Example:
            >>> Flight.objects.select_related("carrier", "plane__owner").get(pk=2).plane.owner.name
            'American Airlines'
        """
        self._check_verb("select_related")
        if None in names:
            return self._with(prefetching.without_related(self._query))
        required = [f for f in self._info.fields.values() if f.target is not None and not f.nullable]
        paths = [prefetching.many_to_one_path(self._info, str(name)) for name in names] or [
            (field,) for field in required
        ]
        return self._with(prefetching.with_related(self._query, *paths))

    def prefetch_related(self, *relations: str | Prefetch | None) -> Self:
        """Load lists of related rows in the same request: ``"comments"``, ``"author__articles__tags"``.

        A `Prefetch` filters, orders or slices a list; without one, the list is complete. With None alone, no lists
        are loaded.

        Raises:
            FieldError: there is no such relation.
            QueryError: a name is not a relation, or a `Prefetch` does not fit it.

        Example:
            >>> airlines = Airline.objects.prefetch_related("flights")
            >>> [len(airline.flights) for airline in airlines]
            [65, 65, 65, 65]
        """
        self._check_verb("prefetch_related")
        to_load = [relation for relation in relations if relation is not None]
        if len(to_load) < len(relations):
            return self._with(self._query.evolve(nested=()))
        return self._with(functools.reduce(prefetching.with_prefetch, to_load, self._query))

    # --- dates ------------------------------------------------------------------------------------------------

    def dates(self, name: str, kind: str, order: str = "ASC") -> Rows[date]:
        """Return the years, quarters, months, weeks or days that have rows, each as the date of its first day.

        Args:
            name: a field of dates or datetimes; datetimes are taken in UTC.
            kind: ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` or ``"day"``.
            order: ``"ASC"`` or ``"DESC"``.

        Raises:
            FieldError: the field does not exist.
            QueryError: the field has no dates, an argument is wrong, or the rows are a slice.

        Example:
            >>> list(Flight.objects.dates("time_hour", "month"))
            [datetime.date(2013, 12, 1), datetime.date(2014, 1, 1)]
        """
        return self._truncated_dates(name, kind, order, datetimes=False)

    def datetimes(self, name: str, kind: str, order: str = "ASC") -> Rows[datetime]:
        """Return the years, months … seconds that have rows, each as the datetime at its start.

        Arguments and errors are those of `dates`; ``kind`` may also be ``"hour"``, ``"minute"`` or ``"second"``.
        """
        return self._truncated_dates(name, kind, order, datetimes=True)

    def _truncated_dates(self, name: str, kind: str, order: str, *, datetimes: bool) -> Rows[Any]:
        self._refuse_sliced("datetimes" if datetimes else "dates")
        query, columns = values_and_groups.truncated_dates(self._query, name, kind, order, datetimes=datetimes)
        return Rows(query, Values(columns, "flat"), self._using)

    # --- finding ----------------------------------------------------------------------------------------------

    @hides_locals
    def contains(self, instance: M) -> bool:
        """Return whether an instance is among the rows, by one request for its key.

        A slice is read instead, and rows that are loaded already need no request.

        Raises:
            TypeError: the argument is not an instance of the model.
        """
        if not isinstance(instance, self._query.model):
            msg = f"contains() takes a {self._query.model.__name__}, not {instance!r}."
            raise TypeError(msg)
        if self._complete or self._query.is_sliced:
            return instance in self
        return self.filter(pk=instance).exists()

    @hides_locals
    def in_bulk(self, keys: Iterable[Any] | None = None) -> dict[Any, M]:
        """Return a dictionary of the instances with these keys, by key; keys without a row are left out.

        Each request is for up to 1,000 keys; an empty list sends nothing. Without an argument, all rows are read.

        Raises:
            ConversionError: a key has the wrong type.
            QueryError: the rows are a slice, or an instance of another model is given as a key.

        Example:
            >>> sorted(Airline.objects.in_bulk(["LH", "AA", "?"]))
            ['AA', 'LH']
        """
        self._refuse_sliced("in_bulk")
        if keys is None:
            return {instance.pk: instance for instance in self}
        pk = self._info.pk
        unique_keys = list(dict.fromkeys(pk.dump(key_of(pk, key)) for key in keys))
        if not unique_keys or self._query.is_empty:
            return {}
        session = self._session()
        query = resolve_subqueries(session, loadable_part(session, self._query))
        if query.is_empty:
            return {}
        decode = self._shape.decoder(query)
        dialect = dialect_of(session)
        with explain_refusals(query, dialect):
            pages = fetch(session, key_pager(query, unique_keys, dialect, session.max_rows))
            return {instance.pk: instance for rows in pages for instance in decode(session, rows)}

    def ref(self, key: Any) -> M:
        """Return an instance with this key without a request; other fields are loaded when they are read.

        It can be assigned to a relation, and changed and saved, without reading the row.

        Raises:
            ConversionError: the key has the wrong type.
            QueryError: the key is empty.

        Example:
            >>> flight = Flight(carrier=Airline.objects.ref("AA"))
        """
        self._check_verb("ref")
        pk = self._info.pk
        if not key:
            msg = f"{pk} cannot be {key!r}."
            raise QueryError(msg)
        pk.dump(key)
        batch = PageBatch(self._using, self._query.model) if self._using else None
        instance: M = reference(self._query.model, pk.load(pk.dump(key)), batch)
        return instance

    # --- in asyncio -------------------------------------------------------------------------------------------

    acontains = async_twin(contains)
    ain_bulk = async_twin(in_bulk)


MT = TypeVar("MT", bound=HasKey)
Own_co = TypeVar("Own_co", bound="QuerySet[Any]", covariant=True)


class Manager:
    """The descriptor ``Model.objects``: each access returns a queryset of all rows, in the model's ordering."""

    def __get__(self, instance: object, owner: type[MT]) -> QuerySet[MT]:
        rows: QuerySet[MT] = _all_rows(QuerySet, instance, owner)
        return rows


class OwnManager(Manager, Generic[Own_co]):
    """The descriptor ``Model.objects`` of a model that has its own queryset class."""

    def __init__(self, queryset_class: type[Own_co]) -> None:
        self._queryset_class = queryset_class

    def __get__(self, instance: object, owner: type[Any]) -> Own_co:
        rows: Own_co = _all_rows(self._queryset_class, instance, owner)
        return rows


def _all_rows(queryset_class: type[Any], instance: object, owner: type[Any]) -> Any:
    """Return the queryset for ``Model.objects``, of this class."""
    if instance is not None:
        msg = f"objects belongs to the class: {owner.__name__}.objects."
        raise AttributeError(msg)
    rows = queryset_class(query_for_all(owner), Instances()).initial()
    rows._from_manager = True  # noqa: SLF001 - set here alone; chained methods return querysets without it
    return rows


def query_for_all(model: type[Any]) -> Query:
    """Return the query for all rows of a model, with all fields, in the model's ordering."""
    info: ModelInfo = model.directus
    return Query(model, order=resolve_ordering(model, info.options.ordering, "ordering"), paths=info.paths)
