"""`explain()`: a query in words, and the requests that reading it would send; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from ..core.request_response import Request
from ..dialects.protocol import Dialect
from ..dialects.registry import dialect_of
from ..fields.model_info import Step
from ..fields.to_many import ToMany
from ..query.conditions import Comparison, InSubquery, Node, split_key_list
from ..query.query import Query
from ..session.current import current_session
from ..session.session import Session
from .pagination.page_size import FULL_PAGE, LARGEST_PAGE, PageSizer
from .pagination.pagers import query_pager
from .query_description import describe_condition, describe_query
from .readable_fields import readable_part
from .row_recheck import widened
from .run_query import KEYS_AT_ONCE
from .subqueries import replace_subqueries


@attrs.frozen
class ExplainedRequest:
    """One request, and its purpose in words."""

    purpose: str
    request: Request


@attrs.frozen(repr=False)
class Explanation:
    """A query in words, and the requests for its first page, in order; there are none if no row can match.

    A request that needs the values that an earlier one finds has a note in their place.
    """

    words: str
    asks: tuple[ExplainedRequest, ...] = ()
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
    """Return the requests that reading a query sends; without any session, those for Directus 12."""
    if query.is_empty:
        return Explanation(describe_query(query))
    explainer = Explainer.of(session)
    explainer.read(query, "the rows")
    return Explanation(describe_query(query), explainer.requests, _describe_pages(query, explainer.session))


def explain_list(relation: ToMany, query: Query, keys: Sequence[Any], session: Session) -> Explanation:
    """Return the requests that reading a to-many relation sends, for the rows with these keys."""
    explainer, first_keys = Explainer.of(session), tuple(keys[:FULL_PAGE])
    explainer.add("the rows", dialect_of(session).read_keys(explainer.resolve_subqueries(query), first_keys))
    text = f"{relation}, for {len(keys):,} {'row that is' if len(keys) == 1 else 'rows that are'} in use"
    return Explanation(text, explainer.requests, f"One such request is sent for each {FULL_PAGE:,} rows.")


@attrs.define(eq=False)
class Explainer:
    """Collects the requests of an explanation."""

    dialect: Dialect
    session: Session | None
    requests: tuple[ExplainedRequest, ...] = ()

    @classmethod
    def of(cls, session: Session | None) -> Explainer:
        """Return an explainer for a session or the current one; without any, for Directus 12."""
        try:
            session = session or current_session()
        except ConfigurationError:
            session = None
        return cls(dialect_of(session), session)

    @property
    def last_result(self) -> str:
        """The note that replaces, in a request, the values that the previous request finds."""
        return f"what request {len(self.requests)} found"

    def add(self, purpose: str, request: Request) -> None:
        """Add a request."""
        request = request if self.session is None else self.session.prepared(request)
        self.requests = (*self.requests, ExplainedRequest(purpose, request))

    def read(self, query: Query, purpose: str, page_size: int | None = None) -> None:
        """Add the requests for the first page of a query, those of its sub-queries first."""
        query, purpose = self._readable_part(query, purpose)
        sendable, checks = widened(query)
        resolved = self.resolve_subqueries(sendable)
        purpose = f"{purpose}, and some more, which are filtered on arrival" if checks else purpose
        self.add(purpose, _first_request(resolved, self.dialect, self.session, page_size))

    def _readable_part(self, query: Query, purpose: str) -> tuple[Query, str]:
        """Return the part of a query that this user may read, as far as that is known, and the purpose."""
        if self.session is not None and self.session.knows_readable_fields:
            return readable_part(self.session, query), purpose
        if not query.readable:
            return query, purpose
        if self.session is not None:
            first = next(self.session.api.ask_permissions())
            self.add("what this user may read, which a session asks once", first)
        return query, f"{purpose}, with those of these fields that this user may read"

    def resolve_subqueries(self, query: Query) -> Query:
        """Add the requests of a query's sub-queries, and return the query that is sent after them."""
        return replace_subqueries(query, self._add_subquery, self.dialect.capabilities)

    def _add_subquery(self, condition: InSubquery) -> Node:
        if condition.shortcut is not None and self._may_have_list(condition.shortcut.path[-1]):
            return condition.shortcut
        self.read(condition.query, f"what is needed to say that {describe_condition(condition)}", KEYS_AT_ONCE)
        return Comparison(condition.path, "in", [self.last_result])

    def _may_have_list(self, relation: Step) -> bool:
        """Return whether the server has a list, as far as the session knows, which nothing is sent to find out."""
        place = (relation.model.directus.collection, relation.column)
        return self.session is None or self.session.facts.has_list.get(place, True)


def _first_request(query: Query, dialect: Dialect, session: Session | None, page_size: int | None) -> Request:
    if query.model.directus.options.singleton:
        return dialect.read_singleton(query)
    where, key_list = split_key_list(query.where)
    if key_list is not None:
        return dialect.read_keys(query.evolve(where=where), key_list.keys[:FULL_PAGE])
    session_size, maximum = _page_sizes(session)
    (request,) = next(query_pager(query, dialect, page_size or session_size, maximum)).requests
    return request


def _page_sizes(session: Session | None) -> tuple[int | None, int | None]:
    """Return the page size that a session asks for, and the server's maximum, as far as they are known."""
    return (None, None) if session is None else (session.page_size, session.max_rows)


def _describe_pages(query: Query, session: Session | None) -> str:
    sizes = PageSizer(dialect_of(session), *_page_sizes(session))
    first = sizes.next(query.limit)
    if query.model.directus.options.singleton or (query.limit is not None and query.limit <= first):
        return "All rows come with the last of these requests."
    later = f"{sizes.fixed:,}" if sizes.fixed else f"up to {LARGEST_PAGE:,}"
    return f"The last of these requests brings up to {first:,} rows; then each brings {later}."
