"""`QuerySet`: the rows of a model as instances, and the verbs that make and find them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Generic, Protocol, Self, TypeVar

from ..core.async_twins import async_twin
from ..core.checks import is_whole_number
from ..core.errors import ConfigurationError, QueryError, RecordNotUnique
from ..core.progress import Progress, checked
from ..dialects.registry import dialect_of
from ..fields.field import ABSENT
from ..fields.model_info import ModelInfo
from ..instances.state import PageBatch, reference, state_of
from ..query.conditions import Node, all_of, any_of, negate
from ..query.lookups.field_lookups import key_of
from ..query.lookups.ordering import resolve_ordering
from ..query.query import Query
from ..reading.pagination.fetch import fetch
from ..reading.pagination.pagers import key_pager
from ..reading.run_query import resolve_subqueries
from ..writing import bulk, save
from . import filter_builder, prefetching, value_builder
from .prefetching import Prefetch
from .result_shapes import Instances, Values
from .rows import Rows

M = TypeVar("M", bound="HasKey")


class HasKey(Protocol):
    """What a queryset needs to know of its instances."""

    @property
    def pk(self) -> Any:
        """The key."""


class QuerySet(Rows[M]):
    """The instances of a model that a query describes, in the manner of Django's.

    ``Model.objects`` is one of all rows. It is lazy, iterable any number of times, and never changed: every
    chained method returns a new one.

    Example:
        >>> late = Flight.objects.filter(dep_delay__gt=47).order_by("-dep_delay", "id")
        >>> for flight in late.select_related("carrier")[:2]:
        ...     print(flight.id, flight.carrier.name)
        90 JetBlue
        180 Odd Key
    """

    __slots__ = ()

    @property
    def _info(self) -> ModelInfo:
        info: ModelInfo = self._query.model.directus
        return info

    @classmethod
    def as_manager(cls) -> OwnManager[Self]:
        """Return what gives a model this kind of queryset.

        Example:
            >>> class LateFlights(QuerySet["Flight"]):
            ...     def by_more_than(self, minutes: int) -> Self:
            ...         return self.filter(dep_delay__gt=minutes)
            >>> class Late(Flight):
            ...     objects = LateFlights.as_manager()
            >>> Late.objects.by_more_than(47).order_by("pk").first().pk
            60
        """
        return OwnManager(cls)

    def initial(self) -> Self:
        """Return what ``objects`` starts with: all rows. Override it for a filter that always holds."""
        return self

    # --- sets -------------------------------------------------------------------------------------------------

    def union(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in any of these querysets, each once, in the order of this one.

        Slices are kept: their keys are read first.
        """
        return self._combine("union", others, any_of)

    def intersection(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in all of these querysets, in the order of this one."""
        return self._combine("intersection", others, all_of)

    def difference(self, *others: QuerySet[M]) -> Self:
        """Return the rows that are in none of the others, in the order of this one."""
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
        every: list[QuerySet[M]] = [self, *others]
        sessions = {id(rows._using): rows._using for rows in every if rows._using is not None}  # noqa: SLF001
        if len(sessions) > 1:
            msg = f"{verb}() joins querysets of one session; these are of several: {list(sessions.values())}."
            raise QueryError(msg)
        where = join([filter_builder.as_condition(rows.query) for rows in every])
        joined = self._with(self._query.evolve(where=where, limit=None, offset=0, search=None))
        joined._using = next(iter(sessions.values()), None)  # noqa: SLF001 - made here
        return joined

    # --- what comes along -----------------------------------------------------------------------------------

    def only(self, *names: str) -> Self:
        """Load only these fields, and the key; the others come when they are read, for the whole page at once."""
        self._check_verb("only")
        wanted = [prefetching.own_field(self._info, name, "only") for name in names]
        return self._with(prefetching.with_fields(self._query, [self._info.pk, *wanted], self._query.related))

    def defer(self, *names: str) -> Self:
        """Load all but these fields; they come when they are read, for the whole page at once."""
        self._check_verb("defer")
        left_out = [prefetching.own_field(self._info, name, "defer") for name in names]
        kept = [f for f in prefetching.own_fields(self._query) if f not in left_out or f is self._info.pk]
        return self._with(prefetching.with_fields(self._query, kept, self._query.related))

    def select_related(self, *names: str | None) -> Self:
        """Bring many-to-one relations along in the same request: ``"carrier"``, ``"carrier__country"``.

        Without names, those that cannot be null; with None alone, none.
        """
        self._check_verb("select_related")
        if None in names:
            return self._with(prefetching.with_fields(self._query, prefetching.own_fields(self._query), ()))
        required = [f for f in self._info.fields.values() if f.target is not None and not f.nullable]
        paths = [prefetching.many_to_one_path(self._info, str(name)) for name in names] or [
            (field,) for field in required
        ]
        return self._with(prefetching.with_related(self._query, *paths))

    def prefetch_related(self, *relations: str | Prefetch | None) -> Self:
        """Bring lists of related rows along in the same request: ``"comments"``, ``"author__articles__tags"``.

        The lists are complete, unless a `Prefetch` says otherwise. With None alone, none come along.

        Raises:
            FieldError: there is no such relation.

        Example:
            >>> airlines = Airline.objects.prefetch_related("flights")
            >>> [len(airline.flights) for airline in airlines]
            [65, 65, 65, 65]
        """
        self._check_verb("prefetch_related")
        wanted = [relation for relation in relations if relation is not None]
        if len(wanted) < len(relations):
            return self._with(self._query.evolve(nested=()))
        return self._with(functools.reduce(prefetching.with_prefetch, wanted, self._query))

    # --- dates ----------------------------------------------------------------------------------------------

    def dates(self, name: str, kind: str, order: str = "ASC") -> Rows[date]:
        """Return the years, quarters, months, weeks or days in which there are rows, each as its first `date`.

        ``kind`` is ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` or ``"day"``; ``order`` ``"ASC"`` or
        ``"DESC"``. Moments are those of UTC.

        Example:
            >>> list(Flight.objects.dates("time_hour", "month"))
            [datetime.date(2013, 12, 1), datetime.date(2014, 1, 1)]
        """
        return self._truncated_dates(name, kind, order, moments=False)

    def datetimes(self, name: str, kind: str, order: str = "ASC") -> Rows[datetime]:
        """Do as `dates` does, with datetimes, which ``"hour"``, ``"minute"`` and ``"second"`` begin as well."""
        return self._truncated_dates(name, kind, order, moments=True)

    def _truncated_dates(self, name: str, kind: str, order: str, *, moments: bool) -> Rows[Any]:
        self._refuse_sliced("datetimes" if moments else "dates")
        query, columns = value_builder.truncated_dates(self._query, name, kind, order, datetimes=moments)
        return Rows(query, Values(columns, "flat"), self._using)

    # --- finding --------------------------------------------------------------------------------------------

    def contains(self, instance: M) -> bool:
        """Return whether an instance is among the rows, by one request for its key."""
        if not isinstance(instance, self._query.model):
            msg = f"contains() takes a {self._query.model.__name__}, not {instance!r}."
            raise TypeError(msg)
        if self._complete or self._query.is_sliced:
            return instance in self
        return self.filter(pk=instance).exists()

    def in_bulk(self, keys: Iterable[Any] | None = None) -> dict[Any, M]:
        """Return the instances with these keys, by key; keys without a row are left out.

        Sends one request per 1,000 keys, and none without keys; without an argument, reads all rows.
        """
        self._refuse_sliced("in_bulk")
        if keys is None:
            return {instance.pk: instance for instance in self}
        pk = self._info.pk
        wanted = list(dict.fromkeys(pk.dump(key_of(pk, key)) for key in keys))
        if not wanted or self._query.is_empty:
            return {}
        session = self._session()
        query = resolve_subqueries(session, self._query)
        if query.is_empty:
            return {}
        decode = self._shape.decoder(query)
        found = fetch(session, key_pager(query, wanted, dialect_of(session), session.max_rows))
        return {instance.pk: instance for rows in found for instance in decode(session, rows)}

    def ref(self, key: Any) -> M:
        """Return an instance of which only the key is known, without a request; the rest loads when read.

        Assign it to a relation, change and save it: no row is read for that.

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
        made: M = reference(self._query.model, pk.load(pk.dump(key)), batch)
        return made

    # --- making ---------------------------------------------------------------------------------------------

    def create(self, /, **values: Any) -> M:
        """Make an instance, save it, and return it."""
        self._check_verb("create")
        instance: M = self._query.model(**values)
        self._assign_session([instance])
        save.save(instance)
        return instance

    def get_or_create(self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """Return the row that meets the conditions, else one that was created; and whether it was.

        A new row takes the values that were looked for, and ``defaults``. Two programs may do this at once: the
        second finds the row of the first where a unique field or the key tells them apart.
        """
        try:
            return self.get(**lookups), False
        except self._query.model.DoesNotExist:
            pass
        values = {**_plain_values(lookups), **(defaults or {})}
        try:
            return self.create(**values), True
        except RecordNotUnique as error:
            try:
                return self.get(**lookups), False
            except self._query.model.DoesNotExist:
                raise error from None

    def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """Give the row that meets the conditions these values, or create it; return it, and whether it is new.

        ``create_defaults`` replace ``defaults`` where it is created.
        """
        found, created = self.get_or_create(defaults if create_defaults is None else create_defaults, **lookups)
        if not created:
            for name, value in (defaults or {}).items():
                setattr(found, name, value)
            save.save(found)
        return found, created

    def update(self, /, *, progress: Any = ABSENT, **values: Any) -> int:
        """Write these values to all rows of the query, and return how many there were.

        The rows are chosen first, limits and orderings included, then written by key, 1,000 in one transaction;
        `Model.save` and `Model.clean` are not called, types and validators are checked. ``progress`` is that of
        `bulk_create`, unless the model has a field of that name: then it is a value to write. A failing chunk
        raises; the error's ``bulk`` tells which keys were written, and which not.
        """
        self._refuse_accidental_all("update")
        if progress is not ABSENT and "progress" in self._info.fields:
            values["progress"], progress = progress, ABSENT
        told = checked(None if progress is ABSENT else progress)
        return bulk.update(self._session(), self._query, values, told)

    def delete(self, *, progress: Progress = None) -> int:
        """Delete all rows of the query, and return how many there were; rows are chosen as by `update`."""
        self._refuse_accidental_all("delete")
        return bulk.delete(self._session(), self._query, checked(progress))

    def _refuse_accidental_all(self, verb: str) -> None:
        self._check_verb(verb)
        if self._from_manager:
            name = self._query.model.__name__
            msg = f"{name}.objects.{verb}() means every row: if so, say {name}.objects.all().{verb}()."
            raise TypeError(msg)

    def bulk_create(
        self, instances: Iterable[M], batch_size: int | None = None, *, progress: Progress = None
    ) -> list[M]:
        """Create rows, many in one request, and return the instances, saved, in their order.

        All are checked before anything is sent. Chunks of at most 1,000 rows, or ``batch_size``, and 1 MB, or what
        the server takes, are each one transaction. Where the server makes keys that are no numbers and no uuids,
        each row goes by itself. `Model.save` is not called; `Model.clean` is.

        With ``progress=True``, a bar tells how far it is (the extra ``progress``); a function is called with the
        rows done and the number of all, after each chunk.

        Raises:
            ConfigurationError: an instance that has a row already, or two with one key.
            ServerError: the server refused a chunk; the error's ``bulk``, a `BulkFailure`, has the instances that
                were written, those that were not, and the one at fault, as far as the server tells.

        Example:
            >>> airlines = [Airline(carrier=code, name=code) for code in ("YY", "ZZ")]
            >>> made = Airline.objects.bulk_create(airlines, progress=print)
            2 2
            >>> Airline.objects.filter(pk__in=["YY", "ZZ"]).delete()
            2
        """
        made = self._checked_instances("bulk_create", instances)
        for instance in made:
            if state_of(instance).stored or state_of(instance).deleted:
                msg = f"bulk_create() makes new rows, and {instance!r} has one already."
                raise ConfigurationError(msg)
        options = _options(batch_size, progress)
        if made:
            bulk.create(self._session(), self._info, made, **options)
        return made

    def bulk_update(
        self,
        instances: Iterable[M],
        fields: Iterable[str],
        batch_size: int | None = None,
        *,
        progress: Progress = None,
    ) -> int:
        """Write these fields of instances, many in one request, and return how many rows there were.

        In chunks, with progress, and with errors as `bulk_create`. An instance whose row is gone is passed over.
        `Model.save` is not called; `Model.clean` is.
        """
        given = self._checked_instances("bulk_update", instances)
        names = [fields] if isinstance(fields, str) else list(fields)
        options = _options(batch_size, progress)
        return bulk.update_instances(self._session(), self._info, given, names, **options) if given else 0

    def upsert(
        self, instances: Iterable[M], batch_size: int | None = None, *, progress: Progress = None
    ) -> list[M]:
        """Write the instances whose keys have rows, create the others, and return all, saved.

        The keys are looked up first; then rows are written and created in chunks, with progress, and with errors
        as by `bulk_create`. Another program that creates one of the rows in between makes that chunk fail with
        `RecordNotUnique`.
        """
        given = self._checked_instances("upsert", instances)
        options = _options(batch_size, progress)
        if given:
            bulk.upsert(self._session(), self._info, given, **options)
        return given

    def _checked_instances(self, verb: str, instances: Iterable[M]) -> list[M]:
        self._check_verb(verb)
        given = list(instances)
        for instance in given:
            if not isinstance(instance, self._query.model):
                msg = f"{verb}() takes instances of {self._query.model.__name__}, not {instance!r}."
                raise TypeError(msg)
        if len({id(instance) for instance in given}) < len(given):
            msg = f"{verb}() was given one instance twice."
            raise ConfigurationError(msg)
        return given

    def _assign_session(self, instances: Iterable[Any]) -> None:
        if self._using is not None:
            for instance in instances:
                state_of(instance).batch = batch = PageBatch(self._using, self._query.model)
                batch.add(instance)

    # --- in asyncio -----------------------------------------------------------------------------------------

    acontains = async_twin(contains)
    ain_bulk = async_twin(in_bulk)
    acreate = async_twin(create, changes=True)
    aget_or_create = async_twin(get_or_create, changes=True)
    aupdate_or_create = async_twin(update_or_create, changes=True)
    aupdate = async_twin(update, changes=True)
    adelete = async_twin(delete, changes=True)
    abulk_create = async_twin(bulk_create, changes=True)
    abulk_update = async_twin(bulk_update, changes=True)
    aupsert = async_twin(upsert, changes=True)


def _options(batch_size: int | None, progress: Progress) -> dict[str, Any]:
    """Return the options of a bulk write, checked before anything is done."""
    if batch_size is not None and not is_whole_number(batch_size, 1):
        msg = f"batch_size is a whole number from 1, not {batch_size!r}."
        raise QueryError(msg)
    return {"batch_size": batch_size, "progress": checked(progress)}


def _plain_values(lookups: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a new row takes from what was looked for: whole fields, not patterns and paths."""
    exact = {name.removesuffix("__exact"): value for name, value in lookups.items()}
    return {name: value for name, value in exact.items() if "__" not in name}


MT = TypeVar("MT", bound="HasKey")
Own_co = TypeVar("Own_co", bound="QuerySet[Any]", covariant=True)


class Manager:
    """Gives each model its queryset, as ``Model.objects``: all its rows, in the model's ordering."""

    def __get__(self, instance: object, owner: type[MT]) -> QuerySet[MT]:
        rows: QuerySet[MT] = _from_manager(QuerySet, instance, owner)
        return rows


class OwnManager(Manager, Generic[Own_co]):
    """Gives a model a queryset of its own class."""

    def __init__(self, kind: type[Own_co]) -> None:
        self._kind = kind

    def __get__(self, instance: object, owner: type[Any]) -> Own_co:
        own: Own_co = _from_manager(self._kind, instance, owner)
        return own


def _from_manager(kind: type[Any], instance: object, owner: type[Any]) -> Any:
    if instance is not None:
        msg = f"objects belongs to the class: {owner.__name__}.objects."
        raise AttributeError(msg)
    rows = kind(everything(owner), Instances()).initial()
    rows._from_manager = True  # noqa: SLF001 - set here alone: whoever chains has said what is meant
    return rows


def everything(model: type[Any]) -> Query:
    """Return the query for all rows of a model, in its ordering, with all its fields."""
    info: ModelInfo = model.directus
    return Query(model, order=resolve_ordering(model, info.options.ordering, "ordering"), paths=info.paths)
