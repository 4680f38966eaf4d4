"""The values that rows are ordered by come with the rows, and show nowhere else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from directus_orm import Count, Model, Related, Session, one_to_many
from directus_orm.core.request_response import Row
from directus_orm.dialects.registry import dialect_of
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.fields.paths import path_name
from directus_orm.reading.pagination.ordering_values import RowsWithOrderingValues
from directus_orm.reading.pagination.pager_driver import fetch
from directus_orm.reading.pagination.pagers import query_pager
from tests.worlds.flights import Airline, Flight, Plane

QUERYSETS: dict[str, Any] = {
    "key": Airline.objects.all(),
    "field": Flight.objects.order_by("dep_delay"),
    "fields": Flight.objects.order_by("-note", "distance", "-id"),
    "part of a date": Flight.objects.order_by("time_hour__year"),
    "relation": Flight.objects.order_by("plane"),
    "related row": Flight.objects.order_by("carrier__name"),
    "related row of a related row": Flight.objects.order_by("-plane__owner__name"),
    "count": Airline.objects.order_by("flights__count"),
    "count of a related row": Flight.objects.order_by("carrier__flights__count"),
    "other fields": Flight.objects.only("id").order_by("carrier__name", "note"),
    "related field": Flight.objects.values("carrier__country").order_by(
        "carrier__name", "carrier", "plane__owner"
    ),
    "related rows": Flight.objects.select_related("plane").order_by("plane__maker", "plane__owner__name"),
    "lists": Airline.objects.prefetch_related("flights").order_by("country"),
    "count that is wanted": Airline.objects.annotate(n=Count("flights")).order_by("flights__count"),
    "count of a related row that is wanted": Flight.objects.annotate(n=Count("carrier__flights")).order_by(
        "carrier__flights__count"
    ),
    "relation of a related row": Flight.objects.values("plane__owner__name").order_by(
        "plane__maker", "plane__owner"
    ),
}


@pytest.mark.parametrize("name", QUERYSETS)
def test_rows_are_those_of_the_query_itself(session: Session, name: str) -> None:
    """Those that come in windows of whole rows, and those that are read by key."""
    query, dialect = QUERYSETS[name].query, dialect_of(session)
    expected = dialect.rows(session.send(dialect.read(query.evolve(limit=1000))))
    for page_size in (60, 1):
        limited = query.evolve(limit=20 if page_size == 1 else None)
        pages = fetch(session, query_pager(limited, dialect, page_size))
        assert [row for page in pages for row in page] == expected[: limited.limit]


@pytest.mark.parametrize(
    ("name", "row", "left"),
    [
        ("field", {"id": 1, "carrier": "AA", "dep_delay": 7}, {"id": 1, "carrier": "AA", "dep_delay": 7}),
        ("related row", {"id": 1, "carrier__key": "AA", "carrier": {"name": "A"}}, {"id": 1, "carrier": "AA"}),
        ("related row", {"id": 1, "carrier__key": None, "carrier": None}, {"id": 1, "carrier": None}),
        ("related row", {"id": 1}, {"id": 1}),
        (
            "related row of a related row",
            {"id": 1, "plane__key": "N1", "plane": {"owner": {"name": "A"}, "owner__key": "AA"}},
            {"id": 1, "plane": "N1"},
        ),
        ("count", {"carrier": "AA", "flights_count": 3}, {"carrier": "AA"}),
        (
            "count of a related row",
            {"id": 1, "carrier__key": "AA", "carrier": {"carrier": "AA", "flights_count": 3}},
            {"id": 1, "carrier": "AA"},
        ),
        ("other fields", {"id": 1, "carrier": {"name": "A"}, "carrier__key": "AA", "note": "n"}, {"id": 1}),
        (
            "related field",
            {
                "id": 1,
                "carrier": {"country": "US", "name": "A"},
                "carrier__key": "AA",
                "plane": {"owner": "AA"},
                "plane__key": "N1",
            },
            {"id": 1, "carrier": {"country": "US"}, "carrier__key": "AA"},
        ),
        (
            "related rows",
            {
                "id": 1,
                "plane__key": "N1",
                "plane": {"tailnum": "N1", "maker": "B", "owner__key": "AA", "owner": {"name": "A"}},
            },
            {"id": 1, "plane__key": "N1", "plane": {"tailnum": "N1", "maker": "B", "owner": "AA"}},
        ),
        (
            "related rows",
            {"id": 1, "plane__key": None, "plane": None},
            {"id": 1, "plane__key": None, "plane": None},
        ),
        ("count that is wanted", {"carrier": "AA", "flights_count": 3}, {"carrier": "AA", "flights_count": 3}),
        (
            "count of a related row that is wanted",
            {"id": 1, "carrier__key": "AA", "carrier": {"carrier": "AA", "flights_count": 3}},
            {"id": 1, "carrier__key": "AA", "carrier": {"carrier": "AA", "flights_count": 3}},
        ),
        (
            "relation of a related row",
            {"id": 1, "plane": {"owner": {"name": "A"}, "maker": "B", "owner__key": "AA"}, "plane__key": "N1"},
            {"id": 1, "plane": {"owner": {"name": "A"}, "owner__key": "AA"}, "plane__key": "N1"},
        ),
    ],
)
def test_of_a_row_is_left_what_the_query_itself_reads(name: str, row: Row, left: Row) -> None:
    rows = [deepcopy(row), deepcopy(row)]
    RowsWithOrderingValues(QUERYSETS[name].query).remove_added(rows)
    assert rows == [left, left]


@pytest.mark.parametrize("name", [name for name in QUERYSETS if name != "key"])
def test_what_rows_are_ordered_by_comes_with_them(session: Session, name: str) -> None:
    """The same values, whatever else of the rows is read."""
    dialect, query = dialect_of(session), QUERYSETS[name].query
    read: list[list[Any]] = []
    for window in (
        RowsWithOrderingValues(query),
        RowsWithOrderingValues(query.with_paths((query.model.directus.pk,))),
    ):
        rows = dialect.rows(session.send(dialect.read(window.query.evolve(limit=1000))))
        read.append(window.values(rows))
    assert read[0] == read[1]
    assert set(read[0]) != {None}


@pytest.mark.parametrize(
    ("names", "row", "values"),
    [
        (["dep_delay"], {"id": 1, "dep_delay": 7}, 7),
        (["dep_delay", "distance"], {"id": 1, "dep_delay": 7, "distance": None}, (7, None)),
        (["note"], {"id": 1, "note": "late"}, hash("late")),
        (["time_hour__year"], {"id": 1, "time_hour": "2013-01-01T10:00:00Z"}, "2013-01-01T10:00:00Z"),
        (["plane__owner"], {"id": 1, "plane": {"owner": "AA"}}, hash("AA")),
        (["plane__owner"], {"id": 1, "plane": None}, hash(None)),
        (["plane__owner"], {"id": 1, "plane": 3}, hash(None)),
        (["plane__owner__flights__count"], {"id": 1, "plane": {"owner": {"flights_count": 4}}}, 4),
    ],
)
def test_the_values_of_a_row(names: list[str], row: Row, values: object) -> None:
    window = RowsWithOrderingValues(Flight.objects.order_by(*names).query)
    assert window.values([row, row]) == [values, values]
    assert window.values([]) == []


def test_a_key_brings_nothing_more() -> None:
    query = Airline.objects.order_by("-pk").query
    window = RowsWithOrderingValues(query)
    assert window.query == query
    assert window.values([{"carrier": "AA"}, {"carrier": "B6"}]) == [None, None]


class Shelf(Model):
    id: int
    label: str
    books_count: int
    books: Related[Book] = one_to_many("shelf")
    boxes: Related[Box] = one_to_many("shelf")
    lamps: Related[Lamp] = one_to_many("shelf")


class Book(Model):
    id: int
    shelf: Shelf | None = None


class Box(Model):
    id: int
    shelf: Shelf | None = None


class Lamp(Model):
    id: int
    shelf: Shelf | None = None


def test_a_count_whose_name_a_field_has_is_not_read() -> None:
    """It would stand in the place of the field."""
    query = Shelf.objects.order_by("books__count").query
    assert RowsWithOrderingValues(query).query == query
    assert "count(books)" in str(V10Dialect().read(query.evolve(limit=1)).params)
    query = Book.objects.order_by("shelf__books__count").query
    assert RowsWithOrderingValues(query).query == query


def test_each_count_is_read() -> None:
    window = RowsWithOrderingValues(Shelf.objects.order_by("boxes__count", "lamps__count").query)
    fields = dict(V10Dialect().read(window.query.evolve(limit=1)).params)["fields"]
    assert "count(boxes),count(lamps)" in str(fields)
    row: Row = {"id": 1, "boxes_count": 2, "lamps_count": 3}
    assert window.values([row]) == [(2, 3)]
    window.remove_added([row])
    assert row == {"id": 1}


def test_of_a_text_of_a_related_row_the_hash_is_kept() -> None:
    """Whatever the type of the relation."""
    window = RowsWithOrderingValues(Book.objects.order_by("shelf__label").query)
    assert window.values([{"id": 1, "shelf": {"label": "top"}}]) == [hash("top")]


def test_key_windows_read_few_values() -> None:
    pk = Plane.directus.pk
    window = RowsWithOrderingValues(Plane.objects.order_by("maker", "owner__name").query.with_paths((pk,)))
    assert [path_name(path) for path in window.query.paths] == ["tailnum", "maker", "owner__name"]
