"""The memory of an export does not grow with the number of rows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection

ROWS, LETTERS = 20_000, 300
# All rows at once would take more than twice as much.
MOST_GROWTH = 8_000_000

# The peak of this process alone: `ru_maxrss` would begin with that of the process that started it.
EXPORT = """
import os, sys
from pathlib import Path
from directus_orm import Session

def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024

with Session(os.environ["EXPORT_URL"], token=os.environ["EXPORT_TOKEN"], timeout=300) as session:
    collection, path, progress = sys.argv[1:]
    items = session.items(collection)
    items.export(path, limit=5000)
    before = peak()
    count = items.export(path, progress=True if progress == "bar" else None)
    print(count, peak() - before)
"""


def exported(server: DirectusServer, collection: str, path: Path, progress: str = "none") -> tuple[int, int]:
    """Export a collection in a process of its own; return the number of rows, and the growth of its memory."""
    environment = {**os.environ, "EXPORT_URL": server.url, "EXPORT_TOKEN": server.token}
    command = [sys.executable, "-c", EXPORT, collection, str(path), progress]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    count, growth = map(int, done.stdout.split())
    return count, growth


@pytest.fixture(scope="module")
def many_rows(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    """Twenty thousand rows, written into the database itself."""
    make_collection(directus_server, "exported_many", column("text", "text"))
    with directus_server.database.connect() as connection:
        connection.execute("BEGIN")
        rows = ((f"{n:0{LETTERS}}",) for n in range(ROWS))
        connection.executemany("INSERT INTO exported_many (text) VALUES (?)", rows)
        connection.execute("COMMIT")
    yield directus_server
    drop_collection(directus_server, "exported_many")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "xml"])
def test_twenty_thousand_rows_take_the_memory_of_a_few_pages(
    many_rows: DirectusServer, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"rows.{suffix}"
    count, growth = exported(many_rows, "exported_many", path)
    assert count == ROWS
    assert path.stat().st_size > ROWS * LETTERS
    assert growth < MOST_GROWTH
