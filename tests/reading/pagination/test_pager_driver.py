"""Loops over many rows: pages read ahead, loops that end early, continuing after an instance, progress."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import (
    ConfigurationError,
    Count,
    Forbidden,
    IterationLost,
    QueryError,
    Session,
    TransportError,
    UnsupportedQuery,
)
from directus_orm.dialects.registry import dialect_of
from directus_orm.reading.pagination.pager_driver import fetch
from directus_orm.reading.pagination.pagers import query_pager
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight
from tests.worlds.sessions import data_requests

COUNT = 260


def until(true: Callable[[], bool]) -> bool:
    """Wait for something that a thread does."""
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


# --- ahead --------------------------------------------------------------------------------------------------


def test_nothing_is_asked_before_the_first_row(session: Session) -> None:
    with session.capture() as sent:
        rows = Flight.objects.iterator()
        assert not sent
        next(rows)
        assert data_requests(sent) == 1


def test_reading_ahead_starts_with_the_second_page(session: Session) -> None:
    with session.capture() as sent:
        rows = Flight.objects.iterator(page_size=20)
        for _ in range(20):
            next(rows)
        time.sleep(0.1)
        assert data_requests(sent) == 1
        next(rows)
        assert until(lambda: data_requests(sent) == 3)
        time.sleep(0.1)
        assert data_requests(sent) == 3


@pytest.mark.parametrize(("read_ahead", "asked"), [(0, 2), (1, 3), (3, 5)])
def test_read_ahead_is_the_number_of_pages_that_are_requested_ahead(
    session: Session, read_ahead: int, asked: int
) -> None:
    with session.capture() as sent:
        rows = Flight.objects.iterator(page_size=20, read_ahead=read_ahead)
        found = [next(rows).id for _ in range(21)]
        assert until(lambda: data_requests(sent) == asked)
        found += [flight.id for flight in rows]
    assert found == [flight.id for flight in Flight.objects.all()]
    assert data_requests(sent) == COUNT // 20 + 1


@pytest.mark.parametrize("order", ["id", "-dep_delay"])
def test_a_loop_that_ends_early_leaves_no_thread_and_wastes_at_most_one_page(session: Session, order: str) -> None:
    threads = threading.active_count()
    with session.capture() as sent:
        for number, _ in enumerate(Flight.objects.order_by(order).iterator(page_size=20), 1):
            if number == 45:
                break
        assert until(lambda: threading.active_count() == threads)
        rows = [entry for entry in sent if "limit=20" in str(entry) or entry.request.method == "SEARCH"]
        assert len(rows) <= 4  # three that were entered, and one
    assert Flight.objects.count() == COUNT


def test_a_second_loop_continues_where_the_first_was_left(session: Session) -> None:
    session.page_size = 20
    flights = Flight.objects.all()
    for number, _ in enumerate(flights, 1):
        if number == 45:
            break
    assert until(lambda: not [t for t in threading.enumerate() if t.name.startswith("directus_orm")])
    assert [flight.id for flight in flights] == [flight.id for flight in Flight.objects.iterator()]


def test_the_next_page_is_requested_while_a_row_is_processed(session: Session) -> None:
    """A consumer that takes its time does not wait for the server: its work and the server's run at once."""
    rows = Flight.objects.iterator(page_size=20)
    for _ in range(21):
        next(rows)
    with session.capture() as sent:
        assert until(lambda: data_requests(sent) == 1)
        for _ in range(19):
            next(rows)
        assert data_requests(sent) == 1
        next(rows)  # of a page that is there already


def test_an_error_of_a_page_ahead_is_raised_when_the_loop_reaches_that_page(
    session: Session, is_directus_10: bool
) -> None:
    """Rows before it are handed out; and the queryset can be asked again."""
    if is_directus_10:
        pytest.skip("Directus 10 ignores fields that do not exist")

    class Wrong(Flight):
        nope: str | None = None

    seen = 0
    flights = Flight.objects.iterator(page_size=20)
    for _ in range(21):
        next(flights)
        seen += 1
    with pytest.raises(Forbidden, match="nope"):
        list(Wrong.objects.iterator(page_size=20))
    assert seen + sum(1 for _ in flights) == COUNT


class Broken(HTTPAdapter):
    """Sends the first so many requests, slowly, and has no connection for the others."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.tried = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.tried += 1
        if self.tried > self.most:
            raise requests.ConnectionError(ConnectionResetError(104, "reset by peer"))
        time.sleep(0.1)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def broken(world: DirectusServer) -> Iterator[Callable[[int], tuple[Session, Broken]]]:
    with ExitStack() as left:

        def made(most: int) -> tuple[Session, Broken]:
            http, adapter = left.enter_context(requests.Session()), Broken(most)
            http.mount("http://", adapter)
            return left.enter_context(Session(world.url, token=world.token, http=http, retry=0)), adapter

        yield made


def test_a_page_that_fails_ahead_is_requested_once(broken: Callable[[int], tuple[Session, Broken]]) -> None:
    """Not by each of the pages that were to follow it: with retries, that would take several times as long."""
    session, adapter = broken(2)
    flights = Flight.objects.using(session).iterator(page_size=20, read_ahead=3)
    assert [next(flights).id for _ in range(40)] == list(range(1, 41))
    with pytest.raises(TransportError):
        next(flights)
    assert adapter.tried == 3


def test_a_loop_that_ends_early_sends_no_further_requests(
    broken: Callable[[int], tuple[Session, Broken]],
) -> None:
    session, adapter = broken(99)
    flights = Flight.objects.using(session).iterator(page_size=20, read_ahead=5)
    for _ in range(21):
        next(flights)
    flights.close()  # type: ignore[attr-defined]
    assert adapter.tried == 3


def test_pages_ahead_are_requested_by_the_session_of_the_loop(session: Session) -> None:
    with session.capture() as sent:
        rows = Flight.objects.iterator(page_size=50)
        next(rows)
    found = list(rows)  # threads do not see the with block by themselves
    assert len(found) == COUNT - 1
    assert data_requests(sent) == 1


def test_a_finished_loop_is_freed_at_once(session: Session) -> None:
    """It leaves no cycle, so that its last page does not wait for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        pages: Any = fetch(session, query_pager(Flight.objects.all().query, dialect_of(session), 40), 1)
        next(pages)
        fetcher = weakref.ref(pages.gi_frame.f_locals["fetcher"])
        assert sum(map(len, pages)) == COUNT - 40
        del pages
        assert until(lambda: fetcher() is None)
    finally:
        gc.enable()


# --- going on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("id",), ("-id",), ("dep_delay",), ("-note", "carrier"), ("carrier__name",)])
def test_after_starts_a_loop_behind_an_instance(session: Session, order: tuple[str, ...]) -> None:
    flights = Flight.objects.order_by(*order)
    found = list(flights)
    for place in (0, 99, 258):
        assert list(flights.iterator(after=found[place], page_size=30)) == found[place + 1 :]
    assert list(flights.iterator(after=found[-1])) == []
    assert list(flights.iterator(after=Flight.objects.ref(found[200].pk))) == found[201:]


def test_after_takes_instances_whose_keys_the_server_cannot_compare(session: Session) -> None:
    planes = list(Airline.objects.all())
    assert list(Airline.objects.iterator(after=planes[1])) == planes[2:]


def test_after_works_with_values(session: Session) -> None:
    keys = list(Flight.objects.values_list("pk", flat=True))
    assert (
        list(Flight.objects.values_list("pk", flat=True).iterator(after=Flight.objects.ref(keys[9]))) == keys[10:]
    )


def test_after_an_instance_that_was_deleted_raises(session: Session) -> None:
    with pytest.raises(IterationLost, match="999999"):
        list(Flight.objects.order_by("dep_delay").iterator(after=Flight.objects.ref(999999)))
    # In the order of an integer key the place is known all the same.
    assert list(Flight.objects.iterator(after=Flight.objects.ref(999999))) == []


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Flight.objects.iterator(after=3), TypeError, "takes a Flight, not 3"),
        (lambda: Flight.objects.iterator(after=Airline.objects.ref("AA")), TypeError, "takes a Flight"),
        (lambda: Flight.objects.all()[:9].iterator(after=Flight.objects.ref(1)), QueryError, "slice"),
        (lambda: Flight.objects.iterator(page_size=0), QueryError, "whole number from 1"),
        (lambda: Flight.objects.iterator(read_ahead=-1), QueryError, "whole number from 0"),
        (lambda: Flight.objects.iterator(progress=3), TypeError, "takes \\(done, total\\)"),  # type: ignore[arg-type]
        (lambda: Flight.objects.partition(0), QueryError, "whole number from 1"),
        (lambda: Flight.objects.values("carrier").annotate(n=Count("*")).partition(2), UnsupportedQuery, "Groups"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(
    session: Session, call: Callable[[], Any], error: type[Exception], text: str
) -> None:
    with session.capture() as sent, pytest.raises(error, match=text):
        call()
    assert not sent


# --- how far ------------------------------------------------------------------------------------------------


def test_progress_is_reported_after_each_page_and_counts_once(session: Session) -> None:
    told: list[tuple[int, int]] = []
    with session.capture() as sent:
        assert len(list(Flight.objects.iterator(100, progress=lambda *both: told.append(both)))) == COUNT
    assert told == [(100, COUNT), (200, COUNT), (COUNT, COUNT)]
    assert sum("aggregate" in str(entry) for entry in sent) == 1


@pytest.mark.parametrize(("order", "whole"), [("id", 60), ("-id", 60), ("dep_delay", COUNT)])
def test_progress_with_after_counts_the_rows_that_are_left(session: Session, order: str, whole: int) -> None:
    """Where the server can: so that a bar comes to its end."""
    flights, told = Flight.objects.order_by(order), list[tuple[int, int]]()
    with session.capture() as sent:
        assert len(list(flights.iterator(after=flights[199], progress=lambda *both: told.append(both)))) == 60
    assert told[-1] == (60, whole)
    assert sum("aggregate" in str(entry) for entry in sent) == 1


def test_without_progress_nothing_is_counted(session: Session) -> None:
    with session.capture() as sent:
        list(Flight.objects.iterator())
    assert not any("aggregate" in str(entry) for entry in sent)


def test_a_bar_is_closed_when_the_loop_ends_early(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in Flight.objects.iterator(50, progress=True):
        break
    gc.collect()
    assert "flights" in capsys.readouterr().err


def test_a_bar_needs_tqdm(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    with pytest.raises(ConfigurationError, match="directus_orm\\[progress\\]"):
        Flight.objects.iterator(progress=True)
