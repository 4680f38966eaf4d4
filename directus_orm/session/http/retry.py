"""Retries: which requests may be repeated after an error, how often, and after what pause."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf, isfinite
from typing import Any

import attrs

from ...core.checks import is_number, is_whole_number
from ...core.errors import (
    ConfigurationError,
    DirectusError,
    Forbidden,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    TransportError,
    Unavailable,
)
from ...core.request_response import Request
from .api import Api

# The server measures its load every 0.25 s, so an earlier retry is useless.
_FIRST_PAUSE_IF_BUSY = 0.3
# Added to the pause that a server asks for: it rounds to whole seconds, and clients should not all return at once.
_SPREAD = (0.1, 0.6)


def _check_seconds(least: float) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_number(value) or not isfinite(value) or value < least:
            text = f"a number of seconds from {least} up"
            raise ConfigurationError(f"Retry({attribute.name}={value!r}): {text}.")

    return check


def _check_times(_: Any, __: Any, value: Any) -> None:
    if not is_whole_number(value, 0):
        raise ConfigurationError(f"retry={value!r} is not a whole number from 0 up, nor a Retry(…).")


def _check_jitter(_: Any, __: Any, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"Retry(jitter={value!r}): jitter is a share of the pause, from 0 to 1.")


@attrs.frozen
class Retry:
    """How often and how long a session repeats a request where that is safe: the value of its option ``retry``.

    A request is repeated at most ``times`` times, and no attempt starts later than ``total`` seconds after the
    first, so that it ends within ``total`` and one more timeout. Pauses double from ``first_pause`` to
    ``longest_pause`` seconds; each is randomly longer or shorter by up to the share ``jitter``. If the server says
    how long to wait (Retry-After), that pause is taken instead, even for more than ``times`` repetitions, as long
    as it ends within ``total``.

    Raises `ConfigurationError` for values that make no sense.

    ```python
    Session(url, token="…", retry=Retry(times=8, total=120))
    ```
    """

    times: int = attrs.field(default=4, validator=_check_times)
    total: float = attrs.field(default=60.0, validator=_check_seconds(0))
    first_pause: float = attrs.field(default=0.1, validator=_check_seconds(0.001))
    longest_pause: float = attrs.field(default=5.0, validator=_check_seconds(0.001))
    jitter: float = attrs.field(default=0.25, validator=_check_jitter)

    def __attrs_post_init__(self) -> None:
        if self.first_pause > self.longest_pause:
            msg = f"Retry(first_pause={self.first_pause!r}) is longer than longest_pause={self.longest_pause!r}."
            raise ConfigurationError(msg)

    @classmethod
    def of(cls, value: int | Retry) -> Retry:
        """Return the policy for the option ``retry``, which may also be the number of repetitions."""
        return value if isinstance(value, Retry) else cls(value)

    def pause(self, error: DirectusError, attempts: int) -> float:
        """Return the seconds to wait after so many attempts, the last of which ended with ``error``."""
        retry_after = getattr(error, "retry_after", None)
        if retry_after is not None:
            return float(retry_after) + random.uniform(*_SPREAD)  # noqa: S311 - no secret
        busy = isinstance(error, RateLimited | Unavailable)
        first = max(self.first_pause, _FIRST_PAUSE_IF_BUSY) if busy else self.first_pause
        pause = min(max(self.longest_pause, first), first * 2.0 ** min(attempts - 1, 60))
        return pause * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - no secret


_shared_start: ContextVar[float | None] = ContextVar("directus_orm_first_attempt", default=None)


@contextmanager
def shared_deadline() -> Iterator[None]:
    """Let all requests of the block together take no longer than one request may (`Retry.total`)."""
    outer = _shared_start.get()
    token = _shared_start.set(time.monotonic() if outer is None else outer)
    try:
        yield
    finally:
        _shared_start.reset(token)


class RetryState:
    """The attempts of one request so far.

    ``lost`` is the first error after which it is unknown whether the request was applied.
    """

    __slots__ = ("_api", "_attempts", "_policy", "_request", "_started", "lost")

    def __init__(self, policy: Retry, request: Request, api: Api) -> None:
        self._policy = policy
        self._request = request
        self._api = api
        started = _shared_start.get()
        self._started = time.monotonic() if started is None else started
        self._attempts = 0
        self.lost: OutcomeUnknown | None = None

    def pause(self, error: DirectusError) -> float | None:
        """Count a failed attempt; return the seconds to wait before the next, or None if the error is final."""
        pause = self.count(error)
        if self._attempts > self._limit(error) or not self._may_be_repeated(error):
            return None
        return pause if time.monotonic() - self._started + pause <= self._policy.total else None

    def count(self, error: DirectusError) -> float:
        """Count a failed attempt; return the seconds to wait after it."""
        self._attempts += 1
        if isinstance(error, OutcomeUnknown):
            self.lost = self.lost or error
        return self._policy.pause(error, self._attempts)

    @property
    def is_exhausted(self) -> bool:
        """Whether the policy allows no further attempt, whatever the error is."""
        return self._attempts > self._policy.times or time.monotonic() - self._started > self._policy.total

    def _limit(self, error: DirectusError) -> float:
        """Return how many attempts may fail like this before the request is given up."""
        if getattr(error, "retry_after", None) is not None and self._policy.times:
            return inf  # many threads may have to queue; only the total time ends the waiting
        # A host that drops packets costs the whole timeout each time, so one more attempt is enough.
        from requests import ConnectTimeout  # noqa: PLC0415 - see Transport.open

        timed_out = isinstance(error.__cause__, ConnectTimeout)
        return min(1, self._policy.times) if timed_out else self._policy.times

    def _may_be_repeated(self, error: DirectusError) -> bool:
        request = self._request
        if isinstance(error, RateLimited | Unavailable):
            if self._api.is_refused_unprocessed(error):
                return True
            return request.reads and not error.code
        if not isinstance(error, TransportError) or not error.passing:
            return False
        if not error.sent or request.reads or request.purpose == "login":
            return True
        return self._api.deleted_keys(request) is not None


# A redirect, a body or a header that is too long, and problems that pass have nothing to do with the method.
_NOT_OF_THE_METHOD = frozenset({413, 414, 431, *range(300, 400)})


def is_refused_by_gateway(error: DirectusError, policy: Retry) -> bool:
    """Return whether it was a gateway, and not Directus, that failed a SEARCH: perhaps it refuses the method.

    A connection that was closed says so if the SEARCH was repeated.
    """
    if isinstance(error, ServerError):
        return isinstance(error, Forbidden) and not error.errors
    if not isinstance(error, TransportError) or not error.sent or error.status in _NOT_OF_THE_METHOD:
        return False
    if error.status is not None:
        return not error.passing
    from requests import Timeout  # noqa: PLC0415 - see Transport.open

    return policy.times > 0 and error.passing and not isinstance(error.__cause__, Timeout)


def is_conclusive(error: DirectusError) -> bool:
    """Return whether an error after an unknown outcome settles it, because the server processed the write."""
    return isinstance(error, ServerError) and not isinstance(error, RateLimited | Unavailable)
