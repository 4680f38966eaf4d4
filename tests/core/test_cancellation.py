"""Cancelling: who waits is told at once, and who cancels never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from directus_orm.core.cancellation import (
    Cancellation,
    Cancelled,
    cancelled_by,
    current_cancellation,
    pause,
    result_of,
)
from directus_orm.core.worker import run_concurrently, start_thread


def started_under(cancellation: Cancellation, call: Callable[[], Any]) -> Future[Any]:
    with cancelled_by(cancellation):
        return start_thread(call)


@pytest.mark.parametrize("call", [partial(pause, 60), partial(result_of, Future[int]())])
def test_waiting_ends_when_it_is_cancelled(call: partial[int]) -> None:
    cancellation = Cancellation()
    waiting = started_under(cancellation, call)
    time.sleep(0.05)
    assert not waiting.done()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        waiting.result(5)
    with pytest.raises(Cancelled):
        started_under(cancellation, call).result(5)


def test_what_nobody_cancels_ends_by_itself() -> None:
    cancellation, future = Cancellation(), Future[int]()
    waiting = started_under(cancellation, partial(result_of, future))
    future.set_result(7)
    assert waiting.result(5) == 7
    started_under(cancellation, partial(pause, 0.01)).result(5)
    pause(0.01)
    cancellation.cancel()
    assert result_of(future) == 7


def test_a_call_is_made_once_and_only_within_its_block() -> None:
    cancellation, calls = Cancellation(), list[str]()
    with cancellation.calling(partial(calls.append, "before")):
        pass
    with cancellation.calling(partial(calls.append, "within")):
        cancellation.cancel()
        cancellation.cancel()
    with pytest.raises(Cancelled), cancellation.calling(partial(calls.append, "after")):
        raise AssertionError
    assert calls == ["within"]


def test_a_call_that_cancels_again_does_not_wait_for_itself() -> None:
    """As a finalizer may that runs in the middle of cancelling."""
    cancellation = Cancellation()
    with cancellation.calling(cancellation.cancel):
        cancellation.cancel()


def test_work_of_a_thread_is_cancelled_by_what_it_was_started_under() -> None:
    outer, inner = Cancellation(), Cancellation()
    with cancelled_by(outer):
        waiting = started_under(inner, partial(pause, 60))
        outer.cancel()
        time.sleep(0.05)
        assert not waiting.done()
    inner.cancel()
    assert isinstance(waiting.exception(5), Cancelled)


def test_after_an_error_nobody_waits_for_the_calls_beside_it() -> None:
    ended = threading.Event()

    def fail() -> None:
        raise LookupError

    def wait() -> None:
        try:
            pause(60)
        finally:
            ended.set()

    started = time.monotonic()
    with pytest.raises(LookupError):
        run_concurrently([fail, wait])
    assert ended.wait(5)
    assert time.monotonic() - started < 5


def test_an_interrupted_wait_is_no_longer_told() -> None:
    """What was waited for may end later, also after everything was cancelled."""
    cancellation, future = Cancellation(), Future[int]()
    waiting = started_under(cancellation, partial(result_of, future))
    cancellation.cancel()
    with pytest.raises(Cancelled):
        waiting.result(5)
    future.set_result(7)
    assert future.result() == 7


def test_cancelling_in_two_threads_at_once_makes_each_call_once() -> None:
    """The other thread takes the last call between the question whether there is one and the taking of it."""
    cancellation, calls = Cancellation(), list[str]()

    class Calls(dict[object, Callable[[], None]]):
        def __bool__(self) -> bool:
            return True

    cancellation._calls = Calls()
    with cancellation.calling(partial(calls.append, "once")):
        cancellation.cancel()
    assert calls == ["once"]


def test_an_error_of_a_call_is_not_hidden() -> None:
    cancellation = Cancellation()

    def fail() -> None:
        raise LookupError

    with cancellation.calling(fail), pytest.raises(LookupError):
        cancellation.cancel()


def test_a_pause_that_nobody_cancels_lasts_as_long_as_it_should() -> None:
    """With work that can be cancelled, and without."""
    started = time.monotonic()
    pause(0.05)
    with cancelled_by(Cancellation()):
        pause(0.05)
    assert time.monotonic() - started >= 0.1


def test_the_work_of_a_block_is_the_outer_one_again_after_it() -> None:
    outer = Cancellation()
    with cancelled_by(outer):
        with suppress(LookupError), cancelled_by(None):
            assert current_cancellation() is None
            raise LookupError
        assert current_cancellation() is outer
    assert current_cancellation() is None


def test_an_error_of_what_is_waited_for_is_raised() -> None:
    future = Future[int]()
    waiting = started_under(Cancellation(), partial(result_of, future))
    future.set_exception(LookupError())
    assert isinstance(waiting.exception(5), LookupError)
