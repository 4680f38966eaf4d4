"""Responses of a shape that no Directus gives: one error that names request and status, for every caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import Model, field, generated
from directus_orm.core import errors
from directus_orm.session import Session
from directus_orm.session.http import connections
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]


class Thing(Model, collection="things"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


ODD: list[Any] = [5, "text", True, {"name": "a"}, [1, 2], [[1]], None, {"data": []}, [None]]


@pytest.mark.parametrize("data", ODD, ids=str)
def test_rows_of_another_shape(data: Any, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body={"data": data}))
    with open_session(tiny.url, token="t"), pytest.raises(errors.TransportError) as caught:
        list(Thing.objects.all())
    assert "GET /items/things (status 200)" in str(caught.value)
    assert caught.value.status == 200
    assert caught.value.request is not None


@pytest.mark.parametrize(
    "data", [5, "text", [], [{}], [{"count": {}}], [{"count": "x"}], [{"a": 1, "b": 2}]], ids=str
)
def test_a_count_of_another_shape(data: Any, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body={"data": data}))
    with (
        open_session(tiny.url, token="t"),
        pytest.raises(errors.TransportError, match=r"GET /items/things \(status 200\)"),
    ):
        Thing.objects.count()


@pytest.mark.parametrize("data", [5, "text", [1], {"name": "no key"}, [{"id": 1}]], ids=str)
def test_a_write_whose_response_shows_no_row_is_unknown(data: Any, tiny: TinyServer, open_session: Open) -> None:
    """It may have been applied."""
    tiny.answers(Scripted(body={"data": data}))
    with open_session(tiny.url, token="t"):
        with pytest.raises(errors.OutcomeUnknown, match=r"POST /items/things \(status 200\)"):
            Thing.objects.create(name="a")
        with pytest.raises(errors.OutcomeUnknown, match=r"PATCH /items/things/1 \(status 200\)"):
            changed(Thing.objects.ref(1)).save()


def changed(thing: Thing) -> Thing:
    thing.name = "x"
    return thing


@pytest.mark.parametrize("body", ["<html>", "nonsense", {"hello": 1}, '{"data": [1', "[" * 100_000, "9" * 10_000])
def test_a_write_with_a_foreign_response_is_unknown(body: Any, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body=body))
    with open_session(tiny.url, token="t"):
        with pytest.raises(errors.OutcomeUnknown, match="POST /items/things"):
            Thing.objects.create(name="a")
        with pytest.raises(errors.TransportError, match=r"/items/things .*status 200"):
            list(Thing.objects.all())


def test_a_gigantic_response_is_refused_before_it_fills_the_memory(
    tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LARGEST_BODY", 2 << 20)
    session = open_session(tiny.url, token="t")
    tiny.answers(Scripted(body={"data": ["x" * (1 << 20)]}))
    assert len(session.get("/items/x")[0]) == 1 << 20
    tiny.answers(Scripted(body={"data": ["x" * (3 << 20)]}))
    with pytest.raises(errors.TransportError, match=r"GET /items/x .*longer than 2 MiB\. Ask for less"):
        session.get("/items/x")
    assert len(tiny.seen) == 2
    tiny.answers(Scripted(body={"data": [1]}))
    assert session.get("/items/x") == [1]


def test_a_deeply_nested_response_is_broken_json(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body='{"data": ' + "[" * 200_000))
    with pytest.raises(errors.TransportError, match=r"broken JSON .200009 bytes, status 200"):
        open_session(tiny.url, token="t", retry=0).get("/items/x")
