"""Aggregates, annotations and groups are those of the Django ORM on the same database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import models

import directus_orm
from directus_orm import Count, Session, UnsupportedQuery
from tests.oracle import django_models as oracle
from tests.worlds.flights import Airline, Flight, Plane
from tests.worlds.library import Article, Author, Comment

# What is asked, of either ORM: `o` has its Q, F, Count …, and `m` its models' querysets.
Asked = Callable[[Any, Any], Any]

AGGREGATES: list[Asked] = [
    lambda m, o: m.Flight.aggregate(o.Avg("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.aggregate(
        o.Count("dep_delay"), o.Sum("dep_delay"), o.Min("dep_delay"), o.Max("dep_delay")
    ),
    lambda m, o: m.Flight.aggregate(o.Count("note"), o.Count("plane"), o.Count("diverted"), o.Count("distance")),
    lambda m, o: m.Flight.aggregate(a=o.Count("note", distinct=True), b=o.Sum("dep_delay", distinct=True)),
    lambda m, o: m.Flight.aggregate(a=o.Count("diverted", distinct=True), b=o.Avg("dep_delay", distinct=True)),
    lambda m, o: m.Flight.aggregate(o.Sum("distance"), o.Avg("distance"), o.Min("distance"), o.Max("distance")),
    lambda m, o: m.Flight.aggregate(o.Min("note"), o.Max("note"), o.Max("carrier")),
    lambda m, o: m.Flight.filter(dep_delay__gt=200).aggregate(o.Sum("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.none().aggregate(o.Sum("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.filter(id__lt=0).aggregate(a=o.Sum("dep_delay", default=0), b=o.Avg("distance")),
    lambda m, o: m.Flight.filter(carrier__name="JetBlue").aggregate(o.Sum("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.exclude(plane__maker="Airbus").aggregate(o.Sum("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.aggregate(o.Count("plane__maker"), o.Count("carrier__country", distinct=True)),
    lambda m, o: m.Flight.aggregate(o.Count("plane__owner__name"), o.Count("plane__owner", distinct=True)),
    lambda m, o: m.Flight.aggregate(n=o.Count("*"), late=o.Count("id", filter=o.Q(dep_delay__gt=60))),
    lambda m, o: m.Flight.aggregate(x=o.Sum("dep_delay", filter=o.Q(carrier__name="JetBlue") | o.Q(note=None))),
    lambda m, o: m.Flight.order_by("-id")[5:25].aggregate(o.Sum("dep_delay"), n=o.Count("*")),
    lambda m, o: m.Flight.order_by("dep_delay", "id")[:7].aggregate(o.Avg("dep_delay"), o.Max("id")),
    lambda m, o: m.Flight.aggregate(o.Min("carrier__name"), o.Max("plane__maker"), o.Max("plane__tailnum")),
    lambda m, o: m.Flight.order_by("-id")[:50].aggregate(o.Min("note"), o.Max("note")),
    lambda m, o: m.Plane.aggregate(o.Count("owner"), o.Count("maker"), o.Min("tailnum")),
    lambda m, o: m.Flight.alias(who=o.F("carrier__name")).filter(who="JetBlue").aggregate(n=o.Count("*")),
]

GROUPS: list[Asked] = [
    lambda m, o: m.Flight.values("carrier").annotate(n=o.Count("*"), mean=o.Avg("dep_delay")).order_by("carrier"),
    lambda m, o: (
        m.Flight.values("carrier", "diverted").annotate(s=o.Sum("distance")).order_by("-diverted", "carrier")
    ),
    lambda m, o: m.Flight.values("note").annotate(n=o.Count("*")).order_by("-n", "note"),
    lambda m, o: m.Flight.values("dep_delay").annotate(n=o.Count("id")).order_by("-n", "-dep_delay")[3:12],
    lambda m, o: m.Flight.filter(dep_delay__gt=20).values("plane").annotate(n=o.Count("*")).order_by("plane"),
    lambda m, o: m.Flight.values("note").annotate(s=o.Sum("dep_delay")).filter(s__gt=500).order_by("note"),
    lambda m, o: m.Flight.values("note").annotate(n=o.Count("*")).filter(n__gt=28, carrier="AA").order_by("note"),
    lambda m, o: m.Flight.values("note").annotate(n=o.Count("dep_delay")).exclude(n__lt=22).order_by("note"),
    lambda m, o: (
        m.Flight.values("dep_delay").annotate(s=o.Sum("dep_delay")).exclude(s__gt=0).order_by("dep_delay")
    ),
    lambda m, o: (
        m.Flight.values("dep_delay").annotate(s=o.Sum("dep_delay")).filter(s__isnull=True).order_by("dep_delay")
    ),
    lambda m, o: (
        m.Flight.values("note", "carrier").annotate(n=o.Count("*")).filter(o.Q(n__gt=7) | o.Q(carrier="AA"))
    ).order_by("note", "carrier"),
    lambda m, o: (
        m.Flight.values("note")
        .annotate(n=o.Count("*"), m=o.Avg("dep_delay"))
        .filter(n__in=[28, 29], m__range=(0, 31))
    ).order_by("note"),
    lambda m, o: m.Flight.values("note").annotate(x=o.Max("note")).filter(x__icontains="LATE").order_by("note"),
    lambda m, o: m.Flight.values("carrier__name").annotate(n=o.Count("*")).order_by("-carrier__name"),
    lambda m, o: (
        m.Flight.values("plane__maker").annotate(n=o.Count("*"), s=o.Sum("dep_delay"), a=o.Avg("dep_delay"))
    ).order_by("plane__maker"),
    lambda m, o: (
        m.Flight.values("plane__owner__country", "diverted").annotate(n=o.Count("note", distinct=True))
    ).order_by("-plane__owner__country", "diverted"),
    lambda m, o: (
        m.Flight.values("carrier__country").annotate(lo=o.Min("dep_delay"), hi=o.Max("distance")).order_by("-hi")
    ),
    lambda m, o: (
        m.Flight.values("plane__maker")
        .annotate(a=o.Min("note"), b=o.Max("carrier__name"))
        .order_by("plane__maker")
    ),
    lambda m, o: m.Flight.values("plane").annotate(n=o.Count("plane__maker")).order_by("-n", "plane"),
    lambda m, o: (
        m.Flight.values("note").annotate(n=o.Count("*"), late=o.Count("id", filter=o.Q(dep_delay__gt=40)))
    ).order_by("-late", "note"),
    lambda m, o: (
        m.Flight.values("note")
        .annotate(s=o.Sum("dep_delay", filter=o.Q(plane="N1"), default=0))
        .order_by("s", "note")
    ),
    lambda m, o: (
        m.Flight.annotate(who=o.F("carrier__name")).values("who").annotate(n=o.Count("*")).order_by("who")
    ),
    lambda m, o: m.Flight.values(who=o.F("carrier__name")).annotate(n=o.Count("*")).filter(who="JetBlue"),
    lambda m, o: m.Flight.values("carrier").alias(n=o.Count("*")).filter(n__gt=3).order_by("-carrier"),
    lambda m, o: (
        m.Flight.values("carrier").annotate(n=o.Count("*")).values_list("n", "carrier").order_by("carrier")
    ),
    lambda m, o: m.Flight.values_list("note", flat=True).distinct().order_by("note"),
    lambda m, o: m.Flight.values("carrier", "plane").distinct().order_by("plane", "-carrier")[2:9],
    lambda m, o: m.Flight.values_list("carrier__country").distinct().order_by("carrier__country"),
    lambda m, o: m.Flight.order_by("-note").values_list("note", flat=True).distinct(),
    lambda m, o: m.Flight.values("id").distinct().order_by("-id")[:5],
    lambda m, o: m.Flight.annotate(who=o.F("carrier__name")).order_by("-who", "id").values("id", "who")[:70],
    lambda m, o: (
        m.Flight.annotate(who=o.F("plane__maker")).filter(who__startswith="B").order_by("id").values("who")
    ),
    lambda m, o: m.Flight.alias(who=o.F("plane__maker")).filter(who="Airbus").order_by("id").values_list("id"),
    lambda m, o: m.Flight.filter(carrier__in=m.Flight.values("carrier").distinct()).order_by("id").values("id"),
]

OF_TIMES: list[Asked] = [
    lambda m, o: m.Flight.aggregate(o.Count("time_hour"), o.Min("time_hour"), o.Max("time_hour")),
    lambda m, o: m.Flight.aggregate(a=o.Count("time_hour", distinct=True), b=o.Count("plane", distinct=True)),
    lambda m, o: (
        m.Flight.values("carrier")
        .annotate(n=o.Count("time_hour"), last=o.Max("time_hour"))
        .order_by("-last", "carrier")
    ),
    lambda m, o: m.Flight.values("note").annotate(n=o.Count("time_hour", distinct=True)).order_by("-n", "note"),
    lambda m, o: m.Flight.values("time_hour__year").annotate(n=o.Count("*")).order_by("time_hour__year"),
    lambda m, o: (
        m.Flight.values("time_hour__month", "carrier")
        .annotate(n=o.Count("*"))
        .order_by("-n", "carrier", "time_hour__month")
    ),
    lambda m, o: m.Flight.values("time_hour__day").annotate(s=o.Sum("dep_delay")).order_by("-time_hour__day")[1:5],
    lambda m, o: (
        m.Flight.values("time_hour__hour")
        .annotate(n=o.Count("*"))
        .filter(n__gt=10)
        .order_by("-n", "time_hour__hour")
    ),
    lambda m, o: m.Flight.values("time_hour__minute").annotate(n=o.Count("*")).order_by("time_hour__minute"),
    lambda m, o: m.Flight.values("time_hour__second").annotate(n=o.Count("*")).order_by("time_hour__second"),
    lambda m, o: m.Flight.values("time_hour__quarter").annotate(n=o.Count("*")).order_by("-time_hour__quarter"),
    lambda m, o: m.Flight.values("time_hour__week").annotate(n=o.Count("*")).order_by("time_hour__week"),
    lambda m, o: m.Flight.values("time_hour__week_day").annotate(n=o.Count("*")).order_by("-time_hour__week_day"),
    lambda m, o: (
        m.Flight.values("time_hour__iso_week_day")
        .annotate(n=o.Count("*"))
        .order_by("-n", "-time_hour__iso_week_day")
    ),
    lambda m, o: m.Flight.values("time_hour__iso_year").annotate(n=o.Count("*")).order_by("time_hour__iso_year"),
    lambda m, o: m.Flight.values("time_hour__date").annotate(n=o.Count("*")).order_by("-time_hour__date"),
    lambda m, o: m.Flight.values("time_hour").annotate(n=o.Count("*")).order_by("-n", "time_hour")[:4],
    lambda m, o: m.Flight.values_list("time_hour__year", "time_hour__hour").order_by("id")[:30],
    lambda m, o: m.Flight.order_by("-time_hour__date", "-time_hour__hour", "id").values_list("id"),
    lambda m, o: m.Flight.annotate(y=o.F("time_hour__year")).filter(y=2013).order_by("id").values("id", "y"),
    lambda m, o: m.Flight.annotate(y=o.F("time_hour__day")).order_by("-y", "id").values_list("id", "y")[10:80],
    lambda m, o: (
        m.Flight.values("carrier").annotate(last=o.Max("time_hour")).filter(last__day=11).order_by("carrier")
    ),
    *(
        lambda m, o, kind=kind, order=order: m.Flight.dates("time_hour", kind, order)
        for kind in ("year", "month", "week", "day")
        for order in ("ASC", "DESC")
    ),
    *(
        lambda m, o, kind=kind: m.Flight.filter(id__lt=60).datetimes("time_hour", kind)
        for kind in ("year", "month", "week", "day", "hour", "minute", "second")
    ),
    lambda m, o: m.Flight.datetimes("time_hour", "hour", "DESC")[5:9],
]


# Some rows of the junction lead to no tag, some comments to no article, some articles have neither. A tag that is
# linked twice is in Django's list twice; here instances never repeat, and Count("tags") counts them.
OF_LISTS: list[Asked] = [
    lambda m, o: m.Article.annotate(n=o.Count("tags", distinct=True)).order_by("id").values_list("id", "n"),
    lambda m, o: m.Article.annotate(n=o.Count("comments")).order_by("-n", "id").values_list("id", "n"),
    lambda m, o: m.Article.annotate(n=o.Count("comments")).filter(n__gt=1).order_by("id").values_list("id", "n"),
    lambda m, o: m.Author.annotate(n=o.Count("articles")).exclude(n=0).order_by("id").values_list("id", "n"),
    lambda m, o: (
        m.Comment.annotate(n=o.Count("article__tags", distinct=True)).order_by("id").values_list("id", "n")
    ),
    lambda m, o: m.Comment.annotate(n=o.Count("article__comments")).order_by("-n", "id").values_list("id", "n"),
]

KINDS: tuple[Any, ...] = (Airline, Article, Author, Comment, Flight, Plane)


def ask(asked: Asked) -> tuple[Any, Any]:
    theirs = SimpleNamespace(**{name: model.objects.all() for name, model in oracle.MODELS.items()})
    ours = SimpleNamespace(**{kind.__name__: kind.objects.all() for kind in KINDS})
    return asked(ours, directus_orm), asked(theirs, models)


def plain(found: Any) -> Any:
    """Return results in a form that compares: floats to 12 digits, since each side adds up in its own order."""
    if isinstance(found, float):
        return float(f"{found:.12g}")
    if isinstance(found, dict):
        return {name: plain(value) for name, value in found.items()}
    return type(found)(map(plain, found)) if isinstance(found, list | tuple) else found


def compare(asked: Asked) -> None:
    ours, theirs = ask(asked)
    if isinstance(ours, dict):
        assert plain(ours) == plain(theirs)
        assert {name: type(value) for name, value in ours.items()} == {n: type(v) for n, v in theirs.items()}
        return
    wanted = plain(list(theirs))
    assert plain(list(ours)) == wanted
    assert ours.count() == len(wanted)
    assert ours.exists() is bool(wanted)
    assert plain(list(ours[1:3])) == wanted[1:3]
    assert plain(ours.first()) == (wanted[0] if wanted else None)


@pytest.mark.parametrize("number", range(len(AGGREGATES)))
def test_aggregates_are_those_of_django(django: None, session: Session, number: int) -> None:
    compare(AGGREGATES[number])


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_groups_are_those_of_django(django: None, session: Session, number: int) -> None:
    compare(GROUPS[number])


@pytest.mark.parametrize("number", range(len(OF_TIMES)))
def test_parts_of_times_are_those_of_django(django: None, session: Session, number: int) -> None:
    compare(OF_TIMES[number])


@pytest.mark.parametrize("number", range(len(OF_LISTS)))
def test_counts_of_related_rows_are_those_of_django(django: None, session: Session, number: int) -> None:
    compare(OF_LISTS[number])


def test_a_number_of_many_to_many_chooses_and_orders_nothing(django: None, session: Session) -> None:
    """The server would count junction rows without a related row."""
    counted = Article.objects.annotate(n=Count("tags"))
    wrongs: list[Callable[[], Any]] = [
        lambda: counted.filter(n=1),
        lambda: counted.exclude(n=1),
        lambda: counted.order_by("n"),
    ]
    for wrong in wrongs:
        with pytest.raises(UnsupportedQuery, match="lead nowhere"):
            wrong()
    assert counted.only("id")[0].__dict__["n"] == 1


def test_nothing_is_left_to_chance(django: None, session: Session) -> None:
    """The comparison sees a difference where there is one."""
    ours, theirs = ask(lambda m, o: m.Flight.values("carrier").annotate(n=o.Count("*")).order_by("carrier"))
    assert plain(list(ours.filter(id__gt=9))) != plain(list(theirs))
    assert dt.date(2014, 1, 1) in list(Flight.objects.dates("time_hour", "month"))
