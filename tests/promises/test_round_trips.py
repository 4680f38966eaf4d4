"""Values survive the trip to a database and back, for every type, on SQLite, PostgreSQL and MariaDB.

Values of which a database keeps less are in tests/writing/test_store_back.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from directus_orm import Model, QueryError, RoundedWarning, Session, UnsupportedQuery, field, generated
from directus_orm.testing import DirectusServer
from tests.worlds.every_type import (
    JSON,
    KEPT,
    LOOSE,
    SERVERS,
    TYPES,
    Place,
    Value,
    prepare,
    reloaded,
    takes_any_character,
)
from tests.worlds.server_setup import column, drop_collection, make_collection


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> DirectusServer:
    return prepare(request.getfixturevalue(request.param))


@pytest.fixture
def vendor(server: DirectusServer) -> str:
    return server.database.vendor


@pytest.fixture
def session(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session


# --- there and back -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("name", TYPES)
def test_a_value_of_every_type_comes_back_as_it_was_written(name: str) -> None:
    """By save() and by bulk_create(); as an instance, by values(), and by refresh()."""
    expected = KEPT[name]
    saved = Value(**{name: expected})
    saved.save()
    (bulk,) = Value.objects.bulk_create([Value(**{name: expected})])
    for value in (saved, bulk):
        assert getattr(value, name) == expected
        assert type(getattr(value, name)) is type(expected)
        assert getattr(reloaded(value), name) == expected
        assert Value.objects.filter(pk=value.pk).values(name).get() == {name: expected}
        setattr(value, name, None)
        value.refresh([name])
        assert getattr(value, name) == expected


@pytest.mark.usefixtures("session")
def test_null_is_written_and_read_for_every_type() -> None:
    value = Value(**KEPT)
    value.save()
    for name in TYPES:
        setattr(value, name, None)
    value.save()
    again = reloaded(value)
    assert {name: getattr(again, name) for name in TYPES} == dict.fromkeys(TYPES)


def test_a_loaded_row_is_clean_whatever_its_types(session: Session) -> None:
    """save() of an untouched row sends nothing, also where an equal value was assigned in another form."""
    value = Value(**KEPT)
    value.save()
    value = reloaded(value)
    with session.capture() as sent:
        value.save()
        value.price = Decimal("12345678.901230000")
        value.seen = KEPT["seen"].astimezone(timezone(timedelta(hours=5, minutes=30)))
        value.document = dict(reversed(KEPT["document"].items()))
        value.numbers = list(KEPT["numbers"])
        value.place = Place(1, -2.5, ["here"])
        value.ref = UUID(str(KEPT["ref"]).upper())
        value.save()
    assert not sent, sent


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tags", lambda value: value.tags.append("more")),
        ("numbers", lambda value: value.numbers.reverse()),
        ("document", lambda value: value.document["a"]["b"].append(1)),
        ("place", lambda value: value.place.names.append("there")),
        ("movie", lambda value: value.movie.update(year=1986)),
    ],
)
def test_a_change_in_place_is_sent(session: Session, name: str, change: Callable[[Value], object]) -> None:
    value = Value(**{name: KEPT[name]})
    value.save()
    value = reloaded(value)
    change(value)
    with session.capture() as sent:
        value.save()
    assert [list(entry.request.json) for entry in sent] == [[name]]
    assert getattr(reloaded(value), name) == getattr(value, name) != KEPT[name]


def test_one_is_not_true_inside_json(session: Session) -> None:
    """To Python 1 equals True; to the rows of a collection it does not."""
    value = Value(document={"a": 1})
    value.save()
    value.document = {"a": True}
    value.save()
    assert reloaded(value).document == {"a": True}
    assert reloaded(value).document["a"] is True  # type: ignore[index]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("anything", ["", "text", "NaN", True, False, 0, 1.5, [], {}, [[]], [None], ["123"]])
def test_a_json_field_keeps_any_value_at_its_top(anything: object) -> None:
    """Bare texts and booleans, which the server would parse or turn into numbers, included."""
    value = Value(anything=anything)
    value.save()
    for back in (value.anything, reloaded(value).anything):
        assert (back, type(back)) == (anything, type(anything))


# --- any values ---------------------------------------------------------------------------------------------

SAFE_INTS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def texts(server: DirectusServer) -> st.SearchStrategy[str]:
    last = 0x10FFFF if takes_any_character(server) else 0xFFFF
    characters = st.characters(max_codepoint=last, exclude_characters="\x00", exclude_categories=["Cs"])
    return st.text(characters, max_size=60).filter(lambda text: text != "**********")


def documents(server: DirectusServer) -> st.SearchStrategy[Any]:
    values, names = texts(server), texts(server).filter(lambda text: text != "__proto__")
    inner = st.recursive(
        st.none() | st.booleans() | SAFE_INTS | FLOATS | values,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(names, inner, max_size=3)


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A column of MariaDB ends in 2038, and its float at 99999.99999.
MOMENTS = {
    "mysql": st.datetimes(datetime(1970, 1, 3), datetime(2038, 1, 17), timezones=ZONES),
}
RATIOS = {
    "mysql": st.floats(-99999, 99999),
    "postgres": st.floats(width=32, allow_nan=False, allow_infinity=False),
}


def any_value(name: str, server: DirectusServer) -> st.SearchStrategy[Any]:
    vendor, text = server.database.vendor, texts(server)
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "name": text,
        "number": st.integers(-(2**31), 2**31 - 1),
        "big": st.integers(-(2**63), 2**63 - 1) if vendor == "postgres" else SAFE_INTS,
        "ratio": RATIOS.get(vendor, FLOATS) | st.sampled_from([0.1, 1 / 3, 12345.678, -5.0]),
        "price": st.decimals(-(10**9), 10**9, places=5),
        "done": st.booleans(),
        "seen": MOMENTS.get(vendor, st.datetimes(datetime(100, 1, 3), datetime(9999, 12, 30), timezones=ZONES)),
        "local": st.datetimes(datetime(100, 1, 1)),
        "day": st.dates(date(100, 1, 1)),
        "at": st.times().map(lambda moment: moment.replace(microsecond=0)),
        "ref": st.uuids(),
        "document": documents(server),
        "tags": st.lists(text.filter(lambda text: "," not in text), max_size=4).filter(lambda tags: tags != [""]),
    }
    return strategies[name]


ANY = "name number big ratio price done seen local day at ref document tags".split()
CUT: dict[str, Callable[[Any], Any]] = {
    "seen": lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000),
    "local": lambda moment: moment.replace(microsecond=0),
}
MODEST = settings(
    max_examples=2,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", ANY)
def test_any_value_comes_back_or_is_warned_of(session: Session, server: DirectusServer, name: str) -> None:
    """Equal to what was written (G30: cut to ms or s), else a RoundedWarning says what was stored instead.

    Then it is found again by exact, in, range and by comparison, and is clean.
    """

    @MODEST
    @given(st.lists(any_value(name, server), min_size=12, max_size=24))
    def check(values: list[Any]) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows = Value.objects.bulk_create([Value(**{name: value}) for value in values])
        assert all(issubclass(warning.category, RoundedWarning) for warning in caught)
        told = "\n".join(str(warning.message) for warning in caught)
        read = Value.objects.in_bulk([row.pk for row in rows])
        for row, written in zip(rows, values, strict=True):
            stored = getattr(read[row.pk], name)
            assert getattr(row, name) == stored, f"{written!r}: the instance is not what the server holds"
            sent = CUT.get(name, lambda value: value)(written)
            assert stored == sent or f"Value.{name}: {sent} was" in told or f"the server stored {stored}" in told
        with session.capture() as sent_again:
            for row in (*rows, *read.values()):
                row.save()
        assert not sent_again
        if name not in JSON:
            find_again(name, {row.pk: getattr(row, name) for row in rows}, server.database.vendor)

    check()


def find_again(name: str, stored: dict[int, Any], vendor: str) -> None:
    """Find rows by their values; a filter that the server cannot be asked says so."""
    if (vendor, name) == ("mysql", "ratio"):
        return  # MariaDB shows a float by other digits than it compares by: docs/types.md
    loose = name in LOOSE.get(vendor, ())
    value = list(stored.values())[-1]
    same = {pk for pk, other in stored.items() if other == value}
    assert_found(stored, {name: value}, same, loose)
    some = [value for value in list(stored.values())[:6] if value != ""]
    assert_found(stored, {f"{name}__in": some}, {pk for pk, value in stored.items() if value in some}, loose)
    if name in {"name", "done", "ref"}:
        return
    above = {pk for pk, other in stored.items() if other > value}
    assert_found(stored, {f"{name}__gt": value}, above)
    assert_found(stored, {f"{name}__gte": value}, above | same)
    assert_found(stored, {f"{name}__lt": value}, set(stored) - above - same)
    assert_found(stored, {f"{name}__range": (value, value)}, same)


def assert_found(stored: dict[int, Any], lookup: dict[str, Any], wanted: set[int], loose: bool = False) -> None:
    try:
        query = Value.objects.filter(pk__in=list(stored), **lookup)
    except UnsupportedQuery:
        return
    found = {row.pk for row in query}
    assert (wanted <= found) if loose else (wanted == found), query


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("name", ["color", "level", "money"])
def test_choices_and_own_types_are_found_by_their_values(name: str) -> None:
    value = Value(**{name: KEPT[name]})
    value.save()
    mine = Value.objects.filter(pk=value.pk)
    assert mine.filter(**{name: KEPT[name]}).exists()
    assert mine.filter(**{f"{name}__in": [KEPT[name]]}).exists()
    assert not mine.exclude(**{name: KEPT[name]}).exists()


@pytest.mark.usefixtures("session")
def test_g30_what_was_cut_is_found_by_what_was_stored() -> None:
    seen, local = datetime(2024, 1, 1, 12, 0, 0, 999, UTC), datetime(2024, 1, 1, 12, 0, 0, 999999)
    value = Value(seen=seen, local=local)
    value.save()
    assert (value.seen, value.local) == (seen.replace(microsecond=0), local.replace(microsecond=0))
    assert Value.objects.get(pk=value.pk, seen=value.seen, local=value.local).pk == value.pk
    assert not Value.objects.filter(pk=value.pk, seen=seen).exists()
    assert Value.objects.filter(pk=value.pk, seen__lt=seen, local__lt=local).exists()


@pytest.mark.usefixtures("session")
def test_a_value_is_found_in_a_long_list_of_those_that_are_compared_one_by_one() -> None:
    """SQLite refuses expressions of a depth of 1,000."""
    value = Value(ratio=0.5)
    value.save()
    mine, ratios = Value.objects.filter(pk=value.pk), [number / 8 for number in range(3_000)]
    assert mine.filter(ratio__in=ratios).exists()
    assert not mine.exclude(ratio__in=ratios).exists()


class Spot(Model, collection="orm_spots"):
    id: int = field(default=generated, primary_key=True)
    where: dict[str, Any] | None = field(default=None, type="geometry.Point")


@pytest.mark.usefixtures("session")
def test_geojson_comes_back_where_the_database_knows_geometry(server: DirectusServer, vendor: str) -> None:
    if vendor != "mysql":
        pytest.skip("needs SpatiaLite or PostGIS")
    drop_collection(server, "orm_spots")
    make_collection(server, "orm_spots", column("where", "geometry.Point"))
    spot = Spot(where={"type": "Point", "coordinates": [8.5, 47.25]})
    spot.save()
    assert spot.where == Spot.objects.get(pk=spot.pk).where == {"type": "Point", "coordinates": [8.5, 47.25]}
    nowhere = Spot.objects.create()
    around = {"type": "Polygon", "coordinates": [[[8, 47], [9, 47], [9, 48], [8, 48], [8, 47]]]}
    elsewhere = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}
    for lookup in ("where__intersects", "where__intersects_bbox"):
        assert list(Spot.objects.filter(**{lookup: around})) == [spot]
        assert list(Spot.objects.exclude(**{lookup: around})) == [nowhere]
        assert list(Spot.objects.exclude(**{lookup: elsewhere})) == [spot, nowhere]
    with pytest.raises(QueryError, match="GeoJSON"):
        Spot.objects.filter(where__intersects="here")
    drop_collection(server, "orm_spots")
