"""The responses to GETs in the place of a SEARCH: merged, or an error that names request and status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from directus_orm.core.errors import TransportError
from directus_orm.core.request_response import Request, Response
from directus_orm.session.http.search_as_get import as_gets, merged


def _search(**query: Any) -> Request:
    in_list = {"id": {"_in": list(range(100))}}
    return Request("SEARCH", "/items/things", json={"query": {"filter": in_list, **query}}, key_column="id")


ROWS, SORTED = _search(), _search(sort="id")
COUNT, TOTAL = _search(aggregate={"count": "id"}), _search(meta="filter_count")
NO_ROWS = r"GET /items/things \(status 200\) is .*, where a list of rows belongs"
NO_COUNT = r"GET /items/things \(status 200\) is .*, where a count belongs"


def responses(search: Request, *parts: Any) -> list[Response]:
    """Answer each of the GETs of a SEARCH with data, or with data and meta."""
    gets = as_gets(search, lambda get: len(get.url) < 500)
    assert len(gets) > 1
    bodies = [*parts, *parts[:1] * (len(gets) - len(parts))]
    return [
        attrs.evolve(Response(200, *(body if isinstance(body, tuple) else (body,))), request=get)
        for get, body in zip(gets, bodies, strict=True)
    ]


@pytest.mark.parametrize("search", [ROWS, SORTED, COUNT, TOTAL], ids=["rows", "sorted", "count", "total"])
@pytest.mark.parametrize("data", [None, 5, "text", True, {"id": 1}, [1], [None], [[]]], ids=str)
def test_a_part_that_is_no_list_of_rows_is_no_usable_response(search: Request, data: Any) -> None:
    for parts in ([[{"id": 1, "count": 1}], data], [data]):
        with pytest.raises(TransportError, match=NO_ROWS) as caught:
            merged(search, responses(search, *parts))
        assert caught.value.status == 200


@pytest.mark.parametrize(
    "part",
    [[], [{}], [{"count": None}], [{"count": "x"}], [{"count": []}], [{"count": {"id": 1}}], [{"count": 1e400}]],
    ids=str,
)
def test_a_part_that_is_no_count_is_no_usable_response(part: Any) -> None:
    with pytest.raises(TransportError, match=NO_COUNT):
        merged(COUNT, responses(COUNT, [{"count": 1}], part))


@pytest.mark.parametrize(
    "meta", [{}, {"filter_count": None}, {"filter_count": "x"}, {"filter_count": [1]}], ids=str
)
def test_a_part_without_its_total_is_no_usable_response(meta: Mapping[str, Any]) -> None:
    """The total of the others would be told as that of all."""
    with pytest.raises(TransportError, match=NO_COUNT):
        merged(TOTAL, responses(TOTAL, ([], {"filter_count": 1}), ([], meta)))


def test_counts_and_totals_of_the_parts_are_added_up() -> None:
    """Some databases send them as texts."""
    of_count = responses(COUNT, [{"count": {"id": "2"}}])
    assert merged(COUNT, of_count).data == [{"count": {"id": 2 * len(of_count)}}]
    of_total = responses(TOTAL, ([], {"filter_count": "3"}))
    assert merged(TOTAL, of_total).meta == {"filter_count": 3 * len(of_total)}
