"""What a server refuses, a real Directus and others before it, and which error says so."""

from __future__ import annotations

import copy
import pickle
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from directus_orm.core import errors
from directus_orm.core.masking import MASK
from directus_orm.core.request_response import Request
from directus_orm.session import Retry, Session
from directus_orm.session.http.error_mapping import retry_after
from directus_orm.session.http.v10_api import ERROR_CLASSES
from directus_orm.testing import DirectusServer, install, start
from tests.worlds.tiny_server import Scripted, TinyServer
from tests.worlds.wire_collections import wire_collections


@pytest.fixture
def session(admin: Session, collections: None) -> Session:
    """The administrator of a server with the collections of these tests."""
    return admin


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


@pytest.mark.usefixtures("collections")
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


# --- answers that other databases and proxies give --------------------------------------------------------------

SQLITE = "delete from `a` where `id` = 1 - SQLITE_CONSTRAINT: FOREIGN KEY constraint failed"
MYSQL = (
    "Cannot delete or update a parent row: a foreign key constraint fails (`shop`.`{table}`, "
    "CONSTRAINT `{name}` FOREIGN KEY (`{column}`) REFERENCES `authors` (`id`))"
)
POSTGRES = 'update or delete on table "authors" violates {kind}foreign key constraint "{name}" on table "{table}"'
SQL_SERVER = 'The DELETE statement conflicted with the REFERENCE constraint "fk".'
ORACLE = "ORA-02292: integrity constraint (A.FK) violated - child record found"


def refusal(status: int, *messages: str, **extensions: Any) -> Scripted:
    entries = [{"message": message, "extensions": extensions} for message in messages]
    return Scripted(status, {"errors": entries})


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (SQLITE, (None, None, None)),
        (SQL_SERVER, (None, None, None)),
        (ORACLE, (None, None, None)),
        (
            MYSQL.format(table="books", name="books_author_foreign", column="author"),
            ("books", "author", "books_author_foreign"),
        ),
        (MYSQL.format(table="books", name="fk1", column="author"), ("books", "author", "fk1")),
        (MYSQL.replace("`shop`.", "").format(table="b", name="fk1", column="a"), ("b", "a", "fk1")),
        (
            POSTGRES.format(kind="", table="books", name="books_author_foreign"),
            ("books", "author", "books_author_foreign"),
        ),
        (
            POSTGRES.format(kind="RESTRICT setting of ", table="books", name="books_author_id_foreign"),
            ("books", "author_id", "books_author_id_foreign"),
        ),
        (POSTGRES.format(kind="", table="books", name="books_pkey"), ("books", None, "books_pkey")),
        (POSTGRES.format(kind="", table="books", name="x_author_foreign"), ("books", None, "x_author_foreign")),
    ],
    ids=str,
)
def test_a_row_that_others_refer_to_is_protected_on_every_database(
    text: str, reference: tuple[str | None, ...], tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(refusal(500, text))
    with pytest.raises(errors.Protected) as caught:
        open_session(tiny.url, token="t").delete("/items/authors/1")
    error = caught.value
    assert (error.collection, error.field, error.constraint) == reference
    collection, field, _ = reference
    named = collection if field is None else f"{collection}.{field}"
    told = f"{text} (status 500; DELETE /items/authors/1)"
    assert str(error) == (f"{named} refers to it: {told}" if collection else told)


def test_only_an_error_of_the_database_protects_a_row(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(refusal(500, "out of memory"), refusal(400, SQLITE, code="INVALID_PAYLOAD"))
    for expected in (errors.ServerError, errors.InvalidRequest):
        with pytest.raises(expected) as caught:
            open_session(tiny.url, token="t").delete("/items/authors/1")
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.InvalidRequest),
        (401, errors.AuthenticationError),
        (403, errors.Forbidden),
        (408, errors.Unavailable),
        (429, errors.RateLimited),
        (499, errors.InvalidRequest),
        (500, errors.ServerError),
        (502, errors.Unavailable),
        (503, errors.Unavailable),
        (504, errors.Unavailable),
        (505, errors.ServerError),
    ],
)
def test_an_error_with_a_code_that_nobody_knows_is_told_by_its_status(
    status: int, expected: type[errors.ServerError], tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(refusal(status, "new", code="OF_NEXT_YEAR"))
    with pytest.raises(expected) as caught:
        open_session(tiny.url, token="t", retry=0).post("/items/x", {})
    assert type(caught.value) is expected
    address = tiny.url if status == 401 else ""
    assert str(caught.value) == f"new (OF_NEXT_YEAR, status {status}; POST {address}/items/x)"
    assert (caught.value.status, caught.value.code) == (status, "OF_NEXT_YEAR")


def test_all_messages_of_a_refusal_are_told_and_kept(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """Code and extensions are those of the first."""
    entries: list[dict[str, Any]] = [
        {"message": "one", "extensions": {"code": "INVALID_PAYLOAD", "field": "a"}},
        {"extensions": "bent"},
        {"message": "three"},
    ]
    tiny.answers(Scripted(400, {"errors": entries}), Scripted(400, {"errors": entries[1:]}))
    session = open_session(tiny.url, token="t")
    with pytest.raises(errors.InvalidRequest) as caught:
        session.post("/items/x", {})
    assert str(caught.value) == "one; no reason given; three (INVALID_PAYLOAD, status 400; POST /items/x)"
    assert (caught.value.field, list(caught.value.errors)) == ("a", entries)
    with pytest.raises(errors.InvalidRequest, match=r"^no reason given; three \(status 400; POST") as caught:
        session.post("/items/x", {})
    assert (caught.value.code, caught.value.extensions) == ("", {})


def test_only_an_error_about_the_address_or_the_login_shows_the_address(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(tiny.url, token="t")
    tiny.answers(
        refusal(401, "no", code="USER_SUSPENDED"),
        refusal(404, "no", code="ROUTE_NOT_FOUND"),
        refusal(403, "no", code="FORBIDDEN"),
    )
    texts = []
    for _ in range(3):
        with pytest.raises(errors.ServerError) as caught:
            session.get("/items/x")
        texts.append(str(caught.value))
    assert texts == [
        f"no (USER_SUSPENDED, status 401; GET {tiny.url}/items/x)",
        f"no (ROUTE_NOT_FOUND, status 404; GET {tiny.url}/items/x) Check the base URL of the session.",
        "no (FORBIDDEN, status 403; GET /items/x)",
    ]


@pytest.mark.parametrize("length", [500, 501, 5000])
def test_a_long_message_keeps_its_beginning_and_its_end(
    length: int, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """A database says at the end of the SQL what went wrong."""
    text = "a" * (length // 2) + "z" * (length - length // 2)
    tiny.answers(refusal(400, text))
    with pytest.raises(errors.InvalidRequest) as caught:
        open_session(tiny.url, token="t").get("/items/x")
    told = text if length == 500 else "a" * 250 + " … " + "z" * 250
    assert str(caught.value) == f"{told} (status 400; GET /items/x)"


@pytest.mark.parametrize("status", [502, 503, 504, 520, 521, 522, 523, 524])
def test_a_gateway_that_gives_up_is_passing_and_leaves_a_write_unknown(
    status: int, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """It may have passed the write on."""
    tiny.answers(Scripted(status, "<html>"))
    session = open_session(tiny.url, token="t", retry=Retry(1, first_pause=0.001, longest_pause=0.001))
    with pytest.raises(errors.OutcomeUnknown) as caught:
        session.post("/items/x", {})
    assert (caught.value.status, caught.value.passing) == (status, True)
    assert len(tiny.seen) == 1
    with pytest.raises((errors.TransportError, errors.Unavailable)):
        session.get("/items/x")
    assert len(tiny.seen) == 3


@pytest.mark.parametrize("status", [500, 501, 505, 519, 525])
def test_another_failure_without_the_words_of_directus_is_final(
    status: int, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(Scripted(status, "<html>"))
    session = open_session(tiny.url, token="t")
    for call, expected in ((session.get, errors.TransportError), (session.delete, errors.OutcomeUnknown)):
        with pytest.raises(errors.TransportError) as caught:
            call("/items/x")
        assert type(caught.value) is expected
        assert (caught.value.status, caught.value.passing) == (status, False)
    assert len(tiny.seen) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, errors.AuthenticationError), (403, errors.Forbidden), (429, errors.RateLimited)],
)
def test_a_proxy_that_refuses_a_write_passed_nothing_on(
    status: int, expected: type[errors.ServerError], tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(Scripted(status, "<html>no", {"Retry-After": "7"}))
    with pytest.raises(expected) as caught:
        open_session(tiny.url, token="t", retry=0).post("/items/x", {})
    assert caught.value.status == status
    assert caught.value.request == Request("POST", "/items/x", json={})
    assert getattr(caught.value, "retry_after", 7) == 7


def test_the_beginning_of_a_body_is_shown_and_none_of_a_login(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """The body of a login may hold tokens."""
    tiny.answers(
        Scripted(418, "  " + "é" * 300), Scripted(418, " \n"), Scripted(500, "hidden"), Scripted(500, " ")
    )
    session = open_session(tiny.url, token="t")
    with pytest.raises(errors.TransportError) as caught:
        session.get("/items/x")
    assert str(caught.value) == (
        f"{tiny.url} answered GET /items/x with status 418 and no JSON of Directus; "
        f"it begins: {'  ' + 'é' * 98!r}."
    )
    with pytest.raises(errors.TransportError, match=r"no JSON of Directus; its body is empty\.$"):
        session.get("/items/x")
    other = open_session(tiny.url, email="a@example.com", password="secret")
    with pytest.raises(
        errors.TransportError, match=r"POST /auth/login with status 500 and no JSON of Directus\.$"
    ):
        other.get("/items/x")
    with pytest.raises(errors.TransportError) as caught:
        other.get("/items/x")
    assert type(caught.value) is errors.TransportError  # a login that is repeated does no harm
    assert "secret" not in repr(caught.value.request)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (404, "; check the base URL of the session, and whether Directus lives below a sub-path there."),
        (413, "; a proxy refuses bodies of this size: send fewer rows at once."),
        (431, "; the request line and headers are longer than the server takes."),
        (502, "; the proxy cannot reach Directus."),
        (504, "; the proxy got no response from Directus in time."),
        (505, ""),
    ],
)
def test_a_status_that_says_what_to_do_has_a_hint(
    status: int, hint: str, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(Scripted(status, ""))
    with pytest.raises(errors.TransportError) as caught:
        open_session(tiny.url, token="t", retry=0).get("/items/x")
    assert str(caught.value).endswith(f"and no JSON of Directus; its body is empty{hint}" + ("" if hint else "."))


@pytest.mark.parametrize(
    ("body", "quoted", "told"),
    [
        ({"token": "abc"}, "abc is taken", "MASK is taken"),
        ({"Token": "abcd", "password": "abc"}, "abc and abcd", "MASK and MASK"),
        ({"token": "ab"}, "ab is taken", "ab is taken"),
        ({"token": 12345}, "12345 is taken", "MASK is taken"),
        ({"token": None, "title": "abc"}, "abc is taken", "abc is taken"),
        ([{"x": {"password": "abc"}}, {"token": "xyz"}], "abc and xyz", "MASK and MASK"),
        ({"rows": [{"token": "xyz"}], "token": "abc"}, "abc and xyz", "MASK and MASK"),
        (None, "a token", "a token"),
    ],
    ids=str,
)
def test_secrets_that_a_server_quotes_are_masked_and_nothing_else(
    body: Any, quoted: str, told: str, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(refusal(400, quoted, code="RECORD_NOT_UNIQUE", value=quoted, more=[{"is": (quoted, 5)}]))
    with pytest.raises(errors.RecordNotUnique) as caught:
        open_session(tiny.url, token="t").post("/users", body)
    error, told = caught.value, told.replace("MASK", MASK)
    assert str(error).startswith(f"{told} (RECORD_NOT_UNIQUE")
    assert error.extensions == {"code": "RECORD_NOT_UNIQUE", "value": told, "more": [{"is": [told, 5]}]}
    assert error.errors[0]["message"] == told


def test_secrets_of_the_url_are_masked_where_a_server_quotes_them(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(refusal(400, "abc is no token"))
    with pytest.raises(errors.InvalidRequest, match=f"^{re.escape(MASK)} is no token"):
        open_session(tiny.url, token="t").get("/items/x", {"access_token": "abc"})


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        (" 7.5 ", 7.5),
        ("0", 0.0),
        ("7.", None),
        (".5", None),
        ("7,5", None),
        ("", None),
        ("soon", None),
    ],
)
def test_the_seconds_of_retry_after_are_kept(
    told: str, seconds: float | None, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(
        Scripted(429, refusal(429, "busy").body, {"Retry-After": told}),
        Scripted(503, "<html>", {"Retry-After": told}),
    )
    session = open_session(tiny.url, token="t", retry=0)
    for expected in (errors.RateLimited, errors.Unavailable):
        with pytest.raises(expected) as caught:
            session.get("/items/x")
        assert vars(caught.value)["retry_after"] == seconds


def test_a_date_of_retry_after_is_counted_from_now_and_has_no_past() -> None:
    """A date without a zone is one of UTC, as HTTP has it."""
    now = datetime.now(UTC)
    for text in (
        format_datetime(now + timedelta(hours=1), usegmt=True),
        f"{now + timedelta(hours=1):%d %b %Y %H:%M:%S}",
    ):
        seconds = retry_after({"Retry-After": text})
        assert seconds is not None
        assert 3500 < seconds <= 3601
    assert retry_after({"Retry-After": format_datetime(now - timedelta(hours=1), usegmt=True)}) == 0.0
    assert retry_after({}) is None
