"""Masks the values of secret fields in JSON data that is shown or logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASK = "**********"
SECRET_NAMES = frozenset({"access_token", "otp", "password", "refresh_token", "secret", "tfa_secret", "token"})
"""The names of fields, in lower case, whose values are never shown."""


def masked(value: Any, names: frozenset[str] = SECRET_NAMES) -> Any:
    """Return a copy of JSON data in which the values of secret names read ``**********``."""
    if isinstance(value, Mapping):
        return {
            k: MASK if str(k).lower() in names and v is not None else masked(v, names) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(v, names) for v in value]
    return value
