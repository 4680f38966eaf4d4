"""Aggregates have the types and values of their fields, on every database; what would be wrong is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    Avg,
    ConversionError,
    Count,
    F,
    FieldError,
    Max,
    Min,
    Model,
    Q,
    QueryError,
    Related,
    Session,
    Sum,
    UnsupportedQuery,
    field,
    generated,
    one_to_many,
)
from directus_orm.reading.aggregation import row_selection
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Flight
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, make_collection


class Size(Enum):
    SMALL = 1
    LARGE = 7


class Sample(Model, collection="samples"):
    id: int = field(default=generated, primary_key=True)
    lot: str | None = None
    number: int | None = None
    big: int | None = field(default=None, type="bigInteger")
    ratio: float | None = None
    price: Decimal | None = None
    cost: float | None = field(default=None, type="decimal")
    size: Size | None = None
    text: str | None = None
    ok: bool | None = None
    uid: UUID | None = None
    moment: datetime | None = None
    local: datetime | None = field(default=None, type="dateTime")
    day: date | None = None
    at: time | None = None
    tags: list[str] | None = field(default=None, type="csv")
    meta: dict[str, Any] | None = None


def _sample(lot: str | None, n: int) -> dict[str, Any]:
    return {
        "lot": lot,
        "number": n,
        "big": n * 10**12,
        "ratio": n + 0.1,
        "price": f"{n}.10",
        "cost": f"{n}.25",
        "size": (1, 7)[n % 2],
        "text": "ab"[n % 2],
        "ok": n % 2 == 0,
        "uid": f"00000000-0000-4000-8000-{n % 2:012d}",
        "moment": f"2013-12-31T23:59:{n:02d}Z",
        "local": f"2014-01-01T00:00:{n:02d}",
        "day": f"2014-02-{n + 1:02d}",
        "at": f"10:00:{n:02d}",
        "tags": ["x", "y"][: n % 2 + 1],
        "meta": {"n": n},
    }


# Lot "a" has 1, 2 and 2, lot "b" 3, lot None nothing at all.
ROWS = [_sample("a", 1), _sample("a", 2), _sample("a", 2), _sample("b", 3), {"lot": None}, {"lot": None}]
FIELDS = [name for name in Sample.directus.fields if name not in ("id", "lot")]

BUILT = {
    "number": "integer",
    "big": "bigInteger",
    "ratio": "float",
    "size": "integer",
    "text": "string",
    "ok": "boolean",
    "uid": "uuid",
    "moment": "timestamp",
    "local": "dateTime",
    "day": "date",
    "at": "time",
    "tags": "csv",
    "meta": "json",
}


@pytest.fixture(scope="module", params=["directus_server", "directus_postgres", "directus_mariadb"])
def samples(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    server: DirectusServer = request.getfixturevalue(request.param)
    exact: dict[str, Any] = {"numeric_precision": 12, "numeric_scale": 2}
    make_collection(
        server,
        "samples",
        AUTO_KEY,
        column("lot", "string"),
        *(column(name, kind) for name, kind in BUILT.items()),
        column("price", "decimal", **exact),
        column("cost", "decimal", **exact),
    )
    with Session(server.url, token=server.token) as session:
        session.items("samples").create(ROWS)
    yield server
    drop_collection(server, "samples")


@pytest.fixture
def lab(samples: DirectusServer) -> Iterator[Session]:
    with Session(samples.url, token=samples.token) as session:
        yield session


NUMBERS: dict[str, tuple[Any, Any, Any, Any]] = {  # of lot "a": the sum, that of different ones, and the means
    "number": (5, 3, 5 / 3, 1.5),
    "big": (5 * 10**12, 3 * 10**12, 5 * 10**12 / 3, 1.5 * 10**12),
    "ratio": (5.3, 3.2, 5.3 / 3, 1.6),
    "price": (Decimal("5.30"), Decimal("3.20"), Decimal("5.30") / 3, Decimal("1.60")),
    "cost": (5.75, 3.5, 5.75 / 3, 1.75),
    "size": (9, 8, 3.0, 4.0),
}


def close(found: Any, wanted: Any) -> bool:
    # Float columns have single precision on PostgreSQL and MariaDB.
    return type(found) is type(wanted) and abs(float(found) - float(wanted)) <= abs(float(wanted)) * 2e-7


class TestTypes:
    @pytest.mark.parametrize("name", NUMBERS)
    def test_sums_and_means_have_the_type_of_their_numbers(self, lab: Session, name: str) -> None:
        made = {"s": Sum(name), "t": Sum(name, distinct=True), "a": Avg(name), "b": Avg(name, distinct=True)}
        found = Sample.objects.filter(lot="a").aggregate(**made)
        assert all(close(*pair) for pair in zip(found.values(), NUMBERS[name], strict=True)), found
        groups = {g.pop("lot"): g for g in Sample.objects.values("lot").annotate(**made)}
        assert all(close(*pair) for pair in zip(groups["a"].values(), NUMBERS[name], strict=True)), groups
        assert groups[None] == dict.fromkeys(made)

    @pytest.mark.parametrize("name", FIELDS)
    def test_values_of_every_type_are_counted(self, lab: Session, name: str) -> None:
        """The server writes numbers of dates as dates, of csv as lists, of booleans as booleans."""
        assert Sample.objects.aggregate(n=Count(name)) == {"n": 4}
        groups = Sample.objects.values_list("lot").annotate(n=Count(name))
        assert dict(groups) == {"a": 3, "b": 1, None: 0}
        assert {type(n) for _, n in groups} == {int}
        assert Sample.objects.filter(lot=None).aggregate(n=Count(name)) == {"n": 0}

    @pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("tags", "meta")])
    def test_different_values_of_every_type_are_counted(self, lab: Session, name: str) -> None:
        groups = Sample.objects.values_list("lot").annotate(n=Count(name, distinct=True))
        assert dict(groups) == {"a": 2, "b": 1, None: 0}
        in_all = 2 if name in ("size", "text", "ok", "uid") else 3
        assert Sample.objects.aggregate(n=Count(name, distinct=True)) == {"n": in_all}

    @pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("uid", "tags", "meta")])
    def test_the_least_and_the_greatest_are_values_of_the_field(self, lab: Session, name: str) -> None:
        values = [getattr(row, name) for row in Sample.objects.filter(lot="a")]
        order = (lambda v: v.value) if name == "size" else None
        wanted = (min(values, key=order), max(values, key=order))
        found = Sample.objects.filter(lot="a").aggregate(lo=Min(name), hi=Max(name))
        assert (found["lo"], found["hi"]) == wanted
        assert type(found["lo"]) is type(wanted[0])
        groups = {
            g["lot"]: (g["lo"], g["hi"]) for g in Sample.objects.values("lot").annotate(lo=Min(name), hi=Max(name))
        }
        assert groups["a"] == wanted
        assert groups[None] == (None, None)

    @pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("tags", "meta")])
    def test_values_of_every_type_make_groups(self, lab: Session, name: str) -> None:
        wanted: dict[Any, int] = {}
        for row in Sample.objects.all():
            wanted[getattr(row, name)] = wanted.get(getattr(row, name), 0) + 1
        groups = Sample.objects.values_list(name).annotate(n=Count("*"))
        assert dict(groups) == wanted
        assert groups.count() == len(groups) == len(wanted)
        assert set(Sample.objects.values_list(name, flat=True).distinct()) == set(wanted)
        assert Sample.objects.values(name).distinct().count() == len(wanted)

    def test_hours_of_a_time_make_groups(self, lab: Session) -> None:
        """SQLite has no hours of a time: whole times are grouped by, and put together."""
        assert dict(Sample.objects.values_list("at__hour").annotate(n=Count("*"))) == {10: 4, None: 2}
        assert dict(Sample.objects.values_list("at__second").annotate(n=Count("*"))) == {1: 1, 2: 2, 3: 1, None: 2}
        assert dict(Sample.objects.values_list("day__week_day").annotate(n=Count("*"))) == {
            1: 1,
            2: 2,
            3: 1,
            None: 2,
        }

    def test_aggregates_of_no_rows_are_null(self, lab: Session) -> None:
        """G22: limits and orderings are not sent along, which would cut the only row of the answer."""
        nobody = Sample.objects.filter(lot="z").order_by("lot")
        found = nobody.aggregate(n=Count("*"), s=Sum("number"), a=Avg("price"), lo=Min("day"), hi=Max("text"))
        assert found == {"n": 0, "s": None, "a": None, "lo": None, "hi": None}
        assert nobody.aggregate(s=Sum("number", default=0), d=Max("day", default=date(2000, 1, 1))) == {
            "s": 0,
            "d": date(2000, 1, 1),
        }
        assert list(nobody.values("lot").annotate(n=Count("*"))) == []

    def test_single_floats_are_not_added_up_in_single_precision(self, lab: Session) -> None:
        """PostgreSQL would, and be off by more than the numbers are."""
        numbers = [0.1] * 600 + [90_000.0, -90_000.0]
        lab.items("samples").create([{"lot": "many", "ratio": n} for n in numbers])
        try:
            found = Sample.objects.filter(lot="many").aggregate(s=Sum("ratio"), a=Avg("ratio"))
            assert abs(found["s"] - 60) < 1e-4
            assert abs(found["a"] - 60 / 602) < 1e-6
        finally:
            Sample.objects.filter(lot="many").delete()

    def test_sums_that_json_cannot_hold_are_not_rounded(self, lab: Session, samples: DirectusServer) -> None:
        """G32: SQLite's come as doubles."""
        lab.items("samples").create([{"lot": "huge", "big": 9_007_199_254_740_000}] * 3)
        try:
            huge = Sample.objects.filter(lot="huge")
            if samples.database.vendor == "sqlite":
                with pytest.raises(ConversionError, match=r"Sample\.big"):
                    huge.aggregate(s=Sum("big"))
            else:
                assert huge.aggregate(s=Sum("big")) == {"s": 27_021_597_764_220_000}
        finally:
            huge.delete()

    def test_decimals_are_added_up_to_the_cent(self, lab: Session) -> None:
        """SQLite's sum of 1.10, 2.10, 2.10 and 3.10 has a tail of binary digits."""
        assert Sample.objects.aggregate(s=Sum("price"))["s"] == Decimal("8.40")


class TestRequests:
    def test_several_aggregates_are_one_request(self, session: Session) -> None:
        with session.capture() as sent:
            Flight.objects.filter(dep_delay__gt=3).aggregate(
                Avg("dep_delay"), Sum("distance"), Min("note"), n=Count("*"), m=Count("note", distinct=True)
            )
        assert len(sent) == 1

    def test_rows_and_values_are_counted_side_by_side(self, session: Session) -> None:
        """The server shows count(*) and count(field) under one name, of which one is lost."""
        assert Flight.objects.aggregate(n=Count("*"), m=Count("dep_delay")) == {"n": 260, "m": 208}

    def test_no_row_can_match_and_nothing_is_sent(self, session: Session) -> None:
        with session.capture() as sent:
            assert Flight.objects.filter(id__in=[]).aggregate(n=Count("*"), s=Sum("id")) == {"n": 0, "s": None}
            assert Flight.objects.all()[:0].aggregate(n=Count("*")) == {"n": 0}
            assert Flight.objects.aggregate() == {}
        assert not sent

    def test_a_slice_is_aggregated_by_its_keys(self, session: Session) -> None:
        assert Flight.objects.order_by("-id")[:3].aggregate(n=Count("*"), s=Sum("id")) == {"n": 3, "s": 777}

    def test_many_keys_are_split_into_several_requests(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(row_selection, "MOST_KEYS", 100)
        part = Flight.objects.order_by("id")[:250]
        with session.capture() as sent:
            found = part.aggregate(
                Avg("dep_delay"), n=Count("*"), notes=Count("note", distinct=True), hi=Max("id")
            )
        rows = list(part)
        delays = [row.dep_delay for row in rows if row.dep_delay is not None]
        assert found == {
            "dep_delay__avg": sum(delays) / len(delays),
            "n": 250,
            "notes": len({row.note for row in rows} - {None}),
            "hi": 250,
        }
        assert len(sent) > 6
        texts = sorted(row.note for row in rows if row.note is not None)
        assert part.aggregate(Min("note"))["note__min"] in texts

    def test_text_conditions_that_are_rechecked_are_aggregated_by_keys(self, session: Session) -> None:
        """G20: the server finds more rows for a needle with a wildcard."""
        odd = Flight.objects.filter(note__contains="_ate")
        assert odd.aggregate(n=Count("*")) == {"n": 0}
        assert list(odd.values("carrier").annotate(n=Count("*"))) == []
        assert list(odd.values("carrier").distinct()) == []

    def test_each_aggregate_with_a_filter_is_one_more_request(self, session: Session) -> None:
        late, mine = Q(dep_delay__gt=60), Q(carrier__name="JetBlue")
        with session.capture() as sent:
            found = Flight.objects.aggregate(
                n=Count("*"), a=Count("*", filter=late), b=Max("distance", filter=late), c=Count("*", filter=mine)
            )
        assert len(sent) == 3
        distances = [row.distance for row in Flight.objects.filter(late) if row.distance is not None]
        assert found == {"n": 260, "a": 37, "b": max(distances), "c": 65}


class Noted(Model, collection="notes"):
    id: UUID = field(default=generated, primary_key=True)
    title: str
    stars: int = 1
    flight: Flown | None = None


class Flown(Model, collection="flights"):
    id: int = field(default=generated, primary_key=True)
    carrier: str
    dep_delay: int | None = None
    notes: Related[Noted] = one_to_many("flight")


@pytest.fixture
def flown(notes: Session) -> Session:
    """Flight 2 has three notes, flight 3 one, flight 4 two; the others have none."""
    for number, (flight, stars) in enumerate([(2, 1), (2, 1), (2, 2), (3, 1), (4, 5), (4, 1)]):
        notes.items("notes").create({"title": f"n{number}", "flight": flight, "stars": stars})
    return notes


class TestRelatedRows:
    def test_a_row_counts_once_however_many_related_rows_match(self, flown: Session) -> None:
        """G21: the server's own sum takes a row once for each of them."""
        starred = Flown.objects.filter(notes__stars=1)
        delays = {row.id: row.dep_delay or 0 for row in Flown.objects.filter(id__in=[2, 3, 4])}
        raw = flown.get(
            "/items/flights",
            params={"aggregate[sum]": "dep_delay", "filter": json.dumps({"notes": {"stars": {"_eq": 1}}})},
        )
        assert int(raw[0]["sum"]["dep_delay"]) != sum(delays.values())
        found = starred.aggregate(s=Sum("dep_delay"), n=Count("*"), m=Count("dep_delay"))
        assert found == {"s": sum(delays.values()), "n": 3, "m": 3}
        groups = starred.values("carrier").annotate(n=Count("*"), s=Sum("dep_delay"))
        assert {g["carrier"]: g["n"] for g in groups} == {"B6": 1, "LH": 1, "a/b": 1}
        assert sum(g["s"] for g in groups) == sum(delays.values())
        assert starred.values("carrier").distinct().count() == 3
        assert Flown.objects.aggregate(n=Count("*", filter=Q(notes__stars=1))) == {"n": 3}

    def test_related_rows_are_counted_for_each_instance(self, flown: Session) -> None:
        with flown.capture() as sent:
            counted = {
                row.id: row.__dict__["n"] for row in Flown.objects.annotate(n=Count("notes")).filter(id__lt=6)
            }
        assert counted == {1: 0, 2: 3, 3: 1, 4: 2, 5: 0}
        assert len(sent) == 1

    def test_instances_are_filtered_and_ordered_by_a_count_of_related_rows(self, flown: Session) -> None:
        counted = Flown.objects.annotate(n=Count("notes"))
        assert [row.id for row in counted.filter(n__gt=1).order_by("id")] == [2, 4]
        assert [row.id for row in counted.order_by("-n", "-id")[:4]] == [2, 4, 3, 260]
        assert [row.id for row in Flown.objects.alias(n=Count("notes")).filter(n=1)] == [3]
        assert not hasattr(Flown.objects.alias(n=Count("notes")).filter(n=1)[0], "n")
        assert counted.filter(n__gte=1).count() == 3
        assert [row.id for row in Flown.objects.order_by("-notes__count", "id")[:2]] == [2, 4]

    def test_values_take_a_count_of_related_rows(self, flown: Session) -> None:
        counted = Flown.objects.annotate(n=Count("notes")).filter(n__gt=0).order_by("id")
        assert list(counted.values_list("id", "n")) == [(2, 3), (3, 1), (4, 2)]
        assert list(counted.values("n", "id")) == [{"n": 3, "id": 2}, {"n": 1, "id": 3}, {"n": 2, "id": 4}]
        assert counted.values("id").annotate(m=Count("notes")).first() == {"id": 2, "m": 3}

    def test_a_count_over_a_many_to_one_is_that_of_the_related_row(self, flown: Session) -> None:
        notes = Noted.objects.annotate(n=Count("flight__notes")).order_by("-n", "title")
        assert [(note.title, note.__dict__["n"]) for note in notes][:4] == [
            ("n0", 3),
            ("n1", 3),
            ("n2", 3),
            ("n4", 2),
        ]
        assert {note.flight.id for note in notes if note.flight is not None} == {2, 3, 4}

    def test_what_the_server_would_count_otherwise_is_refused(self, flown: Session) -> None:
        with pytest.raises(UnsupportedQuery, match="after a filter through"):
            Flown.objects.filter(notes__stars=1).annotate(n=Count("notes"))
        ones = Count("notes", filter=Q(notes__stars=1))
        for wrong in (ones, Count("notes__stars"), Sum("notes__stars")):
            with pytest.raises(UnsupportedQuery, match="Count"):
                Flown.objects.annotate(n=wrong)
        with pytest.raises(UnsupportedQuery, match="many rows"):
            Flown.objects.aggregate(n=Count("notes"))
        with pytest.raises(UnsupportedQuery, match="many rows"):
            Flown.objects.values("carrier").annotate(n=Count("notes"))
        with pytest.raises(UnsupportedQuery, match="cannot group by 'n'"):
            Flown.objects.annotate(n=Count("notes")).values("n").annotate(m=Count("*"))


def anything(rows: Any) -> Any:
    """Return rows as checkers do not know them, for what they would refuse."""
    return rows


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        (lambda: Flight.objects.aggregate(Count("*")), QueryError, "needs a name"),
        (lambda: Flight.objects.aggregate(n=Sum("note")), QueryError, "computed from numbers"),
        (lambda: Flight.objects.aggregate(n=Avg("time_hour")), QueryError, "computed from numbers"),
        (lambda: Flight.objects.aggregate(n=Sum("diverted")), QueryError, "computed from numbers"),
        (lambda: Sample.objects.aggregate(n=Min("uid")), UnsupportedQuery, "order of values of type uuid"),
        (lambda: Sample.objects.aggregate(n=Max("meta")), UnsupportedQuery, "order of values"),
        (lambda: Sample.objects.aggregate(n=Count("meta", distinct=True)), UnsupportedQuery, "are equal"),
        (lambda: Flight.objects.aggregate(n=Sum("dep_dely")), FieldError, "dep_delay"),
        (lambda: Flight.objects.aggregate(n=Sum("carrier__nam")), FieldError, "name"),
        (lambda: Flight.objects.aggregate(n=Sum("time_hour__year")), UnsupportedQuery, "group by"),
        (lambda: anything(Flight.objects).aggregate(n=F("dep_delay")), UnsupportedQuery, "takes Count, Sum"),
        (lambda: anything(Flight.objects).aggregate(n="dep_delay"), UnsupportedQuery, "takes Count, Sum"),
        (lambda: Flight.objects.aggregate(Sum("id"), Sum("id")), QueryError, "'id__sum'"),
        (lambda: Flight.objects.aggregate(n=Count("*", filter=Q(nope=1))), FieldError, "nope"),
        (lambda: Flight.objects.aggregate(n=Count("*", filter=anything(True))), QueryError, "condition"),
        (lambda: Flight.objects.annotate(n=Count("*")), UnsupportedQuery, "each instance is one"),
        (lambda: Flight.objects.annotate(n=Avg("dep_delay")), UnsupportedQuery, "values"),
        (lambda: Flight.objects.annotate(note=F("carrier__name")), QueryError, "field 'note' already"),
        (lambda: Flight.objects.annotate(save=F("carrier__name")), QueryError, "attribute 'save' already"),
        (lambda: Flight.objects.annotate(_x=F("carrier__name")), QueryError, "name of an attribute"),
        (lambda: anything(Flight.objects).annotate(x="carrier__name"), UnsupportedQuery, "computes nothing else"),
        (lambda: Flight.objects.annotate(x=F("id") + 1), UnsupportedQuery, "no arithmetic"),
        (lambda: Flight.objects.annotate(x=Sum("id") / 2), UnsupportedQuery, "no arithmetic"),
        (lambda: Flight.objects.annotate(x=F("time_hour__yaer")), FieldError, "year"),
        (lambda: anything(Flight.objects).annotate(F("id")), QueryError, "has none"),
        (lambda: Flight.objects.all()[:3].annotate(x=F("id")), QueryError, "after a slice"),
        (lambda: Sum("*"), QueryError, "Count"),
        (lambda: Count("id", default=3), QueryError, "without values it is 0"),
        (lambda: Sum(anything(3)), UnsupportedQuery, "names a field"),
    ],
)
def test_aggregates_without_a_meaning_are_refused_at_the_call(
    session: Session, wrong: Any, kind: type[Exception], says: str
) -> None:
    with session.capture() as sent, pytest.raises(kind, match=says):
        wrong()
    assert not sent
