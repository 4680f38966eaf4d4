"""Collections on a real Directus, and a tiny HTTP server for answers that a Directus never gives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm.session import Session
from directus_orm.testing import DirectusServer


@attrs.frozen
class Scripted:
    """One answer of the tiny server; ``cut`` announces more bytes than it sends, status 0 hangs up."""

    status: int = 200
    body: Any = attrs.field(factory=lambda: {"data": []})
    headers: dict[str, str] = attrs.field(factory=dict)
    delay: float = 0
    cut: bool = False


class TinyServer:
    """Records the raw request line, headers and body of each request, and answers by script."""

    def __init__(self) -> None:
        self.script: list[Scripted] = [Scripted()]
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.ports: list[int] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def methods(self) -> list[str]:
        return [method for method, *_ in self.seen]

    @property
    def paths(self) -> list[str]:
        return [path for _, path, *_ in self.seen]

    @property
    def bearers(self) -> list[str | None]:
        return [headers.get("authorization") for _, _, headers, _ in self.seen]

    def answers(self, *script: Scripted) -> None:
        self.script = list(script)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tiny = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                tiny.seen.append((self.command, self.path, headers, body))
                tiny.ports.append(self.client_address[1])
                turn = tiny.script.pop(0) if len(tiny.script) > 1 else tiny.script[0]
                time.sleep(turn.delay)
                self.close_connection = turn.cut or not turn.status
                if turn.status:
                    self.write(turn)

            def write(self, turn: Scripted) -> None:
                text = turn.body if isinstance(turn.body, str) else json.dumps(turn.body)
                headers = {"Content-Type": "application/json", **turn.headers}
                self.send_response(turn.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode()) + (50 if turn.cut else 0)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PATCH = do_DELETE = do_SEARCH = answer

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture
def tiny() -> Iterator[TinyServer]:
    server = TinyServer()
    yield server
    server.stop()


class Recorder(HTTPAdapter):
    """Sends for real, and keeps what went over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.sent.append(request)
        return super().send(request, *args, **kwargs)


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


@pytest.fixture
def session(directus_server: DirectusServer, open_session: Callable[..., Session]) -> Session:
    return open_session(directus_server.url, token=directus_server.token)


_KEY = {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}
_ARTICLES = {
    "collection": "wire_articles",
    "schema": {},
    "meta": {},
    "fields": [
        _KEY,
        {"field": "title", "type": "string", "schema": {"is_nullable": False}},
        {"field": "slug", "type": "string", "schema": {"is_unique": True}},
        {"field": "parent", "type": "integer", "schema": {}},
    ],
}
_TEXTS = {
    "collection": "wire_texts",
    "schema": {},
    "meta": {},
    "fields": [
        {"field": "id", "type": "string", "schema": {"is_primary_key": True, "has_auto_increment": False}},
        {"field": "text", "type": "string", "schema": {}},
    ],
}


@contextmanager
def wire_collections(server: DirectusServer) -> Iterator[None]:
    """wire_articles (parent refers to itself, deletes restricted) and wire_texts (keys are texts)."""
    relation = {"collection": "wire_articles", "field": "parent", "related_collection": "wire_articles"}

    def send(method: str, path: str, data: Any = None) -> None:
        headers = {"Authorization": f"Bearer {server.token}"}
        requests.request(method, server.url + path, json=data, headers=headers, timeout=30).raise_for_status()

    send("POST", "/collections", [_ARTICLES, _TEXTS])
    send("POST", "/relations", {**relation, "schema": {"on_delete": "NO ACTION"}})
    yield
    send("DELETE", "/fields/wire_articles/parent")  # SQLite cannot drop a table that refers to itself
    send("DELETE", "/collections/wire_articles")
    send("DELETE", "/collections/wire_texts")


@pytest.fixture(scope="session")
def collections(directus_server: DirectusServer) -> Iterator[None]:
    with wire_collections(directus_server):
        yield
