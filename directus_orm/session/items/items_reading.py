"""Reading the rows of a collection without a model: the base class of `Items`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ...core.async_twins import async_twin, paged_twin
from ...core.errors import (
    ConfigurationError,
    DefaultLimitWarning,
    DoesNotExist,
    Forbidden,
    InvalidRequest,
    QueryError,
    UnsupportedQuery,
)
from ...core.progress import Progress
from ...core.request_response import Request, Response, Row, Send, parsed_param, url_path
from ...core.tracebacks import flatten, hides_locals
from ..http.api import Api
from ..http.error_mapping import unexpected_response
from ..http.routes import RESERVED_KEYS, SYSTEM_COLLECTIONS, finds_by_keys
from ..transfers.exports import FileExport, Target
from ..transfers.row_formats import RowFormat
from .chunks import Chunks, Facts
from .item_queries import BY_KEYS, GROUPS, LIST, ROW, WHOLE, check_names, column_names, names_in, parsed_filter
from .key_columns import KeyColumn, checked_key, checked_keys, find_key_column
from .whole_lists import ReadPages, WholeList, returns_key, whole_list

# Where Directus ends a list without a limit (its QUERY_LIMIT_DEFAULT).
_DEFAULT_LIMIT = 100
_MOST_GROUPS = 10_000
_FUNCTIONS = frozenset({"count", "countDistinct", "sum", "sumDistinct", "avg", "avgDistinct", "min", "max"})


class ItemReads:
    """The methods of `Items` that read.

    ``send`` sends a request, ``facts`` is what the session knows about its server, and ``read_pages`` pages
    through a whole list.
    """

    def __init__(self, send: Send, api: Api, collection: str, facts: Facts, read_pages: ReadPages) -> None:
        if not isinstance(collection, str):
            raise TypeError(f"{collection!r} is not the name of a collection.")
        self._send = send
        self._api = api
        self._collection = collection
        self._facts = facts
        self._read_pages = read_pages
        self._path = api.items_path(collection)
        self._chunks = Chunks(send, api, facts)

    @hides_locals
    def read(self, /, key: object = None, **query: Any) -> Any:
        """Return one row if a key is given, else a list of rows (for a singleton, its row), by one GET.

        ``query`` are the parameters of Directus, whose rules hold: a list without ``limit`` ends after 100 rows.
        If it has as many, a `DefaultLimitWarning` says so; `read_all` reads all rows.

        ```python
        session.items("airlines").read(filter={"name": {"_contains": "Air"}}, limit=10)
        ```
        """
        check_names("read", query, LIST)
        rows = self._request("GET", self._row_path(key), query)
        if key is None:
            self._check_rows(rows)
            self._warn_of_default_limit(rows, query)
        return rows

    @hides_locals
    def search(self, /, *, keys: Iterable[object] | None = None, **query: Any) -> list[Row]:
        """Return a list of rows as `read` does, by SEARCH, which no cache answers; or the rows with these keys.

        The rows with ``keys`` all come, each once, in the server's order; keys without a row are left out. Long
        lists of keys go in several requests. ``query`` may then choose among these rows, but has no limit.
        """
        check_names("search", query, LIST if keys is None else BY_KEYS)
        params = self._body_query(query)
        if keys is not None:
            return self._search_by_keys(checked_keys(keys), params)
        rows: list[Row] = self._send(Request("SEARCH", self._path, json={"query": params})).data
        self._check_rows(rows)
        self._warn_of_default_limit(rows, query)
        return rows

    @hides_locals
    def read_all(self, /, *, key: str | None = None, **query: Any) -> Iterator[Row]:
        """Iterate over all rows, page by page, as a loop over a queryset does: each row comes once.

        The rows come in the order of ``sort``, then of the key. ``limit`` and ``offset`` choose a part. Lists of
        related rows that ``fields`` names are complete, too, unless ``deep`` limits them.

        A session asks once which field is the key. For users who may not read the list of fields, ``key`` names
        it, unless it is ``id``.

        Raises `IterationLost` as `QuerySet.iterator` does.

        ```python
        for row in session.items("flights").read_all(fields="id,dep_delay", filter={"month": {"_eq": 1}}):
            ...
        ```
        """
        check_names("read_all", query, WHOLE)
        return flatten(self._pages(key=key, **query))

    @hides_locals
    def export(
        self,
        /,
        to: Target,
        format: RowFormat | None = None,  # noqa: A002 - Directus's name for it
        *,
        key: str | None = None,
        progress: Progress = None,
        **query: Any,
    ) -> int:
        """Write all rows to a file here, as `read_all` reads them, and return their number.

        Any number of rows fits into memory. A path gets the whole file when it is complete; it may replace one.
        In CSV, a name such as ``author.name`` in ``fields`` is a column of its own; other lists and objects are
        JSON, and null is empty.

        Args:
            to: the path of a file, or an open binary file.
            format: ``"csv"``, ``"json"``, ``"jsonl"``, ``"xml"`` or ``"yaml"``; by default the suffix says it.
            key: as for `read_all`.
            progress: True for a bar, or a function that takes (rows done, all rows).
            query: the parameters of `read_all`.

        Raises:
            QueryError: the format is unknown.
            ConversionError: XML has no place for a control character in a value.

        ```python
        session.items("flights").export("flights.csv", fields="id,carrier.name", progress=True)
        ```
        """
        check_names("export", query, WHOLE)
        file = FileExport.of(to, format, column_names(query.get("fields")))
        return file.write(self.read_all(key=key, **query), partial(self._count, query), progress)

    def _count(self, query: Mapping[str, Any]) -> int:
        """Return how many rows `read_all` probably reads."""
        chosen = {name: query[name] for name in ("filter", "search") if query.get(name) is not None}
        (row,) = self.aggregate({"count": "*"}, **chosen)
        number = max(int(row["count"]) - (query.get("offset") or 0), 0)
        limit = query.get("limit")
        return number if limit in (None, -1) else min(number, int(limit))

    @hides_locals
    def read_one(self, /, key: object, **query: Any) -> Row:
        """Return the row with a key. Raises `DoesNotExist` if there is none, as far as this user may see."""
        check_names("read_one", query, ROW)
        path = self._row_path(checked_key(key))
        try:
            row = self._request("GET", path, query)
        except Forbidden as error:
            if self._remaining(path) == []:
                raise DoesNotExist(f"{self._collection!r} has no row with the key {key!r}.") from error
            raise
        return self._checked_row(row, f"the row with the key {key!r}")

    @hides_locals
    def singleton(self, /, **query: Any) -> Row:
        """Return the row of a singleton. Raises `ConfigurationError` for an ordinary collection."""
        check_names("singleton", query, ROW)
        row = self._request("GET", self._path, query)
        if isinstance(row, list):
            raise ConfigurationError(f"{self._collection!r} is no singleton: it has many rows. Use read().")
        return self._checked_row(row, "the row of a singleton")

    @hides_locals
    def aggregate(
        self,
        /,
        functions: Mapping[str, Any],
        *,
        groupBy: str | Iterable[str] | None = None,  # noqa: N803 - Directus's name
        **query: Any,
    ) -> list[Row]:
        """Return aggregates, by group if ``groupBy`` is given: all groups, unless ``limit`` says otherwise.

        ``functions`` has the fields of each function: count, countDistinct, sum, sumDistinct, avg, avgDistinct,
        min, max. The results look as Directus sends them; some databases send numbers as texts.

        ```python
        session.items("flights").aggregate({"count": "*", "avg": ["dep_delay"]}, groupBy="carrier")
        ```
        """
        self._check_functions(functions)
        check_names("aggregate", query, GROUPS)
        params = {**query, "aggregate": dict(functions)}
        if groupBy is None:
            if parts := [name for name in ("limit", "offset", "sort") if query.get(name) is not None]:
                raise QueryError(f"aggregate() without groupBy has one result: leave out {', '.join(parts)}.")
            return self._rows(self._list(params))
        groups = names_in(groupBy, "groupBy")
        params["groupBy"] = groups
        if query.get("limit") not in (None, -1):
            return self._rows(self._list(params))
        sort = names_in(query.get("sort") or (), "sort")
        params["sort"] = [*sort, *(name for name in groups if name not in {s.lstrip("-") for s in sort})]
        return self._all_groups(params)

    aread = async_twin(read)
    asearch = async_twin(search)
    aread_all = paged_twin(read_all, "_pages")
    aexport = async_twin(export)
    aread_one = async_twin(read_one)
    asingleton = async_twin(singleton)
    aaggregate = async_twin(aggregate)

    # --- for the methods above ------------------------------------------------------------------------------

    def _pages(self, /, *, key: str | None = None, **query: Any) -> Iterator[list[Row]]:
        check_names("read_all", query, WHOLE)
        rows = whole_list(
            self._collection, KeyColumn(key or ""), query
        )  # checks the values before anything is sent
        column = self._key_column(key)
        rows = whole_list(self._collection, column, query)
        wants_key = returns_key(query.get("fields")) or column.name in names_in(query["fields"], "fields")
        return self._read_whole(rows, wants_key=wants_key)

    def _read_whole(self, rows: WholeList, *, wants_key: bool) -> Iterator[list[Row]]:
        pages = self._read_pages(rows)
        while (page := self._next_page(pages)) is not None:
            if not wants_key:
                for row in page:
                    row.pop(rows.key.name, None)
            yield page
            del page  # frees the memory before the next page is read

    def _next_page(self, pages: Iterator[list[Row]]) -> list[Row] | None:
        try:
            return next(pages, None)
        except ConfigurationError as error:
            message = f"{self._collection!r} is a singleton, which has one row: use singleton()."
            raise ConfigurationError(message) from error

    def _key_column(self, name: str | None = None) -> KeyColumn:
        return find_key_column(self._send, self._facts.key_columns, self._collection, self._path, name)

    def _search_by_keys(self, keys: list[str | int], params: Mapping[str, Any]) -> list[Row]:
        # Where the server ignores keys, a filter finds the rows: it evaluates no key of these (S26).
        by_filter = None if finds_by_keys(self._path) else self._key_column().name

        def build(chunk: list[Any]) -> Request:
            query = {**params, "limit": len(chunk)}
            if by_filter is None:
                return Request("SEARCH", self._path, json={"keys": chunk, "query": query})
            by_key = {by_filter: {"_in": chunk}}
            where = parsed_filter(query.get("filter"))
            query["filter"] = {"_and": [where, by_key]} if where else by_key
            return Request("SEARCH", self._path, json={"query": query}, key_column=by_filter)

        return self._chunks.read(keys, build)

    def _check_functions(self, functions: Mapping[str, Any]) -> None:
        if not isinstance(functions, Mapping) or not functions:
            raise QueryError(f"aggregate() takes functions such as {{'count': '*'}}, and not {functions!r}.")
        if unknown := [name for name in functions if name not in _FUNCTIONS]:
            raise QueryError(f"Directus has no function {unknown[0]!r}. It has: {', '.join(sorted(_FUNCTIONS))}.")
        for name, fields in functions.items():
            if name != "count" and "*" in names_in(fields, name):
                raise QueryError(f"{name} takes the names of fields; only count takes '*'.")
        system = SYSTEM_COLLECTIONS.get(self._collection)
        if system is not None and system.adds_rows:
            raise UnsupportedQuery(f"{self._collection}: the server also counts rows that it does not store.")

    def _all_groups(self, params: dict[str, Any]) -> list[Row]:
        """Return all groups: a limit of -1 would end them at the server's maximum, without an error (G45)."""
        groups: list[Row] = []
        offset = params.get("offset") or 0
        while True:
            limit = min(_MOST_GROUPS, self._facts.max_rows or _MOST_GROUPS)
            try:
                page = self._rows(self._list({**params, "limit": limit, "offset": offset + len(groups)}))
            except InvalidRequest as error:
                most = self._api.row_limit(error)
                if most is None or not 0 < most < limit:
                    raise
                self._facts.max_rows = most
                continue
            groups += page
            if len(page) < limit:
                return groups

    def _list(self, params: Mapping[str, Any]) -> Response:
        return self._send(Request("GET", self._path, self._api.query_params(params)))

    def _rows(self, response: Response) -> list[Row]:
        if not isinstance(response.data, list):
            raise unexpected_response(response, response.data, "a list of rows")
        return response.data

    def _remaining(self, path: str) -> Any:
        """Return the rows that are left of one; None if the user may not know."""
        try:
            return self._send(self._api.remaining_rows_request(Request("DELETE", path))).data
        except (Forbidden, InvalidRequest):
            return None

    def _checked_row(self, row: Any, what: str) -> Row:
        if not isinstance(row, dict):
            raise ConfigurationError(f"{self._collection!r}: the server did not return {what}.")
        return row

    def _check_rows(self, rows: Any) -> None:
        """Refuse numbers and texts in the place of rows, as a user gets them who may read no field."""
        if isinstance(rows, list) and rows and not isinstance(rows[0], Mapping):
            raise Forbidden(
                f"{self._collection!r}: the server returned keys without rows, since this user may read no field "
                "of these rows. A share shows what its role may read."
            )

    def _warn_of_default_limit(self, rows: Any, query: Mapping[str, Any]) -> None:
        has_limit = query.get("limit") is not None
        if not has_limit and isinstance(rows, list) and len(rows) == _DEFAULT_LIMIT:
            message = (
                f"{self._collection!r}: {len(rows)} rows came, where Directus ends a list without a limit. "
                "There may be more: read_all() reads all of them, and limit=-1 asks for all by one request."
            )
            warnings.warn(message, DefaultLimitWarning, stacklevel=4)

    def _body_query(self, query: Mapping[str, Any]) -> dict[str, Any]:
        return {name: parsed_param(name, value) for name, value in self._api.query_params(query)}

    def _row_path(self, key: object) -> str:
        if key is None:
            return self._path
        if checked_key(key) in RESERVED_KEYS and self._collection in SYSTEM_COLLECTIONS:
            raise QueryError(
                f"{key!r} is no key of {self._collection}: {self._path}/{key} is a route of its own. "
                "Use get(), post() or patch() of the session."
            )
        return self._path + url_path(key)

    def _request(self, method: str, path: str, params: Mapping[str, Any], json: Any = None) -> Any:
        return self._send(Request(method, path, self._api.query_params(params), json)).data
