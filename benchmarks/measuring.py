"""Measuring side by side: all contenders run in turn, so that other load on the machine affects all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from .world import World

OURS = "directus_orm"

Work = Callable[[], float]
"""Does the work once, and returns the measured value."""

# What is compared with the goal: our value divided by the other's, minus the other's, or our value itself.
Compared = Literal["ratio", "difference", "itself"]


@attrs.frozen
class Scenario:
    """One row of the table: what is measured, the contenders, and the goal.

    ``works`` returns the work of each contender in a world; this library's is called `OURS`. ``goals`` are by
    database; with ``at_most``, less is better. ``weight`` multiplies the rounds of short or close scenarios; 0
    runs it once.
    """

    name: str
    title: str
    unit: str
    works: Callable[[World], Mapping[str, Work]]
    goals: Mapping[str, float]
    at_most: bool = False
    compared: Compared = "ratio"
    weight: int = 1
    databases: tuple[str, ...] = ("sqlite", "postgres")

    def rounds(self, wanted: int) -> int:
        """Return the number of rounds."""
        return wanted * self.weight or 1


@attrs.frozen
class Comparison:
    """This library against another contender: the median of the rounds, the goal, and whether it is met."""

    other: str
    value: float
    goal: float | None
    met: bool | None


@attrs.frozen
class Result:
    """The result of a scenario on one database: the values of all rounds by contender, and the comparisons."""

    scenario: str
    title: str
    unit: str
    database: str
    compared: str
    values: dict[str, list[float]]
    comparisons: list[Comparison]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each contender."""
        return {name: median(values) for name, values in self.values.items()}


def measured(scenario: Scenario, world: World, rounds: int, tell: Callable[[str], None]) -> Result:
    """Run a scenario: every round runs all contenders, and each round begins with another one."""
    works = list(scenario.works(world).items())
    values: dict[str, list[float]] = {name: [] for name, _ in works}
    for number in range(scenario.rounds(rounds)):
        turn = number % len(works)
        for name, work in (*works[turn:], *works[:turn]):
            tell(f"{world.vendor}: {scenario.name}, round {number + 1}, {name}")
            values[name].append(work())
    return Result(
        scenario.name,
        scenario.title,
        scenario.unit,
        world.vendor,
        scenario.compared,
        values,
        _comparisons(scenario, world.vendor, values),
    )


def _comparisons(scenario: Scenario, vendor: str, values: Mapping[str, list[float]]) -> list[Comparison]:
    goal, ours = scenario.goals.get(vendor), values[OURS]
    if scenario.compared == "itself":
        return [_comparison(scenario, "", median(ours), goal)]
    return [
        _comparison(scenario, name, _compared(scenario.compared, ours, others), goal)
        for name, others in values.items()
        if name != OURS
    ]


def _compared(how: Compared, ours: list[float], others: list[float]) -> float:
    if how == "difference":
        return median(ours) - median(others)
    # Round by round, since both were measured under the same load.
    return median(one / other for one, other in zip(ours, others, strict=True))


def _comparison(scenario: Scenario, other: str, value: float, goal: float | None) -> Comparison:
    met = None if goal is None else (value <= goal if scenario.at_most else value >= goal)
    return Comparison(other, value, goal, met)
