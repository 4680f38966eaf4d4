"""Groups: the requests for them, their order, and what is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from directus_orm import (
    Avg,
    Count,
    F,
    FieldError,
    Max,
    Min,
    Model,
    Page,
    Q,
    QueryError,
    Session,
    Sum,
    UnsupportedQuery,
    field,
    generated,
)
from directus_orm.reading.aggregation import group_paging
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight, Plane, Setting
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, make_collection


class Word(Model, collection="words"):
    id: int = field(default=generated, primary_key=True)
    text: str | None = None
    count: int | None = None
    moment: datetime | None = None


MANY = 250


@pytest.fixture(scope="module", params=["directus_server", "directus_postgres", "directus_mariadb"])
def words(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    server: DirectusServer = request.getfixturevalue(request.param)
    columns = [column("text", "string"), column("count", "integer"), column("moment", "timestamp")]
    make_collection(server, "words", AUTO_KEY, *columns)
    rows = [
        {"text": f"w{n}", "count": n % 7, "moment": f"2014-01-{n % 28 + 1:02d}T12:00:00Z"} for n in range(MANY)
    ]
    rows += [{"text": text, "count": 9} for text in ("Ada", "ada", None)]
    with Session(server.url, token=server.token) as session:
        session.items("words").create(rows)
    yield server
    drop_collection(server, "words")


@pytest.fixture
def spoken(words: DirectusServer) -> Iterator[Session]:
    with Session(words.url, token=words.token) as session:
        yield session


def by_carrier() -> Any:
    return Flight.objects.values("carrier").annotate(n=Count("*"))


class TestReading:
    def test_no_group_is_cut_off(self, spoken: Session) -> None:
        """G23: the server cuts groups at 100, too, silently."""
        with spoken.capture() as sent:
            groups = list(Word.objects.filter(text__startswith="w").values("text").annotate(n=Count("*")))
        assert len(groups) == len({group["text"] for group in groups}) == MANY
        assert len(sent) == 1

    def test_pages_meet_without_a_gap(self, spoken: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """G25: ties are ordered by what is grouped by, so that no group is on two pages, or on none."""
        monkeypatch.setattr(group_paging, "GROUPS_AT_ONCE", 30)
        tied = Word.objects.filter(text__startswith="w").values("text").annotate(n=Count("*")).order_by("-n")
        with spoken.capture() as sent:
            texts = [group["text"] for group in tied]
        assert len(sent) == MANY // 30 + 1
        assert sorted(texts) == sorted(f"w{n}" for n in range(MANY))
        assert [group["text"] for group in tied.iterator(page_size=17)] == texts
        assert [group["text"] for group in tied.reverse()] == texts[::-1]
        assert [group["text"] for group in tied[40:90]] == texts[40:90]

    def test_a_servers_maximum_is_learnt(self, limited_server: DirectusServer) -> None:
        """G45: it refuses what is above its maximum."""
        make_collection(limited_server, "words", AUTO_KEY, column("text", "string"))
        with Session(limited_server.url, token=limited_server.token) as session:
            session.items("words").create([{"text": f"w{n:02d}"} for n in range(95)])
            groups = Word.objects.values_list("text", flat=True).distinct()
            assert list(groups) == [f"w{n:02d}" for n in range(95)]
            assert session.max_rows == 40
            assert groups.count() == 95

    def test_limits_and_orderings_go_to_the_server(self, session: Session) -> None:
        with session.capture() as sent:
            groups = list(by_carrier().order_by("-n", "carrier")[1:3])
        assert [group["carrier"] for group in groups] == ["B6", "LH"]
        (request,) = [entry.request for entry in sent]
        assert dict(request.params) | {"aggregate": ""} == {
            "aggregate": "",
            "groupBy": "carrier",
            "sort": "-count.id,carrier",
            "limit": "2",
            "offset": "1",
        }

    def test_a_second_loop_asks_nothing(self, session: Session) -> None:
        groups = by_carrier()
        assert len(groups) == 4
        with session.capture() as sent:
            assert [group["n"] for group in groups] == [65] * 4
            assert groups.count() == 4
            assert groups.exists()
            assert groups[1]["carrier"] == "B6"
        assert not sent

    def test_get_and_first_of_groups(self, session: Session) -> None:
        assert by_carrier().get(carrier="AA") == {"carrier": "AA", "n": 65}
        assert by_carrier().first() == {"carrier": "AA", "n": 65}
        assert by_carrier().last() == {"carrier": "a/b", "n": 65}
        assert by_carrier().latest("carrier")["carrier"] == "a/b"
        assert by_carrier().page(2, size=3) == Page([{"carrier": "a/b", "n": 65}], 4)
        assert {"carrier": "LH", "n": 65} in by_carrier()
        assert not by_carrier().filter(n__gt=65)
        with pytest.raises(Flight.DoesNotExist):
            by_carrier().get(n=1)

    def test_queries_that_match_nothing_send_no_request(self, session: Session) -> None:
        with session.capture() as sent:
            assert list(by_carrier().none()) == []
            assert by_carrier().filter(carrier__in=[]).count() == 0
            assert not by_carrier()[:0].exists()
        assert not sent

    def test_one_key_is_counted_without_being_read(self, session: Session) -> None:
        with session.capture() as sent:
            assert Flight.objects.values("note").distinct().count() == 9
            assert Flight.objects.values("plane").annotate(n=Count("*"))[1:9].count() == 3
        assert len(sent) == 2
        assert all("groupBy" not in dict(entry.request.params) for entry in sent)

    def test_groups_come_as_dictionaries_tuples_and_single_values(self, session: Session) -> None:
        groups = by_carrier().filter(carrier="AA")
        assert list(groups.values_list()) == [("AA", 65)]
        assert list(groups.values_list("n", flat=True)) == [65]
        (row,) = groups.values_list("n", "carrier", named=True)
        assert (row.n, row.carrier) == (65, "AA")
        assert list(Flight.objects.values_list("carrier").annotate(n=Count("*")).filter(carrier="AA")) == [
            ("AA", 65)
        ]
        named = Flight.objects.values_list("carrier", named=True).annotate(n=Count("*"), m=Max("id"))
        assert named[0].m == 257

    def test_querysets_pickle_with_their_groups(self, session: Session) -> None:
        groups = by_carrier().filter(n__gt=3).order_by("-n")
        assert list(pickle.loads(pickle.dumps(groups))) == list(groups)
        assert copy.copy(groups).query == groups.query
        days = Flight.objects.dates("time_hour", "day")[:2]
        assert list(pickle.loads(pickle.dumps(days))) == list(days)

    def test_a_second_annotate_adds_to_the_first(self, session: Session) -> None:
        more = by_carrier().annotate(Max("id")).alias(low=Min("id")).filter(low__lt=3)
        assert list(more) == [
            {"carrier": "AA", "n": 65, "id__max": 257},
            {"carrier": "B6", "n": 65, "id__max": 258},
        ]


class TestOrder:
    def test_a_database_that_takes_a_for_A_names_a_group_by_either(
        self, spoken: Session, words: DirectusServer
    ) -> None:
        """What comes by a second request belongs to the same group however that names it."""
        late = Count("*", filter=Q(text="ada") | Q(text="w1"))
        odd = Word.objects.filter(text__in=["Ada", "ada", "w1"])
        groups = {group["text"]: group["late"] for group in odd.values("text").annotate(late=late)}
        folds = words.database.vendor == "mysql"
        assert groups == (
            {next(iter(groups.keys() - {"w1"})): 2, "w1": 1} if folds else {"Ada": 0, "ada": 1, "w1": 1}
        )

    def test_a_column_called_like_a_function_is_refused(self, spoken: Session) -> None:
        """The server would name both the same, and show one."""
        with pytest.raises(UnsupportedQuery, match="two values called 'count'"):
            list(Word.objects.values("count").annotate(n=Count("*")))
        assert Word.objects.values("count").distinct().count() == 8
        assert len(Word.objects.values("count").annotate(s=Sum("id"))) == 8

    def test_means_are_ordered_to_the_last_digit(self, spoken: Session) -> None:
        """MariaDB keeps four digits of a mean of whole numbers, so that near ones would tie."""
        many = {"a1": [1] * 6 + [2] * 14, "z1": [1] * 7 + [2] * 13, "m1": [1] * 7 + [2] * 13}
        near = {"b1": [0] * 199 + [1], "y1": [0] * 200 + [1], "k1": [0] * 201 + [1]}
        rows = [{"text": text, "count": n} for text, ns in (many | near).items() for n in ns]
        spoken.items("words").create(rows)
        odd = Word.objects.filter(text__in=[*many, *near])
        try:
            means = odd.values_list("text").annotate(mean=Avg("count")).order_by("mean")
            assert [text for text, _ in means] == ["k1", "y1", "b1", "m1", "z1", "a1"]
            assert [mean for _, mean in means][:3] == [1 / 202, 1 / 201, 1 / 200]
            assert [text for text, _ in means.reverse()] == ["a1", "z1", "m1", "b1", "y1", "k1"]
            with spoken.capture() as sent:
                assert [text for text, _ in means.all()[1:2]] == ["y1"]
            assert len(sent) == 1
        finally:
            odd.delete()

    @pytest.mark.parametrize("sign", ["", "-"])
    def test_groups_merged_in_python_are_ordered_as_the_database_orders(self, spoken: Session, sign: str) -> None:
        """Texts by its collation, null where it puts null: as it orders them itself."""
        texts = [row.text for row in Word.objects.order_by(f"{sign}text")]
        late = Count("*", filter=Q(count=9))
        groups = Word.objects.values_list("text", "moment__week_day").annotate(late=late).order_by(f"{sign}text")
        found = [text for text, _, _ in groups]
        assert len(groups) == len(found)
        folded = list(dict.fromkeys(text and text.lower() for text in texts))
        assert list(dict.fromkeys(text and text.lower() for text in found)) == folded

    @pytest.mark.parametrize("name", ["plane__owner__name", "plane__maker"])
    def test_values_of_related_rows_are_ordered_as_the_database_does(self, session: Session, name: str) -> None:
        for sign in ("", "-"):
            wanted = dict.fromkeys(row[name] for row in Flight.objects.order_by(sign + name).values(name))
            groups = Flight.objects.values(name).annotate(n=Count("*")).order_by(sign + name)
            assert [group[name] for group in groups] == list(wanted)
            assert [row[name] for row in Flight.objects.values(name).distinct().order_by(sign + name)] == list(
                wanted
            )

    def test_null_is_placed_among_results_as_the_database_does(self, session: Session) -> None:
        some = Flight.objects.filter(id__lt=30)
        groups = some.values("carrier__name", "id").annotate(s=Sum("dep_delay")).order_by("s", "id")
        wanted = [row.dep_delay for row in some.order_by("dep_delay", "id")]
        assert [group["s"] for group in groups] == wanted


class TestConditionsOnGroups:
    def test_filters_before_annotate_are_on_rows_and_later_ones_on_groups(self, session: Session) -> None:
        with session.capture() as sent:
            groups = list(by_carrier().filter(n__gte=60, dep_delay__gt=3).filter(carrier__name="JetBlue"))
        assert groups == []
        filters = [dict(entry.request.params).get("filter", "") for entry in sent]
        assert "dep_delay" in filters[0]
        assert "JetBlue" in filters[0]

    def test_null_makes_a_condition_unknown(self, session: Session) -> None:
        """As in SQL, a condition on null is neither true nor false."""
        sums = Flight.objects.filter(id__lt=8).values("id").annotate(s=Sum("dep_delay"))
        null = {group["id"] for group in sums if group["s"] is None}
        assert null
        assert {group["id"] for group in sums.exclude(s__gt=0)}.isdisjoint(null)
        assert {group["id"] for group in sums.filter(Q(s__gt=0) | Q(s__isnull=True))} >= null
        assert {group["id"] for group in sums.exclude(s=None)}.isdisjoint(null)
        assert {group["id"] for group in sums.filter(s=None)} == null

    @pytest.mark.parametrize(
        ("lookups", "kept"),
        [
            ({"n": 65}, 4),
            ({"n__in": [1, 65, None]}, 4),
            ({"n__in": []}, 0),
            ({"n__range": (64, 66)}, 4),
            ({"n__gt": 64.5}, 4),
            ({"top__startswith": "x"}, 4),
            ({"top__icontains": "XX", "n__lte": 65}, 4),
            ({"last__gt": datetime(2014, 1, 11, 5, tzinfo=UTC)}, 2),
            ({"last__hour__in": [4, 5]}, 2),
            ({"last__date": date(2014, 1, 11)}, 4),
            ({"last__year__lt": 2014}, 0),
        ],
    )
    def test_lookups(self, session: Session, lookups: dict[str, Any], kept: int) -> None:
        groups = by_carrier().annotate(top=Max("note"), last=Max("time_hour"))
        assert len(groups.filter(**lookups)) == kept
        assert len(groups.exclude(**lookups)) == 4 - kept

    def test_a_slice_counts_the_groups_that_match(self, spoken: Session) -> None:
        words = Word.objects.filter(text__startswith="w").values("text").annotate(m=Max("count")).filter(m=3)
        every = list(words)
        assert len(every) == words.count() == 36
        assert list(words[5:9]) == every[5:9]
        assert words[35] == every[35]
        assert list(words.order_by("-text")[:3]) == every[::-1][:3]
        assert list(words.iterator(page_size=20)) == every


class TestAnnotations:
    def test_annotations_are_attributes_and_send_nothing(self, session: Session) -> None:
        named: Any = Flight.objects.annotate(
            airline=F("carrier__name"), year=F("time_hour__year"), maker=F("plane__maker")
        )
        with session.capture() as sent:
            rows = list(named.order_by("id")[:4])
            assert [(row.airline, row.year, row.maker) for row in rows] == [
                ("American Airlines", None, None),
                ("JetBlue", 2013, "BOEING"),
                ("Lufthansa", 2013, None),
                ("Odd Key", 2013, "Airbus"),
            ]
            assert [row.carrier.name for row in rows][:2] == ["American Airlines", "JetBlue"]
            assert rows[1].carrier.pk == "B6"
        assert len(sent) == 1

    def test_annotated_instances_can_be_saved(self, session: Session) -> None:
        row: Any = Flight.objects.annotate(airline=F("carrier__name")).get(id=2)
        before = row.dep_delay
        with session.capture() as sent:
            row.save()
            assert not sent
            row.dep_delay = 7
            row.save()
        assert [entry.request.json for entry in sent] == [{"dep_delay": 7}]
        assert row.airline == "JetBlue"
        assert "airline" not in row.to_dict()
        assert pickle.loads(pickle.dumps(row)).airline == "JetBlue"
        row.dep_delay = before
        row.save()

    def test_annotations_work_with_only_and_values(self, session: Session) -> None:
        named: Any = Flight.objects.annotate(airline=F("carrier__name")).filter(id=2)
        with session.capture() as sent:
            for rows in (named.only("id"), named.defer("note"), named.select_related("plane", "carrier")):
                assert rows[0].airline == "JetBlue"
            assert named.select_related("carrier")[0].carrier.country is None
        assert len(sent) == 4
        assert named.count() == 1
        assert named.exists()
        assert named.in_bulk([2])[2].airline == "JetBlue"

    def test_annotations_can_be_used_in_later_annotations(self, session: Session) -> None:
        rows: Any = (
            Flight.objects.annotate(line=F("carrier")).annotate(title=F("line__name")).filter(title="JetBlue")
        )
        assert rows.order_by("-title", "id")[0].title == "JetBlue"
        assert rows.values_list("title", "line").first() == ("JetBlue", "B6")
        assert rows.aggregate(n=Count("line")) == {"n": 65}

    def test_values_take_parts_of_dates_and_annotations(self, session: Session) -> None:
        rows = Flight.objects.order_by("id").filter(id__lt=3)
        assert list(rows.values("id", "time_hour__year", who=F("carrier__name"))) == [
            {"id": 1, "time_hour__year": None, "who": "American Airlines"},
            {"id": 2, "time_hour__year": 2013, "who": "JetBlue"},
        ]
        assert list(rows.values_list(F("carrier"), "time_hour__week_day")) == [("AA", None), ("B6", 3)]
        assert rows.annotate(y=F("time_hour__year")).values()[1]["y"] == 2013
        assert list(rows.values("id").annotate(y=F("time_hour__hour"))) == [
            {"id": 1, "y": None},
            {"id": 2, "y": 13},
        ]

    def test_parts_of_dates_order_rows(self, session: Session) -> None:
        known = Flight.objects.filter(time_hour__isnull=False)
        keys = [row.id for row in known.order_by("-time_hour__hour", "time_hour__day", "id")]
        rows = sorted(
            known, key=lambda row: (-row.time_hour.hour, row.time_hour.day, row.id) if row.time_hour else ()
        )
        assert keys == [row.id for row in rows]


class TestDates:
    def test_dates_and_moments(self, session: Session) -> None:
        hours = {row.time_hour for row in Flight.objects.all() if row.time_hour is not None}
        days = sorted({hour.date() for hour in hours})
        assert list(Flight.objects.dates("time_hour", "day")) == days
        assert list(Flight.objects.dates("time_hour", "day", order="DESC")) == days[::-1]
        assert list(Flight.objects.dates("time_hour", "quarter")) == [date(2013, 10, 1), date(2014, 1, 1)]
        assert list(Flight.objects.dates("time_hour", "week")) == [date(2013, 12, 30), date(2014, 1, 6)]
        assert list(Flight.objects.datetimes("time_hour", "hour")) == sorted(hours)
        assert list(Flight.objects.datetimes("time_hour", "second", "DESC")[:3]) == sorted(hours)[::-1][:3]
        assert Flight.objects.datetimes("time_hour", "year").first() == datetime(2013, 1, 1, tzinfo=UTC)
        assert Flight.objects.dates("time_hour", "day").count() == len(days)
        assert list(Flight.objects.filter(dep_delay=1000).dates("time_hour", "day")) == []

    def test_years_are_read_from_the_servers_groups(self, session: Session) -> None:
        with session.capture() as sent:
            assert list(Flight.objects.dates("time_hour", "year")) == [date(2013, 1, 1), date(2014, 1, 1)]
        assert [dict(entry.request.params)["groupBy"] for entry in sent] == ["year(time_hour)"]


class TestMomentsBefore1970:
    """SQLite's functions take seconds before 1970 for later ones where they have a fraction."""

    @pytest.fixture
    def early(self, spoken: Session, words: DirectusServer) -> Iterator[Any]:
        if words.database.vendor == "mysql":
            pytest.skip("MariaDB's timestamps begin with 1970")
        moments = ["1969-12-31T23:59:59.123Z", "1970-01-01T00:00:00.000Z", "1999-05-05T05:05:05.500Z", None]
        moments += ["1960-02-29T23:59:59.999Z", "1969-12-31T23:59:59.000Z"]
        spoken.items("words").create([{"text": "early", "count": 0, "moment": moment} for moment in moments])
        yield Word.objects.filter(text="early")
        Word.objects.filter(text="early").delete()

    def test_moments_are_in_the_right_groups(self, early: Any) -> None:
        years = early.values_list("moment__year").annotate(n=Count("*"))
        assert dict(years) == {None: 1, 1960: 1, 1969: 2, 1970: 1, 1999: 1}
        assert years.count() == 5
        assert years.filter(n=2).get() == (1969, 2)
        ordered = years.exclude(moment=None).order_by("-moment__year")
        assert list(ordered[1:3]) == [(1970, 1), (1969, 2)]
        assert ordered.last() == (1960, 1)
        assert dict(early.values_list("moment__month").annotate(n=Count("*"))) == {
            None: 1,
            2: 1,
            12: 2,
            1: 1,
            5: 1,
        }
        assert dict(early.values_list("moment__quarter").annotate(n=Count("moment"))) == {
            None: 0,
            1: 2,
            2: 1,
            4: 2,
        }
        assert date(1960, 2, 29) in early.values_list("moment__date", flat=True).distinct()

    def test_moments_are_among_the_dates(self, early: Any) -> None:
        assert list(early.dates("moment", "year")) == [date(year, 1, 1) for year in (1960, 1969, 1970, 1999)]
        assert early.dates("moment", "day")[0] == date(1960, 2, 29)
        assert early.datetimes("moment", "minute", "DESC")[2] == datetime(1969, 12, 31, 23, 59, tzinfo=UTC)

    def test_later_moments_need_no_second_request(self, session: Session) -> None:
        with session.capture() as sent:
            list(Flight.objects.values("time_hour__date").annotate(n=Count("*")))
        assert len(sent) == 1


class TestExplaining:
    def test_it_shows_what_is_sent(self, session: Session) -> None:
        """…, which is sent, but for what earlier requests find."""
        for groups in (
            by_carrier().order_by("-n")[:3],
            by_carrier().annotate(mean=Avg("dep_delay")).filter(n__gt=3),
            Flight.objects.values("carrier__name").annotate(
                t=Count("time_hour"), d=Count("plane__maker", distinct=True)
            ),
            Flight.objects.values("note").distinct(),
            Flight.objects.dates("time_hour", "month"),
        ):
            with session.capture() as sent:
                explained = groups.explain()
                assert not sent
                list(groups)
            shown = {str(ask.request) for ask in explained.asks}
            assert shown == {str(entry.request) for entry in sent if "/items/flights" in str(entry.request)}
            assert "groups of equal" in str(explained)

    def test_it_needs_no_session(self) -> None:
        assert "groupBy=carrier" in str(by_carrier().explain())
        assert "groupBy=carrier" in repr(by_carrier())
        assert "nothing is sent" in repr(by_carrier().none())

    def test_explain_shows_the_request_that_finds_the_rows_first(self) -> None:
        asks = Flight.objects.filter(note__contains="50%").values("carrier").annotate(n=Count("*")).explain().asks
        assert len(asks) > 1
        assert "groupBy" in str(asks[-1].request)


def anything(rows: Any) -> Any:
    """Return rows as checkers do not know them, for what they would refuse."""
    return rows


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        (lambda: by_carrier().order_by("dep_delay"), UnsupportedQuery, "groups have no single 'dep_delay'"),
        (lambda: by_carrier().order_by("nope"), FieldError, "nope"),
        (lambda: by_carrier().order_by(3), QueryError, "takes names"),
        (
            lambda: Flight.objects.order_by("dep_delay").values("carrier").annotate(n=Count("*")),
            UnsupportedQuery,
            "Django",
        ),
        (lambda: Flight.objects.order_by("id").values("carrier").distinct(), UnsupportedQuery, "after grouping"),
        (lambda: by_carrier().filter(Q(n__gt=1) | Q(dep_delay=3)), UnsupportedQuery, "about groups and"),
        (lambda: by_carrier().exclude(n__gt=1, dep_delay=3), UnsupportedQuery, "about groups and"),
        (lambda: by_carrier().filter(n__gt="x"), QueryError, "a number"),
        (lambda: by_carrier().filter(n__gt=None), QueryError, "None"),
        (lambda: by_carrier().filter(n__startswith="6"), UnsupportedQuery, "only texts"),
        (lambda: by_carrier().annotate(t=Max("note")).filter(t__gt="a"), UnsupportedQuery, "texts have no such"),
        (lambda: by_carrier().annotate(t=Max("time_hour")).filter(t=3), QueryError, "datetime"),
        (lambda: by_carrier().filter(n__regex="x"), FieldError, "Lookups"),
        (lambda: by_carrier().filter(n__range=(1,)), QueryError, "two values"),
        (lambda: by_carrier().filter(m__gt=3), FieldError, "'m'"),
        (lambda: by_carrier()[:3].filter(n=3), QueryError, "after a slice"),
        (lambda: by_carrier().annotate(x=F("note")), UnsupportedQuery, "after grouping"),
        (lambda: by_carrier().annotate(carrier=Count("*")), QueryError, "already"),
        (lambda: by_carrier().values("note"), UnsupportedQuery, "group by 'note'"),
        (lambda: by_carrier().aggregate(n=Count("*")), UnsupportedQuery, "in Python"),
        (lambda: by_carrier().values("n").distinct(), UnsupportedQuery, "in Python"),
        (lambda: Flight.objects.distinct("carrier"), UnsupportedQuery, "one row of each"),
        (lambda: Flight.objects.filter(carrier__in=by_carrier()), UnsupportedQuery, "as a list"),
        (lambda: Flight.objects.values("notes"), FieldError, "notes"),
        (lambda: Flight.objects.dates("note", "year"), QueryError, "date"),
        (lambda: Flight.objects.dates("time_hour", "hour"), QueryError, "kinds"),
        (lambda: Flight.objects.dates("time_hour", "year", "asc"), QueryError, "ASC or DESC"),
        (lambda: Flight.objects.order_by("time_hour__week"), UnsupportedQuery, "cannot order|not every database"),
        (lambda: Flight.objects.order_by("note__year"), FieldError, "year"),
        (lambda: Setting.objects.aggregate(n=Count("*")), UnsupportedQuery, "singleton"),
        (lambda: by_carrier().annotate(s=Sum("id", filter=Q(id=1))).order_by("s"), UnsupportedQuery, "default="),
        (
            lambda: anything(Flight.objects.values("carrier")).annotate(n="id"),
            UnsupportedQuery,
            "nothing else|takes Count",
        ),
    ],
)
def test_what_the_server_cannot_be_asked_is_refused_at_the_call(
    session: Session, wrong: Any, kind: type[Exception], says: str
) -> None:
    with session.capture() as sent, pytest.raises(kind, match=says):
        wrong()
    assert not sent


def test_instances_never_repeat_so_that_distinct_changes_nothing(session: Session) -> None:
    assert len(Flight.objects.distinct()) == 260
    assert Plane.objects.distinct().query == Plane.objects.all().query
    assert Airline.objects.values("carrier", "name").distinct().query.grouping is None
