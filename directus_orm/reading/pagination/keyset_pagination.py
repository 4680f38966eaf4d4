"""Keyset pagination: in the order of an integer key, each page starts after the last key of the page before.

A late page costs no more than an early one, and inserts and deletes meanwhile make no other row repeat or vanish:
a page is one statement, keys do not change, and the conditions leave no gap.
"""

from __future__ import annotations

from typing import Any

import attrs

from ...core.errors import InvalidRequest
from ...core.request_response import Request
from ...fields.type_table import INTEGERS
from ...query.conditions import Comparison
from ...query.query import Query
from ...session.http.error_mapping import unusable_response
from .page_size import PageSizer
from .pager_protocol import NextByKey, Pager


def has_keyset_order(query: Query) -> bool:
    """Return whether the rows are ordered by the key alone, and the key is an integer."""
    return len(query.total_order) == 1 and query.model.directus.pk.value_type.kind in INTEGERS


def keyset_pager(query: Query, sizes: PageSizer) -> Pager:
    """Return the pager for a query in the order of an integer key (see `has_keyset_order`)."""
    pk, is_flat = query.model.directus.pk, _has_flat_rows(query)
    next_query, left, last = query, query.limit, None
    while left is None or left > 0:
        size = sizes.next(left)
        request = sizes.read(next_query.evolve(limit=size))
        next_by_key = _next_by_key(query, sizes, left, size) if is_flat else None
        try:
            (page,) = yield sizes.round_trip((request,), next_by_key)
        except InvalidRequest as refusal:
            sizes.retry_smaller(refusal)
            continue
        keys = page.keys(pk)
        count = len(keys)
        sizes.grow_after(count, page.size)
        sizes.ready = page.rows
        last = _last_key(query, request, keys, last) if keys else last
        if count < size:
            break
        left = None if left is None else left - size
        next_query = after_key(query, last)
        del page
    yield sizes.round_trip()


def _last_key(query: Query, request: Request, keys: list[Any], before: Any) -> Any:
    """Return the last key of a page.

    Raises:
        TransportError: the page does not start after the key ``before``, so the loop would not end, or a row comes
            twice.
    """
    load = query.model.directus.pk.load
    ends = [load(key) for key in (before, keys[0], keys[-1]) if key is not None]
    is_repeated = (before is not None and ends[0] == ends[1]) or len(set(keys)) < len(keys)
    if is_repeated or ends != sorted(ends, reverse=query.total_order[0].descending):
        message = f"The response to {request.method} {request.path} has rows that it was not asked for: "
        message += f"it was asked for those after the key {before!r}, each once, and starts with {keys[0]!r}."
        raise unusable_response(request, message, 200)
    return keys[-1]


def after_key(query: Query, key: Any) -> Query:
    """Return the query for the rows after the one with a key."""
    pk = query.model.directus.pk
    operator = "lt" if query.total_order[0].descending else "gt"
    return attrs.evolve(query.filtered(Comparison((pk,), operator, pk.dump(pk.load(key)))), offset=0)


def _next_by_key(query: Query, sizes: PageSizer, left: int | None, size: int) -> NextByKey:
    """Return how the request after a page of ``size`` rows follows from the last key; none after the last page."""

    def requests(count: int, key: Any, body_size: int) -> tuple[Request, ...]:
        left_then = None if left is None else left - size
        if count < size or left_then == 0:
            return ()
        sizes_then = attrs.evolve(sizes)
        sizes_then.grow_after(count, body_size)
        return (sizes.dialect.read(after_key(query, key).evolve(limit=sizes_then.next(left_then))),)

    return NextByKey(query.model.directus.pk.column, requests)


def _has_flat_rows(query: Query) -> bool:
    """Return whether each row is a JSON object without nested objects, so that the key's name occurs once."""
    is_plain = all(len(path) == 1 and not path[0].is_document for path in query.paths)
    return is_plain and not (query.nested or query.shown)
