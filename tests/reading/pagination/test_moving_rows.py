"""Rows that do not move come once and in order, whatever rows are moved, inserted and deleted meanwhile."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from directus_orm import IterationLost
from directus_orm.core.request_response import Request
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination import key_window_pagination
from directus_orm.reading.pagination.pager_protocol import RawPage
from directus_orm.reading.pagination.pagers import query_pager
from tests.worlds.flights import Airline

MOST_REQUESTS = 6000

Table = dict[str, int]
"""The value that each row is ordered by, by its key."""
Change = Callable[[Table], None]
Loop = Callable[[list[str], Table], None]
"""What a loop does with the rows of a page."""


class TableServer:
    """A table that is asked as the dialect asks, and is changed before each answer."""

    def __init__(self, table: Table, change: Change = lambda _: None) -> None:
        self.table = table
        self.change = change
        self.requests = 0

    def answer(self, request: Request) -> RawPage:
        assert self.requests < MOST_REQUESTS, "the reading has no end"
        self.requests += 1
        self.change(self.table)
        if request.method == "SEARCH":
            return self.page(key for key in request.json["keys"] if key in self.table)
        params = dict(request.params)
        start = int(params.get("offset", 0))
        return self.page(in_order(self.table)[start : start + int(params["limit"])])

    def page(self, keys: Iterable[str]) -> RawPage:
        return RawPage([{"carrier": key, "name": self.table[key]} for key in keys])

    def read(self, maximum: int | None = None, loop: Loop | None = None) -> list[str]:
        """Read all rows, in the order of their values; ``loop`` is what the loop does with each page."""
        query = Airline.objects.order_by("name").query
        pager = query_pager(query, V10Dialect(), maximum=maximum)
        round_trip, found = next(pager), list[str]()
        while True:
            page = [row["carrier"] for row in round_trip.rows or ()]
            found += page
            if loop is not None:
                loop(page, self.table)
            if not round_trip.requests:
                return found
            round_trip = pager.send([self.answer(request) for request in round_trip.requests])


def in_order(table: Table) -> list[str]:
    return [key for _, key in sorted((value, key) for key, value in table.items())]


def table_of(size: int) -> Table:
    """Return a table in which some neighbours have the same value."""
    return {f"k{n:05}": n // 3 * 10 for n in range(size)}


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of some hundred keys: larger than the server's maximum, and smaller than the table by far."""
    sizes = {
        "_FIRST_WINDOW": 200,
        "_LARGEST_WINDOW": 500,
        "_OVERLAP": 100,
        "_OVERLAP_OF_ROWS": 20,
        "FULL_PAGE": 200,
    }
    for name, size in sizes.items():
        monkeypatch.setattr(key_window_pagination, name, size)


# --- writers ----------------------------------------------------------------------------------------------------


class Writer:
    """Changes rows at random, but for those that stay, up to a number of changes in all."""

    def __init__(self, seed: int, table: Table, stay: set[str], changes: int, kinds: dict[str, int]) -> None:
        self.random = random.Random(seed)
        self.first_values = dict(table)
        self.stay = stay
        self.left = changes
        self.kinds = kinds
        self.names = (f"new{n}" for n in itertools.count())

    def __call__(self, table: Table) -> None:
        kind, most = self.random.choice([*self.kinds.items()])
        changes = min(self.left, self.random.randint(0, most))
        self.left -= changes
        getattr(self, kind)(table, changes)

    def none(self, table: Table, changes: int) -> None: ...

    def chosen(self, table: Table, changes: int) -> list[str]:
        """Return rows anywhere that do not stay."""
        rows = [key for key in table if key not in self.stay]
        return self.random.sample(rows, min(changes, len(rows)))

    def neighbours(self, table: Table, changes: int) -> list[str]:
        """Return rows beside one another that do not stay."""
        rows = [key for key in in_order(table) if key not in self.stay]
        start = self.random.randint(0, max(0, len(rows) - changes))
        return rows[start : start + changes]

    def any_value(self, table: Table) -> int:
        return self.random.randint(min(table.values(), default=0) - 10, max(table.values(), default=0) + 10)

    def move(self, table: Table, changes: int) -> None:
        table.update({key: self.any_value(table) for key in self.chosen(table, changes)})

    def forward(self, table: Table, changes: int) -> None:
        table.update({key: table[key] + self.random.randint(0, 1000) for key in self.chosen(table, changes)})

    def back(self, table: Table, changes: int) -> None:
        table.update({key: table[key] - self.random.randint(0, 1000) for key in self.chosen(table, changes)})

    def move_block(self, table: Table, changes: int) -> None:
        distance = self.random.choice([-5000, -700, -100, 100, 700, 5000])
        table.update({key: table[key] + distance for key in self.neighbours(table, changes)})

    def block_to_one_place(self, table: Table, changes: int) -> None:
        table.update(dict.fromkeys(self.neighbours(table, changes), self.any_value(table)))

    def swap_neighbours(self, table: Table, changes: int) -> None:
        for key in self.chosen(table, changes):
            table[key] += self.random.choice([-10, 10])

    def go_home(self, table: Table, changes: int) -> None:
        """Move rows back to where they were in the beginning."""
        moved = [key for key, value in self.first_values.items() if table.get(key, value) != value]
        home = self.random.sample(moved, min(changes, len(moved)))
        table.update({key: self.first_values[key] for key in home})

    def insert(self, table: Table, changes: int) -> None:
        table.update({next(self.names): self.any_value(table) for _ in range(changes)})

    def insert_block(self, table: Table, changes: int) -> None:
        table.update(dict.fromkeys([next(self.names) for _ in range(changes)], self.any_value(table)))

    def delete(self, table: Table, changes: int) -> None:
        for key in self.chosen(table, changes):
            del table[key]

    def delete_block(self, table: Table, changes: int) -> None:
        for key in self.neighbours(table, changes):
            del table[key]


KINDS: list[dict[str, int]] = [
    {"none": 0, "move": 1},
    {"none": 0, "move": 60},
    {"forward": 20},
    {"back": 20},
    {"move_block": 200},
    {"block_to_one_place": 200},
    {"swap_neighbours": 100},
    {"move_block": 100, "go_home": 200},
    {"insert_block": 200, "delete_block": 200},
    {"move": 20, "insert": 20, "delete": 20, "go_home": 20},
    {"move_block": 500, "delete_block": 500, "insert_block": 500, "swap_neighbours": 500, "go_home": 500},
]


# --- loops ------------------------------------------------------------------------------------------------------


def to_end(page: list[str], table: Table) -> None:
    end = max(table.values(), default=0) + 10
    table.update({key: end + place for place, key in enumerate(page) if key in table})


def to_start(page: list[str], table: Table) -> None:
    start = min(table.values(), default=0) - 10
    table.update({key: start - place for place, key in enumerate(page) if key in table})


def to_one_place(page: list[str], table: Table) -> None:
    table.update(dict.fromkeys((key for key in page if key in table), 1234))


def anywhere(page: list[str], table: Table) -> None:
    numbers = random.Random(len(page))
    table.update({key: numbers.randint(-1000, 9000) for key in page if key in table})


def delete(page: list[str], table: Table) -> None:
    for key in page:
        table.pop(key, None)


LOOPS: list[Loop | None] = [None, to_end, to_start, to_one_place, anywhere, delete]


class MovesOnce:
    """A loop that changes each row when it comes for the first time, and remembers which came."""

    def __init__(self, change: Loop | None, changes: Callable[[str], bool]) -> None:
        self.change = change
        self.changes = changes
        self.came: list[str] = []

    def __call__(self, page: list[str], table: Table) -> None:
        seen = set(self.came)
        self.came += page
        if self.change is not None:
            self.change([key for key in page if key not in seen and self.changes(key)], table)


# --- tests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", LOOPS)
@pytest.mark.parametrize("maximum", [100, 130, 400, None])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_a_loop_may_move_what_it_reads(change: Loop | None, maximum: int | None, every: int) -> None:
    """Each row comes before it is moved, and those that are not moved come once, with few more requests."""
    table = table_of(1600)
    rows = in_order(table)
    unchanged = TableServer(table.copy())
    unchanged.read(maximum)
    server, loop = TableServer(table), MovesOnce(change, lambda key: int(key[1:]) % every == 0)
    server.read(maximum, loop)
    assert [*dict.fromkeys(loop.came)] == rows
    stay = [key for key in rows if not loop.changes(key)]
    assert [key for key in loop.came if not loop.changes(key)] == stay
    assert server.requests <= 3 * unchanged.requests + 20


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([0, 90, 300, 1500, 2500]),
    maximum=st.sampled_from([100, 150, 300, None]),
    share=st.sampled_from([0.05, 0.3, 0.7, 0.95]),
    kinds=st.sampled_from(KINDS),
    change=st.sampled_from(LOOPS),
)
@example(seed=3039443, size=1500, maximum=300, share=0.7, kinds=KINDS[-1], change=None)
@example(seed=323, size=1500, maximum=100, share=0.95, kinds=KINDS[8], change=to_end)
def test_rows_that_do_not_move_come_once_and_in_order(
    seed: int, size: int, maximum: int | None, share: float, kinds: dict[str, int], change: Loop | None
) -> None:
    """Whatever others and the loop itself do with the other rows; or `IterationLost` is raised."""
    read_beside_writer(seed, size, maximum, share, kinds, change)


def read_beside_writer(
    seed: int, size: int, maximum: int | None, share: float, kinds: dict[str, int], change: Loop | None
) -> bool:
    """Read a table beside a writer, and check what was read; return whether the reading came to its end."""
    choice, table = random.Random(seed), table_of(size)
    unchanged = TableServer(table.copy())
    unchanged.read(maximum)
    stay = [key for key in in_order(table) if choice.random() < share]
    staying = set(stay)
    server = TableServer(table, Writer(seed, table, staying, 10 * size, kinds))
    loop = MovesOnce(change, lambda key: key not in staying)
    try:
        server.read(maximum, loop)
        ended = True
    except IterationLost:
        ended = False
    came = [key for key in loop.came if key in staying]
    assert came == (stay if ended else stay[: len(came)])
    growth = max(1, len(loop.came) / max(size, 1))  # rows that are inserted where the loop stands are read as well
    assert server.requests <= 4 * growth * unchanged.requests + 120
    return ended
