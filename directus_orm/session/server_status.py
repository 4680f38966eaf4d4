"""Asking a server about itself: `Session.info`, `Session.ping` and `Session.health`."""

from __future__ import annotations

import time
from typing import Any

from ..core.async_twins import async_twin
from ..core.errors import TransportError
from ..core.request_response import Request, Response
from ..core.tracebacks import hides_locals
from .http.server_info import Health, ServerInfo
from .state import ServerFacts, SessionState, SharedFact


class ServerStatusMixin:
    """The methods of a session that ask about the server itself."""

    _state: SessionState
    max_rows = SharedFact[int]()

    @property
    def facts(self) -> ServerFacts:
        """What this session, and all that share its connections, learned about the server."""
        return self._state.facts

    def send(self, request: Request) -> Response:
        """Send a request and return its response."""
        raise NotImplementedError

    @hides_locals
    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return the version and the limits of the server; requested once, or again with ``fresh=True``.

        Without a login, only the major version is known. If the server limits the rows of a response, all later
        pages keep to that limit.
        """
        info = self._state.info_cache.get(self._request_info, fresh=fresh)
        if info.max_rows is not None:
            self.max_rows = info.max_rows
        return info

    def _request_info(self) -> ServerInfo:
        api = self._state.transport.api
        data = self.send(api.info_request).data
        info = api.read_info(data)
        if info is None:
            raise _not_directus_error(api.info_request, data)
        return info

    @hides_locals
    def ping(self) -> float:
        """Return the seconds of a round trip to the server, by one request without credentials and retries.

        Raises `TransportError` or `Unavailable` if the server does not respond.
        """
        api = self._state.transport.api
        started = time.perf_counter()
        data = self._state.transport.send(api.ping_request, None).data
        seconds = time.perf_counter() - started
        if not api.is_pong(data):
            raise _not_directus_error(api.ping_request, data)
        return seconds

    @hides_locals
    def health(self) -> Health:
        """Return the health of the server: its ``status``, and for administrators the checks behind it.

        Directus 12 shows its health to logged-in users only: for others this raises `Forbidden`.
        """
        api = self._state.transport.api
        data = self.send(api.health_request).data
        health = api.read_health(data)
        if health is None:
            raise _not_directus_error(api.health_request, data)
        return health

    ainfo = async_twin(info)
    aping = async_twin(ping)
    ahealth = async_twin(health)


def _not_directus_error(request: Request, data: Any) -> TransportError:
    message = (
        f"The response to GET {request.path} is {str(data)[:80]!r}, which does not come from Directus. "
        "Is this the base URL of a Directus server?"
    )
    return TransportError(message, request=request)
