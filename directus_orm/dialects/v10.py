"""The dialect of Directus 10 to 12: requests to ``/items`` with query parameters, and their responses."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from math import inf
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import attrs

from ..core.errors import (
    ConfigurationError,
    Forbidden,
    InvalidRequest,
    QueryError,
    UnsupportedQuery,
)
from ..core.request_response import ANY_ROWS, Request, Response, Row, RowShape, param_text, url_path
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath, server_path, target_of
from ..query.capabilities import DEFAULT_CAPABILITIES, Capabilities
from ..query.conditions import ALWAYS, Comparison, joins_to_many
from ..query.group_request import GroupRequest
from ..query.query import Order, Query
from ..session.http.error_mapping import unexpected_response
from ..session.http.routes import (
    LIMITED_COLLECTIONS,
    RESERVED_KEYS,
    SYSTEM_COLLECTIONS,
    collection_segments,
    counts_rows,
    finds_by_keys,
    has_search,
    versions_of,
)
from ..session.http.v10_api import V10Api
from . import v10_nested
from .added_rows import complete, has_added_rows, stored_rows
from .v10_filters import filter_object, function_call
from .v10_groups import group_params

_NAMES_FIELDS = re.compile(r'access fields? "')
_REFUSED = re.compile(
    r'access (?:fields? (?P<fields>"[^"]+"(?:, "[^"]+")*) in )?collection "(?P<collection>[^"]+)"'
)
_LACKS_JSON = re.compile(r'Invalid query\. The filter value for "_json" has to be ')
_API = V10Api()
_DOTS = frozenset({".", ".."})


@attrs.frozen
class V10Dialect:
    """Compiles queries and writes to requests of ``/items``, and reads the responses; see `Dialect`."""

    @property
    def capabilities(self) -> Capabilities:
        """What Directus 10 to 12 can be asked."""
        return DEFAULT_CAPABILITIES

    @property
    def limited_collections(self) -> Container[str]:
        """The collections with columns that not every version has: some of Directus's own."""
        return LIMITED_COLLECTIONS

    def versions_of(self, collection: str, column: str) -> tuple[int, int | None] | None:
        """Return the first and the last major version that have a column; None if all of them have it."""
        return versions_of(collection, column)

    # --- requests that read -----------------------------------------------------------------------------------

    def read(self, query: Query, *, total: bool = False) -> Request:
        """Return the request for one page of a query's rows; the query's limit is the page size and must be set.

        Counting the rows of all pages, with ``total``, makes the server do about twice the work.
        """
        params = _query_params(query) | _total_param(total=total)
        shape = _shape_of(query)
        info = query.model.directus
        return Request("GET", _items_path(info), _as_text(params), row_shape=shape, key_column=info.pk.column)

    def counts_along(self, info: ModelInfo) -> bool:
        """Return whether ``total`` has an effect: one of Directus's own collections has no ``meta``."""
        return counts_rows(info.collection)

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys, in no particular order.

        By SEARCH, which no server cache stores (G28).
        """
        params = _query_params(query.evolve(limit=len(keys), offset=0))
        del params["sort"]
        shape = attrs.evolve(_shape_of(query), most=len(keys))
        return _search_by_keys(query.model.directus, keys, params, shape)

    def read_singleton(self, query: Query, *, fresh: bool = False) -> Request:
        """Return the request for the row of a singleton; with ``fresh``, bypassing the server's cache (G28)."""
        info, params = query.model.directus, _field_params(query)
        path, column = _items_path(info), info.pk.column
        if fresh and has_search(info.collection):
            return Request("SEARCH", path, json={"query": params}, key_column=column)
        if fresh:  # an alias that no field uses makes it another request to the cache
            params["alias"] = {f"fresh_{uuid4().hex}": column}
        return Request("GET", path, _as_text(params), key_column=column)

    def check_field(self, collection: str, column: str) -> Request:
        """Return a request that reads no row and is refused if the collection has no such field or list.

        It filters by the field, since Directus 10 accepts any name among ``fields``.
        """
        params = {"fields": [column], "filter": {column: {"_null": True}}, "limit": 0}
        return Request("GET", url_path(*collection_segments(collection)), _as_text(params))

    def check_relation(self, relation: Step) -> Request:
        """Return a request that reads no row, and is an `InvalidRequest` if the server has no such relation.

        It orders by a field of the related rows, since a condition on it may be left out.
        """
        info, pk = relation.model.directus, target_of(relation).directus.pk
        params = {"fields": [info.pk.column], "sort": [".".join((*relation.segments, pk.column))], "limit": 0}
        return Request("GET", _items_path(info), _as_text(params), purpose="info")

    def count(self, query: Query) -> Request:
        """Return the request that counts a query's rows, without its limit and offset (G22).

        Joins with related rows repeat rows, so these are counted by their keys (G21).
        """
        pk, path = query.model.directus.pk.column, _items_path(query.model.directus)
        if has_added_rows(query.model.directus):  # to aggregates as well, but not to this number
            params = {**_row_choice(query), "fields": [pk], **_total_param(total=True)}
            return Request("GET", path, _as_text(params), key_column=pk)
        aggregate = {"countDistinct": pk} if joins_to_many(query.where) else {"count": "*"}
        params, shape = {"aggregate": aggregate, **_row_choice(query)}, RowShape(columns=tuple(aggregate))
        return Request("GET", path, _as_text(params), row_shape=shape, key_column=pk)

    def groups(self, groups: GroupRequest, *, total: bool = False) -> Request:
        """Return the request for groups of rows; keys of rows are sent as by `read_keys`."""
        if has_added_rows(groups.rows.model.directus):
            msg = f"{groups.rows.model.__name__}: the server also counts rows that it does not store; use count()."
            raise UnsupportedQuery(msg)
        params = group_params(groups, _row_choice(groups.rows)) | _total_param(total=total)
        path = _items_path(groups.rows.model.directus)
        totals = tuple((aggregate.function, aggregate.field.column) for aggregate in groups.aggregates)
        columns = tuple(column.key for column in groups.columns)
        shape = RowShape(most=_most(groups.rows), columns=columns, totals=totals)
        if groups.keys is None:
            column = groups.rows.model.directus.pk.column
            return Request("GET", path, _as_text(params), row_shape=shape, key_column=column)
        return _search_by_keys(groups.rows.model.directus, groups.keys, params, shape)

    # --- requests that write ----------------------------------------------------------------------------------

    def check_writes(self, info: ModelInfo, action: str) -> None:
        """Refuse to ``create``, ``update`` or ``delete`` rows that only Directus itself writes.

        Raises:
            UnsupportedQuery: the server has no route for it.
        """
        _check_writes(info, action)

    def create(self, info: ModelInfo, row: Row, back: Query) -> Request:
        """Return the request that creates one row; ``back`` describes what of it is read back."""
        params = _as_text(_field_params(back))
        return _write("POST", _items_path(info), params, row, info)

    def create_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that creates rows in one transaction.

        The response is sorted by key, whatever the order of the rows (G11). The limit is sent so that a server
        with a lower maximum refuses before it writes; otherwise it would write all and return fewer (G45).
        """
        params = {"fields": complete(info, _field_names(paths)), "sort": [info.pk.column], "limit": len(rows)}
        return _write("POST", _items_path(info), _as_text(params), list(rows), info)

    def update(self, info: ModelInfo, key: Any, changes: Row, back: Query) -> Request:
        """Return the request that changes one row, or a singleton; ``back`` describes what is read back."""
        path = _items_path(info) if info.options.singleton else _item_path(info, key)
        return _write("PATCH", path, _as_text(_field_params(back)), changes, info)

    def update_keys(
        self, info: ModelInfo, keys: Sequence[Any], changes: Row, paths: Iterable[FieldPath]
    ) -> Request:
        """Return the request that writes the same changes to all rows with these keys, and reads them back."""
        params = {"fields": complete(info, _field_names(paths)), "limit": len(keys)}
        body = {"keys": list(keys), "data": changes}
        return _write("PATCH", _items_path(info), _as_text(params), body, info)

    def update_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that changes rows in one transaction, each by the key in it, and reads them back."""
        params = {"fields": complete(info, _field_names(paths)), "limit": len(rows)}
        return _write("PATCH", _items_path(info), _as_text(params), list(rows), info)

    def delete(self, info: ModelInfo, key: Any) -> Request:
        """Return the request that deletes one row."""
        _check_writes(info, "delete")
        return Request("DELETE", _item_path(info, key))

    def delete_keys(self, info: ModelInfo, keys: Sequence[Any]) -> Request:
        """Return the request that deletes the rows with these keys."""
        _check_writes(info, "delete")
        return Request("DELETE", _items_path(info), json=list(keys))

    # --- responses --------------------------------------------------------------------------------------------

    def rows(self, response: Response) -> list[Row]:
        """Return the rows in a response.

        Raises:
            ConfigurationError: the server's collection is a singleton.
            TransportError: the response has another shape; `OutcomeUnknown` if it is that to a write.
        """
        data, request = response.data, response.request
        if request is not None and isinstance(data, list):
            data = stored_rows(request, data)
        shape = ANY_ROWS if request is None else request.row_shape
        # Where a relation may not be read, the server returns bare keys in the place of rows (G26).
        if not isinstance(data, list) or not shape.fits(data):
            if request is not None and _shows_singleton(request, data):
                raise _undeclared_singleton(request)
            raise unexpected_response(response, data, f"a list of rows{shape}")
        return data

    def written_row(self, response: Response) -> Row | None:
        """Return the row in the response to a write of one row; None if it has none.

        Raises:
            OutcomeUnknown: the response has another shape.
        """
        row: Row | None = response.data
        shape = ANY_ROWS if response.request is None else response.request.row_shape
        if row is not None and not shape.fits([row]):
            raise unexpected_response(response, row, f"the row that was written{shape}")
        return row

    def row_count(self, response: Response) -> int:
        """Return the number in the response to `count`; some databases send it as text.

        Raises:
            TransportError: the response has another shape.
        """
        if "filter_count" in response.meta:
            return self.total_count(response)
        rows = self.rows(response)
        try:
            ((number,),) = (row.values() for row in rows)
            if isinstance(number, dict):
                (number,) = number.values()
            return int(number)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise unexpected_response(response, response.data, "a count") from error

    def total_count(self, response: Response) -> int:
        """Return the number of rows of all pages, from the response to `read` with ``total``.

        Raises:
            TransportError: the response has no such number.
        """
        try:
            return int(response.meta["filter_count"])
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise unexpected_response(response, response.meta, "a count") from error

    def singleton_row(self, response: Response, info: ModelInfo) -> Row:
        """Return the row in the response to `read_singleton`.

        Raises:
            ConfigurationError: the server's collection is an ordinary one, not a singleton.
        """
        if isinstance(response.data, dict):
            return response.data
        msg = (
            f"{info.model.__name__} is declared as a singleton, and the server's collection {info.collection!r} "
            "is an ordinary one: leave out singleton=True."
        )
        raise ConfigurationError(msg)

    # --- refusals ---------------------------------------------------------------------------------------------

    def names_field(self, error: Forbidden) -> bool:
        """Return whether single fields were refused, and not the whole collection (G33)."""
        return _NAMES_FIELDS.search(str(error)) is not None

    def refused_fields(self, error: Forbidden) -> tuple[str, tuple[str, ...]]:
        """Return the collection that a refusal names, and its fields that were refused; empty if none is named."""
        match = _REFUSED.search(str(error))
        if match is None:
            return "", ()
        return match["collection"], tuple(re.findall(r'"([^"]+)"', match["fields"] or ""))

    def is_of_reading(self, error: Forbidden) -> bool:
        """Return whether the rows of a response were refused: Directus 11 and 12 say what was queried."""
        return "Queried in " in str(error)

    def lacks_json(self, error: InvalidRequest) -> bool:
        """Return whether conditions inside JSON were refused, as by servers before Directus 12."""
        return _LACKS_JSON.match(str(error)) is not None

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows in one response, if the server refused a limit for being higher (G45)."""
        return _API.row_limit(error)


def _shows_singleton(request: Request, data: Any) -> bool:
    """Return whether the response to a request for rows is one such row."""
    shape = request.row_shape
    return request.reads and isinstance(data, dict) and shape.key in {None, *data} and shape.fits([data])


def _undeclared_singleton(request: Request) -> ConfigurationError:
    collection = unquote(request.path.rpartition("/")[2])
    return ConfigurationError(
        f"The server's collection {collection!r} is a singleton, which has one row: declare its model with "
        "singleton=True."
    )


# --- routes -----------------------------------------------------------------------------------------------------


def _items_path(info: ModelInfo) -> str:
    return url_path(*collection_segments(info.collection))


def _search_by_keys(info: ModelInfo, keys: Sequence[Any], params: Row, shape: RowShape) -> Request:
    """Return the request for rows with these keys that the parameters choose.

    Keys go in the body where the server heeds them, since a filter would evaluate some of them (G16, G17).
    """
    path, column = _items_path(info), info.pk.column
    if finds_by_keys(path):
        json = {"keys": list(keys), "query": params}
        return Request("SEARCH", path, json=json, row_shape=shape, key_column=column)
    by_key = filter_object(Comparison((info.pk,), "in", list(keys)), ())
    both = {"_and": [params["filter"], by_key]} if "filter" in params else by_key
    json = {"query": {**params, "filter": both}}
    return Request("SEARCH", path, json=json, row_shape=shape, key_column=column)


def _item_path(info: ModelInfo, key: Any) -> str:
    route = collection_segments(info.collection)
    if route[0] != "items" and key in RESERVED_KEYS:
        msg = f"{info.pk} cannot be {key!r}: below /{route[0]}, that is a route of its own."
        raise QueryError(msg)
    try:
        return url_path(*route, key)
    except ValueError as error:
        by_query = f"{info.model.__name__}.objects.filter(pk={key!r})"
        hint = f" {by_query}.update(…) and .delete() send the key in another place." if key in _DOTS else ""
        raise QueryError(f"{error}{hint}") from None


def _check_writes(info: ModelInfo, action: str) -> None:
    """Refuse what no user can do to the rows of one of Directus's own collections.

    Raises:
        UnsupportedQuery: the server has no route for it.
    """
    system = SYSTEM_COLLECTIONS.get(info.collection)
    if system is None or action in system.writes:
        return
    possible = [each for each in ("create", "update", "delete") if each in system.writes]
    msg = (
        f"{info.model.__name__}: Directus itself makes the rows of {info.collection!r}; "
        f"you can {' and '.join(possible) or 'read'} them, but not {action} them."
    )
    raise UnsupportedQuery(msg)


_ACTIONS = {"POST": "create", "PATCH": "update"}


def _write(method: str, path: str, params: tuple[tuple[str, str], ...], json: Any, info: ModelInfo) -> Request:
    _check_writes(info, _ACTIONS[method])
    secret = frozenset(field.column.lower() for field in info.fields.values() if field.is_secret)
    return Request(method, path, params, json=json, secret=secret, row_shape=RowShape(key=info.pk.column))


def _shape_of(query: Query) -> RowShape:
    """Return what each row of a query holds at least: its key, unless the key is a relation with its row."""
    pk = query.model.directus.pk
    has_key = (pk,) in query.paths and (pk,) not in query.key_aliases
    return RowShape(key=pk.column if has_key else None, most=_most(query))


def _most(query: Query) -> float:
    return inf if query.limit is None else query.limit


# --- query parameters -------------------------------------------------------------------------------------------


def _query_params(query: Query) -> Row:
    """Return all parameters of a query, as Python values."""
    params = _field_params(query) | _row_choice(query)
    params["sort"] = [("-" if order.descending else "") + _sort_key(order) for order in query.total_order]
    if query.limit is not None:
        params["limit"] = query.limit
    if query.offset:
        params["offset"] = query.offset
    return params


def _field_params(query: Query) -> Row:
    """Return the parameters that name the values to read of each row."""
    fields = complete(query.model.directus, list(dict.fromkeys(v10_nested.field_names(query))))
    params: Row = {"fields": fields}
    nested = {
        "deep": v10_nested.deep_parameter(query, filter_object, _sort_key),
        "alias": v10_nested.alias_parameter(query),
    }
    params |= {name: value for name, value in nested.items() if value}
    v10_nested.add_related_counts(params, query)
    return params


def _row_choice(query: Query) -> Row:
    """Return the parameters that choose the rows, without limit and offset."""
    params: Row = {}
    if query.where != ALWAYS:
        params["filter"] = filter_object(query.where, ())
    if query.search is not None:
        params["search"] = query.search
    return params


def _total_param(*, total: bool) -> Row:
    """Return the parameter that makes the server count the rows of all pages."""
    return {"meta": "filter_count"} if total else {}


def _as_text(params: Row) -> tuple[tuple[str, str], ...]:
    """Write query parameters as text: JSON where they are nested, commas where they are lists."""
    return tuple((name, param_text(value)) for name, value in params.items())


def _field_names(paths: Iterable[FieldPath]) -> list[str]:
    return list(dict.fromkeys(map(_dotted, paths)))


def _sort_key(order: Order) -> str:
    if order.function is None:
        return _dotted(order.path)
    *outer, last = order.path
    return ".".join([*server_path(outer), function_call(order.function, last.column)])


def _dotted(path: FieldPath) -> str:
    return ".".join(field.column for field in path)
