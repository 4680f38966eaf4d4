"""How much memory a scan of all flights adds to a process that does nothing else. `reading.memory` runs it.

It measures resident memory every 1,000 rows (on Linux), above the resident memory after the first page.
"""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path

from demo.models import Flight
from directus_orm import Session

FIRST_PAGE, OFTEN = 100, 1000


def resident() -> int:
    """Return the bytes of resident memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def main() -> None:
    """Scan all flights, and print the megabytes that it added."""
    with Session(os.environ["BENCH_URL"], token=os.environ["BENCH_TOKEN"]):
        rows = Flight.objects.iterator()
        for _ in islice(rows, FIRST_PAGE):
            pass
        before = peak = resident()
        for number, _ in enumerate(rows):
            if number % OFTEN == 0:
                peak = max(peak, resident())
    sys.stdout.write(f"{(peak - before) / 1e6}\n")


if __name__ == "__main__":
    main()
