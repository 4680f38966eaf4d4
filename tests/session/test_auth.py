"""Logging in, staying logged in, logging out.

One test waits until a token has expired, on a server whose tokens live 3 s. The others replace the token by one
that carries the signature of the server and expired yesterday.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from directus_orm.core import errors
from directus_orm.session import Login, Secret, Session, auth
from directus_orm.testing import DirectusServer
from tests.session.conftest import ACCESS_TOKEN_TTL
from tests.worlds.sessions import (
    exchanges,
    expired,
    forget_expiry,
    in_threads,
    let_expire,
    me,
    one_time_password,
    paths,
    replace_by_expired,
)
from tests.worlds.tiny_server import Recorder, Scripted, TinyServer

Open = Callable[..., Session]


@pytest.fixture
def server(login_server: DirectusServer) -> DirectusServer:
    return login_server


@pytest.fixture
def patient(directus_server: DirectusServer) -> DirectusServer:
    """A server whose tokens live for 15 minutes, so that a busy machine adds no refresh."""
    return directus_server


@pytest.fixture
def patient_login(patient: DirectusServer, open_session: Open) -> Session:
    return open_session(patient.url, email=patient.email, password=patient.password)


@pytest.fixture
def login(server: DirectusServer, open_session: Open) -> Session:
    return open_session(server.url, email=server.email, password=server.password)


def test_the_first_request_logs_in_and_the_next_does_not(patient: DirectusServer, open_session: Open) -> None:
    login = open_session(patient.url, email=patient.email, password=patient.password)
    with login.capture() as sent:
        assert me(login) == me(login) == patient.email
    assert paths(sent) == ["/auth/login", "/users/me", "/users/me"]
    assert [entry.purpose for entry in sent][-3:] == ["login", "data", "data"]


def test_a_token_is_refreshed_before_it_expires(
    server: DirectusServer, login: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is answered with 401 on the way."""
    me(login)
    replace_by_expired(login, server)
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + ACCESS_TOKEN_TTL))
    with login.capture() as sent:
        assert me(login) == server.email
    assert exchanges(sent) == [("/auth/refresh", 200), ("/users/me", 200)]


def test_an_expired_token_is_refreshed_and_the_request_repeated(server: DirectusServer, login: Session) -> None:
    """G39: an expired token fails on every route; a refresh that carried it would fail as well."""
    me(login)
    forget_expiry(login)
    time.sleep(ACCESS_TOKEN_TTL + 0.2)
    with login.capture() as sent:
        assert me(login) == server.email
    assert exchanges(sent) == [
        ("/users/me", 401),
        ("/auth/refresh", 200),
        ("/users/me", 200),
    ]


@pytest.mark.parametrize("noticed", ["by the clock", "by a 401"])
def test_fifty_threads_with_an_expired_token_refresh_once(
    noticed: str, patient: DirectusServer, patient_login: Session
) -> None:
    """G40: refresh tokens rotate without grace, so a second refresh at the same time would log everybody out."""
    me(patient_login)
    let_expire(patient_login, patient)
    if noticed == "by a 401":
        forget_expiry(patient_login)
    with patient_login.capture() as sent:
        assert in_threads(50, lambda: me(patient_login)) == [patient.email] * 50
    assert [path for path in paths(sent) if path.startswith("/auth")] == ["/auth/refresh"]


@pytest.mark.parametrize("noticed", ["by the clock", "by a 401"])
def test_fifty_threads_with_a_dead_refresh_token_log_in_once(
    noticed: str, server: DirectusServer, login: Session
) -> None:
    me(login)
    strategy: Any = login._state.auth
    body = {"refresh_token": strategy._tokens.refresh.reveal(), "mode": "json"}
    assert requests.post(f"{server.url}/auth/logout", json=body, timeout=10).status_code == 204
    let_expire(login, server)
    if noticed == "by a 401":
        forget_expiry(login)
    with login.capture() as sent:
        assert in_threads(50, lambda: me(login)) == [server.email] * 50
    asked = [exchange for exchange in exchanges(sent) if exchange[0].startswith("/auth")]
    assert asked[:2] == [("/auth/refresh", 401), ("/auth/login", 200)]
    # On a busy machine the new token expires while threads still wait, and is refreshed in its turn.
    assert set(asked[2:]) <= {("/auth/refresh", 200)}


def test_a_dead_refresh_token_leads_to_a_new_login(server: DirectusServer, login: Session) -> None:
    me(login)
    strategy: Any = login._state.auth
    body = {"refresh_token": strategy._tokens.refresh.reveal(), "mode": "json"}
    assert requests.post(f"{server.url}/auth/logout", json=body, timeout=10).status_code == 204
    let_expire(login, server)
    with login.capture() as sent:
        assert me(login) == server.email
    assert exchanges(sent) == [
        ("/auth/refresh", 401),
        ("/auth/login", 200),
        ("/users/me", 200),
    ]


def test_login_refresh_and_logout_never_carry_a_bearer(
    server: DirectusServer, own_http: requests.Session, recorder: Recorder
) -> None:
    """G39, also when the caller's requests.Session has a header of its own."""
    own_http.headers["Authorization"] = "Bearer stale"
    with Session(server.url, email=server.email, password=server.password, http=own_http) as session:
        me(session)
        let_expire(session, server)
        me(session)
    carried = [
        (str(r.url).removeprefix(server.url).split("?")[0], "Authorization" in r.headers) for r in recorder.sent
    ]
    assert carried == [
        ("/auth/login", False),
        ("/users/me", True),
        ("/auth/refresh", False),
        ("/users/me", True),
        ("/auth/logout", False),
    ]
    assert all(r.headers.get("Authorization") != "Bearer stale" for r in recorder.sent)


def test_leaving_the_outermost_with_logs_out_and_the_session_works_again(
    patient: DirectusServer, open_session: Open
) -> None:
    login = open_session(patient.url, email=patient.email, password=patient.password)
    with login.capture() as sent:
        with login:
            with login:
                me(login)
            me(login)
        with login:
            me(login)
    assert paths(sent) == [
        *("/auth/login", "/users/me", "/users/me", "/auth/logout"),
        *("/auth/login", "/users/me", "/auth/logout"),
    ]


def test_a_wrong_password_names_the_user_and_the_server_but_not_the_password(
    server: DirectusServer, open_session: Open
) -> None:
    session = open_session(server.url, email=server.email, password="not-the-password")
    with session.capture() as sent, pytest.raises(errors.AuthenticationError) as caught:
        me(session)
    assert server.email in str(caught.value)
    assert server.url in str(caught.value)
    assert caught.value.code == "INVALID_CREDENTIALS"
    assert paths(sent) == ["/auth/login"]
    shown = f"{caught.value!s} {caught.value!r} {caught.value.__dict__} {caught.value.request} {sent} {session!r}"
    assert "not-the-password" not in shown


def test_threads_that_wait_for_a_failing_login_do_not_repeat_it(
    server: DirectusServer, open_session: Open
) -> None:
    """Directus suspends a user after 25 wrong passwords."""
    session = open_session(server.url, email="nobody@example.com", password="wrong")

    def failure(_: int) -> str:
        with pytest.raises(errors.AuthenticationError) as caught:
            me(session)
        return str(caught.value)

    with session.capture() as sent, ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(failure, range(10)))) == 1
    assert len(sent) < 10


def test_an_unknown_static_token_is_refused_once(server: DirectusServer, open_session: Open) -> None:
    session = open_session(server.url, token="no-such-token")
    with session.capture() as sent, pytest.raises(errors.AuthenticationError, match="Check the token") as caught:
        me(session)
    assert len(sent) == 1
    assert server.url in str(caught.value)
    assert "no-such-token" not in f"{caught.value} {session!r} {sent!r}"


def test_a_401_after_a_fresh_login_is_final(tiny: TinyServer, open_session: Open) -> None:
    """A server that calls every token expired is not asked for ever."""
    expired = {"errors": [{"message": "Token expired.", "extensions": {"code": "TOKEN_EXPIRED"}}]}
    tokens = {"data": {"access_token": "a", "refresh_token": "b", "expires": 900000}}
    tiny.answers(
        Scripted(body=tokens),
        Scripted(401, expired),
        Scripted(401, expired),
        Scripted(body=tokens),
        Scripted(401, expired),
    )
    with pytest.raises(errors.AuthenticationError, match="Token expired"):
        me(open_session(tiny.url, email="a@example.com", password="b"))
    assert [path.split("?")[0] for path in tiny.paths] == [
        *("/auth/login", "/users/me", "/auth/refresh", "/auth/login", "/users/me")
    ]


def test_a_login_response_without_tokens_is_one_clear_error(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body={"data": {"hello": "world"}}))
    with pytest.raises(errors.TransportError, match="holds no tokens"):
        me(open_session(tiny.url, email="a@example.com", password="b"))


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(body='{"data": {"access_token": "hidden"', cut=False),
        Scripted(body={"access_token": "hidden"}),
        Scripted(500, '"access_token": "hidden"'),
        Scripted(body="<p>hidden"),
    ],
    ids=str,
)
def test_a_broken_response_to_a_login_is_not_quoted(
    answer: Scripted, tiny: TinyServer, open_session: Open
) -> None:
    """It may hold tokens."""
    tiny.answers(answer)
    with pytest.raises(errors.TransportError, match="POST /auth/login") as caught:
        me(open_session(tiny.url, email="a@example.com", password="hidden"))
    assert type(caught.value) is errors.TransportError
    assert "hidden" not in f"{caught.value} {caught.value!r} {caught.value.request}"


def test_two_factor_login_takes_an_otp_or_a_function_that_makes_one(
    server: DirectusServer, open_session: Open
) -> None:
    admin = open_session(server.url, token=server.token)
    role = admin.get("/users/me", {"fields": "role"})["role"]
    admin.post("/users", {"email": "two@example.com", "password": "pw-of-two", "role": role})
    plain = open_session(server.url, email="two@example.com", password="pw-of-two")
    secret = plain.post("/users/me/tfa/generate", {"password": "pw-of-two"})["secret"]
    plain.post("/users/me/tfa/enable", {"secret": secret, "otp": one_time_password(secret)})

    without = open_session(server.url, email="two@example.com", password="pw-of-two")
    with pytest.raises(errors.AuthenticationError, match="give otp=") as caught:
        me(without)
    assert caught.value.code == "INVALID_OTP"
    for otp in (one_time_password(secret), lambda: one_time_password(secret)):
        session = open_session(server.url, email="two@example.com", password="pw-of-two", otp=otp)
        assert me(session) == "two@example.com"


def test_a_strategy_of_ones_own_is_used(server: DirectusServer, open_session: Open) -> None:
    class Mine(Login):
        def token(self, ask: Any) -> str | None:
            return server.token

    assert me(open_session(server.url, auth=Mine("x", "y"))) == server.email


def test_the_docs_own_strategy_works_with_renewal(server: DirectusServer, open_session: Open) -> None:
    """A strategy says what to send, and is asked for another token when one is refused as expired."""
    tokens = open_session(server.url).post("/auth/login", {"email": server.email, "password": server.password})

    class Vault:
        anonymous = False

        def __init__(self) -> None:
            self.current = expired(str(tokens["access_token"]), server)
            self.ended = False

        def token(self, ask: Any) -> str:
            return self.current

        def renew(self, ask: Any, refused: Secret) -> bool:
            assert refused == self.current
            self.current = server.token
            return True

        def logout(self, ask: Any) -> None:
            self.ended = True

    vault = Vault()
    with Session(server.url, auth=vault) as session, session.capture() as sent:
        assert me(session) == server.email
    assert [status for _, status in exchanges(sent)] == [401, 200]
    assert vault.ended


def test_a_login_whose_response_is_lost_is_asked_again(tiny: TinyServer, open_session: Open) -> None:
    tokens = {"data": {"access_token": "a", "refresh_token": "b", "expires": 900000}}
    tiny.answers(
        Scripted(0), Scripted(502, "<html>"), Scripted(body=tokens), Scripted(body={"data": {"email": "e"}})
    )
    assert me(open_session(tiny.url, email="a@example.com", password="b")) == "e"
    assert tiny.methods == ["POST", "POST", "POST", "GET"]
