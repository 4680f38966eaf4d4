"""A real Directus for tests, started from Python, and stopped at the latest when this Python process ends."""

from __future__ import annotations

import atexit
import http.client
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
import weakref
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

from ..core.errors import ConfigurationError
from ..core.masking import MASK
from . import databases
from .databases import Database
from .errors import DatabaseUnavailable, PortTaken, ServerDied, ServerNotReady
from .installing import DEFAULT_VERSION, command_line, exact_version, install, lock
from .node import NodeProcess, find_node, tail
from .progress import progress

HOST = "127.0.0.1"
EMAIL = "admin@example.com"
PASSWORD = "directus-orm"  # noqa: S105 - of a throwaway server on the loopback interface; the token is random
_PORT_ATTEMPTS = 5
_TEMPLATE = "template-1.db"  # increase the number when the bootstrapped content changes

_ENVIRONMENT = {
    "HOST": HOST,
    "TZ": "UTC",
    "TELEMETRY": "false",
    "LOG_LEVEL": "warn",
    "ADMIN_EMAIL": EMAIL,
    "ADMIN_PASSWORD": PASSWORD,
    "EMAIL_VERIFY_SETUP": "false",
    "EXTENSIONS_AUTO_RELOAD": "false",
    "LOGIN_STALL_TIME": "0",  # else every login takes half a second, on purpose
    "RATE_LIMITER_ENABLED": "false",
    "PRESSURE_LIMITER_ENABLED": "false",  # else it refuses requests with 503 on a busy machine (G41)
    "CACHE_ENABLED": "false",
    "SERVE_APP": "false",
    "STORAGE_LOCAL_ROOT": "./uploads",
    "EXTENSIONS_PATH": "./extensions",
    "NODE_NO_WARNINGS": "1",
}
# Set by arguments of start(): other values would contradict the server's attributes.
_ARGUMENTS = {"PORT": "port=", "HOST": "port=", "DB_": "database="}


class DirectusServer:
    """A running Directus with an administrator and an empty database; see `start`.

    Attributes:
        url: its address, such as ``http://127.0.0.1:40123``.
        token: a static access token of the administrator.
        email, password: the administrator's.
        version: of Directus, in full.
        database: the `Database` behind it.
    """

    def __init__(
        self,
        version: str = DEFAULT_VERSION,
        database: str = "sqlite",
        *,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120.0,
    ) -> None:
        """Describe a server; `start` starts it."""
        env = dict(env or {})
        for name in env:
            for reserved, argument in _ARGUMENTS.items():
                if name == reserved or (reserved.endswith("_") and name.startswith(reserved)):
                    msg = f"{name} cannot be set by env=: start() chooses it; use {argument}"
                    raise ConfigurationError(msg)
        self.version = exact_version(version)
        self._timeout = timeout
        self._database_server = databases.parse(database)
        self._env = {
            **_ENVIRONMENT,
            # With a letter first, because Directus reads a text of digits as a number.
            "KEY": "k" + secrets.token_hex(16),
            "SECRET": "s" + secrets.token_urlsafe(32),
            "ADMIN_TOKEN": "t" + secrets.token_urlsafe(24),
            **env,
        }
        self.token = self._env["ADMIN_TOKEN"]
        self.email = self._env["ADMIN_EMAIL"]
        self.password = self._env["ADMIN_PASSWORD"]
        self.port = _checked_port(port or 0)
        self.database = self._database_server
        self._has_own_admin = not env.keys().isdisjoint({"ADMIN_EMAIL", "ADMIN_PASSWORD"})
        self._has_created_database = False
        self._owner = os.getpid()
        self._folder: Path | None = None
        self._process: NodeProcess | None = None

    @classmethod
    def start(
        cls,
        version: str = DEFAULT_VERSION,
        database: str = "sqlite",
        *,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120.0,
    ) -> DirectusServer:
        """Start a Directus and return it when it is healthy; use it as a context manager, or `stop` it.

        It also stops when this Python process ends, in whatever way. A version that is not in the cache is
        installed first (see `install`).

        Args:
            version: ``"12"``, ``"11"``, ``"10"`` or a full version.
            database: ``"sqlite"`` (a file in a temporary folder), or the URL of a PostgreSQL or MySQL server,
                on which a database with a unique name is created, and dropped in the end.
            port: on the loopback interface; a free one by default.
            env: more environment variables for Directus; those of this process are not passed on.
            timeout: how many seconds the server may take to become healthy.

        Raises:
            ServerSetupError: the server did not start; there is a subclass for each reason.

        Example:
            >>> with start(version="11") as server:
            ...     requests.get(server.url + "/server/ping").text
            'pong'
        """
        server = cls(version, database, port=port, env=env, timeout=timeout)
        if port:
            require_free(port)
        _alive.add(server)
        try:
            server._prepare()
            server._launch()
        except BaseException:
            server.stop()
            raise
        return server

    def __enter__(self) -> DirectusServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        return f"<DirectusServer {self.version} on {self.database.vendor} at {self.url}, {state}>"

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.running

    @property
    def log(self) -> str:
        """The last 40 lines that the server printed, without its secrets."""
        if self._folder is None:
            return ""
        text = tail(self._folder / "directus.log")
        for name in ("ADMIN_TOKEN", "ADMIN_PASSWORD", "KEY", "SECRET"):
            text = text.replace(self._env[name], MASK)
        return text.replace(self.database.password, MASK) if self.database.password else text

    def restart(self) -> None:
        """Stop the process if it runs, and start it again, on the same port and with the same rows."""
        self._end_process()
        self._launch()

    def kill(self) -> None:
        """End the process at once, as a crash would; `restart` brings it back, with its rows."""
        if self._process:
            self._process.end(how=signal.SIGKILL)

    def stop(self) -> None:
        """End the process and remove its folder or its database; a second call does nothing."""
        if os.getpid() != self._owner:  # in a fork of the process that started it
            return
        self._end_process()
        _alive.discard(self)
        try:
            if self._has_created_database:
                databases.drop(self._database_server, self.database)
                self._has_created_database = False
        finally:
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _end_process(self) -> None:
        if self._process:
            self._process.end()
            self._process = None

    def _prepare(self) -> None:
        """Create the folder, and a database with the system tables and the administrator."""
        installation = install(self.version)
        self._cli = command_line(installation)
        # Node.js keeps its compiled code there: a later start takes less time.
        self._node_environment = {"NODE_COMPILE_CACHE": str(installation / "compile-cache")}
        self._node = find_node()
        if self._database_server.vendor != "sqlite":
            self._database_server.connect().close()
        self._folder = _new_folder()
        if self._database_server.vendor != "sqlite":
            self.database = databases.create(self._database_server)
            self._has_created_database = True
            self._bootstrap(self._folder, self.database, self._env)
            return
        self.database = Database("sqlite", path=self._folder / "data.db")
        if self._has_own_admin:
            self._bootstrap(self._folder, self.database, self._env)
            return
        shutil.copyfile(self._template(installation), self._folder / "data.db")
        with closing(self.database.connect()) as connection:
            update = "UPDATE directus_users SET token = ? WHERE email = ?"
            connection.execute(update, (self.token, self.email))

    def _template(self, installation: Path) -> Path:
        """Return a bootstrapped SQLite file, created once per installation: that takes longer than starting."""
        template = installation / _TEMPLATE
        if template.is_file():
            return template
        with lock(template):
            if template.is_file():
                return template
            folder = _new_folder()
            try:
                database = Database("sqlite", path=folder / "data.db")
                with progress(f"Preparing an empty database for Directus {self.version} (once)"):
                    self._bootstrap(folder, database, {**self._env, "ADMIN_TOKEN": ""})
                partial = template.with_suffix(".partial")
                shutil.copyfile(folder / "data.db", partial)
                partial.rename(template)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return template

    def _bootstrap(self, folder: Path, database: Database, env: Mapping[str, str]) -> None:
        environment = {**self._node_environment, **env, **database.environment}
        process = NodeProcess.start(self._node, [self._cli, "bootstrap"], folder=folder, environment=environment)
        try:
            process.popen.wait()
        finally:
            process.end(how=signal.SIGKILL)
        if process.popen.returncode:
            msg = f"Directus {self.version} could not set up its tables in {database.place}. It printed:"
            raise ServerDied(msg, log=tail(process.log))

    def _launch(self) -> None:
        """Start the process and wait until it is healthy; take another free port if one was taken meanwhile."""
        chosen = self.port  # from the caller, or from before a restart
        for attempt in range(_PORT_ATTEMPTS):
            self.port = chosen or _free_port()
            try:
                self._start_process()
                self._wait_until_healthy()
            except PortTaken:
                self._end_process()
                if chosen or attempt == _PORT_ATTEMPTS - 1:
                    raise
            except BaseException:
                self._end_process()
                raise
            else:
                return

    def _start_process(self) -> None:
        if self._folder is None:
            msg = "This server was stopped, and its rows are gone. Start a new one."
            raise ConfigurationError(msg)
        require_free(self.port)
        environment = {"PUBLIC_URL": self.url, **self._node_environment, **self._env, **self.database.environment}
        environment["PORT"] = str(self.port)
        self._process = NodeProcess.start(
            self._node, [self._cli, "start"], folder=self._folder, environment=environment
        )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self._timeout
        last = "no response"
        while time.monotonic() < deadline:
            if not self.running:
                if "already in use" in self.log:
                    raise _port_taken(self.port)
                msg = f"Directus {self.version} ended while it was starting. It printed:"
                raise ServerDied(msg, log=self.log or "(nothing)")
            # Directus 12 shows its health only to logged-in users.
            status, last = self._get("/server/ping")
            if status == 200:
                status, last = self._get("/server/health")
                if status == 200:
                    return
            time.sleep(0.05)
        msg = (
            f"Directus {self.version} at {self.url} is not healthy after {self._timeout:.0f} s "
            f"(last: {last}). On a slow machine give start() a longer timeout=. It printed:"
        )
        raise ServerNotReady(msg, log=self.log or "(nothing)")

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            text = response.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, f"{path}: {error}"
        else:
            return response.status, f"{path}: {response.status} {text}"
        finally:
            connection.close()


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="directus_orm-"))
    for name in ("uploads", "extensions"):  # Directus warns about missing folders
        (folder / name).mkdir()
    (folder / "package.json").write_text('{"name": "directus-for-tests", "version": "1.0.0"}')
    return folder


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _checked_port(port: int) -> int:
    if port in range(2**16):
        return port
    raise ConfigurationError(f"port= takes a number from 1 to 65535, not {port}.")


def require_free(port: int) -> None:
    """Raise `PortTaken` if another program listens on a port, or this user may not."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except PermissionError as error:
            raise PortTaken(f"This user may not listen on port {port} of {HOST}. {_WAY_OUT}") from error
        except OSError as error:
            raise _port_taken(port) from error


def _port_taken(port: int) -> PortTaken:
    return PortTaken(f"Port {port} on {HOST} is taken by another program. {_WAY_OUT}")


_WAY_OUT = "Without a port, the server takes a free one."

_alive: weakref.WeakSet[DirectusServer] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for server in tuple(_alive):
        with suppress(DatabaseUnavailable):
            server.stop()


start = DirectusServer.start
