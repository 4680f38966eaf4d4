"""What a query sends, and what it means, shown without sending it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from ..dialects.rest import RestDialect
from ..errors import ConfigurationError
from ..relations import ToMany
from ..session import Session, current_session
from ..wire import Request
from .conditions import Among, Leaf, Node, without_list
from .paging import pages
from .query import Query
from .steps import loosened, settled
from .turns import FULL_PAGE, LARGEST_PAGE, Sizes
from .words import said, words

First = Callable[[Query, RestDialect, Session | None], Request]


@attrs.frozen
class Ask:
    """One request, and what for."""

    purpose: str
    request: Request


@attrs.frozen(repr=False)
class Explanation:
    """What a query means, in words, and the requests that its first page takes, in their order; none is possible.

    Values that an earlier request finds stand in the later ones as a note in their place.
    """

    words: str
    asks: tuple[Ask, ...] = ()
    pages: str = ""

    @property
    def request(self) -> Request | None:
        """The request for the first page of rows, or None where nothing would be sent."""
        return self.asks[-1].request if self.asks else None

    def __str__(self) -> str:
        lines = [self.words]
        for number, ask in enumerate(self.asks, 1):
            lines += [f"{number}. {ask.purpose}:", f"   {ask.request}", f"   as sent: {_as_sent(ask.request)}"]
        return "\n".join([*lines, self.pages or "Nothing is sent: no row can match."])

    def __repr__(self) -> str:
        if not self.asks:
            return "nothing is sent, no row can match"
        before = len(self.asks) - 1
        return f"{self.request}{f' (after {before} other requests)' if before else ''}"


def _as_sent(request: Request) -> str:
    body = "" if request.json is None else f" {request.json}"
    return f"{request.method} {request.url}{body}"


def explain(query: Query, session: Session | None = None) -> Explanation:
    """Return what reading a query sends; without any session, what Directus 12 would be sent."""
    if query.is_empty:
        return Explanation(words(query))
    try:
        session = session or current_session()
    except ConfigurationError:
        session = None
    dialect = Session.dialect if session is None else session.dialect
    asks = _asks(query, dialect, session)
    if session is not None:
        asks = [attrs.evolve(ask, request=session.prepared(ask.request)) for ask in asks]
    return Explanation(words(query), tuple(asks), _pages(query, session))


def explain_list(relation: ToMany, query: Query, keys: Sequence[Any], session: Session) -> Explanation:
    """Return what reading a relation to many sends, for the rows with these keys."""
    first = tuple(keys[:FULL_PAGE])
    asks = _asks(query, session.dialect, session, lambda asked, dialect, _: dialect.read_keys(asked, first))
    text = f"{relation}, for {len(keys):,} {'row that is' if len(keys) == 1 else 'rows that are'} in use"
    return Explanation(text, tuple(asks), f"One such request is sent for each {FULL_PAGE:,} rows.")


def _asks(query: Query, dialect: RestDialect, session: Session | None, first: First | None = None) -> list[Ask]:
    asks: list[Ask] = []

    def find(condition: Among) -> Node:
        asks.extend(_asks(condition.query, dialect, session))
        asks[-1] = attrs.evolve(asks[-1], purpose=f"what is needed to say that {said(condition)}")
        return Leaf(condition.path, "in", [f"what request {len(asks)} found"])

    loose, checks = loosened(query)
    asked = settled(loose, find)
    purpose = "the rows" if not checks else "the rows, and some more, which are looked at on arrival"
    return [*asks, Ask(purpose, (first or _first)(asked, dialect, session))]


def _first(query: Query, dialect: RestDialect, session: Session | None) -> Request:
    if query.model.directus.options.singleton:
        return dialect.read_singleton(query)
    where, listed = without_list(query.where)
    if listed is not None:
        return dialect.read_keys(query.evolve(where=where), listed.keys[:FULL_PAGE])
    (request,) = next(pages(query, dialect, *_sizes(session))).asks
    return request


def _sizes(session: Session | None) -> tuple[int | None, int | None]:
    return (None, None) if session is None else (session.page_size, session.max_rows)


def _pages(query: Query, session: Session | None) -> str:
    sizes = Sizes(Session.dialect, *_sizes(session))
    first = sizes.next(query.limit)
    if query.model.directus.options.singleton or (query.limit is not None and query.limit <= first):
        return "All rows come with the last of these requests."
    later = f"{sizes.fixed:,}" if sizes.fixed else f"up to {LARGEST_PAGE:,}"
    return f"The last of these requests brings up to {first:,} rows; then each brings {later}."
