"""The servers that tests run against."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests

from directus_orm import Session
from directus_orm.fields.registry import forget, is_model
from directus_orm.session.session import session_stack
from directus_orm.testing import DirectusServer, plugin, start
from tests.worlds import books, library, website
from tests.worlds.flights import build
from tests.worlds.library import Article, Author, Category, Comment, Hero, Page, Tag, Text
from tests.worlds.tiny_server import Recorder, TinyServer
from tests.worlds.wire_collections import wire_collections

# An example that takes long on a busy machine is no failure.
hypothesis.settings.register_profile("without_deadline", deadline=None)
hypothesis.settings.load_profile("without_deadline")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # Installed, the entry point has done it; from a bare checkout nobody has.
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "directus_orm")
    parser.addoption("--no-server", action="store_true", help="skip each test that would start a Directus")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--no-server"):
        DirectusServer._prepare = lambda self: pytest.skip("needs a Directus")  # type: ignore[method-assign]


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def no_default_session_stays() -> Iterator[None]:
    """Close and forget, after the test, a session that `connect` made the default of this process."""
    before = session_stack.default
    yield
    made, session_stack.default = session_stack.default, before
    if made is not None and made is not before:
        made.close()


@pytest.fixture
def modules_of_tmp_path(tmp_path: Path) -> Iterator[Path]:
    """The test's own folder; modules that were imported from it are forgotten afterwards, with their models."""
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            for each in vars(sys.modules.pop(name)).values():
                if is_model(each) and each.__module__ == name:
                    forget(each)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server on which databases may be created."""
    if not _answers(5432):
        pytest.skip("no PostgreSQL on 127.0.0.1:5432")
    return "postgres://postgres@127.0.0.1:5432"


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """A MariaDB server on which databases may be created."""
    if not _answers(3306):
        pytest.skip("no MariaDB on 127.0.0.1:3306")
    return "mysql://root@127.0.0.1:3306"


@pytest.fixture(scope="session")
def directus_version(pytestconfig: pytest.Config) -> str:
    """The version that is tested, for servers with settings of their own."""
    return plugin.option(pytestconfig, "version")


@pytest.fixture(scope="session")
def directus_postgres(postgres_url: str, directus_version: str) -> Iterator[DirectusServer]:
    """A Directus on PostgreSQL, one for the whole test session."""
    with start(directus_version, postgres_url) as server:
        yield server


@pytest.fixture(scope="session")
def directus_mariadb(mariadb_url: str, directus_version: str) -> Iterator[DirectusServer]:
    """A Directus on MariaDB, one for the whole test session."""
    with start(directus_version, mariadb_url) as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest) -> DirectusServer:
    """A server that holds the flights of `tests.worlds.flights`, on each database in turn."""
    server: DirectusServer = request.getfixturevalue(_WORLDS[request.param])
    build(server)
    return server


_WORLDS = {"sqlite": "directus_server", "postgres": "directus_postgres"}


@pytest.fixture(scope="session")
def library_server(world: DirectusServer) -> DirectusServer:
    """A server with the flights and the library."""
    library.build(world)
    return world


@pytest.fixture
def session(world: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of `world`."""
    with Session(world.url, token=world.token) as session:
        yield session


@pytest.fixture
def library_session(library_server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of a server that holds the library."""
    with Session(library_server.url, token=library_server.token) as session:
        yield session


@pytest.fixture
def article(library_server: DirectusServer, session: Session) -> Iterator[Article]:
    """An article of its own; the rows that a test makes are deleted after it."""
    models = (Comment, Article, Author, Category, Tag, Page, Hero, Text)
    keys_before = {model: set(model.objects.values_list("pk", flat=True)) for model in models}
    junctions_before = {name: _ids(session, name) for name in ("articles_tags", "pages_blocks")}
    yield Article.objects.create(title="mine")
    for name, before in junctions_before.items():
        new = _ids(session, name) - before
        if new:
            session.delete(f"/items/{name}", sorted(new))
    for model in models:
        model.objects.exclude(pk__in=keys_before[model]).delete()


def _ids(session: Session, collection: str) -> set[int]:
    return {row["id"] for row in session.items(collection).read(fields="id", limit=-1)}


@pytest.fixture(scope="module")
def books_server(library_server: DirectusServer) -> Iterator[DirectusServer]:
    """A server with the library and, for one module, the books."""
    with books.built(library_server):
        yield library_server


@pytest.fixture(scope="session")
def limited_server() -> Iterator[DirectusServer]:
    """A server that gives at most 40 rows in one response."""
    with start(env={"QUERY_LIMIT_MAX": "40"}) as server:
        yield server


@pytest.fixture
def books_session(books_server: DirectusServer) -> Iterator[Session]:
    """A session on the server with the books; the rows that a test adds are deleted after it."""
    with Session(books_server.url, token=books_server.token) as session:
        before = {name: books.keys_of(session, name) for name in books.ROWS}
        yield session
        for name in reversed(books.ROWS):
            new = books.keys_of(session, name) - before[name]
            if new:
                session.delete(f"/items/{name}", sorted(new))


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def website_server(request: pytest.FixtureRequest, directus_version: str) -> Iterator[DirectusServer]:
    """A server of its own that holds the website: without a licence, there is no room for more collections."""
    database = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with start(directus_version, database) as server:
        website.build(server)
        yield server


@pytest.fixture
def website_session(website_server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of the website; the rows that a test adds are deleted after it."""
    with Session(website_server.url, token=website_server.token) as session, website.cleaned(session):
        yield session


@pytest.fixture
def notes(session: Session) -> Iterator[Session]:
    """The current session; what a test leaves in the collection ``notes`` is removed after it."""
    yield session
    keys = session.items("notes").read(fields="id", limit=-1)
    if keys:
        session.delete("/items/notes", [row["id"] for row in keys])


@pytest.fixture
def is_directus_10(world: DirectusServer) -> bool:
    """Whether the server is a Directus 10, which is silent about unknown fields."""
    return world.version.startswith("10.")


@pytest.fixture
def tiny() -> Iterator[TinyServer]:
    server = TinyServer()
    yield server
    server.stop()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def own_http(recorder: Recorder) -> Iterator[requests.Session]:
    with requests.Session() as http:
        http.mount("http://", recorder)
        yield http


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """Sessions that are closed after the test, so that no socket stays behind."""
    opened: list[Session] = []

    def make(url: str, **options: Any) -> Session:
        opened.append(Session(url, **options))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


@pytest.fixture(scope="session")
def collections(directus_server: DirectusServer) -> Iterator[None]:
    with wire_collections(directus_server):
        yield


@pytest.fixture
def admin(directus_server: DirectusServer, open_session: Callable[..., Session]) -> Session:
    """A session, not the current one, as the administrator of a server on SQLite."""
    return open_session(directus_server.url, token=directus_server.token)
