"""`explain()` of groups: the requests that reading them sends, and what each is for."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ...dialects.protocol import Dialect
from ...query.conditions import Node, joins_to_many
from ...query.group_request import GroupRequest
from ...query.query import Query
from ...session.session import Session
from ..explain import Explainer, Explanation, explain
from ..query_description import describe_query
from ..row_recheck import needs_recheck
from ..run_query import KEYS_AT_ONCE
from .aggregate_plans import plans_by_request
from .group_paging import GROUPS_AT_ONCE, group_pager, slice_groups
from .group_reader import GroupReader
from .read_groups import all_rows, group_reader
from .row_selection import RowSelection

# These requests depend on the groups, so they cannot be listed.
_LATER_REQUESTS = (
    " Related rows that they refer to are read by key, and the database's order of texts and nulls if it matters."
)


def explain_query(query: Query, session: Session | None) -> Explanation:
    """Return the requests that reading a query would send, of rows or of groups, in words and as data."""
    return explain(query, session) if query.grouping is None else explain_groups(query, session)


def explain_groups(query: Query, session: Session | None = None) -> Explanation:
    """Return the requests that reading groups sends; without any session, those for Directus 12."""
    if query.is_empty:
        return Explanation(describe_query(query))
    explainer = Explainer.of(session)
    reader = group_reader(ExplainedSelection(explainer, all_rows(query)), query)
    maximum = None if explainer.session is None else explainer.session.max_rows
    for purpose, group_request in _requests(reader, query):
        (request,) = next(group_pager(group_request, explainer.dialect, maximum)).requests
        explainer.add(purpose, request)
    pages = f"Groups are read {GROUPS_AT_ONCE:,} at a time.{_LATER_REQUESTS}"
    return Explanation(describe_query(query), explainer.requests, pages)


def _requests(reader: GroupReader, query: Query) -> Iterator[tuple[str, GroupRequest]]:
    """Yield each request for groups, and what it is for."""
    request = reader.stream_request()
    if request is not None:
        is_filtered = bool(reader.grouping.having)
        yield "the groups", request if is_filtered else slice_groups(request, query.limit, query.offset)
        return
    for shared, plans in plans_by_request(reader.plans, with_groups=True).items():
        purpose = "the groups" if shared.lists_groups else f"{', '.join(plans)} of each group"
        for request in reader.requests(shared, plans):
            yield purpose, request


class ExplainedSelection(RowSelection):
    """A selection of rows that sends nothing: requests that it would send are added to an explanation."""

    def __init__(self, explainer: Explainer, query: Query) -> None:
        super().__init__(None, query)
        self._explainer = explainer

    @property
    def dialect(self) -> Dialect:
        """The dialect of the session that the requests are explained for."""
        return self._explainer.dialect

    def _select(self, where: Node) -> list[GroupRequest]:
        rows = attrs.evolve(self.rows.filtered(where), order=())
        if not needs_recheck(rows):
            rows = self._explainer.resolve_subqueries(rows)
            if not joins_to_many(rows.where):
                return [GroupRequest(rows)]
        pk = rows.model.directus.pk
        purpose = "the keys of the rows to group"
        self._explainer.read(rows.with_paths((pk,)), purpose, KEYS_AT_ONCE)
        return [GroupRequest(Query(rows.model), keys=(self._explainer.last_result,))]
