"""Rows that the server leaves out, since their keys are hidden, are told from rows that were deleted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import ConversionError, InvalidRequest, QuerySet, Rows
from directus_orm.core.request_response import Request
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination.pager_protocol import RawPage
from directus_orm.reading.pagination.pagers import query_pager
from tests.worlds.flights import Airline, Flight

KEYS = {"by key": Flight.objects.values("id"), "by windows": Airline.objects.values("carrier")}


class HidingServer:
    """Shows rows with the keys 1, 2 …, and counts ``hidden`` ones more."""

    def __init__(self, visible: int, hidden: int = 0) -> None:
        self.visible = visible
        self.hidden = hidden
        self.asked: list[dict[str, Any]] = []

    def answer(self, request: Request) -> RawPage:
        params = dict(request.params)
        self.asked.append(params)
        if request.method == "SEARCH":
            return RawPage([{"carrier": key} for key in request.json["keys"]])
        last = int(str(params.get("filter", "")).partition('"_gt":')[2].rstrip("}]") or 0)
        first, limit = last + int(params.get("offset", 0)), int(params["limit"])
        rows = [{"id": n, "carrier": str(n)} for n in range(1, self.visible + 1)]
        total = self.visible + self.hidden if "meta" in params else None
        return RawPage([*rows[first : first + limit]], 0, total)

    def read(self, queryset: Rows[Any], after: object = None) -> int:
        """Return how many rows come."""
        pager = query_pager(queryset.query, V10Dialect(), after=after)
        round_trip, number = next(pager), 0
        while True:
            number += len(round_trip.rows or ())
            if not round_trip.requests:
                return number
            round_trip = pager.send([self.answer(request) for request in round_trip.requests])


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("visible", [0, 1, 99, 100, 101, 2500])
def test_one_hidden_key_is_told_however_many_rows_are_shown(keys: QuerySet[Any], visible: int) -> None:
    server = HidingServer(visible, hidden=1)
    with pytest.raises(ConversionError, match=r"nothing does not fit .*not its key"):
        server.read(keys)
    assert (server.asked[-1]["limit"], server.asked[-1].get("offset", "0")) == ("1", str(visible))


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("visible", [0, 1, 99, 100, 101, 2500])
def test_complete_rows_take_no_further_request_and_are_counted_once(keys: QuerySet[Any], visible: int) -> None:
    server = HidingServer(visible)
    assert server.read(keys) == visible
    assert ["meta" in params for params in server.asked] == [True, *[False] * (len(server.asked) - 1)]
    assert "1" not in {params["limit"] for params in server.asked}


def test_of_a_long_list_of_whole_rows_the_first_window_of_keys_is_counted() -> None:
    """So a row whose key is hidden is told as well, though the windows would skip it."""
    server = HidingServer(9000)
    assert server.read(Airline.objects.all()) == 9000
    counted = ["meta" in params for params in server.asked]
    assert counted == [False, False, True, *[False] * (len(counted) - 3)]
    with pytest.raises(ConversionError, match=r"nothing does not fit .*not its key"):
        HidingServer(9000, hidden=1).read(Airline.objects.all())


def test_of_whole_rows_no_page_is_counted_as_that_costs_the_server_a_second_query() -> None:
    server = HidingServer(90)
    assert server.read(Airline.objects.all()) == 90
    assert not any("meta" in params for params in server.asked)


@pytest.mark.parametrize(("keys", "after"), [("by key", 40), ("by windows", "40")])
def test_after_a_key_rows_are_not_compared_with_the_number_of_all(keys: str, after: object) -> None:
    server = HidingServer(50)
    assert server.read(KEYS[keys], after) == 10
    assert len(server.asked) == 1


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(
    ("start", "stop", "is_told"),
    [
        (0, 50, False),
        (0, 51, True),
        (10, 50, False),
        (10, 51, True),
        (51, 60, False),
        (60, None, False),
        (3, None, True),
    ],
)
def test_of_a_slice_only_the_rows_in_it_have_to_come(
    keys: QuerySet[Any], start: int, stop: int | None, is_told: bool
) -> None:
    """Of 50 rows that are shown, and one that is not."""
    server = HidingServer(50, hidden=1)
    if is_told:
        with pytest.raises(ConversionError, match=r"nothing does not fit .*not its key"):
            server.read(keys[start:stop])
    else:
        server.read(keys[start:stop])
        assert len(server.asked) == 1


@pytest.mark.parametrize("left", [0, 1, 7])
def test_rows_that_were_deleted_meanwhile_are_not_missed(left: int) -> None:
    """The last row is looked for again among those that are left, as long as they become fewer."""
    server = HidingServer(9, hidden=1)
    pager = query_pager(KEYS["by key"].query, V10Dialect())
    round_trip = pager.send([server.answer(next(pager).requests[0])])
    server.visible, server.hidden = left, 0
    while round_trip.requests:
        round_trip = pager.send([server.answer(request) for request in round_trip.requests])
    assert [params.get("offset") for params in server.asked[1:]] == [
        "9",
        *([str(left - 1)] if left > 1 else [None] * left),
    ]


def test_a_server_that_no_longer_counts_proves_nothing() -> None:
    pager = query_pager(KEYS["by key"].query, V10Dialect())
    next(pager)
    assert pager.send([RawPage([{"id": 1}], 0, total=2)]).requests
    assert not pager.send([RawPage([], 0, total=None)]).requests


def test_a_refused_page_size_is_lowered_while_rows_are_counted() -> None:
    pager = query_pager(KEYS["by key"].query, V10Dialect())
    next(pager)
    round_trip = pager.throw(InvalidRequest('"limit" must be less than or equal to 60.'))
    params = dict(round_trip.requests[0].params)
    assert (params["limit"], params["meta"]) == ("60", "filter_count")
    round_trip = pager.send([RawPage([{"id": n} for n in range(60)], 0, total=60)])
    assert not pager.send([RawPage([])]).requests


def test_a_row_inserted_before_the_rows_were_counted_is_not_taken_for_a_hidden_one() -> None:
    """The server reads rows and counts them one after the other, and another program may write between."""
    pager = query_pager(KEYS["by key"].query, V10Dialect())
    next(pager)
    assert pager.send([RawPage([{"id": 1}], 0, total=2)]).requests
    for _ in range(4):
        assert pager.send([RawPage([], 0, total=2)]).requests
    assert not pager.send([RawPage([{"id": 2}], 0, total=2)]).requests
