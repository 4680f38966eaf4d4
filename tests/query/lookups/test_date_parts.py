"""Parts of dates that no date has: nothing is sent, and explain() says so."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from directus_orm import Model, field


class Visit(Model, collection="visits"):
    id: int = field(primary_key=True)
    began: datetime | None = None
    day: date | None = None
    hour_of_day: time | None = None


@pytest.mark.parametrize(
    ("lookup", "value"),
    [
        ("began__week", -1),
        ("began__week__in", []),
        ("day__week_day", 99),
        ("day__iso_week_day__gt", 99),
        ("began__second", 60),
        ("hour_of_day__minute__gt", 99),
    ],
)
def test_no_row_has_a_part_that_there_is_not(lookup: str, value: object) -> None:
    assert Visit.objects.filter(**{lookup: value}).query.is_empty
    assert "Nothing is sent" in str(Visit.objects.filter(**{lookup: value}).explain())
    assert Visit.objects.exclude(**{lookup: value}).query == Visit.objects.all().query
