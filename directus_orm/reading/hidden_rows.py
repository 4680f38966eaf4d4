"""Whether rows that the server does not return may exist all the same, hidden from this user."""

from __future__ import annotations

from ..core.errors import DirectusError
from ..session.session import Session


def may_hide_rows(session: Session, *collections: str) -> bool:
    """Return whether rows of these collections may be hidden from this user; True if the server does not say.

    If so, a row that is missing from a response may exist. A write that names a row that does not exist is refused
    (G33), except to administrators, who see every row (G5).
    """
    for request in session.api.visibility_requests:
        try:
            data = session.send(request).data
        except DirectusError:
            continue
        if all(session.api.sees_every_row(data, collection) for collection in collections):
            return False
    return True
