"""A filter returns the rows that it means: every lookup is compared with the same rule in Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import FieldError, Model, Q, QueryError, Session, UnsupportedQuery, field
from tests.worlds.flights import START, Airline, Flight, Plane

Test = Callable[[Any, Any], bool]

RULES: dict[str, Test] = {
    "exact": lambda have, want: have == want,
    "in": lambda have, want: have in [w for w in want if w is not None],
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "range": lambda have, want: want[0] <= have <= want[1],
    "startswith": lambda have, want: have.startswith(want),
    "endswith": lambda have, want: have.endswith(want),
    "contains": lambda have, want: want in have,
    "icontains": lambda have, want: want.lower() in have.lower(),
    "istartswith": lambda have, want: have.lower().startswith(want.lower()),
    "iendswith": lambda have, want: have.lower().endswith(want.lower()),
}


def holds(row: Any, name: str, want: Any) -> bool:
    """Say whether a lookup holds for an instance; of a null, nothing holds but that it is one."""
    *steps, lookup = name.split("__")
    have = row
    for step in steps:
        have = None if have is None else getattr(have, step)
    if lookup == "isnull":
        return (have is None) is want
    if lookup == "empty":
        return (have is None or have == "") is want
    if want is None:
        return have is None
    return have is not None and RULES[lookup](have, want)


@pytest.fixture(scope="module")
def flights(world: Any) -> list[Flight]:
    with Session(world.url, token=world.token):
        return list(Flight.objects.select_related("carrier", "plane__owner"))


CASES: list[tuple[str, Any]] = [
    ("dep_delay__exact", 5),
    ("dep_delay__exact", None),
    ("dep_delay__in", [1, 2, None, 4]),
    ("dep_delay__gt", 20),
    ("dep_delay__gte", 20),
    ("dep_delay__lt", 0),
    ("dep_delay__lte", 0),
    ("dep_delay__range", (0, 5)),
    ("dep_delay__isnull", True),
    ("dep_delay__isnull", False),
    ("distance__in", [1.5, 3.0, 12]),
    ("distance__range", [10.5, 99]),
    ("distance__gt", 1e16),
    ("time_hour__gte", datetime(2014, 1, 1, tzinfo=UTC)),
    ("time_hour__range", (datetime(2013, 12, 31, 23, tzinfo=UTC), datetime(2014, 1, 1, 1, tzinfo=UTC))),
    ("note__exact", "late"),
    ("note__exact", ""),
    ("note__exact", "a,b"),
    ("note__in", ["late", "", "a,b", 'quote "d"']),
    ("note__startswith", "on"),
    ("note__endswith", "time"),
    ("note__contains", "snow"),
    ("note__contains", ""),
    ("note__icontains", "LATE"),
    ("note__istartswith", "LATE"),
    ("note__iendswith", "AGAIN"),
    ("note__empty", True),
    ("note__empty", False),
    ("diverted__exact", True),
    ("diverted__in", [True, False]),
    ("diverted__in", [False]),
    ("carrier__exact", "AA"),
    ("carrier__in", ["AA", "a/b"]),
    ("carrier__name__startswith", "Jet"),
    ("carrier__country__exact", ""),
    ("carrier__country__isnull", True),
    ("plane__isnull", True),
    ("plane__exact", None),
    ("plane__maker__exact", "BOEING"),
    ("plane__maker__isnull", True),
    ("plane__owner__name__exact", "JetBlue"),
    ("plane__owner__country__empty", True),
]
ONE_WAY = {"icontains"}  # the server has no opposite of it


def plain(rows: list[Flight], name: str, want: Any) -> list[int]:
    if name in ("carrier__exact", "carrier__in"):
        name = name.replace("carrier", "carrier__carrier")
    return [row.id for row in rows if holds(row, name, want)]


@pytest.mark.parametrize(("name", "want"), CASES, ids=str)
def test_filter_returns_what_the_lookup_says(
    session: Session, flights: list[Flight], name: str, want: Any
) -> None:
    found = [row.id for row in Flight.objects.filter(**{name: want})]
    assert found == plain(flights, name, want)


@pytest.mark.parametrize(("name", "want"), [c for c in CASES if c[0].split("__")[-1] not in ONE_WAY], ids=str)
def test_exclude_keeps_every_other_row_also_those_with_a_null(
    session: Session, flights: list[Flight], name: str, want: Any
) -> None:
    """G19: _neq and similar operators drop rows with a null; Django's exclude keeps them."""
    out = set(plain(flights, name, want))
    found = [row.id for row in Flight.objects.exclude(**{name: want})]
    assert found == [row.id for row in flights if row.id not in out]


leaves = st.sampled_from([c for c in CASES if c[0].split("__")[-1] not in ONE_WAY])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=6,
)


def as_q(tree: Any) -> Q:
    match tree:
        case ("not", inner):
            return ~as_q(inner)
        case ("and", left, right):
            return as_q(left) & as_q(right)
        case ("or", left, right):
            return as_q(left) | as_q(right)
    return Q(**{tree[0]: tree[1]})


def is_true(row: Any, tree: Any) -> bool:
    match tree:
        case ("not", inner):
            return not is_true(row, inner)
        case ("and", left, right):
            return is_true(row, left) and is_true(row, right)
        case ("or", left, right):
            return is_true(row, left) or is_true(row, right)
    return row.id in plain([row], tree[0], tree[1])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_any_tree_of_conditions_selects_the_rows_it_is_true_for(
    session: Session, flights: list[Flight], tree: Any
) -> None:
    wanted = [row.id for row in flights if is_true(row, tree)]
    queryset = Flight.objects.filter(as_q(tree))
    assert [row.id for row in queryset] == wanted
    assert queryset.count() == len(wanted)
    assert queryset.exists() is bool(wanted)


def test_an_instance_a_reference_and_a_key_are_the_same_condition(session: Session) -> None:
    airline = Airline.objects.get(pk="a/b")
    wanted = Flight.objects.filter(carrier="a/b").count()
    assert wanted == 65
    assert Flight.objects.filter(carrier=airline).count() == wanted
    assert Flight.objects.filter(carrier__pk=Airline.objects.ref("a/b")).count() == wanted
    assert Flight.objects.filter(carrier__in=[airline]).count() == wanted
    assert Airline.objects.get(pk=airline) == airline


def test_none_inside_in_is_dropped_and_does_not_become_zero(session: Session) -> None:
    """G18: the server takes a null in a list of numbers for 0."""
    zero = Flight.objects.filter(dep_delay=0).count()
    assert zero
    assert Flight.objects.filter(dep_delay__in=[None, 1]).filter(dep_delay=0).count() == 0
    assert Flight.objects.filter(dep_delay__in=[None]).count() == 0


def test_an_empty_list_matches_nothing_and_asks_nothing(session: Session) -> None:
    """G4, G37: empty groups match everything on the server, empty lists are an error."""
    with session.capture() as sent:
        assert list(Flight.objects.filter(dep_delay__in=[])) == []
        assert Flight.objects.filter(dep_delay__in=[]).count() == 0
        assert Flight.objects.none().first() is None
        assert not Flight.objects.filter(Q(dep_delay__in=[]) & Q(id=1)).exists()
    assert not sent
    assert Flight.objects.exclude(dep_delay__in=[]).count() == 260
    assert Flight.objects.filter(Q()).count() == 260
    assert Flight.objects.filter(Q() | Q(id=1)).count() == 1


@pytest.mark.parametrize(
    ("lookups", "text"),
    [
        ({"dep_delay": "abc"}, "an int is expected, not 'abc'"),
        ({"dep_delay": True}, "an int is expected, not True"),
        ({"dep_delay": 1.5}, "an int is expected, not 1.5"),
        ({"dep_delay__gt": None}, "isnull=True"),
        ({"dep_delay__in": 3}, "takes a list of values"),
        ({"time_hour__year": "2013"}, "takes one int"),
        ({"time_hour__year__range": [2013]}, "takes two ints"),
        ({"time_hour__date": START}, "takes one date"),
        ({"time_hour__month__isnull": 1}, "takes True or False"),
        ({"dep_delay__in": [[1]]}, "is no value of a int field"),
        ({"dep_delay__range": [1]}, "takes two values"),
        ({"dep_delay__range": [1, 2, 3]}, "takes two values"),
        ({"dep_delay__range": [1, None]}, "takes two values"),
        ({"dep_delay__isnull": 1}, "takes True or False"),
        ({"note__contains": 5}, "this lookup takes a str"),
        ({"time_hour__gt": datetime(2014, 1, 1)}, "takes aware datetimes"),
        ({"carrier": Plane(tailnum="x")}, "not with a Plane"),
        ({"carrier": Airline(carrier="new", name="x")}, None),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_raises_at_the_call(
    session: Session, lookups: dict[str, Any], text: str | None
) -> None:
    """G3: a _between of another length is ignored by the server."""
    with session.capture() as sent:
        if text is None:  # a new instance that carries its key can be looked for
            Flight.objects.filter(**lookups)
        else:
            with pytest.raises(QueryError, match=text):
                Flight.objects.filter(**lookups)
    assert not sent


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dep_dely", "Did you mean 'dep_delay'"),
        ("carrier__nam", "Did you mean 'name'"),
        ("dep_delay__gtt", "Did you mean 'gte?'"),
        ("nope__x__y", "has no field 'nope'"),
        ("note__contains__x", "no lookup"),
        ("", "has no field ''"),
    ],
)
def test_an_unknown_name_raises_at_the_call_with_choices(name: str, text: str) -> None:
    with pytest.raises(FieldError, match=text) as caught:
        Flight.objects.filter(**{name: 1})
    assert caught.value.choices


@pytest.mark.parametrize(
    ("name", "value"),
    [("note__gt", "a"), ("note__range", ("a", "b")), ("diverted__gt", True), ("dep_delay__contains", "1")],
)
def test_a_lookup_that_the_type_lacks_is_refused_with_those_it_has(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedQuery, match="It has: "):
        Flight.objects.filter(**{name: value})


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("note__regex", "look at the rows in Python"),
        ("time_hour__time", "use hour, minute and second"),
        ("note__search", r"QuerySet.search\(\)"),
        ("carrier__some", "declare the relation"),
        ("time_hour__year__contains", "is no lookup of 'year'"),
    ],
)
def test_a_lookup_of_django_that_the_server_lacks_is_refused_with_the_way_out(name: str, way_out: str) -> None:
    with pytest.raises(FieldError, match=way_out):
        Flight.objects.filter(**{name: "x"})


def test_a_part_that_the_type_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(UnsupportedQuery, match="fields of type integer have no 'year'"):
        Flight.objects.filter(dep_delay__year=1)


class TestTimesBetweenTwoUnits:
    """A field holds whole milliseconds; a bound between two of them keeps its meaning (G30)."""

    HALF = START + timedelta(hours=1, microseconds=500)

    @pytest.mark.parametrize(
        ("lookup", "finds"), [("lt", True), ("lte", True), ("gt", False), ("gte", False), ("exact", False)]
    )
    def test_a_fraction_is_not_cut_off(self, session: Session, lookup: str, finds: bool) -> None:
        at_one = Flight.objects.filter(id=2, time_hour=START + timedelta(hours=1))
        assert at_one.exists()
        assert at_one.filter(**{f"time_hour__{lookup}": self.HALF}).exists() is finds
        assert at_one.exclude(**{f"time_hour__{lookup}": self.HALF}).exists() is not finds

    def test_in_and_range(self, session: Session) -> None:
        day = timedelta(days=1)
        assert not Flight.objects.filter(id=2, time_hour__in=[self.HALF]).exists()
        assert not Flight.objects.filter(id=2, time_hour__range=(self.HALF, self.HALF + day)).exists()
        assert Flight.objects.filter(id=2, time_hour__range=(self.HALF - day, self.HALF)).exists()


def test_more_values_than_a_database_takes_are_refused(session: Session) -> None:
    with pytest.raises(UnsupportedQuery, match="in_bulk"):
        Flight.objects.filter(id__in=range(40_000))


def test_a_secret_is_not_in_the_message_of_a_missing_row(session: Session) -> None:
    class Keyed(Model, collection="airlines"):
        carrier: str = field(primary_key=True)
        token: str = field(name="name")

    with pytest.raises(Keyed.DoesNotExist) as caught:
        Keyed.objects.get(token="hunter2")
    assert "hunter2" not in str(caught.value)
