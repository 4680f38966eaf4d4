"""`Rows`: a lazy, immutable query whose results come page by page, whatever shape they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from ..core.async_twins import async_twin
from ..core.errors import DoesNotExist, MultipleObjectsReturned, QueryError, UnsupportedQuery
from ..core.masking import masked
from ..core.progress import Progress, reporting
from ..dialects.registry import dialect_of
from ..fields.scalars import storable
from ..query.conditions import NEVER, split_key_list
from ..query.expressions import Aggregate, F
from ..query.q import Q
from ..reading.aggregation.groups import aggregate
from . import filter_builder, tables, value_builder
from .result_shapes import Values
from .results import Results, check_whole

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


T = TypeVar("T")


class Rows(Results[T]):
    """The rows that a query describes; nothing is asked before they are needed.

    Every chained method returns a new one and leaves this as it was. Iterating fetches page by page and
    keeps what was read, so that a second loop asks nothing; `iterator` keeps nothing.
    """

    # --- chaining -------------------------------------------------------------------------------------------

    def filter(self, *conditions: Q, **lookups: Any) -> Self:
        """Keep the rows that meet all conditions, as in Django: ``name__lookup=value``, or Q objects.

        Raises:
            FieldError: a field or lookup that does not exist.
            QueryError: a value of the wrong type, or a filter after a slice.
            UnsupportedQuery: the server cannot be asked that without bending it.

        Example:
            >>> late = Flight.objects.filter(dep_delay__gt=60, carrier__name__startswith="Jet")
        """
        self._refuse_sliced("filter")
        return self._with(filter_builder.with_filter(self._query, Q(*conditions, **lookups), "filter()"))

    def exclude(self, *conditions: Q, **lookups: Any) -> Self:
        """Leave out the rows that meet all conditions; rows where a field is null stay, as in Django."""
        self._refuse_sliced("exclude")
        condition = Q(*conditions, **lookups)
        if not condition.children:
            return self.all()
        return self._with(filter_builder.with_filter(self._query, ~condition, "exclude()"))

    def all(self) -> Self:
        """Return the same query, without what was read."""
        return self._with(self._query)

    def none(self) -> Self:
        """Return a query without rows, which never asks the server."""
        self._check_verb("none")
        return self._with(self._query.evolve(where=NEVER))

    def order_by(self, *names: str) -> Self:
        """Order by fields, each turned round by a ``-``; without names, by key.

        Rows that tie are ordered by key. Where null comes depends on the server's database.
        """
        self._refuse_sliced("order_by")
        self._refuse_key_list("order_by")
        return self._with(filter_builder.with_order(self._query, names))

    def reverse(self) -> Self:
        """Turn the order round."""
        self._refuse_sliced("reverse")
        self._refuse_key_list("reverse")
        return self._with(self._query.reversed())

    def _refuse_key_list(self, verb: str) -> None:
        if split_key_list(self._query.where)[1] is not None:
            msg = f"A part of a partition by keys has the order it was made in: call {verb}() before partition()."
            raise UnsupportedQuery(msg)

    def limit(self, count: int | None) -> Self:
        """Take at most so many rows; None takes all."""
        self._check_verb("limit")
        if count is not None:
            check_whole("limit", count)
        return self._with(self._query.evolve(limit=count))

    def offset(self, count: int) -> Self:
        """Pass over so many rows first."""
        self._check_verb("offset")
        check_whole("offset", count)
        return self._with(self._query.evolve(offset=count))

    def search(self, text: str) -> Self:
        """Keep the rows in which the server finds a text, in any of the fields it searches.

        ``%`` and ``_`` are the server's wildcards here, and it decides about case.
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

    # --- other shapes ---------------------------------------------------------------------------------------

    def values(self, *names: str | F, **expressions: F) -> Rows[dict[str, Any]]:
        """Return dictionaries of these values instead of instances; ``carrier__name`` follows a relation.

        Without names, of all fields and annotations. ``year=F("time_hour__year")`` gives a value a name.
        """
        return self._values(names, expressions, "dict")

    @overload
    def values_list(self, *names: str | F) -> Rows[tuple[Any, ...]]: ...
    @overload
    def values_list(self, *names: str | F, flat: Literal[True]) -> Rows[Any]: ...
    @overload
    def values_list(self, *names: str | F, named: Literal[True]) -> Rows[Any]: ...
    def values_list(self, *names: str | F, flat: bool = False, named: bool = False) -> Rows[Any]:
        """Return tuples of these values; of a single one, with ``flat=True``, its values; or named tuples."""
        if flat and (named or len(names) != 1):
            msg = "values_list(flat=True) takes one field, and no named=True."
            raise QueryError(msg)
        if named and len(set(names)) < len(names):
            msg = "values_list(named=True) takes each name once."
            raise QueryError(msg)
        return self._values(names, {}, "flat" if flat else "named" if named else "tuple")

    def _values(self, names: tuple[str | F, ...], expressions: dict[str, F], kind: str) -> Rows[Any]:
        self._check_verb("values")
        query, columns = value_builder.with_values(self._query, names, expressions, "values")
        return Rows(query, Values(columns, kind), self._using)

    def distinct(self, *names: str) -> Self:
        """Take equal results once: of `values` and its kin; instances never repeat.

        Raises:
            UnsupportedQuery: names were given, for one row of each; or not every database can tell which
                values are equal.
        """
        self._refuse_sliced("distinct")
        if names:
            msg = (
                f"distinct({', '.join(map(repr, names))}): the server cannot choose one row of each; "
                "values(…).annotate(first=Min('id')) tells which there are."
            )
            raise UnsupportedQuery(msg)
        columns = self._value_columns()
        return self.all() if columns is None else self._with(value_builder.distinct_values(self._query, columns))

    def _value_columns(self) -> value_builder.Columns | None:
        return self._shape.columns if isinstance(self._shape, Values) else None

    # --- expressions ----------------------------------------------------------------------------------------

    def annotate(self, *expressions: Aggregate, **by_name: Aggregate | F) -> Self:
        """Give each row further values by name; after `values`, make groups of equal rows.

        Of instances: ``F("carrier__name")``, ``F("time_hour__year")``, ``Count("comments")``, as attributes that
        `filter` and `order_by` know as well. After `values`: Count, Sum, Avg, Min, Max of each group.

        Raises:
            QueryError: a name that means something already.
            UnsupportedQuery: the server cannot be asked that without bending it.

        Example:
            >>> groups = Flight.objects.values("carrier").annotate(n=Count("*"), mean=Avg("dep_delay"))
            >>> groups.filter(n__gte=10).order_by("-carrier")[0]
            {'carrier': 'a/b', 'n': 65, 'mean': 32.46153846153846}
        """
        return self._annotate(expressions, by_name, shown=True)

    def alias(self, *expressions: Aggregate, **by_name: Aggregate | F) -> Self:
        """Do as `annotate` does, without giving the values: for `filter` and `order_by` alone."""
        return self._annotate(expressions, by_name, shown=False)

    def _annotate(self, expressions: tuple[Any, ...], by_name: dict[str, Any], *, shown: bool) -> Self:
        self._refuse_sliced("annotate" if shown else "alias")
        known = self._value_columns()
        if known is None:
            return self._with(value_builder.annotate_instances(self._query, expressions, by_name, shown=shown))
        query, columns = value_builder.annotate_values(self._query, known, expressions, by_name, shown=shown)
        shape = Values(columns, cast("Values", self._shape).kind)
        return type(self)(query, shape, self._using)

    def aggregate(self, /, *expressions: Aggregate, **by_name: Aggregate) -> dict[str, Any]:
        """Return what is made of all rows, by name: Count, Sum, Avg, Min and Max; by one request if possible.

        Without a name, ``Avg("dep_delay")`` is called ``dep_delay__avg``. Values have the types of their fields;
        of no rows, Count is 0 and the others are None.

        Raises:
            FieldError: an expression names no field.
            UnsupportedQuery: the server cannot be asked that without bending it.

        Example:
            >>> Flight.objects.aggregate(Max("dep_delay"), n=Count("*"))
            {'dep_delay__max': 78, 'n': 260}
        """
        self._check_verb("aggregate")
        measures = value_builder.aggregates(self._query, expressions, by_name)
        return aggregate(self._session(), self._query, measures) if measures else {}

    # --- tables ---------------------------------------------------------------------------------------------

    def to_arrow(self, *, page_size: int | None = None, progress: Progress = None) -> pa.Table:
        """Return the values as an Arrow table, read page by page as by `iterator`; needs the extra ``arrow``.

        The types are the model's, of an empty table, too: int64, float64, bool, string (uuids and JSON as well),
        date32, time64, timestamp in milliseconds, of UTC or naive, decimal128 of as many places as the values
        have, lists of strings. What is null is null.

        Raises:
            QueryError: of instances: say which `values` are wanted.
            ConversionError: a value does not fit its field, or Arrow's type.

        Example:
            >>> Flight.objects.values("id", "carrier__name", "time_hour").to_arrow().schema
            id: int64
            carrier__name: string
            time_hour: timestamp[ms, tz=UTC]
        """
        return self._table("arrow", page_size, progress)

    def to_pandas(self, *, page_size: int | None = None, progress: Progress = None) -> pd.DataFrame:
        """Do as `to_arrow` does, as a DataFrame with pandas's Arrow types; needs the extra ``pandas``.

        ``to_arrow().to_pandas()`` gives NumPy's types, in which integers with nulls are floats.
        """
        return tables.pandas(self._table("pandas", page_size, progress))

    def to_polars(self, *, page_size: int | None = None, progress: Progress = None) -> pl.DataFrame:
        """Do as `to_arrow` does, as a DataFrame of polars; needs the extra ``polars``."""
        return tables.polars(self._table("polars", page_size, progress))

    def _table(self, extra: str, page_size: int | None, progress: Progress) -> pa.Table:
        known = self._value_columns()
        if known is None:
            name, verb = self._query.model.__name__, f"to_{extra}"
            msg = f"{verb}() makes a table of values: {name}.objects.values(…).{verb}()."
            raise QueryError(msg)
        for library in ("pyarrow", "pyarrow" if extra == "arrow" else extra):
            tables.library(library, extra)  # before rows are read in vain
        columns = tables.columns_of(self._query, known)
        rows = Rows(self._query, Values(known, "tuple"), self._using)
        with reporting(progress, rows.count, label=self._query.model.directus.collection) as advance:
            return tables.arrow(columns, rows.iterator(page_size), advance)

    # --- one of them -----------------------------------------------------------------------------------------

    def get(self, /, *conditions: Q, **lookups: Any) -> T:
        """Return the only row that meets the conditions.

        Raises:
            DoesNotExist: none does (or this user may not read it).
            MultipleObjectsReturned: more than one does.
        """
        self._check_verb("get")
        model = self._query.model
        if model.directus.options.singleton:
            return self._get_singleton(bool(conditions or lookups))
        rows = self.filter(*conditions, **lookups) if conditions or lookups else self
        found = list(rows[:2])
        if len(found) == 1:
            return found[0]
        what = f"matches {Q(*conditions, **masked(lookups))!r}" if conditions or lookups else "matches the query"
        if found:
            message = f"More than one {model.__name__} {what}; first() takes the first one."
            several: MultipleObjectsReturned = model.MultipleObjectsReturned(message)
            raise several
        nothing: DoesNotExist = model.DoesNotExist(f"No {model.__name__} {what}.")
        raise nothing

    def _get_singleton(self, filtered: bool) -> T:
        if filtered:
            self._check_verb("filter")
        session = self._session()
        response = session.send(dialect_of(session).read_singleton(self._query))
        row = dialect_of(session).singleton_row(response, self._query.model.directus)
        return self._shape.decoder(self._query)(session, [row])[0]

    def last(self) -> T | None:
        """Return the last row, by key where there is no ordering, or None."""
        if self._complete:
            return self._cache[-1] if self._cache else None
        self._refuse_sliced("last")
        return self.reverse().first()

    def latest(self, *names: str) -> T:
        """Return the last row in the order of these fields.

        Raises:
            DoesNotExist: there is no row.
        """
        return self._first_by("latest", names, last=True)

    def earliest(self, *names: str) -> T:
        """Return the first row in the order of these fields.

        Raises:
            DoesNotExist: there is no row.
        """
        return self._first_by("earliest", names, last=False)

    def _first_by(self, verb: str, names: tuple[str, ...], *, last: bool) -> T:
        self._refuse_sliced(verb)
        if not names:
            msg = f"{verb}() takes the names of the fields to order by."
            raise QueryError(msg)
        rows = self.order_by(*names)
        found = list((rows.reverse() if last else rows)[:1])
        if not found:
            model = self._query.model
            nothing: DoesNotExist = model.DoesNotExist(f"There is no {model.__name__} to be the {verb}.")
            raise nothing
        return found[0]

    # --- in asyncio -----------------------------------------------------------------------------------------

    aaggregate = async_twin(aggregate)
    ato_arrow = async_twin(to_arrow)
    ato_pandas = async_twin(to_pandas)
    ato_polars = async_twin(to_polars)
    aget = async_twin(get)
    alast = async_twin(last)
    alatest = async_twin(latest)
    aearliest = async_twin(earliest)
