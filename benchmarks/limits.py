"""Where the time of a scan goes, server and library: ``python -m benchmarks.limits postgres://postgres@127.0.0.1:5432``.

It measures what the server alone needs for a page of each size: no client that requests one page after another can
be faster. And it measures what the library needs for a row while nothing else runs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import linear_regression, median
from typing import Any

from demo.models import Flight
from directus_orm.core.json_codec import loads
from directus_orm.instances.hydration import RowLoader
from directus_orm.instances.state import PageBatch

from .world import World, world

SIZES = (100, 1000, 2000, 3000, 4000)
TIMES = 25


def page(place: World, size: int, start: int) -> bytes:
    """Return the body of a page."""
    params: dict[str, Any] = {"sort": "id", "limit": size, "filter": json.dumps({"id": {"_gt": start}})}
    response = place.http.get(f"{place.server.url}/items/flights", params=params, stream=True)
    response.raise_for_status()
    return bytes(response.raw.read())


def milliseconds(work: Callable[[], Any]) -> float:
    """Return the median time of the work."""
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return median(times)


def server(place: World) -> dict[int, float]:
    """Return how long the server needs for a page of each size."""
    starts = iter(range(0, 10**9, 2000))
    return {size: milliseconds(lambda size=size: page(place, size, next(starts))) for size in SIZES}  # type: ignore[misc]


def ours(place: World) -> dict[str, float]:
    """Return how long each step of the library takes for a row, in microseconds."""
    body = page(place, 2000, 0)
    rows = loads(body)["data"]
    load = RowLoader(Flight, [(field,) for field in Flight.directus.fields.values()])

    def instances() -> list[Any]:
        batch = PageBatch(place.session, Flight)
        return [load(row, batch) for row in rows]

    parts: dict[str, Callable[[], Any]] = {
        "JSON by json": lambda: json.loads(body),
        "JSON as it is decoded here": lambda: loads(body),
        "instances": instances,
    }
    return {name: milliseconds(work) / 2 for name, work in parts.items()}


def main() -> None:
    """Measure, and print the results."""
    with world(sys.argv[1] if len(sys.argv) > 1 else "sqlite") as place:
        pages, parts = server(place), ours(place)
    line = linear_regression(list(pages), list(pages.values()))
    for size, taken in pages.items():
        sys.stdout.write(f"a page of {size:5,}: {taken:6.1f} ms, at most {1000 * size / taken:7,.0f} rows/s\n")
    sys.stdout.write(f"a request: {line.intercept:.1f} ms; a row: {1000 * line.slope:.1f} µs\n")
    for name, taken in parts.items():
        sys.stdout.write(f"{name}: {taken:.1f} µs a row\n")


if __name__ == "__main__":
    main()
