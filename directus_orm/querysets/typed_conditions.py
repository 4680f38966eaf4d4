"""Typed conditions: `col` and `via` turn fields of model classes into lookups that type checkers can check.

Each condition is a `Q` of ordinary lookups, so that its meaning is defined in one place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NoReturn, Protocol, TypeVar, overload
from uuid import UUID

from ..core.errors import QueryError
from ..fields.field_references import FieldReference
from ..instances.state import HasKey
from ..query.lookups.server_values import CurrentUserValue, Now
from ..query.q import Q, RootedName, only_q
from .related import Related


class ValueRows(Protocol):
    """Rows of dictionaries, for type checkers: ``Model.objects.values("pk")``."""

    @property
    def query(self) -> Any:
        """The query that describes the rows."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...


T = TypeVar("T")
V = TypeVar("V")
M = TypeVar("M", bound=HasKey)
D = TypeVar("D", dt.date, dt.datetime)


class _ColumnBase:
    """The base of `Column` and `RelatedColumn`."""

    __slots__ = ("_reference",)

    def __init__(self, reference: FieldReference) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return f"col({self._reference})"

    def __bool__(self) -> NoReturn:
        msg = (
            f"{self!r} is neither true nor false: compare it, and join conditions with & | ~, "
            "not with 'and', 'or', 'not', 'in' or a chain such as 1 < x < 5, which between(1, 5) is for."
        )
        raise TypeError(msg)

    def __contains__(self, item: object) -> NoReturn:
        msg = f"'in' does not work with {self!r}: use col(…).contains(text), or col(…).in_(values)."
        raise TypeError(msg)

    def lookup(self, name: str, value: Any) -> Q:
        """Return the condition of a lookup by its name, such as one registered by `register_lookup`.

        Raises:
            QueryError: the value is another column or field.

        Example:
            >>> Flight.objects.filter(col(Flight.dep_delay).lookup("gte", 77)).count()
            4
        """
        if isinstance(value, _ColumnBase | FieldReference):
            msg = f"The server cannot compare {self!r} with another field, {value!r}: compare it with a value."
            raise QueryError(msg)
        return Q.of(RootedName(f"{self._reference.path}__{name}", self._reference.root), value)

    def is_null(self, value: bool = True) -> Q:
        """Return the condition that the field is null, or that a relation has no rows; False for the opposite."""
        return self.lookup("isnull", value)

    def _date_part(self, name: str) -> Column[Any]:
        return Column(FieldReference(self._reference.root, (*self._reference.names, name)))


class Column(_ColumnBase, Generic[T]):  # noqa: PLW1641 - equality is a condition here, so there is no hash
    """A field as `col` returns it: comparing it with values of its type makes conditions for `QuerySet.filter`.

    ``==``, ``!=``, ``<``, ``<=``, ``>`` and ``>=`` return a `Q`; conditions are joined by ``&``, ``|`` and ``~``.
    ``!=`` keeps rows where the field is null, as in Django, and ``== None`` finds them.

    Example:
        >>> delay = col(Flight.dep_delay)
        >>> Flight.objects.filter((delay > 70) | (delay == None)).count()
        66
    """

    __slots__ = ()

    @overload  # type: ignore[override]
    def __eq__(self, other: T | None) -> Q: ...
    @overload
    def __eq__(self: Column[D], other: Now) -> Q: ...
    @overload
    def __eq__(self: Column[M], other: CurrentUserValue) -> Q: ...
    @overload
    def __eq__(self: Column[UUID] | Column[str], other: CurrentUserValue) -> Q: ...
    def __eq__(self, other: Any) -> Q:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.is_null() if other is None else self.lookup("exact", other)

    @overload  # type: ignore[override]
    def __ne__(self, other: T | None) -> Q: ...
    @overload
    def __ne__(self: Column[D], other: Now) -> Q: ...
    @overload
    def __ne__(self: Column[M], other: CurrentUserValue) -> Q: ...
    @overload
    def __ne__(self: Column[UUID] | Column[str], other: CurrentUserValue) -> Q: ...
    def __ne__(self, other: Any) -> Q:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.is_null(False) if other is None else ~self.lookup("exact", other)

    @overload
    def __lt__(self, other: T) -> Q: ...
    @overload
    def __lt__(self: Column[D], other: Now) -> Q: ...
    def __lt__(self, other: Any) -> Q:
        return self.lookup("lt", other)

    @overload
    def __le__(self, other: T) -> Q: ...
    @overload
    def __le__(self: Column[D], other: Now) -> Q: ...
    def __le__(self, other: Any) -> Q:
        return self.lookup("lte", other)

    @overload
    def __gt__(self, other: T) -> Q: ...
    @overload
    def __gt__(self: Column[D], other: Now) -> Q: ...
    def __gt__(self, other: Any) -> Q:
        return self.lookup("gt", other)

    @overload
    def __ge__(self, other: T) -> Q: ...
    @overload
    def __ge__(self: Column[D], other: Now) -> Q: ...
    def __ge__(self, other: Any) -> Q:
        return self.lookup("gte", other)

    @overload
    def in_(self, values: Iterable[T | None] | ValueRows) -> Q: ...
    @overload
    def in_(self: Column[D], values: Iterable[D | Now | None]) -> Q: ...
    @overload
    def in_(self: Column[M], values: Iterable[M | CurrentUserValue | None]) -> Q: ...
    @overload
    def in_(self: Column[UUID], values: Iterable[UUID | CurrentUserValue | None]) -> Q: ...
    def in_(self, values: Any) -> Q:
        """Return the condition that the field has one of these values, or one of the values of a queryset.

        Example:
            >>> german = Airline.objects.filter(country="DE").values("pk")
            >>> Flight.objects.filter(col(Flight.carrier).in_(german)).count()
            65
        """
        return self.lookup("in", values)

    @overload
    def between(self, low: T, high: T) -> Q: ...
    @overload
    def between(self: Column[D], low: D | Now, high: D | Now) -> Q: ...
    def between(self, low: Any, high: Any) -> Q:
        """Return the condition that the field is at least ``low`` and at most ``high``."""
        return self.lookup("range", (low, high))

    # --- texts ------------------------------------------------------------------------------------------------

    def is_empty(self: Column[str] | Column[list[str]], value: bool = True) -> Q:
        """Return the condition that the field is null or ``""``; False for the opposite."""
        return self.lookup("empty", value)

    @overload
    def contains(self: Column[str], value: str) -> Q: ...
    @overload
    def contains(self: Column[list[V]], value: V | Iterable[V]) -> Q: ...
    def contains(self: Column[Any], value: Any) -> Q:
        """Return the condition that a text contains a text, or a list a value, or all of several values.

        In texts, SQLite and MariaDB ignore the case; in lists, it counts.
        """
        return self.lookup("contains", value)

    def icontains(self: Column[str], text: str) -> Q:
        """Return the condition that the field contains a text, ignoring case."""
        return self.lookup("icontains", text)

    def startswith(self: Column[str], text: str) -> Q:
        """Return the condition that the field starts with a text; SQLite and MariaDB ignore the case."""
        return self.lookup("startswith", text)

    def istartswith(self: Column[str], text: str) -> Q:
        """Return the condition that the field starts with a text, ignoring case."""
        return self.lookup("istartswith", text)

    def endswith(self: Column[str], text: str) -> Q:
        """Return the condition that the field ends with a text; SQLite and MariaDB ignore the case."""
        return self.lookup("endswith", text)

    def iendswith(self: Column[str], text: str) -> Q:
        """Return the condition that the field ends with a text, ignoring case."""
        return self.lookup("iendswith", text)

    def iexact(self: Column[str], text: str) -> Q:
        """Return the condition that the field equals a text, ignoring case."""
        return self.lookup("iexact", text)

    # --- lists ------------------------------------------------------------------------------------------------

    def overlap(self: Column[list[V]], values: Iterable[V]) -> Q:
        """Return the condition that the list contains at least one of these values."""
        return self.lookup("overlap", values)

    def contained_by(self: Column[list[V]], values: Iterable[V]) -> Q:
        """Return the condition that the list contains no other values than these."""
        return self.lookup("contained_by", values)

    # --- parts of dates and times -----------------------------------------------------------------------------

    @property
    def year(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The year, in UTC."""
        return self._date_part("year")

    @property
    def quarter(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The quarter of the year, from 1."""
        return self._date_part("quarter")

    @property
    def month(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The month, from 1."""
        return self._date_part("month")

    @property
    def week(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The week of the year by ISO 8601, from 1."""
        return self._date_part("week")

    @property
    def week_day(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The day of the week, from 1 for Sunday to 7 for Saturday."""
        return self._date_part("week_day")

    @property
    def day(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The day of the month, from 1."""
        return self._date_part("day")

    @property
    def date(self: Column[dt.datetime]) -> Column[dt.date]:
        """The date, in UTC."""
        return self._date_part("date")

    @property
    def hour(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The hour, in UTC, from 0."""
        return self._date_part("hour")

    @property
    def minute(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The minute, from 0."""
        return self._date_part("minute")

    @property
    def second(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The second, without fractions, from 0."""
        return self._date_part("second")

    # --- orderings --------------------------------------------------------------------------------------------

    def asc(self) -> str:
        """Return the argument of `QuerySet.order_by` for ascending order."""
        return RootedName(self._reference.path, self._reference.root)

    def desc(self) -> str:
        """Return the argument of `QuerySet.order_by` for descending order.

        Example:
            >>> Flight.objects.filter(dep_delay__gt=0).order_by(col(Flight.dep_delay).desc()).first().dep_delay
            78
        """
        return RootedName(f"-{self._reference.path}", self._reference.root)


class RelatedColumn(_ColumnBase, Generic[T]):
    """A to-many relation as `col` returns it: conditions on some related rows, on none, or on their number.

    Example:
        >>> very_late = col(Airline.flights).some(col(Flight.dep_delay) > 77)
        >>> [airline.name for airline in Airline.objects.filter(very_late)]
        ['JetBlue', 'Odd Key']
    """

    __slots__ = ()

    def some(self, condition: Q) -> Q:
        """Return the condition that at least one related row meets a condition on its fields."""
        return self.lookup("some", only_q(condition))

    def none(self, condition: Q) -> Q:
        """Return the condition that no related row meets a condition on its fields."""
        return self.lookup("none", only_q(condition))

    @property
    def count(self) -> Column[int]:
        """The number of related rows."""
        return self._date_part("count")


@overload
def col(field: Related[M]) -> RelatedColumn[M]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
@overload
def col(field: T | None) -> Column[T]: ...
def col(field: Any) -> Any:
    """Return a column for a field of a model class, whose comparisons are conditions for `QuerySet.filter`.

    Type checkers check the types of the compared values.

    Raises:
        TypeError: the argument is not a field of a model class; for a field of a related model, write
            ``via(Flight.carrier).name`` instead of ``Flight.carrier.name``.

    Example:
        >>> late = Flight.objects.filter(col(Flight.dep_delay) > 70, col(via(Flight.carrier).name) != "JetBlue")
        >>> late.count()
        11
    """
    reference = _as_reference(field, "col")
    return RelatedColumn(reference) if reference.to_many else Column(reference)


@overload
def via(relation: Related[M]) -> M: ...
@overload
def via(relation: M | None) -> M: ...
def via(relation: Any) -> Any:
    """Return the related model of a relation, to name a field of it: ``col(via(Flight.carrier).name)``.

    Raises:
        TypeError: the argument is not a relation of a model class.
        AttributeError: the related model has no such field; raised on access to the attribute.

    Example:
        >>> Flight.objects.filter(col(via(Flight.carrier).name) == "Lufthansa").count()
        65
    """
    reference = _as_reference(relation, "via")
    steps, _ = reference.root.directus.resolve_path(reference.path)
    target = steps[-1].target
    if target is None:
        relations = [f.name for f in steps[-1].model.directus.fields.values() if f.target is not None]
        msg = (
            f"via({reference}): {reference} leads to no other model. Relations of {steps[-1].model.__name__}: "
            f"{', '.join(relations) or 'none'}."
        )
        raise TypeError(msg)
    return _Via(reference, target)


class _Via:
    """The related model of a relation, as `via` returns it: its attributes are the fields of that model."""

    __slots__ = ("_reference", "_target")

    def __init__(self, reference: FieldReference, target: type[Any]) -> None:
        self._reference = reference
        self._target = target

    def __getattr__(self, name: str) -> FieldReference:
        if name.startswith("_"):  # not the name of a field; copy and pickle look for such names
            raise AttributeError(name)
        info = self._target.directus
        if name not in info.fields and name not in info.relations and name != "pk":
            raise AttributeError(str(info.unknown_field(name, f"via({self._reference}).{name}")))
        return FieldReference(self._reference.root, (*self._reference.names, name), to_many=name in info.relations)

    def __repr__(self) -> str:
        return f"via({self._reference})"


def _as_reference(field: object, verb: str) -> FieldReference:
    if isinstance(field, _Via):  # stands for the relation itself
        return field._reference  # noqa: SLF001
    if isinstance(field, FieldReference):
        return field
    msg = (
        f"{verb}() takes a field of a model class, such as Flight.dep_delay or via(Flight.carrier).name, "
        f"not {field!r}."
    )
    raise TypeError(msg)
