"""Sends and receives 300 MB, whole and in parts, in the memory of a few pieces: ``make test-large``."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from directus_orm.testing import DirectusServer, start

SIZE = 300 << 20
MOST_GROWTH = 60 << 20

# The peak of this process alone: `ru_maxrss` would begin with that of the process that started it.
TRANSFER = """
import os, sys
from pathlib import Path
from directus_orm import Session
from directus_orm.system import File

def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024

with Session(os.environ["LARGE_URL"], token=os.environ["LARGE_TOKEN"], timeout=300) as session:
    File.objects.upload(b"small").delete()
    before = peak()
    source, sink = map(Path, sys.argv[1:3])
    opened = source.open("rb")
    content = source if sys.argv[3] == "path" else iter(lambda: opened.read(1 << 18), b"")
    file = File.objects.upload(content, filename="large.bin")
    up = peak() - before
    file.download(to=sink)
    print(up, peak() - before, file.filesize)
    file.delete()
"""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def transfer(server: DirectusServer, folder: Path, way: str) -> None:
    """Send a file and fetch it in a process of its own; fail if it differs, or if the memory grew."""
    source, sink = folder / "source.bin", folder / "sink.bin"
    environment = {**os.environ, "LARGE_URL": server.url, "LARGE_TOKEN": server.token}
    command = [sys.executable, "-c", TRANSFER, str(source), str(sink), way]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    up, both, size = map(int, done.stdout.split())
    assert size == SIZE
    assert digest(source) == digest(sink)
    sys.stdout.write(f"by {way}: {up / 1e6:.1f} MB of memory above the start up, {both / 1e6:.1f} MB down\n")
    assert both < MOST_GROWTH


def main() -> None:
    """Send from a path and from an iterator, to a server that takes files whole and to one that takes parts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "source.bin").open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        for env in ({}, {"TUS_ENABLED": "true"}):
            sys.stdout.write(f"300 MB {'in parts' if env else 'whole'}\n")
            with start("12", env=env) as server:
                for way in ("path", "iterator"):
                    transfer(server, folder, way)


if __name__ == "__main__":
    main()
