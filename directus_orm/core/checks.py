"""Checks of numbers given as options. True and False are not numbers here, although bool is a subclass of int."""

from __future__ import annotations

from typing import TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is an int or a float."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole_number(value: object, least: int | None = None) -> TypeGuard[int]:
    """Return whether a value is an int, of at least ``least`` where that is given."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)
