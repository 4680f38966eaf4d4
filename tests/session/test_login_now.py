"""`login()` and `logout()` when the program says so, and the ways to log in that a server offers."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import AuthenticationError, ConfigurationError, TransportError
from directus_orm.session import LoginProvider, LoginProviders, Session
from directus_orm.testing import DirectusServer, start
from tests.worlds.sessions import exchanges, make_due, me, paths
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]

SINGLE_SIGN_ON = {
    "AUTH_PROVIDERS": "hub",
    "AUTH_HUB_DRIVER": "oauth2",
    "AUTH_HUB_CLIENT_ID": "a",
    "AUTH_HUB_CLIENT_SECRET": "b",
    "AUTH_HUB_AUTHORIZE_URL": "http://127.0.0.1:1/authorize",
    "AUTH_HUB_ACCESS_URL": "http://127.0.0.1:1/access",
    "AUTH_HUB_PROFILE_URL": "http://127.0.0.1:1/profile",
    "AUTH_HUB_LABEL": "The hub",
    "AUTH_HUB_ICON": "hub",
    "AUTH_DISABLE_DEFAULT": "true",
}


@pytest.fixture(params=["json", "session"])
def login(request: pytest.FixtureRequest, directus_server: DirectusServer, open_session: Open) -> Session:
    server = directus_server
    return open_session(server.url, email=server.email, password=server.password, mode=request.param)


def test_a_login_takes_place_before_the_first_request(login: Session, directus_server: DirectusServer) -> None:
    with login.capture() as sent:
        login.login()
        assert me(login) == directus_server.email
    assert paths(sent) == ["/auth/login", "/users/me"]


def test_wrong_credentials_are_noticed_at_the_login(directus_server: DirectusServer, open_session: Open) -> None:
    session = open_session(directus_server.url, email=directus_server.email, password="not-the-password")
    with pytest.raises(AuthenticationError, match="Login as") as caught:
        session.login()
    assert "not-the-password" not in f"{caught.value} {vars(caught.value)}"


def test_a_second_login_replaces_the_first_which_ends(login: Session, directus_server: DirectusServer) -> None:
    login.login()
    auth: Any = login._state.auth
    former = auth._tokens
    with login.capture() as sent:
        login.login()
        assert me(login) == directus_server.email
    assert exchanges(sent) == [("/auth/login", 200), ("/auth/logout", 204), ("/users/me", 200)]
    request, credential = login.api.refresh_request(former.refresh, auth._mode)
    with pytest.raises(AuthenticationError):
        login._state.login_sender(request, credential)


def test_a_login_that_fails_leaves_the_former_one(login: Session, directus_server: DirectusServer) -> None:
    login.login()
    auth: Any = login._state.auth
    password, auth._password = auth._password, "wrong"
    with pytest.raises(AuthenticationError):
        login.login()
    auth._password = password
    with login.capture() as sent:
        assert me(login) == directus_server.email
    assert paths(sent) == ["/users/me"]


def test_after_a_logout_the_login_is_dead_and_the_next_request_logs_in(
    login: Session, directus_server: DirectusServer
) -> None:
    login.login()
    auth: Any = login._state.auth
    request, credential = login.api.refresh_request(auth._tokens.refresh, auth._mode)
    with login.capture() as sent:
        login.logout()
        login.logout()
    assert exchanges(sent) == [("/auth/logout", 204)]
    with pytest.raises(AuthenticationError):
        login._state.login_sender(request, credential)
    with login.capture() as sent:
        assert me(login) == directus_server.email
    assert paths(sent) == ["/auth/login", "/users/me"]


def test_a_logout_that_the_server_does_not_hear_of_is_an_error(tiny: TinyServer, open_session: Open) -> None:
    tokens = {"data": {"access_token": "a", "refresh_token": "b", "expires": 900000}}
    tiny.answers(Scripted(body=tokens), Scripted(0))
    session = open_session(tiny.url, email="a@example.com", password="b", retry=0)
    session.login()
    with pytest.raises(TransportError):
        session.logout()


@pytest.mark.parametrize("options", [{"token": "a"}, {}], ids=["token", "public"])
def test_a_session_without_a_password_says_what_a_login_needs(
    options: dict[str, str], tiny: TinyServer, open_session: Open
) -> None:
    session = open_session(tiny.url, **options)
    with pytest.raises(ConfigurationError, match="Give email= and password="):
        session.login()
    with pytest.raises(ConfigurationError, match="Give email= and password="):
        session.with_options(timeout=5).login()
    session.logout()
    assert tiny.seen == []


def test_an_unpickled_session_says_that_its_credentials_are_missing(
    tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIRECTUS_TOKEN", "DIRECTUS_EMAIL", "DIRECTUS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    session = pickle.loads(pickle.dumps(open_session(tiny.url, email="a@example.com", password="b")))
    with pytest.raises(ConfigurationError, match="credentials are never pickled"):
        session.login()


def test_a_strategy_of_the_program_is_asked_for_its_token(tiny: TinyServer, open_session: Open) -> None:
    class Own:
        anonymous = False
        asked = 0

        def token(self, ask: Any) -> str:
            self.asked += 1
            return "a"

        def renew(self, ask: Any, refused: Any) -> bool:
            return False

        def logout(self, ask: Any) -> None:
            pass

    own = Own()
    open_session(tiny.url, auth=own).login()
    assert own.asked == 1


def test_a_derived_session_logs_in_for_both_and_does_not_log_out(
    login: Session, directus_server: DirectusServer
) -> None:
    derived = login.with_options(timeout=5)
    with login.capture() as sent:
        derived.login()
        assert me(login) == me(derived) == directus_server.email
        with pytest.raises(ConfigurationError, match="shares its login"):
            derived.logout()
    assert paths(sent) == ["/auth/login", "/users/me", "/users/me"]


def test_login_and_logout_have_async_forms(login: Session) -> None:
    async def in_and_out() -> None:
        await login.alogin()
        await login.alogout()
        assert await login.aproviders() == LoginProviders()

    with login.capture() as sent:
        asyncio.run(in_and_out())
    assert paths(sent) == ["/auth/login", "/auth/logout", "/auth"]


def test_the_providers_of_a_server_are_listed_without_a_login(directus_version: str, open_session: Open) -> None:
    """Directus 12 without a licence offers none, and always e-mail and password."""
    with start(directus_version, env=SINGLE_SIGN_ON) as server:
        session = open_session(server.url, email=server.email, password="wrong")
        with session.capture() as sent:
            offered = session.providers()
        raw = open_session(server.url).get("/auth")
    assert paths(sent) == ["/auth"]
    if server.version.startswith("12."):
        assert offered == LoginProviders()
        return
    hub = LoginProvider("hub", driver="oauth2", icon="hub", label="The hub")
    assert offered == LoginProviders((hub,), default_is_disabled=True)
    assert list(offered) == [hub]
    assert len(offered) == 1
    assert raw["disableDefault"]


def test_a_response_without_providers_is_not_from_directus(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(200, {"hello": "world"}))
    with pytest.raises(TransportError, match="does not come from Directus"):
        open_session(tiny.url).providers()


def test_a_token_that_is_due_is_refreshed_after_a_login(login: Session, directus_server: DirectusServer) -> None:
    login.login()
    make_due(login)
    with login.capture() as sent:
        assert me(login) == directus_server.email
    assert paths(sent) == ["/auth/refresh", "/users/me"]
