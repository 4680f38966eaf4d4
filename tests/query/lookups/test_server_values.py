"""now(), current_user and current_role: values that the server evaluates, on every database."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    Model,
    Q,
    QueryError,
    Session,
    UnsupportedQuery,
    col,
    current_role,
    current_user,
    field,
    generated,
    now,
)
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight
from tests.worlds.server_setup import column, delete, drop_collection, make_collection, make_relation, post, user


class User(Model, collection="directus_users"):
    id: UUID


class Role(Model, collection="directus_roles"):
    id: str


class Shift(Model):
    id: int = field(default=generated, primary_key=True)
    day: date | None = None
    moment: datetime | None = None
    plain: datetime | None = field(default=None, type="dateTime")
    at: time | None = None
    owner: User | None = None
    role: Role | None = None
    token: UUID | None = None
    airline: Airline | None = None


# Far enough from the bounds that are asked for, that a slow machine changes nothing.
HOURS = (-800, -49, -25, -23, -2, 2, 23, 25, 49, 800, None)


@pytest.fixture(scope="module", params=["directus_server", "directus_postgres", "directus_mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    made: DirectusServer = request.getfixturevalue(request.param)
    make_collection(
        made,
        "shifts",
        column("day", "date"),
        column("moment", "timestamp"),
        column("plain", "dateTime"),
        column("at", "time"),
        column("token", "uuid"),
    )
    make_relation(made, "shifts", "owner", "directus_users", "uuid", on_delete="SET NULL")
    make_relation(made, "shifts", "role", "directus_roles", "uuid", on_delete="SET NULL")
    yield made
    drop_collection(made, "shifts")


@pytest.fixture
def session(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session
        Plain.objects.all().delete()


class Plain(Model, collection="shifts"):
    """The collection without relations to system collections, which have routes of their own."""

    id: int = field(default=generated, primary_key=True)
    day: date | None = None
    moment: datetime | None = None
    plain: datetime | None = field(default=None, type="dateTime")
    token: UUID | None = None


class Owned(Model, collection="shifts"):
    """The same with them, by key."""

    id: int = field(default=generated, primary_key=True)
    owner: User | None = None
    role: Role | None = None
    token: UUID | None = None


def moments() -> list[datetime | None]:
    here = datetime.now(UTC).replace(microsecond=0)
    return [None if hours is None else here + timedelta(hours=hours) for hours in HOURS]


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "exact": lambda have, want: have == want,
}

SHIFTS = {
    None: timedelta(),
    "-1 day": timedelta(days=-1),
    "+24 hours": timedelta(days=1),
    "1 d": timedelta(days=1),
    "-1 w": timedelta(weeks=-1),
    "+1440 min": timedelta(days=1),
    "-86400s": timedelta(days=-1),
    "+86400000 ms": timedelta(days=1),
}


def check(name: str, lookup: str, value: Any, holds: Callable[..., bool], *bounds: Any) -> None:
    """Compare the rows that meet a condition, and those that do not, with a rule of Python's."""
    rows = list(Plain.objects.all())
    wanted = {row.id for row in rows if getattr(row, name) is not None and holds(getattr(row, name), *bounds)}
    condition = Q(**{f"{name}__{lookup}": value})
    assert {row.id for row in Plain.objects.filter(condition)} == wanted
    assert {row.id for row in Plain.objects.exclude(condition)} == {row.id for row in rows} - wanted
    assert {row.id for row in Plain.objects.filter(~~condition)} == wanted


@pytest.mark.parametrize("adjustment", SHIFTS, ids=str)
def test_now_is_compared_with_every_field_that_holds_a_date(session: Session, adjustment: str | None) -> None:
    """Also where it is negated: rows without a value are then among the others (G19)."""
    for moment in moments():
        naive = moment and moment.replace(tzinfo=None)
        Plain(moment=moment, plain=naive, day=moment and moment.date()).save()
    for lookup, compare in OPERATORS.items():
        here = datetime.now(UTC) + SHIFTS[adjustment]
        check("moment", lookup, now(adjustment), compare, here)
        check("plain", lookup, now(adjustment), compare, here.replace(tzinfo=None))
        check("day", lookup, now(adjustment), compare, here.date())


def test_now_in_ranges_and_lists(session: Session) -> None:
    for moment in moments():
        Plain(moment=moment, day=moment and moment.date()).save()
    here = datetime.now(UTC)
    week, day = timedelta(weeks=1), timedelta(days=1)
    for bounds in ((now("-1 week"), now("+1 day")), [here - week, now("1d")], (now("-7 days"), here + day)):
        check("moment", "range", bounds, lambda have: here - week <= have <= here + day)
    today = here.date()
    for dates in ((now("-1 week"), now("+1 day")), [today - week, now("1d")], (now("-7 days"), today + day)):
        check("day", "range", dates, lambda have: today - week <= have <= today + day)
    check("day", "in", [now("-1 day"), today + day, None], lambda have: have in (today - day, today + day))
    check("day", "in", {now("-1 day")}, lambda have: have == today - day)
    check("moment", "in", [now(), None], lambda _: False)


def test_months_and_years(session: Session) -> None:
    for days in (-1500, -340, -40, -20, 0, 20, 40):
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
        Plain(moment=moment, day=moment.date()).save()
    for adjustment, days in (("-1 month", 31), ("-1 mo", 31), ("-1 year", 365), ("-4 y", 1461)):
        edge = datetime.now(UTC) - timedelta(days=days)
        check("moment", "lt", now(adjustment), OPERATORS["lt"], edge)
        check("day", "lte", now(adjustment), OPERATORS["lte"], edge.date())
        check("day", "gt", now(adjustment), OPERATORS["gt"], edge.date())


@pytest.mark.parametrize("lookup", ["lt", "gte", "exact"])
def test_a_date_and_months_are_refused_where_the_databases_differ(lookup: str) -> None:
    with pytest.raises(UnsupportedQuery, match="lte and gt only"):
        Plain.objects.filter(**{f"day__{lookup}": now("-1 month")})


def test_what_is_sent() -> None:
    assert "$NOW(-1 day)" in str(Plain.objects.filter(moment__lt=now("-1 d")).explain())
    assert '{"_lt":"$NOW"}' in str(Plain.objects.filter(moment__lt=now("0 days")).explain())
    assert '{"_lte":"$NOW(-49 hour)"}' in str(Plain.objects.filter(day__lt=now("-25 hours")).explain())
    assert '{"_gt":"$NOW(+13 day)"}' in str(Plain.objects.filter(day__gte=now("2 weeks")).explain())
    assert Plain.objects.filter(col(Plain.moment) < now()).query == Plain.objects.filter(moment__lt=now()).query


@pytest.mark.parametrize(
    "adjustment",
    [
        *(
            "",
            " ",
            "tomorrow",
            "1",
            "-1",
            "day",
            "1 fortnight",
            "1.5 days",
            "- 1 day",
            "--1 day",
            "+-1 day",
            "1  day",
        ),
        *("-1 day -2 hours", "1 day)", "1 M", "1 Day", "\uff11 day", "1e3 days", 1, b"1 day", timedelta(1)),
    ],
    ids=repr,
)
def test_an_adjustment_that_means_nothing_is_refused(adjustment: Any) -> None:
    """The server would take it for no adjustment, without an error."""
    with pytest.raises(QueryError, match=r"a whole number and a unit.*Units: millisecond,"):
        now(adjustment)


@pytest.mark.parametrize("adjustment", ["1001 years", "-366001 days", "9" * 5000 + " ms"], ids=lambda a: a[:20])
def test_an_adjustment_beyond_the_calendar_is_refused(adjustment: str) -> None:
    with pytest.raises(QueryError, match="at most 1,000 years"):
        now(adjustment)


def test_server_values_are_comparable_and_pickle() -> None:
    assert now("-1 day") == now("-1 d") != now("+1 day")
    assert hash(now("1 w")) == hash(now("+1 week"))
    assert now("0 months") == now()
    assert repr([now(), now("-90min"), current_user, current_role]) == (
        "[now(), now('-90 minute'), current_user, current_role]"
    )
    for value in (now("-1 day"), current_user, current_role):
        assert pickle.loads(pickle.dumps(value)) == value
        assert eval(repr(value)) == value
    assert pickle.loads(pickle.dumps(current_user)) is current_user
    query = Owned.objects.filter(owner=current_user).query
    assert pickle.loads(pickle.dumps(query)) == query


@pytest.mark.parametrize(
    ("model", "lookups", "text"),
    [
        (Shift, {"at__lt": now()}, "a text without a date"),
        (Shift, {"owner": now()}, "of type uuid"),
        (Flight, {"dep_delay__gt": now()}, "of type integer"),
        (Flight, {"note": now()}, "of type string"),
        (Flight, {"note__in": ["a", now()]}, "of type string"),
        (Flight, {"note": current_user}, "is neither"),
        (Flight, {"dep_delay": current_user}, "is neither"),
        (Shift, {"airline": current_user}, "is neither"),
        (Shift, {"role": current_user}, "is neither"),
        (Shift, {"owner": current_role}, "is neither"),
        (Shift, {"owner__in": [current_role]}, "is neither"),
        (Shift, {"moment": current_user}, "is neither"),
        (Shift, {"moment__isnull": now()}, "takes no now"),
        (Shift, {"owner__isnull": current_user}, "takes no current_user"),
        (Shift, {"moment__in": now()}, "takes no now"),
        (Shift, {"owner__in": current_user}, "takes no current_user"),
        (Shift, {"moment__range": now()}, "takes no now"),
        (Shift, {"moment__range": [now()]}, "takes two values"),
        (Shift, {"moment__range": [now(), None]}, "takes two values"),
        (Shift, {"moment__range": {now(), now("1d")}}, "takes no now"),
        (Shift, {"moment__range": [now(), 3]}, "a datetime is expected"),
        (Shift, {"moment__lt": [now()]}, "takes no now"),
        (Shift, {"day__in": [now(), 3]}, "a date is expected"),
        (Flight, {"note__contains": now()}, "no 'contains'|takes no now|of type string"),
    ],
    ids=str,
)
def test_other_fields_and_lookups_refuse_server_values(model: Any, lookups: dict[str, Any], text: str) -> None:
    with pytest.raises(QueryError, match=text):
        model.objects.filter(**lookups)
    with pytest.raises(QueryError, match=text):
        model.objects.exclude(**lookups)


def test_server_values_cannot_be_written(session: Session) -> None:
    row = Plain()
    row.save()
    with pytest.raises(ValueError, match="a datetime is expected"):
        Plain.objects.filter(id=row.id).update(moment=now())
    with pytest.raises(ValueError, match="a datetime is expected"):
        Plain(moment=now()).save()  # type: ignore[arg-type]


def test_a_text_is_never_a_server_value() -> None:
    """G17: what a user typed is not evaluated, even if it is what would be sent."""
    for lookups in (
        {"moment__lt": now().sent},
        {"day__in": [now("-1 day").sent]},
        {"owner": current_user.sent},
        {"token": current_role.sent},
    ):
        with pytest.raises(QueryError, match=r"is expected|badly formed"):
            Shift.objects.filter(**lookups)


class TestCurrentUser:
    @pytest.fixture
    def clerk(self, server: DirectusServer, session: Session) -> Iterator[str]:
        """The token of a user; of the five rows, one is theirs, one another user's, one has their role only."""
        with user(server, "planner", shifts=["read"]) as token:
            role = self._one(session, "/roles", {"name": {"_eq": "planner"}})
            me = self._one(session, "/users", {"role": {"_eq": role}})
            admin = session.get("/users/me")["id"]
            session.items("shifts").create(
                [
                    {"owner": me, "role": role, "token": me},
                    {"owner": admin},
                    {"role": role, "token": str(UUID(int=1))},
                    {"token": admin},
                    {},
                ]
            )
            yield token

    @staticmethod
    def _one(session: Session, path: str, condition: dict[str, Any]) -> str:
        (row,) = session.get(path, {"filter": condition, "fields": "id"})
        return str(row["id"])

    @staticmethod
    def _places(*conditions: Q, session: Session | None = None) -> list[int]:
        """Return which of the five rows are found, numbered from 0."""
        rows = Owned.objects.only("id") if session is None else Owned.objects.only("id").using(session)
        everything = [row.id for row in rows]
        return [everything.index(row.id) for row in rows.filter(*conditions)]

    def test_it_is_the_user_of_the_session(self, server: DirectusServer, clerk: str) -> None:
        with Session(server.url, token=clerk):
            assert self._places(Q(owner=current_user)) == [0]
            assert self._places(~Q(owner=current_user)) == [1, 2, 3, 4]
            assert self._places(Q(owner__in=[current_user, None])) == [0]
            assert self._places(~Q(owner__in=[current_user])) == [1, 2, 3, 4]
            assert self._places(Q(owner__pk=current_user)) == [0]
            assert self._places(Q(token=current_user)) == [0]
            assert self._places(Q(token__in=[current_user, UUID(int=1)])) == [0, 2]
            assert self._places(~Q(token__in=[current_user, UUID(int=1)])) == [1, 3, 4]
            assert self._places(Q(role=current_role)) == [0, 2]
            assert self._places(~Q(role=current_role)) == [1, 3, 4]
            assert self._places(col(Owned.owner) == current_user) == [0]
            assert self._places(col(Owned.owner) != current_user) == [1, 2, 3, 4]
        with Session(server.url, token=server.token):
            assert self._places(Q(owner=current_user)) == [1]
            assert self._places(Q(owner=current_user) | Q(token=current_user)) == [1, 3]

    def test_for_the_public_nobody_is_current(self, server: DirectusServer, clerk: str) -> None:
        """The server makes "equals null" of it, and would find the rows that are nobody's."""
        with public(server, "shifts"), Session(server.url):
            assert len(self._places()) == 5
            for condition in (
                Q(owner=current_user),
                Q(owner__in=[current_user]),
                Q(token=current_user),
                Q(role=current_role),
            ):
                assert self._places(condition) == []
                assert self._places(~condition) == [0, 1, 2, 3, 4]
            assert self._places(Q(token__in=[current_user, UUID(int=1)])) == [2]


@contextmanager
def public(server: DirectusServer, collection: str) -> Iterator[None]:
    """Let everybody read a collection."""
    permission = {"collection": collection, "action": "read", "fields": ["*"]}
    if server.version.startswith("10."):
        made = [f"/permissions/{post(server, '/permissions', {'role': None, **permission})['id']}"]
    else:
        policy = post(server, "/policies", {"name": "everybody", "icon": "add"})["id"]
        post(server, "/access", {"role": None, "user": None, "policy": policy})
        post(server, "/permissions", {"policy": policy, **permission})
        made = [f"/policies/{policy}"]
    try:
        yield
    finally:
        for path in made:
            delete(server, path)
