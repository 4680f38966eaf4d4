"""The comparisons: lookups such as ``gt`` and ``range``, each with its operator and its meaning in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..core.errors import QueryError
from ..fields.numpy_pandas import plain_operand

Compare = Callable[[Any, Any], Any]

COMPARISONS: dict[str, Compare] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, choices: value in choices,
    "range": lambda value, bounds: bounds[0] <= value <= bounds[1],
}
"""The lookups that compare a value with one value or several, as functions of both."""

MULTI_VALUE_LOOKUPS = ("in", "range")
"""The lookups that compare with several values."""

OPERATORS = {
    "exact": "eq",
    "in": "in",
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "range": "between",
}
"""The operator of each lookup that compares."""

_BY_OPERATOR = {OPERATORS[lookup]: compare for lookup, compare in COMPARISONS.items()}
_BY_OPERATOR |= {
    "neq": operator.ne,
    "nin": lambda value, choices: value not in choices,
    "nbetween": lambda value, bounds: not bounds[0] <= value <= bounds[1],
}


def compares(value: Any, operator_name: str, operand: Any) -> bool:
    """Return whether a comparison holds; ``operator_name`` is the server's, such as ``lte``, not a lookup."""
    return bool(_BY_OPERATOR[operator_name](value, operand))


def comparable_json(value: Any) -> Any:
    """Return a JSON value in a form that has a hash, and equals what equals it in JSON: true is not 1."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list | tuple):
        return (list, tuple(map(comparable_json, value)))
    if isinstance(value, dict):
        return (dict, frozenset((key, comparable_json(item)) for key, item in value.items()))
    return value


def operand(name: str, value: Any) -> Any:
    """Return the value of a lookup, of which scalars and lists of numpy and pandas become those of Python.

    Raises:
        QueryError: one of them stands for a missing value, or Python has no equal value.
    """
    try:
        return plain_operand(value)
    except ValueError as error:
        msg = f"filter({name}=…): {error}."
        raise QueryError(msg) from None


def two_bounds(of: str = "values") -> str:
    """Return how messages describe the value of ``range``."""
    return f"two {of}, the lowest and the highest"


def range_bounds(value: object, where: str) -> tuple[Any, Any]:
    """Return the lowest and the highest of a range.

    Raises:
        QueryError: it is not a list or a tuple of two values that are not None.
    """
    bounds = list(value) if isinstance(value, list | tuple) else []
    if len(bounds) != 2 or None in bounds:  # the server ignores a _between of another length (G3)
        msg = f"{where} takes {two_bounds()}, not {value!r}."
        raise QueryError(msg)
    return bounds[0], bounds[1]
