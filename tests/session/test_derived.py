"""Sessions made of another one share its server, its connections and, as the same user, its login."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from directus_orm import AuthenticationError, ConfigurationError, Forbidden, Model, QueryError, TransportError
from directus_orm.session import Capture, Login, Session, StaticToken, current_session
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight
from tests.worlds.server_setup import user
from tests.worlds.tiny_server import Recorder, Scripted, TinyServer

Open = Callable[..., Session]


@pytest.fixture
def parent(directus_server: DirectusServer, open_session: Open) -> Session:
    return open_session(directus_server.url, token=directus_server.token)


@pytest.fixture
def login(directus_server: DirectusServer, open_session: Open) -> Session:
    return open_session(directus_server.url, email=directus_server.email, password=directus_server.password)


@pytest.fixture
def guest(directus_server: DirectusServer) -> Iterator[str]:
    """The token of a user who may do nothing."""
    with user(directus_server, "guest") as token:
        yield token


def paths(sent: Capture) -> list[str]:
    return [entry.request.path for entry in sent]


def me(session: Session) -> Any:
    return session.get("/users/me", {"fields": "id"})["id"]


# --- as whom ------------------------------------------------------------------------------------------------


def test_one_query_goes_as_another_user(parent: Session, guest: str) -> None:
    other = parent.with_options(token=guest)
    assert me(other) != me(parent)
    assert other.url == parent.url
    with pytest.raises(Forbidden):
        Nothing.objects.using(other).count()


class Nothing(Model, collection="not_there"):
    id: int


def test_a_token_that_is_none_is_the_public_and_not_the_parent(parent: Session) -> None:
    """Else a visitor without a token would see what the application may see."""
    nobody: list[Any] = [{"token": None}, {"auth": None}, {"email": None, "password": None}]
    for options in nobody:
        public = parent.with_options(**options)
        with pytest.raises(AuthenticationError):
            me(public)


def test_without_credentials_the_login_is_shared(login: Session) -> None:
    other = login.with_options(timeout=5)
    with login.capture() as sent:
        assert me(other) == me(login) == me(other.with_options(retry=0))
    assert paths(sent) == ["/auth/login", *["/users/me"] * 3]


def test_the_same_credentials_share_the_login(login: Session, directus_server: DirectusServer) -> None:
    same: Any = {"email": directus_server.email, "password": directus_server.password}
    with login.capture() as sent:
        assert me(login) == me(login.with_options(**same)) == me(login.with_options(retry=1).with_options(**same))
    assert paths(sent).count("/auth/login") == 1
    with pytest.raises(AuthenticationError):
        me(login.with_options(email=directus_server.email, password="wrong"))


def test_the_same_strategy_shares_the_login(directus_server: DirectusServer, open_session: Open) -> None:
    """Leaving the one would log out the other."""
    mine = Login(directus_server.email, directus_server.password)
    parent = open_session(directus_server.url, auth=mine)
    with parent.capture() as sent:
        with parent.with_options(auth=mine, timeout=5) as inner:
            me(inner)
        me(parent)
    assert paths(sent) == ["/auth/login", "/users/me", "/users/me"]


def test_a_renewed_token_is_renewed_for_both(login: Session) -> None:
    """G40: of two refreshes one kills the other's token."""
    other = login.with_options(retry=1)
    me(other)
    auth: Any = login._state.auth
    auth._tokens = type(auth._tokens)(auth._tokens.access, auth._tokens.refresh, 0.0)
    with login.capture() as sent, ThreadPoolExecutor(10) as pool:
        list(pool.map(me, [login, other] * 5))
    assert paths(sent).count("/auth/refresh") == 1


def test_a_strategy_of_ones_own_is_taken(parent: Session, guest: str) -> None:
    assert me(parent.with_options(auth=StaticToken(guest))) == me(parent.with_options(token=guest))


@pytest.mark.parametrize("as_guest", [False, True])
def test_leaving_a_derived_session_leaves_the_parent_logged_in(login: Session, guest: str, as_guest: bool) -> None:
    me(login)
    with login.capture() as sent:
        with login.with_options(token=guest) if as_guest else login.with_options(page_size=5) as inner:
            assert current_session() is inner
            me(inner)
        me(login)
    assert paths(sent) == ["/users/me", "/users/me"]


def test_a_derived_session_logs_out_its_own_login(parent: Session, directus_server: DirectusServer) -> None:
    with (
        parent.capture() as sent,
        parent.with_options(email=directus_server.email, password=directus_server.password) as inner,
    ):
        me(inner)
    me(parent)
    assert paths(sent) == ["/auth/login", "/users/me", "/auth/logout"]


# --- over the same connections ------------------------------------------------------------------------------


def test_connections_are_shared_and_not_closed(tiny: TinyServer, open_session: Open) -> None:
    parent = open_session(tiny.url, token="a")
    parent.get("/x")
    with parent.with_options(token="b", timeout=3) as other:
        other.get("/x")
        with other.with_options(token="c") as third:
            third.get("/x")
    parent.get("/x")
    assert len(set(tiny.ports)) == 1
    assert tiny.bearers == ["Bearer a", "Bearer b", "Bearer c", "Bearer a"]


def test_ones_own_http_is_shared(
    directus_server: DirectusServer, recorder: Recorder, own_http: requests.Session
) -> None:
    with Session(directus_server.url, token=directus_server.token, http=own_http) as parent:
        me(parent.with_options(timeout=7))
    assert len(recorder.sent) == 1


def test_it_can_be_used_when_the_parent_was_closed(directus_server: DirectusServer, open_session: Open) -> None:
    with open_session(directus_server.url, token=directus_server.token) as parent:
        other = parent.with_options(retry=1)
    assert me(other) == me(parent)


def test_the_timeout_is_its_own(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(delay=0.6))
    parent = open_session(tiny.url)
    started = time.monotonic()
    with pytest.raises(TransportError, match=r"longer than 0\.2 s"):
        parent.with_options(timeout=0.2, retry=0).get("/x")
    assert time.monotonic() - started < 0.5
    parent.get("/x")


def test_retrying_is_its_own(tiny: TinyServer, open_session: Open) -> None:
    broken = Scripted(status=0)
    tiny.answers(broken, Scripted())
    parent = open_session(tiny.url)
    with pytest.raises(TransportError):
        parent.with_options(retry=0).get("/x")
    assert len(tiny.seen) == 1
    tiny.answers(broken, Scripted())
    parent.with_options(page_size=5).get("/x")
    assert len(tiny.seen) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://elsewhere"},
        {"verify": False},
        {"cert": "x"},
        {"http": requests.Session()},
        {"tokn": "x"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_belongs_to_the_connections_cannot_be_changed(parent: Session, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot change {next(iter(options))}.* open another Session"):
        parent.with_options(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"token": "a", "email": "b"},
        {"email": "b"},
        {"token": "two words"},
        {"timeout": 0},
        {"timeout": None},
        {"retry": -1},
        {"page_size": 0},
        {"mode": "json"},
        {"mode": "odd", "token": "x"},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused_at_the_call(parent: Session, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        parent.with_options(**options)


# --- seen from outside --------------------------------------------------------------------------------------


def test_the_parent_records_what_it_sends_and_not_the_other_way_round(parent: Session, guest: str) -> None:
    other = parent.with_options(token=guest)
    with parent.capture() as all_sent, other.capture() as sent, other.with_options(retry=0).capture() as none:
        me(other)
        me(parent)
    assert (len(all_sent), len(sent), len(none)) == (2, 1, 0)


def test_facts_about_the_server_are_shared_with_the_parent(parent: Session) -> None:
    other = parent.with_options(page_size=5)
    other.max_rows, parent.null_first = 50, True
    assert (parent.max_rows, other.null_first) == (50, True)
    assert Session(parent.url).max_rows is None


def test_what_the_server_says_of_itself_is_asked_once_for_one_user(parent: Session, guest: str) -> None:
    other = parent.with_options(timeout=5)
    with parent.capture() as sent:
        assert other.info() is parent.info() is other.with_options(retry=1).info()
        assert parent.with_options(token=guest).info().complete
        assert not parent.with_options(token=None).info().complete
    assert paths(sent) == ["/server/info"] * 3


def test_page_size_is_its_own(parent: Session) -> None:
    other = parent.with_options(page_size=5)
    assert (parent.page_size, other.page_size) == (None, 5)
    assert other.with_options(retry=0).page_size == 5
    assert other.with_options(page_size=None).page_size is None


def test_secrets_are_not_shown(login: Session, directus_server: DirectusServer) -> None:
    assert repr(login.with_options(timeout=1)) == repr(login)
    assert repr(login.with_options(token="sesame")) == f"<Session {login.url} as token>"
    assert repr(login.with_options(token=None)) == f"<Session {login.url} as public>"


def test_lazy_loading_that_the_parent_forbids_is_forbidden(parent: Session) -> None:
    other = parent.with_options(retry=1)
    with parent.forbid_lazy_loading():
        assert other.lazy_loading_is_forbidden
    assert not other.lazy_loading_is_forbidden
    with other.forbid_lazy_loading():
        assert not parent.lazy_loading_is_forbidden


def test_a_pickle_with_the_parents_login_takes_the_environments(
    parent: Session, directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    again = pickle.loads(pickle.dumps(parent.with_options(timeout=5, page_size=7)))
    assert (again._state.options.timeout, again.page_size) == ((5, 5), 7)
    assert me(again) == me(parent)
    again.close()


def test_a_pickle_with_the_parents_credentials_takes_the_environments(
    login: Session, directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    again = pickle.loads(
        pickle.dumps(login.with_options(email=directus_server.email, password=directus_server.password))
    )
    assert me(again) == me(login)
    again.close()


def test_a_pickle_of_another_user_does_not_become_the_environments(
    parent: Session, guest: str, directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those are mostly the application's: a user would see what is not theirs."""
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    for other in (parent.with_options(token=guest), parent.with_options(token=guest).with_options(retry=1)):
        pickled = pickle.dumps(other)
        assert guest.encode() not in pickled
        again = pickle.loads(pickled)
        for lost in (again, pickle.loads(pickle.dumps(again))):
            with pytest.raises(ConfigurationError, match="for another user"):
                lost.get("/users/me")
    public = pickle.loads(pickle.dumps(parent.with_options(token=None)))
    with pytest.raises(AuthenticationError):
        me(public)
    public.close()


def test_many_threads_use_many_derived_sessions(parent: Session, guest: str) -> None:
    def ask(n: int) -> bool:
        with parent.with_options(token=guest if n % 2 else None) as mine:
            try:
                return bool(me(mine) != admin)
            except AuthenticationError:
                return n % 2 == 0

    admin = me(parent)
    with parent.capture() as sent, ThreadPoolExecutor(20) as pool:
        assert all(pool.map(ask, range(100)))
    assert len(sent) == 100
    assert me(parent) == admin


def test_instances_keep_the_session_they_came_by(world_session: Session) -> None:
    other = world_session.with_options(page_size=5)
    flight = Flight.objects.using(other).only("id").order_by("id")[0]
    with other.capture() as sent:
        assert flight.carrier.name
        assert Airline.objects.using(other).count() == 4
    assert len(sent) == 3
    with other.forbid_lazy_loading(), pytest.raises(QueryError):
        Flight.objects.using(other).only("id")[0].note


@pytest.fixture
def world_session(world: DirectusServer, open_session: Open) -> Session:
    return open_session(world.url, token=world.token)


def test_logins_are_equal_only_if_all_credentials_are() -> None:
    mine = Login("a", "b")
    assert mine.is_same_login(Login("a", "b"))
    for other in (Login("a", "c"), Login("x", "b"), Login("a", "b", "123456"), StaticToken("b")):
        assert not mine.is_same_login(other)
