"""Async twins that are cancelled or run at the same time: nothing is lost, doubled or left behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, ClassVar

import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import (
    QuerySet,
    RecordNotUnique,
    Session,
)
from directus_orm.instances.state import state_of
from tests.worlds.flights import Airline, Flight, Note
from tests.worlds.sessions import CountingExecutor


class Gate(HTTPAdapter):
    """Sends for real, once it is open; says when somebody waits at it."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.reached = threading.Event(), threading.Event()

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.reached.set()
        assert self.open.wait(20)
        return super().send(*args, **kwargs)

    async def reach(self) -> None:
        while not self.reached.is_set():
            await asyncio.sleep(0.005)
        self.reached.clear()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(notes: Session, gate: Gate) -> Iterator[Session]:
    """The current session, whose requests wait at the gate."""
    token = notes._state.auth.token(notes._state.login_sender)
    with requests.Session() as http, Session(notes.url, token=token, http=http) as session:
        http.mount("http://", gate)
        yield session


async def cancelled(work: Coroutine[Any, Any, Any], gate: Gate) -> None:
    """Start something, and cancel it when its request is on the way."""
    task = asyncio.create_task(work)
    await gate.reach()
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 5


async def all_of(rows: QuerySet[Flight]) -> list[int]:
    return [flight.id async for flight in rows]


IDS = list(range(1, 261))


def test_a_cancelled_read_ends_at_once_and_can_be_repeated(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        rows = Flight.objects.filter(pk=3)
        await cancelled(rows.aget(), gate)
        gate.open.set()
        assert (await rows.aget()).pk == 3
        assert await Flight.objects.acount() == 260

    asyncio.run(use())


def test_a_timeout_ends_a_read(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Flight.objects.acount()
        gate.open.set()

    asyncio.run(use())


def test_a_cancelled_loop_can_be_begun_again(gated: Session, gate: Gate) -> None:
    """While the thread still waits for the page that nobody waits for any more."""

    async def use() -> None:
        rows = Flight.objects.all()
        await cancelled(all_of(rows), gate)
        again = asyncio.create_task(all_of(rows))
        await asyncio.sleep(0.05)
        gate.open.set()
        assert await again == IDS == [flight.id for flight in rows]

    with gated.capture() as sent:
        asyncio.run(use())
    assert len(sent) == 2


def test_a_loop_that_was_cancelled_between_pages_goes_on(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        rows, seen = Flight.objects.all(), []
        gate.open.set()
        async for flight in rows:
            seen.append(flight.id)
            if len(seen) == 100:
                break
        gate.open.clear()
        gate.reached.clear()
        await cancelled(all_of(rows), gate)
        gate.open.set()
        assert await all_of(rows) == IDS

    with gated.capture() as sent:
        asyncio.run(use())
    assert len(sent) == 2


class Watched(QuerySet["WatchedFlight"]):
    closed: ClassVar[list[str]] = []

    def _read_pages(
        self, page_size: int | None = None, read_ahead: int = 1, after: Any = None
    ) -> Iterator[list[Any]]:
        try:
            yield from super()._read_pages(page_size, read_ahead, after)
        finally:
            self.closed.append("closed")


class WatchedFlight(Flight, collection="flights"):
    objects = Watched.as_manager()


@pytest.fixture(autouse=True)
def nothing_closed() -> None:
    Watched.closed.clear()


def test_a_cancelled_iterator_is_closed_by_the_thread_that_reads_for_it(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        await cancelled(_ids(WatchedFlight.objects.aiterator(page_size=50)), gate)
        assert not Watched.closed
        gate.open.set()
        while not Watched.closed:
            await asyncio.sleep(0.005)
        assert await Flight.objects.acount() == 260

    asyncio.run(use())
    assert Watched.closed == ["closed"]


async def _ids(rows: Any) -> list[int]:
    return [row.id async for row in rows]


def test_an_iterator_that_is_left_is_closed(session: Session) -> None:
    async def use() -> None:
        async with aclosing(WatchedFlight.objects.aiterator(page_size=50)) as rows:
            async for flight in rows:
                assert flight.id == 1
                break
        assert Watched.closed == ["closed"]
        async for _ in WatchedFlight.objects.aiterator(page_size=50):
            break

    asyncio.run(use())
    assert Watched.closed == ["closed"] * 2


def test_a_write_that_is_cancelled_is_finished_first(gated: Session, gate: Gate) -> None:
    """So a second save() does not create the row again."""

    async def use() -> None:
        note = Note(title="once")
        task = asyncio.create_task(note.asave())
        await gate.reach()
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert state_of(note).stored
        with gated.capture() as sent:
            await note.asave()
        assert not sent

    asyncio.run(use())
    assert Note.objects.count() == 1


def test_of_a_cancelled_write_that_failed_the_reason_is_told(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        gate.open.set()
        await Note.objects.acreate(title="one")
        gate.open.clear()
        gate.reached.clear()
        task = asyncio.create_task(Note(title="one").asave())
        await gate.reach()
        task.cancel()
        await asyncio.sleep(0.01)
        gate.open.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert isinstance(caught.value.__cause__, RecordNotUnique)

    asyncio.run(use())


def test_what_no_thread_has_begun_is_not_begun_after_it_was_cancelled(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        asyncio.get_running_loop().set_default_executor(CountingExecutor(1))
        first = asyncio.create_task(Flight.objects.acount())
        await gate.reach()
        second = asyncio.create_task(Note.objects.acreate(title="never"))
        await asyncio.sleep(0.05)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.open.set()
        assert await first == 260

    with gated.capture() as sent:
        asyncio.run(use())
    assert len(sent) == 1
    assert Note.objects.count() == 0


def test_an_error_that_nobody_waits_for_is_not_told_of(gated: Session, gate: Gate) -> None:
    told: list[Any] = []

    async def use() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        await cancelled(Note.objects.aget(title="nobody"), gate)
        gate.open.set()

    asyncio.run(use())
    assert not told


def test_no_thread_stays_behind(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        for _ in range(3):
            await cancelled(all_of(Flight.objects.all()), gate)
        gate.open.set()

    before = threading.active_count()
    asyncio.run(use())
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.005)  # the page is read to the end, though nobody waits for it
    assert threading.active_count() <= before


def test_tasks_that_loop_over_one_queryset_each_see_all_rows(session: Session) -> None:
    async def use() -> list[list[int]]:
        rows = Flight.objects.all()
        return list(await asyncio.gather(*(all_of(rows) for _ in range(10))))

    with session.capture() as sent:
        assert asyncio.run(use()) == [IDS] * 10
    assert len(sent) == 2


def test_threads_that_loop_over_one_queryset_each_see_all_rows(session: Session) -> None:
    rows = Flight.objects.using(session)
    with session.capture() as sent, ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: [flight.id for flight in rows], range(10)))
    assert found == [IDS] * 10
    assert len(sent) == 2


def test_two_tasks_cannot_share_an_iterator(gated: Session, gate: Gate) -> None:
    async def use() -> None:
        rows = Flight.objects.aiterator()
        first = asyncio.create_task(_ids(rows))
        await gate.reach()
        with pytest.raises(RuntimeError, match="already running"):
            await anext(rows)
        gate.open.set()
        assert await first == IDS

    asyncio.run(use())


def test_fifty_tasks_ask_at_once(session: Session) -> None:
    async def use() -> list[Flight]:
        return list(await asyncio.gather(*(Flight.objects.aget(pk=n) for n in range(1, 51))))

    assert [flight.pk for flight in asyncio.run(use())] == list(range(1, 51))


def test_a_task_group_ends_what_is_left_when_one_fails(notes: Session) -> None:
    async def use() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Note.objects.acreate(title="kept"))
            tasks.create_task(Note.objects.aget(title="nobody"))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(use())
    assert [type(error) for error in caught.value.exceptions] == [Note.DoesNotExist]
    assert Airline.objects.count() == 4
