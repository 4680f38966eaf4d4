"""Which requests are repeated, after which responses, how often, and how long each pause is."""

from __future__ import annotations

import copy
import json
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import requests

from directus_orm import Model, field
from directus_orm.core import errors
from directus_orm.core.request_response import Request
from directus_orm.session import Retry, Session
from directus_orm.session.http import retry
from directus_orm.session.http.retry import RetryState, is_conclusive, is_refused_by_gateway, shared_deadline
from directus_orm.session.http.v10_api import V10Api
from tests.worlds.tiny_server import Scripted, TinyServer

HTML = "<html><body>502 Bad Gateway: " + "x" * 500
OK = Scripted(body={"data": [1]})
PRESSURE = Scripted(
    503,
    {
        "errors": [
            {
                "message": 'Service "api" is unavailable. Under pressure.',
                "extensions": {"code": "SERVICE_UNAVAILABLE", "service": "api", "reason": "Under pressure"},
            }
        ]
    },
)
BUSY = {"errors": [{"message": "Too many requests", "extensions": {"code": "REQUESTS_EXCEEDED"}}]}
NO = {"errors": [{"message": "no"}]}
Open = Callable[..., Session]


@pytest.mark.parametrize(
    "broken",
    [Scripted(502, HTML), Scripted(0), Scripted(200, '{"data": [', cut=True), Scripted(200, '{"data": [')],
    ids=str,
)
def test_a_read_with_a_broken_response_is_repeated(broken: Scripted, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(broken, broken, OK)
    assert open_session(tiny.url, token="t").get("/items/x") == [1]
    assert len(tiny.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [Scripted(403, NO), Scripted(500, NO), Scripted(404, ""), Scripted(200, HTML), Scripted(200, {"a": 1})],
    ids=str,
)
def test_a_refused_request_is_not_repeated(answer: Scripted, tiny: TinyServer, open_session: Open) -> None:
    """Nor is an address that is not that of a Directus."""
    tiny.answers(answer)
    with pytest.raises(errors.DirectusError):
        open_session(tiny.url, token="t").get("/items/x")
    assert len(tiny.seen) == 1


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_every_method_is_repeated_when_the_server_is_under_pressure(
    method: str, tiny: TinyServer, open_session: Open
) -> None:
    """G41: the server says so before any work is done."""
    tiny.answers(PRESSURE, PRESSURE, OK)
    assert getattr(open_session(tiny.url, token="t"), method)("/items/x") == [1]
    assert len(tiny.seen) == 3


def test_another_503_is_not_repeated_for_a_write(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(503, {"errors": [{"message": "mail", "extensions": {"code": "SERVICE_UNAVAILABLE"}}]}))
    with pytest.raises(errors.Unavailable):
        open_session(tiny.url, token="t").post("/users/invite", {})
    assert len(tiny.seen) == 1


@pytest.mark.parametrize(("told", "least", "most"), [("0", 0.1, 1.0), ("1", 1.1, 2.0)])
def test_retry_after_is_obeyed_and_zero_still_waits(
    told: str, least: float, most: float, tiny: TinyServer, open_session: Open
) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": told}), OK)
    started = time.monotonic()
    assert open_session(tiny.url, token="t").post("/items/x", {}) == [1]
    assert least <= time.monotonic() - started <= most


def test_a_wait_beyond_a_minute_is_left_to_the_caller(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(429, BUSY, {"Retry-After": "3600"}))
    with pytest.raises(errors.RateLimited) as caught:
        open_session(tiny.url, token="t").get("/items/x")
    assert caught.value.retry_after == 3600


def test_retries_end(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(PRESSURE)
    with pytest.raises(errors.Unavailable):
        open_session(tiny.url, token="t", retry=2).get("/items/x")
    assert len(tiny.seen) == 3


def test_a_write_is_repeated_after_a_refused_connection(open_session: Open) -> None:
    """Nothing was sent: a server that is just restarting does not lose a write."""
    first = TinyServer()
    port = int(first.url.rsplit(":", 1)[1])
    first.stop()

    class Late(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    def serve() -> None:
        time.sleep(0.3)
        with HTTPServer(("127.0.0.1", port), Late) as server:
            server.handle_request()

    thread = threading.Thread(target=serve)
    thread.start()
    assert open_session(first.url, token="t").items("x").create({}) is None
    thread.join()


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
def test_a_retry_after_without_meaning_is_ignored(said: str, tiny: TinyServer, open_session: Open) -> None:
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


# --- one policy, without waiting --------------------------------------------------------------------------------

API = V10Api()
READ, WRITE = Request("GET", "/items/x"), Request("POST", "/items/x", json={})
DELETION, LOGIN = Request("DELETE", "/items/x/1"), Request("POST", "/auth/login", json={}, purpose="login")
EXACT = Retry(times=2, total=60, first_pause=1, longest_pause=8, jitter=0)
LOST = errors.TransportError("lost", passing=True)
UNSENT = errors.TransportError("unsent", sent=False, passing=True)
BUSY_ERROR = errors.RateLimited("busy", code="REQUESTS_EXCEEDED")
MAIL_LIMIT = errors.RateLimited("mail", code="EMAIL_LIMIT_EXCEEDED")
UNDER_PRESSURE = errors.Unavailable("busy", code="SERVICE_UNAVAILABLE", extensions={"reason": "Under Pressure"})
GATEWAY = errors.Unavailable("gateway")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as retries see it."""
    now = [1000.0]
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def waiting(error: errors.RateLimited | errors.Unavailable, seconds: float) -> errors.DirectusError:
    error = copy.copy(error)
    error.retry_after = seconds
    return error


@pytest.mark.parametrize(
    ("request_", "error", "repeated"),
    [
        (READ, LOST, True),
        (WRITE, LOST, False),
        (WRITE, UNSENT, True),
        (LOGIN, LOST, True),
        (DELETION, LOST, True),
        (READ, errors.TransportError("not a Directus"), False),
        (WRITE, errors.TransportError("refused by TLS", sent=False), False),
        (WRITE, BUSY_ERROR, True),
        (READ, MAIL_LIMIT, False),
        (WRITE, UNDER_PRESSURE, True),
        (READ, GATEWAY, True),
        (WRITE, GATEWAY, False),
        (READ, errors.Unavailable("mail", code="SERVICE_UNAVAILABLE"), False),
        (READ, errors.ServerError("broken", status=500), False),
        (READ, errors.ConversionError("text"), False),
    ],
    ids=str,
)
def test_only_requests_that_cannot_be_applied_twice_are_repeated(
    request_: Request, error: errors.DirectusError, repeated: bool
) -> None:
    assert (RetryState(EXACT, request_, API).pause(error) is not None) is repeated


def test_a_policy_ends_after_its_number_of_repetitions() -> None:
    attempts = RetryState(EXACT, READ, API)
    assert [attempts.pause(LOST) for _ in range(3)] == [1, 2, None]
    assert RetryState(Retry(0), READ, API).pause(LOST) is None


def test_a_server_that_takes_no_connection_is_tried_only_once_more() -> None:
    """Each try costs the whole timeout."""
    error = copy.copy(UNSENT)
    error.__cause__ = requests.ConnectTimeout()
    attempts = RetryState(EXACT, READ, API)
    assert [attempts.pause(error) for _ in range(2)] == [1, None]
    assert RetryState(Retry(0), READ, API).pause(error) is None


def test_a_wait_that_the_server_asks_for_ends_with_the_total_time(clock: list[float]) -> None:
    """Not with the number of repetitions; but a policy without repetitions waits for nothing."""
    attempts = RetryState(EXACT, WRITE, API)
    for _ in range(9):
        pause = attempts.pause(waiting(BUSY_ERROR, 2))
        assert pause is not None
        assert 2.1 <= pause <= 2.6
    clock[0] += 58
    assert attempts.pause(waiting(BUSY_ERROR, 2)) is None
    assert RetryState(attrs.evolve(EXACT, times=0), WRITE, API).pause(waiting(BUSY_ERROR, 2)) is None


@pytest.mark.parametrize(("share", "seconds", "pause"), [(0, 2.1, 0.75), (1, 2.6, 1.25)], ids=["least", "most"])
def test_by_how_much_pauses_differ(
    share: int, seconds: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that were refused together do not return together; the server's whole seconds are rounded down."""
    monkeypatch.setattr(retry, "random", SimpleNamespace(uniform=lambda *bounds: bounds[share]))
    assert EXACT.pause(waiting(BUSY_ERROR, 2), 1) == pytest.approx(seconds)
    assert attrs.evolve(EXACT, jitter=0.25).pause(LOST, 1) == pytest.approx(pause)


def test_no_try_starts_later_than_the_total_time(clock: list[float]) -> None:
    attempts = RetryState(EXACT, READ, API)
    clock[0] += 59
    assert attempts.pause(LOST) == 1  # it ends just in time
    clock[0] += 1
    assert not attempts.is_exhausted
    assert attempts.pause(LOST) is None
    clock[0] += 0.5
    assert attempts.is_exhausted


def test_a_policy_is_exhausted_after_its_number_of_repetitions(clock: list[float]) -> None:
    attempts = RetryState(EXACT, WRITE, API)
    found = []
    for _ in range(3):
        attempts.count(LOST)
        found.append(attempts.is_exhausted)
    assert found == [False, False, True]


def test_requests_of_one_block_share_the_total_time(clock: list[float]) -> None:
    with shared_deadline():
        clock[0] += 30
        with shared_deadline():
            clock[0] += 31
            assert RetryState(EXACT, READ, API).is_exhausted
        assert RetryState(EXACT, READ, API).pause(LOST) is None
    assert RetryState(EXACT, READ, API).pause(LOST) == 1


def test_the_first_lost_response_is_kept() -> None:
    attempts = RetryState(EXACT, WRITE, API)
    first, second = errors.OutcomeUnknown("first"), errors.OutcomeUnknown("second")
    attempts.count(LOST)
    assert attempts.lost is None
    attempts.count(first)
    attempts.count(second)
    assert attempts.lost is first


@pytest.mark.parametrize(
    ("error", "first", "longest", "expected"),
    [
        (LOST, 0.1, 5, [0.1, 0.2, 0.4]),
        (LOST, 0.1, 0.15, [0.1, 0.15, 0.15]),
        (BUSY_ERROR, 0.1, 5, [0.3, 0.6, 1.2]),
        (UNDER_PRESSURE, 0.1, 5, [0.3, 0.6, 1.2]),
        (UNDER_PRESSURE, 2, 5, [2, 4, 5]),
        (UNDER_PRESSURE, 0.1, 0.2, [0.3, 0.3, 0.3]),
    ],
    ids=str,
)
def test_pauses_double_and_a_busy_server_gets_the_time_to_measure_its_load(
    error: errors.DirectusError, first: float, longest: float, expected: list[float]
) -> None:
    policy = Retry(first_pause=first, longest_pause=longest, jitter=0)
    assert [policy.pause(error, tried) for tried in (1, 2, 3)] == pytest.approx(expected)


def test_the_smallest_and_largest_values_of_a_policy_are_taken() -> None:
    Retry(0, 0, 0.001, 0.001, 0)
    Retry(jitter=1)
    for value in (math.inf, math.nan, "1", None, True, -0.1):
        with pytest.raises(errors.ConfigurationError, match=r"total=.*: a number of seconds from 0 up"):
            Retry(total=value)  # type: ignore[arg-type]
    for name in ("first_pause", "longest_pause"):
        with pytest.raises(errors.ConfigurationError, match=f"{name}=.*a number of seconds from 0.001 up"):
            Retry(**{name: 0.0009})  # type: ignore[arg-type]
    for share in (-0.1, 1.1, "1"):
        with pytest.raises(errors.ConfigurationError, match="a share of the pause, from 0 to 1"):
            Retry(jitter=share)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"times": -1}, {"times": 1.5}, {"times": True}, {"total": -1}, {"total": float("nan")}),
        *({"first_pause": 0}, {"longest_pause": "1"}, {"first_pause": 9}, {"jitter": 2}, {"jitter": None}),
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused_at_the_call(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match=next(iter(wrong)) if "times" not in wrong else "retry="):
        Retry(**wrong)


def test_a_session_takes_a_number_or_a_policy(open_session: Open) -> None:
    assert open_session("http://x", retry=2).retry == Retry(2) == Retry(times=2)
    assert open_session("http://x", retry=Retry(total=5)).retry == Retry(4, 5)
    assert open_session("http://x").retry == Retry()
    with pytest.raises(errors.ConfigurationError, match="retry='often' is not a whole number"):
        open_session("http://x", retry="often")


def test_the_policy_of_a_session_that_gives_none() -> None:
    """As the docs tell it."""
    assert Retry() == Retry(times=4, total=60, first_pause=0.1, longest_pause=5, jitter=0.25)


def timed_out() -> errors.TransportError:
    error = errors.TransportError("no response", passing=True)
    error.__cause__ = requests.ReadTimeout()
    return error


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [
        (errors.Forbidden("403", status=403), True),
        (errors.Forbidden("no", status=403, errors=[{"message": "no"}]), False),
        (errors.ServerError("405", status=405), False),
        *((errors.TransportError(f"{status}", status=status), True) for status in (299, 400, 412, 415, 430, 432)),
        *((errors.TransportError(f"{status}", status=status), False) for status in (300, 399, 413, 414, 431)),
        (errors.TransportError("502", status=502, passing=True), False),
        (errors.TransportError("no TLS", status=501, sent=False), False),
        (LOST, True),
        (UNSENT, False),
        (errors.TransportError("unreadable"), False),
        (timed_out(), False),
        (errors.ConversionError("text"), False),
    ],
    ids=str,
)
def test_only_what_may_come_of_the_method_is_taken_for_a_gateway_that_refuses_it(
    error: errors.DirectusError, is_refused: bool
) -> None:
    assert is_refused_by_gateway(error, EXACT) is is_refused


def test_a_connection_that_was_closed_once_says_nothing_of_the_method() -> None:
    assert is_refused_by_gateway(LOST, Retry(1))
    assert not is_refused_by_gateway(LOST, Retry(0))


@pytest.mark.parametrize(
    ("error", "settles"),
    [
        (errors.RecordNotUnique("no"), True),
        (errors.ServerError("broken", status=500), True),
        (BUSY_ERROR, False),
        (GATEWAY, False),
        (LOST, False),
    ],
    ids=str,
)
def test_only_an_answer_of_the_server_itself_settles_what_became_of_a_write(
    error: errors.DirectusError, settles: bool
) -> None:
    assert is_conclusive(error) is settles
