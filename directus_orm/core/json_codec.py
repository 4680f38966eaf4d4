"""Encodes and decodes JSON; decodes with orjson where it is installed, which takes less than half the time."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

from .masking import Secret


def _orjson_loads() -> Callable[[bytes], Any] | None:
    try:
        loads: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return None
    return loads


_FAST = _orjson_loads()


def loads(body: bytes) -> Any:
    """Return the Python value of a JSON text.

    Raises:
        ValueError: the body is not JSON.
    """
    if _FAST is not None:
        try:
            return _FAST(body)
        except ValueError:
            pass  # orjson refuses half a surrogate pair, which JavaScript writes and json reads
    return json.loads(body)


def _revealed(value: Any) -> str:
    """Return the text of a secret, for an encoder that does not know such values.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


compact_json: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_revealed
).encode
"""Encodes a value as compact JSON for a URL."""


def dumps(value: Any) -> bytes:
    """Return a value as compact JSON for a body; secrets with their texts."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_revealed).encode()
