"""The stored times that one shown time stands for: the server shows fewer digits than databases keep.

A ``dateTime`` that is shown as 10:00:05 may be stored as 10:00:05.7, and a ``date`` on SQLite with a time of day.
So a comparison with such a value is one with the first or the last stored value that is shown like it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...fields.field import Field
from ...fields.paths import FieldPath
from ...fields.scalar_values import SCALARS
from ...fields.type_table import AWARE_MOMENTS, TYPES
from ..comparisons import compares
from ..conditions import Comparison, Node, all_of, any_of
from .text_lookups import with_recheck

# The first and the last stored value of what is shown, as texts that the server compares on every database: SQLite
# keeps milliseconds, PostgreSQL and MariaDB microseconds at most.
_ENDS: dict[str, Callable[[str], tuple[str, str]]] = {
    **dict.fromkeys(AWARE_MOMENTS, lambda text: (text, f"{text.removesuffix('Z')}999Z")),
    "dateTime": lambda text: (text, f"{text}.999999"),
    # A date alone is midnight in UTC to the server on SQLite, and stored is midnight in the server's zone.
    "date": lambda text: (f"{text}T00:00:00", f"{text}T23:59:59.999999"),
    # A time of day is shown in full, but SQLite keeps the text that was written.
    "time": lambda text: (text.removesuffix(":00"), text),
}

WITH_RANGE = _ENDS.keys()
"""The types of which a shown value stands for a range."""

# A time between two shown ones is compared with the last stored value of the earlier one.
_BETWEEN_SHOWN = {"lt": "lte", "lte": "lte", "gt": "gt", "gte": "gt"}
_WITH_FIRST = frozenset({"lt", "gte"})

# Of a moment in Directus's own collections, SQLite shows seconds, other databases milliseconds. Where that matters
# the server finds all rows whose value may be shown so, and the rows are rechecked.
_SECONDS_OR_MILLISECONDS = "moment"
_EXACT_FOR_WHOLE_SECONDS = frozenset({"lt", "gte"})


@attrs.frozen
class TimeRange:
    """The first and the last stored value of one shown value, as the server compares them.

    ``is_shown`` is false for a value between two that the server can show; it belongs to the earlier one.
    """

    first: str
    last: str
    value: Any
    is_shown: bool = True


@attrs.frozen
class ShownTest:
    """A test in Python of a moment as the server shows it: with milliseconds, or, on SQLite, with seconds."""

    field: Field
    operator: str
    value: Any

    def __call__(self, raw: Any) -> bool:
        """Return whether the shown value compares as wanted."""
        return compares(self.field.load(raw), self.operator, self.value)


def time_range(field: Field, value: Any) -> TimeRange:
    """Return the range that a value belongs to.

    Raises:
        ValueError, TypeError, ArithmeticError: the field cannot hold such a value.
    """
    kind, sent = field.value_type.kind, field.value_type.dump(value)
    load, dump, _ = SCALARS[TYPES[kind].annotations[0]][kind]
    first, last = _ENDS[kind](dump(load(sent)))  # a registered type may write the time in another way
    return TimeRange(first, last, value, is_shown=field.value_type.load(sent) == value)


def as_shown(field: Field, value: Any) -> Any:
    """Return a time as the server shows it once it is stored; any other value as it is."""
    if field.value_type.kind not in WITH_RANGE or value is None:
        return value
    try:
        return field.value_type.load(field.value_type.dump(value))
    except (ValueError, TypeError, ArithmeticError):
        return value  # it is none of the field, and the lookup says why


def compare(path: FieldPath, operator: str, time: TimeRange) -> Node:
    """Return the condition that the shown value at the end of a path compares with a value."""
    if operator == "eq":
        return among(path, [time])
    if _is_rechecked(path) and not (operator in _EXACT_FOR_WHOLE_SECONDS and _is_whole_second(time)):
        bound = ("gte", time.first) if operator in {"gt", "gte"} else ("lte", _end_of_second(time))
        return with_recheck(path, Comparison(path[-1:], *bound), ShownTest(path[-1], operator, time.value))
    if not time.is_shown:
        operator = _BETWEEN_SHOWN[operator]
    return Comparison(path, operator, time.first if operator in _WITH_FIRST else time.last)


def between(path: FieldPath, low: TimeRange, high: TimeRange) -> Node:
    """Return the condition that the shown value at the end of a path is in a range, its bounds included."""
    if _is_rechecked(path):
        superset = Comparison(path[-1:], "between", [low.first, _end_of_second(high)])
        return with_recheck(path, superset, ShownTest(path[-1], "between", (low.value, high.value)))
    if not low.is_shown:
        return all_of([compare(path, "gte", low), compare(path, "lte", high)])
    if low.first == high.last:
        return Comparison(path, "eq", low.first)
    return Comparison(path, "between", [low.first, high.last])


def among(path: FieldPath, times: Iterable[TimeRange]) -> Node:
    """Return the condition that the shown value at the end of a path is one of these."""
    shown = [time for time in times if time.is_shown]
    if not shown or not _is_rechecked(path):
        return any_of(between(path, time, time) for time in shown)
    superset = any_of(Comparison(path[-1:], "between", [time.first, _end_of_second(time)]) for time in shown)
    return with_recheck(path, superset, ShownTest(path[-1], "in", tuple(time.value for time in shown)))


def _is_rechecked(path: FieldPath) -> bool:
    return path[-1].value_type.kind == _SECONDS_OR_MILLISECONDS


def _is_whole_second(time: TimeRange) -> bool:
    return time.is_shown and not time.value.microsecond


def _end_of_second(time: TimeRange) -> str:
    return f"{time.first[: len('2000-01-01T00:00:00')]}.999999Z"
