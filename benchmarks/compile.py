"""The time to build a queryset of five conditions over two relations, and to compile it to a request.

Django builds the same queryset and compiles it to SQL, in turn, so that other load on the machine affects both.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

import django
from django.conf import settings
from django.db import models

from directus_orm import Model, field, generated
from directus_orm.core.request_response import Request
from directus_orm.dialects.registry import dialect_of
from directus_orm.query.conditions import InSubquery, Node
from directus_orm.querysets.queryset import QuerySet
from directus_orm.reading.row_recheck import widened
from directus_orm.reading.subqueries import replace_subqueries

# Short rounds, and the least of many: what else runs on the machine leaves some of them alone.
ROUNDS, CALLS = 500, 20
GOAL = 150
NEW_YEAR = datetime(2014, 1, 1, tzinfo=UTC)


class Airline(Model):
    """An airline."""

    carrier: str = field(primary_key=True)
    name: str
    country: str | None = None


class Plane(Model):
    """A plane."""

    tailnum: str = field(primary_key=True)
    maker: str | None = None
    owner: Airline | None = None


class Flight(Model):
    """A flight."""

    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    plane: Plane | None = None
    dep_delay: int | None = None
    time_hour: datetime | None = None


def asked(flights: Any) -> Any:
    """Return the measured queryset, of either ORM."""
    late = flights.filter(
        dep_delay__gt=60, time_hour__gte=NEW_YEAR, carrier__name__contains="air", plane__owner__country="US"
    )
    return late.exclude(plane__maker="BOEING").order_by("-dep_delay")[:50]


def build() -> QuerySet[Flight]:
    """Build the queryset of this library."""
    rows: QuerySet[Flight] = asked(Flight.objects)
    return rows


def build_and_compile() -> Request:
    """Build the queryset of this library, and compile it to the request for its rows."""
    query, checks = widened(build().query)
    assert not checks  # the server can check all conditions
    dialect = dialect_of(None)
    return dialect.read(replace_subqueries(query, _nothing, dialect.capabilities))


def _nothing(condition: InSubquery) -> Node:
    raise AssertionError(condition)


# --- Django -------------------------------------------------------------------------------------------------


def django_flights() -> type[models.Model]:
    """Return Django's model of the same flights."""
    settings.configure(
        USE_TZ=True, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    )
    django.setup()

    def made(model: str, **fields: Any) -> Any:
        meta = type("Meta", (), {"app_label": "benchmarks"})
        return type(model, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    def text(**options: Any) -> Any:
        return models.CharField(max_length=255, **options)

    def many_to_one(other: Any) -> Any:
        return models.ForeignKey(other, models.CASCADE, null=True)

    airline = made("Airline", carrier=text(primary_key=True), name=text(), country=text(null=True))
    plane = made("Plane", tailnum=text(primary_key=True), maker=text(null=True), owner=many_to_one(airline))
    flight: type[models.Model] = made(
        "Flight",
        carrier=models.ForeignKey(airline, models.CASCADE),
        plane=many_to_one(plane),
        dep_delay=models.IntegerField(null=True),
        time_hour=models.DateTimeField(null=True),
    )
    return flight


# --- measuring ----------------------------------------------------------------------------------------------


def measured(works: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the microseconds per call for each round, by name. Every round runs all works in turn.

    `timeit` turns garbage collection off meanwhile.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(timeit.timeit(work, number=CALLS) * 1e6 / CALLS)
    return times


def main() -> None:
    """Measure, and print the results."""
    theirs: Any = django_flights()
    results = measured(
        {
            "directus_orm, built": build,
            "directus_orm, built and compiled": build_and_compile,
            "Django, built": lambda: asked(theirs.objects),
            "Django, built and compiled": lambda: str(asked(theirs.objects).query),
        }
    )
    write = sys.stdout.write
    write(f"{build_and_compile()}\n\n{'µs per queryset':34}{'least':>8}{'median':>8}\n")
    for name, times in results.items():
        write(f"{name:34}{min(times):8.0f}{median(times):8.0f}\n")
    ours, others = (min(results[f"{name}, built and compiled"]) for name in ("directus_orm", "Django"))
    write(f"\nThe goal is less than {GOAL} µs; Django takes {others / ours:.1f} times as long.\n")


if __name__ == "__main__":
    main()
