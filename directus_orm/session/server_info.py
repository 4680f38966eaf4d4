"""What a server says of itself: its version and limits, whether it is there, and how it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..core.async_twins import async_twin
from ..core.errors import TransportError
from ..core.forks import reset_after_fork
from ..core.messages import Request, Response
from .derived import SharedFact
from .http.transport import Transport

Send = Callable[[Request], Response]

_INFO = Request("GET", "/server/info", purpose="info")
_PING = Request("GET", "/server/ping", purpose="info")
_HEALTH = Request("GET", "/server/health", purpose="info")

# Since which version, and up to which, a server can do what this library asks only where it is right.
_CAPABILITIES: Mapping[str, tuple[int, int | None]] = {
    "json_filters": (12, None),  # conditions inside JSON fields
    "exact_counts": (12, None),  # count(*) of a join counts each row once (G21)
    "compound_quantifiers": (0, 10),  # several conditions inside _some and _none (G2)
    "named_refusals": (11, None),  # a refusal names the field or collection
    "policies": (11, None),  # permissions belong to policies, not to roles
}


@attrs.frozen
class RateLimit:
    """So many requests in so many seconds."""

    points: int
    duration: float


@attrs.frozen
class ServerInfo:
    """What a server says of itself.

    Attributes:
        major: 10, 11 or 12; also where the version is not told.
        version: in full, such as ``"12.4.0"``; told to users that are logged in.
        complete: whether the limits are told, as they are to users that are logged in. Where they are not, None
            does not mean that there is none.
        default_rows: how many rows a list has where nobody says (of requests below models).
        max_rows: how many rows the server gives at a time, at most.
        rate_limit, global_rate_limit: per address, and of all requests.
        websocket: how it is reached; None where it is off.
        project: the name of the project.
        raw: all that was said.
    """

    major: int
    version: str | None = None
    complete: bool = False
    default_rows: int | None = None
    max_rows: int | None = None
    rate_limit: RateLimit | None = None
    global_rate_limit: RateLimit | None = None
    websocket: Mapping[str, Any] | None = attrs.field(default=None, hash=False)
    project: str | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def capabilities(self) -> frozenset[str]:
        """What this version can do and others cannot: ``json_filters``, ``policies`` and so on."""
        return frozenset(
            name
            for name, (first, last) in _CAPABILITIES.items()
            if first <= self.major and (last is None or self.major <= last)
        )


@attrs.frozen
class Health:
    """How a server is: ``status`` is ``"ok"``, ``"warn"`` or ``"error"``.

    Administrators are told the ``version`` and the ``checks``: of each part, what was measured.
    """

    status: str
    version: str | None = None
    checks: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)

    @property
    def problems(self) -> tuple[str, ...]:
        """The parts that are not well."""
        return tuple(
            name for name, found in self.checks.items() if any(one.get("status") != "ok" for one in found)
        )


class ServerInfoCache:
    """What a server said of itself, asked for once however many threads want to know."""

    def __init__(self) -> None:
        self._info: ServerInfo | None = None
        self.forget()
        reset_after_fork(self)

    def forget(self) -> None:
        """Start anew in a forked child: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def get(self, send: Send, *, fresh: bool) -> ServerInfo:
        """Return what is known, or ask."""
        if self._info is None or fresh:
            with self._lock:
                if self._info is None or fresh:
                    self._info = _read(send(_INFO).data)
        return self._info


class ServerInfoMixin:
    """What a session asks about the server itself."""

    _known_info: ServerInfoCache
    _transport: Transport
    max_rows = SharedFact[int]()

    def send(self, request: Request) -> Response:
        """Send a request and return its answer."""
        raise NotImplementedError

    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return what the server says of itself: its version, its limits; asked once, or anew with ``fresh``.

        The public is told the major version alone. A maximum of rows holds for all pages from then on.
        """
        info = self._known_info.get(self.send, fresh=fresh)
        if info.max_rows is not None:
            self.max_rows = info.max_rows
        return info

    def ping(self) -> float:
        """Return the seconds of a round trip to the server; sent once, without credentials, never repeated.

        Raises `TransportError` or `Unavailable` where there is no answer.
        """
        started = time.perf_counter()
        answer = self._transport.send(_PING, None)
        seconds = time.perf_counter() - started
        if answer.data != "pong":
            raise _stranger(_PING, answer.data)
        return seconds

    def health(self) -> Health:
        """Return how the server is: ``status``, and for administrators what was measured.

        Directus 12 tells nobody without a login: `Forbidden`.
        """
        said = self.send(_HEALTH).data
        if not isinstance(said, Mapping) or "status" not in said:
            raise _stranger(_HEALTH, said)
        return Health(str(said["status"]), said.get("releaseId"), said.get("checks") or {})

    ainfo = async_twin(info)
    aping = async_twin(ping)
    ahealth = async_twin(health)


def _read(said: Any) -> ServerInfo:
    if not isinstance(said, Mapping) or "project" not in said:
        raise _stranger(_INFO, said)
    version, limits = said.get("version"), said.get("queryLimit") or {}
    return ServerInfo(
        _major(said),
        version,
        "queryLimit" in said,
        _positive(limits.get("default")),
        _positive(limits.get("max")),
        _rate(said.get("rateLimit")),
        _rate(said.get("rateLimitGlobal")),
        said.get("websocket") or None,
        (said["project"] or {}).get("project_name"),
        said,
    )


def _major(said: Mapping[str, Any]) -> int:
    digits = str(said.get("version") or "").partition(".")[0]
    if digits.isdigit():
        return int(digits)
    # The public is not told the version, but each has a key that the one before had not.
    return 12 if "license" in said else 11 if "setupCompleted" in said else 10


def _positive(number: Any) -> int | None:
    return number if isinstance(number, int) and number > 0 else None  # -1 stands for none


def _rate(said: Any) -> RateLimit | None:
    return RateLimit(int(said["points"]), float(said["duration"])) if said else None


def _stranger(request: Request, said: Any) -> TransportError:
    what = f"The answer to GET {request.path} is {str(said)[:80]!r}, which no Directus says"
    return TransportError(f"{what}. Is this the base URL of a Directus server?", request=request)
