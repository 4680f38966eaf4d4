"""Reading: all flights and parts of them, against bare requests, other libraries, and the clock."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from demo.models import Flight, Plane

from .measuring import OURS, Scenario, Work
from .peers import NAMES
from .world import FLIGHTS, World

PART = 100_000
"""The number of rows in comparisons with slow contenders; a scan by key is equally fast everywhere."""

FEW, MANY = 100, 1000
Rows = list[dict[str, Any]]


def rate(rows: int, work: Callable[[], int]) -> float:
    """Return the rows per second."""
    started = time.perf_counter()
    read = work()
    seconds = time.perf_counter() - started
    assert read == rows, f"{read} rows instead of {rows}"
    return rows / seconds


def seconds(work: Callable[[], Any]) -> float:
    """Return how long the work took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ours(world: World, rows: int) -> Work:
    """Read the first flights as instances."""

    def work() -> int:
        return sum(1 for _ in islice(Flight.objects.using(world.session).iterator(), rows))

    return lambda: rate(rows, work)


def pages_by_key(world: World) -> Iterator[Rows]:
    """Yield the pages of the bare loop: requests and json.loads, nothing else."""
    last = 0
    while page := _bare(world, sort="id", limit=MANY, filter=json.dumps({"id": {"_gt": last}})):
        yield page
        last = page[-1]["id"]


def pages_by_offset(world: World, size: int, sort: str = "id") -> Iterator[Rows]:
    """Yield the pages of the loop that one writes first: by offset."""
    offset = 0
    while page := _bare(world, sort=sort, limit=size, offset=offset):
        yield page
        offset += size


def _bare(world: World, **params: Any) -> Rows:
    rows: Rows = json.loads(world.get("/items/flights", **params))["data"]
    return rows


def rows_of(pages: Iterator[Rows], rows: int) -> int:
    """Read pages until there are enough rows; return the number of rows."""
    read = 0
    for page in pages:
        read += len(page)
        if read >= rows:
            break
    return read


def all_flights(world: World) -> Mapping[str, Work]:
    return {
        OURS: ours(world, FLIGHTS),
        "bare loop": lambda: rate(FLIGHTS, lambda: rows_of(pages_by_key(world), FLIGHTS)),
    }


def without_model(world: World) -> Mapping[str, Work]:
    """Read the first flights as dicts, as the bare loop does."""

    def work() -> int:
        return sum(1 for _ in world.session.items("flights").read_all(limit=PART))

    return {
        OURS: lambda: rate(PART, work),
        "bare loop": lambda: rate(PART, lambda: rows_of(pages_by_key(world), PART)),
    }


def naive(world: World) -> Mapping[str, Work]:
    return {
        OURS: ours(world, PART),
        "naive loop": lambda: rate(PART, lambda: rows_of(pages_by_offset(world, FEW), PART)),
    }


def peers(world: World) -> Mapping[str, Work]:
    others: dict[str, Work] = {name: _peer(world, name) for name in NAMES}
    for work in others.values():
        work()  # what it loads and opens at first is not measured
    return {OURS: ours(world, PART), **others}


def _peer(world: World, name: str) -> Work:
    peer = world.peer(name)
    return lambda: peer.read(PART)


def ordered(world: World) -> Mapping[str, Work]:
    def work() -> int:
        return sum(1 for _ in Flight.objects.using(world.session).order_by("dep_delay").iterator())

    return {
        OURS: lambda: rate(FLIGHTS, work),
        "offset loop": lambda: rate(
            FLIGHTS, lambda: rows_of(pages_by_offset(world, MANY, "dep_delay,id"), FLIGHTS)
        ),
    }


def memory(world: World) -> Mapping[str, Work]:
    """The memory that a scan adds to a process of its own."""
    environment = {**os.environ, "BENCH_URL": world.server.url, "BENCH_TOKEN": world.server.token}

    def work() -> float:
        command = [sys.executable, "-m", "benchmarks.memory"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return {OURS: work}


def first_row(world: World) -> Mapping[str, Work]:
    return {
        OURS: lambda: 1000 * seconds(lambda: next(iter(Flight.objects.using(world.session)))),
        "bare request": lambda: 1000 * seconds(lambda: _bare(world, sort="id", limit=FEW)),
    }


def depth(world: World) -> Mapping[str, Work]:
    """The seconds of the last 10 pages of a scan, divided by those of the first 10."""

    def work() -> float:
        times = [time.perf_counter()]
        for number, _ in enumerate(Flight.objects.using(world.session).iterator(page_size=MANY), 1):
            if number % MANY == 0:
                times.append(time.perf_counter())
        return (times[-1] - times[-11]) / (times[10] - times[0])

    return {OURS: work}


def get(world: World) -> Mapping[str, Work]:
    """A row by its key, and the same request barely."""
    flights = Flight.objects.using(world.session)
    with world.session.capture() as sent:
        flights.get(pk=1)
    (entry,) = sent
    path, params = entry.request.path, dict(entry.request.params)
    chosen = random.Random(5)

    def bare() -> Any:
        key = chosen.randint(1, FLIGHTS)
        return json.loads(world.get(path, **{**params, "filter": json.dumps({"id": {"_eq": key}})}))

    return {
        OURS: lambda: 1000 * seconds(lambda: flights.get(pk=chosen.randint(1, FLIGHTS))),
        "bare request": lambda: 1000 * seconds(bare),
    }


def relation(world: World) -> Mapping[str, Work]:
    """A relation of each of 1,000 instances: touched, and fetched barely, one by one."""
    flights = Flight.objects.using(world.session).exclude(tailnum=None).order_by("id")[:MANY]
    route = f"/items/{Plane.directus.collection}"

    def planes() -> Iterator[Plane]:
        return (flight.tailnum for flight in flights.all() if flight.tailnum is not None)

    def touched() -> int:
        return len([plane.manufacturer for plane in planes()])

    def one_by_one() -> int:
        return len([json.loads(world.get(f"{route}/{plane.pk}"))["data"]["manufacturer"] for plane in planes()])

    return {OURS: lambda: rate(MANY, touched), "one by one": lambda: rate(MANY, one_by_one)}


SCENARIOS = (
    Scenario(
        "all-flights",
        "all flights as instances",
        "rows/s",
        all_flights,
        {"sqlite": 0.97, "postgres": 1.25},
        weight=2,
    ),
    Scenario(
        "without-model",
        "the same, first 100,000, as dicts: items().read_all()",
        "rows/s",
        without_model,
        {"sqlite": 1.0, "postgres": 1.2},
        weight=2,
    ),
    Scenario(
        "naive",
        "the same, first 100,000: 100 a page by offset",
        "rows/s",
        naive,
        {"sqlite": 2.3, "postgres": 2.3},
        weight=0,
    ),
    Scenario(
        "peers",
        "the same, first 100,000: 1,000 a page by key",
        "rows/s",
        peers,
        {"sqlite": 1.0, "postgres": 1.2},
        weight=2,
    ),
    Scenario(
        "memory",
        "memory of a scan, above that after the first page",
        "MB",
        memory,
        {"sqlite": 25, "postgres": 25},
        at_most=True,
        compared="itself",
        weight=0,
    ),
    Scenario(
        "first-row", "the first row", "ms", first_row, {"sqlite": 1.3, "postgres": 1.3}, at_most=True, weight=20
    ),
    Scenario(
        "ordered",
        "all flights by dep_delay: nullable, unindexed",
        "rows/s",
        ordered,
        {"postgres": 4.0},
        weight=0,
        databases=("postgres",),
    ),
    Scenario(
        "depth",
        "the last 10 pages of a scan, over the first 10",
        "times",
        depth,
        {"sqlite": 1.2, "postgres": 1.2},
        at_most=True,
        compared="itself",
        weight=0,
    ),
    Scenario(
        "get",
        "get(pk=…): time above the request's",
        "ms",
        get,
        {"sqlite": 0.3, "postgres": 0.3},
        at_most=True,
        compared="difference",
        weight=100,
    ),
    Scenario(
        "relation",
        "1,000 instances, a relation of each read",
        "rows/s",
        relation,
        {"sqlite": 50, "postgres": 50},
    ),
)
