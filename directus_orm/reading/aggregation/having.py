"""Conditions on groups, which the server has none of: looked at in Python, over all groups.

As in SQL, what is said of null is neither true nor false, and keeps a group out, negated or not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ...core.errors import ConversionError, FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import kind_of
from ...fields.type_table import NUMBERS, TEXTS
from ...query.grouping import AggregateSpec, Grouping
from ...query.lookups.aliases import leading_name
from ...query.lookups.date_parts import DATE_PARTS
from ...query.q import Q

# True, false, or unknown.
Test = Callable[[Mapping[str, Any]], bool | None]


def _folded(compare: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    return lambda text, part: compare(text.lower(), part.lower())


_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_MANY: dict[str, Callable[[Any, Any], Any]] = {
    "in": lambda value, choices: value in choices,
    "range": lambda value, bounds: bounds[0] <= value <= bounds[1],
}
_OF_TEXT: dict[str, Callable[[str, str], Any]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "icontains": _folded(operator.contains),
    "istartswith": _folded(str.startswith),
    "iendswith": _folded(str.endswith),
    "iexact": _folded(operator.eq),
}
_LOOKUPS = {**_COMPARED, **_MANY, **_OF_TEXT}


def test_of(conditions: Iterable[Q], grouping: Grouping) -> Test:
    """Return the function that tells whether a group, as its values by name, meets all conditions.

    Raises:
        FieldError: a lookup that there is not.
        QueryError: a value of the wrong type.
    """
    return _every([_test(condition, grouping) for condition in conditions])


def _test(condition: Q, grouping: Grouping) -> Test:
    parts = [
        _test(child, grouping) if isinstance(child, Q) else _leaf(*child, grouping) for child in condition.children
    ]
    joined = _every(parts) if condition.joined_by == "and" else _some(parts)
    return _opposite(joined) if condition.negated else joined


def _every(parts: list[Test]) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        found = [part(group) for part in parts]
        return False if False in found else None if None in found else True

    return test


def _some(parts: list[Test]) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        found = [part(group) for part in parts]
        return True if True in found else None if None in found else False

    return test


def _opposite(part: Test) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        found = part(group)
        return None if found is None else not found

    return test


def _leaf(path: str, value: Any, grouping: Grouping) -> Test:
    name = leading_name(path, grouping.names)
    assert name is not None  # noqa: S101 - conditions were divided by their names
    measure, key = dict(grouping.aggregates).get(name), dict(grouping.keys).get(name)
    part, lookup = _lookup(path, path[len(name) + 2 :])
    if lookup == "isnull" or value is None:
        return _null(path, name, lookup, value)
    field = measure.path[-1] if measure is not None and measure.path else key.field if key is not None else None
    whole = part or (key.part if key is not None else None)
    _check_lookup(path, lookup, "" if field is None or whole else kind_of(field))
    wanted = _operand(path, lookup, value, lambda one: _value(path, field, measure, whole, one))
    compare, extract = _LOOKUPS[lookup], DATE_PARTS[part].of if part else None
    # Of fields, as of rows, null is not equal to anything, and keeps a group in where that is denied (G19).
    unknown = None if measure is not None else False

    def test(group: Mapping[str, Any]) -> bool | None:
        found = group[name]
        return unknown if found is None else bool(compare(extract(found) if extract else found, wanted))

    return test


def _check_lookup(path: str, lookup: str, kind: str) -> None:
    """Refuse to look for texts in numbers, and to order texts, which the database does by rules of its own."""
    if (
        (kind in TEXTS)
        if lookup in ("gt", "gte", "lt", "lte", "range")
        else (lookup in _OF_TEXT and kind not in TEXTS)
    ):
        what = "texts have no such lookup" if kind in TEXTS else "only texts have this lookup"
        msg = f"filter({path}=…): {what}. Look at the groups in Python."
        raise UnsupportedQuery(msg)


def _lookup(path: str, rest: str) -> tuple[str, str]:
    first, _, after = rest.partition("__")
    part, lookup = (first, after or "exact") if first in DATE_PARTS else ("", rest or "exact")
    if lookup not in _LOOKUPS and lookup != "isnull":
        choices = (*_LOOKUPS, "isnull")
        msg = f"filter({path}=…): {lookup!r} is no lookup of groups. Lookups: {', '.join(choices)}."
        raise FieldError(msg, name=lookup, choices=choices)
    return part, lookup


def _null(path: str, name: str, lookup: str, value: Any) -> Test:
    if lookup == "exact" and value is None:
        value = True
    elif lookup != "isnull" or not isinstance(value, bool):
        msg = f"filter({path}={value!r}): nothing compares with None; isnull takes True or False."
        raise QueryError(msg)
    return lambda group: (group[name] is None) is value


def _operand(path: str, lookup: str, value: Any, check: Callable[[Any], Any]) -> Any:
    if lookup not in _MANY:
        return check(value)
    fits = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    values = [check(one) for one in value if one is not None] if fits else []
    if not fits or (lookup == "range" and len(values) != 2):
        what = "two values, the lowest and the highest" if lookup == "range" else "a list of values"
        msg = f"filter({path}=…) takes {what}, not {value!r}."
        raise QueryError(msg)
    return values


def _value(path: str, field: Field | None, measure: AggregateSpec | None, part: str | None, value: Any) -> Any:
    """Return a value to compare with, which must be of the kind that is compared."""
    counted = measure is not None and measure.function == "count"
    if counted or field is None or part or kind_of(field) in NUMBERS:
        wanted: Any = date if part == "date" else (int, float, Decimal)
        if isinstance(value, wanted) and not isinstance(value, bool):
            return value
        what = "a date" if part == "date" else "a number"
        msg = f"filter({path}=…) compares with {what}, not with {value!r}."
        raise QueryError(msg)
    if kind_of(field) in TEXTS and isinstance(value, str):
        return value
    try:
        return field.value_type.load(field.value_type.dump(value))
    except (ConversionError, ValueError, TypeError, ArithmeticError) as error:
        msg = f"filter({path}=…): {field} holds {field.value_type.python}, and {value!r} is none: {error}"
        raise QueryError(msg) from None
