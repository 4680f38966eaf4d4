"""Groups and their totals, as the REST API is asked for them (facts, section 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from ..core.errors import ConfigurationError, DirectusError, Forbidden, InvalidRequest, QueryError, TransportError
from ..core.messages import Request, Response, Row, url_path
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath, server_path
from ..query.conditions import ALWAYS, And, Comparison, Exists, Node, Or, is_quantified, joins_to_many
from ..query.group_request import GroupRequest
from ..query.query import Order, Query
from . import deep


def group_params(ask: GroupRequest, filtered: Row) -> Row:
    """Return the parameters of a request for groups; ``filtered`` are those that choose the rows.

    The limit and the offset are those of groups, and both must be said (G22, G23).
    """
    parts: Row = {}
    functions = dict.fromkeys(total.function for total in ask.aggregates)
    if functions:
        parts["aggregate"] = {
            function: [total.field.column for total in dict.fromkeys(ask.aggregates) if total.function == function]
            for function in functions
        }
    parts |= filtered
    if ask.columns:
        parts["groupBy"] = [column.text for column in ask.columns]
        parts["sort"] = [("-" if order.descending else "") + order.by.text for order in ask.order]
    parts["limit"] = ask.rows.limit
    if ask.rows.offset:
        parts["offset"] = ask.rows.offset
    return parts


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_NAMES_FIELDS = re.compile(r'access fields? "')
_TOO_LARGE = re.compile(r"request entity too large", re.IGNORECASE)
_TOO_MANY = re.compile(r"max batch mutation limit of (\d+)", re.IGNORECASE)
_LIMIT_TOO_HIGH = re.compile(r'"?limit"? must be less than or equal to (\d+)', re.IGNORECASE)


# Directus has routes of these names where its own collections have the keys of their rows.
_NO_KEYS = frozenset({"auth", "import", "info", "invite", "me", "register"})


@attrs.frozen
class V10Dialect:
    """Compiles queries and writes to requests of ``/items``, and reads the answers."""

    def read(self, query: Query, *, total: bool = False) -> Request:
        """Return the request for a query's rows; its limit is the page's and must be set.

        With ``total``, the answer counts the rows of all pages as well, which costs as much again.
        """
        parts = _query(query) | ({"meta": "filter_count"} if total else {})
        return Request("GET", _items(query.model.directus), _params(parts))

    def total_count(self, answer: Response) -> int:
        """Return the number of rows of all pages."""
        try:
            return int(answer.meta["filter_count"])
        except (KeyError, TypeError, ValueError) as error:
            raise _strange(answer, answer.meta, "a count") from error

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys, in no particular order.

        Keys go in the body, since a filter would evaluate some of them (G16, G17); and by SEARCH, which no
        server cache answers (G28).
        """
        parts = _query(query.evolve(limit=len(keys), offset=0))
        body = {name: part for name, part in parts.items() if name != "sort"}
        return Request("SEARCH", _items(query.model.directus), json={"keys": list(keys), "query": body})

    def read_singleton(self, query: Query, *, fresh: bool = False) -> Request:
        """Return the request for the one row of a singleton; a fresh one comes past the server's cache (G28)."""
        parts = _columns(query)
        route = _items(query.model.directus)
        return Request("SEARCH", route, json={"query": parts}) if fresh else Request("GET", route, _params(parts))

    def singleton_row(self, answer: Response, info: ModelInfo) -> Row:
        """Return the row in the answer to `read_singleton`.

        Raises:
            ConfigurationError: the collection is an ordinary one.
        """
        if isinstance(answer.data, dict):
            return answer.data
        msg = (
            f"{info.model.__name__} is declared as a singleton, and the server's collection {info.collection!r} "
            "is an ordinary one: leave out singleton=True."
        )
        raise ConfigurationError(msg)

    def look_up(self, collection: str, column: str) -> Request:
        """Return the request that is refused where a collection has no such field or list; it reads no row.

        By a filter, since Directus 10 takes any name among ``fields``; what is behind a list is not asked for.
        """
        parts = {"fields": [column], "filter": {column: {"_null": True}}, "limit": 0}
        return Request("GET", url_path(*_route(collection)), _params(parts))

    def count(self, query: Query) -> Request:
        """Return the request that counts a query's rows, its limit and offset apart (G22).

        Joins with related rows repeat rows: those are counted by their keys (G21).
        """
        pk = query.model.directus.pk.column
        aggregate = {"countDistinct": pk} if joins_to_many(query.where) else {"count": "*"}
        parts = {k: v for k, v in _query(query).items() if k in {"filter", "search"}}
        return Request("GET", _items(query.model.directus), _params({"aggregate": aggregate, **parts}))

    def row_count(self, answer: Response) -> int:
        """Return the number in the answer to `count`; some databases send it as text."""
        try:
            ((found,),) = (row.values() for row in _rows(answer))
            if isinstance(found, dict):
                (found,) = found.values()
            return int(found)
        except (TypeError, ValueError) as error:
            raise _strange(answer, answer.data, "a count") from error

    def groups(self, ask: GroupRequest) -> Request:
        """Return the request for groups of rows; keys of rows go as for `read_keys`."""
        chosen = {name: part for name, part in _query(ask.rows).items() if name in {"filter", "search"}}
        parts, route = group_params(ask, chosen), _items(ask.rows.model.directus)
        if ask.keys is None:
            return Request("GET", route, _params(parts))
        return Request("SEARCH", route, json={"keys": list(ask.keys), "query": parts})

    def create(self, info: ModelInfo, row: Row, back: Query) -> Request:
        """Return the request that creates one row and reads it back, as a query says what of it."""
        return Request("POST", _items(info), _params(_columns(back)), json=row, secret=_secret(info))

    def create_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that creates rows in one transaction.

        The answer is sorted by key whatever the order of the rows (G11). The limit is said, since a server with
        a maximum would cut the answer without a word; so it refuses before it writes (G45).
        """
        params = {"fields": _fields(paths), "sort": [info.pk.column], "limit": len(rows)}
        return Request("POST", _items(info), _params(params), json=list(rows), secret=_secret(info))

    def update(self, info: ModelInfo, key: Any, changes: Row, back: Query) -> Request:
        """Return the request that changes one row, or a singleton, and reads it back."""
        route = _items(info) if info.options.singleton else _item(info, key)
        return Request("PATCH", route, _params(_columns(back)), json=changes, secret=_secret(info))

    def update_keys(
        self, info: ModelInfo, keys: Sequence[Any], changes: Row, paths: Iterable[FieldPath]
    ) -> Request:
        """Return the request that writes the same to the rows with these keys, and reads them back."""
        params = {"fields": _fields(paths), "limit": len(keys)}
        body = {"keys": list(keys), "data": changes}
        return Request("PATCH", _items(info), _params(params), json=body, secret=_secret(info))

    def update_many(self, info: ModelInfo, rows: Sequence[Row], paths: Iterable[FieldPath]) -> Request:
        """Return the request that writes rows, each by the key in it, in one transaction, and reads them back."""
        params = {"fields": _fields(paths), "limit": len(rows)}
        return Request("PATCH", _items(info), _params(params), json=list(rows), secret=_secret(info))

    def delete_keys(self, info: ModelInfo, keys: Sequence[Any]) -> Request:
        """Return the request that deletes the rows with these keys."""
        return Request("DELETE", _items(info), json=list(keys))

    def delete(self, info: ModelInfo, key: Any) -> Request:
        """Return the request that deletes one row."""
        return Request("DELETE", _item(info, key))

    def rows(self, answer: Response) -> list[Row]:
        """Return the rows of an answer to `read`.

        Raises:
            TransportError: the answer has another shape.
        """
        return _rows(answer)

    def names_field(self, error: Forbidden) -> bool:
        """Return whether a refusal speaks of fields, unknown or unreadable, not of the whole collection (G33)."""
        return _NAMES_FIELDS.search(str(error)) is not None

    def lacks_json(self, error: InvalidRequest) -> bool:
        """Return whether it was conditions inside JSON that the server refused, as before Directus 12."""
        return '"_json"' in str(error)

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows the server gives at a time, if that is what it refused (G45)."""
        found = _LIMIT_TOO_HIGH.search(str(error))
        return int(found[1]) if found else None

    def write_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows the server writes at a time, if that is what it refused (MAX_BATCH_MUTATION)."""
        found = _TOO_MANY.search(str(error))
        return int(found[1]) if found else None

    def is_too_large(self, error: DirectusError) -> bool:
        """Return whether a body was refused for its size: by the server (G35), or by a proxy before it."""
        if isinstance(error, TransportError):
            return error.status == 413
        return isinstance(error, InvalidRequest) and _TOO_LARGE.search(str(error)) is not None


def _items(info: ModelInfo) -> str:
    return url_path(*_route(info.collection))


def _route(collection: str) -> tuple[str, ...]:
    """Return where rows are: Directus's own collections have routes of their own."""
    own = collection.removeprefix("directus_")
    return ("items", own) if own == collection else (own,)


def _item(info: ModelInfo, key: Any) -> str:
    route = _route(info.collection)
    if route[0] != "items" and key in _NO_KEYS:
        msg = f"{info.pk} cannot be {key!r}: below /{route[0]}, that is a route of its own."
        raise QueryError(msg)
    try:
        return url_path(*route, key)
    except ValueError as error:
        raise QueryError(str(error)) from None


def _secret(info: ModelInfo) -> frozenset[str]:
    return frozenset(field.column.lower() for field in info.fields.values() if field.is_secret)


def _rows(answer: Response) -> list[Row]:
    data = answer.data
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise _strange(answer, data, "a list of rows")  # G26: what may not be read turns rows into bare keys
    return data


def _strange(answer: Response, found: Any, wanted: str) -> TransportError:
    request = answer.request
    where = "the request" if request is None else f"{request.method} {request.path}"
    msg = f"The answer to {where} (status {answer.status}) is {str(found)[:80]!r}, where {wanted} belongs."
    return TransportError(msg, request=request, status=answer.status)


def _query(query: Query) -> Row:
    parts = _columns(query)
    if query.where != ALWAYS:
        parts["filter"] = compile_filter(query.where)
    if query.search is not None:
        parts["search"] = query.search
    parts["sort"] = [("-" if order.descending else "") + _sorted_by(order) for order in query.total_order]
    if query.limit is not None:
        parts["limit"] = query.limit
    if query.offset:
        parts["offset"] = query.offset
    return parts


def _columns(query: Query) -> Row:
    """Return what of each row is asked for."""
    parts: Row = {"fields": list(dict.fromkeys([*_fields(query.paths), *deep.related_fields(query)]))}
    along = {"deep": deep.deep_params(query, _filter, _sorted_by), "alias": deep.alias_params(query)}
    parts |= {name: part for name, part in along.items() if part}
    deep.add_related_counts(parts, query)
    return parts


def _params(parts: Row) -> tuple[tuple[str, str], ...]:
    """Write query parameters as text: JSON where they are nested, commas where they are lists."""
    return tuple((name, _text(value)) for name, value in parts.items())


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return _COMPACT.encode(value)
    return ",".join(value) if isinstance(value, list) else str(value)


def _fields(paths: Iterable[FieldPath]) -> list[str]:
    return list(dict.fromkeys(map(_dotted, paths)))


def _sorted_by(order: Order) -> str:
    return _dotted(order.path) if order.function is None else _with_function(order.path, order.function)


def _with_function(path: Iterable[Step], function: str) -> str:
    *outer, last = path
    return ".".join([*server_path(outer), f"{function}({last.column})"])


def _dotted(path: FieldPath) -> str:
    return ".".join(field.column for field in path)


def compile_filter(node: Node) -> Row:
    """Return conditions as Directus's filter, with one key per object."""
    return _filter(node, ())


def _filter(node: Node, before: tuple[str, ...]) -> Row:
    match node:
        case Comparison(path, operator, value, function):
            *outer, last = path
            rule: Row = {
                last.column if function is None else f"{function}({last.column})": {f"_{operator}": value}
            }
            for step in reversed(outer):
                rule = {step.column: rule}
            return _nested(before, rule)
        case Exists(path, where, negated) if not before and is_quantified(node):
            return _quantified(path[-1], where, negated)
        case Exists(path, where, False):
            return _filter(where, (*before, *server_path(path)))
        case And(parts) | Or(parts) if parts:
            return {"_and" if isinstance(node, And) else "_or": [_filter(part, before) for part in parts]}
    # An empty group would match everything (G4); the rest is settled by requests of its own.
    msg = f"{node!r} has no filter."
    raise AssertionError(msg)


def _quantified(relation: Step, where: Node, negated: bool) -> Row:
    alias, *junction = relation.segments
    last = relation.target.directus.pk if relation.target else None
    if isinstance(where, Comparison) and where.path == (last,) and junction and ":" not in junction[0]:
        inner = _nested(junction, {f"_{where.operator}": where.value})  # the junction has the key itself
    else:
        inner = _nested(junction, _filter(where, ()))
    return {alias: {"_none" if negated else "_some": inner}}


def _nested(names: Iterable[str], rule: Row) -> Row:
    for name in reversed(tuple(names)):
        rule = {name: rule}
    return rule
