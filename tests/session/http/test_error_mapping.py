"""What a real Directus refuses, and which error says so."""

from __future__ import annotations

import copy
import pickle
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from directus_orm.core import errors
from directus_orm.session import Session
from directus_orm.session.http.v10_api import ERROR_CLASSES
from directus_orm.testing import DirectusServer, install, start
from tests.worlds.wire_collections import wire_collections

pytestmark = pytest.mark.usefixtures("collections")


def articles(session: Session) -> Any:
    return session.items("wire_articles")


@pytest.mark.parametrize(
    "path", ["/items/no_such_collection", "/items/wire_articles/12345", "/items/wire_articles/x"]
)
def test_a_missing_thing_is_forbidden(path: str, session: Session) -> None:
    """G33: Directus has no 404 for data."""
    with pytest.raises(errors.Forbidden) as caught:
        session.get(path)
    assert (caught.value.status, caught.value.code) == (403, "FORBIDDEN")
    assert f"GET {path}" in str(caught.value)
    assert isinstance(caught.value, PermissionError)


def test_a_missing_field_is_forbidden_and_named(directus_server: DirectusServer, session: Session) -> None:
    """G33."""
    if directus_server.version.startswith("10."):
        pytest.skip("Directus 10 ignores fields that do not exist")
    with pytest.raises(errors.Forbidden, match="nonsense"):
        articles(session).read(fields="nonsense")


def test_only_unknown_routes_are_404_and_point_at_the_base_url(
    directus_server: DirectusServer, open_session: Callable[..., Session]
) -> None:
    """G33: a wrong sub-path in the base URL."""
    session = open_session(directus_server.url + "/cms", token=directus_server.token)
    with pytest.raises(errors.InvalidRequest, match="Check the base URL") as caught:
        session.get("/items/wire_articles")
    assert caught.value.code == "ROUTE_NOT_FOUND"
    assert f"{directus_server.url}/cms" in str(caught.value)


def test_deleting_a_row_that_others_refer_to_is_protected(session: Session) -> None:
    """G34: the server says 500 with the text of the database."""
    parent = articles(session).create({"title": "parent"}, fields="id")["id"]
    child = articles(session).create({"title": "child", "parent": parent}, fields="id")["id"]
    with pytest.raises(errors.Protected) as caught:
        articles(session).delete(parent)
    error = caught.value
    assert (error.status, error.collection, error.field, error.constraint) == (500, None, None, None)
    articles(session).delete(child)
    articles(session).delete(parent)


@pytest.mark.parametrize("server", ["directus_postgres", "directus_mariadb"])
def test_protected_on_other_databases(
    server: str, request: pytest.FixtureRequest, open_session: Callable[..., Session]
) -> None:
    """G34: PostgreSQL and MariaDB name the relation."""
    other: DirectusServer = request.getfixturevalue(server)
    session = open_session(other.url, token=other.token)
    with wire_collections(other):
        parent = articles(session).create({"title": "parent"}, fields="id")["id"]
        articles(session).create({"title": "child", "parent": parent})
        with pytest.raises(errors.Protected, match=r"^wire_articles\.parent refers to it: ") as caught:
            articles(session).delete(parent)
        for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
            assert (error.collection, error.field) == ("wire_articles", "parent")
            assert error.constraint == "wire_articles_parent_foreign"


def test_a_body_beyond_the_limit_is_an_invalid_payload(session: Session) -> None:
    """G35: 400, not 413."""
    with pytest.raises(errors.InvalidRequest, match="too large") as caught:
        articles(session).create({"title": "x" * 1_100_000})
    assert (caught.value.status, caught.value.code) == (400, "INVALID_PAYLOAD")
    assert len(str(caught.value)) < 1000


def test_a_url_beyond_the_limit_where_search_is_no_way_out(session: Session) -> None:
    """G36: 431 with an empty body, or a connection that breaks, is one error that says what to do."""
    with pytest.raises(errors.TransportError, match="request line and headers are longer") as caught:
        session.get("/users/me", {"search": "x" * 17_000})
    assert caught.value.status == 431


def test_a_filter_that_crashes_the_server_is_a_plain_server_error(session: Session) -> None:
    """G38: 500, not repeated."""
    with session.capture() as sent, pytest.raises(errors.ServerError) as caught:
        articles(session).read(filter={"title": {"_icontains": "true"}})
    assert type(caught.value) is errors.ServerError
    assert (caught.value.status, caught.value.code) == (500, "INTERNAL_SERVER_ERROR")
    assert len(sent) == 1


def test_broken_rules_of_a_table_have_classes_of_their_own(session: Session) -> None:
    key = articles(session).create({"title": "a", "slug": "one"}, fields="id")["id"]
    try:
        with pytest.raises(errors.RecordNotUnique) as unique:
            articles(session).create({"title": "a", "slug": "one"})
        assert unique.value.field == "slug"
        with pytest.raises(errors.FailedValidation) as missing:
            articles(session).create({"slug": "two"})
        assert missing.value.field == "title"
        with pytest.raises(errors.InvalidForeignKey):
            articles(session).create({"title": "a", "parent": 99999})
        with pytest.raises(errors.InvalidRequest) as query:
            articles(session).read(filter={"title": {"_nope": 1}})
        assert isinstance(query.value, ValueError)
        with pytest.raises(errors.InvalidRequest):
            articles(session).read(limit=-5)
    finally:
        articles(session).delete(key)


def test_the_public_gets_forbidden(directus_server: DirectusServer, open_session: Callable[..., Session]) -> None:
    with pytest.raises(errors.Forbidden):
        open_session(directus_server.url).get("/items/wire_articles")


def test_a_token_that_the_server_quotes_is_not_in_the_error(session: Session) -> None:
    """Directus repeats a value that is not unique; a secret one is masked."""
    me = session.get("/users/me", {"fields": "role"})
    first = session.post("/users", {"email": "s1@example.com", "role": me["role"], "token": "hidden-token"})
    try:
        with pytest.raises(errors.ServerError) as caught:
            session.post("/users", {"email": "s2@example.com", "role": me["role"], "token": "hidden-token"})
        error = caught.value
        assert isinstance(error, errors.RecordNotUnique)
        assert "hidden-token" not in f"{error} {error!r} {error.extensions} {error.errors} {error.request}"
    finally:
        session.delete(f"/users/{first['id']}")


def test_errors_of_graphql_are_server_errors(session: Session) -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        session.graphql("{ no_such_thing { id } }")
    assert caught.value.code == "GRAPHQL_VALIDATION"
    assert session.graphql("query ($n: Int) { wire_articles(limit: $n) { id } }", {"n": 1}) == {
        "wire_articles": []
    }


def test_every_error_can_be_pickled_and_copied(session: Session) -> None:
    with pytest.raises(errors.Forbidden) as caught:
        articles(session).read(12345)
    for other in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(other) is errors.Forbidden
        assert str(other) == str(caught.value)
        assert (other.status, other.code, other.request) == (403, "FORBIDDEN", caught.value.request)


def test_each_code_of_the_server_has_a_class(directus_server: DirectusServer) -> None:
    """The codes are those in the server's own package of errors, so that a new Directus shows what is missing."""
    source = install(directus_server.version) / "node_modules" / "@directus" / "errors" / "dist" / "index.js"
    codes = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+|FORBIDDEN)"', source.read_text()))
    assert "FORBIDDEN" in codes
    assert len(codes) > 20
    assert codes <= set(ERROR_CLASSES)


def test_the_docs_list_each_code_with_its_class() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sessions.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (`[A-Z_]+`.*) \|$", text, re.MULTILINE)
    listed = {code: name for name, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert listed == {code: cls.__name__ for code, cls in ERROR_CLASSES.items()}


def test_a_server_that_is_down_is_one_clear_error(open_session: Callable[..., Session]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(errors.TransportError, match=r"was not sent: .* Is the server running") as caught:
            open_session(url, token="t", retry=1).items("x").create({})
    assert type(caught.value) is errors.TransportError
    assert caught.value.sent is False
    assert caught.value.__cause__ is not None
    assert url in str(caught.value)


def test_a_host_that_does_not_exist_is_one_clear_error(open_session: Callable[..., Session]) -> None:
    with pytest.raises(errors.TransportError, match=r"nowhere\.invalid cannot be found.*Check the host name"):
        open_session("http://nowhere.invalid", token="t", retry=0).get("/items/x")


def test_https_to_a_server_of_http_is_one_clear_error(
    directus_server: DirectusServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(directus_server.url.replace("http:", "https:"), token="t")
    with session.capture() as sent, pytest.raises(errors.TransportError, match=r"failed the TLS check.*https"):
        session.items("x").create({})
    assert len(sent) == 1


@pytest.fixture(scope="module")
def limited(directus_version: str) -> Iterator[DirectusServer]:
    env = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_POINTS": "10", "RATE_LIMITER_DURATION": "2"}
    with start(directus_version, env=env) as server:
        yield server


def test_a_rate_limit_is_waited_for(limited: DirectusServer, open_session: Callable[..., Session]) -> None:
    """429 is answered before any work, so a write is repeated as well."""
    session = open_session(limited.url, token=limited.token)
    with session.capture() as sent:
        for n in range(15):
            session.patch("/users/me", {"title": f"{n}"})
    assert {entry.status for entry in sent} == {200, 429}
    assert session.get("/users/me", {"fields": "title"}) == {"title": "14"}


def test_threads_that_are_limited_all_get_through(
    limited: DirectusServer, open_session: Callable[..., Session]
) -> None:
    """The number of repetitions does not limit who waits as long as the server says."""
    session = open_session(limited.url, token=limited.token, retry=1)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: session.get("/users/me", {"fields": "email"}), range(40)))
    assert found == [{"email": limited.email}] * 40


PRESSURE = {"PRESSURE_LIMITER_ENABLED": "true", "PRESSURE_LIMITER_MAX_EVENT_LOOP_UTILIZATION": "0.5"}


def test_a_server_under_pressure_is_waited_for_by_a_write(directus_version: str) -> None:
    """G41, on a Directus that calls half a load too much."""
    with (
        start(directus_version, env=PRESSURE) as server,
        Session(server.url, token=server.token) as session,
        Session(server.url, token=server.token, retry=0) as impatient,
        ThreadPoolExecutor(4) as pool,
    ):
        busy = threading.Event()
        load = [pool.submit(keep_busy, server, busy) for _ in range(4)]
        try:
            with pytest.raises(errors.Unavailable, match="Under pressure") as caught:
                [impatient.get("/users/me") for _ in range(3000)]
        finally:
            busy.set()
        assert caught.value.code == "SERVICE_UNAVAILABLE"
        assert session.patch("/users/me", {"title": "calm"}, {"fields": "title"}) == {"title": "calm"}
        assert [future.result() for future in load] == [None] * 4


def keep_busy(server: DirectusServer, enough: threading.Event) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    with requests.Session() as http:
        while not enough.is_set():
            http.get(f"{server.url}/users", headers=headers, timeout=30)


def test_a_rate_limit_without_retry_tells_how_long_to_wait(
    limited: DirectusServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(limited.url, token=limited.token, retry=0)
    with pytest.raises(errors.RateLimited) as caught:
        [session.get("/users/me") for _ in range(40)]
    assert caught.value.retry_after is not None
    assert 0 <= caught.value.retry_after <= 2
    assert pickle.loads(pickle.dumps(caught.value)).retry_after == caught.value.retry_after
