"""Calls in worker threads: context variables, results, errors, and what is left behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from functools import partial

import pytest

from directus_orm.core.worker import complete, in_context, run_concurrently, run_now, start_thread, worker_thread

number: ContextVar[int] = ContextVar("number", default=0)


@pytest.fixture(autouse=True)
def set_number() -> None:
    number.set(7)


def in_worker(call: Callable[[], int]) -> Future[int]:
    with worker_thread() as worker:
        return worker.submit(call)


@pytest.mark.parametrize("run", [start_thread, run_now, in_worker])
def test_a_call_sees_the_context_variables_of_its_caller(run: Callable[[Callable[[], int]], Future[int]]) -> None:
    assert run(number.get).result(5) == 7
    assert run_concurrently([number.get, number.get]) == [7, 7]


def test_a_context_is_that_of_the_moment_it_was_taken() -> None:
    call = in_context(number.get)
    number.set(8)
    assert call() == 7


@pytest.mark.parametrize("run", [start_thread, run_now, in_worker])
def test_an_error_comes_back_where_the_result_is_asked_for(
    run: Callable[[Callable[[], int]], Future[int]],
) -> None:
    future = run(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result(5)
    with pytest.raises(ZeroDivisionError):
        run_concurrently([lambda: 1, lambda: 1 // 0])


def test_results_come_in_the_order_of_the_calls() -> None:
    first = threading.Event()

    def late() -> int:
        assert first.wait(5)
        return 1

    def early() -> int:
        first.set()
        return 2

    assert run_concurrently([late, early]) == [1, 2]


def test_a_worker_makes_calls_in_turn_and_ends_with_its_block() -> None:
    threads, done = threading.active_count(), list[int]()
    with worker_thread() as worker:
        futures = [worker.submit(partial(done.append, count)) for count in range(20)]
    assert done == list(range(20))
    assert all(future.done() for future in futures)
    assert threading.active_count() == threads


def test_an_error_is_not_kept_alive_by_a_cycle() -> None:
    class Mine(Exception):
        pass

    def fail() -> int:
        raise Mine

    gc.disable()
    try:
        future = run_now(fail)
        gone = weakref.ref(future.exception() or future)
        del future
        assert gone() is None
        other: Future[int] = Future()
        complete(other, fail)
        gone = weakref.ref(other.exception() or other)
        del other
        assert gone() is None
    finally:
        gc.enable()
