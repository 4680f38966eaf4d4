"""What type checkers know of typed lookups. Checked by mypy and pyright, with the stub of a model.

Lines that must be errors carry an ignore; both checkers report an ignore that is not needed.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, assert_type

from directus_orm import (
    Count,
    Model,
    Q,
    QuerySet,
    Related,
    Rows,
    TypedManager,
    col,
    field,
    generated,
    many_to_many,
    now,
    one_to_many,
)

if TYPE_CHECKING:
    from .lookup_stubs import glider as glider_lookups  # pyright: ignore[reportMissingModuleSource]


class Wing(enum.Enum):
    LONG = "long"
    SHORT = "short"


class Hangar(Model):
    id: int = field(default=generated, primary_key=True)
    name: str
    gliders: Related[Glider] = one_to_many("hangar")


class GliderPilot(Model):
    id: int = field(default=generated, primary_key=True)
    name: str


class Glider(Model):
    id: int = field(default=generated, primary_key=True)
    sign: str
    hangar: Hangar | None = None
    pilots: Related[GliderPilot] = many_to_many("gliders_pilots")
    price: Decimal | None = None
    wing: Wing = Wing.LONG
    status: Literal["ready", "broken"] = "ready"
    built: date | None = None
    flown: datetime | None = None
    papers: dict[str, Any] | None = None
    colours: list[str] = field(type="csv")

    if TYPE_CHECKING:
        objects = TypedManager(glider_lookups.lookups)


M = TypeVar("M", bound=Model)


class ReadyOf(QuerySet[M]):
    def ready(self) -> Self:
        return self.filter(status="ready")


class Winch(Model):
    id: int = field(default=generated, primary_key=True)
    status: str
    objects = ReadyOf["Winch"].as_manager()


GLIDERS = Glider.objects


def results(hangar: Hangar) -> None:
    rows = GLIDERS.filter(sign__icontains="x", hangar__name="north").exclude(status="broken").order_by("-sign")
    assert_type(rows.first(), Glider | None)
    assert_type(rows[2], Glider)
    assert_type(rows.get(pk=1), Glider)
    assert_type(rows.values("sign").filter(sign="x").first(), dict[str, Any] | None)
    assert_type(rows.values_list("sign", flat=True).get(sign="x"), Any)
    assert_type(rows.values_list("sign", "id").exclude(sign="x").first(), tuple[Any, ...] | None)
    GLIDERS.filter(hangar=hangar, hangar__in=Hangar.objects.filter(name="north"), hangar__gliders__count__gt=2)
    GLIDERS.filter(hangar=3, pk__in=[1, 2], pilots__name="Ada", pilots__some=Q(name="Ada"))
    GLIDERS.filter(flown__gt=now(), flown__year=2024, built__range=(date.min, date.max), colours__overlap=["red"])
    GLIDERS.filter(wing=Wing.LONG, price__gte=3, price=None, papers__has_key="licence")


async def in_asyncio() -> None:
    assert_type(await GLIDERS.aget(sign="x"), Glider)
    assert_type(await GLIDERS.filter(sign="x").afirst(), Glider | None)
    await GLIDERS.aget(sing="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await GLIDERS.aget(sign=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def unknown_names() -> None:
    GLIDERS.filter(sing="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    GLIDERS.exclude(sing="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    GLIDERS.get(sing="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    GLIDERS.filter(hangar__nam="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    GLIDERS.filter(price__icontains="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    GLIDERS.order_by("id").values("id").filter(sing="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_types() -> None:
    GLIDERS.filter(sign=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GLIDERS.exclude(status="brokn")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GLIDERS.get(hangar__name__in=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GLIDERS.filter(sign__isnull="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GLIDERS.filter(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GLIDERS.filter(col(Glider.sign) == 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def ways_out() -> None:
    """Longer paths, and the names of `annotate`, are given in a `Q`."""
    assert_type(GLIDERS.filter(Q(hangar__gliders__sign="x"), col(Glider.sign) == "x").first(), Glider | None)
    groups = GLIDERS.values("status").annotate(n=Count("*")).filter(Q(n__gt=3))
    assert_type(groups.first(), dict[str, Any] | None)


def as_arguments(rows: QuerySet[Glider], values: Rows[dict[str, Any]]) -> QuerySet[Glider]:
    """A queryset with typed lookups is one of the model, whose own lookups are not typed."""
    as_arguments(GLIDERS.filter(sign="x"), GLIDERS.values("sign"))
    return rows.filter(anything=3)


def untyped(hangar: Hangar) -> None:
    assert_type(Hangar.objects, QuerySet[Hangar])
    assert_type(Hangar.objects.filter(anything=3).values("id").filter(anything=3), Rows[dict[str, Any]])
    assert_type(hangar.gliders.filter(anything=3).first(), Glider | None)
    assert_type(Winch.objects.ready().filter(anything=3), ReadyOf[Winch])
