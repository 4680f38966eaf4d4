"""`Rows`, the base of `QuerySet` and of `values`: filter, order_by, values, annotate, aggregate, get, to_arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from ..core.async_twins import async_twin
from ..core.checks import check_whole
from ..core.deferred_import import DeferredModule
from ..core.errors import DoesNotExist, MultipleObjectsReturned, QueryError, UnsupportedQuery
from ..core.masking import masked
from ..core.progress import Progress, reporting
from ..core.tracebacks import hides_locals
from ..dialects.registry import dialect_of
from ..fields.scalar_values import storable
from ..instances.state import state_of
from ..query.conditions import NEVER, split_key_list
from ..query.expressions import Aggregate, F
from ..query.q import Q
from ..reading.readable_fields import loadable_part
from ..reading.unknown_names import explain_refusals
from . import filtering_and_ordering, values_and_groups
from .result_shapes import Values
from .results import Results

if TYPE_CHECKING:
    from ..reading.aggregation import read_groups
    from . import tables
else:
    tables = DeferredModule(".tables", __package__)
    read_groups = DeferredModule("..reading.aggregation.read_groups", __package__)


if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


T = TypeVar("T")


class Rows(Results[T]):
    """A lazy queryset of dictionaries, tuples or single values, as `QuerySet.values` returns it.

    Chained methods return a new queryset and never change this one. Iterating fetches the rows page by page and
    keeps them, so that a second loop sends nothing; `iterator` keeps nothing.

    Example:
        >>> rows = Flight.objects.values("id", "carrier__name").filter(dep_delay__gt=60).order_by("id")
        >>> for row in rows[:2]:
        ...     print(row)
        {'id': 73, 'carrier__name': 'American Airlines'}
        {'id': 74, 'carrier__name': 'JetBlue'}
    """

    # --- chaining ---------------------------------------------------------------------------------------------

    @hides_locals
    def filter(self, *conditions: Q, **lookups: Any) -> Self:
        """Keep the rows that meet all conditions, as in Django: ``name__lookup=value``, or `Q` objects.

        On groups (see `annotate`), conditions on group keys and aggregates filter the groups, like SQL's HAVING.

        Raises:
            FieldError: a field or lookup does not exist.
            QueryError: a value has the wrong type, or the rows are a slice.
            UnsupportedQuery: the server cannot evaluate the condition exactly.

        Example:
            >>> Flight.objects.filter(dep_delay__gt=60, carrier__name__startswith="Jet").count()
            9
        """
        self._refuse_sliced("filter")
        return self._with(filtering_and_ordering.with_filter(self._query, Q(*conditions, **lookups), "filter()"))

    @hides_locals
    def exclude(self, *conditions: Q, **lookups: Any) -> Self:
        """Leave out the rows that meet all conditions; rows where a field is null stay, as in Django.

        Raises:
            FieldError, QueryError, UnsupportedQuery: as `filter`.

        Example:
            >>> Flight.objects.exclude(dep_delay__gt=0).count()
            79
        """
        self._refuse_sliced("exclude")
        condition = Q(*conditions, **lookups)
        if not condition.children:
            return self.all()
        return self._with(filtering_and_ordering.with_filter(self._query, ~condition, "exclude()"))

    def all(self) -> Self:
        """Return a new queryset of the same rows, which reads them again.

        `update` and `delete` of all rows of a model require it: ``Model.objects.all().delete()``.
        """
        return self._with(self._query)

    def none(self) -> Self:
        """Return a queryset without rows; reading it sends nothing."""
        self._check_verb("none")
        return self._with(self._query.evolve(where=NEVER))

    def order_by(self, *names: str) -> Self:
        """Order the rows by fields, ascending or, with ``-`` before the name, descending; without names, by key.

        This replaces any other ordering. Rows with equal values are ordered by key. Whether nulls come first or
        last depends on the server's database.

        Raises:
            FieldError: a field does not exist.
            QueryError: the rows are a slice.
            UnsupportedQuery: the server cannot order by a field, such as by one behind a to-many relation.

        Example:
            >>> late = Flight.objects.filter(dep_delay__gt=60)
            >>> [flight.id for flight in late.order_by("-dep_delay", "id")[:2]]
            [90, 180]
        """
        self._refuse_sliced("order_by")
        self._refuse_key_list("order_by")
        return self._with(filtering_and_ordering.with_order(self._query, names))

    def reverse(self) -> Self:
        """Reverse the ordering; without one, order the rows by descending key."""
        self._refuse_sliced("reverse")
        self._refuse_key_list("reverse")
        return self._with(self._query.reversed())

    def _refuse_key_list(self, verb: str) -> None:
        if split_key_list(self._query.where)[1] is not None:
            msg = f"A part of partition() keeps the order of its list of keys: call {verb}() before partition()."
            raise UnsupportedQuery(msg)

    def limit(self, count: int | None) -> Self:
        """Return at most this number of rows, or all rows with None; this replaces any other limit."""
        self._check_verb("limit")
        if count is not None:
            check_whole("limit", count)
        return self._with(self._query.evolve(limit=count))

    def offset(self, count: int) -> Self:
        """Skip this number of rows; this replaces any other offset."""
        self._check_verb("offset")
        check_whole("offset", count)
        return self._with(self._query.evolve(offset=count))

    def search(self, text: str) -> Self:
        """Keep the rows in which the server's own search finds a text.

        The server decides which fields it searches and whether case matters; ``%`` and ``_`` are its wildcards.

        Raises:
            QueryError: the text is blank or cannot be sent, or the rows are a slice.

        Example:
            >>> Flight.objects.search("late again").count()
            29
        """
        self._refuse_sliced("search")
        if not isinstance(text, str) or not text.strip():
            msg = f"search() takes a text that is not blank, not {text!r}."
            raise QueryError(msg)
        try:
            storable(text)
        except ValueError as error:
            msg = f"search(): {error}."
            raise QueryError(msg) from None
        return self._with(self._query.evolve(search=text))

    # --- other shapes -----------------------------------------------------------------------------------------

    def values(self, *names: str | F, **expressions: F) -> Rows[dict[str, Any]]:
        """Return dictionaries of these values by name, instead of instances.

        ``carrier__name`` follows a many-to-one relation, and ``year=F("time_hour__year")`` gives a value a name.
        Without names, the dictionaries have all fields and annotations.

        Raises:
            FieldError: a field does not exist.
            UnsupportedQuery: a path crosses a to-many relation.

        Example:
            >>> Flight.objects.values("id", "carrier__name", year=F("time_hour__year")).get(pk=2)
            {'id': 2, 'carrier__name': 'JetBlue', 'year': 2013}
        """
        return self._values(names, expressions, "dict")

    @overload
    def values_list(self, *names: str | F) -> Rows[tuple[Any, ...]]: ...
    @overload
    def values_list(self, *names: str | F, flat: Literal[True]) -> Rows[Any]: ...
    @overload
    def values_list(self, *names: str | F, named: Literal[True]) -> Rows[Any]: ...
    def values_list(self, *names: str | F, flat: bool = False, named: bool = False) -> Rows[Any]:
        """Return tuples of these values, instead of instances.

        Args:
            names: names as in `values`; without names, all fields and annotations.
            flat: return single values instead of tuples; this takes exactly one name.
            named: return named tuples.

        Raises:
            FieldError, UnsupportedQuery: as `values`.
            QueryError: ``flat`` is given with any other number of names, or ``named`` with a name twice.

        Example:
            >>> list(Airline.objects.values_list("carrier", flat=True))
            ['AA', 'B6', 'LH', 'a/b']
        """
        if flat and (named or len(names) != 1):
            msg = "values_list(flat=True) takes one field, and no named=True."
            raise QueryError(msg)
        if named and len(set(names)) < len(names):
            msg = "values_list(named=True) takes each name once."
            raise QueryError(msg)
        return self._values(names, {}, "flat" if flat else "named" if named else "tuple")

    def _values(self, names: tuple[str | F, ...], expressions: dict[str, F], kind: str) -> Rows[Any]:
        self._check_verb("values")
        query, columns = values_and_groups.with_values(self._query, names, expressions)
        return Rows(query, Values(columns, kind), self._using)

    def distinct(self, *names: str) -> Self:
        """Return each different row of `values` or `values_list` once; instances never repeat anyway.

        Raises:
            UnsupportedQuery: names are given (PostgreSQL's DISTINCT ON), or not every database can compare the
                type of a field, such as json.

        Example:
            >>> Flight.objects.values("carrier").distinct().count()
            4
        """
        self._refuse_sliced("distinct")
        if names:
            msg = (
                f"distinct({', '.join(map(repr, names))}): the server cannot choose one row of each group; "
                "values(…).annotate(first=Min('id')) returns each group with its least id."
            )
            raise UnsupportedQuery(msg)
        columns = self._value_columns()
        if columns is None:
            return self.all()
        return self._with(values_and_groups.distinct_values(self._query, columns))

    def _value_columns(self) -> values_and_groups.Columns | None:
        return self._shape.columns if isinstance(self._shape, Values) else None

    # --- expressions ------------------------------------------------------------------------------------------

    def annotate(self, *expressions: Aggregate, **by_name: Aggregate | F) -> Self:
        """Add values to each row by name; after `values`, group the rows and add aggregates of each group.

        On instances, the values are attributes: ``F("carrier__name")``, ``F("time_hour__year")``,
        ``Count("flights")``. After `values`, rows with equal values form a group, and `Count`, `Sum`, `Avg`, `Min`
        and `Max` are computed over its rows. `filter` and `order_by` take the new names as well.

        Raises:
            FieldError: an expression names a field that does not exist.
            QueryError: a name is that of a field or of another attribute of the model.
            UnsupportedQuery: the server cannot compute the expression exactly.

        Example:
            >>> groups = Flight.objects.values("carrier").annotate(n=Count("*"), mean=Avg("dep_delay"))
            >>> groups.filter(n__gte=10).order_by("-carrier")[0]
            {'carrier': 'a/b', 'n': 65, 'mean': 32.46153846153846}
        """
        return self._annotate(expressions, by_name, shown=True)

    def alias(self, *expressions: Aggregate, **by_name: Aggregate | F) -> Self:
        """Name values for `filter` and `order_by`, as `annotate` does, without returning them.

        Example:
            >>> Flight.objects.alias(hour=F("time_hour__hour")).filter(hour=3).count()
            10
        """
        return self._annotate(expressions, by_name, shown=False)

    def _annotate(self, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool) -> Self:
        self._refuse_sliced("annotate" if shown else "alias")
        columns = self._value_columns()
        if columns is None:
            return self._with(values_and_groups.annotate_instances(self._query, expressions, by_name, shown=shown))
        query, columns = values_and_groups.annotate_values(self._query, columns, expressions, by_name, shown=shown)
        shape = Values(columns, cast("Values", self._shape).kind)
        return type(self)(query, shape, self._using)

    @hides_locals
    def aggregate(self, /, *expressions: Aggregate, **by_name: Aggregate) -> dict[str, Any]:
        """Return aggregates of all rows by name: `Count`, `Sum`, `Avg`, `Min`, `Max`; by one request if possible.

        Without a name, ``Avg("dep_delay")`` is called ``dep_delay__avg``. Values have the types of their fields.
        Without rows, Count is 0 and the others are None.

        Raises:
            FieldError: an expression names a field that does not exist.
            UnsupportedQuery: the server cannot compute the expression exactly.

        Example:
            >>> Flight.objects.aggregate(Max("dep_delay"), n=Count("*"))
            {'dep_delay__max': 78, 'n': 260}
        """
        self._check_verb("aggregate")
        aggregates = values_and_groups.aggregates(self._query, expressions, by_name)
        return read_groups.aggregate(self._session(), self._query, aggregates) if aggregates else {}

    # --- tables -----------------------------------------------------------------------------------------------

    @hides_locals
    def to_arrow(self, *, page_size: int | None = None, progress: Progress = None) -> pa.Table:
        """Return the rows of `values` as an Arrow table, read page by page; needs the extra ``arrow``.

        The column types come from the model, even without rows: int64, float64, bool, string (for uuid and JSON,
        too), date32, time64, timestamp in milliseconds (UTC or naive), decimal128 with as many decimal places as
        the values have, list of strings. A null stays null.

        Args:
            page_size: the number of rows per request, as in `iterator`.
            progress: True shows a bar (extra ``progress``); a function is called with the number of rows so far
                and the number of all rows, which one more request counts first.

        Raises:
            ConfigurationError: pyarrow is not installed.
            ConversionError: a value does not fit its field or Arrow's type.
            QueryError: the queryset has instances: call `values` first.

        Example:
            >>> Flight.objects.values("id", "carrier__name", "time_hour").to_arrow().schema
            id: int64
            carrier__name: string
            time_hour: timestamp[ms, tz=UTC]
        """
        return self._table("arrow", page_size, progress)

    @hides_locals
    def to_pandas(self, *, page_size: int | None = None, progress: Progress = None) -> pd.DataFrame:
        """Return the rows of `values` as a pandas DataFrame with Arrow types; needs the extra ``pandas``.

        Arguments and errors are those of `to_arrow`. For NumPy types, in which integers with nulls become floats,
        call ``to_arrow().to_pandas()``.
        """
        return tables.pandas_frame(self._table("pandas", page_size, progress))

    @hides_locals
    def to_polars(self, *, page_size: int | None = None, progress: Progress = None) -> pl.DataFrame:
        """Return the rows of `values` as a polars DataFrame; needs the extra ``polars``.

        Arguments and errors are those of `to_arrow`.
        """
        return tables.polars_frame(self._table("polars", page_size, progress))

    def _table(self, extra: str, page_size: int | None, progress: Progress) -> pa.Table:
        value_columns = self._value_columns()
        if value_columns is None:
            name, verb = self._query.model.__name__, f"to_{extra}"
            msg = f"{verb}() makes a table of values: {name}.objects.values(…).{verb}()."
            raise QueryError(msg)
        for library in ("pyarrow", "pyarrow" if extra == "arrow" else extra):
            tables.import_library(library, extra)  # raises before rows are read in vain
        columns = tables.table_columns(self._query, value_columns)
        rows = Rows(self._query, Values(value_columns, "tuple"), self._using)
        with reporting(progress, rows.count, label=self._query.model.directus.collection) as advance:
            return tables.arrow_table(columns, rows.iterator(page_size), advance)

    # --- single rows ------------------------------------------------------------------------------------------

    @hides_locals
    def get(self, /, *conditions: Q, **lookups: Any) -> T:
        """Return the only row that meets the conditions, by one request for two rows at most.

        For a singleton, it takes no conditions.

        Raises:
            DoesNotExist: no row meets the conditions, or this user may not read it.
            MultipleObjectsReturned: more than one row does.
            FieldError, QueryError, UnsupportedQuery: as `filter`.

        Example:
            >>> Airline.objects.get(pk="LH").name
            'Lufthansa'
        """
        self._check_verb("get")
        model = self._query.model
        if model.directus.options.singleton:
            return self._get_singleton(bool(conditions or lookups))
        rows = self.filter(*conditions, **lookups) if conditions or lookups else self
        matches = list(rows[:2])
        if len(matches) == 1:
            return matches[0]
        condition = repr(Q(*conditions, **masked(lookups))) if conditions or lookups else "the query"
        if matches:
            message = f"More than one {model.__name__} matches {condition}; first() takes the first one."
            several: MultipleObjectsReturned = model.MultipleObjectsReturned(message)
            raise several
        missing: DoesNotExist = model.DoesNotExist(f"No {model.__name__} matches {condition}.")
        raise missing

    def _get_singleton(self, filtered: bool) -> T:
        if filtered:
            self._check_verb("filter")
        session = self._session()
        query, dialect = loadable_part(session, self._query), dialect_of(session)
        with explain_refusals(query, dialect):
            response = session.send(dialect.read_singleton(query))
        row = dialect.singleton_row(response, query.model.directus)
        instance = self._shape.decoder(query)(session, [row])[0]
        if row.get(query.model.directus.pk.column) is None:  # the server sends one also if none was ever saved
            state_of(instance).stored = False
        return instance

    @hides_locals
    def last(self) -> T | None:
        """Return the last row or None, by one request for one row; without an ordering, rows are ordered by key.

        Raises:
            QueryError: the rows are a slice.
        """
        if self._complete:
            return self._cache[-1] if self._cache else None
        self._refuse_sliced("last")
        return self.reverse().first()

    @hides_locals
    def latest(self, *names: str) -> T:
        """Return the last row in the order of these fields, by one request for one row.

        Raises:
            DoesNotExist: there is no row.
            QueryError: no field is named, or the rows are a slice.

        Example:
            >>> Flight.objects.filter(time_hour__isnull=False).latest("time_hour").id
            260
        """
        return self._first_by("latest", names, last=True)

    @hides_locals
    def earliest(self, *names: str) -> T:
        """Return the first row in the order of these fields, by one request for one row.

        Raises:
            DoesNotExist: there is no row.
            QueryError: no field is named, or the rows are a slice.
        """
        return self._first_by("earliest", names, last=False)

    def _first_by(self, verb: str, names: tuple[str, ...], *, last: bool) -> T:
        self._refuse_sliced(verb)
        if not names:
            msg = f"{verb}() takes the names of the fields to order by."
            raise QueryError(msg)
        rows = self.order_by(*names)
        first = list((rows.reverse() if last else rows)[:1])
        if not first:
            model = self._query.model
            missing: DoesNotExist = model.DoesNotExist(f"{verb}(): there is no {model.__name__}.")
            raise missing
        return first[0]

    # --- in asyncio -------------------------------------------------------------------------------------------

    aaggregate = async_twin(aggregate)
    ato_arrow = async_twin(to_arrow)
    ato_pandas = async_twin(to_pandas)
    ato_polars = async_twin(to_polars)
    aget = async_twin(get)
    alast = async_twin(last)
    alatest = async_twin(latest)
    aearliest = async_twin(earliest)
