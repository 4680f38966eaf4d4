"""Reading page by page: which request comes next, given what came so far. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.messages import Request
from ...query.query import Query
from .key_windows import key_window_pager
from .keyset import after_key, has_keyset_order, keyset_pager
from .pager_protocol import FULL_PAGE, Pager, PageSizer, PageSource


def query_pager(
    query: Query, reader: PageSource, page_size: int | None = None, maximum: int | None = None, after: Any = None
) -> Pager:
    """Yield the turns of reading a query, behind the row with a key if one is given.

    The first page is small, so that the first row comes soon; later ones grow. Whatever is inserted, deleted or
    changed meanwhile, a row that stays comes once, and in the order of the query as long as its place in it stays.
    """
    sizes = PageSizer(reader, page_size, maximum)
    if has_keyset_order(query):
        return keyset_pager(query if after is None else after_key(query, after), sizes)
    return key_window_pager(query, sizes, after)


def key_pager(
    query: Query,
    keys: Sequence[Any],
    reader: PageSource,
    maximum: int | None = None,
    page_size: int | None = None,
) -> Pager:
    """Yield the turns of reading the rows with these keys, in their order, as many at a time as a full page has.

    Keys without a row are passed over.
    """
    keys = [key for key in keys if key != ""]  # no row has it, and the server refuses to look
    sizes = PageSizer(reader, page_size or FULL_PAGE, maximum)
    column = query.model.directus.pk.column
    start = 0
    while start < len(keys):

        def request(size: int, start: int = start) -> tuple[Request, ...]:
            return (reader.read_keys(query, keys[start : start + size]),)

        size, (page,) = yield from sizes.asking(len(keys) - start, request)
        places = {key: place for place, key in enumerate(keys[start : start + size])}
        sizes.ready = sorted(page.rows, key=lambda row, places=places: places.get(row[column], size))  # type: ignore[misc]
        start += size
        del page
    yield sizes.turn()
