"""The database of one test server: an SQLite file, or a new database on a PostgreSQL or MySQL server."""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

import attrs

from .errors import DatabaseUnavailable

Vendor = Literal["sqlite", "postgres", "mysql"]

_VENDORS: dict[str, Vendor] = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_PORTS = {"postgres": 5432, "mysql": 3306}
_CLIENTS = {"postgres": "pg", "mysql": "mysql"}
_DRIVERS = {"postgres": "psycopg", "mysql": "pymysql"}
_PACKAGES = {"postgres": "psycopg[binary]", "mysql": "pymysql"}
_DROP = {"postgres": "DROP DATABASE IF EXISTS {} WITH (FORCE)", "mysql": "DROP DATABASE IF EXISTS {}"}
_CREATE = {
    "postgres": "CREATE DATABASE {}",
    "mysql": "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
}
_LIST = {"postgres": "SELECT datname FROM pg_database", "mysql": "SHOW DATABASES"}


@attrs.frozen
class Database:
    """The database of a server, for tests that look at its tables directly.

    ``vendor`` is ``"sqlite"`` (then ``path`` is the file), ``"postgres"`` or ``"mysql"`` (MariaDB, too).
    """

    vendor: Vendor
    path: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = attrs.field(default="", repr=False)
    name: str = ""

    @property
    def url(self) -> str:
        """The URL with user and password, as other libraries take it."""
        if self.path:
            return f"sqlite:///{self.path}"
        login = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.vendor}://{login}@{host}:{self.port}/{self.name}"

    @property
    def place(self) -> str:
        """The kind and the place of the database, for messages; without the password."""
        if self.path:
            return f"SQLite at {self.path}"
        return f"{self.vendor} at {self.host}:{self.port}, user {self.user!r}, database {self.name!r}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that tell Directus its database."""
        if self.path:
            return {"DB_CLIENT": "sqlite3", "DB_FILENAME": str(self.path)}
        return {
            "DB_CLIENT": _CLIENTS[self.vendor],
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_USER": self.user,
            "DB_PASSWORD": self.password,
            "DB_DATABASE": self.name,
        }

    def connect(self) -> Any:
        """Return a DB-API connection with autocommit (sqlite3, psycopg or pymysql).

        Raises:
            DatabaseUnavailable: no driver, or no connection.
        """
        if self.path:
            sqlite3 = importlib.import_module("sqlite3")
            return sqlite3.connect(self.path, isolation_level=None)
        driver = self._driver()
        options: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.user}
        options |= {"connect_timeout": 10, "autocommit": True, "password": self.password}
        options["dbname" if self.vendor == "postgres" else "database"] = self.name or None
        try:
            return driver.connect(**options)
        except driver.Error as error:
            msg = f"Cannot connect to {self.place}: {error}"
            raise DatabaseUnavailable(msg) from error

    def _driver(self) -> Any:
        try:
            return importlib.import_module(_DRIVERS[self.vendor])
        except ImportError as error:
            msg = (
                f"A test database on {self.vendor} is made with {_DRIVERS[self.vendor]}, "
                f"which is not installed. Try `pip install '{_PACKAGES[self.vendor]}'`, or use SQLite."
            )
            raise DatabaseUnavailable(msg) from error


def parse(url: str) -> Database:
    """Read a database URL: ``sqlite``, ``postgres://user:password@host:port/`` or ``mysql://…``.

    A PostgreSQL or MySQL URL names the database to log in to; the tests get a new one on the same server.

    Raises:
        DatabaseUnavailable: the scheme is unknown, or a part of the URL is wrong.
    """
    try:
        parts = urlsplit(url if "://" in url else url + "://")
        vendor, port = _VENDORS[parts.scheme], parts.port
    except (KeyError, ValueError) as error:
        # Not the URL itself: it may hold a password.
        scheme = url.partition(":")[0]
        msg = (
            f"No such database for tests: {scheme!r}. "
            f"Say 'sqlite', 'postgres://user:password@host:5432' or 'mysql://user:password@host:3306'."
            if scheme not in _VENDORS
            else f"The port in the {scheme} URL is not a number."
        )
        raise DatabaseUnavailable(msg) from error
    if parts.query:
        msg = f"Options after the ? of a {parts.scheme} URL are not supported here; leave them out."
        raise DatabaseUnavailable(msg)
    if vendor == "sqlite":
        if parts.netloc or parts.path.strip("/"):
            msg = "A test database on SQLite is a new file in a temporary folder: say 'sqlite', without a path."
            raise DatabaseUnavailable(msg)
        return Database(vendor)
    return Database(
        vendor,
        host=parts.hostname or "127.0.0.1",
        port=port or _PORTS[vendor],
        user=unquote(parts.username or ("postgres" if vendor == "postgres" else "root")),
        password=unquote(parts.password or ""),
        name=unquote(parts.path.strip("/")) or ("postgres" if vendor == "postgres" else ""),
    )


def create(server: Database) -> Database:
    """Create an empty database with a unique name on ``server``, and drop those that killed test runs left."""
    fresh = attrs.evolve(server, name=f"{_prefix()}{os.getpid()}_{secrets.token_hex(4)}")
    with _cursor(server) as cursor:
        cursor.execute(_LIST[server.vendor])
        for (name,) in cursor.fetchall():
            if _is_abandoned(name):
                cursor.execute(_DROP[server.vendor].format(name))
        cursor.execute(_CREATE[server.vendor].format(fresh.name))
    return fresh


def drop(server: Database, database: Database) -> None:
    """Drop a database that `create` made; it is no error if it does not exist any more."""
    with _cursor(server) as cursor:
        cursor.execute(_DROP[server.vendor].format(database.name))


@contextmanager
def _cursor(server: Database) -> Iterator[Any]:
    connection = server.connect()
    try:
        yield connection.cursor()
    except server._driver().Error as error:  # noqa: SLF001 - the same module
        msg = f"{server.place} refused: {error}"
        raise DatabaseUnavailable(msg) from error
    finally:
        connection.close()


def _prefix() -> str:
    """Return the prefix of test databases of this machine: they hold process ids, which mean nothing elsewhere."""
    machine = platform.node()
    with suppress(OSError):
        machine += str(Path("/proc/self/ns/pid").readlink())
    return f"directus_orm_{hashlib.sha256(machine.encode()).hexdigest()[:8]}_"


def _is_abandoned(name: str) -> bool:
    prefix = _prefix()
    if not name.startswith(prefix):
        return False
    try:
        os.kill(int(name.removeprefix(prefix).split("_")[0]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False
