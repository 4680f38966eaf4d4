"""partition(): every row is in one part, parts are of like size, and each is a queryset that pickles."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from directus_orm import Count, IterationLost, QuerySet, Session, UnsupportedQuery
from tests.worlds.flights import Flight, Plane
from tests.worlds.sessions import data_requests


def sizes(parts: list[QuerySet[Any]]) -> list[int]:
    return [part.count() for part in parts]


@pytest.mark.parametrize("number", [1, 3, 7, 300])
def test_every_row_is_in_one_part_and_parts_are_of_like_size(session: Session, number: int) -> None:
    flights = Flight.objects.filter(dep_delay__gt=0)
    parts = flights.partition(number)
    assert len(parts) == number
    found = [flight.pk for part in parts for flight in part]
    assert found == [flight.pk for flight in flights]
    if number < 100:
        assert max(sizes(parts)) <= 1.2 * min(sizes(parts))


def test_number_keys_are_divided_into_ranges_and_gaps_do_not_matter(session: Session) -> None:
    """The parts are ordinary querysets; what comes later is in one of them."""
    with session.capture() as sent:
        parts = Flight.objects.order_by("-dep_delay").partition(4)
    assert data_requests(sent) == 4
    assert [part.filter(dep_delay=None).count() for part in parts] == [
        sum(flight.dep_delay is None for flight in part) for part in parts
    ]
    assert sum(part.filter(carrier="AA").count() for part in parts) == Flight.objects.filter(carrier="AA").count()


def test_other_keys_are_divided_into_lists_of_keys(session: Session) -> None:
    """They are read once, and by key then: no filter carries that many, nor evaluates the odd ones (G16, G17)."""
    planes = list(Plane.objects.order_by("-pk"))
    with session.capture() as sent:
        parts = Plane.objects.order_by("-pk").partition(2)
    assert data_requests(sent) == 1
    assert [list(part) for part in parts] == [planes[:1], planes[1:]]
    assert sizes(parts) == [1, 2]
    part, planes = parts[1], planes[1:]
    assert list(part.filter(pk__in=planes[1:])) == planes[1:]
    assert list(part.exclude(maker="BOEING")) == [plane for plane in planes if plane.maker != "BOEING"]
    assert part.first() == planes[0]
    assert list(part[1:2]) == planes[1:2]
    assert part.exists()
    assert list(part.values_list("pk", flat=True)) == [plane.pk for plane in planes]
    assert list(part.iterator(after=planes[0])) == planes[1:]
    with pytest.raises(IterationLost, match="'N3' is not in this part"):
        next(part.iterator(after=parts[0][0]))
    assert Flight.objects.filter(plane__in=part).count() == Flight.objects.filter(plane__in=planes).count()
    assert part.aggregate(n=Count("*")) == {"n": 2}
    assert list(part & Plane.objects.filter(pk=planes[1].pk)) == planes[1:]
    with pytest.raises(UnsupportedQuery, match="before partition"):
        part.order_by("pk")


def test_slices_are_divided_into_lists_of_keys(session: Session) -> None:
    parts = Flight.objects.order_by("-dep_delay")[10:110].partition(3)
    assert [f.pk for part in parts for f in part] == [f.pk for f in Flight.objects.order_by("-dep_delay")[10:110]]


def test_queries_that_are_rechecked_in_python_are_divided_too(session: Session) -> None:
    flights = Flight.objects.filter(note__contains="%")
    assert [f.pk for part in flights.partition(2) for f in part] == [f.pk for f in flights]


def test_no_rows_make_empty_parts(session: Session) -> None:
    assert sizes(Flight.objects.filter(pk=-1).partition(2)) == [0, 0]
    with session.capture() as sent:
        assert [list(part) for part in Flight.objects.none().partition(2)] == [[], []]
    assert not sent


def test_parts_can_be_pickled(session: Session) -> None:
    for flights in (Flight.objects.order_by("dep_delay"), Plane.objects.all()):
        parts = flights.partition(3)
        assert [list(part) for part in pickle.loads(pickle.dumps(parts))] == [list(part) for part in parts]
