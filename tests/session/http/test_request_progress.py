"""Watching a request: when it is with the server, when its answer is there, and hanging it up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
import requests

from directus_orm.core.cancellation import Cancellation, Cancelled, cancelled_by
from directus_orm.core.request_response import Request
from directus_orm.session import Session
from directus_orm.session.http import request_progress
from directus_orm.session.http.request_progress import (
    HangUp,
    RequestObserver,
    SentSignal,
    hung_up_when_cancelled,
    notify_carried_by,
    observing,
)
from tests.worlds.tiny_server import Scripted, TinyServer

READ = Request("GET", "/items/x")


@pytest.mark.parametrize("own", [True, False])
def test_an_observer_is_notified_of_sending_and_then_of_the_response(
    own: bool, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """So that whoever waits for the first does not wait for the server's work."""
    tiny.script = [Scripted(body={"data": [1]}, delay=0.3)]
    sent, arrived = list[float](), list[tuple[float, bytes]]()
    session = open_session(tiny.url, token="t", http=None if own else requests.Session())
    with observing(
        RequestObserver(
            lambda: sent.append(time.monotonic()),
            lambda body: arrived.append((time.monotonic(), body)),
        )
    ):
        session.send(READ)
    session.send(READ)
    ((answered, body),) = arrived
    assert body == b'{"data": [1]}'
    assert [answered - at > 0.25 for at in sent] == [True]


def test_a_missing_response_is_not_reported(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    """Errors are not looked at; an answer is told once more where the request is repeated."""
    tiny.script = [Scripted(503, body={"errors": []}), Scripted(cut=True), Scripted(body={"data": [2]})]
    told: list[object] = []
    with observing(RequestObserver(lambda: None, told.append)):
        assert open_session(tiny.url, token="t").send(READ).data == [2]
    assert told == [b'{"data": [2]}']


def test_an_observer_ends_with_its_block(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    told: list[object] = []
    session = open_session(tiny.url, token="t")
    with observing(RequestObserver(lambda: told.append("outer"), told.append)):
        with observing(RequestObserver(lambda: None, lambda _: None)):
            session.send(READ)
        assert told == []
        session.send(READ)
    assert told[0] == "outer"


def test_an_observer_is_notified_through_a_proxy(
    tiny: TinyServer, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", tiny.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    told: list[object] = []
    session = open_session("http://directus.example", token="t")
    with observing(RequestObserver(lambda: told.append("sent"), told.append)):
        session.send(READ)
    assert tiny.paths == ["http://directus.example/items/x"]
    assert told[0] == "sent"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection: the client's and the server's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        yield ours, theirs


def is_open(theirs: socket.socket) -> bool:
    try:
        return theirs.recv(1) != b""
    except BlockingIOError:
        return True


def test_only_a_connection_that_carries_the_request_is_hung_up(ends: tuple[socket.socket, socket.socket]) -> None:
    """Before and after it, the connection may carry the request of somebody else."""
    ours, theirs = ends
    hang_up = HangUp()
    hang_up()
    hang_up.carried_by(ours)
    hang_up.answered()
    hang_up()
    hang_up.carried_by(ours)
    hang_up.carried_by("a TLS connection within another one")
    hang_up()
    assert is_open(theirs)
    hang_up.carried_by(ours)
    hang_up()
    assert not is_open(theirs)
    ours.close()
    hang_up()


def test_hanging_up_does_not_wait_for_a_thread_that_notes_the_response(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    hang_up = HangUp()
    hang_up.carried_by(ours)
    with hang_up._lock:
        hang_up()
    assert is_open(theirs)
    hang_up()
    assert not is_open(theirs)
    hang_up.answered()  # nothing holds the lock any more


def test_a_request_is_hung_up_while_its_block_runs(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    cancellation = Cancellation()
    with cancelled_by(cancellation):
        with hung_up_when_cancelled():
            assert notify_carried_by(ours) is not None
        cancellation.cancel()
        assert is_open(theirs)
        assert notify_carried_by(ours) is None
        with pytest.raises(Cancelled), hung_up_when_cancelled():
            raise AssertionError
    cancellation = Cancellation()
    with cancelled_by(cancellation), hung_up_when_cancelled():
        notify_carried_by(ours)
        cancellation.cancel()
        assert not is_open(theirs)


def test_a_request_is_not_sent_once_it_is_cancelled(ends: tuple[socket.socket, socket.socket]) -> None:
    """As while the connection is made, which nobody can hang up yet."""
    cancellation = Cancellation()
    with cancelled_by(cancellation), hung_up_when_cancelled():
        cancellation.cancel()
        with pytest.raises(Cancelled):
            notify_carried_by(ends[0])


def test_a_request_that_nobody_can_cancel_is_not_hung_up(ends: tuple[socket.socket, socket.socket]) -> None:
    with hung_up_when_cancelled():
        assert notify_carried_by(ends[0]) is None


def test_nobody_waits_for_the_sending_of_a_request_that_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_progress, "_LONGEST_WAIT", 60)
    signal, future = SentSignal(), Future[None]()
    threading.Timer(0.02, future.set_exception, [LookupError()]).start()
    signal.wait(future)
    assert future.done()
    signal = SentSignal()
    threading.Timer(0.02, signal.sent).start()
    signal.wait(Future())


def test_the_sending_of_a_request_is_not_waited_for_without_end() -> None:
    """Connecting may take long."""
    SentSignal().wait(Future())
