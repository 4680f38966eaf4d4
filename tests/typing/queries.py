"""What type checkers know of models and queries, without a plugin. Checked by mypy and pyright, never run.

Lines that must be errors carry an ignore; both checkers report an ignore that is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self, TypeVar, assert_type

from directus_orm import (
    ActionPermission,
    Allowed,
    Avg,
    Count,
    F,
    Max,
    Min,
    Model,
    Page,
    Permissions,
    Q,
    QuerySet,
    Rows,
    Session,
    Sum,
    connect,
    current_session,
    field,
    generated,
)


class Airline(Model, collection="airlines"):
    carrier: str = field(primary_key=True)
    name: str


class Flight(Model, ordering=("-time_hour",)):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    backup: Airline | None = None
    dep_delay: int | None = None
    price: Decimal = field(default=Decimal(0))
    tags: list[str] = field(factory=list)
    time_hour: datetime | None = None


class Late(QuerySet[Flight]):
    def by(self, minutes: int) -> Self:
        return self.filter(dep_delay__gt=minutes)


M = TypeVar("M", bound=Model)


class LateOf(QuerySet[M]):
    """A queryset class that names no model, so that a model below can use it: pyright refuses a circle."""

    def by(self, minutes: int) -> Self:
        return self.filter(dep_delay__gt=minutes)


class Delayed(Model):
    id: int = field(default=generated, primary_key=True)
    dep_delay: int | None = None
    objects = LateOf["Delayed"].as_manager()


def own_querysets() -> None:
    assert_type(Delayed.objects, LateOf[Delayed])
    assert_type(Delayed.objects.by(3).order_by("id").first(), Delayed | None)


class Charter(Flight, collection="charters"):
    customer: str


def fields(flight: Flight) -> None:
    assert_type(flight.id, int)
    assert_type(flight.carrier, Airline)
    assert_type(flight.carrier.name, str)
    assert_type(flight.backup, Airline | None)
    assert_type(flight.price, Decimal)
    assert_type(flight.tags, list[str])
    assert_type(flight.pk, Any)
    flight.dep_delay = None
    flight.dep_delay = "late"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    flight.dep_dely = 3  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    flight.backup.name  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def constructors(airline: Airline) -> None:
    Flight(carrier=airline)
    Flight(carrier=airline, id=3, dep_delay=None, tags=["x"])
    Charter(carrier=airline, customer="x")
    Flight()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Flight(carrier=airline, dep_dely=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Flight(carrier=airline, dep_delay="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def querysets() -> None:
    assert_type(Flight.objects, QuerySet[Flight])
    late = Flight.objects.filter(dep_delay__gt=60).exclude(Q(carrier="AA") | ~Q(id=1)).order_by("-dep_delay")
    assert_type(late, QuerySet[Flight])
    assert_type(late.only("id").defer("tags").select_related("carrier").reverse().none().all(), QuerySet[Flight])
    assert_type(late.limit(3).offset(4).search("x")[3:10], QuerySet[Flight])
    assert_type(late.first(), Flight | None)
    assert_type(late.last(), Flight | None)
    assert_type(late.get(pk=3), Flight)
    assert_type(late[3], Flight)
    assert_type(late.count(), int)
    assert_type(late.exists(), bool)
    assert_type(late.iterator(), Iterator[Flight])
    assert_type(late.in_bulk([1]), dict[Any, Flight])
    assert_type(late.using(current_session()), QuerySet[Flight])
    assert_type([flight.carrier.name for flight in late], list[str])
    assert_type(Flight.objects.ref(3), Flight)
    assert_type(Flight.objects.create(carrier=Airline.objects.ref("AA")), Flight)
    assert_type(Flight.objects.bulk_create([Flight(carrier=Airline.objects.ref("AA"))]), list[Flight])
    assert_type(Charter.objects.filter().first(), Charter | None)
    assert_type(late.latest("id"), Flight)
    assert_type(late.page(1, 20), Page[Flight])
    assert_type(late.page(1, 20).rows, list[Flight])
    assert_type(late.get_or_create(id=3), tuple[Flight, bool])
    assert_type(late.update(dep_delay=None), int)
    assert_type(late.delete(), int)
    late.filter(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def other_shapes() -> None:
    rows = Flight.objects.values("id", "carrier__name")
    assert_type(rows, Rows[dict[str, Any]])
    assert_type(rows.filter(id=1)[:3].first(), dict[str, Any] | None)
    assert_type(Flight.objects.values_list("id", "price"), Rows[tuple[Any, ...]])
    assert_type(Flight.objects.values_list("id", flat=True), Rows[Any])
    assert_type(Flight.objects.values("id", year=F("time_hour__year")).distinct(), Rows[dict[str, Any]])


def groups() -> None:
    late = Flight.objects.filter(dep_delay__gt=60)
    assert_type(late.aggregate(Avg("dep_delay"), n=Count("*")), dict[str, Any])
    assert_type(late.annotate(name=F("carrier__name")).alias(n=Count("notes")), QuerySet[Flight])
    assert_type(late.distinct(), QuerySet[Flight])
    counted = late.values("carrier").annotate(n=Count("*"), low=Min("price"), high=Max("price"))
    assert_type(counted, Rows[dict[str, Any]])
    assert_type(counted.filter(n__gt=3).order_by("-n")[:3].first(), dict[str, Any] | None)
    assert_type(counted.values_list("n", "carrier"), Rows[tuple[Any, ...]])
    assert_type(late.values_list("carrier").annotate(Sum("price")), Rows[tuple[Any, ...]])
    assert_type(late.dates("time_hour", "month"), Rows[date])
    assert_type(late.datetimes("time_hour", "hour").first(), datetime | None)
    late.aggregate(n="dep_delay")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    late.aggregate(F("dep_delay"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    late.values("id", year="time_hour")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Sum(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Count("id", filter=late)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def records(flight: Flight) -> None:
    assert_type(flight.save(), None)
    assert_type(flight.to_dict(json=True), dict[str, Any])
    assert_type(Flight.from_dict({}), Flight)
    try:
        Flight.objects.get(pk=1)
    except Flight.DoesNotExist as error:
        assert_type(error.args, tuple[Any, ...])


def sessions() -> None:
    with Session("http://localhost:8055", token="x") as session:
        assert_type(session, Session)
    assert_type(connect("http://localhost:8055"), Session)


async def in_asyncio(flight: Flight, own: Late) -> None:
    late = Flight.objects.filter(dep_delay__gt=60)
    assert_type(await Flight.objects.aget(pk=1), Flight)
    assert_type(await late.afirst(), Flight | None)
    assert_type(await late.alast(), Flight | None)
    assert_type(await late.alatest("id"), Flight)
    assert_type(await late.aearliest("id"), Flight)
    assert_type(await late.acount(), int)
    assert_type(await late.aexists(), bool)
    assert_type(await late.acontains(flight), bool)
    assert_type(await late.apage(1, 20), Page[Flight])
    assert_type(await late.aaggregate(n=Count("*")), dict[str, Any])
    assert_type(await late.ain_bulk([1]), dict[Any, Flight])
    assert_type(await late.acreate(carrier=flight.carrier), Flight)
    assert_type(await late.aget_or_create(id=3), tuple[Flight, bool])
    assert_type(await late.aupdate_or_create({"dep_delay": 1}, id=3), tuple[Flight, bool])
    assert_type(await late.abulk_create([flight]), list[Flight])
    assert_type(await late.abulk_update([flight], ["dep_delay"]), int)
    assert_type(await late.aupsert([flight]), list[Flight])
    assert_type(await late.aupdate(dep_delay=None), int)
    assert_type(await late.adelete(), int)
    assert_type(await flight.asave(update_fields=["dep_delay"]), None)
    assert_type(await flight.adelete(), None)
    assert_type(await flight.arefresh(["dep_delay"]), None)
    assert_type([row async for row in late], list[Flight])
    assert_type([row async for row in late.aiterator(page_size=5)], list[Flight])
    assert_type([row async for row in late.values("id")], list[dict[str, Any]])
    assert_type(await late.values("id").afirst(), dict[str, Any] | None)
    assert_type(await own.by(3).afirst(), Flight | None)
    await late.afirst(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await late.acontains(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await flight.asave(["dep_delay"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    late.aiterator(size=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    async with Session("http://localhost:8055", token="x") as session:
        assert_type(session, Session)
        assert_type(await session.aclose(), None)


def permissions(session: Session, flight: Flight) -> None:
    assert_type(session.can("update", Flight), Allowed)
    assert_type(session.can("update", flight, fields=("carrier",)), Allowed)
    assert_type(session.can("read", "flights"), Allowed)
    assert_type(session.permissions(), Permissions)
    assert_type(session.permissions()[Flight].update, ActionPermission)
    assert_type(session.permissions()["flights"]["update"].fields, frozenset[str])
    session.can("updat", Flight)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.can("update", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
