"""Selection of the rows to group: by the query's conditions, or by keys that are read first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

from ...core.errors import UnsupportedQuery
from ...dialects.protocol import Dialect
from ...dialects.registry import dialect_of
from ...query.conditions import ALWAYS, Node, joins_to_many
from ...query.group_request import GroupRequest
from ...query.query import Query
from ...session.session import Session
from ..row_recheck import needs_recheck
from ..run_query import resolve_subqueries, select_keys

# SQLite binds 32,766 values at most, and the server takes bodies of 1 MB (G35).
MOST_KEYS = 30_000
MOST_BYTES = 900_000
# Where a gateway refuses SEARCH, the keys are a part of the URL.
_MOST_BYTES_IN_URL = 3_000


class RowSelection:
    """The rows to group, as requests for their groups; requests for the same condition are built once."""

    def __init__(self, session: Session | None, query: Query) -> None:
        self._session = session
        self.rows = query.evolve(paths=(), related=(), shown=(), nested=(), grouping=None)
        self._requests: dict[Node, list[GroupRequest]] = {}
        self._sliced_keys: list[Any] | None = None

    @property
    def session(self) -> Session:
        """The session that reads the rows."""
        assert self._session is not None  # noqa: S101 - without one, requests are only explained
        return self._session

    @property
    def dialect(self) -> Dialect:
        """The dialect of the session."""
        return dialect_of(self._session)

    def requests(self, where: Node = ALWAYS) -> list[GroupRequest]:
        """Return the requests for the rows that meet a further condition.

        There is no request if no row can match, and several if the rows are selected by many keys.
        """
        if where not in self._requests:
            self._requests[where] = self._select(where)
        return self._requests[where]

    def _select(self, where: Node) -> list[GroupRequest]:
        if self.rows.is_sliced:
            return self._select_from_slice(where)
        rows = attrs.evolve(self.rows.filtered(where), order=())
        if needs_recheck(rows):
            return self._by_keys(Query(rows.model), select_keys(self.session, rows))
        query = resolve_subqueries(self.session, rows)
        if not joins_to_many(query.where):
            return [] if query.is_empty else [GroupRequest(query)]
        # The server would count a row once for each related row (G21).
        return self._by_keys(Query(rows.model), select_keys(self.session, query))

    def _select_from_slice(self, where: Node) -> list[GroupRequest]:
        if self._sliced_keys is None:
            self._sliced_keys = select_keys(self.session, self.rows)
        query = resolve_subqueries(self.session, Query(self.rows.model, where=where))
        if joins_to_many(query.where):
            msg = "In a slice, the server cannot count rows by a condition on related rows: filter before slicing."
            raise UnsupportedQuery(msg)
        return [] if query.is_empty else self._by_keys(query, self._sliced_keys)

    def _by_keys(self, query: Query, keys: Sequence[Any]) -> list[GroupRequest]:
        most_bytes = _MOST_BYTES_IN_URL if self.session.facts.refuses_search else MOST_BYTES
        return requests_by_keys(query, keys, most_bytes)


def requests_by_keys(query: Query, keys: Sequence[Any], most_bytes: int = MOST_BYTES) -> list[GroupRequest]:
    """Return requests for rows with these keys, each of a size that the server accepts."""
    requests: list[GroupRequest] = []
    chunk: list[Any] = []
    size = 0
    for key in keys:
        key_size = len(json.dumps(key)) + 2
        size += key_size
        if chunk and (len(chunk) == MOST_KEYS or size > most_bytes):
            requests.append(GroupRequest(query, keys=tuple(chunk)))
            chunk, size = [], key_size
        chunk.append(key)
    return [*requests, GroupRequest(query, keys=tuple(chunk))] if chunk else requests
