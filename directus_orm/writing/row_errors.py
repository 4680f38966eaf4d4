"""Which rows of a refused chunk an error speaks of: the server names fields and values, and no places (facts 4.1).

A chunk is one transaction, its rows written in turn: the first that the server will not have ends it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.errors import (
    ConversionError,
    FailedValidation,
    InvalidForeignKey,
    InvalidRequest,
    NotNullViolation,
    RecordNotUnique,
)
from ..core.messages import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo

_Breaks = Callable[[Any, Mapping[str, Any]], bool]


def at_fault(info: ModelInfo, error: BaseException, rows: Sequence[Row]) -> list[int]:
    """Return the positions of the rows that fit what an error says; none where it says too little."""
    field = _field(info, error)
    if field is None or not isinstance(error, InvalidRequest):
        return []
    fits = _fits(field, error)
    return [position for position, row in enumerate(rows) if fits is not None and fits(row.get(field.column))]


def _field(info: ModelInfo, error: BaseException) -> Field | None:
    name = error.field if isinstance(error, InvalidRequest) else None
    return next((field for field in info.fields.values() if field.column == name), None)


def _fits(field: Field, error: InvalidRequest) -> Callable[[Any], bool] | None:
    said = error.extensions
    if isinstance(error, NotNullViolation):
        return _is_null
    if isinstance(error, FailedValidation):
        breaks = _RULES.get(str(said.get("type")))
        return None if breaks is None else lambda value: _surely(breaks, value, said)
    if isinstance(error, RecordNotUnique | InvalidForeignKey) and said.get("value") is not None:
        return lambda value: _same(field, value, said["value"])
    return None


def _is_null(value: Any) -> bool:
    return value is None


def _same(field: Field, ours: Any, theirs: Any) -> bool:
    """Return whether two JSON values are one value of a field: ``"5"`` and 5 of a number."""
    if ours is None or ours == theirs:
        return ours is not None
    try:
        return bool(field.load(ours) == field.load(theirs))
    except ConversionError:
        return False


def _surely(breaks: _Breaks, value: Any, said: Mapping[str, Any]) -> bool:
    try:
        return breaks(value, said)
    except (KeyError, TypeError):  # of another type than the rule's: the server compared it as something else
        return False


def _unless(compare: Callable[[Any, Any], bool]) -> _Breaks:
    return lambda value, said: value is not None and not compare(value, said["valid"])


_RULES: Mapping[str, _Breaks] = {
    "required": lambda value, _: value is None,
    "nnull": lambda value, _: value is None,
    "null": lambda value, _: value is not None,
    "nempty": lambda value, _: value == "",
    "eq": _unless(operator.eq),
    "lt": _unless(operator.lt),
    "lte": _unless(operator.le),
    "gt": _unless(operator.gt),
    "gte": _unless(operator.ge),
    "in": _unless(lambda value, valid: value in valid),
    "neq": lambda value, said: value == said["invalid"],
    "nin": lambda value, said: value in said["invalid"],
    "regex": lambda value, said: value == said["invalid"],
}
"""What breaks each rule of FAILED_VALIDATION that says enough to tell."""
