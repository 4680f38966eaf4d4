"""Responses of a shape that no Directus gives: one error that names request and status, for every caller."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from directus_orm import Model, field, generated
from directus_orm.core import errors
from directus_orm.session import Retry, Session
from directus_orm.session.http import connections
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]
BUSY = {"errors": [{"message": "Too many requests", "extensions": {"code": "REQUESTS_EXCEEDED"}}]}


class Thing(Model, collection="things"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


ODD: list[Any] = [5, "text", True, {"id": 1}, [1, 2], [[1]], None, {"data": []}, [None]]


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
def test_a_write_whose_answer_shows_no_row_is_unknown(data: Any, tiny: TinyServer, open_session: Open) -> None:
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


def test_a_gigantic_answer_is_refused_before_it_fills_the_memory(
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


def test_a_deeply_nested_answer_is_broken_json(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(body='{"data": ' + "[" * 200_000))
    with pytest.raises(errors.TransportError, match=r"broken JSON .200009 bytes, status 200"):
        open_session(tiny.url, token="t", retry=0).get("/items/x")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("ahead", [1.0, -30.0])
def test_retry_after_may_be_a_date(status: int, ahead: float, tiny: TinyServer, open_session: Open) -> None:
    pressure = json.loads(json.dumps(BUSY))
    pressure["errors"][0]["extensions"] = {"code": "SERVICE_UNAVAILABLE", "reason": "Under pressure"}
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    tiny.answers(Scripted(status, BUSY if status == 429 else pressure, {"Retry-After": moment}), Scripted())
    started = time.monotonic()
    assert open_session(tiny.url, token="t").items("x").create({}) == []
    assert (0 if ahead < 0 else 0.1) <= time.monotonic() - started < 3


@pytest.mark.parametrize("said", ["soon", "", "-5", "nan", "inf", "1e3", "Wed, 99 Nov 2026"])
def test_a_retry_after_that_says_nothing_is_passed_over(said: str, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": said}), Scripted())
    assert open_session(tiny.url, token="t", retry=Retry(1, first_pause=0.01)).get("/items/x") == []
    tiny.answers(Scripted(429, BUSY, {"Retry-After": said}))
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t", retry=0).get("/items/x")
    assert caught.value.retry_after is None


def test_a_wait_beyond_the_policy_is_not_begun(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": "3600"}))
    started = time.monotonic()
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t").get("/items/x")
    assert caught.value.retry_after == 3600
    assert time.monotonic() - started < 5
    assert len(tiny.seen) == 1


@pytest.mark.parametrize("total", [0.4, 1.0])
def test_the_time_of_all_tries_is_bounded(total: float, tiny: TinyServer, open_session: Open) -> None:
    """However many tries are left, also where a lost write is looked up."""

    class Named(Model, collection="things"):
        id: str = field(primary_key=True)

    tiny.answers(Scripted(502, "<html>"))
    policy = Retry(1000, total=total, first_pause=0.05, longest_pause=0.1)
    for call in (lambda: list(Named.objects.all()), lambda: Named.objects.create(id="a")):
        started = time.monotonic()
        with open_session(tiny.url, token="t", retry=policy), pytest.raises(errors.TransportError):
            call()
        assert time.monotonic() - started < total + 2
    assert len(tiny.seen) > 4


def test_pauses_grow_and_differ() -> None:
    policy = Retry(first_pause=1, longest_pause=8, jitter=0.25)
    lost = errors.TransportError("lost")
    pauses = [[policy.pause(lost, tried) for _ in range(200)] for tried in (1, 2, 3, 4, 5, 1000)]
    for middle, found in zip((1, 2, 4, 8, 8, 8), pauses, strict=True):
        assert all(middle * 0.75 <= pause <= middle * 1.25 for pause in found)
        assert len(set(found)) > 100
