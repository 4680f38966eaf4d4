"""Rows whose key is hidden from the user cannot be told apart: whatever reads them raises an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from directus_orm import ConversionError, Count, Max, Model, Q, Related, Session, field, generated, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    AUTO_KEY,
    column,
    drop_collection,
    key,
    make_collection,
    make_relation,
    post,
    user,
)
from tests.worlds.tiny_server import Scripted, TinyServer


class Shelf(Model, collection="shelves_hidden"):
    code: str = field(primary_key=True)
    name: str | None = None
    boxes: Related[Box] = one_to_many("shelf")


class Box(Model, collection="boxes_hidden"):
    id: int = field(default=generated, primary_key=True)
    n: int | None = None
    status: str | None = None
    at: datetime | None = None
    shelf: Shelf | None = None


WAYS: dict[str, Callable[[], Any]] = {
    "a loop by key": lambda: list(Box.objects.all()),
    "a loop in another order": lambda: list(Box.objects.order_by("n")),
    "a loop over text keys": lambda: list(Shelf.objects.all()),
    "an iterator": lambda: list(Box.objects.iterator(page_size=2)),
    "one row": lambda: Box.objects.first(),
    "values": lambda: list(Box.objects.values("n")),
    "one value": lambda: list(Box.objects.values_list("n", flat=True)),
    "a page": lambda: Box.objects.page(1, 10),
    "rows by key": lambda: Box.objects.in_bulk([1, 2]),
    "a test in Python": lambda: list(Shelf.objects.filter(name__contains="a%")),
    "a sub-query": lambda: list(Box.objects.filter(shelf__in=Shelf.objects.filter(name="x")[:5])),
    "parts": lambda: Shelf.objects.partition(2),
    "an update": lambda: Box.objects.filter(n=1).update(n=2),
    "a deletion": lambda: Box.objects.filter(n=1).delete(),
    "existence": lambda: Box.objects.exists(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hidden", [{"id": None, "code": None}, {}], ids=["null", "left out"])
def test_a_row_without_its_key(tiny: TinyServer, way: str, hidden: dict[str, None]) -> None:
    other = {"id": 1, "code": "a", "n": 1, "name": "x", "status": None, "shelf": None}
    without = {"n": 1, "name": "a%", "status": None, "shelf": None, **hidden}
    rows = [without] if way in {"one row", "existence"} else [other, without]
    tiny.answers(Scripted(body={"data": rows, "meta": {"filter_count": len(rows)}}))
    way_out = r"its permissions include '(id|code)'"
    with Session(tiny.url, token="t"), pytest.raises(ConversionError, match=way_out):
        WAYS[way]()
    assert {*tiny.methods} <= {"GET", "SEARCH"}  # and nothing is written


@pytest.mark.parametrize("shelf", [{"code": None, "name": "x"}, {"name": "x"}], ids=["null", "left out"])
def test_a_related_row_without_its_key(tiny: TinyServer, shelf: dict[str, Any]) -> None:
    tiny.answers(Scripted(body={"data": [{"id": 1, "n": 1, "status": None, "shelf": shelf, "shelf__key": "a"}]}))
    with Session(tiny.url, token="t"):
        (box,) = Box.objects.select_related("shelf")
        with pytest.raises(ConversionError, match="its permissions include 'code'"):
            assert box.shelf
    tiny.answers(Scripted(body={"data": [{"code": "a", "name": "x", "boxes": [{"n": 1, "status": None}]}]}))
    with Session(tiny.url, token="t"), pytest.raises(ConversionError, match="its permissions include 'id'"):
        list(Shelf.objects.prefetch_related("boxes"))


# More rows than two pages of whole rows.
SHELVES = [f"s{number:04}" for number in range(1300)]


@pytest.fixture(scope="module")
def server(world: DirectusServer) -> Iterator[DirectusServer]:
    """Eight boxes, and many shelves; the keys of the last of them are hidden from some."""
    drop_collections(world)
    make_collection(world, "shelves_hidden", key("string", "code"), column("name", "string"))
    columns = [column("n", "integer"), column("status", "string"), column("at", "dateTime")]
    make_collection(world, "boxes_hidden", AUTO_KEY, *columns)
    make_relation(world, "boxes_hidden", "shelf", "shelves_hidden", "string", reverse="boxes")
    post(world, "/items/shelves_hidden", [{"code": code, "name": code} for code in SHELVES])
    boxes = [{"n": n % 3, "status": "on" if n % 2 else "off", "shelf": SHELVES[n % 2]} for n in range(1, 9)]
    post(world, "/items/boxes_hidden", [{**box, "at": "2024-05-06T07:08:09"} for box in boxes])
    yield world
    drop_collections(world)


def drop_collections(server: DirectusServer) -> None:
    for name in ("boxes_hidden", "shelves_hidden"):
        drop_collection(server, name)


@pytest.fixture
def limited(server: DirectusServer) -> Iterator[Session]:
    """A session of a user from whom the keys of four boxes and of the last shelf are hidden."""
    if server.version.startswith("12."):
        pytest.skip("without a licence it has no permissions for single rows")
    rules = {"boxes_hidden": {"id": {"_lte": 4}}, "shelves_hidden": {"code": {"_neq": SHELVES[-1]}}}
    shown = {"boxes_hidden": ["n", "shelf", "at"], "shelves_hidden": ["name"]}
    may: dict[str, Any] = dict.fromkeys(shown, ("read", "update", "delete"))
    with user(server, "keyhider", rules, shown, **may) as token, Session(server.url, token=token) as session:
        yield session


REAL_WAYS: dict[str, Callable[[], Any]] = {
    "an update": lambda: Box.objects.filter(n__gte=0).update(n=7),
    "a deletion": lambda: Box.objects.filter(n__gte=0).delete(),
    "a slice": lambda: Box.objects.filter(n__gte=0).order_by("id")[2:8].update(n=7),
    "a loop": lambda: list(Box.objects.all()),
    "one value": lambda: list(Box.objects.values_list("n", flat=True)),
    "a long loop in another order": lambda: list(Shelf.objects.order_by("name").iterator(page_size=100)),
    "parts": lambda: [list(part) for part in Shelf.objects.partition(2)],
}


@pytest.mark.row_rules
@pytest.mark.parametrize("way", REAL_WAYS)
def test_no_row_is_skipped(server: DirectusServer, limited: Session, way: str) -> None:
    """Nothing is written, either."""
    with pytest.raises(ConversionError, match=r"its permissions include '(id|code)'"):
        REAL_WAYS[way]()
    with Session(server.url, token=server.token):
        assert sorted(Box.objects.values_list("n", flat=True)) == [0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.row_rules
def test_rows_whose_keys_are_shown_are_written(server: DirectusServer, limited: Session) -> None:
    with limited.capture() as requests:
        assert Box.objects.filter(id__lte=4).update(shelf=None) == 4
    assert [entry.request.method for entry in requests] == ["GET", "PATCH"]


def test_rows_that_are_deleted_meanwhile_are_not_missed(tiny: TinyServer) -> None:
    """The server counted three rows, and returned two; then it has no more than two."""
    tiny.answers(
        Scripted(body={"data": [{"id": 1}, {"id": 2}], "meta": {"filter_count": 3}}),
        Scripted(body={"data": [], "meta": {"filter_count": 2}}),
        Scripted(body={"data": [{"id": 2}], "meta": {"filter_count": 2}}),
        Scripted(status=204, body=""),
    )
    with Session(tiny.url, token="t"):
        assert Box.objects.filter(n=1).delete() == 2
    assert tiny.methods == ["GET", "GET", "GET", "DELETE"]


@pytest.fixture
def unequal(server: DirectusServer) -> Iterator[Session]:
    """A session of a user from whom the status and the shelf of four boxes are hidden."""
    if server.version.startswith("12."):
        pytest.skip("without a licence it has no permissions for single rows")
    rules, shown = {"boxes_hidden": {"id": {"_lte": 4}}}, {"boxes_hidden": ["id", "n", "at"]}
    may: dict[str, Any] = dict.fromkeys(("boxes_hidden", "shelves_hidden"), ("read",))
    with user(server, "statushider", rules, shown, **may) as token, Session(server.url, token=token) as session:
        yield session


HIDDEN_GROUPS: dict[str, Callable[[], Any]] = {
    "one field": lambda: list(Box.objects.values("status").annotate(rows=Count("*"))),
    "no count": lambda: list(Box.objects.values("status").annotate(most=Max("n"))),
    "a shown field as well": lambda: list(Box.objects.values("status", "n").annotate(rows=Count("*"))),
    "a part of a date as well": lambda: list(Box.objects.values("at__year", "status").annotate(rows=Count("*"))),
    "two hidden fields": lambda: list(Box.objects.values("status", "shelf").annotate(rows=Count("*"))),
    "over a relation": lambda: list(Box.objects.values("shelf__name").annotate(rows=Count("*"))),
    "aggregates over a relation": lambda: list(Box.objects.values("n").annotate(last=Max("shelf__name"))),
    "totals over a relation": lambda: Box.objects.aggregate(last=Max("shelf__name")),
    "some of the rows": lambda: list(
        Box.objects.values("status").annotate(rows=Count("*", filter=Q(n__gte=0)), last=Max("id"))
    ),
    "filtered": lambda: list(Box.objects.filter(n__gte=1).values("status").annotate(rows=Count("*"))),
    "found": lambda: list(Box.objects.search("o").values("status").annotate(rows=Count("*"))),
    "conditions on groups": lambda: list(
        Box.objects.values("status").annotate(rows=Count("*")).filter(rows__gt=1)
    ),
    "a long slice": lambda: list(Box.objects.values("status").annotate(rows=Count("*"))[:100]),
    "short pages": lambda: list(Box.objects.values("status").annotate(rows=Count("*")).iterator(page_size=1)),
    "totals of a slice": lambda: Box.objects.all()[:7].aggregate(last=Max("shelf__name")),
    "a short slice with a shown field": lambda: list(
        Box.objects.values("status", "n").annotate(last=Max("id")).order_by("-last")[:1]
    ),
}


@pytest.mark.row_rules
@pytest.mark.parametrize("way", HIDDEN_GROUPS)
def test_no_group_lacks_rows_whose_field_is_hidden(unequal: Session, way: str) -> None:
    with pytest.raises(ConversionError, match=r"Box\.(status|shelf).* of 'boxes_hidden'.* permissions include"):
        HIDDEN_GROUPS[way]()


@pytest.mark.row_rules
def test_what_is_read_of_a_field_that_is_hidden_on_some_rows(unequal: Session) -> None:
    """docs/aggregates.md says so."""
    assert list(
        Box.objects.values("n").annotate(rows=Count("*")).order_by("n").values_list("rows", flat=True)
    ) == [
        2,
        3,
        3,
    ]
    assert Box.objects.filter(id__lte=4).values("status").annotate(rows=Count("*")).count() == 2
    shown = Box.objects.filter(id__lte=4).values_list("status", "n").annotate(rows=Count("*"))
    assert sum(rows for *_, rows in shown) == 4
    assert sorted(Box.objects.values_list("status", flat=True).distinct()) == ["off", "on"]
    assert Box.objects.aggregate(last=Max("status")) == {"last": "on"}
    assert not Box.objects.filter(status=None).exists()
    first = Box.objects.values("status").annotate(rows=Count("*")).order_by("status").first()
    assert first == {"status": "off", "rows": 2}


def by_status() -> list[Any]:
    return list(Box.objects.values_list("status").annotate(rows=Count("*")))


def test_groups_are_counted_by_the_request_that_reads_them(tiny: TinyServer) -> None:
    groups = [{"status": "on", "count": {"id": 2}}, {"status": None, "count": {"id": 1}}]
    tiny.answers(Scripted(body={"data": groups, "meta": {"filter_count": 3}}))
    with Session(tiny.url, token="t"):
        assert by_status() == [("on", 2), (None, 1)]
    assert tiny.methods == ["GET"]


@pytest.mark.parametrize(
    ("row", "total"),
    [([{"status": "on"}], 3), ([], 2)],
    ids=["a row came meanwhile", "a row was deleted meanwhile"],
)
def test_groups_that_others_change_meanwhile_lack_nothing(
    tiny: TinyServer, row: list[dict[str, str]], total: int
) -> None:
    tiny.answers(
        Scripted(body={"data": [{"status": "on", "count": {"id": 2}}], "meta": {"filter_count": 3}}),
        Scripted(body={"data": row, "meta": {"filter_count": total}}),
        Scripted(body={"data": [{"status": "on"}], "meta": {"filter_count": total}}),
    )
    with Session(tiny.url, token="t"):
        assert by_status() == [("on", 2)]
