"""Which dialect a session speaks: looked up by its name, so that the session itself knows no queries."""

from __future__ import annotations

from ..session import Session
from .v10 import V10Dialect

_DIALECTS = {"v10": V10Dialect()}


def dialect_of(session: Session | None) -> V10Dialect:
    """Return the dialect of a session; without any, that of Directus 12."""
    return _DIALECTS["v10" if session is None else session.dialect_name]
