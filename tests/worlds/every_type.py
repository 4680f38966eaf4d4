"""A model with a field of every type, its collection, and a value of each that every database keeps."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal, TypedDict
from uuid import UUID

import attrs

from directus_orm import Model, field, generated, register_type
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection

SERVERS = ["directus_server", "directus_postgres", "directus_mariadb"]
"""The fixtures of a server on each database."""


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Money:
    """A type of one's own, stored as text."""

    cents: int
    currency: str


def load_money(text: str) -> Money:
    cents, currency = text.split(" ")
    return Money(int(cents), currency)


register_type(Money, load=load_money, dump=lambda money: f"{money.cents} {money.currency}", type="string")


@attrs.define
class Place:
    x: float
    y: float
    names: list[str] = attrs.field(factory=list)


class Movie(TypedDict, total=False):
    title: str
    year: int


class Value(Model, collection="orm_values"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    body: str | None = field(default=None, type="text")
    number: int | None = None
    big: int | None = field(default=None, type="bigInteger")
    ratio: float | None = None
    price: Decimal | None = None
    done: bool | None = None
    seen: datetime | None = None
    local: datetime | None = field(default=None, type="dateTime")
    day: date | None = None
    at: time | None = None
    ref: UUID | None = None
    color: Color | None = None
    level: Literal[1, 2, 3] | None = None
    tags: list[str] | None = field(default=None, type="csv")
    numbers: list[int] | None = None
    document: dict[str, Any] | None = None
    anything: object = None
    place: Place | None = None
    movie: Movie | None = None
    money: Money | None = None


COLUMNS = {
    "name": "string",
    "body": "text",
    "number": "integer",
    "big": "bigInteger",
    "ratio": "float",
    "done": "boolean",
    "seen": "timestamp",
    "local": "dateTime",
    "day": "date",
    "at": "time",
    "ref": "uuid",
    "color": "string",
    "level": "integer",
    "tags": "csv",
    "numbers": "json",
    "document": "json",
    "anything": "json",
    "place": "json",
    "movie": "json",
    "money": "string",
}

# One value of each type that every database keeps as it is.
KEPT: dict[str, Any] = {
    "name": "Çelik & Søn ß 'a\\b' \r\n ",
    "body": "null, true, $NOW {}",
    "number": -(2**31),
    "big": 2**53 - 1,
    "ratio": -0.125,
    "price": Decimal("12345678.90123"),
    "done": False,
    "seen": datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
    "local": datetime(1899, 12, 31, 23, 59, 59),
    "day": date(1582, 10, 10),
    "at": time(23, 59, 59),
    "ref": UUID("ABCDEF00-0000-4000-8000-00000000000F"),
    "color": Color.BLUE,
    "level": 3,
    "tags": ["a", " b ", "é", ""],
    "numbers": [3, 1, 2],
    "document": {"10": 1, "a": {"b": [1.5, None, True, "null", "$NOW", 1e20]}, "constructor": "", "length": 0},
    "anything": "just text",
    "place": Place(1.0, -2.5, ["here"]),
    "movie": Movie(title="Alien", year=1979),
    "money": Money(5, "EUR"),
}
TYPES = sorted(KEPT)

# The text of a filter that compares by another rule than Python: MariaDB's collation takes "a" for "A".
LOOSE = {"mysql": {"name", "body", "color", "money"}}
JSON = {"tags", "numbers", "document", "anything", "place", "movie"}


def prepare(server: DirectusServer) -> DirectusServer:
    """Make the collection of `Value`, empty."""
    drop_collection(server, "orm_values")
    columns = [column(name, kind) for name, kind in COLUMNS.items()]
    price = column("price", "decimal", numeric_precision=15, numeric_scale=5)
    make_collection(server, "orm_values", *columns, price)
    return server


def takes_any_character(server: DirectusServer) -> bool:
    """Whether texts may hold characters beyond 16 bits: Directus 10 speaks UTF-8 of three bytes to MySQL."""
    return not (server.database.vendor == "mysql" and server.version.startswith("10."))


def reloaded(value: Value) -> Value:
    return Value.objects.get(pk=value.pk)
