"""How long reads and writes report their progress."""

from __future__ import annotations

import doctest
import sys
from typing import Any

import pytest

from directus_orm import ConfigurationError
from directus_orm.core import progress
from directus_orm.core.progress import checked, reporting


def test_the_example_of_the_docstring_runs() -> None:
    found = doctest.testmod(progress)
    assert found.attempted
    assert not found.failed


def test_a_function_gets_the_number_done_and_the_total() -> None:
    told: list[tuple[int, int]] = []
    with reporting(lambda *numbers: told.append(numbers), lambda: 5) as advance:
        advance(2)
        advance(3)
    assert told == [(2, 5), (5, 5)]


@pytest.mark.parametrize("nobody", [None, False])
def test_without_progress_the_total_is_not_requested(nobody: bool | None) -> None:
    def total() -> int:
        raise AssertionError

    with reporting(nobody, total) as advance:
        advance(2)


def test_a_bar_shows_numbers_unit_and_label(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(True, 200, unit="keys", label="flights") as advance:
        advance(200)
    printed = capsys.readouterr()
    assert not printed.out
    assert all(part in printed.err for part in ("flights: 100%", "200/200", " keys/s"))


def test_a_bar_is_closed_where_the_loop_breaks_off(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one of a generator that is closed: an open bar draws over what is printed next."""

    def loop() -> Any:
        with reporting(True, 9) as advance:
            while True:
                yield advance(3)

    rows = loop()
    next(rows)
    assert not capsys.readouterr().err.endswith("\n")
    rows.close()
    assert capsys.readouterr().err.endswith("\n")
    with pytest.raises(LookupError), reporting(True, 9):
        raise LookupError
    assert capsys.readouterr().err.endswith("\n")


@pytest.mark.parametrize("wrong", ["yes", 1, 0, object()])
def test_a_wrong_progress_argument_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"progress is True, or a function that takes \(done, total\)"):
        checked(wrong)
    with pytest.raises(TypeError), reporting(wrong, 9):
        pass


def test_a_bar_without_tqdm_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'directus_orm\[progress\]'"):
        checked(True)
    assert checked(print) is print
