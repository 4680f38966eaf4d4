"""A response must be complete within the read timeout, however it drips, and is unpacked up to a bound."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import requests

from directus_orm import TransportError
from directus_orm.session import Session
from directus_orm.session.http import connections

Serve = Callable[..., str]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"data": ' + b" " * 400 + b"1}"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)


def _single_bytes(data: bytes) -> list[bytes]:
    return [data[n : n + 1] for n in range(len(data))]


DRIPPING = {
    "headers": _single_bytes(HEAD + b"X: " + b"x" * 400 + b"\r\n" + LENGTH + BODY),
    "body": [HEAD + LENGTH, *_single_bytes(BODY)],
    "chunks": [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *(b"1\r\n" + b + b"\r\n" for b in _single_bytes(BODY)),
    ],
    "interim responses": [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 90 + [HEAD + LENGTH + BODY],
}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers each request with these parts, and a pause after each."""
    stopped = threading.Event()

    def answer(connection: socket.socket, parts: list[bytes], pause: float) -> None:
        with closing(connection), suppress(OSError):
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
                if stopped.wait(pause):
                    return

    def listen(server: socket.socket, parts: list[bytes], pause: float) -> None:
        with suppress(OSError):
            while True:
                answer(server.accept()[0], parts, pause)

    servers: list[socket.socket] = []

    def start(parts: list[bytes], pause: float = 0) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=listen, args=(server, parts, pause), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    stopped.set()
    for server in servers:
        server.close()


@pytest.mark.parametrize("what", DRIPPING)
def test_a_dripping_response_ends_with_the_timeout(what: str, serve: Serve) -> None:
    """Each byte comes in time; all of them do not."""
    session = Session(serve(DRIPPING[what], 0.05), token="t", timeout=(10, 0.5), retry=0)
    with pytest.raises(TransportError, match=r"longer than 0\.5 s"):
        session.get("/items/x")


def test_a_response_in_parts_is_complete_in_time(serve: Serve) -> None:
    session = Session(serve([HEAD + LENGTH, BODY[:200], BODY[200:]], 0.01), token="t", timeout=10, retry=0)
    assert session.get("/items/x") == 1


@pytest.mark.parametrize("own", [True, False], ids=["own", "of the caller"])
def test_a_packed_response_is_not_unpacked_without_a_bound(
    own: bool, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LARGEST_BODY", 1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(64)) + packer.flush()
    assert len(packed) < 1 << 17
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with requests.Session() as http:
        session = Session(serve([head + packed]), token="t", retry=0, http=None if own else http)
        with pytest.raises(TransportError, match="longer than 1 MiB"):
            session.get("/items/x")
