"""SEARCH as GET, where a gateway refuses the method SEARCH: the body goes into URLs, a long list in parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Any
from uuid import uuid4

import attrs

from ...core.errors import UnsupportedQuery
from ...core.request_response import Request, Response, Row, param_text, parsed_param
from .error_mapping import unexpected_response

Fits = Callable[[Request], bool]
"""Whether the URL of a GET is short enough."""

# In a filter the server evaluates some texts; these are all of them, and a few more.
_EVALUATED = re.compile(r"\$.*|true|false|null", re.IGNORECASE | re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def as_gets(search: Request, fits: Fits) -> list[Request]:
    """Return the GETs that read together what a SEARCH reads; `merged` merges their responses.

    Raises:
        UnsupportedQuery: the SEARCH has a key that a filter would evaluate, or a list too long for one URL whose
            parts cannot be merged.
    """
    query = _query_of(search)
    whole = _get(search, query)
    if fits(whole):
        return [whole]
    lists = [rule for rule in _rules(query.get("filter")) if _values_in(rule)]
    longest = max(lists, key=lambda rule: len(str(rule)), default={})
    values = list(dict.fromkeys(_values_in(longest)))
    if search.key_column is None or not values or not _is_divisible(search, query, values):
        raise UnsupportedQuery(_TOO_LONG.format(search.path))
    return list(_parts(search, _from_start(query), longest, values, fits))


def merged(search: Request, responses: Sequence[Response]) -> Response:
    """Return the response to a SEARCH from those to its GETs.

    Raises:
        UnsupportedQuery: the rows have another order than numbers and uuids have.
        TransportError: one of the responses has another shape.
    """
    if len(responses) == 1:
        return attrs.evolve(responses[0], request=search)
    parts = [_rows(search, response) for response in responses]
    query = _query_of(search)
    try:
        data, meta = _merged_data(search, query, parts), _merged_meta(responses)
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
        raise unexpected_response(responses[0], [parts, responses[0].meta], "a count") from error
    size = sum(response.size for response in responses)
    return attrs.evolve(responses[0], data=data, meta=meta, size=size, request=search)


def past_caches(get: Request) -> Request:
    """Return a GET of rows with an alias of its own that nothing uses, so that no cache has a response to it."""
    params = dict(get.params)
    alias = parsed_param("alias", params.get("alias", "{}"))
    params["alias"] = param_text({**alias, f"read_{uuid4().hex}": get.key_column or "id"})
    return attrs.evolve(get, params=tuple(params.items()))


def _query_of(search: Request) -> Row:
    """Return the parameters of a SEARCH, with its keys as a condition.

    Raises:
        UnsupportedQuery: a filter would evaluate one of the keys.
    """
    query: Row = dict(search.json.get("query") or {})
    keys = search.json.get("keys")
    if keys is None:
        return query
    evaluated = [key for key in keys if isinstance(key, str) and _EVALUATED.fullmatch(key)]
    if evaluated or search.key_column is None:
        raise UnsupportedQuery(_EVALUATED_KEYS.format(search.path, ", ".join(map(repr, evaluated or keys))))
    by_key = {search.key_column: {"_in": list(keys)}}
    query["filter"] = {"_and": [query["filter"], by_key]} if query.get("filter") else by_key
    return query


def _get(search: Request, query: Mapping[str, Any]) -> Request:
    params = tuple((name, param_text(value)) for name, value in query.items())
    return attrs.evolve(search, method="GET", params=params, json=None, body=None, fresh=True)


def _rules(condition: Any) -> Iterator[Row]:
    """Yield the conditions that rows meet all of."""
    if isinstance(condition, dict) and condition.keys() == {"_and"}:
        for part in condition["_and"]:
            yield from _rules(part)
    elif isinstance(condition, dict):
        yield condition


def _values_in(rule: Row) -> list[Any]:
    """Return the list that a column of the row itself is in; an empty list for other conditions."""
    match list(rule.values()):
        case [{"_in": [*values]} as test] if len(test) == 1:
            return values
        case _:
            return []


def _is_divisible(search: Request, query: Row, values: Sequence[Any]) -> bool:
    """Return whether the responses for parts of a list can be merged: keys, a count, or the order of the key."""
    if "aggregate" in query:
        functions = dict(query["aggregate"])
        counts_keys = functions.pop("countDistinct", search.key_column) in (search.key_column, [search.key_column])
        is_count = counts_keys and functions.keys() <= {"count"}
        return is_count and "groupBy" not in query and _select_different_rows(values)
    return not query.get("sort") or _sort_names(query) in ([search.key_column], [f"-{search.key_column}"])


def _select_different_rows(values: Sequence[Any]) -> bool:
    """Return whether no row has two of these values: databases that disregard case take "a" and "A" for one."""
    texts = [value for value in values if isinstance(value, str)]
    return len({text.casefold().rstrip() for text in texts}) == len(texts) and all(map(str.isascii, texts))


def _sort_names(query: Row) -> list[str]:
    sort = query["sort"]
    return sort.split(",") if isinstance(sort, str) else list(sort)


def _from_start(query: Row) -> Row:
    """Return the query for the rows up to its last one: each part may have any of them."""
    limit, offset = query.get("limit"), query.get("offset", 0)
    if not offset:
        return query
    bounded = {} if limit is None or limit < 0 else {"limit": offset + limit}
    return {name: value for name, value in query.items() if name != "offset"} | bounded


def _parts(search: Request, query: Row, rule: Row, values: list[Any], fits: Fits) -> Iterator[Request]:
    """Yield GETs for parts of the values in a rule, each as long as it may be."""
    get = _get(search, {**query, "filter": _with_values(query["filter"], rule, values)})
    if fits(get):
        yield get
    elif len(values) > 1:
        middle = len(values) // 2
        yield from _parts(search, query, rule, values[:middle], fits)
        yield from _parts(search, query, rule, values[middle:], fits)
    else:
        raise UnsupportedQuery(_TOO_LONG.format(search.path))


def _with_values(condition: Row, rule: Row, values: list[Any]) -> Row:
    """Return a condition with other values in one of its rules."""
    if condition is rule:
        (column,) = rule
        return {column: {"_in": values}}
    if condition.keys() == {"_and"}:
        return {"_and": [_with_values(part, rule, values) for part in condition["_and"]]}
    return condition


def _rows(search: Request, response: Response) -> list[Row]:
    """Return the rows of one part; of parts from the first row on there may be more than of the SEARCH."""
    data, shape = response.data, attrs.evolve(search.row_shape, most=inf)
    if not isinstance(data, list) or not shape.fits(data):
        raise unexpected_response(response, data, f"a list of rows{shape}")
    return data


def _merged_data(search: Request, query: Row, parts: Sequence[list[Row]]) -> list[Row]:
    if query.get("sort"):
        return _in_order(search, query, parts)
    if "aggregate" in query:
        return [_added_up([part[0] for part in parts])]
    return [row for part in parts for row in part]


def _merged_meta(responses: Sequence[Response]) -> Row:
    if not any("filter_count" in response.meta for response in responses):
        return {}
    return {"filter_count": sum(int(response.meta["filter_count"]) for response in responses)}


def _in_order(search: Request, query: Row, parts: Sequence[list[Row]]) -> list[Row]:
    """Return the rows of all parts in the order of their keys, which are numbers or uuids.

    Raises:
        UnsupportedQuery: they are neither, or the database orders them otherwise.
    """
    column: Any = search.key_column
    descending = _sort_names(query)[0].startswith("-")
    key_lists: list[list[Any]] = [[row.get(column) for row in part] for part in parts]
    keys = [key for part in key_lists for key in part]
    are_numbers = all(isinstance(key, int) for key in keys)
    if not are_numbers and not all(isinstance(key, str) and _UUID.fullmatch(key) for key in keys):
        raise UnsupportedQuery(_TOO_LONG.format(search.path))
    if any(part != sorted(part, reverse=descending) for part in key_lists):
        raise UnsupportedQuery(_TOO_LONG.format(search.path))
    row_by_key = {row[column]: row for part in parts for row in part}
    rows = [row_by_key[key] for key in sorted(row_by_key, reverse=descending)]
    start, limit = query.get("offset", 0), query.get("limit", -1)
    return rows[start : None if limit < 0 else start + limit]


def _added_up(counts: Sequence[Row]) -> Row:
    """Return the sum of counts, each of which is a number or an object with one."""
    return {
        name: _added_up([count[name] for count in counts])
        if isinstance(first, dict)
        else sum(int(count[name]) for count in counts)
        for name, first in counts[0].items()
    }


_TOO_LONG = (
    "The gateway before the server refuses the method SEARCH, and this query of {} is too long for a URL. "
    "Use shorter lists of values, order by the key alone, or let the gateway pass SEARCH on."
)
_EVALUATED_KEYS = (
    "The gateway before the server refuses the method SEARCH, without which rows of {} cannot be read by these "
    "keys: {}. In a filter, the server would evaluate them. Let the gateway pass SEARCH on."
)
