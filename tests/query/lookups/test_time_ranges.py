"""A time that the server shows means the same in every lookup, however many digits the database keeps of it.

The rows are written past the library: by a JavaScript client, which stores milliseconds in a dateTime, by the
database's own clock, and, on SQLite, with a time of day in a date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import (
    Count,
    Max,
    Model,
    Prefetch,
    Q,
    QueryError,
    Related,
    Session,
    col,
    field,
    generated,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.every_type import SERVERS
from tests.worlds.server_setup import column, drop_collection, make_collection, make_relation, post


class Meeting(Model, collection="orm_meetings"):
    id: int = field(default=generated, primary_key=True)
    seen: datetime | None = None
    local: datetime | None = field(default=None, type="dateTime")
    day: date | None = None
    at: time | None = None
    talks: Related[Talk] = one_to_many("meeting")


class Talk(Model, collection="orm_talks"):
    id: int = field(default=generated, primary_key=True)
    meeting: Meeting | None = None
    local: datetime | None = field(default=None, type="dateTime")


TEN = datetime(2024, 5, 1, 10, tzinfo=UTC)
MS, SECOND, DAY = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(days=1)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    made: DirectusServer = request.getfixturevalue(request.param)
    kinds = {"seen": "timestamp", "local": "dateTime", "day": "date", "at": "time"}
    make_collection(made, "orm_meetings", *(column(name, kind) for name, kind in kinds.items()))
    make_collection(made, "orm_talks", column("local", "dateTime"))
    make_relation(made, "orm_talks", "meeting", "orm_meetings", reverse="talks")
    if made.database.vendor == "mysql":
        _run(made, "ALTER TABLE orm_meetings MODIFY seen TIMESTAMP(6) NULL, MODIFY local DATETIME(6) NULL")
        _run(made, "ALTER TABLE orm_talks MODIFY local DATETIME(6) NULL")
    yield made
    for name in ("orm_talks", "orm_meetings"):
        drop_collection(made, name)


@pytest.fixture
def meetings(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session
        Talk.objects.all().delete()
        Meeting.objects.all().delete()


def _run(server: DirectusServer, statement: str) -> None:
    connection = server.database.connect()
    connection.cursor().execute(statement)
    connection.close()


def written(server: DirectusServer, **values: Any) -> int:
    """Write a row as any client of the server does, and return its key."""
    key: int = post(server, "/items/orm_meetings", values)["id"]
    return key


def hidden(server: DirectusServer, moment: datetime) -> int:
    """Write a row with all the digits that the database keeps: SQLite milliseconds, others microseconds."""
    key = written(server, local=f"{moment:%Y-%m-%dT%H:%M:%S.%f}", seen=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z")
    if server.database.vendor != "sqlite":  # the server cuts timestamps to milliseconds before it writes them
        text = f"{moment:%Y-%m-%d %H:%M:%S.%f}"
        zone = "+00" if server.database.vendor == "postgres" else ""
        _run(server, f"UPDATE orm_meetings SET seen = '{text}{zone}', local = '{text}' WHERE id = {key}")
    return key


PYTHON: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda have, want: have == want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "in": lambda have, want: have in want,
    "range": lambda have, want: want[0] <= have <= want[1],
}


def check(rows: list[Meeting], name: str, lookup: str, value: Any) -> None:
    """Compare what the server finds, and leaves, with what Python says of the values that it shows."""
    values = {row.pk: getattr(row, name) for row in rows}
    wanted = {key for key, have in values.items() if have is not None and PYTHON[lookup](have, value)}
    condition = {f"{name}__{lookup}": value}
    keys = Meeting.objects.values_list("pk", flat=True)
    assert set(keys.filter(**condition)) == wanted, condition
    assert set(keys.exclude(**condition)) == values.keys() - wanted, condition


@pytest.mark.parametrize("name", ["seen", "local"])
def test_a_row_is_found_by_the_time_that_was_read(server: DirectusServer, meetings: Session, name: str) -> None:
    key = hidden(server, TEN + timedelta(microseconds=123_999))
    row = Meeting.objects.get()
    value = getattr(row, name)
    assert value.microsecond == (123_000 if name == "seen" else 0)
    for lookup in ("exact", "lte", "gte"):
        assert Meeting.objects.get(**{f"{name}__{lookup}": value}).pk == key
    for lookup in ("lt", "gt"):
        assert not Meeting.objects.filter(**{f"{name}__{lookup}": value}).exists()
    assert Meeting.objects.get(**{f"{name}__in": [value]}).pk == key
    assert Meeting.objects.get(**{f"{name}__range": (value, value)}).pk == key
    assert not Meeting.objects.exclude(**{name: value}).exists()
    assert Meeting.objects.get(Q(**{name: value}) & ~Q(**{f"{name}__gt": value})).pk == key


def test_a_row_that_the_database_dated_is_not_created_again(server: DirectusServer, meetings: Session) -> None:
    key = written(server)
    clock = "CURRENT_TIMESTAMP(6)"
    if server.database.vendor == "sqlite":  # as the server stores its own clock there
        clock = "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 987"
    _run(server, f"UPDATE orm_meetings SET seen = {clock}, local = {clock} WHERE id = {key}")
    row = Meeting.objects.get()
    assert row.seen is not None
    assert Meeting.objects.get_or_create(seen=row.seen, local=row.local) == (row, False)
    assert Meeting.objects.update_or_create({"day": date(2024, 5, 1)}, seen=row.seen) == (row, False)
    assert (
        Meeting.objects.filter(col(Meeting.local) == row.local, col(Meeting.seen) >= row.seen).update(day=None)
        == 1
    )
    assert Meeting.objects.count() == 1


def test_a_row_with_more_digits_than_are_stored_is_created_once(meetings: Session) -> None:
    moment = TEN + timedelta(microseconds=123_456)
    values: dict[str, Any] = {"seen": moment, "local": moment.replace(tzinfo=None)}
    first, created = Meeting.objects.get_or_create(**values)
    assert created
    assert Meeting.objects.get_or_create(**values) == (first, False)


def test_a_row_with_hidden_digits_is_not_taken_for_changed(server: DirectusServer, meetings: Session) -> None:
    hidden(server, TEN + timedelta(microseconds=123_999))
    row = Meeting.objects.get()
    row.local, row.day = row.local, date(2024, 5, 1)
    with meetings.capture() as sent:
        row.save(if_unmodified=True)
    assert [entry.request.json for entry in sent if entry.request.method == "PATCH"] == [{"day": "2024-05-01"}]


def test_groups_and_conditions_on_them_agree_with_the_rows(server: DirectusServer, meetings: Session) -> None:
    for microseconds in (0, 1_000, 400_000):
        hidden(server, TEN + timedelta(microseconds=microseconds))
    local, half = TEN.replace(tzinfo=None), timedelta(microseconds=500_000)
    groups = Meeting.objects.values("local").annotate(n=Count("*"))
    assert list(groups) == [{"local": local, "n": 3}]
    assert list(groups.filter(local=local)) == [{"local": local, "n": 3}]
    latest = Meeting.objects.values("local").annotate(n=Max("local"))
    for lookup, finds in {"exact": False, "gte": False, "gt": False, "lt": True, "lte": True}.items():
        assert bool(groups.filter(**{f"local__{lookup}": local + half})) is finds
        assert bool(latest.filter(**{f"n__{lookup}": local + half})) is finds


def test_times_of_related_rows_are_compared_alike(server: DirectusServer, meetings: Session) -> None:
    here, there, empty = (written(server) for _ in range(3))
    for meeting, text in ((here, "2024-05-01T10:00:00.700"), (there, "2024-05-01T10:00:01.300")):
        post(server, "/items/orm_talks", {"meeting": meeting, "local": text})
    _run(server, "UPDATE orm_meetings SET local = (SELECT local FROM orm_talks WHERE meeting = orm_meetings.id)")
    local = TEN.replace(tzinfo=None)
    keys = Meeting.objects.order_by("id").values_list("pk", flat=True)
    assert list(keys.filter(talks__local=local)) == [here]
    assert list(keys.exclude(talks__local=local)) == [there, empty]
    assert list(keys.filter(talks__local__gt=local)) == [there]
    assert list(keys.filter(talks__none=Q(local__lte=local))) == [there, empty]
    assert list(keys.filter(local__in=Talk.objects.values("local"))) == [here, there]
    assert Talk.objects.filter(meeting__local=local).count() == 1
    talks = Prefetch("talks", Talk.objects.filter(local=local))
    assert [len(meeting.talks) for meeting in Meeting.objects.order_by("id").prefetch_related(talks)] == [1, 0, 0]


def test_a_date_with_a_time_of_day_is_that_date(server: DirectusServer, meetings: Session) -> None:
    for text in ("2024-05-01T10:30:00", "2024-05-01", "2024-05-02T23:59:59.999", "2024-05-03"):
        written(server, day=text)
    days, rows = [date(2024, 4, 30) + n * DAY for n in range(5)], list(Meeting.objects.all())
    for day in days:
        for lookup in ("exact", "lt", "lte", "gt", "gte"):
            check(rows, "day", lookup, day)
    check(rows, "day", "in", days[::2])
    check(rows, "day", "range", (days[1], days[2]))
    groups = Meeting.objects.values_list("day").annotate(n=Count("*")).order_by("day")
    assert list(groups) == [(days[1], 2), (days[2], 1), (days[3], 1)]
    assert Meeting.objects.aggregate(n=Count("day", distinct=True)) == {"n": 3}
    assert list(Meeting.objects.dates("day", "day")) == days[1:4]


def test_a_time_of_day_written_without_seconds_is_that_time(server: DirectusServer, meetings: Session) -> None:
    """An HTML form sends "10:00", and SQLite keeps it."""
    for text in ("09:59:59", "10:00", "10:00:00", "10:00:01", "00:00"):
        written(server, at=text)
    rows = list(Meeting.objects.all())
    for moment in (time(10), time(10, 0, 1), time(0), time(9, 59, 59)):
        for lookup in ("exact", "lt", "lte", "gt", "gte"):
            check(rows, "at", lookup, moment)
    check(rows, "at", "in", [time(10), time(0)])
    assert Meeting.objects.filter(at__hour=10).count() == 3


def test_a_long_list_of_times_is_one_condition(server: DirectusServer, meetings: Session) -> None:
    """SQLite refuses expressions of a depth of 1,000."""
    hidden(server, TEN)
    times = [TEN + n * SECOND for n in range(5_000)]
    assert Meeting.objects.filter(seen__in=times).count() == 1
    assert Meeting.objects.exclude(seen__in=times).count() == 0


_DIGITS = st.sampled_from([0, 1, 999, 1_000, 400_000, 999_000, 999_999]) | st.integers(0, 999_999)
_MOMENTS = st.builds(
    lambda seconds, digits: TEN.replace(tzinfo=None) + timedelta(seconds=seconds, microseconds=digits),
    st.integers(-2, 2),
    _DIGITS,
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stored=st.lists(_MOMENTS, min_size=1, max_size=6), asked=st.lists(_MOMENTS, min_size=2, max_size=2))
def test_any_times_compare_as_python_compares_what_is_shown(
    server: DirectusServer, meetings: Session, stored: list[datetime], asked: list[datetime]
) -> None:
    Meeting.objects.all().delete()
    for moment in stored:
        hidden(server, moment)
    written(server)
    rows = list(Meeting.objects.all())
    for name in ("seen", "local"):
        values = [value.replace(tzinfo=UTC) if name == "seen" else value for value in [*asked, stored[0]]]
        for lookup in ("exact", "lt", "lte", "gt", "gte"):
            for value in values:
                check(rows, name, lookup, value)
        check(rows, name, "in", values)
        check(rows, name, "range", sorted(values[:2]))


def test_a_time_of_day_with_a_fraction_is_refused() -> None:
    with pytest.raises(QueryError, match="whole seconds"):
        Meeting.objects.filter(at=time(10, 0, 0, 1))
