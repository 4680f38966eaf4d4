"""A small world that read tests share: 260 flights of four airlines, with nulls, ties and odd texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from directus_orm import Model, Related, Session, field, generated, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import AUTO_KEY, column, key, make_collection, make_relation


class Airline(Model):
    carrier: str = field(primary_key=True)
    name: str
    country: str | None = None
    flights: Related[Flight] = one_to_many("carrier")


class Plane(Model):
    tailnum: str = field(primary_key=True)
    maker: str | None = None
    owner: Airline | None = None


class Flight(Model):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    plane: Plane | None = None
    dep_delay: int | None = None
    distance: float | None = None
    time_hour: datetime | None = None
    note: str | None = None
    diverted: bool | None = None


class Note(Model, ordering=("title",)):
    """What write tests write to; emptied after each of them."""

    id: UUID = field(default=generated, primary_key=True)
    title: str
    body: str | None = None
    stars: int = 1
    tags: list[str] = field(factory=list)
    flight: Flight | None = None
    created: datetime | None = field(default=generated, readonly=True)


class Setting(Model, collection="settings_of_app", singleton=True):
    id: int = field(default=generated, primary_key=True)
    color: str | None = None
    size: int | None = None


AIRLINES: list[dict[str, Any]] = [
    {"carrier": "AA", "name": "American Airlines", "country": "US"},
    {"carrier": "B6", "name": "JetBlue", "country": None},
    {"carrier": "LH", "name": "Lufthansa", "country": ""},
    {"carrier": "a/b", "name": "Odd Key", "country": "DE"},
]
PLANES: list[dict[str, Any]] = [
    {"tailnum": "N1", "maker": "BOEING", "owner": "AA"},
    {"tailnum": "N2", "maker": None, "owner": "B6"},
    {"tailnum": "N3", "maker": "Airbus", "owner": None},
]
NOTES = (None, "", "late", "Late again", "on time", "x" * 40, "a,b", 'quote "d"', "ice & snow")
START = datetime(2013, 12, 31, 12, tzinfo=UTC)


def flight_rows(count: int = 260) -> list[dict[str, Any]]:
    """Return the flights as they are sent: every combination comes up, nothing is random."""
    return [
        {
            "carrier": AIRLINES[n % 4]["carrier"],
            "plane": (None, "N1", "N2", "N3")[n % 7 % 4],
            "dep_delay": None if n % 5 == 0 else n % 90 - 11,
            "distance": None if n % 11 == 0 else n * 1.5,
            "time_hour": None if n % 13 == 0 else f"{START + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}",
            "note": NOTES[n % len(NOTES)],
            "diverted": (None, True, False)[n % 3],
        }
        for n in range(count)
    ]


def build(server: DirectusServer) -> None:
    """Make the collections of this module, and the rows that read tests share."""
    make_collection(
        server, "airlines", key("string", "carrier"), column("name", "string"), column("country", "string")
    )
    make_collection(server, "planes", key("string", "tailnum"), column("maker", "string"))
    make_relation(server, "planes", "owner", "airlines", "string")
    make_collection(
        server,
        "flights",
        AUTO_KEY,
        column("dep_delay", "integer"),
        column("distance", "float"),
        column("time_hour", "timestamp"),
        column("note", "string"),
        column("diverted", "boolean"),
    )
    make_relation(server, "flights", "carrier", "airlines", "string", reverse="flights")
    make_relation(server, "flights", "plane", "planes", "string")
    make_collection(
        server,
        "notes",
        key("uuid"),
        column("title", "string", is_nullable=False, is_unique=True),
        column("body", "text"),
        column("stars", "integer", default_value=3),
        column("tags", "json"),
        column("created", "timestamp", special=["date-created", "cast-timestamp"]),
    )
    make_relation(server, "notes", "flight", "flights", reverse="notes")
    make_collection(
        server,
        "settings_of_app",
        column("color", "string", default_value="blue"),
        column("size", "integer"),
        singleton=True,
    )
    with Session(server.url, token=server.token) as session:
        for name, rows in (("airlines", AIRLINES), ("planes", PLANES), ("flights", flight_rows())):
            session.items(name).create(rows)
