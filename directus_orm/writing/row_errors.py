"""Which rows of a refused chunk an error is about: the server names fields and values, but no positions.

A chunk is one transaction, and its rows are written in order: the first row that the server refuses ends it.
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
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo

_Breaks = Callable[[Any, Mapping[str, Any]], bool]
"""Returns whether a value breaks a rule, given the extensions of the error."""


def rows_at_fault(info: ModelInfo, error: BaseException, rows: Sequence[Row]) -> list[int]:
    """Return the indexes of the rows that an error may be about; none if the error says too little."""
    if not isinstance(error, InvalidRequest):
        return []
    field = next((field for field in info.fields.values() if field.column == error.field), None)
    is_at_fault = None if field is None else _test_for(field, error)
    if field is None or is_at_fault is None:
        return []
    return [index for index, row in enumerate(rows) if is_at_fault(row.get(field.column))]


def _test_for(field: Field, error: InvalidRequest) -> Callable[[Any], bool] | None:
    """Return the test for the values that an error is about; None if the error says too little."""
    extensions = error.extensions
    if isinstance(error, NotNullViolation):
        return _is_null
    if isinstance(error, FailedValidation):
        breaks = _RULES.get(str(extensions.get("type")))
        return None if breaks is None else lambda value: _surely_breaks(breaks, value, extensions)
    if isinstance(error, RecordNotUnique | InvalidForeignKey) and extensions.get("value") is not None:
        return lambda value: _is_same(field, value, extensions["value"])
    return None


def _is_null(value: Any) -> bool:
    return value is None


def _is_same(field: Field, sent: Any, reported: Any) -> bool:
    """Return whether two JSON values are the same value of a field, such as ``"5"`` and 5 of a number."""
    if sent is None or sent == reported:
        return sent is not None
    try:
        return bool(field.load(sent) == field.load(reported))
    except ConversionError:
        return False


def _surely_breaks(breaks: _Breaks, value: Any, extensions: Mapping[str, Any]) -> bool:
    try:
        return breaks(value, extensions)
    except (KeyError, TypeError):  # of another type than the rule's, so the server compared it in some other way
        return False


def _unless(compare: Callable[[Any, Any], bool]) -> _Breaks:
    return lambda value, extensions: value is not None and not compare(value, extensions["valid"])


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
    "neq": lambda value, extensions: value == extensions["invalid"],
    "nin": lambda value, extensions: value in extensions["invalid"],
    "regex": lambda value, extensions: value == extensions["invalid"],
}
"""Which values break each rule of FAILED_VALIDATION, as far as its errors say enough to tell."""
