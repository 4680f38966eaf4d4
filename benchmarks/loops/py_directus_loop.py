"""The first flights by py-directus, as its own pydantic models, in pages of 1,000 by key."""

import asyncio
import json
import os
import sys
import time
from datetime import datetime

from py_directus import Directus, F
from pydantic import BaseModel, ConfigDict


class Flight(BaseModel):
    """A flight."""

    model_config = ConfigDict(collection="flights")

    id: int
    carrier: str
    origin: str
    dest: str
    tailnum: str | None = None
    year: int
    month: int
    day: int
    dep_time: int | None = None
    sched_dep_time: int
    dep_delay: int | None = None
    arr_time: int | None = None
    sched_arr_time: int
    arr_delay: int | None = None
    flight: int
    air_time: int | None = None
    distance: int
    hour: int
    minute: int
    time_hour: datetime


async def main() -> None:
    """Read when told how many rows."""
    directus = await Directus(os.environ["BENCH_URL"], token=os.environ["BENCH_TOKEN"])
    for line in sys.stdin:
        wanted, rows, last = int(line), 0, 0
        begun = time.perf_counter()
        while rows < wanted:
            page = await directus.collection(Flight).filter(F(id__gt=last)).sort("id").limit(1000).read()
            flights = page.items
            if not flights:
                break
            rows, last = rows + len(flights), flights[-1].id
        told = {"rows": rows, "seconds": time.perf_counter() - begun}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


asyncio.run(main())
