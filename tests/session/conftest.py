"""Sessions of one administrator on one server, since these tests are about requests and not about databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm.session import Session
from directus_orm.testing import DirectusServer, start

ACCESS_TOKEN_TTL = 3.0


@pytest.fixture(scope="session")
def login_server(directus_version: str) -> Iterator[DirectusServer]:
    """A server whose access tokens live for 3 s, whose cookie has a name of its own, and whose logins are slow."""
    env = {
        "ACCESS_TOKEN_TTL": f"{ACCESS_TOKEN_TTL:g}s",
        "SESSION_COOKIE_NAME": "own_name",
        "LOGIN_STALL_TIME": "50",
    }
    with start(directus_version, env=env) as server:
        yield server


@pytest.fixture
def session(admin: Session) -> Session:
    """A session as the administrator of a server on SQLite, in place of one for each database."""
    return admin
