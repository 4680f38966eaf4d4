"""Which page comes next: decided without I/O, and checked on a server with a maximum of rows."""

from __future__ import annotations

import json

import pytest

from directus_orm import InvalidRequest, Model, Q, QuerySet, Session, TransportError
from directus_orm.core.request_response import Row
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination.pager_protocol import Pager, RawPage
from directus_orm.reading.pagination.pagers import key_pager, query_pager
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight
from tests.worlds.server_setup import column, key, make_collection


def sizes(asked: list[dict[str, str]]) -> list[tuple[str | None, ...]]:
    """Return of each request its number of keys, its limit and its offset."""
    return [(params.get("keys"), params.get("limit"), params.get("offset")) for params in asked]


def drive(pager: Pager, total: int, size: int = 0, key_size: int | None = None) -> list[dict[str, str]]:
    """Answer each request from rows with the keys 1 … ``total``; return the parameters that were asked.

    A row takes ``size`` bytes, and a row of a window of keys ``key_size``.
    """
    asked: list[dict[str, str]] = []
    rows: list[Row] = [{"id": n, "carrier": str(n)} for n in range(1, total + 1)]
    round_trip = next(pager)
    while round_trip.requests:
        answers = []
        for request in round_trip.requests:
            params = dict(request.params)
            asked.append(params)
            last = str(params.get("filter", "")).partition('"_gt":')[2].rstrip("}]") or "0"
            left = [row for row in rows if row["id"] > int(last)][int(params.get("offset", 0)) :]
            if request.method == "SEARCH":
                asked[-1] = {"keys": str(len(request.json["keys"]))}
                keys = set(request.json["keys"])
                left = [row for row in rows if row["carrier"] in keys]
            found = left[: int(params.get("limit", len(left)))]
            row_size = size if key_size is None or params.get("fields") != "carrier" else key_size
            answers.append(RawPage(found, row_size * len(found)))
        round_trip = pager.send(answers)
    return asked


def test_the_first_page_is_small_and_later_ones_are_large() -> None:
    asked = drive(query_pager(Flight.objects.all().query, V10Dialect()), 15_000)
    assert [params["limit"] for params in asked] == ["100", "1000", "2000", "4000", "4000", "4000"]


def test_pages_stay_below_a_size() -> None:
    """Rows that are large come fewer at a time; never less than a hundred."""
    asked = drive(query_pager(Flight.objects.all().query, V10Dialect()), 2000, size=5000)
    assert [params["limit"] for params in asked] == ["100", *["180"] * 11]
    asked = drive(query_pager(Flight.objects.all().query, V10Dialect()), 250, size=1_000_000)
    assert [params["limit"] for params in asked] == ["100", "100", "100"]


def test_in_the_order_of_an_integer_key_pages_start_behind_the_last_key() -> None:
    """Depth costs nothing then, and rows that come and go neither repeat nor vanish."""
    asked = drive(query_pager(Flight.objects.filter(dep_delay=1).query, V10Dialect()), 1200)
    assert all("offset" not in params for params in asked)
    assert [json.loads(params["filter"]) for params in asked] == [
        {"dep_delay": {"_eq": 1}},
        {"_and": [{"dep_delay": {"_eq": 1}}, {"id": {"_gt": 100}}]},
        {"_and": [{"dep_delay": {"_eq": 1}}, {"id": {"_gt": 1100}}]},
    ]


def test_in_other_orders_two_pages_are_read_by_offset_and_later_rows_by_key() -> None:
    """A short list takes no request more than its pages; the second overlaps the first, and so do windows."""
    assert [p.get("offset") for p in drive(query_pager(Airline.objects.all().query, V10Dialect()), 900)] == [
        None,
        "80",
    ]
    asked = drive(query_pager(Airline.objects.all().query, V10Dialect()), 4000)
    assert sizes(asked) == [
        (None, "100", None),
        (None, "1020", "80"),
        (None, "4500", "600"),
        ("2000", None, None),
        ("900", None, None),
    ]


def test_windows_and_pages_of_a_long_list_grow() -> None:
    """Few requests read it, and none of them is too much for the server."""
    asked = drive(query_pager(Airline.objects.all().query, V10Dialect()), 60_000)
    windows = [params for params in asked[2:] if "limit" in params]
    assert sizes(windows) == [
        (None, "4500", "600"),
        (None, "16500", "4600"),
        (None, "20500", "20600"),
        (None, "20500", "40600"),
    ]
    pages = [params["keys"] for params in asked if "keys" in params]
    assert pages[:3] == ["2000", "2000", "4000"]
    assert max(map(int, pages)) == 4000


def test_how_large_keys_are_does_not_matter_for_pages_of_rows() -> None:
    asked = drive(query_pager(Airline.objects.all().query, V10Dialect()), 30_000, size=600, key_size=400)
    assert {params["keys"] for params in asked if "keys" in params} == {"1500", "1000", "400"}


def test_windows_of_very_long_values_have_one_key_more_than_are_known() -> None:
    asked = drive(query_pager(Airline.objects.order_by("name").query, V10Dialect(), 2), 5, size=5_000_000)
    assert sizes(asked)[:2] == [(None, "2", None), (None, "2", "1")]


def test_half_of_what_a_server_gives_at_a_time_may_be_known() -> None:
    asked = drive(query_pager(Airline.objects.values("pk").query, V10Dialect(), maximum=40), 110)
    assert [params.get("offset") for params in asked] == [None, "20", "40", "60", "80"]


def test_of_a_slice_no_more_keys_are_read_than_it_has() -> None:
    asked = drive(query_pager(Airline.objects.all()[:1500].query, V10Dialect()), 9000)
    assert sizes(asked) == [
        (None, "100", None),
        (None, "1020", "80"),
        (None, "900", "600"),
        ("400", None, None),
    ]


def test_with_a_page_size_one_page_is_read_by_offset() -> None:
    """Whoever wants small pages wants more than one."""
    asked = drive(query_pager(Airline.objects.all().query, V10Dialect(), 40), 100)
    assert sizes(asked) == [(None, "40", None), (None, "4040", None), ("40", None, None), ("20", None, None)]


def test_keys_alone_are_read_in_windows() -> None:
    asked = drive(query_pager(Airline.objects.values("pk").query, V10Dialect()), 4000)
    assert sizes(asked) == [
        (None, "100", None),
        (None, "1100", None),
        (None, "2500", "600"),
        (None, "4500", "2600"),
    ]


def test_a_key_to_start_after_is_searched_among_keys_alone() -> None:
    asked = drive(query_pager(Airline.objects.all().query, V10Dialect(), after="7"), 900)
    assert sizes(asked) == [(None, "4000", None), ("100", None, None), ("793", None, None)]
    assert asked[0]["fields"] == "carrier"


def test_rows_do_not_show_what_they_are_ordered_by() -> None:
    pager = query_pager(Airline.objects.only("pk").order_by("name").query, V10Dialect())
    assert dict(next(pager).requests[0].params)["fields"] == "carrier,name"
    assert pager.send([RawPage([{"carrier": "AA", "name": "American"}])]).rows == [{"carrier": "AA"}]


def test_one_row_is_read_from_a_server_that_gives_one_at_a_time() -> None:
    for start in (0, 3):
        pager = query_pager(Airline.objects.all()[start : start + 1].query, V10Dialect(), maximum=1)
        assert sizes(drive(pager, 5)) == [(None, "1", str(start) if start else None)]


def test_windows_of_long_values_have_fewer_keys() -> None:
    """A window has 4 MB at most, so it does not matter how long the texts are by which the rows are ordered."""
    asked = drive(query_pager(Airline.objects.order_by("name").query, V10Dialect()), 4000, size=10_000)
    limits = [int(params["limit"]) for params in asked if "limit" in params]
    assert (limits[:3], set(limits[3:])) == ([100, 120, 600], {800})


def test_a_slice_of_up_to_a_thousand_rows_is_one_request() -> None:
    for queryset in (Airline.objects.all(), Flight.objects.all()):
        assert [p["limit"] for p in drive(query_pager(queryset[:1000].query, V10Dialect()), 1200)] == ["1000"]


def test_a_slice_ends_where_it_says() -> None:
    asked = drive(query_pager(Flight.objects.all()[5:1155].query, V10Dialect()), 5000)
    assert [(p["limit"], p.get("offset")) for p in asked] == [("100", "5"), ("1000", None), ("50", None)]
    assert [p["limit"] for p in drive(query_pager(Flight.objects.all()[:100].query, V10Dialect()), 5000)] == [
        "100"
    ]


def test_a_page_size_is_kept() -> None:
    assert {p["limit"] for p in drive(query_pager(Flight.objects.all().query, V10Dialect(), 40), 100)} == {"40"}


def test_a_refused_limit_is_lowered_to_what_the_server_says() -> None:
    pager = query_pager(Flight.objects.all().query, V10Dialect(), 1000)
    next(pager)
    refusal = InvalidRequest('Invalid query. "limit" must be less than or equal to 60.')
    round_trip = pager.throw(refusal)
    assert dict(round_trip.requests[0].params)["limit"] == "60"
    round_trip = pager.send([RawPage([{"id": n} for n in range(60)])])
    assert dict(round_trip.requests[0].params)["limit"] == "60"


def test_by_key_a_refused_number_of_keys_is_lowered_as_well() -> None:
    pager = key_pager(Flight.objects.all().query, list(range(130)), V10Dialect())
    next(pager)
    round_trip = pager.throw(InvalidRequest('Invalid query. "limit" must be less than or equal to 60.'))
    assert round_trip.requests[0].json["keys"] == list(range(60))
    round_trip = pager.send([RawPage([{"id": n} for n in reversed(range(60))])])
    assert round_trip.rows == [{"id": n} for n in range(60)]
    assert round_trip.requests[0].json["keys"] == list(range(60, 120))


def test_in_other_orders_a_refused_limit_is_lowered_as_well() -> None:
    """Of windows of rows, of the rows read by key, and of windows of keys."""
    pager = query_pager(Airline.objects.all().query, V10Dialect(), 1000)
    rows: list[Row] = [{"carrier": str(n)} for n in range(1000)]
    next(pager)
    refusal = 'Invalid query. "limit" must be less than or equal to {}.'
    round_trip = pager.throw(InvalidRequest(refusal.format(600)))
    assert dict(round_trip.requests[0].params)["limit"] == "600"
    round_trip = pager.send([RawPage(rows[:600])])
    assert dict(round_trip.requests[0].params)["limit"] == "600"
    round_trip = pager.throw(InvalidRequest(refusal.format(50)))
    assert round_trip.rows is None
    assert dict(round_trip.requests[0].params)["limit"] == "50"
    with pytest.raises(InvalidRequest, match="nonsense"):
        pager.throw(InvalidRequest("nonsense"))


def test_another_refusal_is_raised() -> None:
    pager = query_pager(Flight.objects.all().query, V10Dialect())
    next(pager)
    with pytest.raises(InvalidRequest, match="nonsense"):
        pager.throw(InvalidRequest("nonsense"))


def test_a_limit_that_the_server_allowed_before_is_not_lowered_for_ever() -> None:
    """It refuses the very limit that its refusal named: asking again would have no end."""
    pager = query_pager(Flight.objects.all().query, V10Dialect(), 1000)
    next(pager)
    refusal = InvalidRequest('"limit" must be less than or equal to 60.')
    pager.throw(refusal)
    with pytest.raises(InvalidRequest, match="60"):
        pager.throw(refusal)


@pytest.mark.parametrize("order", ["id", "-id"])
@pytest.mark.parametrize("second_page", [(3, 4), (1, 2), (2, 3), (4, 3), (0, 1)])
def test_a_page_that_does_not_start_after_the_one_before_is_refused(
    order: str, second_page: tuple[int, ...]
) -> None:
    """As when a proxy or a server ignores the filter: the loop would return rows twice, or never end."""
    sign = -1 if order == "-id" else 1
    pager = query_pager(Flight.objects.order_by(order).query, V10Dialect(), 2)
    next(pager)
    assert pager.send([RawPage([{"id": sign * 1}, {"id": sign * 2}])]).requests
    rows: list[Row] = [{"id": sign * n} for n in second_page]
    if second_page == (3, 4):
        assert pager.send([RawPage(rows)]).rows == rows
    else:
        asked = f"those after the key {sign * 2}, each once, and starts with {sign * second_page[0]}"
        with pytest.raises(TransportError, match=f"rows that it was not asked for.*{asked}") as caught:
            pager.send([RawPage(rows)])
        assert caught.value.status == 200


@pytest.mark.parametrize(("order", "operator"), [("id", "_gt"), ("-id", "_lt"), ("-id,dep_delay", "_lt")])
def test_each_page_is_asked_for_by_the_last_key_in_the_direction_of_the_order(order: str, operator: str) -> None:
    pager = query_pager(Flight.objects.order_by(*order.split(",")).query, V10Dialect(), 1)
    next(pager)
    params = dict(pager.send([RawPage([{"id": 7}])]).requests[0].params)
    assert (json.loads(params["filter"]), "offset" in params) == ({"id": {operator: 7}}, False)


def test_a_slice_of_one_row_is_one_request() -> None:
    for queryset in (Flight.objects.all(), Flight.objects.values("id")):
        asked = drive(query_pager(queryset[:1].query, V10Dialect()), 9)
        assert [(params["limit"], "meta" in params) for params in asked] == [("1", False)]


@pytest.mark.parametrize("order", ["id", "-id"])
def test_pages_of_one_row_each_are_read(order: str) -> None:
    pager = query_pager(Flight.objects.order_by(order).query, V10Dialect(), 1)
    next(pager)
    for n in range(5) if order == "id" else reversed(range(5)):
        assert pager.send([RawPage([{"id": n}])]).rows == [{"id": n}]
    assert not pager.send([RawPage([])]).requests


def test_keys_are_read_in_full_pages() -> None:
    pager = key_pager(Flight.objects.all().query, list(range(2500)), V10Dialect())
    sizes = [len(next(pager).requests[0].json["keys"])]
    sizes += [len(pager.send([RawPage([])]).requests[0].json["keys"]) for _ in range(2)]
    assert sizes == [1000, 1000, 500]


@pytest.mark.parametrize("rows", [[{"id": 1}, {"id": 7}], [{"id": 1}, {"id": 1}], [{"id": 7}]])
def test_rows_of_other_keys_are_refused(rows: list[Row]) -> None:
    """Also a row that comes twice."""
    pager = key_pager(Flight.objects.all().query, [1, 2, 3], V10Dialect())
    next(pager)
    with pytest.raises(TransportError, match="rows that it was not asked for"):
        pager.send([RawPage(rows)])


@pytest.mark.parametrize("order", ["id", "dep_delay"])
@pytest.mark.parametrize("rows", [[{"id": 2}], [{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 1}]])
def test_a_query_that_names_its_key_refuses_others(order: str, rows: list[Row]) -> None:
    """As when a proxy gives the response to another request."""
    query = Flight.objects.filter(pk=1, dep_delay__gt=3).order_by(order).query
    pager = query_pager(query, V10Dialect(), 2)
    next(pager)
    with pytest.raises(TransportError, match="rows that it was not asked for"):
        pager.send([RawPage([{**row, "dep_delay": 4} for row in rows])])


def test_a_query_that_names_its_key_takes_the_row() -> None:
    pager = query_pager(Flight.objects.filter(pk__in=[1, 5]).query, V10Dialect(), 2)
    next(pager)
    assert pager.send([RawPage([{"id": 5}])]).rows == [{"id": 5}]


@pytest.mark.parametrize(
    "rows",
    [
        Flight.objects.filter(Q(pk=1) | Q(dep_delay=4)),
        Flight.objects.exclude(pk=1),
        Flight.objects.filter(pk__gt=1),
        Flight.objects.filter(dep_delay=4),
    ],
    ids=["or", "exclude", "gt", "another field"],
)
def test_a_query_that_does_not_name_its_key_takes_any_row(rows: QuerySet[Flight]) -> None:
    pager = query_pager(rows.query, V10Dialect(), 2)
    next(pager)
    assert pager.send([RawPage([{"id": 7, "dep_delay": 4}])]).rows == [{"id": 7, "dep_delay": 4}]


def test_a_query_that_names_its_key_goes_on_with_what_the_server_accepts() -> None:
    """Its refusal of a limit reaches the pager, which asks for less."""
    pager = query_pager(Flight.objects.filter(pk__in=[*range(1, 400)]).query, V10Dialect())
    before = dict(next(pager).requests[0].params)["limit"]
    refusal = InvalidRequest('"limit" must be less than or equal to 50', code="INVALID_QUERY")
    again = pager.throw(refusal)
    assert int(dict(again.requests[0].params)["limit"]) == 50 < int(before)
    assert pager.send([RawPage([{"id": 5}])]).rows == [{"id": 5}]


def test_what_text_keys_are_the_same_is_left_to_the_database() -> None:
    """A row whose key is spelled otherwise comes as well, after the others."""
    pager = key_pager(Airline.objects.all().query, ["aa", "B6"], V10Dialect())
    next(pager)
    assert pager.send([RawPage([{"carrier": "AA"}, {"carrier": "B6"}])]).rows == [
        {"carrier": "B6"},
        {"carrier": "AA"},
    ]


@pytest.mark.parametrize(
    ("keys", "found", "is_refused"),
    [
        (["AA", "B6"], "ZZ", True),
        (["AA", "B6"], "aA ", False),
        (["AA", "B6"], "\u00e9", False),
        (["AA", "\u00e9"], "ZZ", False),
        (["AA", "B6"], "Z\tZ", False),
        (["AA", "B\t6"], "ZZ", False),
    ],
)
def test_a_text_key_that_no_database_takes_for_one_that_was_asked_for_is_refused(
    keys: list[str], found: str, is_refused: bool
) -> None:
    """It is for the database to say which texts with other characters than plain ones are the same."""
    pager = key_pager(Airline.objects.all().query, keys, V10Dialect())
    next(pager)
    rows: list[Row] = [{"carrier": "AA"}, {"carrier": found}]
    if is_refused:
        with pytest.raises(TransportError, match="rows that it was not asked for") as caught:
            pager.send([RawPage(rows)])
        assert caught.value.status == 200
    else:
        assert pager.send([RawPage(rows)]).rows == rows


def test_an_integer_that_comes_as_a_text_is_the_key_that_was_asked_for() -> None:
    """PostgreSQL sends big integers like this."""
    pager = key_pager(Flight.objects.all().query, [2, 1], V10Dialect())
    next(pager)
    assert pager.send([RawPage([{"id": "1"}, {"id": "2"}])]).rows == [{"id": "2"}, {"id": "1"}]


def test_the_empty_key_is_not_asked_for() -> None:
    """The server refuses it; no row has it."""
    assert next(key_pager(Airline.objects.all().query, ["", "AA"], V10Dialect())).requests[0].json["keys"] == [
        "AA"
    ]
    assert not next(key_pager(Airline.objects.all().query, [""], V10Dialect())).requests


class Thing(Model):
    id: int
    name: str


def test_a_servers_maximum_is_learnt_from_its_refusal(limited_server: DirectusServer) -> None:
    """G45: a limit above the maximum is a 400, and -1 silently means the maximum."""
    make_collection(limited_server, "things", key("integer"), column("name", "string"))
    with Session(limited_server.url, token=limited_server.token) as session, session.capture() as sent:
        made = Thing.objects.bulk_create(Thing(id=n, name=str(n)) for n in range(1, 131))
        assert [thing.name for thing in made] == [str(n) for n in range(1, 131)]
        assert [entry.status for entry in sent] == [400, 200, 200, 200, 200]
        assert session.max_rows == 40
        assert len(list(Thing.objects.all())) == 130
        assert len(Thing.objects.in_bulk(range(1, 131))) == 130
    with Session(limited_server.url, token=limited_server.token) as session:
        assert [thing.id for thing in Thing.objects.all()] == list(range(1, 131))
        assert session.max_rows == 40
