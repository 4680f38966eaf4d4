"""When a request is sent again, and how long to wait before."""

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
    OutcomeUnknown,
    RateLimited,
    ServerError,
    TransportError,
    Unavailable,
)
from ...core.messages import Request
from .routes import deletes_by_key

# The server measures its load every 0.25 s: asking earlier is in vain.
_FIRST_PAUSE_OF_BUSY = 0.3
# Added to the wait a server asks for: it rounds to whole seconds, and all who wait should not come back at once.
_SPREAD = (0.1, 0.6)


def _seconds(least: float, text: str) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        known = is_number(value) and isfinite(value)
        if not known or value < least:
            raise ConfigurationError(f"Retry({attribute.name}={value!r}): {text}.")

    return check


def _whole(_: Any, __: Any, value: Any) -> None:
    if not is_whole_number(value, 0):
        raise ConfigurationError(f"retry={value!r} is not a whole number from 0 up, nor a Retry(…).")


def _share(_: Any, __: Any, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"Retry(jitter={value!r}): jitter is a share of the pause, from 0 to 1.")


@attrs.frozen
class Retry:
    """How persistent a session is where sending a request again is safe, as `Session` takes it for ``retry``.

    A request is repeated at most ``times`` times, and none of its tries begins later than ``total`` seconds after
    the first; so it ends within that and one more timeout. Pauses double from ``first_pause`` to ``longest_pause``
    seconds, each longer or shorter by up to the share ``jitter``. A server that says how long to wait
    (Retry-After) is waited for as long and as often as it says, if ``total`` has room for it.

    Raises `ConfigurationError` for values that make no sense.

    ```python
    Session(url, token="…", retry=Retry(times=8, total=120))
    ```
    """

    times: int = attrs.field(default=4, validator=_whole)
    total: float = attrs.field(default=60.0, validator=_seconds(0, "a number of seconds from 0 up"))
    first_pause: float = attrs.field(default=0.1, validator=_seconds(0.001, "a number of seconds from 0.001 up"))
    longest_pause: float = attrs.field(default=5.0, validator=_seconds(0.001, "a number of seconds from 0.001 up"))
    jitter: float = attrs.field(default=0.25, validator=_share)

    def __attrs_post_init__(self) -> None:
        if self.first_pause > self.longest_pause:
            msg = f"Retry(first_pause={self.first_pause!r}) is longer than longest_pause={self.longest_pause!r}."
            raise ConfigurationError(msg)

    @classmethod
    def of(cls, value: int | Retry) -> Retry:
        """Return the policy that an option means: a number is that of the repetitions."""
        return value if isinstance(value, Retry) else cls(value)

    def pause(self, error: DirectusError, tried: int) -> float:
        """Return the seconds to wait after ``tried`` tries, the last of which ended with ``error``."""
        asked = getattr(error, "retry_after", None)
        if asked is not None:
            return float(asked) + random.uniform(*_SPREAD)  # noqa: S311 - no secret
        busy = isinstance(error, RateLimited | Unavailable)
        first = max(self.first_pause, _FIRST_PAUSE_OF_BUSY) if busy else self.first_pause
        grown = min(max(self.longest_pause, first), first * 2.0 ** min(tried - 1, 60))
        return grown * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - no secret


_started: ContextVar[float | None] = ContextVar("directus_orm_first_try", default=None)


@contextmanager
def shared_deadline() -> Iterator[None]:
    """Let the requests of the block share the time that one may take."""
    outer = _started.get()
    token = _started.set(time.monotonic() if outer is None else outer)
    try:
        yield
    finally:
        _started.reset(token)


class RetryState:
    """The tries of one request, and what they leave open.

    ``lost`` is the first error that left it open whether the request was applied.
    """

    __slots__ = ("_policy", "_request", "_started", "_tried", "lost")

    def __init__(self, policy: Retry, request: Request) -> None:
        self._policy = policy
        self._request = request
        started = _started.get()
        self._started = time.monotonic() if started is None else started
        self._tried = 0
        self.lost: OutcomeUnknown | None = None

    def pause(self, error: DirectusError) -> float | None:
        """Return the seconds to wait before the next try; None where the error is final."""
        pause = self.count(error)
        if self._tried > self._limit(error) or not _may_be_repeated(error, self._request):
            return None
        return pause if time.monotonic() - self._started + pause <= self._policy.total else None

    def count(self, error: DirectusError) -> float:
        """Count a failed try; return the seconds to wait after it."""
        self._tried += 1
        if isinstance(error, OutcomeUnknown):
            self.lost = self.lost or error
        return self._policy.pause(error, self._tried)

    @property
    def is_exhausted(self) -> bool:
        """Whether the policy allows no further try, whatever the error is."""
        return self._tried > self._policy.times or time.monotonic() - self._started > self._policy.total

    def _limit(self, error: DirectusError) -> float:
        if getattr(error, "retry_after", None) is not None and self._policy.times:
            return inf  # many threads may have to queue for it; time alone ends the waiting
        # A host that swallows connections costs the whole timeout each time: one more try tells enough.
        from requests import ConnectTimeout  # noqa: PLC0415 - see Transport

        swallowed = isinstance(error.__cause__, ConnectTimeout)
        return min(1, self._policy.times) if swallowed else self._policy.times


def is_conclusive(error: DirectusError) -> bool:
    """Whether an error that follows an unknown outcome tells what became of the write: the server judged it."""
    return isinstance(error, ServerError) and not isinstance(error, RateLimited | Unavailable)


def _may_be_repeated(error: DirectusError, request: Request) -> bool:
    if isinstance(error, RateLimited):
        return error.code != "EMAIL_LIMIT_EXCEEDED"
    if isinstance(error, Unavailable):
        return _under_pressure(error) or (request.reads and not error.code)
    if not isinstance(error, TransportError) or not error.passing:
        return False
    return not error.sent or request.reads or request.purpose == "login" or deletes_by_key(request) is not None


def _under_pressure(error: Unavailable) -> bool:
    # G41: said before any work was done, so it is safe for writes, too.
    return "pressure" in str(error.extensions.get("reason")).lower()
