"""Times of Directus's own collections mean the same on each database (S29).

SQLite shows seconds of them, others milliseconds. The reference is Python, on the values as they are shown; each
database stores milliseconds.
"""

from __future__ import annotations

import operator
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import Count, Max, Min, Model, RoundedWarning, Session, field, generated
from directus_orm.system import User
from directus_orm.testing import DirectusServer
from tests.worlds.every_type import SERVERS
from tests.worlds.server_setup import drop_collection, make_collection, make_relation

MS = timedelta(milliseconds=1)
STARTS = [datetime(2024, 3, 10, 9, 59, 59, tzinfo=UTC), datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)]
MOMENTS = st.builds(
    lambda start, ms: start + ms * MS, st.sampled_from(STARTS), st.sampled_from([0, 1, 500, 999, 1000, 1001, 1700])
)
SEEN = User.objects.filter(last_name="of moments")
PROPERTY = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


class Visit(Model, collection="moment_visits"):
    id: int = field(default=generated, primary_key=True)
    user: User | None = None


@pytest.fixture(scope="module", params=SERVERS)
def users(request: pytest.FixtureRequest) -> Iterator[list[User]]:
    """Users who were seen at these times, or never; each has a visit."""
    server: DirectusServer = request.getfixturevalue(request.param)
    make_collection(server, "moment_visits")
    make_relation(server, "moment_visits", "user", "directus_users", "uuid", on_delete="CASCADE")
    times = [start + ms * MS for start in STARTS for ms in (0, 0, 1, 499, 500, 999, 1000, 1001, 1700, 2000)]
    with Session(server.url, token=server.token, timeout=60), warnings.catch_warnings():
        warnings.simplefilter("ignore", RoundedWarning)
        made = [User(first_name=f"{n:02}", last_name="of moments") for n in range(len(times) + 3)]
        User.objects.bulk_create(made)
        for user, moment in zip(made, times, strict=False):
            user.last_access = moment
        User.objects.bulk_update(made[: len(times)], ["last_access"])
        Visit.objects.bulk_create(Visit(user=user) for user in made)
        yield list(SEEN.order_by("first_name"))
        SEEN.delete()
    drop_collection(server, "moment_visits")


@pytest.fixture
def shown(users: list[User]) -> list[datetime]:
    return [user.last_access for user in users if user.last_access is not None]


def names(users: Any) -> list[str]:
    return sorted(user.first_name for user in users)


Condition = tuple[dict[str, Any], Callable[[datetime], bool]]


def _conditions(first: datetime, second: datetime) -> Iterator[Condition]:
    low, high = sorted((first, second))
    for lookup, name in {"exact": "eq", "gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}.items():
        yield {f"last_access__{lookup}": first}, partial(_compares, name, first)
    yield {"last_access__in": [first, second]}, lambda shown: shown in (first, second)
    yield {"last_access__range": (low, high)}, lambda shown: low <= shown <= high
    yield {"last_access__gt": low, "last_access__lt": high}, lambda shown: low < shown < high
    for part in ("year", "month", "hour", "minute", "second"):
        yield {f"last_access__{part}": getattr(first, part)}, partial(_has_part, part, getattr(first, part))
    yield {"last_access__year__gt": first.year}, lambda shown: shown.year > first.year
    yield {"last_access__date": first.date()}, lambda shown: shown.date() == first.date()
    yield {"last_access__date__lte": first.date()}, lambda shown: shown.date() <= first.date()


def _compares(name: str, moment: datetime, shown: datetime) -> bool:
    return bool(getattr(operator, name)(shown, moment))


def _has_part(part: str, value: int, shown: datetime) -> bool:
    return bool(getattr(shown, part) == value)


@PROPERTY
@given(st.data())
def test_lookups_compare_moments_as_they_are_shown(
    users: list[User], shown: list[datetime], data: st.DataObject
) -> None:
    drawn = st.one_of(MOMENTS, st.sampled_from(shown))
    for lookups, meets in _conditions(data.draw(drawn), data.draw(drawn)):
        wanted = [user for user in users if user.last_access and meets(user.last_access)]
        others = [user for user in users if user not in wanted]
        assert names(SEEN.filter(**lookups)) == names(wanted), lookups
        assert names(SEEN.exclude(**lookups)) == names(others), lookups
        assert SEEN.filter(**lookups).count() == len(wanted), lookups


def test_conditions_on_the_moments_of_related_rows_are_exact(users: list[User], shown: list[datetime]) -> None:
    for moment in (shown[0], shown[4], STARTS[0] + 500 * MS):
        for lookup, name in {"exact": "eq", "gt": "gt", "lt": "lt"}.items():
            compare = getattr(operator, name)
            wanted = [user for user in users if user.last_access and compare(user.last_access, moment)]
            visits = Visit.objects.filter(**{f"user__last_access__{lookup}": moment}).select_related("user")
            assert names(visit.user for visit in visits) == names(wanted)


def test_moments_are_ordered_sliced_and_updated(users: list[User], shown: list[datetime]) -> None:
    seen = SEEN.filter(last_access__isnull=False)
    assert [user.last_access for user in seen.order_by("last_access")] == sorted(shown)
    backwards = seen.order_by("-last_access").iterator(page_size=3)
    assert [user.last_access for user in backwards] == sorted(shown, reverse=True)
    assert seen.latest("last_access").last_access == max(shown)
    middle = sorted(shown)[len(shown) // 2]
    later = SEEN.filter(last_access__gt=middle)
    wanted = [user for user in users if user.last_access and user.last_access > middle]
    assert names(later.order_by("first_name")[1:3]) == names(wanted)[1:3]
    assert later.page(1, 2).total == len(wanted)
    assert later.exists()
    assert later.update(title="later") == len(wanted)
    assert names(SEEN.filter(title="later")) == names(wanted)


def test_aggregates_and_groups_have_moments_as_they_are_shown(users: list[User], shown: list[datetime]) -> None:
    first, last = Min("last_access"), Max("last_access")
    different = Count("last_access", distinct=True)
    assert SEEN.aggregate(first=first, last=last, n=Count("last_access"), different=different) == {
        "first": min(shown),
        "last": max(shown),
        "n": len(shown),
        "different": len({*shown}),
    }
    groups = SEEN.values("last_access").annotate(n=Count("*"))
    assert {group["last_access"]: group["n"] for group in groups} == Counter(user.last_access for user in users)
    hours = SEEN.filter(last_access__isnull=False).values("last_access__hour").annotate(n=Count("*"))
    assert {group["last_access__hour"]: group["n"] for group in hours} == Counter(each.hour for each in shown)
    seconds = SEEN.datetimes("last_access", "second")
    assert list(seconds) == sorted({each.replace(microsecond=0) for each in shown})


def test_a_moment_is_aware_and_naive_ones_are_refused(users: list[User]) -> None:
    assert all(user.last_access is None or user.last_access.utcoffset() == timedelta() for user in users)
    user = users[0]
    user.last_access = datetime(2024, 3, 10, 10)
    with pytest.raises(ValueError, match="aware datetimes"):
        user.save()
    user.refresh(["last_access"])
