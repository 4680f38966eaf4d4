"""Connections are reused while they are fresh, and never by a forked process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from directus_orm import OutcomeUnknown, TransportError
from directus_orm.session import Session
from directus_orm.session.http import connections
from tests.worlds.tiny_server import Scripted, TinyServer

ROOT = str(Path(__file__).parents[3])
Open = Callable[..., Session]


def test_a_connection_is_reused_but_not_after_a_while(
    tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server closes idle connections: a write sent at that moment would have an unknown outcome."""
    monkeypatch.setattr(connections, "LONGEST_IDLE", 0.2)
    session = open_session(tiny.url, token="t")
    session.get("/items/x")
    session.get("/items/x")
    time.sleep(0.3)
    session.items("x").create({})
    first, second, third = tiny.ports
    assert first == second != third


@pytest.mark.parametrize("name", ["_get_conn", "_put_conn"])
def test_urllib3_takes_and_returns_connections_by_the_methods_that_pools_override(name: str) -> None:
    """These methods are not public. `make test-urllib3` runs this with each version."""
    calls = []

    class Pool(urllib3.HTTPConnectionPool):
        pass

    def method(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(name)
        return getattr(urllib3.HTTPConnectionPool, name)(self, *args, **options)

    setattr(Pool, name, method)
    with socket.create_server(("127.0.0.1", 0)) as server, Pool("127.0.0.1", server.getsockname()[1]) as pool:
        thread = threading.Thread(target=_answer_once, args=[server])
        thread.start()
        assert pool.request("GET", "/", preload_content=True).status == 204
        thread.join()
    assert calls == [name]


def _answer_once(server: socket.socket) -> None:
    client, _ = server.accept()
    with client:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")


def test_a_forked_process_opens_connections_of_its_own(tiny: TinyServer) -> None:
    """Two processes that read from one socket would get each other's answers."""
    script = """
import os, sys
from directus_orm.session import Session
session = Session(sys.argv[1], token="t")
session.get("/items/parent")
child = os.fork()
session.get("/items/both")
if child:
    os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", script, tiny.url], check=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert len(tiny.ports) == 3
    assert len(set(tiny.ports)) == 2


INTERIM = [(103,), (102, 103, 103), (100,), (100, 103, 199)]


class TestInterimResponses:
    """A server may send responses of statuses below 200 before that which counts: no request gets another's."""

    @pytest.mark.parametrize("interim", INTERIM)
    def test_own_connections_skip_them(
        self, tiny: TinyServer, open_session: Open, interim: tuple[int, ...]
    ) -> None:
        session = open_session(tiny.url, token="t", retry=0)
        tiny.answers(*(Scripted(body={"data": [n]}, interim=interim if n % 2 else ()) for n in range(5)))
        assert [session.get("/items/x") for _ in range(5)] == [[n] for n in range(5)]
        assert len(set(tiny.ports)) == 1

    @pytest.mark.parametrize("interim", [(103,), (102, 103), (101,)])
    def test_connections_of_the_caller_are_closed(self, tiny: TinyServer, interim: tuple[int, ...]) -> None:
        """What the caller's `requests.Session` takes for a response is refused."""
        with requests.Session() as http, Session(tiny.url, token="t", http=http, retry=0) as session:
            tiny.answers(*(Scripted(body={"data": [n]}, interim=interim if n == 1 else ()) for n in range(4)))
            assert session.get("/items/x") == [0]
            with pytest.raises(TransportError, match=f"status {interim[0]} in the place of a response"):
                session.get("/items/x")
            assert [session.get("/items/x") for _ in range(2)] == [[2], [3]]

    def test_connections_that_do_not_skip_them_are_closed(
        self, tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Connections over SOCKS proxies are of another class."""
        monkeypatch.setattr(connections._Connection, "response_class", HTTPResponse)
        session = open_session(tiny.url, token="t", retry=0)
        tiny.answers(Scripted(interim=(103,)), Scripted(body={"data": [2]}))
        with pytest.raises(TransportError, match="status 103 in the place of a response"):
            session.get("/items/x")
        assert session.get("/items/x") == [2]

    @pytest.mark.parametrize("interim", [(101,), (103,) * 200])
    def test_what_never_ends_or_is_no_http_is_refused(
        self, tiny: TinyServer, open_session: Open, interim: tuple[int, ...]
    ) -> None:
        session = open_session(tiny.url, token="t", retry=0)
        tiny.answers(Scripted(interim=interim), Scripted(body={"data": [2]}))
        with pytest.raises(OutcomeUnknown, match="in the place of a response"):
            session.post("/items/x", {})
        assert session.get("/items/x") == [2]
