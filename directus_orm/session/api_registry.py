"""Which `Api` a session uses: looked up by the name of its dialect."""

from __future__ import annotations

from collections.abc import Mapping

from .http.api import Api
from .http.v10_api import V10Api

_APIS: Mapping[str, Api] = {"v10": V10Api()}


def api_of(dialect_name: str) -> Api:
    """Return the API of the servers that a dialect is for."""
    return _APIS[dialect_name]
