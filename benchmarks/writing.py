"""Writing: rows in bulk, against bare POSTs of several sizes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

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

    def post(rows: list[dict[str, Any]]) -> int:
        answer = world.http.post(f"{world.server.url}/items/new_flights", json=rows, params={"limit": len(rows)})
        answer.raise_for_status()
        return len(answer.json()["data"])

    def bare(size: int) -> Work:
        def work() -> int:
            return sum(post(bodies[start : start + size]) for start in range(0, ROWS, size))

        return lambda: rate(ROWS, work)

    post(bodies[:1000])  # what the server does at the first write is not measured
    return {OURS: ours, **{f"POSTs of {size}": bare(size) for size in SIZES}}


SCENARIOS = (
    Scenario(
        "bulk-create",
        "bulk_create() of 10,000, against each size of POST",
        "rows/s",
        bulk_create,
        {"sqlite": 0.95, "postgres": 0.95},
        weight=2,
    ),
)
