"""Windows of keys find every row that stays, once and in order, whatever happens to the list meanwhile."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directus_orm import InvalidRequest, IterationLost, UnsupportedQuery
from directus_orm.core.request_response import Request
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination import key_window_pagination
from directus_orm.reading.pagination.changing_list_cursor import ListCursor
from directus_orm.reading.pagination.pager_protocol import RawPage
from directus_orm.reading.pagination.pagers import query_pager
from tests.worlds.flights import Airline

Change = Callable[[list[str]], None]


class ListServer:
    """A list of keys in some order, asked as the dialect asks; changed before each answer."""

    def __init__(self, keys: list[str], change: Change) -> None:
        self.keys = keys
        self.change = change
        self.requests: list[Request] = []

    def answer(self, request: Request) -> RawPage:
        assert len(self.requests) < 5000, "the reading has no end"
        self.change(self.keys)
        self.requests.append(request)
        if request.method == "SEARCH":
            there = set(self.keys)
            return RawPage([{"carrier": key} for key in request.json["keys"] if key in there])
        params = dict(request.params)
        start, limit = int(params.get("offset", 0)), int(params["limit"])
        return RawPage([{"carrier": key} for key in self.keys[start : start + limit]])

    def read(
        self,
        queryset: Any = None,
        page_size: int | None = None,
        seen: Change = lambda _: None,
        maximum: int | None = None,
    ) -> list[str]:
        """Read everything, a page at a time; ``seen`` is what the loop does with each page."""
        pager = query_pager(
            (Airline.objects.all() if queryset is None else queryset).query, V10Dialect(), page_size, maximum
        )
        round_trip, found = next(pager), list[str]()
        while True:
            page = [row["carrier"] for row in round_trip.rows or ()]
            found += page
            seen(page)
            if not round_trip.requests:
                return found
            round_trip = pager.send([self.answer(request) for request in round_trip.requests])


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of some ten keys, so that short lists show what long ones do."""
    for name, size in (("_FIRST_WINDOW", 8), ("_LARGEST_WINDOW", 16), ("_OVERLAP", 4), ("_OVERLAP_OF_ROWS", 2)):
        monkeypatch.setattr(key_window_pagination, name, size)
    monkeypatch.setattr(key_window_pagination, "FULL_PAGE", 4)


def test_a_quiet_list_is_read_once_and_in_order() -> None:
    keys = [f"k{n}" for n in range(500)]
    server = ListServer(keys[:], lambda _: None)
    assert server.read(page_size=4) == keys


def place_of(key: str) -> int:
    """Return the place of a key that was there in the beginning; keys that came later have none."""
    return int(key[1:]) if key.startswith("k") else -1


class Writer:
    """Deletes and inserts keys at random, but for those that stay; some of the deleted ones come back."""

    def __init__(self, seed: int, stay: list[str], most: int, *, again: bool) -> None:
        self.random = random.Random(seed)
        self.stay = set(stay)
        self.names = (f"new{n}" for n in itertools.count())
        self.most = most
        self.left = 400  # a list that grows faster than it is read has no end
        self.again = again
        self.deleted: list[str] = []

    def __call__(self, keys: list[str]) -> None:
        for _ in range(min(self.left, self.random.randint(0, self.most))):
            self.left -= 1
            what = self.random.choice(["insert", "delete", "delete", "insert", "again"])
            at = self.random.randint(0, len(keys))
            going = [n for n in range(max(0, at - 3), min(len(keys), at + 3)) if keys[n] not in self.stay]
            if what == "insert":
                keys.insert(at, next(self.names))
            elif what == "delete" and going:
                self.deleted.append(keys.pop(going[0]))
            elif what == "again" and self.deleted and self.again:
                back = self.deleted.pop(self.random.randrange(len(self.deleted)))
                keys.insert(
                    next((n for n, key in enumerate(keys) if place_of(key) > place_of(back)), len(keys)), back
                )


def read_beside_a_writer(seed: int, size: int, share: float, most: int, *, again: bool) -> bool:
    """Read a list while a writer changes it, and check what was read; say whether the reading came to its end."""
    keys = [f"k{n}" for n in range(size)]
    choice = random.Random(seed)
    stay = [key for key in keys if choice.random() < share]
    server = ListServer(keys, Writer(seed, stay, most, again=again))
    try:
        found = server.read(page_size=choice.choice([1, 3, 4, 9]))
    except IterationLost:
        return False  # said, not wrong
    assert [key for key in found if key in set(stay)] == stay
    assert again or len(found) == len(set(found))
    return True


LISTS = {
    "seed": st.integers(0, 2**32),
    "size": st.integers(0, 200),
    "share": st.sampled_from([0.2, 0.5, 0.9]),
    "most": st.sampled_from([2, 6, 20, 60]),
}


@settings(deadline=None, max_examples=300)
@given(**LISTS)
def test_rows_that_stay_come_once_and_in_order(seed: int, size: int, share: float, most: int) -> None:
    """And no other row comes twice."""
    read_beside_a_writer(seed, size, share, most, again=False)


@settings(deadline=None, max_examples=100)
@given(**LISTS)
def test_keys_that_come_back_do_no_harm_while_all_keys_are_remembered(
    seed: int, size: int, share: float, most: int
) -> None:
    """In lists of up to 40,000 rows, that is; in longer ones it takes thousands of changes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            key_window_pagination,
            "ListCursor",
            lambda start, overlap, _, after: ListCursor(start, overlap, 500, after),
        )
        assert read_beside_a_writer(seed, size, share, most, again=True)


def test_iteration_is_rarely_lost() -> None:
    """With windows of ten keys and bursts of six changes at a time, and with none of them larger than a window."""
    lost = sum(not read_beside_a_writer(seed, 150, 0.2, 6, again=False) for seed in range(300))
    assert lost <= 3


def test_a_loop_may_delete_what_it_reads() -> None:
    """Each page is deleted before the next one is asked for: the cursor goes by rows not returned yet."""
    keys = [f"k{n}" for n in range(400)]
    server = ListServer(keys[:], lambda _: None)

    def delete(page: list[str]) -> None:
        for key in page:
            server.keys.remove(key)

    assert server.read(page_size=4, seen=delete) == keys
    assert server.keys == []


@pytest.mark.parametrize("stop", [*range(1, 40), 100, 399, 500])
def test_a_loop_over_a_slice_may_delete_what_it_reads(stop: int) -> None:
    """Windows then bring more rows than the slice has."""
    keys = [f"k{n}" for n in range(400)]
    server = ListServer(keys[:], lambda _: None)

    def delete(page: list[str]) -> None:
        for key in page:
            server.keys.remove(key)

    assert server.read(Airline.objects.all()[:stop], page_size=4, seen=delete) == keys[:stop]


@pytest.mark.parametrize("keys_alone", [True, False])
def test_a_slice_is_exact_although_windows_miss_the_position(keys_alone: bool) -> None:
    """As when many rows are deleted at once."""
    keys = [f"k{n}" for n in range(400)]
    queryset = Airline.objects.values("pk") if keys_alone else Airline.objects.all()
    server = ListServer(keys[:], lambda _: None)
    pages_read = 0

    def delete(page: list[str]) -> None:
        nonlocal pages_read
        pages_read += 1
        if pages_read % 8 == 0:
            del server.keys[: max(0, server.keys.index(page[-1]) - 1) if page else 0]

    assert server.read(queryset[:300], page_size=4, seen=delete) == keys[:300]


@pytest.mark.parametrize("requests", range(0, 60, 3))
def test_a_maximum_that_a_server_has_of_late_lowers_the_size_of_any_request(requests: int) -> None:
    """Also of those for further windows, after one that brought nothing."""
    keys = [f"k{n}" for n in range(200)]
    server = ListServer(keys[:], lambda _: None)
    pager, found = query_pager(Airline.objects.all().query, V10Dialect(), 6), list[str]()
    round_trip = next(pager)
    while round_trip.requests:
        sizes = [int(dict(r.params).get("limit") or len(r.json["keys"])) for r in round_trip.requests]
        if len(server.requests) >= requests and max(sizes) > 5:
            round_trip = pager.throw(InvalidRequest('"limit" must be less than or equal to 5.'))
        else:
            round_trip = pager.send([server.answer(request) for request in round_trip.requests])
        found += [row["carrier"] for row in round_trip.rows or ()]
        if round_trip.rows and len(found) > 12:
            del server.keys[: max(0, server.keys.index(found[-1]) - 1)]
    assert found == keys


def test_rows_inserted_before_the_cursor_repeat_no_row() -> None:
    names = (f"new{n}" for n in itertools.count())

    def insert(keys: list[str]) -> None:
        keys[:0] = [next(names) for _ in range(2)]

    keys = [f"k{n}" for n in range(100)]
    found = ListServer(keys[:], insert).read(page_size=4)
    assert [key for key in found if key.startswith("k")] == keys
    assert len(found) == len(set(found))


def test_when_all_rows_around_the_cursor_are_gone_iteration_lost_is_raised() -> None:
    """Then nothing shows which of the remaining rows come next."""
    keys = [f"k{n}" for n in range(400)]
    server = ListServer(keys[:], lambda _: None)
    pages_read = 0

    def delete(_: list[str]) -> None:
        nonlocal pages_read
        pages_read += 1
        if pages_read == 30:
            del server.keys[20:300]

    with pytest.raises(IterationLost, match="Start again"):
        server.read(page_size=4, seen=delete)


@pytest.mark.parametrize(("start", "stop"), [(0, 7), (3, 60), (90, 130), (5, None), (100, None), (300, None)])
def test_slices_are_exact(start: int, stop: int | None) -> None:
    keys = [f"k{n}" for n in range(120)]
    server = ListServer(keys[:], lambda _: None)
    assert server.read(Airline.objects.all()[start:stop], page_size=4) == keys[start:stop]


@pytest.mark.parametrize("maximum", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("page_size", [None, 1])
@pytest.mark.parametrize("after", [None, "k7"])
def test_a_server_that_gives_few_rows_at_a_time_is_read_or_refused(
    maximum: int, page_size: int | None, after: str | None
) -> None:
    """A window of one row cannot show where the reading is: the same row would come again and again."""
    keys = [f"k{n}" for n in range(50)]
    server = ListServer(keys, lambda _: None)

    def read() -> list[str]:
        pager = query_pager(Airline.objects.all().query, V10Dialect(), page_size, maximum, after)
        round_trip, found = next(pager), list[str]()
        while True:
            found += [row["carrier"] for row in round_trip.rows or ()]
            if not round_trip.requests:
                return found
            round_trip = pager.send([server.answer(request) for request in round_trip.requests])

    if maximum > 1:
        assert read() == (keys if after is None else keys[8:])
    else:
        with pytest.raises(UnsupportedQuery, match=r"one row at a time .* needs 2 or more"):
            read()
