"""A proxy that breaks connections: it stands before a real Directus and gives each request a fault, or none.

It speaks HTTP/1.1 to both sides, since most faults differ in where a request or a response is broken.
"""

from __future__ import annotations

import http.client
import random
import select
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any

import attrs


class Fault(Enum):
    """What happens to a request, or to the answer to it."""

    NONE = "nothing"
    DELAY = "it waits before it goes on"
    RESET_BEFORE = "reset: the server sees nothing of it"
    RESET_DURING = "reset when half of it has reached the server"
    FORGOTTEN = "reset as soon as the server has it"
    RESET_AFTER = "reset after the server has answered"
    TRUNCATED = "the answer breaks off"
    SILENCE = "no answer comes, though the server gave one"
    SWALLOWED = "no answer comes, and the server sees nothing of it"
    BUSY = "429, with Retry-After: 0"
    PRESSURE = "503, under pressure"
    GATEWAY_BEFORE = "502 of a gateway that did not pass it on"
    GATEWAY_AFTER = "504 of a gateway that did"
    UNAVAILABLE_AFTER = "503 of a gateway that did"
    DRIPPING = "the answer comes in small pieces"
    BROKEN_JSON = "the JSON of the answer breaks off, but the answer does not"
    STRANGE_JSON = "the answer is JSON of another shape"


def _answer(status: int, body: bytes, head: bytes, *, bare: bool = False) -> bytes:
    length = b"" if bare else b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 %d %s\r\n" % (status, b"of-the-proxy") + head + length + b"\r\n" + body


_JSON, _HTML = b"Content-Type: application/json\r\n", b"Content-Type: text/html\r\n"
_BUSY = b'{"errors":[{"message":"Too many requests","extensions":{"code":"REQUESTS_EXCEEDED"}}]}'
_PRESSURE = (
    b'{"errors":[{"message":"Under pressure","extensions":'
    b'{"code":"SERVICE_UNAVAILABLE","service":"api","reason":"Under pressure"}}]}'
)
# Answers of the proxy, to requests that the server does not see, and to others.
_INSTEAD = {
    Fault.BUSY: _answer(429, _BUSY, _JSON + b"Retry-After: 0\r\n"),
    Fault.PRESSURE: _answer(503, _PRESSURE, _JSON),
    Fault.GATEWAY_BEFORE: _answer(502, b"<html>Bad Gateway", _HTML),
}
_REPLACED = {
    Fault.GATEWAY_AFTER: _answer(504, b"<html>Gateway Time-out", _HTML),
    Fault.UNAVAILABLE_AFTER: _answer(503, b"<html>upstream connect error", _HTML),
}
_PIECES = 20


def _with_body(answer: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return an answer with another body, and the length of that."""
    head, _, body = answer.partition(b"\r\n\r\n")
    changed = change(body) if body else body
    return (
        head.replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % len(changed))
        + b"\r\n\r\n"
        + changed
    )


_BENT: dict[Fault, Callable[[bytes], bytes]] = {
    Fault.BROKEN_JSON: lambda body: body[: len(body) * 2 // 3],
    Fault.STRANGE_JSON: lambda _: b'{"data": [7]}',
}
# The client does not learn from these answers what became of its request.
_USELESS = {Fault.GATEWAY_BEFORE, *_REPLACED, *_BENT}
# How much of a request reaches the server before the connection is reset.
_SHARES = {Fault.RESET_BEFORE: 0, Fault.RESET_DURING: 2 / 3, Fault.FORGOTTEN: 1}


@attrs.frozen
class Message:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


Choose = Callable[[Message], Fault]


class Hangup(Exception):
    """The connection ends here."""


class FaultProxy:
    """Listens on a port of its own, and passes on to ``port`` what ``choose`` lets through."""

    def __init__(self, port: int, choose: Choose = lambda _: Fault.NONE, *, silence: float = 2.0) -> None:
        self.choose = choose
        self.met: Counter[Fault] = Counter()
        self.seen: list[Message] = []
        # Creates and updates of which the client did not learn what became of them, for whatever reason.
        self.lost = 0
        self._silence = silence
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._clients: set[socket.socket] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        self._closing.set()
        with suppress(OSError):  # wakes accept()
            socket.create_connection(self._listener.getsockname(), 1).close()
        self._thread.join()
        self._listener.close()
        for client in list(self._clients):
            client.close()

    def script(self, *faults: Fault, method: str = "") -> None:
        """Let the next requests (of one method) meet these faults; what follows passes."""
        left = deque(faults)
        self.choose = lambda m: left.popleft() if left and m.method in (method or m.method) else Fault.NONE
        self.seen.clear()

    def _listen(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closing.is_set():
                client.close()
                return
            with self._lock:
                self._clients.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upstream = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=30)
        try:
            stream = client.makefile("rb")
            while (message := _read(stream)) is not None:
                with self._lock:
                    fault = self.choose(message)
                    self.met[fault] += 1
                    self.seen.append(message)
                learned = False
                try:
                    self._meet(fault, message, client, upstream)
                    learned = fault not in _USELESS and not _has_left(client)
                finally:
                    with self._lock:
                        self.lost += not learned and message.method in {"POST", "PATCH"}
        except (Hangup, OSError, http.client.HTTPException):
            _reset(client)  # what a server that died looks like from here
        finally:
            upstream.close()
            with self._lock:
                self._clients.discard(client)
            client.close()

    def _meet(
        self, fault: Fault, message: Message, client: socket.socket, upstream: http.client.HTTPConnection
    ) -> None:
        if fault in _INSTEAD:
            client.sendall(_INSTEAD[fault])
            return
        if fault in _SHARES:
            self._send(message, int(len(message.raw) * _SHARES[fault]))
            raise Hangup
        if fault is Fault.SWALLOWED:
            self._wait_and_hang_up()
        if fault is Fault.DELAY:
            time.sleep(0.05)
        answer = _passed_on(message, upstream)
        if fault is Fault.SILENCE:
            self._wait_and_hang_up()
        if fault is Fault.RESET_AFTER:
            raise Hangup
        if fault is Fault.TRUNCATED:
            client.sendall(answer[: len(answer) * 3 // 4])
            raise Hangup
        if fault in _BENT:
            answer = _with_body(answer, _BENT[fault])
        if fault is Fault.DRIPPING:
            self._drip(answer, client)
        else:
            client.sendall(_REPLACED.get(fault, answer))

    def _drip(self, answer: bytes, client: socket.socket) -> None:
        length = len(answer) // _PIECES + 1
        for start in range(0, len(answer), length):
            client.sendall(answer[start : start + length])
            time.sleep(0.01)

    def _wait_and_hang_up(self) -> None:
        self._closing.wait(self._silence)
        raise Hangup

    def _send(self, message: Message, length: int) -> None:
        """Send the beginning of a request to the server, and do not wait for what it says."""
        with socket.create_connection(("127.0.0.1", self._upstream), 10) as server:
            server.sendall(message.raw[:length])


def _read(stream: Any) -> Message | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = stream.read(int(headers.get("content-length", 0)))
    return Message(method, target, headers, body, head + body)


def _passed_on(message: Message, upstream: http.client.HTTPConnection) -> bytes:
    upstream.putrequest(message.method, message.target, skip_host=True, skip_accept_encoding=True)
    for name, value in message.headers.items():
        upstream.putheader(name, value)
    upstream.endheaders(message.body or None)
    answer = upstream.getresponse()
    body = answer.read()
    kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in {"content-length", "transfer-encoding"}]
    head = "".join(f"{name}: {value}\r\n" for name, value in kept).encode("latin-1")
    return _answer(answer.status, body, head, bare=answer.status == 204)


def _has_left(client: socket.socket) -> bool:
    """Return whether the client hung up: until it has the answer, it sends nothing more than an end."""
    with suppress(OSError):
        return bool(select.select([client], [], [], 0)[0]) and not client.recv(1, socket.MSG_PEEK)
    return True


def _reset(client: socket.socket) -> None:
    with suppress(OSError):  # closed without a goodbye
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def faulty(port: int, choose: Choose = lambda _: Fault.NONE, *, silence: float = 2.0) -> Iterator[FaultProxy]:
    proxy = FaultProxy(port, choose, silence=silence)
    try:
        yield proxy
    finally:
        proxy.stop()


def by_chance(seed: int, share: float) -> Choose:
    """Choose a fault for this share of the requests, any of them; silences, which take long, seldom."""
    dice = random.Random(seed)
    faults = [fault for fault in Fault if fault is not Fault.NONE]
    weights = [1 if fault in {Fault.SILENCE, Fault.SWALLOWED} else 4 for fault in faults]

    def choose(_: Message) -> Fault:
        return dice.choices(faults, weights)[0] if dice.random() < share else Fault.NONE

    return choose
