"""Any queryset returns what the Django ORM returns for it, in the same order, from the same database."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from django.db.models import Q as DjangoQ
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from directus_orm import Q, Session, UnsupportedQuery
from directus_orm.testing import DirectusServer

from .. import oracle
from ..world import AIRLINES, NOTES, PLANES, START, Airline, Flight, Plane

OURS: dict[str, Any] = {"Airline": Airline, "Plane": Plane, "Flight": Flight}

COMPARED = ("gt", "gte", "lt", "lte", "exact")
PATTERNS = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith")

numbers = st.integers(-15, 85)
floats = st.integers(0, 270).map(lambda n: n * 1.5) | st.floats(0, 400, width=16)
moments = st.integers(0, 270).map(lambda hours: START + timedelta(hours=hours)) | st.just(
    datetime(2014, 1, 1, tzinfo=UTC)
)
words = st.sampled_from(
    [*(n for n in NOTES if n is not None), "late again", "LATE", "gone", "B", "a", "Jet", "US"]
)
parts = st.sampled_from(
    ["", "a", "L", "late", "LATE", "time", "on", "x", ",", '"', "&", " ", "in", "B", "s", "Air"]
)
keys = st.sampled_from([a["carrier"] for a in AIRLINES] + ["ZZ"])
tails = st.sampled_from([p["tailnum"] for p in PLANES] + ["N9"])


def scalar(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.one_of(
        st.tuples(st.sampled_from(COMPARED), values),
        st.tuples(st.just("in"), st.lists(st.none() | values, max_size=5)),
        st.tuples(st.just("range"), st.tuples(values, values)),
        st.tuples(st.just("exact"), st.none()),
        st.tuples(st.just("isnull"), st.booleans()),
    )


def keyed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.one_of(
        st.tuples(st.just("exact"), values | st.none()),
        st.tuples(st.just("in"), st.lists(st.none() | values, max_size=4)),
        st.tuples(st.just("isnull"), st.booleans()),
    )


texts = keyed(words) | st.tuples(st.sampled_from(PATTERNS), parts)
flags = keyed(st.booleans())

# What can be asked of each path; a path may lead over relations.
AIRLINE = {"name": texts, "country": texts, "pk": keyed(keys), "carrier": texts}
PLANE = {
    "maker": texts,
    "pk": keyed(tails),
    **{f"owner__{path}": s for path, s in AIRLINE.items()},
    "owner": keyed(keys),
}
FLIGHT = {
    "id": scalar(st.integers(1, 265)),
    "dep_delay": scalar(numbers),
    "distance": scalar(floats),
    "time_hour": scalar(moments),
    "note": texts,
    "diverted": flags,
    "carrier": keyed(keys),
    "plane": keyed(tails),
    **{f"carrier__{path}": s for path, s in AIRLINE.items()},
    **{f"plane__{path}": s for path, s in PLANE.items()},
}
PATHS: dict[str, dict[str, st.SearchStrategy[tuple[str, Any]]]] = {
    "Airline": AIRLINE,
    "Plane": PLANE,
    "Flight": FLIGHT,
}

# SQLite: Directus stores a timestamp there in a form of its own, which Django does not read.
UNREADABLE = {"sqlite": {"time_hour"}}


@attrs.frozen
class Case:
    """A queryset, as a recipe that either ORM can follow."""

    model: str
    steps: tuple[tuple[str, Any], ...]
    ordering: tuple[str, ...]
    slices: tuple[tuple[int, int | None], ...]
    fields: tuple[str, ...]


def trees(paths: dict[str, Any]) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from(sorted(paths)).flatmap(
        lambda path: paths[path].map(lambda asked: ("is", f"{path}__{asked[0]}", asked[1]))
    )
    return st.recursive(
        leaf,
        lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        max_leaves=5,
    )


@st.composite
def cases(draw: Any, vendor: str) -> Case:
    model = draw(st.sampled_from(["Flight", "Flight", "Flight", "Plane", "Airline"]))
    paths = {p: s for p, s in PATHS[model].items() if p not in UNREADABLE.get(vendor, ())}
    steps = st.tuples(st.sampled_from(["filter", "exclude"]), trees(paths))
    ordering = st.lists(
        st.tuples(st.sampled_from(["", "-"]), st.sampled_from(sorted(paths))).map("".join), max_size=2
    )
    cuts = st.tuples(st.integers(0, 40), st.none() | st.integers(0, 200)).map(
        lambda cut: (cut[0], None if cut[1] is None else cut[0] + cut[1])
    )
    return Case(
        model,
        tuple(draw(st.lists(steps, min_size=1, max_size=3))),
        tuple(draw(ordering)),
        tuple(draw(st.lists(cuts, max_size=2))),
        tuple(draw(st.lists(st.sampled_from(sorted(paths)), max_size=3, unique=True))),
    )


def as_q(kind: Any, tree: Any) -> Any:
    match tree:
        case ("is", name, value):
            return kind(**{name: value})
        case ("not", inner):
            return ~as_q(kind, inner)
        case ("and", left, right):
            return as_q(kind, left) & as_q(kind, right)
    return as_q(kind, tree[1]) | as_q(kind, tree[2])


def build(queryset: Any, kind: Any, case: Case) -> Any:
    for verb, tree in case.steps:
        queryset = getattr(queryset, verb)(as_q(kind, tree))
    # Django leaves the order of ties open; ours ends in the key.
    queryset = queryset.order_by(*case.ordering, "pk")
    return functools.reduce(lambda rows, cut: rows[cut[0] : cut[1]], case.slices, queryset)


def check(server: DirectusServer, case: Case) -> None:
    theirs = build(oracle.MODELS[case.model].objects.using(oracle.connect(server)), DjangoQ, case)
    try:
        ours = build(OURS[case.model].objects, Q, case)
    except UnsupportedQuery as refusal:
        event(f"refused: {str(refusal).partition('(')[0][-60:]}")
        return
    wanted = [row.pk for row in theirs]
    total = len(oracle_rows(server, case.model))
    event("some of the rows" if 0 < len(wanted) < total else "all or none")
    assert [row.pk for row in ours] == wanted
    assert ours.count() == len(wanted)
    assert ours.exists() is bool(wanted)
    first = ours.first()
    assert (first and first.pk) == (wanted[0] if wanted else None)
    if not case.slices:
        last = ours.last()
        assert (last and last.pk) == (wanted[-1] if wanted else None)
        assert [row.pk for row in ours.reverse()] == wanted[::-1]
    fields = case.fields or ("pk",)
    assert list(ours.values_list(*fields)) == list(theirs.values_list(*fields))
    assert list(ours.values(*fields)[:5]) == list(theirs.values(*fields)[:5])


@functools.cache
def oracle_rows(server: DirectusServer, model: str) -> list[Any]:
    return list(oracle.MODELS[model].objects.using(oracle.connect(server)))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_a_queryset_means_what_it_means_in_django(world: DirectusServer, session: Session, data: Any) -> None:
    check(world, data.draw(cases(world.database.vendor)))


def test_the_oracle_reads_the_rows_that_directus_serves(world: DirectusServer, session: Session) -> None:
    assert [row.pk for row in oracle_rows(world, "Flight")] == [flight.pk for flight in Flight.objects.all()]


@pytest.mark.parametrize(
    "wrong", [lambda q: q.order_by("-id"), lambda q: q.filter(id__gt=1), lambda q: q.exclude(dep_delay__gt=3)]
)
def test_the_comparison_notices_a_difference(world: DirectusServer, session: Session, wrong: Any) -> None:
    theirs = oracle.Flight.objects.using(oracle.connect(world))
    assert [row.pk for row in wrong(Flight.objects.all())] != [row.pk for row in theirs.order_by("pk")]
