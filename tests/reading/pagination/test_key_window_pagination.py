"""Windows of keys find every row that stays, once and in order, whatever happens to the list meanwhile."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import IterationLost, UnsupportedQuery
from directus_orm.core.request_response import Request
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination import key_window_pagination
from directus_orm.reading.pagination.changing_list_cursor import ListCursor
from directus_orm.reading.pagination.pager_protocol import RawPage
from directus_orm.reading.pagination.pagers import query_pager
from directus_orm.reading.pagination.remembered_keys import (
    ComparedWindow,
    RememberedKeys,
    _longest_in_order,
    _together,
)
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


def test_memory_is_bounded() -> None:
    """The keys that are remembered are twice the largest window's, however long the list."""
    here = ListCursor(0, overlap=4, keep=32)
    for start in range(0, 5000, 10):
        offset, back = here.next_window(4)
        here.take(list(range(offset, start + 10)), offset, 10 + back)
    assert len(here._returned) == 32


@pytest.mark.parametrize("maximum", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("page_size", [None, 1])
@pytest.mark.parametrize("after", [None, "k7"])
def test_a_server_that_gives_few_rows_at_a_time_is_read_or_refused(
    maximum: int, page_size: int | None, after: str | None
) -> None:
    """Windows of two rows or fewer cannot show where the reading is: they would come again and again."""
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

    if maximum > 2:
        assert read() == (keys if after is None else keys[8:])
    else:
        with pytest.raises(UnsupportedQuery, match=f"at most {maximum} rows at a time.* needs 3 or more"):
            read()


class MovingWriter:
    """Moves, inserts and deletes rows at random, but for those that stay, up to a number of changes in all."""

    def __init__(self, seed: int, stay: set[str], changes: int, bursts: dict[str, int]) -> None:
        self.random = random.Random(seed)
        self.stay = stay
        self.left = changes
        self.bursts = bursts
        self.names = (f"new{n}" for n in itertools.count())

    def __call__(self, keys: list[str]) -> None:
        kind, most = self.random.choice(list(self.bursts.items()))
        for _ in range(min(self.left, self.random.randint(0, most))):
            self.left -= 1
            self.change(kind, keys)

    def change(self, kind: str, keys: list[str]) -> None:
        at = self.random.randrange(len(keys)) if keys else 0
        if kind == "insert":
            keys.insert(at, next(self.names))
        elif keys and keys[at] not in self.stay:
            key = keys.pop(at)
            least, most = {"forward": (at, len(keys)), "back": (0, at), "end": (len(keys),) * 2}.get(
                kind, (0, len(keys))
            )
            if kind != "delete":
                keys.insert(self.random.randint(least, most), key)


BURSTS = [
    {"none": 0, "move": 1},
    {"move": 6, "none": 0},
    {"forward": 20},
    {"end": 10},
    {"back": 20},
    {"move": 20, "insert": 20, "delete": 20},
    {"move": 60, "none": 0},
]


def read_moving_rows(seed: int, size: int, maximum: int | None, share: float, bursts: dict[str, int]) -> bool:
    """Read a list in which rows move, and check what was read; return whether the reading came to its end."""
    choice = random.Random(seed)
    keys = [f"k{n}" for n in range(size)]
    stay = [key for key in keys if choice.random() < share]
    unchanged = ListServer(keys[:], lambda _: None)
    assert unchanged.read(maximum=maximum) == keys
    server = ListServer(keys, MovingWriter(seed, set(stay), 10 * size, bursts))
    try:
        found = server.read(maximum=maximum)
    except IterationLost:
        found = None
    assert len(server.requests) <= 3 * len(unchanged.requests) + 100
    staying = set(stay)
    assert found is None or [key for key in found if key in staying] == stay
    return found is not None


@pytest.fixture
def larger_windows(monkeypatch: pytest.MonkeyPatch, small_windows: None) -> None:
    """Windows of some hundred keys: larger than the server's maximum, and smaller than the list by far."""
    for name, size in (("_FIRST_WINDOW", 200), ("_LARGEST_WINDOW", 500), ("_OVERLAP", 100)):
        monkeypatch.setattr(key_window_pagination, name, size)
    for name, size in (("_OVERLAP_OF_ROWS", 20), ("FULL_PAGE", 200)):
        monkeypatch.setattr(key_window_pagination, name, size)


@pytest.mark.usefixtures("larger_windows")
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([300, 1500, 4000]),
    maximum=st.sampled_from([100, 150, 300, None]),
    share=st.sampled_from([0.3, 0.7, 0.95]),
    bursts=st.sampled_from(BURSTS),
)
def test_rows_that_do_not_move_come_once_and_in_order_while_others_do(
    seed: int, size: int, maximum: int | None, share: float, bursts: dict[str, int]
) -> None:
    """And it takes at most three times the requests for a list that does not change, and a hundred."""
    read_moving_rows(seed, size, maximum, share, bursts)


@pytest.mark.usefixtures("larger_windows")
@pytest.mark.parametrize("bursts", BURSTS, ids=lambda bursts: "-".join(bursts))
def test_a_reading_beside_moving_rows_comes_to_its_end(bursts: dict[str, int]) -> None:
    """With a server's maximum of 100 rows, and more rows than are remembered."""
    assert all(read_moving_rows(seed, 3000, 100, 0.7, bursts) for seed in range(5))


def test_a_known_key_that_moves_forward_takes_none_along() -> None:
    """Those that followed it in memory stay where they were: they would seem to be before the position."""
    here = ListCursor(0, overlap=4, keep=100)
    assert here.take([*"abcdefgh"], 0, 8) == [*"abcdefgh"]
    assert here.take([*"efgh", "i", "b", "j", "k"], 4, 8) == [*"ijk"]
    assert "".join(here._returned._keys) == "acdefghibjk"


def test_windows_that_bring_nothing_end_in_iteration_lost() -> None:
    """As when rows before the position are deleted, and others inserted there, again and again."""
    here = ListCursor(0, overlap=4, keep=100)
    assert here.take(range(100), 0, 100) == [*range(100)]  # this one allows for two more
    for _ in range(66):
        assert here.take(range(40, 48), 96, 8) == []
    with pytest.raises(IterationLost, match="hardly any request"):
        here.take(range(40, 48), 96, 8)


def test_reading_on_after_a_key_needs_that_key_alone() -> None:
    """However many windows it takes to find that key."""
    here = ListCursor(0, overlap=500, keep=40_000, after=120_700)
    for start in range(0, 120_000, 1000):
        assert here.next_window(500) == (start, 0)
        assert here.take(range(start, start + 1000), start, 1000) is None
    assert here.take(range(120_000, 121_000), 120_000, 1000) == [*range(120_701, 121_000)]
    assert here.next_window(500) == (120_700, 300)
    assert not here.ended


def test_a_few_keys_that_moved_ahead_do_not_tell_the_position() -> None:
    here = ListCursor(0, overlap=40, keep=1000)
    here.take(range(100), 0, 100)
    assert here.next_window(40) == (60, 40)
    assert here.take([*range(10, 20), *range(200, 290)], 60, 100) is None
    assert here.next_window(40) == (0, 100)


def test_half_of_a_small_overlap_tells_the_position() -> None:
    here = ListCursor(0, overlap=500, keep=1000)
    here.take(range(100), 0, 100)
    assert here.take([*range(80, 90), *range(200, 300)], 80, 1020) == [*range(200, 300)]
    assert here.ended
    here = ListCursor(0, overlap=500, keep=1000)
    here.take(range(100), 0, 100)
    assert here.take([*range(80, 89), *range(200, 300)], 80, 1020) is None


def test_forgotten_keys_at_the_start_of_a_window_are_not_new() -> None:
    """They are recognized by the first remembered keys, which follow them."""
    here = ListCursor(0, overlap=40, keep=100)
    here.take(range(300), 0, 300)
    assert here.take(range(170, 270), 260, 100) is None
    assert here.next_window(40) == (140, 160)
    assert here.take(range(170, 270), 140, 100) == []
    assert here.next_window(40) == (200, 40)


def remembered(keys: str, keep: int = 100) -> RememberedKeys:
    returned = RememberedKeys(keep)
    returned.merge(returned.compare(keys, 2), 0, last_are_ahead=False)
    return returned


@pytest.mark.parametrize(
    ("window", "last_are_ahead", "expected"),
    [
        ("cdexy", False, "abcdefghxy"),  # f, g and h were deleted, or have moved
        ("cdexy", True, "abcdexyfgh"),
        ("cdfxy", True, "abcdefxygh"),
        ("xy", False, "xyabcdefgh"),
        ("efghbx", False, "acdefghbx"),
        ("efgbhx", True, "acdefgbhx"),
        ("aefgh", False, "abcdefgh"),
    ],
)
def test_remembered_keys_follow_the_order_of_a_window(window: str, last_are_ahead: bool, expected: str) -> None:
    returned = remembered("abcdefgh")
    returned.merge(returned.compare(window, 2), 0, last_are_ahead=last_are_ahead)
    assert "".join(returned._keys) == expected


def test_unknown_keys_before_the_first_new_one_are_not_remembered() -> None:
    returned = remembered("abcdefgh")
    returned.merge(returned.compare("xghyz", 2), 3, last_are_ahead=False)
    assert "".join(returned._keys) == "abcdefghyz"


def test_the_last_keys_are_remembered() -> None:
    returned = remembered("abcd", keep=4)
    assert returned.are_complete
    returned.merge(returned.compare("cde", 2), 0, last_are_ahead=False)
    assert (returned._keys, returned.last) == ([*"bcde"], [*"cde"])
    assert not returned.are_complete
    assert returned.ahead_of(returned.compare("cd", 2)) == 1
    assert returned.ahead_of(returned.compare("x", 2)) == 4


@given(st.permutations(range(7)))
def test_the_most_keys_in_order_have_stayed(indexes: list[int]) -> None:
    known = [*enumerate(indexes)]
    longest = _longest_in_order(known)
    assert longest == sorted(longest, key=lambda pair: pair[1])
    assert set(longest) <= set(known)
    runs = (run for size in range(8) for run in itertools.combinations(indexes, size) if [*run] == sorted(run))
    assert len(longest) == max(map(len, runs))


@pytest.mark.parametrize(
    ("stayed", "expected"),
    [
        ([], []),
        ([(0, 0)], []),
        ([(0, 0), (1, 17)], [(0, 0), (1, 17)]),
        ([(0, 0), (1, 18)], []),
        ([(0, 0), (17, 1)], [(0, 0), (17, 1)]),
        ([(0, 0), (18, 1)], []),
        ([(0, 0), (1, 1), (2, 30)], [(0, 0), (1, 1)]),
        ([(0, 0), (1, 20), (2, 21)], [(1, 20), (2, 21)]),
        ([(0, 0), (1, 1), (2, 30), (3, 31)], [(0, 0), (1, 1), (2, 30), (3, 31)]),
    ],
)
def test_a_key_far_from_others_has_moved(stayed: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert _together(stayed, 2) == expected


@pytest.mark.parametrize(
    ("stayed", "evidence", "run"),
    [
        ([(0, 5), (1, 6)], 2, (0, 5)),
        ([(0, 5), (1, 6)], 3, None),
        ([(0, 1), (2, 2), (3, 3)], 2, (2, 2)),
        ([(0, 1), (1, 2), (3, 3), (4, 4)], 3, (0, 1)),
        ([(0, 1), (3, 2), (4, 3)], 2, (3, 2)),
        ([(4, 0)], 1, (4, 0)),
        ([], 1, None),
    ],
)
def test_a_run_of_keys_that_stayed_has_few_others(
    stayed: list[tuple[int, int]], evidence: int, run: tuple[int, int] | None
) -> None:
    assert ComparedWindow([], {}, stayed).run_of_stayed(evidence) == run
