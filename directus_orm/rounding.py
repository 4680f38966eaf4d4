"""Saying aloud when a column keeps less of a value than was sent."""

from __future__ import annotations

import sys
import warnings
from datetime import datetime, timedelta
from typing import Any

from .errors import RoundedWarning
from .fields import Field

ROUNDED = frozenset({"float", "decimal", "timestamp", "dateTime"})
"""The types whose columns may keep less than they are given: facts of the database, unknown beforehand."""


def warn_if_rounded(field: Field, sent: Any, stored: Any) -> None:
    """Warn where a number, or a time within its second, came back as another one."""
    if sent is None or stored is None:
        return
    try:
        before, after = field.value_type.load(sent), field.value_type.load(stored)
    except (ValueError, TypeError, ArithmeticError):
        return  # reading the field says so, louder
    # Another second was not rounded: the server makes some times itself (G47).
    if before == after or (isinstance(before, datetime) and abs(before - after) >= timedelta(seconds=1)):
        return
    msg = (
        f"{field}: {before} was sent and the server stored {after}. Its column keeps less: "
        "a float or decimal of few digits, or a timestamp of whole seconds."
    )
    warnings.warn(msg, RoundedWarning, stacklevel=_outside())


def _outside() -> int:
    """Return how many frames up the caller of this library is."""
    package = __name__.partition(".")[0] + "."
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - the documented way to it; inspect.stack() reads files
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame, level = frame.f_back, level + 1
    return level
