"""Threads that read single rows: by models over one session, and by bare requests with one session per thread.

Both read from the same real Directus in turn, so that other load on the machine affects both. The cost of one row
above the bare request is measured with a server that responds at once, since a Directus takes longer than either.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median

import requests

from directus_orm import Model, Session, field, generated
from directus_orm.testing import start

THREADS, ROWS, ROUNDS, READS = 16, 200, 11, 800
SINGLES, SINGLE_ROUNDS = 300, 15


class Part(Model, collection="parts"):
    """A row of three fields."""

    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    size: int | None = None


def bare(http: requests.Session, url: str, token: str, key: int) -> None:
    """Read one row as a program without this library would: GET its route, and decode the JSON."""
    headers = {"Authorization": f"Bearer {token}"}
    params = {"fields": "id,name,size"}
    response = http.get(f"{url}/items/parts/{key}", params=params, headers=headers, timeout=(10, 60))
    response.raise_for_status()
    assert response.json()["data"]


def by_requests(url: str, token: str, keys: list[int]) -> None:
    """Read rows over the connections of one thread."""
    with requests.Session() as http:
        for key in keys:
            bare(http, url, token, key)


def by_models(session: Session, keys: list[int]) -> None:
    """Read rows as instances."""
    rows = Part.objects.using(session)
    for key in keys:
        rows.get(pk=key)


def seconds(read: Callable[[list[int]], None], reads: int) -> float:
    """Return the seconds that all threads together need for these reads."""
    keys = [[1 + (thread * 7 + n) % ROWS for n in range(reads // THREADS)] for thread in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        started = time.perf_counter()
        list(pool.map(read, keys))
        return time.perf_counter() - started


@contextmanager
def immediate() -> Iterator[str]:
    """Serve always the same row, whatever the request is."""
    body = json.dumps({"data": [{"id": 1, "name": "n" * 20, "size": 3}]}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)

    def serve(client: socket.socket) -> None:
        with client:
            while client.recv(65536):
                client.sendall(head + body)

    def listen() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def single(url: str) -> tuple[float, float]:
    """Return the milliseconds for one row by models and by bare requests, in the quietest round."""
    ours: list[float] = []
    theirs: list[float] = []
    with Session(url) as session, requests.Session() as http:
        for _ in range(SINGLE_ROUNDS):
            started = time.perf_counter()
            by_models(session, [1] * SINGLES)
            middle = time.perf_counter()
            for _ in range(SINGLES):
                bare(http, url, "t", 1)
            ours.append(middle - started)
            theirs.append(time.perf_counter() - middle)
    return min(ours) / SINGLES * 1000, min(theirs) / SINGLES * 1000


def throughput() -> tuple[list[float], list[float]]:
    """Return the rows per second of each round, by models and by bare requests."""
    ours: list[float] = []
    theirs: list[float] = []
    with start() as server, Session(server.url, token=server.token) as session:
        kinds = {"id": "integer", "name": "string", "size": "integer"}
        key = {"is_primary_key": True, "has_auto_increment": True}
        fields = [
            {"field": n, "type": t, "schema": key if n == "id" else {}, "meta": {}} for n, t in kinds.items()
        ]
        session.post("/collections", {"collection": "parts", "schema": {}, "meta": {}, "fields": fields})
        Part.objects.bulk_create(Part(name=f"part {n}", size=n) for n in range(ROWS))
        for number in range(ROUNDS + 1):
            pair = [
                (ours, lambda keys: by_models(session, keys)),
                (theirs, lambda keys: by_requests(server.url, server.token, keys)),
            ]
            for found, read in pair if number % 2 else reversed(pair):
                rate = READS / seconds(read, READS)
                if number:  # the first round warms up
                    found.append(rate)
    return ours, theirs


def main() -> None:
    """Measure, and print the results."""
    with immediate() as url:
        own, bare_one = single(url)
    print(f"one row from a server that responds at once: {own:.3f} ms, bare {bare_one:.3f} ms")  # noqa: T201
    ours, theirs = throughput()
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(  # noqa: T201
        f"{THREADS} threads, rows per second, medians of {ROUNDS} rounds: {median(ours):.0f}, "
        f"bare {median(theirs):.0f}; ratio {median(ours) / median(theirs):.2f}, of rounds {median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
