"""``mode="session"``: the cookie of a session that the server keeps takes the place of a token."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import requests

from directus_orm.core import errors
from directus_orm.session import Cookie, Login, Session
from directus_orm.testing import DirectusServer
from tests.worlds.sessions import exchanges, in_threads, make_due, me, paths
from tests.worlds.tiny_server import Recorder, Scripted, TinyServer

Open = Callable[..., Session]


@pytest.fixture
def server(login_server: DirectusServer) -> DirectusServer:
    return login_server


@pytest.fixture
def login(server: DirectusServer, open_session: Open) -> Session:
    return open_session(server.url, email=server.email, password=server.password, mode="session")


def test_a_session_logs_in_refreshes_and_logs_out(server: DirectusServer, login: Session) -> None:
    with login.capture() as sent, login:
        assert me(login) == me(login) == server.email
        make_due(login)
        assert me(login) == server.email
    assert paths(sent) == [
        *("/auth/login", "/users/me", "/users/me"),
        *("/auth/refresh", "/users/me"),
        "/auth/logout",
    ]


def test_no_bearer_goes_along_and_the_cookie_goes_nowhere_else(
    server: DirectusServer, own_http: requests.Session, recorder: Recorder
) -> None:
    """A caller's requests.Session is not changed: its other requests do not carry the cookie."""
    own_http.headers["Authorization"] = "Bearer stale"
    own_http.cookies.set("sticky", "node-1", domain="127.0.0.1", path="/")
    with Session(
        server.url, email=server.email, password=server.password, mode="session", http=own_http
    ) as session:
        assert me(session) == server.email
        make_due(session)
        assert me(session) == server.email
    sent = [
        (str(r.url).removeprefix(server.url).split("?")[0], r.headers.get("Cookie", "")) for r in recorder.sent
    ]
    assert [path for path, _ in sent] == ["/auth/login", "/users/me", "/auth/refresh", "/users/me", "/auth/logout"]
    assert ["own_name=" in cookie for _, cookie in sent] == [False, True, True, True, True]
    assert all("sticky=node-1" in cookie for _, cookie in sent)
    assert all("Authorization" not in r.headers for r in recorder.sent)
    assert [cookie.name for cookie in own_http.cookies] == ["sticky"]


def test_own_connections_keep_no_cookies(server: DirectusServer, login: Session, tiny: TinyServer) -> None:
    me(login)
    tiny.answers(Scripted(headers={"Set-Cookie": "directus_session_token=eyJhbGciOiJIUzI1NiJ9.e30.x; Path=/"}))
    with Session(tiny.url, token="t") as other:
        other.get("/items/x")
        other.get("/items/x")
    assert ["cookie" in headers for _, _, headers, _ in tiny.seen] == [False, False]


def test_a_session_that_the_server_ended_leads_to_a_new_login(server: DirectusServer, login: Session) -> None:
    me(login)
    auth: Any = login._state.auth
    headers = {"Cookie": auth._tokens.refresh.reveal()}
    answer = requests.post(f"{server.url}/auth/logout", json={"mode": "session"}, headers=headers, timeout=10)
    assert answer.status_code == 204
    with login.capture() as sent:
        assert me(login) == server.email
    assert exchanges(sent) == [
        ("/users/me", 401),
        ("/auth/refresh", 401),
        ("/auth/login", 200),
        ("/users/me", 200),
    ]


def test_fifty_threads_refresh_once(server: DirectusServer, login: Session) -> None:
    me(login)
    make_due(login)
    with login.capture() as sent:
        assert in_threads(50, lambda: me(login)) == [server.email] * 50
    assert [path for path in paths(sent) if path.startswith("/auth")] == ["/auth/refresh"]


def test_the_cookie_is_shown_nowhere(server: DirectusServer, login: Session) -> None:
    with login.capture() as sent:
        me(login)
    auth: Any = login._state.auth
    token = auth._tokens.refresh.reveal().split("=")[1]
    shown = f"{sent!r} {sent[0].request!r} {auth.token(None)!r} {login!r}"
    assert token not in shown
    assert token.encode() not in pickle.dumps(login)


def test_a_response_without_the_cookie_is_one_clear_error(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body={"data": {"expires": 1000}}))
    session = open_session(tiny.url, email="a@example.com", password="b", mode="session")
    with pytest.raises(errors.TransportError, match="holds no tokens"):
        me(session)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "session"},
        {"mode": "session", "token": "t"},
        {"mode": "session", "email": "a@example.com"},
        {"mode": "session", "auth": Login("a", "b")},
        {"mode": "cookie", "email": "a@example.com", "password": "p"},
    ],
    ids=str,
)
def test_a_mode_without_a_login_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match="mode="):
        Session("http://localhost", **options)


def test_a_strategy_may_send_a_cookie(tiny: TinyServer) -> None:
    class Mine(Login):
        def token(self, ask: Any) -> Cookie:
            return Cookie("name=value")

    with Session(tiny.url, auth=Mine("x", "y")) as session:
        session.get("/items/x")
    assert [(h.get("cookie"), h.get("authorization")) for _, _, h, _ in tiny.seen] == [("name=value", None)]
