"""The `Api` protocol: routes, logins, envelopes and error codes, which differ between generations of Directus.

`V10Api` is the API of Directus 10, 11 and 12. An older server gets a class of its own beside it, and a name in
`session.api_registry`. Older servers have other routes (``/{project}/items/…``) and other login requests, take the
token as a query parameter, report errors as ``{"success": false}`` with status 200, and know no SEARCH.
What differs in queries and rows belongs to the dialects.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from ...core.errors import AuthenticationError, DirectusError, InvalidRequest, ServerError
from ...core.masking import Secret
from ...core.request_response import Request, Response
from ..permissions.permissions import Allowed, Permissions
from ..permissions.questions import Question
from .raw_messages import RawRequest, RawResponse
from .server_info import Health, LoginProviders, ServerInfo

ErrorEntry = Mapping[str, Any]
"""One error of a refusal: its ``message``, and its ``extensions`` with the ``code``."""


@attrs.frozen
class Tokens:
    """What a login or a refresh returned: the credential for requests, the one for a refresh, their lifetime."""

    access: Secret
    refresh: Secret
    seconds: float


class Api(Protocol):
    """How requests and responses of one generation of Directus look; it does no I/O."""

    @property
    def longest_url(self) -> int:
        """The length of path and query string at which a GET is sent as SEARCH instead."""
        ...

    @property
    def login_modes(self) -> tuple[str, ...]:
        """The values that ``mode=`` of a session may have; the first one is the default."""
        ...

    @property
    def error_classes(self) -> Mapping[str, type[ServerError]]:
        """The error class of each error code."""
        ...

    def advice_on(self, code: str, request: Request) -> str | None:
        """Return a sentence that tells the user what to check after an error, if there is one for its code."""
        ...

    @property
    def info_request(self) -> Request:
        """The request for the version and the limits of the server."""
        ...

    @property
    def ping_request(self) -> Request:
        """The cheapest request, which needs no credentials."""
        ...

    @property
    def health_request(self) -> Request:
        """The request for the health of the server."""
        ...

    @property
    def providers_request(self) -> Request:
        """The request for the ways to log in, which needs no credentials."""
        ...

    @property
    def visibility_requests(self) -> tuple[Request, ...]:
        """Requests for what this user may read; `sees_every_row` takes what they return."""
        ...

    # --- routes and parameters ------------------------------------------------------------------------------

    def items_path(self, collection: str) -> str:
        """Return the path of the rows of a collection; that of one row goes on with its key."""
        ...

    def graphql_path(self, *, system: bool) -> str:
        """Return the path of the GraphQL endpoint of the user's collections, or of Directus's own."""
        ...

    def query_params(self, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return query parameters, given as Python values, as they are written in a URL."""
        ...

    def list_route(self, request: Request) -> str | None:
        """Return the path that lists the rows a request reads or writes; None if there are none."""
        ...

    def deleted_keys(self, request: Request) -> list[Any] | None:
        """Return the keys of the rows that a request deletes; None if it is no deletion by key."""
        ...

    def remaining_rows_request(self, deletion: Request) -> Request:
        """Return the request that lists which rows of a deletion by key still exist."""
        ...

    def as_search(self, request: Request) -> Request:
        """Return a GET of a list as a SEARCH, which no cache stores; other requests as they are."""
        ...

    def as_gets(self, search: Request, fits: Callable[[Request], bool]) -> list[Request]:
        """Return GETs that read together what a SEARCH reads, each with a URL that fits."""
        ...

    def merged(self, search: Request, responses: Sequence[Response]) -> Response:
        """Return the response to a SEARCH from those to its GETs."""
        ...

    def past_caches(self, get: Request) -> Request:
        """Return a GET of rows as one that no cache has seen before."""
        ...

    def sees_every_row(self, data: Any, collection: str) -> bool:
        """Return whether the response to a visibility request says that no row is hidden from this user."""
        ...

    # --- logins ---------------------------------------------------------------------------------------------

    def login_request(self, email: str, password: Secret, otp: Secret | None, mode: str) -> Request:
        """Return the request that logs a user in."""
        ...

    def share_info_request(self, share: str) -> Request:
        """Return the request that asks, without a login, what a share shows."""
        ...

    def share_login_request(self, share: str, password: Secret | None, mode: str) -> Request:
        """Return the request that logs a visitor in to a share."""
        ...

    def refresh_request(self, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        """Return the request that renews a login, and the credential to send it with."""
        ...

    def logout_request(self, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        """Return the request that ends a login, and the credential to send it with."""
        ...

    def read_tokens(self, response: Response, mode: str) -> Tokens | None:
        """Return the tokens of a response to a login or a refresh; None if there are none in it."""
        ...

    def is_expired(self, credential: Secret, error: AuthenticationError) -> bool:
        """Return whether the server refused a credential that a renewed one may replace."""
        ...

    # --- requests and responses -----------------------------------------------------------------------------

    def raw_request(self, request: Request, credential: Secret | None) -> RawRequest:
        """Return a request as it is sent, with its credential in place."""
        ...

    def is_enveloped(self, request: Request) -> bool:
        """Return whether the server wraps the rows or values of the response in an envelope."""
        ...

    def is_refusal(self, request: Request, raw: RawResponse, content: Any) -> bool:
        """Return whether a response reports an error; ``content`` is its decoded body."""
        ...

    def answer_of_redirect(self, request: Request, location: str) -> str | None:
        """Return what the server answers by a redirect to this address; None if the redirect is no answer."""
        ...

    def error_entries(self, content: Any) -> list[ErrorEntry] | None:
        """Return the errors that the body of a refusal reports; None if the body is not from Directus."""
        ...

    def unwrap(self, request: Request, content: Any) -> tuple[Any, Mapping[str, Any]] | None:
        """Return data and meta of a decoded body; None if a required envelope is missing."""
        ...

    def is_refused_unprocessed(self, error: ServerError) -> bool:
        """Return whether the server refused before it did anything, so that even a write may be repeated."""
        ...

    # --- limits ---------------------------------------------------------------------------------------------

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows in one response, if the server refused a limit for being higher."""
        ...

    def write_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows in one write, if the server refused a request for having more."""
        ...

    def is_too_large(self, error: DirectusError) -> bool:
        """Return whether the body was refused for its size, by the server or by a proxy before it."""
        ...

    # --- the server itself ----------------------------------------------------------------------------------

    def read_info(self, data: Any) -> ServerInfo | None:
        """Return the info in the data of the response to `info_request`; None if it is not from Directus."""
        ...

    def read_providers(self, data: Any) -> LoginProviders | None:
        """Return the ways to log in from the response to `providers_request`; None if it is not from Directus."""
        ...

    def ask_permissions(self) -> Generator[Request, Any, Permissions]:
        """Yield requests for what this user may do, and return it.

        It is sent the data of each response, or None if the server refused.
        """
        ...

    def ask_allowed(self, question: Question, permissions: Permissions) -> Generator[Request, Any, Allowed | None]:
        """Yield requests for the answer to a question of this user, as `ask_permissions` does, and return it."""
        ...

    def is_pong(self, data: Any) -> bool:
        """Return whether data is the response to `ping_request`."""
        ...

    def read_health(self, data: Any) -> Health | None:
        """Return the health in the data of the response to `health_request`; None if it is not from Directus."""
        ...
