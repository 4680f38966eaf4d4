"""Which page comes next: decided without I/O, and shown on a server that cuts."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from directus_orm import InvalidRequest, Model, Session
from directus_orm.dialects.rest import RestDialect
from directus_orm.query.paging import key_pages, pages
from directus_orm.testing import DirectusServer, start
from directus_orm.wire import Request

from ..schema import column, key, make_collection
from ..world import Airline, Flight


def drive(steps: Generator[Request, Any, None], total: int, first: int = 1) -> list[dict[str, str]]:
    """Answer each request from rows with the keys ``first`` … ``total``; return the parameters that were asked."""
    asked: list[dict[str, str]] = []
    rows = [{"id": n, "carrier": str(n)} for n in range(first, total + 1)]
    try:
        request = next(steps)
        while True:
            params = dict(request.params)
            asked.append(params)
            last = str(params.get("filter", "")).partition('"_gt":')[2].rstrip("}]") or "0"
            left = [row for row in rows if row["id"] > int(last)][int(params.get("offset", 0)) :]  # type: ignore[operator]
            request = steps.send(left[: int(params["limit"])])
    except StopIteration:
        return asked


def test_the_first_page_is_small_and_later_ones_are_large() -> None:
    asked = drive(pages(Flight.objects.all().query, RestDialect()), 2500)
    assert [params["limit"] for params in asked] == ["100", "1000", "1000", "1000"]


def test_in_the_order_of_an_integer_key_pages_start_behind_the_last_key() -> None:
    """Depth costs nothing then, and rows that come and go neither repeat nor vanish."""
    asked = drive(pages(Flight.objects.filter(dep_delay=1).query, RestDialect()), 1200)
    assert all("offset" not in params for params in asked)
    assert [json.loads(params["filter"]) for params in asked] == [
        {"dep_delay": {"_eq": 1}},
        {"_and": [{"dep_delay": {"_eq": 1}}, {"id": {"_gt": 100}}]},
        {"_and": [{"dep_delay": {"_eq": 1}}, {"id": {"_gt": 1100}}]},
    ]


@pytest.mark.parametrize("queryset", [Airline.objects.all(), Flight.objects.order_by("dep_delay")])
def test_other_orders_count_rows(queryset: Any) -> None:
    asked = drive(pages(queryset.query, RestDialect()), 1200)
    assert [params.get("offset") for params in asked] == [None, "100", "1100"]


def test_a_slice_ends_where_it_says() -> None:
    asked = drive(pages(Flight.objects.all()[5:1155].query, RestDialect()), 5000)
    assert [(p["limit"], p.get("offset")) for p in asked] == [("100", "5"), ("1000", None), ("50", None)]
    assert [p["limit"] for p in drive(pages(Flight.objects.all()[:100].query, RestDialect()), 5000)] == ["100"]


def test_a_page_size_is_kept() -> None:
    assert {p["limit"] for p in drive(pages(Flight.objects.all().query, RestDialect(), 40), 100)} == {"40"}


def test_a_refused_limit_is_lowered_to_what_the_server_says() -> None:
    steps = pages(Flight.objects.all().query, RestDialect(), 1000)
    next(steps)
    refusal = InvalidRequest('Invalid query. "limit" must be less than or equal to 60.')
    assert dict(steps.throw(refusal).params)["limit"] == "60"
    assert dict(steps.send([{"id": n} for n in range(60)]).params)["limit"] == "60"


def test_another_refusal_is_raised() -> None:
    steps = pages(Flight.objects.all().query, RestDialect())
    next(steps)
    with pytest.raises(InvalidRequest, match="nonsense"):
        steps.throw(InvalidRequest("nonsense"))


def test_keys_go_by_full_pages() -> None:
    steps = key_pages(Flight.objects.all().query, list(range(2500)), RestDialect())
    sizes = [len(next(steps).json["keys"])]
    sizes += [len(steps.send([]).json["keys"]) for _ in range(2)]
    assert sizes == [1000, 1000, 500]


class Thing(Model):
    id: int
    name: str


@pytest.fixture(scope="module")
def small_server() -> Iterator[DirectusServer]:
    with start(env={"QUERY_LIMIT_MAX": "50"}) as server:
        make_collection(server, "things", key("integer"), column("name", "string"))
        yield server


def test_a_servers_maximum_is_learnt_from_its_refusal(small_server: DirectusServer) -> None:
    """G45: a limit above the maximum is a 400, and -1 means the maximum without a word."""
    with Session(small_server.url, token=small_server.token) as session, session.capture() as sent:
        made = Thing.objects.bulk_create(Thing(id=n, name=str(n)) for n in range(1, 131))
        assert [thing.name for thing in made] == [str(n) for n in range(1, 131)]
        assert [entry.status for entry in sent] == [400, 200, 200, 200]
        assert session.max_rows == 50
        assert len(list(Thing.objects.all())) == 130
        assert len(Thing.objects.in_bulk(range(1, 131))) == 130
    with Session(small_server.url, token=small_server.token) as session:
        assert [thing.id for thing in Thing.objects.all()] == list(range(1, 131))
        assert session.max_rows == 50
