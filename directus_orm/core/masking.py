"""Hiding secrets in what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASK = "**********"
_SECRET_NAMES = frozenset({"access_token", "otp", "password", "refresh_token", "secret", "tfa_secret", "token"})


def masked(value: Any, names: frozenset[str] = _SECRET_NAMES) -> Any:
    """Return a copy of JSON data in which the values of secret names read ``**********``."""
    if isinstance(value, Mapping):
        return {
            k: MASK if str(k).lower() in names and v is not None else masked(v, names) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(v, names) for v in value]
    return value
