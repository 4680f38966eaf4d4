"""Servers that hold the schema of `tests.worlds.all_kinds`: one of the tested version, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm import Session
from directus_orm.testing import DirectusServer, start
from tests.worlds import all_kinds

DATABASES = {"sqlite": None, "postgres": "postgres_url", "mariadb": "mariadb_url"}


@pytest.fixture(scope="session", params=DATABASES)
def kinds_database(request: pytest.FixtureRequest) -> str:
    """A database for `start`, each in turn."""
    fixture = DATABASES[request.param]
    return "sqlite" if fixture is None else str(request.getfixturevalue(fixture))


@pytest.fixture(scope="session")
def kinds_server(kinds_database: str, directus_version: str) -> Iterator[DirectusServer]:
    """A server of its own with the schema and its rows: without a licence, there is no room for more."""
    with start(directus_version, kinds_database) as server:
        all_kinds.build(server)
        all_kinds.fill(server)
        yield server


@pytest.fixture
def kinds_session(kinds_server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of `kinds_server`."""
    with Session(kinds_server.url, token=kinds_server.token) as session:
        yield session
