"""Reads 100,000 rows without a model while another process writes: ``make test-large``."""

from __future__ import annotations

import os
import sys
import time

ROWS = 100_000
os.environ["READING_ROWS"] = str(ROWS)

from directus_orm import Session  # noqa: E402 - the environment is read when the tests are imported
from directus_orm.testing import DirectusServer, start  # noqa: E402
from tests.promises import test_reading_beside_writers as beside  # noqa: E402

ORDERS = ("pk", "-grade", "grade,-name,at")


def main() -> None:
    """Read in several orders; fail if a row that stays is missing, comes twice or out of order."""
    with start("12") as server, beside.tables(server), beside.writing(server, "counted"):
        for order in ORDERS:
            began = time.monotonic()
            count = read(server, order)
            seconds = time.monotonic() - began
            sys.stdout.write(f"by {order}: {count:,} rows in {seconds:.0f} s, each that stays once and in order\n")


def read(server: DirectusServer, order: str) -> int:
    """Return the number of rows that were read."""
    stay = {str(beside.KEYS["counted"](n)) for n in range(0, beside.ROWS, 4)}
    with Session(server.url, token=server.token) as session:
        rows = session.items("counted").read_all(sort=order.replace("pk", "id"), fields="id,note")
        keys = [str(row["id"]) for row in rows]
    assert [key for key in keys if key in stay] == beside.in_sql(server, "counted", order)
    return len(keys)


if __name__ == "__main__":
    main()
