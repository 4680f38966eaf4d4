"""The arithmetic of the benchmarks: what is compared, and when a goal is met. What they measure is not tested."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.__main__ import SCENARIOS
from benchmarks.measuring import OURS, Result, Scenario, Work, measured


class Place:
    vendor = "sqlite"


def run(values: Mapping[str, list[float]], rounds: int = 3, **options: Any) -> Result:
    works: dict[str, Work] = {name: iter(numbers).__next__ for name, numbers in values.items()}
    scenario = Scenario("all-flights", "all flights", "rows/s", lambda _: works, **options)
    return measured(scenario, Place(), rounds, lambda _: None)  # type: ignore[arg-type]


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    result = run({OURS: [10, 30, 20], "bare": [10, 15, 5]}, goals={"sqlite": 2.0})
    (found,) = result.comparisons
    assert (found.other, found.value, found.met) == ("bare", 2.0, True)
    assert result.medians == {OURS: 20, "bare": 10}


def test_less_is_better_where_it_is_said() -> None:
    times: Mapping[str, list[float]] = {OURS: [3, 3, 3], "bare": [2, 2, 2]}
    assert run(times, goals={"sqlite": 1.3}, at_most=True).comparisons[0].met is False
    assert run(times, goals={"sqlite": 1.3}, at_most=True, compared="difference").comparisons[0].met is True
    assert run(times, goals={"sqlite": 1.3}, at_most=True, compared="itself").comparisons[0].value == 3
    assert run(times, goals={"postgres": 1.3}).comparisons[0].met is None


def test_in_each_round_another_one_begins() -> None:
    turns: list[str] = []

    def work(name: str) -> Work:
        def turn() -> float:
            turns.append(name)
            return 1.0

        return turn

    scenario = Scenario("x", "x", "s", lambda _: {OURS: work("a"), "b": work("b")}, {})
    measured(scenario, Place(), 2, lambda _: None)  # type: ignore[arg-type]
    assert turns == ["a", "b", "b", "a"]


def test_what_is_long_runs_once_and_what_is_short_often() -> None:
    assert [SCENARIOS[name].rounds(3) for name in ("memory", "all-flights", "get")] == [1, 6, 300]


def test_the_report_has_every_number() -> None:
    results = [run({OURS: [1200.0], "a <peer>": [600.0]}, 1, goals={"sqlite": 1.0})]
    assert "all flights  sqlite  1,200 rows/s  a <peer>  600 rows/s  2         1     met" in report.as_text(
        results
    )
    assert "| all flights | sqlite | 1,200 rows/s | a <peer> | 600 rows/s | 2 | 1 | met |" in report.as_markdown(
        results
    )
    told = json.loads(report.as_json(results, "12.4.0"))
    assert told["results"][0]["values"] == {OURS: [1200.0], "a <peer>": [600.0]}
    texts = [
        text.text
        for text in ElementTree.fromstring(report.as_svg(results)).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert texts == ["Rows a second, Directus on sqlite", OURS, "1,200", "a <peer>", "600"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_has_a_goal_where_it_runs(name: str) -> None:
    assert set(SCENARIOS[name].goals) == set(SCENARIOS[name].databases)
