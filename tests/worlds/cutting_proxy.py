"""A proxy that cuts connections after a number of bytes: in the middle of an upload, or of a download."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import attrs


@attrs.define
class CuttingProxy:
    """Passes bytes on to a server; ``cut_requests`` and ``cut_responses`` say after how many the next ones end."""

    target: tuple[str, int]
    listener: socket.socket
    cut_requests: list[int] = attrs.field(factory=list)
    cut_responses: list[int] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            pair = (client, server)
            threading.Thread(target=self._pass_on, args=(*pair, self.cut_requests, pair), daemon=True).start()
            threading.Thread(
                target=self._pass_on, args=(*pair[::-1], self.cut_responses, pair), daemon=True
            ).start()

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, cuts: list[int], pair: tuple[socket.socket, ...]
    ) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if cuts and passed + len(data) > cuts[0]:
                    sink.sendall(data[: cuts.pop(0) - passed])
                    break
                passed += len(data)
                sink.sendall(data)
        for each in pair:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def cutting_proxy(url: str) -> Iterator[CuttingProxy]:
    """Give a proxy before the server at a URL."""
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = CuttingProxy((str(parts.hostname), int(parts.port or 80)), listener)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
