"""Which requests are repeated, after which responses, how often, and how long each pause is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from directus_orm import Model, field
from directus_orm.core import errors
from directus_orm.session import Retry, Session
from tests.worlds.tiny_server import Scripted, TinyServer

HTML = "<html><body>502 Bad Gateway: " + "x" * 500
OK = Scripted(body={"data": [1]})
PRESSURE = Scripted(
    503,
    {
        "errors": [
            {
                "message": 'Service "api" is unavailable. Under pressure.',
                "extensions": {"code": "SERVICE_UNAVAILABLE", "service": "api", "reason": "Under pressure"},
            }
        ]
    },
)
BUSY = {"errors": [{"message": "Too many requests", "extensions": {"code": "REQUESTS_EXCEEDED"}}]}
NO = {"errors": [{"message": "no"}]}
Open = Callable[..., Session]


@pytest.mark.parametrize(
    "broken",
    [Scripted(502, HTML), Scripted(0), Scripted(200, '{"data": [', cut=True), Scripted(200, '{"data": [')],
    ids=str,
)
def test_a_read_with_a_broken_response_is_repeated(broken: Scripted, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(broken, broken, OK)
    assert open_session(tiny.url, token="t").get("/items/x") == [1]
    assert len(tiny.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [Scripted(403, NO), Scripted(500, NO), Scripted(404, ""), Scripted(200, HTML), Scripted(200, {"a": 1})],
    ids=str,
)
def test_a_refused_request_is_not_repeated(answer: Scripted, tiny: TinyServer, open_session: Open) -> None:
    """Nor is an address that is not that of a Directus."""
    tiny.answers(answer)
    with pytest.raises(errors.DirectusError):
        open_session(tiny.url, token="t").get("/items/x")
    assert len(tiny.seen) == 1


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_every_method_is_repeated_when_the_server_is_under_pressure(
    method: str, tiny: TinyServer, open_session: Open
) -> None:
    """G41: the server says so before any work is done."""
    tiny.answers(PRESSURE, PRESSURE, OK)
    assert getattr(open_session(tiny.url, token="t"), method)("/items/x") == [1]
    assert len(tiny.seen) == 3


def test_another_503_is_not_repeated_for_a_write(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(503, {"errors": [{"message": "mail", "extensions": {"code": "SERVICE_UNAVAILABLE"}}]}))
    with pytest.raises(errors.Unavailable):
        open_session(tiny.url, token="t").post("/users/invite", {})
    assert len(tiny.seen) == 1


@pytest.mark.parametrize(("told", "least", "most"), [("0", 0.1, 1.0), ("1", 1.1, 2.0)])
def test_retry_after_is_obeyed_and_zero_still_waits(
    told: str, least: float, most: float, tiny: TinyServer, open_session: Open
) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": told}), OK)
    started = time.monotonic()
    assert open_session(tiny.url, token="t").post("/items/x", {}) == [1]
    assert least <= time.monotonic() - started <= most


def test_a_wait_beyond_a_minute_is_left_to_the_caller(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": "3600"}))
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t").get("/items/x")
    assert caught.value.retry_after == 3600


def test_retries_end(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(PRESSURE)
    with pytest.raises(errors.Unavailable):
        open_session(tiny.url, token="t", retry=2).get("/items/x")
    assert len(tiny.seen) == 3


def test_a_write_is_repeated_after_a_refused_connection(open_session: Open) -> None:
    """Nothing was sent: a server that is just restarting does not lose a write."""
    first = TinyServer()
    port = int(first.url.rsplit(":", 1)[1])
    first.stop()

    class Late(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    def serve() -> None:
        time.sleep(0.3)
        with HTTPServer(("127.0.0.1", port), Late) as server:
            server.handle_request()

    thread = threading.Thread(target=serve)
    thread.start()
    assert open_session(first.url, token="t").items("x").create({}) is None
    thread.join()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("ahead", [1.0, -30.0])
def test_retry_after_may_be_a_date(status: int, ahead: float, tiny: TinyServer, open_session: Open) -> None:
    pressure = json.loads(json.dumps(BUSY))
    pressure["errors"][0]["extensions"] = {"code": "SERVICE_UNAVAILABLE", "reason": "Under pressure"}
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    tiny.answers(Scripted(status, BUSY if status == 429 else pressure, {"Retry-After": moment}), Scripted())
    started = time.monotonic()
    assert open_session(tiny.url, token="t").items("x").create({}) == []
    assert (0 if ahead < 0 else 0.1) <= time.monotonic() - started < 3


@pytest.mark.parametrize("said", ["soon", "", "-5", "nan", "inf", "1e3", "Wed, 99 Nov 2026"])
def test_a_retry_after_without_meaning_is_ignored(said: str, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": said}), Scripted())
    assert open_session(tiny.url, token="t", retry=Retry(1, first_pause=0.01)).get("/items/x") == []
    tiny.answers(Scripted(429, BUSY, {"Retry-After": said}))
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t", retry=0).get("/items/x")
    assert caught.value.retry_after is None


def test_a_wait_beyond_the_policy_is_not_begun(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": "3600"}))
    started = time.monotonic()
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t").get("/items/x")
    assert caught.value.retry_after == 3600
    assert time.monotonic() - started < 5
    assert len(tiny.seen) == 1


@pytest.mark.parametrize("total", [0.4, 1.0])
def test_the_time_of_all_tries_is_bounded(total: float, tiny: TinyServer, open_session: Open) -> None:
    """However many tries are left, also where a lost write is looked up."""

    class Named(Model, collection="things"):
        id: str = field(primary_key=True)

    tiny.answers(Scripted(502, "<html>"))
    policy = Retry(1000, total=total, first_pause=0.05, longest_pause=0.1)
    for call in (lambda: list(Named.objects.all()), lambda: Named.objects.create(id="a")):
        started = time.monotonic()
        with open_session(tiny.url, token="t", retry=policy), pytest.raises(errors.TransportError):
            call()
        assert time.monotonic() - started < total + 2
    assert len(tiny.seen) > 4


def test_pauses_grow_and_differ() -> None:
    policy = Retry(first_pause=1, longest_pause=8, jitter=0.25)
    lost = errors.TransportError("lost")
    pauses = [[policy.pause(lost, tried) for _ in range(200)] for tried in (1, 2, 3, 4, 5, 1000)]
    for middle, found in zip((1, 2, 4, 8, 8, 8), pauses, strict=True):
        assert all(middle * 0.75 <= pause <= middle * 1.25 for pause in found)
        assert len(set(found)) > 100
