"""The pager for a query (keyset pagination or key windows), and the pager for a list of keys. No I/O."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from ...core.errors import InvalidRequest
from ...core.request_response import Request, Row
from ...dialects.protocol import Dialect
from ...fields.field import Field
from ...fields.type_table import PLAIN_KEYS
from ...query.conditions import And, Comparison
from ...query.query import Query
from ...session.http.error_mapping import unusable_response
from .complete_rows import complete_pager
from .key_window_pagination import key_window_pager
from .keyset_pagination import after_key, has_keyset_order, keyset_pager
from .page_size import FULL_PAGE, PageSizer
from .pager_protocol import Pager, RawPage, RoundTrip, relay


def query_pager(
    query: Query, dialect: Dialect, page_size: int | None = None, maximum: int | None = None, after: Any = None
) -> Pager:
    """Return the pager for a query, from its start or after the row with the key ``after``.

    The first page is small, so that the first row comes soon; later ones grow. Even if rows are inserted, deleted
    or changed meanwhile, each row that exists all the time is returned once, in the order of the query unless the
    row itself moves in that order. Where keys alone are read, keys that are hidden from the user raise an error.
    Where the query names the keys of its rows, a row of another key raises a `TransportError`.
    """
    pager = _row_pager(query, dialect, page_size, maximum, after)
    keys = _named_keys(query, dialect)
    return pager if keys is None else _refusing_others(pager, query, keys)


def _row_pager(query: Query, dialect: Dialect, page_size: int | None, maximum: int | None, after: Any) -> Pager:
    counts = query.reads_only_keys and query.limit != 1
    sizes = PageSizer(dialect, page_size, maximum, counts=counts)
    if not has_keyset_order(query):
        pager = key_window_pager(query, sizes, after)
        return pager if after is not None else complete_pager(pager, query, dialect)
    pager = keyset_pager(query if after is None else after_key(query, after), sizes)
    return complete_pager(pager, query, dialect) if counts and after is None else pager


def check_page(query: Query, dialect: Dialect, page: RawPage, request: Request) -> None:
    """Refuse a page that was read by itself if a row has another key than the query names, or comes twice.

    Raises:
        ConversionError: a row came without its key.
        TransportError: the rows are not those that were asked for.
    """
    pk: Field = query.model.directus.pk
    keys, named = page.keys(pk), _named_keys(query, dialect)
    if (pk,) not in query.key_aliases:  # else a row may stand in the place of its key
        _NamedKeys(pk, keys if named is None else named).in_order(page, request)


def _named_keys(query: Query, dialect: Dialect) -> Sequence[Any] | None:
    """Return the keys that the conditions of a query name, as they are sent; None if its rows may have any key."""
    pk: Field = query.model.directus.pk
    if (pk,) not in query.paths or (pk,) in query.key_aliases:
        return None
    for part in query.where.parts if isinstance(query.where, And) else (query.where,):
        if isinstance(part, Comparison) and part.path == (pk,) and part.function is None:
            keys: list[Any] | None = {"eq": [part.value], "in": part.value}.get(part.operator)
            # The server evaluates some texts, such as the variable for the user who asks.
            if keys is not None and not any(map(dialect.capabilities.evaluates, keys)):
                return keys
    return None


def _refusing_others(pager: Pager, query: Query, keys: Sequence[Any]) -> Pager:
    """Page as another pager does; refuse rows whose key is none of these."""
    named = _NamedKeys(query.model.directus.pk, keys)

    def check(round_trip: RoundTrip, pages: list[RawPage]) -> None:
        for page, request in zip(pages, round_trip.requests, strict=True):
            named.in_order(page, request)

    yield (yield from relay(pager, check))


def key_pager(
    query: Query,
    keys: Sequence[Any],
    dialect: Dialect,
    maximum: int | None = None,
    page_size: int | None = None,
) -> Pager:
    """Return the pager for the rows with these keys, in the order of the keys; a full page at a time by default.

    Keys without a row are skipped.
    """
    keys = [key for key in keys if key != ""]  # no row has this key, and the server refuses it
    sizes = PageSizer(dialect, page_size or FULL_PAGE, maximum)
    pk: Field = query.model.directus.pk
    start = 0
    while start < len(keys):
        size = sizes.next(len(keys) - start)
        chunk = keys[start : start + size]
        request = dialect.read_keys(query, chunk)
        try:
            (page,) = yield sizes.round_trip((request,))
        except InvalidRequest as refusal:
            sizes.retry_smaller(refusal)
            continue
        sizes.ready = _NamedKeys(pk, chunk).in_order(page, request)
        start += size
        del page
    yield sizes.round_trip()


class _NamedKeys:
    """The keys that rows are read by."""

    def __init__(self, pk: Field, keys: Sequence[Any]) -> None:
        self._pk = pk
        self._keys = keys
        self._has_spellings = pk.value_type.kind not in PLAIN_KEYS
        self._load = _as_it_is if self._has_spellings else pk.load

    @functools.cached_property
    def _place_by_key(self) -> dict[Any, int]:
        # Not before there are rows: explain() has keys that are only found by a request.
        return {self._load(key): place for place, key in enumerate(self._keys)}

    def in_order(self, page: RawPage, request: Request) -> list[Row]:
        """Return the rows of a page in the order of the keys.

        Raises:
            TransportError: there is a row of another key, or one comes twice.
        """
        found = [self._load(key) for key in page.keys(self._pk)]
        places = [self._place_by_key.get(key, len(self._keys)) for key in found]
        strangers = [key for key in found if key not in self._place_by_key]
        if strangers:
            strangers = _other_texts(strangers, self._keys)
        if strangers or (not self._has_spellings and len(set(places)) < len(places)):
            message = f"The response to {request.method} {request.path} has rows that it was not asked for."
            raise unusable_response(request, message, 200)
        return [row for _, row in sorted(zip(places, page.rows, strict=True), key=itemgetter(0))]


def _other_texts(found: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
    """Return the keys that no database takes for one of those that were asked for.

    Plain ASCII texts are equal up to case and blanks at the end; about others, the database decides.
    """
    asked = [str(key) for key in keys]
    if not all(map(_is_plain, asked)):
        return []
    spellings = {key.casefold().rstrip() for key in asked}
    return [key for key in map(str, found) if _is_plain(key) and key.casefold().rstrip() not in spellings]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _as_it_is(key: Any) -> Any:
    return key
