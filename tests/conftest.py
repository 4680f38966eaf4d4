"""The servers that tests run against."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from directus_orm import Session
from directus_orm.testing import DirectusServer, plugin, start

from . import library
from .world import build


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # Installed, the entry point has done it; from a bare checkout nobody has.
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "directus_orm")


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server on which databases may be created."""
    if not _answers(5432):
        pytest.skip("no PostgreSQL on 127.0.0.1:5432")
    return "postgres://postgres@127.0.0.1:5432"


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """A MariaDB server on which databases may be created."""
    if not _answers(3306):
        pytest.skip("no MariaDB on 127.0.0.1:3306")
    return "mysql://root@127.0.0.1:3306"


@pytest.fixture(scope="session")
def directus_postgres(postgres_url: str, pytestconfig: pytest.Config) -> Iterator[DirectusServer]:
    """A Directus on PostgreSQL, one for the whole test session."""
    with start(plugin.option(pytestconfig, "version"), postgres_url) as server:
        yield server


@pytest.fixture(scope="session")
def directus_mariadb(mariadb_url: str, pytestconfig: pytest.Config) -> Iterator[DirectusServer]:
    """A Directus on MariaDB, one for the whole test session."""
    with start(plugin.option(pytestconfig, "version"), mariadb_url) as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest) -> DirectusServer:
    """A server that holds the flights of `tests.world`, on each database in turn."""
    server: DirectusServer = request.getfixturevalue(_WORLDS[request.param])
    build(server)
    return server


_WORLDS = {"sqlite": "directus_server", "postgres": "directus_postgres"}


@pytest.fixture(scope="session")
def both_worlds(world: DirectusServer) -> DirectusServer:
    """A server with the flights and the library."""
    library.build(world)
    return world


@pytest.fixture
def session(world: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of `world`."""
    with Session(world.url, token=world.token) as session:
        yield session


@pytest.fixture
def shelf(both_worlds: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of a server that holds the library."""
    with Session(both_worlds.url, token=both_worlds.token) as session:
        yield session


@pytest.fixture
def notes(session: Session) -> Iterator[Session]:
    """The current session; what a test leaves in the collection ``notes`` is removed after it."""
    yield session
    keys = session.items("notes").read(fields="id", limit=-1)
    if keys:
        session.delete("/items/notes", [row["id"] for row in keys])


@pytest.fixture
def old(world: DirectusServer) -> bool:
    """Whether the server is a Directus 10, which is silent about unknown fields."""
    return world.version.startswith("10.")
