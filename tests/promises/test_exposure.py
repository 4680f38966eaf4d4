"""No tool shows a secret after a failure: no traceback with local variables, pickle, log, or capture."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import Count, Model, QuerySet, Related, Rows, Session
from directus_orm.core import errors
from directus_orm.core.masking import Secret
from directus_orm.core.request_response import Request
from directus_orm.core.tracebacks import hides_locals
from directus_orm.querysets.related import RelatedAny
from directus_orm.querysets.results import Results
from directus_orm.querysets.writable_rows import WritableRows
from directus_orm.session.items.items import Items
from directus_orm.session.items.items_reading import ItemReads
from directus_orm.session.server_status import ServerStatusMixin
from directus_orm.session.services.people import People
from directus_orm.session.services.schema import Schema
from directus_orm.session.services.server import Server
from directus_orm.session.services.utils import Utils
from directus_orm.system import Activity, Extension, Flow, Revision, Role, User
from directus_orm.system.contents.file_contents import FileContents, FileUploads, FolderContents
from directus_orm.system.deletions import RoleRows, UserRows
from tests.promises.exposure import (
    ANSWERS,
    LOGGED_IN,
    LOGIN,
    SECRETS,
    STATIC,
    TOKENS,
    Agent,
    errors_of,
    exposed,
    found,
    leaks,
)
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]
Act = Callable[[Session], object]


def agent() -> Agent:
    return Agent(name="a", code=SECRETS["hash field"], token=SECRETS["filter"])


def written(query: str) -> str:
    return query.replace("$", json.dumps(SECRETS["GraphQL"]))


VARIABLE = SECRETS["GraphQL variable"]


async def in_task(session: Session) -> None:
    await Agent.objects.using(session).acreate(name="a", code=SECRETS["hash field"])


# How a program reads the rows of a queryset.
READS: list[Callable[[Any], object]] = [
    lambda rows: rows.count(),
    lambda rows: rows.exists(),
    lambda rows: rows.first(),
    lambda rows: rows.last(),
    lambda rows: rows.latest("id"),
    lambda rows: rows.earliest("id"),
    lambda rows: rows.in_bulk([1, 2]),
    lambda rows: rows.contains(Agent.objects.ref(1)),
    lambda rows: rows.page(1, 5),
    lambda rows: rows.partition(2),
    lambda rows: rows.aggregate(n=Count("*")),
    lambda rows: rows.values("id").to_arrow(),
    lambda rows: list(rows.iterator()),
    lambda rows: rows[3],
    lambda rows: asyncio.run(in_async_loop(rows)),
    lambda rows: rows.delete(),
]


async def in_async_loop(rows: Any) -> None:
    async for _ in rows.aiterator():
        pass


# What a program does, by the secret that it sends.
ACTS: dict[str, list[Act]] = {
    "access_token=": [lambda s: s.get("/items/x", {"access_token": SECRETS["access_token="]})],
    "filter[token]": [lambda s: s.get("/items/x", {"filter[token][_eq]": SECRETS["filter[token]"]})],
    "filter": [
        lambda s: s.get("/items/x", {"filter": {"_and": [{"token": {"_eq": SECRETS["filter"]}}]}}),
        lambda s: s.search("/users", {"filter": {"token": {"_in": [SECRETS["filter"]]}}}),
        lambda s: s.items("x").read(filter={"token": {"_eq": SECRETS["filter"]}}),
        lambda s: list(Agent.objects.using(s).filter(token=SECRETS["filter"])),
        lambda s: Agent.objects.using(s).get(token=SECRETS["filter"]),
        *(lambda s, read=read: read(Agent.objects.using(s).filter(token=SECRETS["filter"])) for read in READS),
    ],
    "password of a user": [
        lambda s: s.post("/users", {"email": "b@example.com", "password": SECRETS["password of a user"]}),
        lambda s: s.patch("/users/me", {"password": SECRETS["password of a user"]}),
        lambda s: s.items("x").create([{"password": SECRETS["password of a user"]}]),
        lambda s: s.items("x").update(1, {"password": Secret(SECRETS["password of a user"])}),
        lambda s: s.send(Request("POST", "/users", json={"password": SECRETS["password of a user"]}).encoded()),
        lambda s: s.people.register("b@example.com", SECRETS["password of a user"]),
        lambda s: s.people.accept_invite("a-token", Secret(SECRETS["password of a user"])),
        lambda s: s.people.generate_two_factor_secret(SECRETS["password of a user"]),
    ],
    "token of a mail": [
        lambda s: s.people.accept_invite(SECRETS["token of a mail"], "a password"),
        lambda s: s.people.verify_email(SECRETS["token of a mail"]),
        lambda s: s.people.reset_password(SECRETS["token of a mail"], "a password"),
    ],
    "two-factor secret": [
        lambda s: s.people.enable_two_factor(SECRETS["two-factor secret"], "123456"),
        lambda s: s.people.disable_two_factor(SECRETS["two-factor secret"]),
    ],
    "GraphQL": [
        lambda s: s.graphql(written("mutation { create_users_item(data: {password: $}) { id } }")),
        lambda s: s.graphql(written("{ x(filter: {token: {_eq: $}}) { id } }")),
        lambda s: s.graphql(written('{ x(filter: {_or: [{token: {_in: ["a", $]}}]}) { id } }')),
    ],
    "GraphQL variable": [
        lambda s: s.graphql("mutation ($p: S) { login(password: $p) { id } }", {"p": VARIABLE}),
        lambda s: s.graphql("query ($f: F) { x(filter: $f) { id } }", {"f": {"token": {"_eq": VARIABLE}}}),
        lambda s: s.graphql("query ($p: S) { x(filter: {token: {_eq: $p}}) { id } }", {"p": VARIABLE}),
    ],
    "hash field": [
        lambda s: Agent.objects.using(s).create(name="a", code=SECRETS["hash field"]),
        lambda s: Agent.objects.using(s).bulk_create([agent(), agent()], batch_size=1),
        lambda s: Agent.objects.using(s).get_or_create(name="a", defaults={"code": SECRETS["hash field"]}),
        lambda s: Agent.objects.using(s).update_or_create(name="a", defaults={"code": SECRETS["hash field"]}),
        lambda s: Agent.objects.using(s).filter(id=1).update(code=SECRETS["hash field"]),
        lambda s: Agent.objects.using(s).upsert([agent()]),
        lambda s: asyncio.run(in_task(s)),
    ],
}
SOME_ACTS = [(name, acts[0]) for name, acts in ACTS.items()]
FOR_ALL = ("cut", "400", "bent")
EVERY_ACT = [(name, act) for name, acts in ACTS.items() for act in acts]


DOORS = [
    QuerySet,
    Rows,
    Results,
    WritableRows,
    Related,
    RelatedAny,
    Model,
    Session,
    ServerStatusMixin,
    ItemReads,
    Items,
    People,
    Schema,
    Server,
    Utils,
    FileContents,
    FileUploads,
    FolderContents,
    Activity,
    Extension,
    Flow,
    Revision,
    Role,
    RoleRows,
    User,
    UserRows,
]


def test_every_method_that_sends_hides_the_local_variables_of_its_errors() -> None:
    """Those methods have async forms; the rows of a loop are hidden where pages are read. `all` sends nothing."""
    hiding = hides_locals(lambda: None).__code__
    senders = {name[1:] for door in DOORS for name in dir(door) if is_async_form(door, name)} - {"iterator", "all"}
    methods = {f"{door.__name__}.{name}": vars(door).get(name) for door in DOORS for name in senders}
    del methods["Rows.search"]  # describes a query; that of `Items` sends
    functions = {name: getattr(method, "__func__", method) for name, method in methods.items()}
    codes = {name: getattr(function, "__code__", None) for name, function in functions.items()}  # None: a field
    open_doors = [name for name, code in codes.items() if code not in {None, hiding}]
    assert len(senders) > 30
    assert open_doors == []


def is_async_form(door: type[Any], name: str) -> bool:
    return name.startswith("a") and hasattr(door, name[1:]) and name != "all"


@pytest.fixture(scope="module")
def script() -> Iterator[TinyServer]:
    server = TinyServer()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("answer", "name", "act"),
    [(answer, *act) for answer in ANSWERS for act in (EVERY_ACT if answer in FOR_ALL else SOME_ACTS)],
)
def test_no_answer_makes_a_secret_show(
    answer: str, name: str, act: Act, script: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    secret = SECRETS[name]
    script.answers(lambda sent: ANSWERS[answer](secret if name in found(sent) else "no secret"))
    session = open_session(script.url, **STATIC, retry=0, timeout=(1, 0.1))
    with exposed(session, caplog):
        act(session)


@pytest.mark.parametrize("mode", LOGGED_IN)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("when", ["login", "first", "refresh"])
def test_no_login_shows_a_secret(
    when: str, answer: str, mode: str, script: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """If it fails itself, or the request after it, or the refresh, or the logout at the end."""

    def bad(sent: Any) -> Scripted:
        quoted = [SECRETS[name] for name in ("password", "refresh token") if name in found(sent)]
        return ANSWERS[answer](quoted[0] if quoted else "no secret")

    good = LOGGED_IN[mode]
    turns: dict[str, list[Any]] = {"login": [bad], "first": [good, bad], "refresh": [good, Scripted(), bad]}
    script.answers(*turns[when])
    session = Session(script.url, **LOGIN, mode=mode, retry=0, timeout=(1, 0.1))  # type: ignore[arg-type]
    with exposed(session, caplog) as caught, session:
        session.get("/items/x")
        auth: Any = session._state.auth
        auth._tokens = auth._tokens and attrs.evolve(auth._tokens, due=0.0)
        session.get("/items/x")
    assert caught or when != "login"


@pytest.mark.parametrize("extra", [{"mode": "session"}, {}], ids=str)
@pytest.mark.parametrize(
    "body", [{"data": TOKENS | {"expires": "x"}}, {"data": {"access_token": 1}}, TOKENS], ids=str
)
def test_no_bent_answer_to_a_login_shows_a_secret(
    body: Any, extra: dict[str, str], script: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    script.answers(Scripted(200, body))
    session = open_session(script.url, **LOGIN, **extra, retry=0)
    with exposed(session, caplog) as caught:
        session.get("/items/x")
    assert isinstance(caught[0], errors.TransportError)


def _closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


CONNECTIONS: dict[str, Callable[[TinyServer], str]] = {
    "refused": lambda _: f"http://127.0.0.1:{_closed_port()}",
    "unknown host": lambda _: "http://directus.invalid",
    "TLS": lambda tiny: tiny.url.replace("http:", "https:"),
}


@pytest.mark.parametrize("options", [STATIC, LOGIN], ids=["token", "login"])
@pytest.mark.parametrize("where", CONNECTIONS)
@pytest.mark.parametrize(("name", "act"), SOME_ACTS)
def test_no_failed_connection_shows_a_secret(
    name: str,
    act: Act,
    where: str,
    options: dict[str, str],
    script: TinyServer,
    open_session: Open,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = open_session(CONNECTIONS[where](script), **options, retry=0)
    with exposed(session, caplog) as caught:
        act(session)
    assert isinstance(caught[0], errors.TransportError)


@pytest.mark.parametrize("port", ["closed", "no proxy"])
def test_no_failing_proxy_shows_its_password(
    port: str,
    script: TinyServer,
    open_session: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    number = _closed_port() if port == "closed" else "port"
    monkeypatch.setenv("http_proxy", f"http://me:{SECRETS['proxy password']}@127.0.0.1:{number}")
    session = open_session("http://directus.invalid", **STATIC, retry=0)
    with exposed(session, caplog) as caught:
        session.get("/items/x")
    assert isinstance(caught[0], errors.TransportError)


class Broken(HTTPAdapter):
    """An adapter of the program's own, which fails."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        headers = dict(request.headers)  # in the hands of adapters, and of the libraries that they call
        raise self.error.with_traceback(None) if headers else AssertionError


INTERRUPTS = [KeyboardInterrupt(), RuntimeError("a bug"), requests.ConnectTimeout("late"), OSError(5, "broken")]


@pytest.mark.parametrize("error", INTERRUPTS, ids=repr)
@pytest.mark.parametrize(("name", "act"), SOME_ACTS)
def test_no_error_of_the_program_itself_shows_a_secret(
    name: str,
    act: Act,
    error: BaseException,
    script: TinyServer,
    open_session: Open,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with requests.Session() as http:
        http.mount("http://", Broken(error))
        session = open_session(script.url, **STATIC, http=http, retry=0)
        with exposed(session, caplog) as caught:
            act(session)
    assert caught
    assert error in errors_of(caught[0])


@pytest.mark.parametrize(("name", "act"), EVERY_ACT)
def test_no_interrupt_shows_a_secret(
    name: str,
    act: Act,
    script: TinyServer,
    open_session: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def begin(response: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(http.client.HTTPResponse, "begin", begin)
    session = open_session(script.url, **STATIC, retry=0)
    with exposed(session, caplog) as caught:
        act(session)
    assert isinstance(caught[0], KeyboardInterrupt)


BAD_OPTIONS: list[dict[str, Any]] = [
    STATIC | {"page_size": 0},
    STATIC | {"email": "a@example.com"},
    STATIC | {"verify": 1},
    LOGIN | {"mode": "other"},
    LOGIN | {"retry": -1},
    {"token": SECRETS["static token"] + " "},
]


@pytest.mark.parametrize("options", BAD_OPTIONS, ids=range(len(BAD_OPTIONS)))
def test_no_refused_option_shows_a_secret(
    options: dict[str, Any], script: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "DIRECTUS_URL", script.url)
    doors: list[Callable[[], object]] = [
        lambda: Session(script.url, **options),
        lambda: Session.from_env(**options),
        lambda: Session(script.url).with_options(**options),
    ]
    for door in doors:
        with pytest.raises(errors.ConfigurationError) as caught:
            door()
        assert leaks(caught.value) == set()


@pytest.mark.parametrize(
    "url", ["ftp://me:{}@x.example", "me:{}@x.example", "http://me:{}@x.example", "http://x.example?token={}"]
)
def test_no_refused_address_shows_a_secret(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        Session(url.format(SECRETS["proxy password"]))
    assert leaks(caught.value) == set()


@pytest.mark.parametrize("path", ["/x?access_token={}", "http://me:{}@x.example/x"])
def test_no_refused_path_shows_a_secret(path: str, open_session: Open, script: TinyServer) -> None:
    with pytest.raises(ValueError, match="path") as caught:
        open_session(script.url).get(path.format(SECRETS["access_token="]))
    assert leaks(caught.value) == set()


@pytest.mark.parametrize("door", ["post", "create"])
def test_no_value_that_cannot_be_sent_shows_its_neighbours(
    door: str, open_session: Open, script: TinyServer
) -> None:
    session = open_session(script.url, **STATIC)
    data = {"password": SECRETS["password of a user"], "n": float("nan")}
    with pytest.raises(ValueError, match="not JSON compliant") as caught:
        session.post("/users", data) if door == "post" else session.items("x").create(data)
    assert leaks(caught.value) == set()


def test_a_loop_that_the_program_breaks_shows_no_secret(
    script: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in its body, or of a function that is told of the progress; the function keeps its variables."""
    script.answers(Scripted(200, {"data": [{"id": 1, "name": "a", "token": SECRETS["filter"]}]}))
    session = open_session(script.url, **STATIC)
    agents = Agent.objects.using(session).filter(token=SECRETS["filter"])

    def report(done: int, total: int) -> None:
        raise RuntimeError("a bug")

    with exposed(session, caplog):
        for _ in agents:
            raise RuntimeError("a bug")
    with exposed(session, caplog) as caught:
        Agent.objects.using(session).bulk_create([agent(), agent()], progress=report)
    assert caught


def test_a_strategy_of_the_program_gets_a_token_that_is_not_shown(
    script: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    class Own:
        anonymous = False
        refused: Any = None

        def token(self, ask: Any) -> str:
            return SECRETS["static token"]

        def renew(self, ask: Any, refused: Secret) -> bool:
            self.refused = refused
            raise RuntimeError("a bug")

        def logout(self, ask: Any) -> None:
            pass

    script.answers(ANSWERS["expired"]("?"))
    own = Own()
    session = open_session(script.url, auth=own)
    with exposed(session, caplog) as caught:
        session.get("/items/x")
    assert isinstance(caught[0], RuntimeError)
    assert own.refused == SECRETS["static token"] == own.refused.reveal()
    assert found(repr(own.refused)) == set()


def test_the_rest_of_a_request_stays_readable(script: TinyServer, open_session: Open) -> None:
    script.answers(Scripted())
    session = open_session(script.url, **STATIC)
    query = '{ x(filter: {n: {_gt: 1}, token: {_eq: "a"}}) { id } }'
    with session.capture() as sent:
        session.get("/items/x", {"fields": "id,token", "filter": {"n": {"_gt": 1}, "token": {"_eq": "a"}}})
        session.get("/items/x", {"filter[n][_gt]": "1", "filter[token][_eq]": "a", "access_token": "b"})
        session.post("/users", {"email": "b@example.com", "password": "c"})
        session.graphql(query)
    assert [str(entry.request) for entry in sent] == [
        'GET /items/x fields=id,token filter={"n": {"_gt": 1}, "token": "**********"}',
        "GET /items/x filter[n][_gt]=1 filter[token][_eq]=********** access_token=**********",
        'POST /users {"email": "b@example.com", "password": "**********"}',
        "POST /graphql " + json.dumps({"query": query.replace('"a"', '"**********"'), "variables": {}}),
    ]


def test_a_request_without_its_secrets_is_not_sent_again(script: TinyServer, open_session: Open) -> None:
    """It would write the mask in their place."""
    script.answers(ANSWERS["400"]("?"))
    session = open_session(script.url, **STATIC)
    for data in ({"password": "a"}, {"title": "a"}):
        with pytest.raises(errors.InvalidRequest) as caught:
            session.post("/users", data)
        request = caught.value.request
        assert request is not None
        with pytest.raises(ValueError if "password" in data else errors.InvalidRequest):
            session.send(request)
    assert len(script.seen) >= 3


def test_an_error_that_was_being_handled_is_no_cause(script: TinyServer, open_session: Open) -> None:
    """Else a write that may have been applied would be told as not sent, and repeated."""
    script.answers(Scripted(0))
    session = open_session(script.url, **STATIC)
    script.seen.clear()
    with pytest.raises(requests.ConnectionError) as before:
        requests.get(f"http://127.0.0.1:{_closed_port()}", timeout=1)
    try:
        raise before.value
    except requests.ConnectionError:
        with pytest.raises(errors.OutcomeUnknown):
            session.post("/items/x", {})
    assert before.value.request is not None
    assert script.methods == ["POST"]


def test_callbacks_keep_their_variables_and_every_line_stays_known() -> None:
    namespace: dict[str, Any] = {"__name__": "directus_orm.made_up"}
    exec("def inner(secret, call):\n    call()\n", namespace)

    def call() -> None:
        mine = "kept"
        raise RuntimeError(mine)

    with pytest.raises(RuntimeError) as caught:
        hides_locals(namespace["inner"])("hidden", call)
    *_, inner, callback = (frame for frame, _ in traceback.walk_tb(caught.value.__traceback__))
    assert (inner.f_code.co_name, inner.f_locals) == ("inner", {})
    assert callback.f_locals == {"mine": "kept"}
