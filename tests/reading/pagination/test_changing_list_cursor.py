"""The position in a changing list: found again from the windows, or said to be lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from directus_orm import IterationLost
from directus_orm.reading.pagination import changing_list_cursor
from directus_orm.reading.pagination.changing_list_cursor import ListCursor


def take(here: ListCursor, keys: Iterable[Any], offset: int, limit: int) -> list[Any] | None:
    """Take a window of rows that never move."""
    keys = [*keys]
    return here.take(keys, [None] * len(keys), offset, limit)


def take_moved(here: ListCursor, window: Sequence[tuple[Any, int]], offset: int, limit: int) -> list[Any] | None:
    """Take a window of keys and ordering values."""
    return here.take([key for key, _ in window], [value for _, value in window], offset, limit)


def cursor_after(count: int, *, overlap: int = 4, keep: int = 100, start: int = 0) -> ListCursor:
    """Return a cursor that has read the first rows of the list: 0, 1, 2 …"""
    here = ListCursor(start, overlap, keep)
    assert take(here, range(count), start, count) == [*range(count)]
    return here


def test_a_window_starts_some_rows_before_the_position() -> None:
    here = cursor_after(100, overlap=40)
    assert not here.ended
    assert here.next_window(50) == (60, 40)
    assert here.next_window(30) == (70, 30)
    assert cursor_after(10, overlap=40).next_window(50) == (0, 10)
    assert ListCursor(7, 40, 100).next_window(40) == (7, 0)
    assert not ListCursor(7, 40, 100).ended


def test_unknown_keys_after_a_known_one_are_new() -> None:
    here = cursor_after(100)
    assert take(here, ["before", 98, "between", 99, 100, 101], 96, 6) == ["between", 100, 101]


def test_the_list_ends_with_a_window_that_is_not_full() -> None:
    here = cursor_after(100)
    assert take(here, range(96, 104), 96, 8) == [*range(100, 104)]
    assert not here.ended
    assert take(here, range(100, 105), 100, 8) == [104]
    assert here.ended


def test_a_window_that_missed_the_position_is_followed_by_earlier_ones() -> None:
    here = cursor_after(1000)
    assert take(here, range(1100, 1108), 996, 8) is None
    assert here.next_window(4) == (984, 16)
    assert take(here, range(1100, 1120), 984, 20) is None
    assert here.next_window(4) == (936, 64)
    assert take(here, range(990, 1058), 936, 68) == [*range(1000, 1058)]
    assert here.next_window(4) == (946, 4), "as many rows are expected to be gone before the next window"
    assert take(here, range(1000, 1062), 946, 62) == [*range(1058, 1062)]
    assert here.next_window(4) == (1004, 4)


def test_no_window_starts_before_the_list() -> None:
    here = cursor_after(6)
    assert take(here, range(3, 7), 0, 4) == [6], "three rows are gone, and as many may go before the next window"
    assert here.next_window(4) == (0, 4)


def test_a_slice_that_lost_rows_is_read_on_from_before_its_start() -> None:
    here = cursor_after(3, start=7)
    assert take(here, [2], 6, 1) == []
    assert here.next_window(2) == (2, 2)


def test_rows_that_were_inserted_do_not_let_windows_start_later() -> None:
    here = cursor_after(100)
    assert take(here, ["a", "b", "c", *range(96, 101)], 96, 8) == [100]
    assert here.next_window(4) == (100, 4)


def test_a_row_that_moved_does_not_tell_the_position() -> None:
    here = ListCursor(0, overlap=4, keep=100)
    assert take_moved(here, [("a", 1), ("b", 2), ("c", 3)], 0, 3) == ["a", "b", "c"]
    assert take_moved(here, [("x", 7), ("b", 8), ("y", 9)], 1, 3) is None
    assert take_moved(here, [("c", 3), ("x", 7), ("b", 8), ("y", 9)], 0, 4) == ["x", "y"]
    assert take_moved(here, [("b", 8), ("y", 9), ("z", 10)], 1, 3) == ["z"], "and tells it from its new place"


def test_a_row_that_was_away_for_one_window_tells_the_position() -> None:
    here = cursor_after(3)
    assert take(here, [1, "x"], 1, 2) == ["x"]
    assert take(here, [2, "y"], 2, 2) == ["y"]
    assert take(here, ["x", "z"], 3, 2) == ["z"]


def test_rows_that_are_not_in_a_window_at_the_start_of_the_list_tell_nothing() -> None:
    """They may come after rows that were not returned yet."""
    here = cursor_after(5)
    assert take_moved(here, [("x", 1), (3, 7), ("y", 8)], 0, 3) == ["x", "y"]
    assert take(here, [4, "z"], 3, 2) is None


def test_rows_that_are_not_in_the_window_after_one_that_missed_tell_nothing() -> None:
    here = cursor_after(20)
    assert take(here, ["x", "y"], 16, 2) is None
    assert take(here, [3, 4, "a"], 2, 3) == ["a"]
    assert take(here, [18, "z"], 4, 2) is None


def test_rows_ahead_are_remembered_longer_than_those_before_the_position() -> None:
    """They are still to come, and were returned already."""
    here = cursor_after(20, keep=20)
    assert take(here, ["x", "y"], 16, 2) is None
    assert take(here, [3, 4, "a"], 2, 3) == ["a"]
    assert take(here, ["a", 5, "b", "c", "d", "e"], 4, 6) == ["b", "c", "d", "e"]
    assert take(here, ["e", 6, "f", "g"], 9, 4) == ["f", "g"]
    assert take(here, ["g", 7, 8, "h"], 12, 4) == ["h"]


def test_a_row_after_the_window_tells_the_position_once_a_window_has_shown_it() -> None:
    """It may have moved into the rows that were forgotten, and back."""
    here = cursor_after(20)
    assert take(here, ["new", "newer"], 16, 2) is None
    assert take(here, [3, 4, "new"], 0, 3) == ["new"]
    assert take(here, [18, "x"], 2, 2) is None, "18 was ahead"
    assert take(here, ["new", 5, 6], 0, 3) == []
    assert take(here, [6, 7, 8], 2, 3) == []
    assert take(here, [19, "z"], 3, 2) is None


def test_at_the_start_of_the_list_all_unknown_keys_are_new_while_all_keys_are_remembered() -> None:
    here = cursor_after(5)
    assert take_moved(here, [("x", 1), (3, 7), ("y", 8)], 0, 3) == ["x", "y"]
    here = cursor_after(5, start=2)
    assert take_moved(here, [("x", 1), (3, 7), ("y", 8)], 0, 3) is None
    here = cursor_after(5, keep=4)
    assert take_moved(here, [("x", 1), (3, 7), ("y", 8)], 0, 3) is None


def test_from_the_start_of_the_list_the_position_is_searched_forward() -> None:
    here = cursor_after(5, keep=4)
    assert take(here, ["a", "b"], 0, 2) is None
    assert here.next_window(4) == (2, 0)
    assert take(here, ["c", "d"], 2, 2) is None
    assert here.next_window(4) == (4, 0)
    assert take(here, ["e", 4, "f"], 4, 3) == ["f"]
    assert here.next_window(4) == (3, 4)


def test_if_no_row_is_where_it_was_the_place_is_lost() -> None:
    here = cursor_after(5, keep=4)
    assert take(here, ["a", "b"], 0, 2) is None
    with pytest.raises(IterationLost, match=r"the keys … 2, 3, 4 are no longer where they were"):
        take(here, [], 2, 2)
    here = cursor_after(5, keep=4)
    with pytest.raises(IterationLost, match="Start again"):
        take(here, ["a"], 0, 2)


def test_an_empty_list_has_ended() -> None:
    here = cursor_after(5, keep=4)
    assert take(here, [], 0, 2) is None
    assert here.ended


def test_windows_that_bring_nothing_end_in_iteration_lost() -> None:
    """As when rows before the position are deleted, and others inserted there, again and again."""
    here = cursor_after(100)  # this window allows for two more
    for _ in range(66):
        assert take(here, range(40, 48), 96, 8) == []
    with pytest.raises(IterationLost, match="hardly any request"):
        take(here, range(40, 48), 96, 8)


def test_windows_that_miss_the_position_are_fruitless_whatever_keys_they_bring() -> None:
    here = cursor_after(100)
    with pytest.raises(IterationLost, match="hardly any request"):  # noqa: PT012
        for _ in range(100):
            assert take(here, range(200, 208), 96, 8) is None
            assert take(here, range(92, 100), 92, 8) == []


@pytest.mark.parametrize(
    ("overlap", "before", "limit", "new", "is_fruitful"),
    [
        (4, 6, 8, 2, True),
        (4, 7, 8, 1, False),
        (40, 5, 6, 2, True),  # at most half of a window is expected to be known
        (40, 5, 6, 1, False),
        (40, 2, 8, 3, True),  # and no more than the rows that were read from there on
        (40, 2, 8, 2, False),
    ],
)
def test_a_window_is_fruitful_if_half_of_its_room_brings_new_keys(
    overlap: int, before: int, limit: int, new: int, is_fruitful: bool
) -> None:
    here, end = cursor_after(100, overlap=overlap), 100

    def read_on(windows: int) -> None:
        nonlocal end
        for _ in range(windows):
            position, _ = here.next_window(0)
            keys = [*range(end - limit + new, end), *range(end, end + new)]
            end += new
            take(here, keys, position - before, limit)

    if is_fruitful:
        read_on(500)
    else:
        with pytest.raises(IterationLost, match="hardly any request"):
            read_on(500)


def test_reading_on_after_a_key_needs_that_key_alone() -> None:
    """However many windows it takes to find that key, and wherever its row is by now."""
    here = ListCursor(0, overlap=500, keep=40_000, after=120_700)
    for start in range(0, 120_000, 1000):
        assert here.next_window(500) == (start, 0)
        assert take(here, range(start, start + 1000), start, 1000) is None
    assert take(here, range(120_000, 121_000), 120_000, 1000) == [*range(120_701, 121_000)]
    assert here.next_window(500) == (120_700, 300)
    assert not here.ended


def test_once_the_key_to_start_after_is_found_windows_have_to_be_fruitful() -> None:
    here = ListCursor(0, overlap=4, keep=100, after=5)
    assert take(here, range(8), 0, 8) == [6, 7]
    with pytest.raises(IterationLost, match="hardly any request"):  # noqa: PT012
        for _ in range(100):
            assert take(here, [5, 6, 7], 4, 3) == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the list."""
    monkeypatch.setattr(changing_list_cursor, "_MOST_LANDMARKS", 300)
    here = ListCursor(0, overlap=4, keep=32)
    for start in range(0, 5000, 10):
        offset, known = here.next_window(4)
        take(here, range(offset, start + 10), offset, 10 + known)
        assert len(here._landmarks) < 310
    assert len(here._landmarks) >= 300
    assert len(here._returned) == 32


def test_rows_that_are_overtaken_by_more_than_memory_holds_end_in_iteration_lost() -> None:
    """They would be taken for new ones, although none of them moved."""
    here = ListCursor(0, overlap=4, keep=32)
    assert take(here, range(20), 0, 20) == [*range(20)]
    inserted = range(100, 140)
    assert take(here, [16, *inserted[:20]], 16, 21) == [*inserted[:20]]
    assert take(here, inserted[16:], 32, 24) == [*inserted[20:]]
    with pytest.raises(IterationLost, match="more rows are inserted where it stands"):
        take(here, [*inserted[36:], 17, 18, 19], 53, 7)


def test_rows_that_come_again_and_again_end_in_iteration_lost() -> None:
    """A loop that moves what it reads to the end of a list that is longer than memory would have no end."""
    here = ListCursor(0, overlap=4, keep=32)
    passes = 0
    with pytest.raises(IterationLost, match="again and again"):  # noqa: PT012
        for passes in range(10):
            for start in range(0, 1000, 10):
                keys = [number % 1000 for number in range(start - 4, start + 10)]
                values = [passes if number >= 0 else passes - 1 for number in range(start - 4, start + 10)]
                skip = 0 if passes or start else 4
                offset, known = here.next_window(4)
                here.take(keys[skip:], values[skip:], offset, 10 + known)
    assert passes == 2


def test_as_many_rows_may_come_again_as_windows_were_read() -> None:
    here = ListCursor(0, overlap=1, keep=1)
    assert take_moved(here, [("a", 1)], 0, 1) == ["a"]
    assert take_moved(here, [("a", 1), ("b", 2)], 0, 2) == ["b"]
    assert take_moved(here, [("b", 2), ("a", 3)], 0, 2) == ["a"]
    assert take_moved(here, [("a", 3), ("b", 4)], 0, 2) == ["b"]
    with pytest.raises(IterationLost, match="again and again"):
        take_moved(here, [("b", 4), ("a", 5)], 0, 2)
