"""Writing: rows in bulk, against bare POSTs of several sizes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from demo.data import table

from .measuring import OURS, Scenario, Work
from .reading import rate
from .world import NewFlight, World

ROWS = 10_000
SIZES = (500, 1000, 2000)


def bulk_create(world: World) -> Mapping[str, Work]:
    given = list(islice(table("flights"), ROWS))
    bodies = [NewFlight.from_dict(row, json=True).to_dict(json=True) for row in given]

    def ours() -> float:
        flights = [NewFlight.from_dict(row, json=True) for row in given]
        return rate(ROWS, lambda: len(NewFlight.objects.using(world.session).bulk_create(flights)))

    def bare(size: int) -> Work:
        def work() -> int:
            made = 0
            for start in range(0, ROWS, size):
                answer = world.http.post(
                    f"{world.server.url}/items/new_flights",
                    json=bodies[start : start + size],
                    params={"limit": size},
                )
                answer.raise_for_status()
                made += len(answer.json()["data"])
            return made

        return lambda: rate(ROWS, work)

    return {OURS: ours, **{f"POSTs of {size}": bare(size) for size in SIZES}}


SCENARIOS = (
    Scenario(
        "bulk-create",
        "bulk_create() of 10,000, against each size of POST",
        "rows/s",
        bulk_create,
        {"sqlite": 0.95, "postgres": 0.95},
    ),
)
