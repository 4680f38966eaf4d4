"""Reading page by page: which request comes next, given what came so far. No I/O."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import attrs

from ..errors import InvalidRequest
from ..wire import Request, Row
from .conditions import Leaf
from .query import Query

FIRST_PAGE = 100
FULL_PAGE = 1000

_SOUGHT_BY_KEY = frozenset({"integer", "bigInteger"})


class Reader(Protocol):
    """What paging needs of a dialect."""

    def read(self, query: Query) -> Request:
        """Return the request for one page."""
        ...

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys."""
        ...

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the maximum that an error speaks of."""
        ...


def pages(
    query: Query, reader: Reader, page_size: int | None = None, maximum: int | None = None
) -> Generator[Request, list[Row], None]:
    """Yield the request for each page, and be sent its rows; end with the last page.

    The first page is small, so that the first row comes soon; later ones are full. In the order of an
    integer key, each page starts behind the last key seen: rows that come and go meanwhile are neither
    repeated nor skipped. Other orders count rows.

    A server's refusal of too large a page is to be thrown in; the page is asked for again, smaller (G45).
    """
    size, page, left = page_size or FIRST_PAGE, query, query.limit
    seen = 0
    while left is None or left > 0:
        asked = _least(size, maximum, left)
        try:
            rows = yield reader.read(page.evolve(limit=asked))
        except InvalidRequest as refusal:
            maximum = _lower(reader.row_limit(refusal), asked, refusal)
            continue
        if len(rows) < asked:
            return
        seen += asked
        left = None if query.limit is None else query.limit - seen
        size = page_size or FULL_PAGE
        page = _behind(query, seen, rows[-1])


def key_pages(
    query: Query, keys: Sequence[Any], reader: Reader, maximum: int | None = None
) -> Generator[Request, list[Row], None]:
    """Yield the requests for the rows with these keys, as many at a time as a full page has.

    Keys without a row are passed over. A refusal is to be thrown in, as for `pages`.
    """
    keys = [key for key in keys if key != ""]  # no row has it, and the server refuses to look
    start = 0
    while start < len(keys):
        asked = _least(FULL_PAGE, maximum, len(keys) - start)
        try:
            yield reader.read_keys(query, keys[start : start + asked])
        except InvalidRequest as refusal:
            maximum = _lower(reader.row_limit(refusal), asked, refusal)
            continue
        start += asked


def _least(size: int, *bounds: int | None) -> int:
    return min([size, *(bound for bound in bounds if bound is not None)])


def _lower(maximum: int | None, asked: int, refusal: InvalidRequest) -> int:
    if maximum is None or not 0 < maximum < asked:
        raise refusal
    return maximum


def _behind(query: Query, seen: int, last: Row) -> Query:
    """Return the query for what follows the rows seen so far."""
    pk = query.model.directus.pk
    first, *others = query.total_order
    if first.path != (pk,) or others or pk.value_type.kind not in _SOUGHT_BY_KEY:
        return query.evolve(offset=query.offset + seen)
    key = pk.dump(pk.load(last[pk.column]))
    behind = Leaf((pk,), "lt" if first.descending else "gt", key)
    return attrs.evolve(query.filtered(behind), offset=0)
