"""The dialect of a session, looked up by its name, so that sessions need not import queries."""

from __future__ import annotations

from ..session import Session
from .protocol import Dialect
from .v10 import V10Dialect

_DIALECTS: dict[str, Dialect] = {"v10": V10Dialect()}
_DEFAULT = "v10"


def dialect_of(session: Session | None) -> Dialect:
    """Return the dialect of a session; without a session, that of Directus 10 to 12."""
    return _DIALECTS[_DEFAULT if session is None else session.dialect_name]
