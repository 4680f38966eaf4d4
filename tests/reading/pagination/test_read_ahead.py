"""Reading ahead by a guess: the requests that follow a page are sent before it is decoded."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from directus_orm import Count, Forbidden, Model, QuerySet, Related, Session, one_to_many
from directus_orm.core.json_codec import loads
from directus_orm.core.request_response import Request, Row
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.reading.pagination import read_ahead
from directus_orm.reading.pagination.pager_protocol import NextByKey, RawPage
from directus_orm.reading.pagination.pagers import query_pager
from directus_orm.reading.pagination.read_ahead import EarlyRequests, peek_last_key, predict_requests
from tests.worlds.flights import Flight

COUNT = 260


def encoded(rows: list[Row]) -> bytes:
    """Return the body of an answer as the server writes it."""
    return json.dumps({"data": rows}, separators=(",", ":"), ensure_ascii=False).encode()


# --- a glimpse ----------------------------------------------------------------------------------------------

texts = st.text(max_size=8) | st.sampled_from(['"id":7', 'id":7,', '\\"id":7}', '{"id":7}', "id", '"id"', ":7,"])
values = texts | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
keys = st.integers(-(2**70), 2**70)


@given(st.lists(st.tuples(keys, values, values), max_size=6), st.booleans(), st.booleans())
@example([(7, '"id":9}', "id")], True, False)
def test_peeking_finds_the_number_of_rows_and_the_last_key(
    found: list[tuple[int, Any, Any]], first: bool, as_text: bool
) -> None:
    """Whatever the texts beside it say, and wherever the key stands; big ones come as texts (G21)."""
    rows: list[Row] = []
    for number, one, other in found:
        key = {"id": str(number) if as_text else number}
        rows.append({**key, "a": one, "id2": other} if first else {"a": one, "id2": other, **key})
    assert peek_last_key(encoded(rows), "id") == (len(rows), rows[-1]["id"] if rows else None)


@pytest.mark.parametrize("body", [b"", b'{"data":[{"id":null}]}', b'{"data":[{"id":"x"}]}', b'{"data":[{"id":1'])
def test_where_there_is_no_number_there_is_no_key(body: bytes) -> None:
    assert peek_last_key(body, "id")[1] is None


# --- what is foreseen ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    total=st.integers(0, 4000),
    size=st.none() | st.integers(20, 300),
    maximum=st.none() | st.integers(20, 300),
    stop=st.none() | st.integers(0, 4000),
    weight=st.sampled_from([0, 900, 9000]),
    descending=st.booleans(),
)
def test_what_is_foreseen_is_what_is_asked(
    total: int, size: int | None, maximum: int | None, stop: int | None, weight: int, descending: bool
) -> None:
    """Page by page, to the end, where nothing is: no request is sent in vain."""
    query = Flight.objects.order_by("-id" if descending else "id")[:stop].query
    pager = query_pager(query, V10Dialect(), size, maximum)
    left: list[Row] = [{"id": n, "note": weight * "x"} for n in range(1, total + 1)]
    if descending:
        left.reverse()
    round_trip = next(pager)
    while round_trip.requests:
        limit = int(dict(round_trip.requests[0].params)["limit"])
        rows, left = left[:limit], left[limit:]
        assert round_trip.next_by_key is not None
        body = encoded(rows)
        predicted = predict_requests(round_trip.next_by_key, body)
        round_trip = pager.send([RawPage(rows, len(body))])
        assert predicted == round_trip.requests


def test_big_keys_that_come_as_texts_are_foreseen_as_well() -> None:
    """As a number, one beyond 2**53 would be taken for a rounded one (G32)."""
    pager = query_pager(Flight.objects.all().query, V10Dialect(), 2)
    next(pager)
    rows: list[Row] = [{"id": str(2**53 + n)} for n in (1, 2)]
    round_trip = pager.send([RawPage(rows, 1)])
    assert round_trip.next_by_key is not None
    rows = [{"id": str(2**53 + n)} for n in (3, 4)]
    assert predict_requests(round_trip.next_by_key, encoded(rows)) == pager.send([RawPage(rows, 1)]).requests


class Parcel(Model):
    id: int
    content: dict[str, Any]
    labels: Related[Label] = one_to_many("parcel")


class Label(Model):
    id: int
    parcel: Parcel | None = None


@pytest.mark.parametrize(
    "queryset",
    [
        Flight.objects.select_related("carrier"),
        Flight.objects.values("id", "carrier__name"),
        Parcel.objects.all(),
        Parcel.objects.only("id").prefetch_related("labels"),
        Parcel.objects.only("id").annotate(n=Count("labels")),
    ],
    ids=["select_related", "related field", "document", "prefetch_related", "count"],
)
def test_of_rows_with_others_in_them_nothing_is_foreseen(queryset: QuerySet[Any]) -> None:
    """Their keys have the same name."""
    assert next(query_pager(queryset.query, V10Dialect())).next_by_key is None
    assert next(query_pager(Parcel.objects.only("id").query, V10Dialect())).next_by_key is not None


def test_a_number_too_long_to_be_read_predicts_nothing() -> None:
    assert predict_requests(NextByKey("id", lambda *_: (SENT,)), b'{"data":[{"id":' + b"1" * 5000 + b"}]}") == ()


# --- early requests -----------------------------------------------------------------------------------------

SENT, OTHER = Request("GET", "/items/flights"), Request("GET", "/items/airlines")
NEXT = NextByKey("id", lambda *_: (SENT,))
BODY = encoded([{"id": 1}])


def test_early_requests_are_claimed_once() -> None:
    page = RawPage([{"id": 2}])
    early = EarlyRequests()
    early.start(lambda requests, sent: [page], NEXT, BODY)
    assert early.is_pending
    assert early.claim((SENT,)) == [page]
    assert not early.is_pending
    assert early.claim((SENT,)) is None


def test_the_pages_of_other_requests_are_dropped() -> None:
    early = EarlyRequests()
    early.start(lambda requests, sent: [RawPage([])], NEXT, BODY)
    assert early.claim((OTHER,)) is None
    assert early.claim((SENT,)) is None


@pytest.mark.parametrize("next_by_key", [NextByKey("x", lambda *_: (SENT,)), NextByKey("id", lambda *_: ())])
def test_without_a_prediction_nothing_is_sent_early(next_by_key: NextByKey) -> None:
    def send(requests: tuple[Request, ...], sent: Callable[[], None]) -> list[RawPage]:
        raise AssertionError(requests)

    early = EarlyRequests()
    early.start(send, next_by_key, BODY)
    assert not early.is_pending


def test_an_error_of_an_early_request_is_raised_where_it_is_claimed() -> None:
    def refuse(requests: tuple[Request, ...], sent: Callable[[], None]) -> list[RawPage]:
        raise Forbidden("not today")

    early = EarlyRequests()
    early.start(refuse, NEXT, BODY)
    with pytest.raises(Forbidden, match="not today"):
        early.claim((SENT,))


def test_dropping_waits_for_no_request_that_is_under_way() -> None:
    may_end, ended = threading.Event(), threading.Event()

    def send(requests: tuple[Request, ...], sent: Callable[[], None]) -> list[RawPage]:
        sent()
        assert may_end.wait(5)
        ended.set()
        return []

    early = EarlyRequests()
    early.start(send, NEXT, BODY)
    early.drop()
    assert not early.is_pending
    assert early.claim((SENT,)) is None
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(5)


# --- on a server --------------------------------------------------------------------------------------------


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Slow decoding: when each of the large answers was taken in hand, and when it was done."""
    times: list[tuple[float, float]] = []

    def slowly(body: bytes) -> Any:
        begun = time.perf_counter()
        if len(body) > 1000:
            time.sleep(0.3)
            times.append((begun, time.perf_counter()))
        return loads(body)

    monkeypatch.setattr("directus_orm.session.http.transport.loads", slowly)
    return times


def test_the_server_works_while_a_page_is_decoded(
    session: Session, decoding: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows a page that the loop waits for is asked for when its answer is there, before it is decoded."""
    answered: list[float] = []
    with session.capture() as sent:
        monkeypatch.setattr(sent, "add", lambda _: answered.append(time.perf_counter()))
        assert [flight.id for flight in Flight.objects.iterator(page_size=40)] == list(range(1, COUNT + 1))
    assert len(answered) == len(decoding) == COUNT // 40 + 1
    # Where decoding takes longer than the server does, every other page: no more than one is fetched ahead.
    assert any(later < done for later, (_, done) in zip(answered[1:], decoding, strict=False))


def test_what_was_foreseen_wrongly_is_not_used(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the decoded page says is what counts."""
    wrong: list[int] = []

    def peek_wrongly(body: bytes, column: str) -> tuple[int, int | None]:
        rows, key = peek_last_key(body, column)
        wrong.append(1)
        return rows, None if key is None else key + 3

    monkeypatch.setattr(read_ahead, "peek_last_key", peek_wrongly)
    assert [flight.id for flight in Flight.objects.iterator(page_size=40)] == list(range(1, COUNT + 1))
    assert wrong


@pytest.mark.parametrize("key", ["x", 1.5, 2**70, [], None])
def test_what_cannot_be_foreseen_does_not_matter(
    session: Session, monkeypatch: pytest.MonkeyPatch, key: object
) -> None:
    """A key that does not fit ends no loop whose page is good."""
    monkeypatch.setattr(read_ahead, "peek_last_key", lambda *_: (40, key))
    assert [flight.id for flight in Flight.objects.iterator(page_size=40)] == list(range(1, COUNT + 1))


def test_an_error_that_was_foreseen_comes_where_its_page_would(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, asked, seen = Session.send, list[Any](), list[int]()

    def refusing(self: Session, request: Any) -> Any:
        asked.append(request)
        if len(asked) == 4:
            raise Forbidden("not today")
        return send(self, request)

    monkeypatch.setattr(Session, "send", refusing)
    with pytest.raises(Forbidden, match="not today"):
        seen.extend(flight.id for flight in Flight.objects.iterator(page_size=40))
    assert seen == list(range(1, 121))
    assert len(asked) == 4
