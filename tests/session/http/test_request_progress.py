"""Watching a request: when it is with the server, and when its answer is there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from directus_orm.core.request_response import Request
from directus_orm.session import Session
from directus_orm.session.http.request_progress import RequestObserver, observing
from tests.worlds.tiny_server import Scripted, TinyServer

READ = Request("GET", "/items/x")


@pytest.mark.parametrize("own", [True, False])
def test_an_observer_is_notified_of_sending_and_then_of_the_response(
    own: bool, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """So that whoever waits for the first does not wait for the server's work."""
    tiny.script = [Scripted(body={"data": [1]}, delay=0.3)]
    sent, arrived = list[float](), list[tuple[float, bytes]]()
    session = open_session(tiny.url, token="t", http=None if own else requests.Session())
    with observing(
        RequestObserver(
            lambda: sent.append(time.monotonic()),
            lambda body: arrived.append((time.monotonic(), body)),
        )
    ):
        session.send(READ)
    session.send(READ)
    ((answered, body),) = arrived
    assert body == b'{"data": [1]}'
    assert [answered - at > 0.25 for at in sent] == [True]


def test_a_missing_response_is_not_reported(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    """Errors are not looked at; an answer is told once more where the request is repeated."""
    tiny.script = [Scripted(503, body={"errors": []}), Scripted(cut=True), Scripted(body={"data": [2]})]
    told: list[object] = []
    with observing(RequestObserver(lambda: None, told.append)):
        assert open_session(tiny.url, token="t").send(READ).data == [2]
    assert told == [b'{"data": [2]}']


def test_an_observer_ends_with_its_block(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    told: list[object] = []
    session = open_session(tiny.url, token="t")
    with observing(RequestObserver(lambda: told.append("outer"), told.append)):
        with observing(RequestObserver(lambda: None, lambda _: None)):
            session.send(READ)
        assert told == []
        session.send(READ)
    assert told[0] == "outer"


def test_an_observer_is_notified_through_a_proxy(
    tiny: TinyServer, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", tiny.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    told: list[object] = []
    session = open_session("http://directus.example", token="t")
    with observing(RequestObserver(lambda: told.append("sent"), told.append)):
        session.send(READ)
    assert tiny.paths == ["http://directus.example/items/x"]
    assert told[0] == "sent"
