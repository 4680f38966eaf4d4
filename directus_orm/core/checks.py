"""Checks of numbers given as options. True and False are not numbers here, although bool is a subclass of int."""

from __future__ import annotations

from typing import TypeGuard

from .errors import QueryError


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is an int or a float."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole_number(value: object, least: int | None = None) -> TypeGuard[int]:
    """Return whether a value is an int, of at least ``least`` where that is given."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def check_whole(name: str, number: object, least: int = 0) -> None:
    """Raise QueryError unless a number is a whole number, from ``least``."""
    if not is_whole_number(number, least):
        hint = "; reverse() counts from the end" if not least else ""
        msg = f"{name} is a whole number from {least}, not {number!r}{hint}."
        raise QueryError(msg)
