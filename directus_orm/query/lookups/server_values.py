"""Values that the server evaluates: its time (`now`), and the logged-in user (`current_user`, `current_role`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ...fields.type_table import DATES
from ..capabilities import DEFAULT_CAPABILITIES
from ..comparisons import MULTI_VALUE_LOOKUPS, OPERATORS, range_bounds
from ..conditions import Comparison, Node, all_of, any_of

PlainCondition = Callable[[str, Any], Node]
"""Makes the condition of an ordinary lookup on the same path, from its name and value."""

# The names of units that are understood; the first of each line is sent.
_UNIT_NAMES = (
    "millisecond milliseconds msec msecs ms",
    "second seconds sec secs s",
    "minute minutes min mins m",
    "hour hours hr hrs h",
    "day days d",
    "week weeks w",
    "month months mth mo",
    "year years yr yrs y",
)
_UNIT_OF_NAME = {name: names.split()[0] for names in _UNIT_NAMES for name in names.split()}
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
_ADJUSTMENT_PATTERN = re.compile(r"([+-]?)([0-9]+) ?([a-z]+)", re.ASCII)


class ServerValue:
    """A value that the server evaluates; see `now`, `current_user` and `current_role`."""

    __slots__ = ()

    def condition(self, path: FieldPath, lookup: str) -> Node:
        """Return the condition of a lookup that compares a field with this value.

        Raises:
            QueryError: the field is of another type, or the lookup does not take such a value.
        """
        raise NotImplementedError


@attrs.frozen(repr=False)
class Now(ServerValue):
    """The server's time when it handles a request, shifted by an amount of a unit."""

    amount: int = 0
    unit: str = "day"

    def __repr__(self) -> str:
        return f"now({f'{self.amount:+} {self.unit}'!r})" if self.amount else "now()"

    @property
    def sent(self) -> str:
        """The text that the server evaluates."""
        variable = DEFAULT_CAPABILITIES.variables["now"]
        return f"{variable}({self.amount:+} {self.unit})" if self.amount else variable

    def condition(self, path: FieldPath, lookup: str) -> Node:
        """Return the condition; a date is compared by whole days, UTC."""
        field = path[-1]
        kind = field.value_type.kind
        if kind not in DATES:
            also = " To the server, a time of day is a text without a date." * (kind == "time")
            msg = f"{path_name(path)}: {self!r} is for fields that hold a date; {field} is of type {kind}.{also}"
            raise QueryError(msg)
        if lookup not in _ONE_VALUE_LOOKUPS:
            raise _wrong_lookup(path, self, lookup, _LOOKUPS_OF_TIMES)
        if kind == "date":
            comparisons = _ON_DATES[lookup]
            return all_of(
                Comparison(path, operator, self._days_later(path, days)) for operator, days in comparisons
            )
        return Comparison(path, OPERATORS[lookup], self.sent)

    def _days_later(self, path: FieldPath, days: int) -> str:
        """Return the text for this time, shifted by more days."""
        if not days:
            return self.sent
        if self.amount and self.unit in {"month", "year"}:
            msg = (
                f"{path_name(path)}: a date is compared with {self!r} by lte and gt only: other lookups also need "
                "the day before it, and the server shifts by one unit only. Shift by days or weeks instead."
            )
            raise UnsupportedQuery(msg)
        units_of_a_day = _MILLISECONDS["day"] // _MILLISECONDS[self.unit]
        if not units_of_a_day:  # the unit is a week
            return Now(self.amount * 7 + days, "day").sent
        return Now(self.amount + days * units_of_a_day, self.unit).sent


_ONE_VALUE_LOOKUPS = tuple(lookup for lookup in OPERATORS if lookup not in MULTI_VALUE_LOOKUPS)
_LOOKUPS_OF_TIMES = (*_ONE_VALUE_LOOKUPS, *MULTI_VALUE_LOOKUPS)

# How a date field is compared with a moment: operators, and the days that are added to the moment. SQLite and
# MariaDB take the date's midnight, PostgreSQL the whole day; only lte and gt mean the same in both.
_ON_DATES: dict[str, tuple[tuple[str, int], ...]] = {
    "lte": (("lte", 0),),
    "gt": (("gt", 0),),
    "lt": (("lte", -1),),
    "gte": (("gt", -1),),
    "exact": (("gt", -1), ("lte", 0)),
}


@attrs.frozen(repr=False)
class CurrentUserValue(ServerValue):
    """The key of the user that the session is logged in as, or of that user's role."""

    name: str
    collection: str

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name

    @property
    def sent(self) -> str:
        """The text that the server evaluates."""
        return DEFAULT_CAPABILITIES.variables[self.name]

    def condition(self, path: FieldPath, lookup: str) -> Node:
        """Return the condition; it holds for no row if nobody is logged in."""
        field = path[-1]
        if not self._fits(field):
            msg = (
                f"{path_name(path)}: {self!r} is a key of {self.collection}, and compared with relations to it "
                f"and with uuid fields; {field} is neither."
            )
            raise QueryError(msg)
        if lookup != "exact":
            raise _wrong_lookup(path, self, lookup, ("exact", "in"))
        # If nobody is logged in the value is null, and the server would turn "equals null" into "is null".
        return all_of([Comparison(path, "eq", self.sent), Comparison(path, "nnull")])

    def _fits(self, field: Field) -> bool:
        model = field.target or (field.model if field.primary_key else None)
        if model is not None and model.directus.collection == self.collection:
            return True
        return field.target is None and field.value_type.kind == "uuid"


current_user: Final = CurrentUserValue("current_user", "directus_users")
"""The user that the session is logged in as, to compare with relations to ``directus_users`` and uuid fields.

Example: ``Article.objects.filter(author=current_user)``. Without a login it matches no row.
"""

current_role: Final = CurrentUserValue("current_role", "directus_roles")
"""The role of the user that the session is logged in as; as `current_user`, for ``directus_roles``."""


def now(adjustment: str | None = None) -> Now:
    """Return the server's time when it handles a request, shifted or not, to compare with dates and datetimes.

    The adjustment is a whole number and a unit: ms, s, m, h, d, w, mo, y, or ``"-1 day"``, ``"+2 weeks"``, at
    most 1,000 years. Every request takes the time anew, unlike with ``datetime.now(UTC)``. Dates are UTC.

    Raises:
        QueryError: the adjustment is not understood (the server would ignore it), or too large.

    Example:
        >>> Flight.objects.filter(time_hour__gt=now("-1 day")).count()
        0
    """
    if adjustment is None:
        return Now()
    match = _ADJUSTMENT_PATTERN.fullmatch(adjustment.strip()) if isinstance(adjustment, str) else None
    unit = _UNIT_OF_NAME.get(match[3]) if match else None
    if match is None or unit is None:
        units = "; ".join(names.replace(" ", ", ") for names in _UNIT_NAMES)
        msg = (
            f"now({adjustment!r}): an adjustment is a whole number and a unit, such as '-1 day' or '+90 min'. "
            f"Units: {units}."
        )
        raise QueryError(msg)
    sign, digits = match[1], match[2]
    # The length is checked first: Python takes long to read a number of very many digits.
    amount = int(sign + digits) if len(digits) < 18 else None
    if amount is None or abs(amount) * _MILLISECONDS[unit] > _MOST_YEARS * _MILLISECONDS["year"]:
        msg = f"now({adjustment!r}): at most {_MOST_YEARS:,} years can be added or taken away."
        raise QueryError(msg)
    return Now(amount, unit) if amount else Now()


def holds_server_value(value: Any) -> bool:
    """Return whether a lookup's value is a `ServerValue`, or a list that holds one."""
    if isinstance(value, list | tuple | set | frozenset):
        return any(isinstance(item, ServerValue) for item in value)
    return isinstance(value, ServerValue)


def condition(path: FieldPath, lookup: str, value: Any, plain_condition: PlainCondition) -> Node:
    """Return the condition of a lookup for a value of which `holds_server_value` is true.

    ``plain_condition`` makes the conditions for the other values of a list.

    Raises:
        QueryError: the field or the lookup does not take such a value.
    """
    if isinstance(value, ServerValue):
        return value.condition(path, lookup)
    if lookup == "in":
        plain_values = [item for item in value if not isinstance(item, ServerValue)]
        conditions = [item.condition(path, "exact") for item in value if isinstance(item, ServerValue)]
        return any_of([*([plain_condition("in", plain_values)] if plain_values else []), *conditions])
    if lookup not in ("range", "between") or isinstance(value, set | frozenset):
        server_value = next(item for item in value if isinstance(item, ServerValue))
        raise _wrong_lookup(path, server_value, lookup, _LOOKUPS_OF_TIMES)
    bounds = range_bounds(value, f"{path_name(path)}__{lookup}")
    return all_of(
        bound.condition(path, side) if isinstance(bound, ServerValue) else plain_condition(side, bound)
        for side, bound in zip(("gte", "lte"), bounds, strict=True)
    )


def _wrong_lookup(path: FieldPath, value: ServerValue, lookup: str, lookups: tuple[str, ...]) -> QueryError:
    msg = f"{path_name(path)}__{lookup} takes no {value!r}. Lookups that do: {', '.join(lookups)}."
    return QueryError(msg)
