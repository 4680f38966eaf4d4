"""Many loops that are left and many small requests: threads, open files and memory are as before.

`make test-soak` leaves 2,000 loops and sends 100,000 requests.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from directus_orm import Session
from tests.worlds.flights import Airline, Flight

LOOPS = int(os.environ.get("SOAK_LOOPS", "60"))
REQUESTS = int(os.environ.get("SOAK_REQUESTS", "300"))
ORDERS = ("id", "-id", "dep_delay")


def resources() -> tuple[int, int, float]:
    """Return the numbers of threads and of open files of this process, and its memory in MB."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), memory / 1024


def leave_one(number: int) -> None:
    """Leave a loop over many rows somewhere, in one order or another, with and without rows that are kept."""
    rows: Any = Flight.objects.order_by(ORDERS[number % 3])
    for place, _ in enumerate(rows if number % 2 else rows.iterator()):
        if place == 20 + number % 90:
            return


async def leave_one_async(number: int) -> None:
    rows: Any = Flight.objects.order_by(ORDERS[number % 3])
    place = 0
    async for _ in rows if number % 2 else rows.aiterator():
        place += 1
        if place == 20 + number % 90:
            return


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system tells nothing of open files")
def test_many_loops_that_are_left_and_many_requests_leave_nothing_behind(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.page_size = 20

    async def leave_some(first: int) -> None:
        for number in range(first, first + 10):
            await leave_one_async(number)

    def work(loops: int, requests: int) -> None:
        for number in range(0, loops, 20):
            for step in range(10):
                leave_one(number + step)
            asyncio.run(leave_some(number + 10))
        for _ in range(requests):
            Airline.objects.count()
        deadline = time.monotonic() + 5
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.01)

    threads = threading.active_count()
    work(20, 100)  # what is made once
    before = resources()
    started = time.monotonic()
    work(LOOPS, REQUESTS)
    after = resources()
    with capsys.disabled():
        if "SOAK_LOOPS" in os.environ:
            took = f"{time.monotonic() - started:.0f} s"
            print(f"\n{LOOPS} loops left, {REQUESTS} requests, {took}: {before} -> {after}")
    assert after[0] == threads
    assert after[1] <= before[1] + 1
    assert after[2] < before[2] + 8
    assert Flight.objects.count() == 260
