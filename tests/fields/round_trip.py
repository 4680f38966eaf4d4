"""Values for tests of types: strategies, classes of JSON objects, and the trip to the server and back."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypedDict

import attrs
from hypothesis import strategies as st

from directus_orm.fields.annotation_types import field_type


@attrs.frozen
class Point:
    x: float
    y: float
    name: str | None = None


@attrs.define
class Shape:
    points: list[Point]
    made: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Incomparable:
    number: int


class Movie(TypedDict, total=False):
    title: str
    year: int


ANY_JSON = object


def round_trip(annotation: Any, value: Any, kind: str | None = None) -> Any:
    """Send a value through JSON and back, as a server does that keeps all of it."""
    declared = field_type(annotation, kind)
    sent = json.loads(json.dumps(declared.dump(value)))
    if declared.kind == "json" and isinstance(sent, str):  # the server parses the text of a json field
        sent = json.loads(sent)
    return declared.load(sent)


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])).filter(
    lambda text: text != "**********"
)
SAFE_INTS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9)
DATES = st.dates(min_value=date(100, 1, 1))
NAIVE = st.datetimes(min_value=datetime(100, 1, 1))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
AWARE = st.datetimes(min_value=datetime(100, 1, 2), max_value=datetime(9999, 12, 30), timezones=ZONES)
