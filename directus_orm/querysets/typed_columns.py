"""Typed conditions: `col` and `via` make keyword lookups of the fields of model classes.

Whatever they make is a `Q` of ordinary lookups, so that each condition has one meaning, in one place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NoReturn, Protocol, TypeVar, overload
from uuid import UUID

from ..core.errors import QueryError
from ..fields.references import FieldReference
from ..instances.state import HasKey
from ..query.lookups.server_values import CurrentUserValue, Now
from ..query.q import Q, RootedName, only_q
from .related import Related


class AskedRows(Protocol):
    """Rows of dictionaries that a query describes: ``Model.objects.values("pk")``."""

    @property
    def query(self) -> Any:
        """The query."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...


T = TypeVar("T")
M = TypeVar("M", bound=HasKey)
D = TypeVar("D", dt.date, dt.datetime)


class _Base:
    __slots__ = ("_reference",)

    def __init__(self, reference: FieldReference) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return f"col({self._reference})"

    def __bool__(self) -> NoReturn:
        msg = (
            f"{self!r} has no truth of its own: compare it, and join conditions with & | ~, "
            "not with 'and', 'or', 'not', 'in' or a chain such as 1 < x < 5, which between(1, 5) is for."
        )
        raise TypeError(msg)

    def __contains__(self, item: object) -> NoReturn:
        msg = f"'in' cannot be asked of {self!r}: col(…).contains(text), or col(…).in_(values)."
        raise TypeError(msg)

    def lookup(self, name: str, value: Any) -> Q:
        """Return the condition of any lookup by its name, such as one made by `register_lookup`."""
        if isinstance(value, _Base | FieldReference):
            msg = (
                f"{self!r} is compared with a value; the server does not compare it with another field, {value!r}."
            )
            raise QueryError(msg)
        return Q.of(RootedName(f"{self._reference.path}__{name}", self._reference.root), value)

    def is_null(self, value: bool = True) -> Q:
        """Return the condition that there is no value; of a relation to many, that there are no rows."""
        return self.lookup("isnull", value)

    def _part(self, name: str) -> Column[Any]:
        return Column(FieldReference(self._reference.root, (*self._reference.names, name)))


class Column(_Base, Generic[T]):  # noqa: PLW1641 - equality is a condition here, so there is no hash
    """A field to be compared with values of its type; every comparison is a `Q`.

    ``!=`` keeps the rows where the field is null, as in Django; ``== None`` finds them.
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
    def in_(self, values: Iterable[T | None] | AskedRows) -> Q: ...
    @overload
    def in_(self: Column[D], values: Iterable[D | Now | None]) -> Q: ...
    @overload
    def in_(self: Column[M], values: Iterable[M | CurrentUserValue | None]) -> Q: ...
    @overload
    def in_(self: Column[UUID], values: Iterable[UUID | CurrentUserValue | None]) -> Q: ...
    def in_(self, values: Any) -> Q:
        """Return the condition that the field has one of these values, or one of those a queryset finds."""
        return self.lookup("in", values)

    @overload
    def between(self, low: T, high: T) -> Q: ...
    @overload
    def between(self: Column[D], low: D | Now, high: D | Now) -> Q: ...
    def between(self, low: Any, high: Any) -> Q:
        """Return the condition that the field is not below the one and not above the other."""
        return self.lookup("range", (low, high))

    # --- texts ------------------------------------------------------------------------------------------------

    def is_empty(self: Column[str] | Column[list[str]], value: bool = True) -> Q:
        """Return the condition that the text is null or ``""``."""
        return self.lookup("empty", value)

    def contains(self: Column[str], text: str) -> Q:
        """Return the condition that the text holds another one."""
        return self.lookup("contains", text)

    def icontains(self: Column[str], text: str) -> Q:
        """Return the condition that the text holds another one, whatever the case."""
        return self.lookup("icontains", text)

    def startswith(self: Column[str], text: str) -> Q:
        """Return the condition that the text begins with another one."""
        return self.lookup("startswith", text)

    def istartswith(self: Column[str], text: str) -> Q:
        """Return the condition that the text begins with another one, whatever the case."""
        return self.lookup("istartswith", text)

    def endswith(self: Column[str], text: str) -> Q:
        """Return the condition that the text ends with another one."""
        return self.lookup("endswith", text)

    def iendswith(self: Column[str], text: str) -> Q:
        """Return the condition that the text ends with another one, whatever the case."""
        return self.lookup("iendswith", text)

    def iexact(self: Column[str], text: str) -> Q:
        """Return the condition that the text is another one, whatever the case."""
        return self.lookup("iexact", text)

    # --- parts of dates and times -----------------------------------------------------------------------------

    @property
    def year(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The year, UTC."""
        return self._part("year")

    @property
    def quarter(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The quarter of the year, from 1."""
        return self._part("quarter")

    @property
    def month(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The month, from 1."""
        return self._part("month")

    @property
    def week(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The week of the year as ISO 8601 counts them, from 1."""
        return self._part("week")

    @property
    def week_day(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The day of the week: Sunday is 1, Saturday 7."""
        return self._part("week_day")

    @property
    def day(self: Column[dt.date] | Column[dt.datetime]) -> Column[int]:
        """The day of the month, from 1."""
        return self._part("day")

    @property
    def date(self: Column[dt.datetime]) -> Column[dt.date]:
        """The date, UTC."""
        return self._part("date")

    @property
    def hour(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The hour, UTC, from 0."""
        return self._part("hour")

    @property
    def minute(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The minute of the hour, from 0."""
        return self._part("minute")

    @property
    def second(self: Column[dt.datetime] | Column[dt.time]) -> Column[int]:
        """The whole second of the minute, from 0."""
        return self._part("second")

    # --- orderings --------------------------------------------------------------------------------------------

    def asc(self) -> str:
        """Return the name for `QuerySet.order_by`, the least first."""
        return RootedName(self._reference.path, self._reference.root)

    def desc(self) -> str:
        """Return the name for `QuerySet.order_by`, the greatest first."""
        return RootedName(f"-{self._reference.path}", self._reference.root)


class RelatedColumn(_Base, Generic[T]):
    """A relation to many rows, of which conditions may hold for some, or for none."""

    __slots__ = ()

    def some(self, condition: Q) -> Q:
        """Return the condition that a single related row meets the other one, made of its own fields."""
        return self.lookup("some", only_q(condition))

    def none(self, condition: Q) -> Q:
        """Return the condition that no single related row meets the other one."""
        return self.lookup("none", only_q(condition))

    @property
    def count(self) -> Column[int]:
        """The number of related rows."""
        return self._part("count")


@overload
def col(field: Related[M]) -> RelatedColumn[M]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
@overload
def col(field: T | None) -> Column[T]: ...
def col(field: Any) -> Any:
    """Return a field of a model class, to make conditions of which type checkers know the types.

    Raises:
        TypeError: this is no field; ``Flight.carrier.name`` is written ``via(Flight.carrier).name``.

    Example:
        >>> late = Flight.objects.filter(col(Flight.dep_delay) > 70, col(via(Flight.carrier).name) != "JetBlue")
        >>> late.count()
        11
    """
    reference = _reference(field, "col")
    return RelatedColumn(reference) if reference.to_many else Column(reference)


@overload
def via(relation: Related[M]) -> M: ...
@overload
def via(relation: M | None) -> M: ...
def via(relation: Any) -> Any:
    """Return the model that a relation leads to, for its fields: ``col(via(Flight.carrier).name)``.

    Raises:
        TypeError: this is no field of a model class, or one that leads nowhere.
        AttributeError: at the field's name, where the other model has none such.
    """
    reference = _reference(relation, "via")
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
    """The far side of a relation: its attributes are the fields of the model there."""

    __slots__ = ("_reference", "_target")

    def __init__(self, reference: FieldReference, target: type[Any]) -> None:
        self._reference = reference
        self._target = target

    def __getattr__(self, name: str) -> FieldReference:
        if name.startswith("_"):  # no field's name; asked by copy and pickle
            raise AttributeError(name)
        known = self._target.directus
        if name not in known.fields and name not in known.relations and name != "pk":
            raise AttributeError(str(known.unknown_field(name, f"via({self._reference}).{name}")))
        return FieldReference(
            self._reference.root, (*self._reference.names, name), to_many=name in known.relations
        )

    def __repr__(self) -> str:
        return f"via({self._reference})"


def _reference(field: object, verb: str) -> FieldReference:
    if isinstance(field, _Via):  # the relation itself
        return field._reference  # noqa: SLF001
    if isinstance(field, FieldReference):
        return field
    msg = (
        f"{verb}() takes a field of a model class, such as Flight.dep_delay or via(Flight.carrier).name, "
        f"not {field!r}."
    )
    raise TypeError(msg)
