"""The server itself: whether it responds, its version and health, and the descriptions of its API."""

from __future__ import annotations

from typing import Any, Protocol

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.request_response import Request, Send
from ...core.tracebacks import hides_locals
from ..http.error_mapping import unexpected_response
from ..http.server_info import Health, ServerInfo


class AsksServer(Protocol):
    """A session, as far as it asks the server about itself."""

    def ping(self) -> float:
        """Return the seconds of a round trip."""
        ...

    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return the version and the limits of the server."""
        ...

    def health(self) -> Health:
        """Return the health of the server."""
        ...


@public_in("directus_orm.session")
class Server:
    """What a server says of itself. `Session.ping`, `Session.info` and `Session.health` do the same."""

    def __init__(self, session: AsksServer, send: Send) -> None:
        self._session = session
        self._send = send

    @hides_locals
    def ping(self) -> float:
        """Return the seconds of a round trip to the server, as `Session.ping` does."""
        return self._session.ping()

    @hides_locals
    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return the version and the limits of the server, as `Session.info` does."""
        return self._session.info(fresh=fresh)

    @hides_locals
    def health(self) -> Health:
        """Return the health of the server, as `Session.health` does."""
        return self._session.health()

    @hides_locals
    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description of the API, by one GET; it shows what this user may read.

        ```python
        sorted(session.server.openapi()["paths"])
        ```
        """
        response = self._send(Request("GET", "/server/specs/oas"))
        if not isinstance(response.data, dict) or "openapi" not in response.data:
            raise unexpected_response(response, response.data, "an OpenAPI description")
        return response.data

    @hides_locals
    def graphql_sdl(self, *, system: bool = False) -> str:
        """Return the GraphQL schema as a text in GraphQL's schema definition language, by one GET.

        ``system=True`` returns that of Directus's own collections.

        Raises `ServerError` if the server cannot describe its collections, for example if one has no key.
        """
        path = "/server/specs/graphql/system" if system else "/server/specs/graphql"
        response = self._send(Request("GET", path))
        if not isinstance(response.data, str):
            raise unexpected_response(response, response.data, "a GraphQL schema")
        return response.data

    aping = async_twin(ping)
    ainfo = async_twin(info)
    ahealth = async_twin(health)
    aopenapi = async_twin(openapi)
    agraphql_sdl = async_twin(graphql_sdl)
