"""`explain()` says what a query means and what it sends, and sends nothing."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import Q, QuerySet, Session
from tests.worlds.flights import START, Airline, Flight


def test_it_shows_method_url_body_and_words(session: Session) -> None:
    late = Flight.objects.filter(dep_delay__gt=60, carrier__name__contains="Jet").order_by("-dep_delay")[:20]
    with session.capture() as sent:
        explained = str(late.explain())
    assert not sent
    lines = explained.splitlines()
    assert lines[0] == (
        "Flight where dep_delay is more than 60 and carrier__name contains 'Jet', by dep_delay descending, id, "
        "at most 20"
    )
    assert lines[2].startswith("   GET /items/flights fields=id,")
    assert lines[3].startswith("   as sent: GET /items/flights?fields=id%2C")
    assert lines[4] == "All rows come with the last of these requests."


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        (lambda: Flight.objects.filter(dep_delay=3), 1),
        (lambda: Flight.objects.filter(note__contains="50%"), 1),
        (lambda: Flight.objects.filter(carrier__name__iexact="jetblue"), 2),
        (lambda: Flight.objects.filter(carrier__in=Airline.objects.filter(name__iexact="jetblue")), 2),
        (lambda: Flight.objects.exclude(note__icontains="late"), 2),
        (lambda: Flight.objects.filter(Q(note="null") | Q(carrier__name__iexact="jetblue")), 3),
        (lambda: Flight.objects.filter(id__in=[]), 0),
    ],
)
def test_it_names_as_many_requests_as_reading_sends(session: Session, rows: Any, asked: int) -> None:
    found: QuerySet[Flight] = rows()
    explained = found.explain()
    assert len(explained.asks) == asked
    with session.capture() as sent:
        list(found[:50])
    assert len(sent) == asked
    assert [entry.request.path for entry in sent] == [ask.request.path for ask in explained.asks]
    if asked == 1:
        assert sent[0].request.params[:2] == explained.asks[0].request.params[:2]


def test_the_description_says_what_the_query_means(session: Session) -> None:
    def words(**lookups: Any) -> str:
        return (
            Flight.objects.filter(**lookups).explain().words.removeprefix("Flight where ").removesuffix(", by id")
        )

    assert words(note__contains="50%") == "note contains '50%', letter by letter"
    assert words(carrier__name="null") == "carrier__name is 'null', letter by letter"
    assert words(time_hour__week=1) == "the week of time_hour is exact 1"
    assert words(time_hour__month__in=[1, 2]) == "the month of time_hour is one of 1, 2"
    assert words(dep_delay=None) == "dep_delay is null"
    assert words(id__in=range(10)) == "id is one of 0, 1, 2, 3, 4 … (10 values)"
    assert (
        words(carrier__in=Airline.objects.filter(name="x"))
        == "carrier is the carrier of a Airline where name is 'x'"
    )
    assert words(id__in=[]) == "no Flight"
    assert Flight.objects.filter(Q(id=1) | Q(id=2, note="x")).explain().words == (
        "Flight where id is 1 or (id is 2 and note is 'x'), by id"
    )
    assert "Nothing is sent" in str(Flight.objects.none().explain())
    assert "then each brings up to 4,000" in str(Flight.objects.filter(time_hour__lt=START).explain())
