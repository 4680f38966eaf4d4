"""What a query sends, shown without sending it."""

from __future__ import annotations

import attrs

from ..dialects.rest import RestDialect
from ..errors import ConfigurationError
from ..session import Session, current_session
from ..wire import Request
from .paging import pages
from .query import Query


@attrs.frozen(repr=False)
class Explanation:
    """The request for the first page of a query, or None where nothing would be sent."""

    request: Request | None

    def __str__(self) -> str:
        return str(self.request) if self.request else "nothing is sent, no row can match"

    __repr__ = __str__


def explain(query: Query, session: Session | None = None) -> Explanation:
    """Return what reading a query sends first; without any session, what Directus 12 would be sent."""
    if query.is_empty:
        return Explanation(None)
    try:
        session = session or current_session()
    except ConfigurationError:
        return Explanation(_first(query, Session.dialect))
    return Explanation(session.prepared(_first(query, session.dialect, session.page_size, session.max_rows)))


def _first(
    query: Query, dialect: RestDialect, page_size: int | None = None, maximum: int | None = None
) -> Request:
    if query.model.directus.options.singleton:
        return dialect.read_singleton(query)
    return next(pages(query, dialect, page_size, maximum))
