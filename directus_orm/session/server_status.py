"""Asking a server about itself and its user: `Session.info`, `ping`, `health`, `readable_fields`."""

from __future__ import annotations

import time
from typing import Any

from ..core.async_twins import async_twin
from ..core.errors import Forbidden, InvalidRequest, TransportError, UnsupportedQuery
from ..core.request_response import Request, Response
from ..core.tracebacks import hides_locals
from .http.server_info import Health, ReadingRights, ServerInfo
from .state import ServerFacts, SessionState, SharedFact


class ServerStatusMixin:
    """The methods of a session that ask about the server itself, and about what its user may read."""

    _state: SessionState
    max_rows = SharedFact[int]()

    @property
    def facts(self) -> ServerFacts:
        """What this session, and all that share its connections, learned about the server."""
        return self._state.facts

    @property
    def known_major(self) -> int | None:
        """The major version of the server, if it is known; `info` asks for it."""
        info = self._state.info.known
        return None if info is None else info.major

    def send(self, request: Request) -> Response:
        """Send a request and return its response."""
        raise NotImplementedError

    @hides_locals
    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return the version and the limits of the server; requested once, or again with ``fresh=True``.

        Without a login, only the major version is known. If the server limits the rows of a response, all later
        pages keep to that limit.
        """
        info = self._state.info.get(self._request_info, fresh=fresh)
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

    @hides_locals
    def readable_fields(self, collection: str, *, fresh: bool = False) -> frozenset[str]:
        """Return the server's names of the fields of a collection that this user may read; ``*`` stands for all.

        The permissions for all collections are requested once, or again with ``fresh=True``. A field may be
        readable on some rows only. Raises `UnsupportedQuery` if the server does not say what this user may read.

        ```python
        session.readable_fields("articles")  # frozenset({"id", "title"})
        ```
        """
        return self._state.rights.get(self._request_rights, fresh=fresh).fields_of(collection)

    @property
    def knows_readable_fields(self) -> bool:
        """Whether the server was asked what this user may read, so that `readable_fields` sends nothing."""
        return self._state.rights.known is not None

    def _request_rights(self) -> ReadingRights:
        api = self._state.transport.api
        for request in () if self._state.auth.anonymous else api.rights_requests:
            try:
                rights = api.read_rights(self.send(request).data)
            except (Forbidden, InvalidRequest):
                continue
            if rights is not None:
                return rights
        raise UnsupportedQuery(
            "The server does not say which fields this user may read: Directus 11 and later tell all users who "
            "are logged in, and Directus 10 those who may use its app. Name the fields with only(…)."
        )

    ainfo = async_twin(info)
    aping = async_twin(ping)
    ahealth = async_twin(health)
    areadable_fields = async_twin(readable_fields)


def _not_directus_error(request: Request, data: Any) -> TransportError:
    message = (
        f"The response to GET {request.path} is {str(data)[:80]!r}, which does not come from Directus. "
        "Is this the base URL of a Directus server?"
    )
    return TransportError(message, request=request)
