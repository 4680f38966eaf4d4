"""union, intersection and difference of querysets give the rows that Python's sets would have."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import QuerySet, Session
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight

PARTS: dict[str, Callable[[], QuerySet[Flight]]] = {
    "filter": lambda: Flight.objects.filter(dep_delay__gt=40),
    "exclude": lambda: Flight.objects.exclude(carrier__country="US"),
    "slice": lambda: Flight.objects.order_by("-dep_delay")[3:40],
    "search": lambda: Flight.objects.search("late"),
    "checked": lambda: Flight.objects.filter(note__iexact="LATE"),
    "all": lambda: Flight.objects.all(),
    "none": lambda: Flight.objects.none(),
    "empty slice": lambda: Flight.objects.all()[5:5],
}


@pytest.fixture(scope="module")
def keys(world: DirectusServer) -> dict[str, set[int]]:
    with Session(world.url, token=world.token):
        return {name: {flight.pk for flight in part()} for name, part in PARTS.items()}


@pytest.mark.parametrize("right", PARTS)
@pytest.mark.parametrize("left", PARTS)
def test_union_intersection_and_difference_are_those_of_sets(
    session: Session, keys: dict[str, set[int]], left: str, right: str
) -> None:
    a, b = PARTS[left](), PARTS[right]()
    for joined, join in (
        (a.union(b), operator.or_),
        (a | b, operator.or_),
        (a.intersection(b), operator.and_),
        (a & b, operator.and_),
        (a.difference(b), operator.sub),
        (a ^ b, operator.xor),
    ):
        wanted = join(keys[left], keys[right])
        found = [flight.pk for flight in joined]
        assert len(found) == len(wanted)
        assert set(found) == wanted
        assert joined.all().count() == len(wanted)


def test_several_at_once_and_further_chaining(session: Session) -> None:
    parts = [Flight.objects.filter(id=n) for n in range(1, 6)]
    joined = parts[0].union(*parts[1:]).order_by("-id")
    assert [flight.id for flight in joined] == [5, 4, 3, 2, 1]
    assert [flight.id for flight in joined.exclude(id=3)[1:3]] == [4, 2]
    assert parts[0].intersection(*parts[1:]).count() == 0
    assert Flight.objects.filter(id__lt=6).difference(*parts[:4]).get().id == 5


def test_querysets_of_plain_conditions_are_joined_in_one_request(session: Session) -> None:
    with session.capture() as sent:
        list(Flight.objects.filter(id=1) | Flight.objects.exclude(carrier="AA").filter(id__lt=3))
    assert len(sent) == 1


def test_order_and_loaded_fields_are_those_of_the_first_queryset(session: Session) -> None:
    first = Flight.objects.filter(id__lt=3).order_by("-id").only("note")
    joined = first | Flight.objects.filter(id=7)
    assert [flight.id for flight in joined] == [7, 2, 1]
    assert "carrier" not in joined[0].__dict__


@pytest.mark.parametrize("other", [None, 5, lambda: Airline.objects.all()])
def test_a_queryset_of_another_model_is_refused(other: Any) -> None:
    with pytest.raises(TypeError, match="takes querysets of Flight"):
        Flight.objects.all().union(other() if callable(other) else other)
