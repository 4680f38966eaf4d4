"""What a server drops without a word: lists, and fields of a junction, that it does not know (G15)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from .errors import ConfigurationError, Forbidden, InvalidRequest
from .info import ModelInfo
from .relations import ToMany
from .session import Session


def unknown_list(session: Session, relation: ToMany) -> ConfigurationError | None:
    """Return the error for a list that the server does not know, or says so; None for one that it does.

    Asked where an answer did not show the list, which may be for want of permission as well: one request.
    """
    info: ModelInfo = relation.model.directus
    request = attrs.evolve(session.dialect.look_up(info, relation.column), purpose="info")
    try:
        session.send(request)
    except (Forbidden, InvalidRequest) as error:
        if isinstance(error, Forbidden) and not session.dialect.names_field(error):
            return None  # nothing of the collection may be read
        msg = (
            f"{relation}: {info.collection!r} has no list {relation.column!r}, as far as this user may read. "
            "name=… is the server's name of a list."
        )
        return ConfigurationError(msg)
    return None


def refuse_lost(session: Session, relations: Iterable[ToMany]) -> None:
    """Raise for a list that was written, did not come back, and is not there.

    Raises:
        ConfigurationError: the server has no such list.
    """
    for relation in dict.fromkeys(relations):
        error = unknown_list(session, relation)
        if error is not None:
            error.add_note("What was sent for this list is lost; all else was written (G15).")
            raise error


def shows(row: Any, relation: ToMany) -> bool:
    """Return whether an answer has a list, be it empty."""
    return isinstance(row, dict) and row.get(relation.column) is not None
