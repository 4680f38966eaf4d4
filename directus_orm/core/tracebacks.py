"""The errors that an error wraps, and their tracebacks without the local variables, which hold what was sent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import FrameType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SUSPENDABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_OURS = (__name__.partition(".")[0] + ".", "json.")


def causes(error: BaseException | None, until: BaseException | None = None) -> list[BaseException]:
    """Return an error and all errors that it wraps: in its arguments, as its reason, its cause or its context.

    ``until`` was being handled already when the work began that failed: it is the context of the error, but
    no part of it.
    """
    errors: list[BaseException] = []
    candidates: list[Any] = [error]
    while candidates:
        candidate = candidates.pop(0)
        if candidate is until or not isinstance(candidate, BaseException):
            continue
        if not any(candidate is seen for seen in errors):
            errors.append(candidate)
            reason = getattr(candidate, "reason", None)
            candidates += [*candidate.args, reason, candidate.__cause__, candidate.__context__]
    return errors


def frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames of the traceback of an error."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def clear_frame(frame: FrameType) -> None:
    """Drop the local variables of a frame, unless it is still running; tracebacks go on to name its line."""
    with suppress(RuntimeError):
        frame.clear()


def hides_locals(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function whose errors hold no local variables of this package.

    They hold what was sent, secrets included, and tools such as Sentry show them. The frames of callbacks keep
    theirs.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            clear_own_locals(error)
            raise

    return call


def flatten(pages: Iterator[list[T]]) -> Iterator[T]:
    """Yield the results of pages one by one; errors hold no local variables, as with `hides_locals`."""
    try:
        while (page := next(pages, None)) is not None:
            yield from page
            del page  # frees the memory before the next page is read
    except BaseException as error:
        clear_own_locals(error)
        raise


def clear_locals(error: BaseException, until: BaseException | None) -> None:
    """Drop the local variables of all functions that an error, and its causes, came through, and that have ended.

    Those of requests, urllib3 and http.client hold headers and bodies. ``until`` as for `causes`.
    """
    for cause in causes(error, until):
        for frame in frames(cause):
            clear_frame(frame)


def clear_own_locals(error: BaseException) -> None:
    """Drop the local variables of this package's functions that an error, and its causes, came through."""
    for cause in causes(error):
        for frame in frames(cause):
            # A generator that caught a cause may still be in use, and clearing its frame would end it.
            has_ended = cause is error or not frame.f_code.co_flags & _SUSPENDABLE
            if has_ended and _is_ours(frame):
                clear_frame(frame)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(_OURS)
