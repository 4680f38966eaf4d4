"""Installs a pinned version of Directus from npm, once per machine, into a cache outside of any checkout."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import VersionNotInstallable
from .node import Node, find_node, tail
from .progress import progress

DEFAULT_VERSION = "12.4.0"
VERSIONS = {"12": DEFAULT_VERSION, "11": "11.17.4", "10": "10.13.4"}

# The isolated-vm that Directus 10 requires does not build on Node 22; the next version does.
_OVERRIDES = {"10": {"isolated-vm": "5.0.3"}}


def install(version: str = DEFAULT_VERSION) -> Path:
    """Install Directus from npm unless it is in the cache, and return its folder.

    ``version`` is a full one (``"12.4.0"``) or a major one: ``"12"``, ``"11"``, ``"10"``. The first time
    takes 3 to 5 minutes and 750 MB, and shows its progress on stderr. Several processes may call it at the
    same time: one installs, the others wait.

    The cache is ``DIRECTUS_ORM_CACHE``, else ``directus_orm`` in ``XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        NodeNotFound: there is no Node.js to run it with.
        NpmNotFound: there is no npm to install it with.
        VersionNotInstallable: the version does not exist, or npm failed; the error shows the end of npm's output.
    """
    exact = exact_version(version)
    node = find_node()
    folder = installation(exact, node)
    if folder.is_dir():
        return folder
    with lock(folder) as descriptor:
        if not folder.is_dir():  # else another process installed it while this one waited
            _install(exact, node, folder, descriptor)
    return folder


def command_line(folder: Path) -> str:
    """Return the script that runs the Directus installed in ``folder``."""
    # Not directus/cli.js, which first asks the npm registry for updates: that delays every start,
    # by 8 seconds on a machine without a network.
    modules = folder / "node_modules"
    script = modules / "@directus/api/dist/cli/run.js"
    return str(script if script.is_file() else modules / "directus/cli.js")


def exact_version(version: str) -> str:
    """Return the full version that ``version`` stands for."""
    full_version = VERSIONS.get(version, version)
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", full_version):
        choices = ", ".join(f"{short!r} ({full})" for short, full in VERSIONS.items())
        msg = f"{version!r} is not a version of Directus. Say {choices}, or a full one such as '12.4.0'."
        raise VersionNotInstallable(msg)
    return full_version


def cache_folder() -> Path:
    """Return the folder of installed servers."""
    if named := os.environ.get("DIRECTUS_ORM_CACHE"):
        return Path(named).expanduser().absolute()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "directus_orm"
    return Path.home() / ".cache" / "directus_orm"


def installation(version: str, node: Node) -> Path:
    """Return the folder of one installation, whose native parts work with this Node.js and machine only."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return cache_folder() / "directus" / f"{version}-node{node.version[0]}-{machine}"


@contextmanager
def lock(target: Path) -> Iterator[int]:
    """Hold the lock of a path in the cache; other processes wait. The lock of a dead process is released.

    Yields the file descriptor: a child process that inherits it holds the lock as well, as long as it lives.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(target.name + ".lock").open("w") as file:
        if not _try_lock(file.fileno()):
            with progress("Waiting for another process that prepares the same Directus", after=1.0):
                while not _try_lock(file.fileno()):
                    time.sleep(0.1)
        yield file.fileno()  # closing the file releases the lock


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _install(version: str, node: Node, folder: Path, descriptor: int) -> None:
    npm = node.npm()
    # No other process works here, because of the lock, so the remains of a killed install can be removed.
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    package = {
        "name": "directus-for-tests",
        "private": True,
        "dependencies": {"directus": version},
        "overrides": _OVERRIDES.get(version.partition(".")[0], {}),
    }
    (partial / "package.json").write_text(json.dumps(package, indent=2))
    step = f"Installing Directus {version} into {folder} (once; 3 to 5 minutes, 750 MB)"
    with progress(step):
        _run_npm([*npm, "install"], version, node, partial, descriptor)
    partial.rename(folder)


def _run_npm(command: list[str], version: str, node: Node, folder: Path, descriptor: int) -> None:
    options = ["--omit=dev", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
    log = folder / "npm.log"
    with log.open("wb") as output:
        process = subprocess.run(  # noqa: S603 - npm, with arguments of our own
            [*command, *options],
            cwd=folder,
            env={**os.environ, **node.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            pass_fds=[descriptor],  # an npm that outlives this process still works in the folder
        )
    if process.returncode or not (folder / "node_modules/directus/cli.js").is_file():
        printed = tail(log)
        shutil.rmtree(folder, ignore_errors=True)
        msg = (
            f"npm could not install Directus {version} (it ended with {process.returncode}). "
            f"If the version exists, the network or a compiler for its native parts may be missing. npm said:"
        )
        raise VersionNotInstallable(msg, log=printed)
