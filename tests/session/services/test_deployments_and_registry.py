"""Deployments and the registry need accounts and the internet: here it is seen which requests the server gets.

The server answers each of them, and what it refuses is an error of its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from directus_orm import DirectusError, QueryError, Session, UnsupportedQuery

KEY = "8cb3c8b5-2ca3-4e0c-9a5f-9a2f5fbf0c1e"

DEPLOYMENTS: dict[str, Callable[[Any], Any]] = {
    "GET /deployments/vercel": lambda d: d.read("vercel"),
    "POST /deployments": lambda d: d.create("vercel", {"access_token": "s3cret"}),
    "PATCH /deployments/vercel": lambda d: d.update("vercel", credentials={"access_token": "s3cret"}),
    "DELETE /deployments/vercel": lambda d: d.delete("vercel"),
    "GET /deployments/vercel/dashboard": lambda d: d.dashboard("vercel"),
    "GET /deployments/vercel/projects": lambda d: d.projects("vercel"),
    "GET /deployments/vercel/projects/p1": lambda d: d.project("vercel", "p1"),
    "PATCH /deployments/vercel/projects": lambda d: d.update_projects("vercel", delete=["p1"]),
    "POST /deployments/vercel/projects/p1/deploy": lambda d: d.deploy("vercel", "p1", preview=True),
    "GET /deployments/vercel/projects/p1/runs": lambda d: d.runs("vercel", "p1", limit=5),
    "GET /deployments/vercel/projects/p1/runs/stats": lambda d: d.run_stats("vercel", "p1"),
    "GET /deployments/vercel/runs/r1": lambda d: d.run("vercel", "r1"),
    "POST /deployments/vercel/runs/r1/cancel": lambda d: d.cancel("vercel", "r1"),
}
REGISTRY: dict[str, Callable[[Any], Any]] = {
    "GET /extensions/registry": lambda r: r.search("maps", limit=5),
    f"GET /extensions/registry/extension/{KEY}": lambda r: r.extension(KEY),
    f"GET /extensions/registry/account/{KEY}": lambda r: r.account(UUID(KEY)),
    "POST /extensions/registry/install": lambda r: r.install(KEY, KEY),
    "POST /extensions/registry/reinstall": lambda r: r.reinstall(KEY),
    f"DELETE /extensions/registry/uninstall/{KEY}": lambda r: r.uninstall(KEY),
}


@pytest.mark.parametrize("expected", DEPLOYMENTS)
def test_deployments_ask_their_routes(session: Session, directus_version: str, expected: str) -> None:
    error = UnsupportedQuery if directus_version.startswith("10") else DirectusError
    impatient = session.with_options(retry=0)
    with impatient.capture() as sent, pytest.raises(error) as caught:
        DEPLOYMENTS[expected](impatient.deployments)
    assert f"{sent[0].request.method} {sent[0].request.path}" == expected
    assert "ROUTE_NOT_FOUND" not in str(caught.value)
    assert "s3cret" not in f"{caught.value} {sent[0].request!r}"


def test_no_provider_is_connected(session: Session, directus_version: str) -> None:
    if directus_version.startswith("10"):
        with pytest.raises(UnsupportedQuery, match="Directus 11 and later"):
            session.deployments.read()
    else:
        assert session.deployments.read() == []


@pytest.mark.parametrize("expected", REGISTRY)
def test_the_registry_is_asked_by_its_routes(session: Session, expected: str) -> None:
    impatient = session.with_options(retry=0)
    with impatient.capture() as sent, pytest.raises(DirectusError) as caught:
        REGISTRY[expected](impatient.registry)
    assert f"{sent[0].request.method} {sent[0].request.path}" == expected
    assert "ROUTE_NOT_FOUND" not in str(caught.value)


def test_what_is_no_key_is_refused(session: Session) -> None:
    """As a part of a path it could lead anywhere."""
    with pytest.raises(QueryError, match="is not a key"):
        session.registry.uninstall("../../users")
