"""A server whose clock is not in UTC: dates and times without an offset keep their meaning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from directus_orm import Count, Model, RoundedWarning, Session, field, generated
from directus_orm.testing import DirectusServer, start
from tests.worlds.server_setup import column, make_collection, post


class Visit(Model, collection="orm_visits"):
    id: int = field(default=generated, primary_key=True)
    day: date | None = None
    local: datetime | None = field(default=None, type="dateTime")
    seen: datetime | None = None


DAYS = [date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 1), date(2024, 12, 31)]
LOOKUPS: dict[str, Callable[[date, date], bool]] = {
    "day": lambda have, want: have == want,
    "day__lt": lambda have, want: have < want,
    "day__lte": lambda have, want: have <= want,
    "day__gt": lambda have, want: have > want,
    "day__gte": lambda have, want: have >= want,
}


@pytest.fixture(scope="module", params=["America/New_York", "Pacific/Auckland"])
def server(request: pytest.FixtureRequest, directus_version: str) -> Iterator[DirectusServer]:
    with start(directus_version, env={"TZ": request.param}) as made:
        kinds = {"day": "date", "local": "dateTime", "seen": "timestamp"}
        make_collection(made, "orm_visits", *(column(name, kind) for name, kind in kinds.items()))
        yield made


@pytest.fixture
def visits(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session
        Visit.objects.all().delete()


@pytest.fixture
def visit_days(visits: Session) -> list[date]:
    Visit.objects.bulk_create([Visit(day=day) for day in DAYS])
    return DAYS


def days_of(**condition: object) -> list[date | None]:
    return list(Visit.objects.filter(**condition).order_by("day").values_list("day", flat=True))


def test_dates_are_compared_as_they_are_shown(visit_days: list[date]) -> None:
    for want in (*visit_days, date(2024, 3, 1), date(2023, 12, 31)):
        for lookup, compares in LOOKUPS.items():
            assert days_of(**{lookup: want}) == [day for day in visit_days if compares(day, want)], (lookup, want)
    assert days_of(day__in=visit_days[1:3]) == visit_days[1:3]
    assert days_of(day__range=(visit_days[1], visit_days[2])) == visit_days[1:3]
    assert Visit.objects.exclude(day=visit_days[0]).count() == len(visit_days) - 1
    assert Visit.objects.get_or_create(day=visit_days[0])[1] is False


def test_parts_of_dates_are_those_of_the_shown_dates(visit_days: list[date]) -> None:
    assert days_of(day__year=2024) == visit_days
    assert days_of(day__month=2) == [date(2024, 2, 29)]
    assert days_of(day__day=31) == [date(2024, 3, 31), date(2024, 12, 31)]
    assert days_of(day__quarter=1) == visit_days[:3]
    assert days_of(day__week_day=1) == [date(2024, 3, 31)]
    assert days_of(day__week=1) == [date(2024, 1, 1), date(2024, 12, 31)]


def test_dates_are_grouped_as_they_are_shown(visit_days: list[date]) -> None:
    groups = Visit.objects.values_list("day").annotate(n=Count("*")).order_by("day")
    assert list(groups) == [(day, 1) for day in visit_days]
    months = Visit.objects.values_list("day__month").annotate(n=Count("*")).order_by("day__month")
    assert list(months) == [(1, 1), (2, 1), (3, 1), (4, 1), (12, 1)]
    assert list(Visit.objects.dates("day", "month")) == [day.replace(day=1) for day in visit_days]
    assert list(Visit.objects.dates("day", "day")) == visit_days


def test_times_without_an_offset_are_compared_as_they_are_shown(server: DirectusServer, visits: Session) -> None:
    local = datetime(2024, 7, 1, 23, 30)
    key = post(server, "/items/orm_visits", {"local": "2024-07-01T23:30:00.700", "day": "2024-07-01T23:30:00"})[
        "id"
    ]
    assert Visit.objects.get(local=local, day=local.date()).pk == key
    assert Visit.objects.get(local__lte=local, day__lte=local.date(), local__date=local.date()).pk == key
    assert not Visit.objects.filter(local__gt=local).exists()
    assert Visit.objects.filter(local__hour=23, local__day=1, local__month=7, day__day=1).count() == 1


def test_times_with_an_offset_are_those_of_utc(visits: Session) -> None:
    seen = datetime(2024, 7, 1, 23, 30, tzinfo=UTC)
    Visit.objects.create(seen=seen)
    assert Visit.objects.filter(seen=seen, seen__hour=23, seen__day=1, seen__date=seen.date()).count() == 1
    assert list(Visit.objects.datetimes("seen", "hour")) == [seen.replace(minute=0)]


# When daylight saving time begins, the clock shows no time between two and three.
SKIPPED = {"America/New_York": datetime(2024, 3, 10, 2, 30), "Pacific/Auckland": datetime(2024, 9, 29, 2, 30)}


def test_a_time_that_the_servers_clock_skips_is_stored_with_a_warning(
    request: pytest.FixtureRequest, visits: Session
) -> None:
    skipped = SKIPPED[request.node.callspec.params["server"]]
    stored = skipped + timedelta(hours=1)
    visit = Visit()
    writes = (
        lambda: Visit.objects.create(local=skipped),
        lambda: Visit.objects.bulk_create([Visit(local=stored), Visit(local=skipped)]),
        lambda: Visit.objects.filter(pk=visit.pk).update(local=skipped),
        lambda: Visit.objects.bulk_update([visit], ["local"]),
        lambda: visit.save(),
    )
    for write in writes:
        visit = Visit.objects.create(local=datetime(2024, 1, 1))
        visit.local = skipped
        with pytest.warns(
            RoundedWarning, match=f"{skipped} was sent and the server stored {stored}.*skips"
        ) as told:
            write()
        assert len(told) == 1
        assert told[0].filename == __file__
    assert Visit.objects.filter(local=stored).count() == 6


def test_a_time_beside_the_gap_is_stored_without_a_warning(visits: Session) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for skipped in SKIPPED.values():
            for hours in (-1, 1):
                Visit.objects.create(local=skipped + timedelta(hours=hours))
