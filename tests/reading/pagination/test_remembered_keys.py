"""What is remembered of the rows that were returned last, and which of them are where they were."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from directus_orm.reading.pagination.remembered_keys import RememberedKeys


def remembered(keys: str, keep: int = 100) -> RememberedKeys:
    """Return the memory of keys; the value of each is the key in upper case."""
    returned = RememberedKeys(keep)
    returned.add(keys, keys.upper())
    return returned


def order_of(returned: RememberedKeys) -> str:
    return "".join(returned._values)


@pytest.mark.parametrize(
    ("window", "values", "place"),
    [
        ("ab", "AB", 0),
        ("xab", "XAB", 1),
        ("xab", "X?B", 2),
        ("xab", "X??", None),
        ("xyz", "XYZ", None),
        ("", "", None),
    ],
)
def test_a_row_with_the_same_values_is_where_it_was(window: str, values: str, place: int | None) -> None:
    assert remembered("abcd").first_in_place(window, values) == place


def test_null_is_a_value() -> None:
    returned = RememberedKeys(10)
    returned.add(["a"], [None])
    assert returned.first_in_place(["x", "a"], [None, None]) == 1


def test_the_first_key_may_be_anywhere() -> None:
    """Its row was read some other time; its values are not known."""
    returned = RememberedKeys(10, "a")
    assert returned.first_in_place("xa", "XY") == 1
    assert not returned.are_complete
    returned.add("ab", "AB")
    assert returned.first_in_place("a", "Y") is None


@pytest.mark.parametrize(
    ("window", "ahead", "expected"),
    [
        ("cdexy", "", "abfghcdexy"),  # f, g and h were deleted, or have moved
        ("cdexy", "fgh", "abcdexyfgh"),
        ("cdfxy", "fgh", "abecdfxygh"),
        ("xy", "abcdefgh", "xyabcdefgh"),
        ("", "", "abcdefgh"),
    ],
)
def test_keys_of_a_window_come_last_but_for_those_ahead(window: str, ahead: str, expected: str) -> None:
    returned = remembered("abcdefgh")
    returned.add(window, window.upper(), [*ahead])
    assert order_of(returned) == expected
    places = {key: returned.first_in_place(key, key.upper()) for key in expected}
    assert [key for key, place in places.items() if place is None] == [key for key in ahead if key not in window]


@pytest.mark.parametrize(
    ("window", "values", "after"),
    [
        ("cd", "CD", "efgh"),
        ("cxd", "CX?", "defgh"),
        ("gh", "GH", ""),
        ("xy", "XY", "abcdefgh"),
        ("ab", "??", "abcdefgh"),
    ],
)
def test_what_came_after_a_window(window: Sequence[str], values: Sequence[str], after: str) -> None:
    """After the last of its rows that did not move."""
    assert "".join(remembered("abcdefgh").after_window(window, values)) == after


def test_unknown_keys() -> None:
    assert remembered("abcd").unknown("xaby") == ["x", "y"]


def test_the_last_keys_are_remembered() -> None:
    returned = remembered("abcd", keep=4)
    assert returned.are_complete
    assert len(returned) == 4
    returned.add("cde", "CDE")
    assert (order_of(returned), returned.last) == ("bcde", [*"cde"])
    assert not returned.are_complete
    assert returned.unknown("ab") == ["a"]
