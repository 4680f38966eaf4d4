"""`Flow.trigger` on a real server: what flows return, and what they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from directus_orm import Forbidden, OutcomeUnknown, QueryError
from directus_orm.core.request_response import Request
from directus_orm.session import Session
from directus_orm.system import Flow, Operation
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import drop_collection, make_collection
from tests.worlds.tiny_server import Scripted, TinyServer

ROWS = "flow_rows"
ASYNC: dict[str, Any] = {"async": True}
ALL: dict[str, Any] = {"return": "$all"}


@pytest.fixture
def session(directus_server: DirectusServer) -> Iterator[Session]:
    """The current session; its flows are deleted after the test."""
    with Session(directus_server.url, token=directus_server.token) as session:
        yield session
        for flow in Flow.objects.all():
            flow.operations.all().delete()
            flow.delete()


def flow(returned: Any = None, *, kind: str = "webhook", **options: Any) -> Flow:
    """Return a flow that returns this value; without one, what it was sent."""
    made = Flow.objects.create(name="a flow", trigger_type=kind, status="active", options=options)
    if returned is not None:
        options = {"json": returned}
        first = Operation.objects.create(
            key="it", type="transform", position_x=1, position_y=1, options=options, flow=made
        )
        made.operation = first
        made.save()
    return made


@pytest.mark.parametrize("returned", [{"data": {"a": 1}}, {"data": None}, {"a": 1}, [1, 2], 7])
def test_a_flow_returns_what_its_author_chose(session: Session, returned: Any) -> None:
    """An object with ``data`` alone is no envelope."""
    assert flow(returned, method="POST").trigger() == returned


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_webhook_flow_is_sent_data_as_its_method_says(session: Session, method: str) -> None:
    sent = flow(method=method).trigger({"name": "Ada", "n": "1"})
    assert sent["method"] == method
    assert sent["body" if method == "POST" else "query"] == {"name": "Ada", "n": "1"}


def test_a_flow_that_does_not_wait_returns_none(session: Session) -> None:
    assert flow({"a": 1}, method="POST", **ASYNC).trigger() is None
    assert asyncio.run(flow({"a": 1}, method="POST").atrigger()) == {"a": 1}


def test_a_manual_flow_is_about_rows(session: Session, directus_server: DirectusServer) -> None:
    make_collection(directus_server, ROWS)
    try:
        session.items(ROWS).create([{"id": 1}, {"id": 2}])
        made = flow(kind="manual", collections=[ROWS])
        body = made.trigger({"note": "a"}, keys=[1, 2])["body"]
        assert body["collection"] == ROWS
        assert body["note"] == "a"
        assert [str(key) for key in body["keys"]] == ["1", "2"]
        with pytest.raises(Forbidden):
            made.trigger(keys=[1], collection="directus_users")
        with pytest.raises(QueryError, match="no key"):
            made.trigger(keys=[None])
        with pytest.raises(QueryError, match="collection= is needed"):
            flow(kind="manual", collections=[ROWS, "directus_users"]).trigger(keys=[1])
    finally:
        drop_collection(directus_server, ROWS)


def test_only_flows_that_can_be_triggered_are(session: Session) -> None:
    with pytest.raises(QueryError, match="'schedule'"):
        flow(kind="schedule", cron="0 0 1 1 *").trigger()
    with pytest.raises(QueryError, match="manual flows"):
        flow(method="POST").trigger(keys=[1])
    inactive = flow(method="POST")
    inactive.status = "inactive"
    inactive.save()
    with pytest.raises(Forbidden):
        inactive.trigger()


def test_no_capture_shows_what_a_flow_returned(session: Session, directus_server: DirectusServer) -> None:
    """With ``$all`` a flow returns the token of its caller (S21)."""
    made = flow(method="GET", **ALL)
    with session.capture() as sent:
        assert directus_server.token in str(made.trigger())
    assert directus_server.token not in str(sent)
    assert directus_server.token not in repr(list(sent))


def test_a_flow_that_a_get_starts_is_not_started_again_after_a_lost_response() -> None:
    server = TinyServer()
    try:
        server.answers(Scripted(status=502, body=b""))
        with Session(server.url, token="t") as session, pytest.raises(OutcomeUnknown):
            session.send(Request("GET", "/flows/trigger/1", changes=True))
        assert server.methods == ["GET"]
    finally:
        server.stop()
