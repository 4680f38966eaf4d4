"""Custom lookups are shorthand for conditions, and mean exactly those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    FieldError,
    Model,
    Q,
    QueryError,
    Session,
    col,
    field,
    register_lookup,
    via,
)
from directus_orm.query.lookups.custom_lookups import TAKEN, registered_names, unregister_lookup
from directus_orm.query.lookups.field_lookups import LOOKUPS
from tests.worlds.flights import Airline, Flight, Plane


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    """Unregister, after each test, what it registered."""
    before = set(registered_names())
    yield
    for name in set(registered_names()) - before:
        unregister_lookup(name)


@pytest.fixture
def notblank() -> Callable[[str, bool], Q]:
    @register_lookup("notblank")
    def notblank(path: str, value: bool) -> Q:
        return Q(**{f"{path}__empty": not value})

    return notblank


@pytest.fixture
def worse() -> None:
    def build(path: str, minutes: int) -> Q:
        return Q(**{f"{path}__gt": minutes}) | Q(**{f"{path}__isnull": True})

    register_lookup("worse", build)


@pytest.mark.usefixtures("notblank", "worse")
def test_a_custom_lookup_means_the_conditions_it_returns(session: Session) -> None:
    same: list[tuple[Q, Q]] = [
        (Q(note__notblank=True), Q(note__empty=False)),
        (~Q(note__notblank=True), Q(note__empty=True)),
        (Q(dep_delay__worse=60), Q(dep_delay__gt=60) | Q(dep_delay=None)),
        (~Q(dep_delay__worse=60), Q(dep_delay__lte=60)),
        (Q(plane__owner__country__notblank=False), Q(plane__owner__country__empty=True)),
        (
            Q(note__notblank=True) & ~(Q(dep_delay__worse=60) | Q(id=1)),
            Q(note__empty=False, dep_delay__lte=60) & ~Q(id=1),
        ),
        (col(Flight.note).lookup("notblank", True), Q(note__empty=False)),
        (col(via(Flight.carrier).country).lookup("notblank", True), Q(carrier__country__empty=False)),
    ]
    for own, plain in same:
        wanted = [row.id for row in Flight.objects.filter(plain)]
        assert 0 < len(wanted) < 260
        assert [row.id for row in Flight.objects.filter(own)] == wanted
        assert Flight.objects.filter(own).count() == len(wanted)
        left = [row.id for row in Flight.objects.exclude(own)]
        assert sorted(left + wanted) == list(range(1, 261))
    assert Flight.objects.get(note__notblank=True, id=3) == Flight.objects.get(id=3)


@pytest.mark.usefixtures("notblank", "worse")
def test_a_custom_lookup_may_use_another() -> None:
    register_lookup("odd", lambda path, value: Q(**{f"{path}__worse": value}) & Q(**{f"{path}__lt": 99}))
    plain = (Q(dep_delay__gt=5) | Q(dep_delay=None)) & Q(dep_delay__lt=99)
    assert Flight.objects.filter(dep_delay__odd=5).query == Flight.objects.filter(plain).query


def test_the_function_stays_what_it_was(notblank: Callable[[str, bool], Q]) -> None:
    assert notblank("note", True) == Q(note__empty=False)
    register_lookup("filled", notblank)
    assert Flight.objects.filter(note__filled=True).query == Flight.objects.filter(note__notblank=True).query


def test_registering_again_replaces(notblank: object) -> None:
    register_lookup("notblank", lambda path, _: Q(**{f"{path}__isnull": False}))
    assert Flight.objects.filter(note__notblank=True).query == Flight.objects.filter(note__isnull=False).query


@pytest.mark.usefixtures("notblank")
def test_returned_conditions_are_checked_like_others() -> None:
    register_lookup("tall", lambda path, value: Q(**{f"{path}__gtt": value}))
    with pytest.raises(FieldError, match="'gtt' is no lookup"):
        Flight.objects.filter(dep_delay__tall=3)
    with pytest.raises(QueryError, match="no 'empty' for fields of type integer"):
        Flight.objects.filter(dep_delay__notblank=True)
    with pytest.raises(FieldError, match="has no field 'nope'"):
        Flight.objects.filter(nope__notblank=True)
    with pytest.raises(FieldError, match="has no field 'notblank'"):
        Flight.objects.filter(notblank=True)
    with pytest.raises(FieldError, match="Did you mean 'notblank'"):
        Flight.objects.filter(note__notblan=True)
    with pytest.raises(FieldError, match="fields of Flight"):
        Airline.objects.filter(col(Flight.note).lookup("notblank", True))


@pytest.mark.usefixtures("notblank")
def test_a_field_wins_over_a_lookup_of_its_name() -> None:
    class Blank(Model, collection="airlines"):
        carrier: str = field(primary_key=True)
        notblank: bool = field(name="name")

    class Leads(Model, collection="planes"):
        tailnum: str = field(primary_key=True)
        owner: Blank | None = None

    assert "_eq" in str(Leads.objects.filter(owner__notblank=True).explain())
    assert "_nempty" in str(Plane.objects.filter(owner__name__notblank=True).explain())


@pytest.mark.parametrize("made", [None, Q(), True, "x", {"note": 1}], ids=repr)
def test_it_has_to_return_conditions(made: Any) -> None:
    """An empty Q, or none at all, would let every row through."""
    register_lookup("hollow", lambda *_: made)
    with pytest.raises(QueryError, match="'hollow' must return a Q with conditions"):
        Flight.objects.filter(note__hollow=1)


def test_a_custom_lookup_that_uses_itself_is_refused() -> None:
    register_lookup("ping", lambda path, value: Q(**{f"{path}__pong": value}))
    register_lookup("pong", lambda path, value: ~Q(**{f"{path}__ping": value}))
    with pytest.raises(QueryError, match="ping → pong → ping"):
        Flight.objects.filter(note__ping=1)


@pytest.mark.parametrize("name", ["", "a b", "a__b", "_a", "a_", "1a", "Ä-", None, 3])
def test_a_name_is_one_step_of_a_path(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a name is an identifier"):
        register_lookup(name, lambda path, value: Q(**{path: value}))


@pytest.mark.parametrize("name", sorted({*LOOKUPS, "year", "date", "regex", "some", "count", "pk"}))
def test_a_name_that_means_something_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="already has a meaning"):
        register_lookup(name, lambda path, value: Q(**{path: value}))


def test_every_lookup_there_is_keeps_its_name() -> None:
    assert set(LOOKUPS) <= TAKEN


def test_it_takes_a_function() -> None:
    with pytest.raises(ConfigurationError, match="a function that takes a path and a value"):
        register_lookup("three", 3)  # type: ignore[call-overload]
