"""Responses that no healthy Directus gives: of proxies, crashes, hang-ups and redirects."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from directus_orm.core import errors
from directus_orm.session import Session
from tests.worlds.tiny_server import Scripted, TinyServer

HTML = "<html><body>502 Bad Gateway: " + "x" * 500
OK = Scripted(body={"data": [1]})
Open = Callable[..., Session]


@pytest.mark.parametrize(
    ("answer", "expected", "text"),
    [
        (Scripted(502, HTML), errors.TransportError, "502 Bad Gateway.*cannot reach Directus"),
        (Scripted(500, ""), errors.TransportError, "status 500 .*body is empty"),
        (Scripted(504, ""), errors.TransportError, "no response from Directus in time"),
        (Scripted(431, ""), errors.TransportError, "longer than the server takes"),
        (Scripted(404, "not found"), errors.TransportError, "check the base URL"),
        (Scripted(413, HTML), errors.TransportError, "fewer rows"),
        (Scripted(401, HTML), errors.AuthenticationError, "status 401"),
        (Scripted(403, HTML), errors.Forbidden, "status 403"),
        (Scripted(429, "slow"), errors.RateLimited, "status 429"),
        (Scripted(503, HTML), errors.Unavailable, "status 503"),
        (Scripted(200, HTML), errors.TransportError, "web page, not JSON.*base URL"),
        (Scripted(200, {"hello": 1}), errors.TransportError, "not that of Directus.*base URL"),
        (Scripted(200, [1]), errors.TransportError, "not that of Directus.*base URL"),
        (Scripted(200, ""), errors.TransportError, "not that of Directus"),
        (Scripted(200, '{"data": [1, '), errors.TransportError, "broken JSON"),
        (Scripted(200, '{"data": []}', cut=True), errors.TransportError, "broke"),
        (Scripted(0), errors.TransportError, "connection broke"),
        (
            Scripted(418, {"errors": [{"message": "tea", "extensions": {"code": "NEW"}}]}),
            errors.InvalidRequest,
            "tea",
        ),
        (Scripted(599, {"errors": [{"message": "new"}]}), errors.ServerError, "new .status 599; GET /items/x"),
    ],
    ids=str,
)
def test_a_strange_response_to_a_read_is_one_clear_error(
    answer: Scripted, expected: type[errors.DirectusError], text: str, tiny: TinyServer, open_session: Open
) -> None:
    """It names the request and the status and shows the beginning of the body."""
    tiny.answers(answer)
    with pytest.raises(expected, match=text) as caught:
        open_session(tiny.url, token="t", retry=0).get("/items/x")
    assert type(caught.value) is expected
    assert "GET /items/x" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert getattr(caught.value, "status", None) in {answer.status, None}


@pytest.mark.parametrize(
    "answer",
    [Scripted(502, HTML), Scripted(500, ""), Scripted(504, ""), Scripted(0), Scripted(200, '{"data', cut=True)],
    ids=str,
)
@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_a_write_whose_response_is_lost_has_an_unknown_outcome_and_is_not_repeated(
    method: str, answer: Scripted, tiny: TinyServer, open_session: Open
) -> None:
    tiny.answers(answer)
    with pytest.raises(errors.OutcomeUnknown, match="not known whether the write was applied") as caught:
        getattr(open_session(tiny.url, token="t"), method)("/items/x", {"a": 1})
    assert len(tiny.seen) == 1
    assert caught.value.request is not None
    assert caught.value.request.json == {"a": 1}


def test_a_timeout_says_how_long_and_leaves_a_write_unknown(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(delay=0.5))
    session = open_session(tiny.url, token="t", timeout=(1, 0.1), retry=1)
    with pytest.raises(errors.OutcomeUnknown, match=r"longer than 0\.1 s"):
        session.items("x").create({})
    with pytest.raises(errors.TransportError, match=r"longer than 0\.1 s") as caught:
        session.get("/items/x")
    assert type(caught.value) is errors.TransportError
    assert tiny.methods == ["POST", "GET", "GET"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, tiny: TinyServer, open_session: Open) -> None:
    """The token would go to another host, and a POST would become a GET."""
    other = TinyServer()
    try:
        tiny.answers(Scripted(status, "", {"Location": other.url + "/items/x"}))
        with pytest.raises(errors.TransportError, match=f"redirect to {other.url}/items/x.*final base URL"):
            open_session(tiny.url, token="t").get("/items/x")
        assert other.seen == []
    finally:
        other.stop()


def test_other_routes_may_answer_as_they_like(tiny: TinyServer, open_session: Open) -> None:
    """Endpoints of extensions, health and ping have no envelope."""
    session = open_session(tiny.url, token="t")
    tiny.answers(
        Scripted(body={"status": "ok"}),
        Scripted(body="pong", headers={"Content-Type": "text/html"}),
        Scripted(body=""),
    )
    assert session.get("/server/health") == {"status": "ok"}
    assert session.get("/server/ping") == "pong"
    assert session.post("/my-extension/run", {}) is None
    tiny.answers(Scripted(body={"data": 1, "more": 2}))
    assert session.get("/my-extension/run") == {"data": 1, "more": 2}


def test_one_line_is_logged_per_request_without_parameters_or_secrets(
    tiny: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "directus_orm")
    tiny.answers(
        Scripted(body={"data": {"access_token": "hidden1", "refresh_token": "hidden2", "expires": 900000}}), OK
    )
    session = open_session(tiny.url, email="a@example.com", password="hidden3")
    session.get("/items/x", {"access_token": "hidden4", "filter": "hidden5"})
    lines = [record.getMessage() for record in caplog.records if record.name == "directus_orm"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["POST /auth/login 200", "GET /items/x 200"]
    assert "hidden" not in " ".join(lines)
