"""Conditions on groups (SQL's HAVING), which the server lacks: they are tested in Python, on every group.

As in SQL, a comparison with null is neither true nor false: it leaves the group out, negated or not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from ...core.errors import ConversionError, FieldError, QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import kind_of
from ...fields.type_table import MOMENTS, NUMBERS, TEXTS
from ...query.comparisons import COMPARISONS, MULTI_VALUE_LOOKUPS, operand, two_bounds
from ...query.group_conditions import leading_name
from ...query.grouping import AggregateSpec, Grouping
from ...query.lookups.date_parts import DATE_PARTS
from ...query.q import Q

Test = Callable[[Mapping[str, Any]], bool | None]
"""Tests a group (its values by name): returns true, false, or None for unknown."""


def _folded(compare: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    return lambda text, part: compare(text.lower(), part.lower())


_OF_TEXT: dict[str, Callable[[str, str], Any]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "icontains": _folded(operator.contains),
    "istartswith": _folded(str.startswith),
    "iendswith": _folded(str.endswith),
    "iexact": _folded(operator.eq),
}
_LOOKUPS = COMPARISONS | _OF_TEXT


def having_test(conditions: Iterable[Q], grouping: Grouping) -> Test:
    """Return the test that a group meets all conditions.

    Raises:
        FieldError: groups do not have a lookup.
        QueryError: a value has the wrong type.
    """
    return _all_of([_test(condition, grouping) for condition in conditions])


def _test(condition: Q, grouping: Grouping) -> Test:
    tests = [
        _test(child, grouping) if isinstance(child, Q) else _lookup_test(*child, grouping)
        for child in condition.children
    ]
    joined = _all_of(tests) if condition.joined_by == "and" else _any_of(tests)
    return _not(joined) if condition.negated else joined


def _all_of(tests: list[Test]) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        results = [member(group) for member in tests]
        return False if False in results else None if None in results else True

    return test


def _any_of(tests: list[Test]) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        results = [member(group) for member in tests]
        return True if True in results else None if None in results else False

    return test


def _not(negated: Test) -> Test:
    def test(group: Mapping[str, Any]) -> bool | None:
        result = negated(group)
        return None if result is None else not result

    return test


def _lookup_test(path: str, value: Any, grouping: Grouping) -> Test:
    """Return the test of one lookup, such as ``n__gt=10`` or ``month__in=[1, 2]``."""
    name = leading_name(path, grouping.names)
    assert name is not None  # noqa: S101 - conditions were divided by their names
    value = operand(path, value)
    spec, key = dict(grouping.aggregates).get(name), dict(grouping.keys).get(name)
    part, lookup = _split_lookup(path, path[len(name) + 2 :])
    if lookup == "isnull" or value is None:
        return _null_test(path, name, lookup, value)
    field = spec.path[-1] if spec is not None else key.field if key is not None else None
    compared_part = part or (key.part if key is not None else None)
    _check_lookup(path, lookup, "" if field is None or compared_part else kind_of(field))
    check = partial(_checked_value, path, field, spec, compared_part)
    bound = _checked_operand(path, lookup, value, check)
    compare, part_of = _LOOKUPS[lookup], DATE_PARTS[part].of if part else None
    # A null key equals nothing, so that a negated condition keeps its group, as it keeps rows with null (G19).
    if_null = None if spec is not None else False

    def test(group: Mapping[str, Any]) -> bool | None:
        group_value = group[name]
        if group_value is None:
            return if_null
        return bool(compare(part_of(group_value) if part_of else group_value, bound))

    return test


def _check_lookup(path: str, lookup: str, kind: str) -> None:
    """Refuse lookups of texts on numbers, and comparing the order of texts, which depends on the database."""
    is_text = kind in TEXTS
    if is_text and lookup in ("gt", "gte", "lt", "lte", "range"):
        problem = "texts have no such lookup"
    elif not is_text and lookup in _OF_TEXT:
        problem = "only texts have this lookup"
    else:
        return
    msg = f"filter({path}=…): {problem}. Look at the groups in Python."
    raise UnsupportedQuery(msg)


def _split_lookup(path: str, rest: str) -> tuple[str, str]:
    """Split the part of a path after the name into a part of a date (or ``""``) and a lookup."""
    first, _, after = rest.partition("__")
    part, lookup = (first, after or "exact") if first in DATE_PARTS else ("", rest or "exact")
    if lookup not in _LOOKUPS and lookup != "isnull":
        choices = (*_LOOKUPS, "isnull")
        msg = f"filter({path}=…): {lookup!r} is no lookup of groups. Lookups: {', '.join(choices)}."
        raise FieldError(msg, name=lookup, choices=choices)
    return part, lookup


def _null_test(path: str, name: str, lookup: str, value: Any) -> Test:
    if lookup == "exact" and value is None:
        value = True
    elif lookup != "isnull" or not isinstance(value, bool):
        msg = f"filter({path}={value!r}): nothing compares with None; isnull takes True or False."
        raise QueryError(msg)
    return lambda group: (group[name] is None) is value


def _checked_operand(path: str, lookup: str, value: Any, check: Callable[[Any], Any]) -> Any:
    if lookup not in MULTI_VALUE_LOOKUPS:
        return check(value)
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    values = [check(item) for item in value if item is not None] if is_list else []
    if not is_list or (lookup == "range" and len(values) != 2):
        expected = two_bounds() if lookup == "range" else "a list of values"
        msg = f"filter({path}=…) takes {expected}, not {value!r}."
        raise QueryError(msg)
    return values


def _checked_value(
    path: str, field: Field | None, spec: AggregateSpec | None, part: str | None, value: Any
) -> Any:
    """Return a value to compare with; refuse one of another type."""
    is_count = spec is not None and spec.function == "count"
    if is_count or field is None or part or kind_of(field) in NUMBERS:
        types: Any = date if part == "date" else (int, float, Decimal)
        if isinstance(value, types) and not isinstance(value, bool):
            return value
        expected = "a date" if part == "date" else "a number"
        msg = f"filter({path}=…) compares with {expected}, not with {value!r}."
        raise QueryError(msg)
    if kind_of(field) in TEXTS and isinstance(value, str):
        return value
    try:
        stored = field.value_type.load(field.value_type.dump(value))
        return value if kind_of(field) in MOMENTS else stored  # a time between two that are shown equals neither
    except (ConversionError, ValueError, TypeError, ArithmeticError) as error:
        msg = f"filter({path}=…): {field} holds {field.value_type.python}, and {value!r} is none: {error}"
        raise QueryError(msg) from None
