"""The `Dialect` protocol: for one server version, builds requests from queries and reads responses. No I/O.

A dialect has three roles: it compiles queries and writes to requests, it takes rows and numbers out of responses,
and it says why the server refused a request. Its `Capabilities` list what the server can be asked.
A new dialect implements `Dialect` in a module of its own and gets a name in `registry`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, Protocol

from ..core.errors import Forbidden, InvalidRequest
from ..core.request_response import Request, Response, Row
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath
from ..query.capabilities import Capabilities
from ..query.group_request import GroupRequest
from ..query.query import Query


class CompilesReads(Protocol):
    """Builds the requests that read."""

    def read(self, query: Query, *, total: bool = False) -> Request:
        """Return the request for one page of a query's rows; the query's limit is the page size and must be set.

        With ``total``, the response also counts the rows of all pages, for `ReadsResponses.total_count`.
        """
        ...

    def counts_along(self, info: ModelInfo) -> bool:
        """Return whether ``total`` has an effect on the request for a page of this model's rows."""
        ...

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys, in no particular order."""
        ...

    def read_singleton(self, query: Query, *, fresh: bool = False) -> Request:
        """Return the request for the row of a singleton; with ``fresh``, bypassing the caches of the server."""
        ...

    def check_field(self, collection: str, column: str) -> Request:
        """Return a request that reads no row and is refused if the collection has no such field or list."""
        ...

    def check_relation(self, relation: Step) -> Request:
        """Return a request that reads no row, and is an `InvalidRequest` if the server has no such relation."""
        ...

    def count(self, query: Query) -> Request:
        """Return the request that counts a query's rows, ignoring its limit and offset."""
        ...

    def groups(self, groups: GroupRequest, *, total: bool = False) -> Request:
        """Return the request for groups of rows and their aggregates.

        With ``total``, the response also counts the rows that the query chooses, for `ReadsResponses.total_count`.
        """
        ...


class CompilesWrites(Protocol):
    """Builds the requests that write. All but the deletes read back what was stored."""

    def check_writes(self, info: ModelInfo, action: str) -> None:
        """Refuse to ``create``, ``update`` or ``delete`` rows that only the server itself writes.

        Raises:
            UnsupportedQuery: the server has no request for it.
        """
        ...

    def create(self, info: ModelInfo, row: Row, back: Query) -> Request:
        """Return the request that creates one row; ``back`` describes what of it is read back."""
        ...

    def create_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that creates rows in one transaction; the response has them sorted by key."""
        ...

    def update(self, info: ModelInfo, key: Any, changes: Row, back: Query) -> Request:
        """Return the request that changes one row, or a singleton; ``back`` describes what is read back."""
        ...

    def update_keys(
        self, info: ModelInfo, keys: Sequence[Any], changes: Row, paths: Iterable[FieldPath]
    ) -> Request:
        """Return the request that writes the same changes to all rows with these keys."""
        ...

    def update_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that changes rows in one transaction; each row in the body has its key."""
        ...

    def delete(self, info: ModelInfo, key: Any) -> Request:
        """Return the request that deletes one row."""
        ...

    def delete_keys(self, info: ModelInfo, keys: Sequence[Any]) -> Request:
        """Return the request that deletes the rows with these keys."""
        ...


class ReadsResponses(Protocol):
    """Takes rows and numbers out of responses; TransportError is raised for a response of another shape."""

    def rows(self, response: Response) -> list[Row]:
        """Return the rows in the response to `read`, `read_keys`, `groups` or a write of many rows."""
        ...

    def written_row(self, response: Response) -> Row | None:
        """Return the row in the response to `create` or `update`; None if it has none.

        Raises:
            OutcomeUnknown: the response has another shape, so the write may have been applied.
        """
        ...

    def row_count(self, response: Response) -> int:
        """Return the number in the response to `count`."""
        ...

    def total_count(self, response: Response) -> int:
        """Return the number of rows of all pages, from the response to `read` with ``total``."""
        ...

    def singleton_row(self, response: Response, info: ModelInfo) -> Row:
        """Return the row in the response to `read_singleton`.

        Raises:
            ConfigurationError: the server's collection is an ordinary one, not a singleton.
        """
        ...


class ReadsRefusals(Protocol):
    """Says why the server refused a request."""

    def names_field(self, error: Forbidden) -> bool:
        """Return whether single fields were refused, as unknown or unreadable, and not the whole collection."""
        ...

    def refused_fields(self, error: Forbidden) -> tuple[str, tuple[str, ...]]:
        """Return the collection that a refusal names, and its fields that were refused; empty if none is named."""
        ...

    def is_of_reading(self, error: Forbidden) -> bool:
        """Return whether the rows of a response were refused; of a write, that is after it was applied."""
        ...

    def lacks_json(self, error: InvalidRequest) -> bool:
        """Return whether conditions inside JSON were refused because the server is too old for them."""
        ...

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows in one response, if the server refused a limit for being higher."""
        ...


class Dialect(CompilesReads, CompilesWrites, ReadsResponses, ReadsRefusals, Protocol):
    """All three roles, for one version of the server."""

    @property
    def capabilities(self) -> Capabilities:
        """What this version can be asked."""
        ...

    @property
    def limited_collections(self) -> Container[str]:
        """The collections with fields or lists that not every version has."""
        ...

    def versions_of(self, collection: str, column: str) -> tuple[int, int | None] | None:
        """Return the first and the last major version that have a field or list; None if all of them have it.

        The last one is None if all later versions have it.
        """
        ...
