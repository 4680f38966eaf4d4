"""Rows whose key is hidden from the user cannot be told apart: whatever reads them raises an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import ConversionError, Count, Model, Related, Session, field, generated, one_to_many
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
    tiny.answers(Scripted(body={"data": [other, without], "meta": {"filter_count": 2}}))
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
    make_collection(world, "boxes_hidden", AUTO_KEY, column("n", "integer"), column("status", "string"))
    make_relation(world, "boxes_hidden", "shelf", "shelves_hidden", "string", reverse="boxes")
    post(world, "/items/boxes_hidden", [{"n": n % 3, "status": "on" if n % 2 else "off"} for n in range(1, 9)])
    post(world, "/items/shelves_hidden", [{"code": code, "name": code} for code in SHELVES])
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
    shown = {"boxes_hidden": ["n", "shelf"], "shelves_hidden": ["name"]}
    may = dict.fromkeys(shown, ("read", "update", "delete"))
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


@pytest.mark.row_rules
def test_groups_by_a_field_that_is_hidden_on_some_rows(server: DirectusServer) -> None:
    """The server leaves these rows out, or takes null for the value; docs/aggregates.md says so."""
    if server.version.startswith("12."):
        pytest.skip("without a licence it has no permissions for single rows")
    rules, shown = {"boxes_hidden": {"id": {"_lte": 4}}}, {"boxes_hidden": ["id", "n"]}
    with (
        user(server, "statushider", rules, shown, boxes_hidden=["read"]) as token,
        Session(server.url, token=token),
    ):
        by_status = Box.objects.values("status").annotate(rows=Count("*")).order_by("status")
        assert list(by_status) == [{"status": "off", "rows": 2}, {"status": "on", "rows": 2}]
        by_both = Box.objects.values("status", "n").annotate(rows=Count("*"))
        assert sum(group["rows"] for group in by_both if group["status"] is None) == 4
        assert not Box.objects.filter(status=None).exists()
        assert Box.objects.count() == 8
