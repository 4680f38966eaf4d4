"""Typed conditions are the keyword lookups, and cannot be mistaken for anything else."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from directus_orm import FieldError, Model, Q, QueryError, Session, col, field, now, via
from directus_orm.fields.field_references import FieldReference
from directus_orm.query.q import RootedName
from tests.worlds.flights import START, Airline, Flight, Note, Plane

delay = col(Flight.dep_delay)
note = col(Flight.note)
hour = col(Flight.time_hour)


class Charter(Flight, collection="charters"):
    customer: str


SAME: list[tuple[Q, Q]] = [
    (delay == 5, Q(dep_delay__exact=5)),
    (delay == None, Q(dep_delay__isnull=True)),  # noqa: E711
    (delay != None, Q(dep_delay__isnull=False)),  # noqa: E711
    (delay != 5, ~Q(dep_delay__exact=5)),
    (delay < 5, Q(dep_delay__lt=5)),
    (delay <= 5, Q(dep_delay__lte=5)),
    (delay > 5, Q(dep_delay__gt=5)),
    (delay >= 5, Q(dep_delay__gte=5)),
    (5 < delay, Q(dep_delay__gt=5)),  # noqa: SIM300
    (delay.in_([1, None]), Q(dep_delay__in=[1, None])),
    (delay.between(0, 5), Q(dep_delay__range=(0, 5))),
    (delay.is_null(), Q(dep_delay__isnull=True)),
    (delay.is_null(False), Q(dep_delay__isnull=False)),
    (note.is_empty(), Q(note__empty=True)),
    (note.contains("a"), Q(note__contains="a")),
    (note.icontains("a"), Q(note__icontains="a")),
    (note.startswith("a"), Q(note__startswith="a")),
    (note.istartswith("a"), Q(note__istartswith="a")),
    (note.endswith("a"), Q(note__endswith="a")),
    (note.iendswith("a"), Q(note__iendswith="a")),
    (note.iexact("a"), Q(note__iexact="a")),
    (hour.year == 2013, Q(time_hour__year__exact=2013)),
    (hour.quarter > 1, Q(time_hour__quarter__gt=1)),
    (hour.month.in_([1, 2]), Q(time_hour__month__in=[1, 2])),
    (hour.week == 1, Q(time_hour__week__exact=1)),
    (hour.week_day == 1, Q(time_hour__week_day__exact=1)),
    (hour.day < 9, Q(time_hour__day__lt=9)),
    (hour.date > date(2014, 1, 1), Q(time_hour__date__gt=date(2014, 1, 1))),
    (hour.hour <= 3, Q(time_hour__hour__lte=3)),
    (hour.minute == 0, Q(time_hour__minute__exact=0)),
    (hour.second == 0, Q(time_hour__second__exact=0)),
    (hour.date.year == 2014, Q(time_hour__date__year__exact=2014)),
    (now("-1 day") > hour, Q(time_hour__lt=now("-1 day"))),
    (col(Flight.pk) == 3, Q(pk__exact=3)),
    (col(Flight.carrier) == None, Q(carrier__isnull=True)),  # noqa: E711
    (col(via(Flight.carrier).name).icontains("air"), Q(carrier__name__icontains="air")),
    (col(via(via(Flight.plane).owner).country) == "US", Q(plane__owner__country__exact="US")),
    (col(via(Flight.carrier).pk) == "AA", Q(carrier__pk__exact="AA")),
    (col(via(Flight.plane)).is_null(), Q(plane__isnull=True)),
    (delay.lookup("between", (1, 2)), Q(dep_delay__between=(1, 2))),
]


@pytest.mark.parametrize(("typed", "plain"), SAME, ids=lambda q: repr(q))
def test_a_typed_condition_is_the_keyword_lookup(typed: Q, plain: Q) -> None:
    assert typed == plain
    assert repr(typed) == repr(plain)


CASES: list[tuple[Q, Callable[[Flight], Any]]] = [
    (delay > 60, lambda f: f.dep_delay is not None and f.dep_delay > 60),
    (delay != 5, lambda f: f.dep_delay != 5),
    (delay.between(0, 5) | (note == "late"), lambda f: f.dep_delay in range(6) or f.note == "late"),
    (~delay.in_([1, 2, None]), lambda f: f.dep_delay not in (1, 2)),
    (note == "", lambda f: f.note == ""),
    (note.is_empty() & (col(Flight.diverted) == True), lambda f: not f.note and f.diverted),  # noqa: E712
    (hour >= datetime(2014, 1, 1, tzinfo=UTC), lambda f: f.time_hour and f.time_hour.year > 2013),
    (hour == START + timedelta(hours=1), lambda f: f.id == 2),
    (col(Flight.carrier) == Airline(carrier="AA", name=""), lambda f: f.carrier.pk == "AA"),
    (col(via(Flight.carrier).name).startswith("Jet"), lambda f: f.carrier.name == "JetBlue"),
    (col(via(via(Flight.plane).owner).name) == "JetBlue", lambda f: f.plane and f.plane.pk == "N2"),
    (col(Flight.plane) == None, lambda f: f.plane is None),  # noqa: E711
]


@pytest.mark.parametrize(("typed", "holds"), CASES, ids=lambda value: repr(value) if isinstance(value, Q) else "")
def test_a_typed_condition_selects_the_right_rows(
    session: Session, typed: Q, holds: Callable[[Flight], Any]
) -> None:
    wanted = [f.id for f in Flight.objects.select_related("carrier") if holds(f)]
    assert 0 < len(wanted) < 260
    assert [f.id for f in Flight.objects.filter(typed)] == wanted


def test_orderings(session: Session) -> None:
    names = [col(via(Flight.carrier).name).desc(), delay.asc()]
    assert names == ["-carrier__name", "dep_delay"]
    typed, plain = Flight.objects.order_by(*names), Flight.objects.order_by("-carrier__name", "dep_delay")
    assert typed.query == plain.query


class TestRelationsToMany:
    COMMENTS: Any = col(FieldReference(Flight, ("notes",), to_many=True))

    def test_conditions(self) -> None:
        stars = col(Note.stars) > 3
        assert self.COMMENTS.some(stars) == Q(notes__some=stars)
        assert self.COMMENTS.none(stars) == Q(notes__none=stars)
        assert (self.COMMENTS.count >= 3) == Q(notes__count__gte=3)
        assert self.COMMENTS.is_null() == Q(notes__isnull=True)

    def test_some_takes_conditions_only(self) -> None:
        with pytest.raises(QueryError, match="evaluated already"):
            self.COMMENTS.some(Note.stars == 3)


class TestMistakes:
    def test_a_field_without_col_is_refused_with_the_way_out(self) -> None:
        for compare in (operator.lt, operator.le, operator.gt, operator.ge):
            with pytest.raises(TypeError, match=r"write col\(Flight\.dep_delay\)"):
                compare(Flight.dep_delay, 60)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"col\(via\(Flight\.carrier\)\.name\)"):
            operator.gt(via(Flight.carrier).name, "a")
        for condition in (Flight.dep_delay == 3, Flight.dep_delay != 3):
            with pytest.raises(QueryError, match=r"evaluated already.*filter\(col\(Model\.name\) == value\)"):
                Flight.objects.filter(condition)  # type: ignore[arg-type]

    def test_a_field_has_no_methods_and_no_fields_of_its_own(self) -> None:
        with pytest.raises(AttributeError, match=r"Flight\.note is the field itself.*col\(Flight\.note\)"):
            Flight.note.icontains("x")  # type: ignore[union-attr]
        with pytest.raises(AttributeError, match=r"via\(Flight\.carrier\)"):
            col(Flight.carrier.name)

    @pytest.mark.parametrize(
        "use",
        [
            lambda: not delay,
            lambda: delay and note,
            lambda: delay or note,
            lambda: 3 in delay,
            lambda: delay in [5, 6],
            lambda: 1 < delay < 5,
            lambda: (delay > 1) and (delay < 5),
            lambda: not (delay > 1),
            lambda: bool(TestRelationsToMany.COMMENTS),
        ],
    )
    def test_columns_and_conditions_have_no_truth(self, use: Callable[[], object]) -> None:
        with pytest.raises(TypeError, match=r"& \| (\^ )?~|col\(…\)\.in_"):
            use()

    def test_a_column_is_no_condition(self) -> None:
        with pytest.raises(QueryError, match=r"not col\(Flight\.diverted\)"):
            Flight.objects.filter(col(Flight.diverted))  # type: ignore[arg-type]
        with pytest.raises(QueryError, match=r"<field Flight\.diverted>"):
            Flight.objects.filter(Flight.diverted)  # type: ignore[arg-type]

    def test_fields_are_not_compared_with_fields(self) -> None:
        for other in (col(Flight.id), Flight.id):
            with pytest.raises(QueryError, match="with another field"):
                operator.eq(delay, other)

    def test_a_column_has_no_hash(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            {delay}

    @pytest.mark.parametrize("wrong", ["dep_delay", None, 3, Flight, delay])
    def test_col_and_via_take_fields(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"col\(\) takes a field"):
            col(wrong)
        with pytest.raises(TypeError, match=r"via\(\) takes a field"):
            via(wrong)

    def test_via_leads_along_relations_only(self) -> None:
        with pytest.raises(TypeError, match="Relations of Flight: carrier, plane"):
            via(Flight.dep_delay)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="leads to no other model"):
            via(via(Flight.carrier).name)  # type: ignore[call-overload]
        with pytest.raises(AttributeError, match="Did you mean 'name'"):
            via(Flight.carrier).nam  # type: ignore[attr-defined]

    def test_a_value_of_the_wrong_type_is_refused_by_the_queryset(self) -> None:
        with pytest.raises(QueryError, match="an int is expected"):
            Flight.objects.filter(delay > "60")  # type: ignore[operator]


class TestTheModel:
    """A condition knows which model its fields are of."""

    def test_another_model_is_refused(self) -> None:
        for query in (Airline.objects.filter, Airline.objects.exclude, Airline.objects.get):
            with pytest.raises(FieldError, match="was made of the fields of Flight"):
                query(delay > 60)
        with pytest.raises(FieldError, match="was made of the fields of Flight"):
            Airline.objects.filter(Q(name="x") | ~(note == "x"))
        # Both have the field that is named, and only one of them is meant.
        with pytest.raises(FieldError, match="was made of the fields of Airline"):
            Plane.objects.filter(col(Airline.pk) == "AA")

    def test_models_that_inherit_the_field_take_it(self) -> None:
        assert Charter.objects.filter(delay > 60).query == Charter.objects.filter(dep_delay__gt=60).query
        with pytest.raises(FieldError, match="was made of the fields of Charter"):
            Flight.objects.filter(col(Charter.dep_delay) > 60)

    def test_a_model_that_was_defined_again_takes_it(self) -> None:
        def define() -> Any:
            class Cell(Model, collection="airlines"):
                carrier: str = field(primary_key=True)

            return Cell

        former, later = define(), define()
        assert former is not later
        later.objects.filter(col(former.carrier) == "AA")

    def test_pickles_and_copies_remember_it(self) -> None:
        typed = via(Flight.carrier).name
        for made in (pickle.loads(pickle.dumps(delay > 60)), copy.deepcopy(delay > 60), copy.copy(delay > 60)):
            assert made == (delay > 60)
            with pytest.raises(FieldError, match="was made of"):
                Airline.objects.filter(made)
        assert pickle.loads(pickle.dumps(typed)) == copy.copy(typed) == typed

    def test_the_name_is_the_plain_text(self) -> None:
        name = RootedName("dep_delay__gt", Flight)
        assert name == "dep_delay__gt"
        assert hash(name) == hash("dep_delay__gt")
        assert {name: 1} == {"dep_delay__gt": 1}


def test_reading_an_instance_does_not_come_by_the_class(session: Session) -> None:
    """What a field is on the class costs nothing where rows are read."""
    flight = Flight.objects.get(pk=2)
    assert flight.dep_delay == flight.__dict__["dep_delay"]
    assert repr(Flight.dep_delay) == "<field Flight.dep_delay>"
    assert repr(Charter.dep_delay) == "<field Charter.dep_delay>"
    assert repr(via(Flight.plane).owner) == "<field via(Flight.plane).owner>"
    assert Flight.dep_delay == Flight.dep_delay
    assert hash(Flight.dep_delay) == hash(Flight.dep_delay)
    assert hasattr(Flight, "dep_delay")
    assert not hasattr(Flight.dep_delay, "__wrapped__")
