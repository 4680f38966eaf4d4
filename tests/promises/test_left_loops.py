"""Loops that are left, collected, interrupted or forked: nothing waits, nothing hangs, nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import IterationLost, Model, QuerySet, ServerError, Session, TransportError
from directus_orm.testing import DirectusServer
from tests.worlds.tiny_server import Scripted, TinyServer

ROOT = str(Path(__file__).parents[2])
# Leaving takes milliseconds; the silent server of these tests answers after a minute.
SOON = 5.0
MINUTE = 60.0


class Thing(Model, collection="things"):
    id: int


def page(*keys: int) -> Scripted:
    return Scripted(body={"data": [{"id": key} for key in keys]})


SILENT = Scripted(delay=MINUTE)


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("directus_orm")]


def until(true: Callable[[], bool], seconds: float = SOON) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


@pytest.fixture
def things(tiny: TinyServer, open_session: Callable[..., Session]) -> QuerySet[Thing]:
    """Two pages of two rows; the server is silent about the third, which is fetched ahead."""
    tiny.answers(page(1, 2), page(3, 4), SILENT)
    return Thing.objects.using(open_session(tiny.url, token="t", page_size=2))


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Each test ends soon, and leaves no thread."""
    before, started = set(reading_threads()), time.monotonic()
    yield
    assert time.monotonic() - started < MINUTE / 2
    assert until(lambda: not set(reading_threads()) - before)


# --- leaving ------------------------------------------------------------------------------------------------


def leave_by_break(rows: Any) -> None:
    for row in rows:
        if row.id == 3:
            break


def leave_by_return(rows: Any) -> int | None:
    for row in rows:
        if row.id == 3:
            return 3
    return None


def leave_by_error(rows: Any) -> None:
    with suppress(LookupError):
        for row in rows:
            if row.id == 3:
                raise LookupError


def leave_unfinished(rows: Any) -> None:
    loop = iter(rows)
    for _ in range(3):
        next(loop)


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_return, leave_by_error, leave_unfinished])
@pytest.mark.parametrize("keeps_rows", [True, False])
def test_leaving_a_loop_does_not_wait_for_the_page_under_way(
    things: QuerySet[Thing], tiny: TinyServer, leave: Callable[[Any], Any], keeps_rows: bool
) -> None:
    rows: Any = things.all() if keeps_rows else things.iterator()
    leave(rows)
    assert until(lambda: len(tiny.seen) == 3)
    started = time.monotonic()
    del rows  # a queryset that lives on keeps its pages for a second loop
    assert time.monotonic() - started < SOON


def test_a_queryset_and_its_pages_are_no_cycle(things: QuerySet[Thing]) -> None:
    """So that they go at once, and no garbage collector has to close them."""
    rows = things.all()
    gc.collect()
    gc.disable()
    try:
        leave_by_break(rows)
        gone = weakref.ref(rows)
        del rows
        assert gone() is None
        assert until(lambda: not reading_threads())
    finally:
        gc.enable()


def test_a_loop_that_is_collected_in_its_own_thread_does_not_wait_for_itself(
    things: QuerySet[Thing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The garbage collector runs in whatever thread allocates: here in the one that fetches ahead."""
    send, left, collected = Session.send, threading.Event(), threading.Event()

    def collecting(self: Session, request: Any) -> Any:
        if threading.current_thread().name.startswith("directus_orm"):
            assert left.wait(SOON)
            gc.collect()
            collected.set()
        return send(self, request)

    monkeypatch.setattr(Session, "send", collecting)
    pages: list[Any] = [things.iterator(), None]
    pages[1] = pages  # a cycle of the application's own
    for _ in range(3):
        next(pages[0])
    gc.disable()
    try:
        del pages
        left.set()
        assert collected.wait(SOON)
    finally:
        gc.enable()


def test_the_request_under_way_is_hung_up_and_not_repeated(things: QuerySet[Thing], tiny: TinyServer) -> None:
    session = things._session()
    with session.capture() as sent:
        leave_by_break(things.iterator())
        assert until(lambda: not reading_threads())
    assert [entry.status for entry in sent] == [200, 200, None]
    assert len(tiny.seen) == 3
    tiny.answers(page(7))
    assert [thing.id for thing in things.all()] == [7]  # over a connection of its own


def test_a_retry_that_nobody_waits_for_is_not_made(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    busy = Scripted(429, {"errors": [{"extensions": {"code": "REQUESTS_EXCEEDED"}}]}, {"Retry-After": "30"})
    tiny.answers(page(1, 2), page(3, 4), busy)
    loop = Thing.objects.using(open_session(tiny.url, token="t", page_size=2)).iterator()
    assert next(loop).id == 1
    assert next(loop).id == 2
    assert next(loop).id == 3
    assert until(lambda: len(tiny.seen) == 3)
    del loop
    assert until(lambda: not reading_threads())
    assert len(tiny.seen) == 3


def test_a_page_of_several_requests_is_left_as_well(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """In an order that is not the key's, rows and keys are requested at the same time."""
    tiny.answers(page(1, 2), page(1, 2, 3, 4), page(3, 4), SILENT)
    rows = Thing.objects.using(open_session(tiny.url, token="t", page_size=2, timeout=(1, 3), retry=0))
    loop = rows.order_by("-id").values_list("id", flat=True).iterator()
    with suppress(TransportError):
        for _ in range(3):
            next(loop)
    del loop


# --- over a caller's requests.Session -----------------------------------------------------------------------


class Gate(HTTPAdapter):
    """An adapter of the caller's, which holds the third request back until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.is_open = threading.Event()

    def send(self, *args: Any, **options: Any) -> requests.Response:
        self.sent += 1
        if self.sent == 3:
            self.is_open.wait(MINUTE)
        return super().send(*args, **options)


@pytest.fixture
def gate(own_http: requests.Session) -> Iterator[Gate]:
    gate = Gate()
    own_http.mount("http://", gate)
    yield gate
    gate.is_open.set()  # the threads that it holds back end now, which `soon` checks


@pytest.fixture
def given(tiny: TinyServer, own_http: requests.Session, gate: Gate) -> Iterator[QuerySet[Thing]]:
    """Rows over connections that the library cannot hang up."""
    tiny.answers(page(1, 2), page(3, 4), page(5))
    with Session(tiny.url, token="t", page_size=2, http=own_http) as session:
        yield Thing.objects.using(session)


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_return, leave_by_error, leave_unfinished])
@pytest.mark.parametrize("keeps_rows", [True, False])
def test_leaving_a_loop_does_not_wait_for_a_page_that_cannot_be_hung_up(
    given: QuerySet[Thing], gate: Gate, leave: Callable[[Any], Any], keeps_rows: bool
) -> None:
    rows: Any = given.all() if keeps_rows else given.iterator()
    leave(rows)
    assert until(lambda: gate.sent == 3)
    del rows
    assert reading_threads()


def test_asyncio_does_not_wait_for_a_page_that_cannot_be_hung_up(given: QuerySet[Thing]) -> None:
    asyncio.run(third(given.aiterator()))
    assert reading_threads()


# --- asyncio ------------------------------------------------------------------------------------------------


async def third(rows: Any) -> None:
    async for row in rows:
        if row.id == 3:
            return


async def to_the_end(rows: Any) -> None:
    async for _ in rows:
        pass


@pytest.mark.parametrize("keeps_rows", [True, False])
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_asyncio_does_not_wait_for_the_page_under_way(
    things: QuerySet[Thing], keeps_rows: bool, is_cancelled: bool
) -> None:
    # A page that is read into a queryset is read to the end: other loops over it may wait for that page.
    session = things._session().with_options(timeout=(1, 2), retry=0)

    async def use() -> None:
        rows = things.using(session) if keeps_rows else things.aiterator()
        if is_cancelled:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await to_the_end(rows)
        else:
            await third(rows)

    started = time.monotonic()
    asyncio.run(use())  # which waits for the threads of its executor
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("name", ["acount", "afirst", "aexists"])
def test_a_cancelled_read_is_hung_up(tiny: TinyServer, open_session: Callable[..., Session], name: str) -> None:
    tiny.answers(SILENT)
    rows = Thing.objects.using(open_session(tiny.url, token="t"))

    async def use() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await getattr(rows, name)()

    started = time.monotonic()
    asyncio.run(use())
    assert time.monotonic() - started < SOON
    assert len(tiny.seen) == 1


# --- two loops over one queryset ----------------------------------------------------------------------------

BROKEN = Scripted(500, {"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})


@pytest.fixture
def breaking(tiny: TinyServer, open_session: Callable[..., Session]) -> QuerySet[Thing]:
    """The second page cannot be read; afterwards there are other rows."""
    tiny.answers(page(1, 2), BROKEN, page(2, 3), page(4))
    return Thing.objects.using(open_session(tiny.url, token="t", page_size=2))


def test_a_loop_beside_one_that_failed_repeats_and_misses_nothing(breaking: QuerySet[Thing]) -> None:
    one, other = iter(breaking), iter(breaking)
    assert [next(loop).id for loop in (one, other, one, other)] == [1, 1, 2, 2]
    with pytest.raises(ServerError):
        next(one)
    with pytest.raises(IterationLost):
        next(other)
    assert [thing.id for thing in breaking] == [2, 3, 4]


@pytest.mark.parametrize("read", [len, list])
def test_a_loop_in_which_the_rows_cannot_be_read_repeats_and_misses_nothing(
    breaking: QuerySet[Thing], read: Callable[[QuerySet[Thing]], Any]
) -> None:
    loop = iter(breaking)
    assert next(loop).id == 1
    with pytest.raises(ServerError):
        read(breaking)
    assert next(loop).id == 2
    with pytest.raises(IterationLost):
        next(loop)


@pytest.mark.parametrize("fails", ["the loop", "the iterator"])
def test_a_loop_and_an_iterator_share_nothing(
    tiny: TinyServer, open_session: Callable[..., Session], fails: str
) -> None:
    """So one goes on where the other fails."""
    tiny.answers(page(1, 2), page(1, 2), BROKEN, page(3, 4), page())
    rows = Thing.objects.using(open_session(tiny.url, token="t", page_size=2))
    loops = [iter(rows), rows.iterator(page_size=2, read_ahead=0)]
    failing, other = loops if fails == "the loop" else reversed(loops)
    assert [next(loop).id for loop in (failing, other, failing, other)] == [1, 1, 2, 2]
    with pytest.raises(ServerError):
        next(failing)
    assert [thing.id for thing in other] == [3, 4]


def test_an_async_loop_in_which_the_rows_cannot_be_read_repeats_and_misses_nothing(
    breaking: QuerySet[Thing],
) -> None:
    async def use() -> None:
        loop = aiter(breaking)
        assert (await anext(loop)).id == 1
        with pytest.raises(ServerError):
            len(breaking)
        assert (await anext(loop)).id == 2
        with pytest.raises(IterationLost):
            await anext(loop)

    asyncio.run(use())


def test_an_async_loop_beside_one_that_failed_repeats_and_misses_nothing(breaking: QuerySet[Thing]) -> None:
    async def use() -> None:
        one, other = aiter(breaking), aiter(breaking)
        assert [(await anext(loop)).id for loop in (one, other, one, other)] == [1, 1, 2, 2]
        with pytest.raises(ServerError):
            await anext(one)
        with pytest.raises(IterationLost):
            await anext(other)
        assert [thing.id async for thing in breaking] == [2, 3, 4]

    asyncio.run(use())


# --- processes ----------------------------------------------------------------------------------------------


START = """
import asyncio, gc, os, signal, sys, threading, time
from directus_orm import Model, Session

class Thing(Model, collection="things"):
    id: int

session = Session(sys.argv[1], token=sys.argv[2], page_size=2)
things = Thing.objects.using(session)
"""


def run(script: str, url: str, token: str = "t") -> str:
    """Run a script in a process of its own, which has to end soon."""
    code = START + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, url, token],
        check=False,
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=MINUTE / 3,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LEFT = """
    for thing in things:
        if thing.id == 3:
            break
"""
HELD = """
    loop = things.iterator()
    print([next(loop).id for _ in range(3)])
    hidden = [loop]
    hidden.append(hidden)
"""
CANCELLED = """
    async def use(rows):
        try:
            async with asyncio.timeout(0.5):
                async for thing in rows:
                    pass
        except TimeoutError:
            pass
    asyncio.run(use(things))
"""
INTERRUPTED = """
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        for thing in things.iterator():
            pass
    except KeyboardInterrupt:
        print("interrupted at", thing.id)
"""
OPEN_WINDOWS = """
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        list(things.order_by("id"))
    except KeyboardInterrupt:
        print("interrupted")
"""


OVER_GIVEN = """
    import requests
    things = things.using(Session(sys.argv[1], token="t", page_size=2, http=requests.Session()))
"""


@pytest.mark.parametrize(
    "script", [LEFT, HELD, CANCELLED, INTERRUPTED, OPEN_WINDOWS, OVER_GIVEN + LEFT, OVER_GIVEN + HELD]
)
def test_a_process_ends_while_a_page_is_under_way(tiny: TinyServer, script: str) -> None:
    tiny.answers(page(1, 2), page(3, 4), SILENT)
    run(script, tiny.url)


FORKED = """
    loop = things.iterator() if {iterator} else iter(things)
    seen = [next(loop).id for _ in range(3)]
    time.sleep(0.3)     # the next page is requested
    child = os.fork()
    if not child:
        {child}
    assert os.waitpid(child, 0)[1] == 0
    del loop
"""


@pytest.mark.parametrize(
    ("child", "iterator"),
    [
        ("sys.exit([thing.id for thing in loop] != [4, 5])", True),
        ("sys.exit([thing.id for thing in loop] != [4, 5])", False),
        ("del loop; os._exit(0)", True),
        ("del loop; sys.exit()", False),
        ("sys.exit()", True),
    ],
)
def test_a_child_that_is_forked_while_a_page_is_under_way_goes_on(
    tiny: TinyServer, iterator: bool, child: str
) -> None:
    """The request under way is the parent's; a child sends it again, over a connection of its own."""
    tiny.answers(page(1, 2), page(3, 4), SILENT, page(5))
    run(FORKED.replace("{iterator}", str(iterator)).replace("{child}", child), tiny.url)


def test_a_child_goes_on_with_a_loop_over_real_rows(world: DirectusServer) -> None:
    script = """
        from tests.worlds.flights import Flight
        loop = Flight.objects.using(session).order_by(ORDER).iterator(page_size=20)
        seen = [next(loop).id for _ in range(21)]
        child = os.fork()
        seen += [flight.id for flight in loop]
        assert len(seen) == len(set(seen)) == 260, seen
        if not child:
            sys.exit()
        assert os.waitpid(child, 0)[1] == 0
    """
    for order in ("id", "dep_delay"):
        run(script.replace("ORDER", repr(order)), world.url, world.token)


def test_a_child_meets_an_error_that_came_ahead(tiny: TinyServer) -> None:
    refusal = Scripted(403, {"errors": [{"extensions": {"code": "FORBIDDEN"}}]})
    tiny.answers(page(1, 2), page(3, 4), refusal, page(5))
    child = "try: list(loop)\n        except PermissionError: os._exit(0)\n        os._exit(1)"
    run(FORKED.replace("{iterator}", "True").replace("{child}", child), tiny.url)


def test_a_child_reads_rows_that_another_thread_was_reading(tiny: TinyServer) -> None:
    tiny.answers(page(1, 2), page(3, 4), SILENT, page(1, 2), page(3))
    script = """
        threading.Thread(target=list, args=(things,), daemon=True).start()
        time.sleep(0.3)
        child = os.fork()
        if not child:
            sys.exit([thing.id for thing in things] != [1, 2, 3])
        assert os.waitpid(child, 0)[1] == 0
    """
    run(script, tiny.url)


def test_a_child_uses_a_model_that_another_thread_was_resolving(tiny: TinyServer) -> None:
    script = """
        from directus_orm.models import model
        resolve, begun = model._resolve, threading.Event()
        def slowly(cls):
            begun.set()
            time.sleep(0.5)
            return resolve(cls)
        model._resolve = slowly
        class Other(Model):
            id: int
        threading.Thread(target=lambda: Other.directus, daemon=True).start()
        begun.wait()
        child = os.fork()
        if not child:
            sys.exit(Other.directus.pk.name != "id")
        assert os.waitpid(child, 0)[1] == 0
    """
    run(script, tiny.url)
