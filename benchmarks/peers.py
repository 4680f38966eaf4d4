"""Other libraries, each in a process of its own that measures itself, with the code in `loops`.

They are installed once, into the cache of `directus_orm.testing`. None of them is imported here, since py-directus
changes the json module of its whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from directus_orm.testing.installing import cache_folder
from directus_orm.testing.node import find_node

LOOPS = Path(__file__).parent / "loops"
PYTHON = {
    "py-directus": ("py_directus_loop.py", ("py-directus==0.0.30",)),
    "directus-py-sdk": ("directus_py_sdk_loop.py", ("directus-py-sdk==1.2.0",)),
}
SDK = "@directus/sdk"
SDK_VERSION = "26.0.0"
NAMES = (*PYTHON, SDK)


@attrs.frozen
class Peer:
    """A running process that is told how many flights to read, and reports the rows and the seconds."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def start(cls, name: str, url: str, token: str) -> Iterator[Peer]:
        """Install the library, start the process, and end it."""
        command, folder = _javascript() if name == SDK else _python(name)
        environment = {**os.environ, "BENCH_URL": url, "BENCH_TOKEN": token}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
            try:
                yield cls(process)
            finally:
                process.terminate()

    def read(self, rows: int) -> float:
        """Let it read the first rows; return the rows per second."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{rows}\n")
        self.process.stdin.flush()
        report = json.loads(self.process.stdout.readline())
        assert report["rows"] == rows, report
        return float(rows / report["seconds"])


def _python(name: str) -> tuple[list[str], Path]:
    loop, packages = PYTHON[name]
    folder = cache_folder() / "benchmarks" / name
    python, done = folder / "bin/python", folder / "done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stdout=sys.stderr)
        done.touch()
    return [str(python), str(LOOPS / loop)], folder


def _javascript() -> tuple[list[str], Path]:
    node = find_node()
    folder = cache_folder() / "benchmarks" / "sdk"
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        install = [*node.npm(), "install", "--no-audit", "--no-fund", f"{SDK}@{SDK_VERSION}"]
        environment = {**os.environ, **node.environment}
        subprocess.run(install, cwd=folder, env=environment, check=True, stdout=sys.stderr)
        done.touch()
    # Node looks for packages beside the script, not where it is started.
    script = folder / "sdk_loop.mjs"
    script.write_text((LOOPS / "sdk_loop.mjs").read_text())
    return [str(node.executable), str(script)], folder
