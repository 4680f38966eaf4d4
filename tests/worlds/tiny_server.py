"""A scripted HTTP server for responses that a Directus never gives, and an adapter that records what is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import requests
from requests.adapters import HTTPAdapter


@attrs.frozen
class Scripted:
    """One answer of the tiny server; ``cut`` announces more bytes than it sends, status 0 hangs up.

    ``interim`` are the statuses of responses before it, such as 103 Early Hints.
    """

    status: int = 200
    body: Any = attrs.field(factory=lambda: {"data": []})
    headers: dict[str, str] = attrs.field(factory=dict)
    delay: float = 0
    cut: bool = False
    interim: tuple[int, ...] = ()


Answer = Scripted | Callable[[str], Scripted]
"""An answer, or a function that returns it for the target and the body of a request."""


class TinyServer:
    """Records the raw request line, headers and body of each request, and answers by script."""

    def __init__(self) -> None:
        self.script: list[Answer] = [Scripted()]
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

    def answers(self, *script: Answer) -> None:
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
                turn = turn(f"{self.path} {body.decode()}") if callable(turn) else turn
                time.sleep(turn.delay)
                self.close_connection = turn.cut or not turn.status
                if turn.status:
                    with suppress(ConnectionError):  # the client has hung up
                        self.write(turn)

            def write(self, turn: Scripted) -> None:
                text = turn.body if isinstance(turn.body, str) else json.dumps(turn.body)
                headers = {"Content-Type": "application/json", **turn.headers}
                for status in turn.interim:
                    self.wfile.write(f"HTTP/1.1 {status} Wait\r\nLink: </a.css>\r\n\r\n".encode())
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


class Recorder(HTTPAdapter):
    """Sends for real, and keeps what went over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.sent.append(request)
        return super().send(request, *args, **kwargs)
