"""Querysets of an application's own: their methods can be chained, and `initial` is a filter that always holds."""

from __future__ import annotations

from typing import Self, TypeVar

import pytest

from directus_orm import Model, QuerySet, Session
from tests.worlds.flights import Flight

M = TypeVar("M", bound=Model)


class Late(QuerySet[M]):
    def by(self, minutes: int) -> Self:
        return self.filter(dep_delay__gt=minutes)


class Departure(Flight):
    objects = Late["Departure"].as_manager()


class OfAmerican(Late[M]):
    def initial(self) -> Self:
        return self.filter(carrier="AA")


class American(Flight):
    objects = OfAmerican["American"].as_manager()


def test_a_queryset_of_ones_own_keeps_its_methods_along_the_chain(session: Session) -> None:
    late = Departure.objects.all().by(40).order_by("dep_delay").by(47)
    delays = sorted(flight.dep_delay for flight in Flight.objects.filter(dep_delay__gt=47) if flight.dep_delay)
    assert [departure.dep_delay for departure in late] == delays
    assert type(Departure.objects.filter(id=1)) is Late
    assert Departure.objects.by(40).count() == Flight.objects.filter(dep_delay__gt=40).count()


def test_an_initial_filter_always_holds(session: Session) -> None:
    assert American.objects.count() == Flight.objects.filter(carrier="AA").count()
    assert American.objects.by(40).filter(carrier="B6").count() == 0
    with pytest.raises(TypeError, match="means every row"):
        American.objects.delete()
    with pytest.raises(AttributeError, match="belongs to the class"):
        American.objects.first().objects  # type: ignore[union-attr]
