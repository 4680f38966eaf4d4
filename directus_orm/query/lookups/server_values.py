"""Values that the server finds out when it is asked: the time, and who is asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.type_table import DATES
from ..conditions import Comparison, Node, all_of, any_of

Path = tuple[Field, ...]
Plain = Callable[[str, Any], Node]
"""Builds the condition of an ordinary lookup on the same path, by name and value."""

# The server takes each of these; it is sent the first of a row.
_UNITS = (
    "millisecond milliseconds msec msecs ms",
    "second seconds sec secs s",
    "minute minutes min mins m",
    "hour hours hr hrs h",
    "day days d",
    "week weeks w",
    "month months mth mo",
    "year years yr yrs y",
)
_UNIT = {word: row.split()[0] for row in _UNITS for word in row.split()}
_MILLISECONDS = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 7 * 86_400_000,
    "month": 31 * 86_400_000,
    "year": 366 * 86_400_000,
}
_MOST_YEARS = 1000
_ADJUSTMENT = re.compile(r"([+-]?)([0-9]+) ?([a-z]+)", re.ASCII)


class ServerValue:
    """A value that the server finds out; see `now`, `current_user` and `current_role`."""

    __slots__ = ()

    def condition(self, path: Path, lookup: str) -> Node:
        """Return the condition that a field stands to this value as a lookup says.

        Raises:
            QueryError: the field is of another kind, or the lookup takes no such value.
        """
        raise NotImplementedError


@attrs.frozen(repr=False)
class Now(ServerValue):
    """The server's time when it answers, shifted by so many units."""

    amount: int = 0
    unit: str = "day"

    def __repr__(self) -> str:
        return f"now({f'{self.amount:+} {self.unit}'!r})" if self.amount else "now()"

    @property
    def sent(self) -> str:
        """What the server evaluates."""
        return f"$NOW({self.amount:+} {self.unit})" if self.amount else "$NOW"

    def condition(self, path: Path, lookup: str) -> Node:
        """Return the condition; a date is compared by whole days, UTC."""
        field = path[-1]
        kind = field.value_type.kind
        if kind not in DATES:
            also = " To the server, a time of day is a text without a date." * (kind == "time")
            msg = f"{_name(path)}: {self!r} is for fields that hold a date; {field} is of type {kind}.{also}"
            raise QueryError(msg)
        if lookup not in _COMPARISONS:
            raise _unfit(path, self, lookup, (*_COMPARISONS, "in", "range"))
        if kind == "date":
            return all_of(
                Comparison(path, operator, self._days(path, days)) for operator, days in _AS_WHOLE_DAYS[lookup]
            )
        return Comparison(path, _COMPARISONS[lookup], self.sent)

    def _days(self, path: Path, days: int) -> str:
        if not days:
            return self.sent
        if self.amount and self.unit in {"month", "year"}:
            msg = (
                f"{_name(path)}: with a date, {self!r} goes with lte and gt only; the others need the day before "
                "it as well, and the server shifts by one unit at a time. Shift by days or weeks instead."
            )
            raise UnsupportedQuery(msg)
        whole = 86_400_000 // _MILLISECONDS[self.unit]
        if not whole:  # a week is more than a day
            return Now(self.amount * 7 + days, "day").sent
        return Now(self.amount + days * whole, self.unit).sent


_COMPARISONS = {"exact": "eq", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}

# A date is compared with a moment: SQLite and MariaDB take its midnight, PostgreSQL the whole day. Only "not
# after" and "after" mean the same then, so that the others are said by them, from the day before on.
_AS_WHOLE_DAYS: dict[str, tuple[tuple[str, int], ...]] = {
    "lte": (("lte", 0),),
    "gt": (("gt", 0),),
    "lt": (("lte", -1),),
    "gte": (("gt", -1),),
    "exact": (("gt", -1), ("lte", 0)),
}


@attrs.frozen(repr=False)
class CurrentUserValue(ServerValue):
    """Who asks: the key of the user that the session is logged in as, or of that user's role."""

    name: str
    sent: str
    collection: str

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name

    def condition(self, path: Path, lookup: str) -> Node:
        """Return the condition; where nobody is logged in, it holds for no row."""
        field = path[-1]
        if not self._fits(field):
            msg = (
                f"{_name(path)}: {self!r} is a key of {self.collection}, and compared with relations to it and "
                f"with uuid fields; {field} is neither."
            )
            raise QueryError(msg)
        if lookup != "exact":
            raise _unfit(path, self, lookup, ("exact", "in"))
        # For the public the value is null, and the server would turn "equals null" into "is null".
        return all_of([Comparison(path, "eq", self.sent), Comparison(path, "nnull")])

    def _fits(self, field: Field) -> bool:
        model = field.target or (field.model if field.primary_key else None)
        if model is not None and model.directus.collection == self.collection:
            return True
        return field.target is None and field.value_type.kind == "uuid"


current_user: Final = CurrentUserValue("current_user", "$CURRENT_USER", "directus_users")
"""The user that the session is logged in as, for relations to ``directus_users`` and uuid fields."""

current_role: Final = CurrentUserValue("current_role", "$CURRENT_ROLE", "directus_roles")
"""The role of the user that the session is logged in as, for relations to ``directus_roles`` and uuid fields."""


def now(adjustment: str | None = None) -> Now:
    """Return the server's time when it answers a request, shifted or not, to compare date and time fields with.

    The adjustment is a whole number and a unit: ms, s, m, h, d, w, mo, y, or ``"-1 day"``, ``"+2 weeks"``, at
    most 1,000 years. Every request takes the time anew; ``datetime.now(UTC)`` stays as it is.

    Raises:
        QueryError: the adjustment means nothing, which the server would take for no adjustment.

    Example:
        >>> Flight.objects.filter(time_hour__gt=now("-1 day")).count()
        0
    """
    if adjustment is None:
        return Now()
    found = _ADJUSTMENT.fullmatch(adjustment.strip()) if isinstance(adjustment, str) else None
    unit = _UNIT.get(found[3]) if found else None
    if found is None or unit is None:
        listed = "; ".join(row.replace(" ", ", ") for row in _UNITS)
        msg = (
            f"now({adjustment!r}): an adjustment is a whole number and a unit, such as '-1 day' or '+90 min'. "
            f"Units: {listed}."
        )
        raise QueryError(msg)
    # By its length first: the digits of a number without bounds take long to read.
    amount = int(found[1] + found[2]) if len(found[2]) < 18 else None
    if amount is None or abs(amount) * _MILLISECONDS[unit] > _MOST_YEARS * _MILLISECONDS["year"]:
        msg = f"now({adjustment!r}): at most {_MOST_YEARS:,} years can be added or taken away."
        raise QueryError(msg)
    return Now(amount, unit) if amount else Now()


def holds_server_value(value: Any) -> bool:
    """Return whether a lookup's value is one that the server finds out, or a list that holds one."""
    if isinstance(value, list | tuple | set | frozenset):
        return any(isinstance(item, ServerValue) for item in value)
    return isinstance(value, ServerValue)


def condition(path: Path, lookup: str, value: Any, plain: Plain) -> Node:
    """Return the condition of a lookup whose value `holds_server_value` has found to be of this kind.

    Raises:
        QueryError: the field or the lookup takes no such value.
    """
    if isinstance(value, ServerValue):
        return value.condition(path, lookup)
    items = list(value)
    if lookup == "in":
        given = [item for item in items if not isinstance(item, ServerValue)]
        found = [item.condition(path, "exact") for item in items if isinstance(item, ServerValue)]
        return any_of([*([plain("in", given)] if given else []), *found])
    if lookup not in {"range", "between"} or isinstance(value, set | frozenset):
        dynamic = next(item for item in items if isinstance(item, ServerValue))
        raise _unfit(path, dynamic, lookup, (*_COMPARISONS, "in", "range"))
    if len(items) != 2 or None in items:  # the server ignores a _between of another length (G3)
        msg = f"{_name(path)}__{lookup} takes two values, the lowest and the highest, not {value!r}."
        raise QueryError(msg)
    return all_of(
        bound.condition(path, side) if isinstance(bound, ServerValue) else plain(side, bound)
        for side, bound in zip(("gte", "lte"), items, strict=True)
    )


def _unfit(path: Path, value: ServerValue, lookup: str, lookups: tuple[str, ...]) -> QueryError:
    msg = f"{_name(path)}__{lookup} takes no {value!r}. Lookups that do: {', '.join(lookups)}."
    return QueryError(msg)


def _name(path: Path) -> str:
    return "__".join(field.name for field in path)
