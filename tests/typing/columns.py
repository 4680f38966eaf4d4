"""What type checkers know of typed conditions. Checked by mypy and pyright, never run.

Lines that must be errors carry an ignore; both checkers report an ignore that is not needed.
"""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal, assert_type
from uuid import UUID

from directus_orm import (
    Column,
    Model,
    Q,
    QuerySet,
    Related,
    RelatedColumn,
    col,
    current_role,
    current_user,
    field,
    generated,
    now,
    one_to_many,
    register_lookup,
    via,
)


class Cabin(enum.Enum):
    ECONOMY = "economy"
    FIRST = "first"


class User(Model, collection="directus_users"):
    id: UUID
    email: str | None = None


class Airline(Model, collection="airlines"):
    carrier: str = field(primary_key=True)
    name: str
    country: str | None = None


class Plane(Model):
    tailnum: str = field(primary_key=True)
    owner: Airline | None = None


class Seat(Model):
    id: int
    row: int
    taken: datetime | None = None


class Flight(Model):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    plane: Plane | None = None
    pilot: User | None = None
    seats: Related[Seat] = one_to_many("flight")
    dep_delay: int | None = None
    distance: float | None = None
    price: Decimal = field(default=Decimal(0))
    cabin: Cabin | None = None
    gate: Literal["A", "B"] = "A"
    time_hour: datetime | None = None
    day: date | None = None
    at: time | None = None
    note: str | None = None
    tags: list[str] = field(type="csv")
    diverted: bool | None = None
    token: UUID | None = None


FLIGHTS = Flight.objects
MOMENT = datetime(2024, 2, 29, tzinfo=UTC)


def columns() -> None:
    assert_type(col(Flight.dep_delay), Column[int])
    assert_type(col(Flight.id), Column[int])
    assert_type(col(Flight.note), Column[str])
    assert_type(col(Flight.price), Column[Decimal])
    assert_type(col(Flight.carrier), Column[Airline])
    assert_type(col(Flight.plane), Column[Plane])
    assert_type(col(Flight.cabin), Column[Cabin])
    assert_type(col(Flight.time_hour), Column[datetime])
    assert_type(col(Flight.seats), RelatedColumn[Seat])
    col(Flight.dep_dely)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def paths() -> None:
    assert_type(via(Flight.carrier), Airline)
    assert_type(via(Flight.plane), Plane)
    assert_type(via(via(Flight.plane).owner).country, str | None)
    assert_type(col(via(via(Flight.plane).owner).country), Column[str])
    assert_type(via(Flight.seats), Seat)
    assert_type(col(via(Flight.seats).taken).year, Column[int])
    col(via(Flight.carrier).nam)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    col(Flight.plane.owner)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    via(Flight.dep_delay)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]


def comparisons() -> None:
    assert_type(col(Flight.dep_delay) > 60, Q)
    assert_type(60 >= col(Flight.dep_delay), Q)  # noqa: SIM300
    assert_type(col(Flight.dep_delay) == 60, Q)
    assert_type(col(Flight.dep_delay) != None, Q)  # noqa: E711
    assert_type(FLIGHTS.filter(col(Flight.dep_delay) > 60, ~(col(Flight.note) == "x")), QuerySet[Flight])
    FLIGHTS.filter(col(Flight.distance) > 60, col(Flight.price) <= Decimal("9.99"), col(Flight.diverted) == True)  # noqa: E712
    FLIGHTS.filter(col(Flight.cabin) == Cabin.FIRST, col(Flight.gate) == "A")
    FLIGHTS.filter((col(Flight.time_hour) < MOMENT) | (col(Flight.day) >= date(2024, 2, 29)))
    FLIGHTS.filter(col(Flight.at) > time(12), col(Flight.token) == UUID(int=1))
    FLIGHTS.filter(col(Flight.dep_delay).between(0, 5), col(Flight.dep_delay).in_([1, 2, None]))
    FLIGHTS.filter(col(Flight.note).is_null(), col(Flight.note).is_empty(False), col(Flight.tags).is_empty())
    FLIGHTS.filter(col(Flight.dep_delay).lookup("worse", 70))


def wrong_operands() -> None:
    _ = col(Flight.dep_delay) > "60"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.dep_delay) > None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.note) < 5  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.price) > 9.99  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.time_hour) > date(2024, 2, 29)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.time_hour) > "2024"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    # Of equality, Python asks the other operand next, whose answer is a bool: filter() refuses that.
    FLIGHTS.filter(col(Flight.dep_delay) == "60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FLIGHTS.filter(col(Flight.cabin) == "first")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FLIGHTS.filter(Flight.note == "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _ = Flight.dep_delay > 60  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]
    col(Flight.dep_delay).in_(["1"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    col(Flight.dep_delay).between(1, "2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def texts() -> None:
    note = col(Flight.note)
    FLIGHTS.filter(note.contains("a"), note.icontains("a"), note.startswith("a"), note.istartswith("a"))
    FLIGHTS.filter(note.endswith("a"), note.iendswith("a"), note.iexact("a"))
    note.contains(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    col(Flight.dep_delay).contains("1")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    col(Flight.dep_delay).is_empty()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    col(Flight.carrier).icontains("a")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def lists() -> None:
    tags = col(Flight.tags)
    assert_type(tags.contains("a"), Q)
    FLIGHTS.filter(tags.contains(["a", "b"]), tags.overlap({"a"}), tags.contained_by(("a", "b")))
    tags.overlap([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    tags.icontains("a")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def parts() -> None:
    hour, day, at = col(Flight.time_hour), col(Flight.day), col(Flight.at)
    assert_type(hour.year, Column[int])
    assert_type(hour.date, Column[date])
    FLIGHTS.filter(
        hour.date > date(2024, 2, 29), hour.date.year == 2024, hour.week_day.in_([1, 7]), hour.quarter == 1
    )
    FLIGHTS.filter(
        hour.month == 2, hour.week == 9, hour.day == 29, hour.hour == 0, hour.minute > 5, hour.second < 9
    )
    FLIGHTS.filter(day.year == 2024, day.week_day == 1, at.hour < 12, at.minute == 0, at.second == 0)
    day.hour  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    day.date  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    at.year  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    col(Flight.dep_delay).year  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    _ = hour.year > "2024"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


def relations(airline: Airline, plane: Plane) -> None:
    FLIGHTS.filter(col(Flight.carrier) == airline, col(Flight.plane) != None)  # noqa: E711
    FLIGHTS.filter(col(Flight.carrier).in_([airline]), col(Flight.carrier).in_(Airline.objects.filter(name="x")))
    FLIGHTS.filter(col(Flight.carrier).in_(Airline.objects.values("pk")))
    FLIGHTS.filter(col(via(Flight.carrier).carrier).in_(Airline.objects.values_list("pk", flat=True)))
    FLIGHTS.filter(col(Flight.carrier) == plane)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    col(Flight.carrier).in_(Plane.objects.all())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]


def to_many() -> None:
    seats = col(Flight.seats)
    FLIGHTS.filter(seats.some(col(Seat.row) > 3), seats.none(Q(row=1)), seats.is_null(), seats.count >= 3)
    assert_type(seats.count, Column[int])
    seats.some(True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    seats.icontains("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    col(Flight.carrier).some(Q())  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def server_values(user: User) -> None:
    hour, day = col(Flight.time_hour), col(Flight.day)
    FLIGHTS.filter(hour < now("-1 day"), day == now(), hour.between(MOMENT, now()), hour.in_([now(), MOMENT]))
    FLIGHTS.filter(col(Flight.pilot) == current_user, col(Flight.pilot).in_([current_user, user]))
    FLIGHTS.filter(col(Flight.token) != current_role, col(Flight.token).in_([current_user]))
    _ = col(Flight.dep_delay) < now()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = col(Flight.at) < now()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    _ = hour < current_user  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    FLIGHTS.filter(col(Flight.dep_delay) == current_user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def orderings() -> None:
    assert_type(col(Flight.dep_delay).desc(), str)
    FLIGHTS.order_by(col(Flight.dep_delay).desc(), col(via(Flight.carrier).name).asc())


@register_lookup("notblank")
def notblank(path: str, value: bool) -> Q:
    return Q(**{f"{path}__empty": not value})


def lookups() -> None:
    assert_type(notblank("note", True), Q)
    assert_type(register_lookup("filled", notblank)("note", True), Q)
    register_lookup("wrong", 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
