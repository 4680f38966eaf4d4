"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import random
import ssl
from math import inf

import attrs
import requests

from ..errors import DirectusError, OutcomeUnknown, RateLimited, TransportError, Unavailable
from ..wire import Request
from .diagnosis import causes, timed_out

_FIRST_PAUSE = 0.1
# The server measures its load every 0.25 s: asking earlier is in vain.
_FIRST_PAUSE_OF_BUSY = 0.3
_LONGEST_PAUSE = 5.0
_PATIENCE = 60.0


@attrs.frozen
class Retry:
    """At most ``times`` repetitions of a request, within a minute."""

    times: int = 4

    def pause(self, error: DirectusError, request: Request, tried: int, elapsed: float) -> float | None:
        """Return the seconds to wait before sending ``request`` again; None where the error is final."""
        if not self.times or tried > self._limit(error) or not _passing(error, request):
            return None
        pause = _pause(error, tried)
        return pause if elapsed + pause <= _PATIENCE else None

    def _limit(self, error: DirectusError) -> float:
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return inf  # many threads may have to queue for it; time alone ends the waiting
        # A host that swallows connections costs the whole timeout each time: one more try tells enough.
        swallowed = isinstance(error.__cause__, requests.ConnectTimeout)
        return 1 if swallowed else self.times


def _pause(error: DirectusError, tried: int) -> float:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        # The server rounds to whole seconds, down to 0 as well; and all who wait should not come back at once.
        return error.retry_after + random.uniform(_FIRST_PAUSE, 0.6)  # noqa: S311 - no secret
    first = _FIRST_PAUSE_OF_BUSY if isinstance(error, RateLimited | Unavailable) else _FIRST_PAUSE
    return min(_LONGEST_PAUSE, first * 2.0 ** (tried - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _passing(error: DirectusError, request: Request) -> bool:
    if isinstance(error, RateLimited):
        return error.code != "EMAIL_LIMIT_EXCEEDED"
    if isinstance(error, Unavailable):
        return _under_pressure(error) or (request.reads and not error.code)
    if isinstance(error, OutcomeUnknown) or not isinstance(error, TransportError):
        return False
    if not error.sent:
        return not any(isinstance(e, ssl.SSLError) for e in causes(error.__cause__))
    # What took longer than the timeout once will again; a server's plain refusal stays one.
    cut_off = isinstance(error.__cause__, ValueError)
    broken = error.status is None or error.status >= 500 or cut_off
    return request.reads and broken and not timed_out(error.__cause__)


def _under_pressure(error: Unavailable) -> bool:
    # G41: said before any work was done, so it is safe for writes, too.
    return "pressure" in str(error.extensions.get("reason")).lower()
