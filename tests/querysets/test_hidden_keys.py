"""Rows whose key is hidden from the user cannot be told apart: whatever reads them raises an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import ConversionError, Model, Related, Session, field, generated, one_to_many
from tests.worlds.tiny_server import Scripted, TinyServer


class Shelf(Model, collection="shelves_hidden"):
    code: str = field(primary_key=True)
    name: str | None = None
    boxes: Related[Box] = one_to_many("shelf")


class Box(Model, collection="boxes_hidden"):
    id: int = field(default=generated, primary_key=True)
    n: int | None = None
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
    other = {"id": 1, "code": "a", "n": 1, "name": "x", "shelf": None}
    without = {"n": 1, "name": "a%", "shelf": None, **hidden}
    tiny.answers(Scripted(body={"data": [other, without], "meta": {"filter_count": 2}}))
    way_out = r"its permissions include '(id|code)'"
    with Session(tiny.url, token="t"), pytest.raises(ConversionError, match=way_out):
        WAYS[way]()
    assert {*tiny.methods} <= {"GET", "SEARCH"}  # and nothing is written


@pytest.mark.parametrize("shelf", [{"code": None, "name": "x"}, {"name": "x"}], ids=["null", "left out"])
def test_a_related_row_without_its_key(tiny: TinyServer, shelf: dict[str, Any]) -> None:
    tiny.answers(Scripted(body={"data": [{"id": 1, "n": 1, "shelf": shelf, "shelf__key": "a"}]}))
    with Session(tiny.url, token="t"):
        (box,) = Box.objects.select_related("shelf")
        with pytest.raises(ConversionError, match="its permissions include 'code'"):
            assert box.shelf
    tiny.answers(Scripted(body={"data": [{"code": "a", "name": "x", "boxes": [{"n": 1}]}]}))
    with Session(tiny.url, token="t"), pytest.raises(ConversionError, match="its permissions include 'id'"):
        list(Shelf.objects.prefetch_related("boxes"))
