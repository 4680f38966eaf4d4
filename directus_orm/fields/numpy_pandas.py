"""Scalars of numpy and pandas as the Python values that equal them, without importing either.

``np.int64`` is no int, ``pd.NaT`` is a datetime, and NaN is a float. So each value that is given is turned into a
plain one first, and what stands for a missing value is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

_PLAIN = frozenset({int, str, bool, type(None)})


def as_python(value: Any) -> Any:
    """Return a scalar of numpy or pandas as the Python value that equals it, and any other value as it is.

    Raises:
        ValueError: it is NaN, NaT or NA, or Python has no equal value.
    """
    if type(value) in _PLAIN:
        return value
    convert = _OF_LIBRARY.get(_library(value))
    if convert is not None:
        value = convert(value)
    if isinstance(value, float | Decimal) and _is_nan(value):
        refuse_missing("NaN")
    return value


def plain_operand(value: Any) -> Any:
    """Do as `as_python` does, for the value of a lookup: also for each item of a list, an array or a column.

    Raises:
        ValueError: as `as_python` does.
    """
    if isinstance(value, list | tuple | set | frozenset):
        items = list(map(as_python, value))
        return value if all(map(operator.is_, items, value)) else items
    shape = getattr(value, "shape", ()) if _library(value) in _OF_LIBRARY else ()
    if len(shape) > 1:
        msg = f"a {type(value).__name__} with rows and columns is no list of values: take one column"
        raise ValueError(msg)
    return list(map(as_python, value)) if shape else as_python(value)


def refuse_missing(name: str) -> NoReturn:
    """Raise the ValueError for a value that stands for a missing one."""
    msg = f"{name} is no value: null is None, and isnull=True finds it"
    raise ValueError(msg)


def _library(value: Any) -> str:
    return str(type(value).__module__).partition(".")[0]


def _is_nan(value: float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else value != value  # noqa: PLR0124 - NaN differs from itself


def _of_numpy(value: Any) -> Any:
    if getattr(value, "shape", None) != ():  # an array of several values
        return value
    if type(value).__name__ in ("datetime64", "timedelta64"):
        return _of_numpy_time(value)
    python = value.item()
    if type(python).__name__ != "longdouble":
        return python
    if float(python) != python and python == python:  # noqa: PLR0124 - NaN differs from itself
        msg = f"{value!r} has more digits than a float"
        raise ValueError(msg)
    return float(python)


def _of_numpy_time(value: Any) -> Any:
    if value != value:  # noqa: PLR0124 - NaT differs from itself
        refuse_missing("NaT")
    python = value.item()
    if not isinstance(python, int):
        return python
    micro = value.astype(f"{type(value).__name__}[us]")  # finer units are given as a number
    if micro != value:
        _refuse_nanoseconds(value)
    return micro.item()


def _of_pandas(value: Any) -> Any:
    name = type(value).__name__
    if name in _MISSING:
        refuse_missing(_MISSING[name])
    if name != "Timestamp":
        return value
    if value.nanosecond:
        _refuse_nanoseconds(value)
    return value.to_pydatetime()


def _refuse_nanoseconds(value: Any) -> NoReturn:
    msg = f"{value!r} has nanoseconds, which would be lost: Timestamp.floor('us') cuts them off"
    raise ValueError(msg)


_MISSING = {"NaTType": "NaT", "NAType": "NA"}
_OF_LIBRARY: dict[str, Callable[[Any], Any]] = {"numpy": _of_numpy, "pandas": _of_pandas}
