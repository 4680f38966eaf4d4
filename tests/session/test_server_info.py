"""What a server says of itself, on every version that is asked for: version, limits, health."""

from __future__ import annotations

import asyncio
import pickle
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from directus_orm import AuthenticationError, Forbidden, TransportError, Unavailable
from directus_orm.session import Health, RateLimit, ServerInfo, Session
from directus_orm.testing import DirectusServer, plugin, start
from tests.worlds.server_setup import user
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]
MOST = 50


@pytest.fixture(scope="module")
def limited(pytestconfig: pytest.Config) -> Iterator[DirectusServer]:
    """A server with limits of every kind, whose files have no place to be."""
    env = {
        "QUERY_LIMIT_MAX": str(MOST),
        "QUERY_LIMIT_DEFAULT": "20",
        "RATE_LIMITER_ENABLED": "true",
        "RATE_LIMITER_POINTS": "5000",
        "RATE_LIMITER_DURATION": "2",
        "HEALTHCHECK_CACHE_TTL": "1ms",
        "WEBSOCKETS_ENABLED": "true",
        "WEBSOCKETS_GRAPHQL_ENABLED": "false",
    }
    with start(plugin.option(pytestconfig, "version"), env=env) as server:
        yield server


@pytest.fixture
def plain(directus_server: DirectusServer, open_session: Open) -> Session:
    return open_session(directus_server.url, token=directus_server.token)


class TestInfo:
    def test_it_tells_the_version_and_asks_once(self, plain: Session, directus_server: DirectusServer) -> None:
        with plain.capture() as sent:
            info = plain.info()
            assert plain.info() is info
        assert [(entry.request.path, entry.purpose) for entry in sent] == [("/server/info", "info")]
        assert info.version == directus_server.version
        assert info.major == int(directus_server.version.partition(".")[0])
        assert info.complete
        assert info.project == "Directus"
        assert (info.default_rows, info.max_rows, info.rate_limit, info.global_rate_limit) == (
            100,
            None,
            None,
            None,
        )
        assert info.websocket is None
        assert plain.max_rows is None

    def test_nothing_is_asked_up_front(self, plain: Session) -> None:
        with plain.capture() as sent:
            plain.items("directus_anything")
            plain.get("/users/me")
        assert [entry.purpose for entry in sent] == ["data"]

    def test_limits_are_told_and_kept_to(self, limited: DirectusServer, open_session: Open) -> None:
        """G45: a page beyond the maximum is refused, which costs a request if nobody knows."""
        session = open_session(limited.url, token=limited.token)
        info = session.info()
        assert (info.default_rows, info.max_rows) == (20, MOST)
        assert info.rate_limit == RateLimit(5000, 2)
        assert info.websocket is not None
        assert info.websocket["rest"]["path"] == "/websocket"
        assert session.max_rows == MOST

    def test_fresh_asks_again(self, plain: Session) -> None:
        first = plain.info()
        with plain.capture() as sent:
            assert plain.info(fresh=True) == first
        assert len(sent) == 1

    def test_the_public_is_told_the_major_version(
        self, directus_server: DirectusServer, open_session: Open
    ) -> None:
        info = open_session(directus_server.url).info()
        assert info.major == int(directus_server.version.partition(".")[0])
        assert (info.version, info.complete, info.default_rows, info.max_rows) == (None, False, None, None)

    def test_any_user_is_told_all(self, directus_server: DirectusServer, open_session: Open) -> None:
        with user(directus_server, "nobody") as token:
            info = open_session(directus_server.url, token=token).info()
        assert info.version == directus_server.version
        assert info.complete

    def test_a_wrong_token_is_an_error(self, directus_server: DirectusServer, open_session: Open) -> None:
        with pytest.raises(AuthenticationError):
            open_session(directus_server.url, token="wrong").info()

    def test_capabilities_are_those_of_the_version(self) -> None:
        found = {major: ServerInfo(major).capabilities for major in (10, 11, 12, 13)}
        assert found[10] == {"compound_quantifiers"}
        assert found[11] == {"checked_conditions", "named_refusals", "policies"}
        assert found[12] == found[13] == found[11] | {"exact_counts", "json_filters"}

    def test_many_threads_ask_once(self, plain: Session) -> None:
        with plain.capture() as sent, ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda _: plain.info(), range(20)))
        assert len(sent) == 1
        assert all(info is found[0] for info in found)

    def test_server_info_is_a_frozen_value(self, plain: Session) -> None:
        info = plain.info()
        assert pickle.loads(pickle.dumps(info)) == info
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            info.major = 9  # type: ignore[misc]
        assert hash(info) == hash(plain.info(fresh=True))
        assert "raw" not in repr(info)

    @pytest.mark.parametrize("body", [{"data": {}}, {"data": []}, {"hello": "world"}, "text"], ids=str)
    def test_another_server_is_told_apart(self, tiny: TinyServer, open_session: Open, body: Any) -> None:
        kind = "text/plain" if body == "text" else "application/json"
        tiny.answers(Scripted(body=body, headers={"Content-Type": kind}))
        with pytest.raises(TransportError, match="base URL of a Directus"):
            open_session(tiny.url).info()


class TestPing:
    def test_it_returns_the_seconds_of_a_round_trip(self, plain: Session) -> None:
        with plain.capture() as sent:
            seconds = plain.ping()
        assert 0 < seconds < 10
        assert [(entry.request.path, entry.purpose) for entry in sent] == [("/server/ping", "info")]

    def test_credentials_do_not_matter(self, directus_server: DirectusServer, open_session: Open) -> None:
        session = open_session(directus_server.url, email="nobody@example.com", password="wrong")
        with session.capture() as sent:
            session.ping()
        assert len(sent) == 1

    def test_it_is_sent_once(self, tiny: TinyServer, open_session: Open) -> None:
        """Whoever asks whether a server is there wants to know now."""
        tiny.answers(Scripted(status=503, body={"errors": [{"extensions": {"reason": "Under pressure"}}]}))
        with pytest.raises(Unavailable):
            open_session(tiny.url).ping()
        assert len(tiny.seen) == 1

    def test_a_server_that_is_not_there_is_an_error(self, open_session: Open) -> None:
        with pytest.raises(TransportError, match="does not accept connections"):
            open_session("http://127.0.0.1:9").ping()

    def test_another_response_is_an_error(self, tiny: TinyServer, open_session: Open) -> None:
        tiny.answers(Scripted(body="hello", headers={"Content-Type": "text/plain"}))
        with pytest.raises(TransportError, match="'hello', which does not come from Directus"):
            open_session(tiny.url).ping()


class TestHealth:
    def test_an_administrator_is_told_the_parts(self, plain: Session, directus_server: DirectusServer) -> None:
        with plain.capture() as sent:
            health = plain.health()
        assert [entry.purpose for entry in sent] == ["info"]
        assert health.status == "ok"
        assert health.version == directus_server.version
        assert any(name.endswith(":responseTime") for name in health.checks)
        assert not health.problems

    def test_others_are_told_the_status_or_nothing(
        self, directus_server: DirectusServer, open_session: Open
    ) -> None:
        public = open_session(directus_server.url)
        if directus_server.version.startswith("12."):
            with pytest.raises(Forbidden):
                public.health()
        else:
            assert public.health() == Health("ok")

    def test_a_server_that_is_not_well_says_what_is_wrong(
        self, limited: DirectusServer, open_session: Open
    ) -> None:
        """With status 503, which is an answer here: it is neither repeated nor an error."""
        assert limited._folder is not None
        uploads = limited._folder / "uploads"
        shutil.rmtree(uploads)
        uploads.write_text("not a folder")
        session = open_session(limited.url, token=limited.token)
        with session.capture() as sent:
            health = session.health()
        assert [entry.status for entry in sent] == [503]
        assert health.status == "error"
        assert health.problems == ("storage:local:responseTime",)
        assert pickle.loads(pickle.dumps(health)) == health

    def test_another_response_is_an_error(self, tiny: TinyServer, open_session: Open) -> None:
        tiny.answers(Scripted(body={"up": True}))
        with pytest.raises(TransportError, match="which does not come from Directus"):
            open_session(tiny.url).health()


def test_the_twins_return_the_same(plain: Session) -> None:
    async def ask() -> tuple[ServerInfo, float, Health]:
        return await plain.ainfo(), await plain.aping(), await plain.ahealth()

    info, seconds, health = asyncio.run(ask())
    assert info is plain.info()
    assert seconds > 0
    assert health.status == "ok"
