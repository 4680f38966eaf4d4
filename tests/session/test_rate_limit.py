"""The server's own limiter on: 40 requests per second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm import Session
from directus_orm.testing import DirectusServer, start


@pytest.fixture(scope="module")
def limited(directus_version: str) -> Iterator[DirectusServer]:
    env = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_POINTS": "40", "RATE_LIMITER_DURATION": "1"}
    with start(directus_version, env=env) as server:
        yield server


def test_a_loop_of_500_requests_completes(limited: DirectusServer) -> None:
    with Session(limited.url, token=limited.token) as session, session.capture() as sent:
        found = [session.get("/users/me", {"fields": "email"}) for _ in range(500)]
    assert found == [{"email": limited.email}] * 500
    statuses = [entry.status for entry in sent]
    assert statuses.count(200) == 500
    assert set(statuses) == {200, 429}
