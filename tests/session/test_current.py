"""Which session is the current one; options; capture; pickling."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm.core.errors import ConfigurationError
from directus_orm.session import Session, connect, current_session
from directus_orm.session import session as session_module
from tests.worlds.tiny_server import Scripted, TinyServer

URL = "http://localhost:8055"


@pytest.fixture(autouse=True)
def no_default() -> Iterator[None]:
    before, session_module.session_stack.default = session_module.session_stack.default, None
    yield
    session_module.session_stack.default = before


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "TOKEN", "EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"DIRECTUS_{name}", raising=False)


def in_thread(function: Callable[[], Any]) -> Any:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(function())
        except ConfigurationError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_without_a_session_the_error_names_the_ways_to_get_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        current_session()
    for way in ("with Session(", "connect(", ".using(", "new thread"):
        assert way in str(caught.value)


def test_the_innermost_with_is_current() -> None:
    one, two = Session(URL), Session(URL)
    with one:
        with two:
            with one:
                assert current_session() is one
            assert current_session() is two
        assert current_session() is one
    with pytest.raises(ConfigurationError):
        current_session()


def test_connect_sets_the_default_of_the_process() -> None:
    default = connect(URL, token="t")
    assert current_session() is default
    with Session(URL) as inner:
        assert current_session() is inner
    assert current_session() is default
    assert connect(inner) is inner is current_session()


def test_connect_takes_options_with_a_url_only() -> None:
    with pytest.raises(ConfigurationError, match="already has its own"):
        connect(Session(URL), token="t")


def test_a_new_thread_sees_connect_but_no_with() -> None:
    with Session(URL):
        assert "new thread" in str(in_thread(current_session))
        default = connect(URL)
        assert in_thread(current_session) is default


def test_tasks_do_not_see_each_others_sessions() -> None:
    async def task(session: Session) -> bool:
        with session:
            await asyncio.sleep(0.01)
            return current_session() is session

    async def both() -> list[bool]:
        return list(await asyncio.gather(task(Session(URL)), task(Session(URL))))

    assert asyncio.run(both()) == [True, True]


def test_blocks_that_end_out_of_order_leave_the_right_session() -> None:
    """Two generators, each with a session, closed in the order of their start."""

    def rows(session: Session) -> Iterator[None]:
        with session:
            yield

    one, two = Session(URL), Session(URL)
    first, second = rows(one), rows(two)
    next(first)
    next(second)
    first.close()  # type: ignore[attr-defined]
    assert current_session() is two
    second.close()  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError):
        current_session()


@pytest.mark.parametrize(
    "options",
    [
        {"token": "t", "email": "a@example.com"},
        {"token": "t", "email": "a@example.com", "password": "p"},
        {"email": "a@example.com"},
        {"password": "p"},
        {"otp": "123456"},
        {"token": "t", "otp": "123456"},
        {"token": ""},
        {"token": "two words"},
        {"token": "line\nbreak"},
        {"auth": "me"},
        {"mode": "session", "token": "t"},
        {"mode": "cookie"},
        {"timeout": None},
        {"timeout": 0},
        {"timeout": (1, 2, 3)},
        {"timeout": float("inf")},
        {"verify": ""},
        {"verify": None},
        {"verify": 5},
        {"cert": ""},
        {"cert": ("certificate", "")},
        {"cert": ("certificate", "key", "password")},
        {"http": "http://proxy"},
        {"retry": -1},
        {"retry": 1.5},
        {"page_size": 0},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused_at_the_call(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Session(URL, **options)


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:8055", "ftp://localhost", "http://", "http:///x", "http://h:port", "http://h:99999"),
        *("http://h/?a=b", "http://h/#a", "http://me:hidden@h/", "http://me@h"),
    ],
)
def test_a_url_that_is_none_is_refused_at_the_call(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Session(url, token="t")
    assert "hidden" not in str(caught.value)


def test_an_unknown_mode_names_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="'json', 'session'"):
        Session(URL, mode="cookie", email="a@example.com", password="p")


def test_from_env_reads_the_environment(monkeypatch: pytest.MonkeyPatch, tiny: TinyServer) -> None:
    with pytest.raises(ConfigurationError, match="DIRECTUS_URL is not set"):
        Session.from_env()
    monkeypatch.setenv("DIRECTUS_URL", tiny.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", "mine")
    with Session.from_env(timeout=5) as session:
        session.get("/items/x")
    assert tiny.bearers == ["Bearer mine"]
    monkeypatch.setenv("DIRECTUS_TOKEN", "")
    monkeypatch.setenv("DIRECTUS_EMAIL", "a@example.com")
    with pytest.raises(ConfigurationError, match="email="):
        Session.from_env()
    monkeypatch.setenv("DIRECTUS_PASSWORD", "p")
    assert "a@example.com" in repr(Session.from_env())
    monkeypatch.setenv("DIRECTUS_TOKEN", "mine")
    with pytest.raises(ConfigurationError, match="one way to log in"):
        Session.from_env()
    assert repr(Session.from_env(token="other")) == f"<Session {tiny.url} as token>"


def test_a_pickle_holds_url_and_options_but_no_secret(monkeypatch: pytest.MonkeyPatch, tiny: TinyServer) -> None:
    session = Session(tiny.url, token="hidden-token", timeout=(3, 4), page_size=50)
    data = pickle.dumps(session)
    assert b"hidden-token" not in data
    assert b"hidden-pass" not in pickle.dumps(Session(tiny.url, email="a@example.com", password="hidden-pass"))

    lost = pickle.loads(data)
    with pytest.raises(ConfigurationError, match="DIRECTUS_TOKEN"):
        lost.get("/items/x")
    assert tiny.seen == []

    monkeypatch.setenv("DIRECTUS_TOKEN", "of-the-worker")
    with pickle.loads(data) as other:
        other.get("/items/x")
    assert tiny.bearers == ["Bearer of-the-worker"]
    assert (other.url, other.page_size, other._state.options) == (session.url, 50, session._state.options)


def test_an_anonymous_session_stays_anonymous_in_another_process(
    monkeypatch: pytest.MonkeyPatch, tiny: TinyServer
) -> None:
    monkeypatch.setenv("DIRECTUS_TOKEN", "of-the-worker")
    with pickle.loads(pickle.dumps(Session(tiny.url))) as session:
        session.get("/items/x")
    assert tiny.bearers == [None]


def test_a_copy_of_a_session_is_the_session() -> None:
    session = Session(URL, token="t")
    assert copy.copy(session) is session
    assert copy.deepcopy([session])[0] is session


def test_repr_shows_who_but_no_secret() -> None:
    assert repr(Session(URL, token="hidden")) == f"<Session {URL} as token>"
    assert repr(Session(URL, email="a@example.com", password="hidden")) == f"<Session {URL} as a@example.com>"
    assert repr(Session(URL)) == f"<Session {URL} as public>"


def test_capture_records_what_was_sent_from_all_threads(tiny: TinyServer) -> None:
    with Session(tiny.url, token="t", retry=0) as session:
        session.get("/items/before")
        with session.capture() as outer:
            session.get("/items/a", {"limit": 1})
            with session.capture() as inner:
                in_thread(lambda: session.items("b").create({"password": "hidden"}))
        session.get("/items/after")
    assert [entry.request.path for entry in outer] == ["/items/a", "/items/b"]
    assert len(inner) == 1
    assert inner[0] == outer[1] == outer[-1:][0]
    assert inner[0].status == 200
    assert 0 < inner[0].seconds < 5
    assert repr(outer) == (
        "<Capture of 2 requests\n"
        "  <GET /items/a limit=1 -> 200>\n"
        '  <POST /items/b {"password": "**********"} -> 200>>'
    )


def test_capture_records_requests_without_a_response(tiny: TinyServer) -> None:
    tiny.answers(Scripted(0), Scripted())
    with Session(tiny.url, token="t") as session, session.capture() as sent:
        session.get("/items/a")
    assert [entry.status for entry in sent] == [None, 200]
    assert "no response" in repr(sent)
    sent.clear()
    assert repr(sent) == "<Capture of no requests>"
