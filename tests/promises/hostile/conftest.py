"""A server that records the requests that it gets, and a session with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm import Session
from tests.worlds.tiny_server import Scripted, TinyServer


@pytest.fixture(scope="module")
def recording() -> Iterator[TinyServer]:
    server = TinyServer()
    server.answers(Scripted(body={"data": []}))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def session(recording: TinyServer) -> Iterator[Session]:
    """A session whose base URL has a path, which is not to be left either."""
    with Session(f"{recording.url}/cms", token="t", retry=0) as session:
        yield session
