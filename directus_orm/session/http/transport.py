"""One exchange over HTTP by requests: exact URLs, timeouts, no redirects, decoding."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from ...core.errors import ConfigurationError, TransportError
from ...core.forks import reset_after_fork
from ...core.json_codec import dumps, loads
from ...core.messages import Request, Response
from .connection_errors import diagnose
from .error_mapping import body_excerpt, outcome_unknown, plain_error, server_error, unusable_response
from .exchange import Cookie, RawRequest, RawResponse
from .routes import SYSTEM_LISTS
from .watch import notify_arrived

if TYPE_CHECKING:
    import requests


log = logging.getLogger("directus_orm")

# Routes below these answer with {"data": …}; others (health, GraphQL, own endpoints) as they like.
_ENVELOPED = SYSTEM_LISTS | {"auth", "collections", "fields", "items", "relations", "settings"}
_BARE = ("/flows/trigger/", "/shares/info/")
_JSON_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


def base_url(url: str) -> str:
    """Return the server's address without a trailing slash, or raise `ConfigurationError`."""
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{url!r} is not the address of a server. Give one such as 'https://cms.example.com' or 'http://localhost:8055'."
        raise ConfigurationError(msg)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"The address of {parts.hostname} carries a user name. "
            "Give credentials as token=, or as email= and password=."
        )
    if parts.query or parts.fragment:
        msg = f"The address of {parts.hostname} has a query string or a fragment. Give the base URL alone."
        raise ConfigurationError(msg)
    try:
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{url!r} is not the address of a server: {error}") from error
    return url.rstrip("/")


@attrs.frozen
class _NotJson:
    why: str


Watcher = Callable[[Request, "int | None", float], None]


class Transport:
    """Sends one request and returns its answer. Thread-safe; opens its connections at first use."""

    def __init__(
        self,
        url: str,
        *,
        timeout: tuple[float, float],
        verify: bool | str,
        cert: str | tuple[str, str] | None,
        http: requests.Session | None,
        watcher: Watcher,
    ) -> None:
        # requests costs as much to import as all of this library: who has a session has use for it.
        from .connections import FAILURES, connections, prepared_url  # noqa: PLC0415

        self.url = prepared_url(base_url(url)).rstrip("/")
        self._timeout = timeout
        self._connections = connections(self.url, verify, cert, http)
        self._failures = FAILURES
        reset_after_fork(self._connections)
        self._watcher = watcher
        self._base_path = urlsplit(self.url).path

    def length(self, request: Request) -> int:
        """Return the length of the request's path and query string on the wire."""
        return len(self._base_path) + len(request.url)

    def send(self, request: Request, credential: str | None = None, /) -> Response:
        """Send ``request`` once; raise the `ServerError` or `TransportError` that fits."""
        started = time.perf_counter()
        try:
            reply = self._connections.exchange(_outgoing(request, credential), self._timeout)
        except self._failures as error:
            self._told(request, None, started)
            raise self._diagnosed(request, error) from error
        self._told(request, reply.status, started)
        if reply.status == 200 and request.purpose == "data":
            notify_arrived(reply.body)
        return self._answer(request, reply)

    def close(self) -> None:
        """Close the connections of the session's own making; the next request opens new ones."""
        self._connections.close()

    def _told(self, request: Request, status: int | None, started: float) -> None:
        seconds = time.perf_counter() - started
        self._watcher(request, status, seconds)
        # The path alone: query strings hold values.
        log.debug("%s %s %s %.0f ms", request.method, request.path, status or "no answer", seconds * 1000)

    def _diagnosed(self, request: Request, error: Exception) -> TransportError:
        from .connection_errors import without_secrets  # noqa: PLC0415 - it knows the errors of requests

        without_secrets(error)
        found = diagnose(error, self._timeout)
        where = f"{request.method} {request.path}"
        if not found.sent:
            message = f"{where} was not sent: {self.url} {found.reason}"
            return unusable_response(request, message, sent=False, passing=found.passing)
        return outcome_unknown(
            request, f"No answer to {where} from {self.url}: {found.reason}", passing=found.passing
        )

    def _answer(self, request: Request, reply: RawResponse) -> Response:
        if 300 <= reply.status < 400:
            target = reply.headers.get("Location", "an unnamed address").split("?")[0]
            message = (
                f"{self.url} answered {request.method} {request.path} with a redirect to {target} "
                f"(status {reply.status}). Redirects are not followed: give the session the final base URL."
            )
            raise unusable_response(request, message, reply.status)
        try:
            content = loads(reply.body) if reply.body else None
        except (ValueError, RecursionError) as error:
            content = _NotJson(str(error))
        # GraphQL answers 200 to a query that failed; a server that is not well says so with a 503 and its health.
        refused = reply.status >= 400 and not _tells_health(reply)
        if refused or (_graphql(request) and isinstance(content, dict) and content.get("errors")):
            raise self._refusal(request, reply, content)
        data, meta = self._data(request, reply, content)
        return Response(reply.status, data, meta, reply.headers, len(reply.body), request, reply.from_cache)

    def _data(self, request: Request, reply: RawResponse, content: Any) -> tuple[Any, dict[str, Any]]:
        wrapped = enveloped(request)
        if reply.status == 204 or (content is None and not wrapped):
            return None, {}
        if isinstance(content, _NotJson):
            return self._text(request, reply, content.why), {}
        if isinstance(content, dict) and "data" in content and (wrapped or content.keys() <= {"data", "meta"}):
            # An own endpoint may have more to say than its data.
            return content["data"], content.get("meta") or {}
        if wrapped and not any(name == "export" for name, _ in request.params):
            raise self._stranger(request, reply, "is JSON, but not that of Directus (it lacks 'data')")
        return content, {}

    def _refusal(self, request: Request, reply: RawResponse, content: Any) -> Exception:
        errors = content.get("errors") if isinstance(content, dict) else None
        if isinstance(errors, list) and errors and all(isinstance(e, dict) for e in errors):
            return server_error(request, self.url, reply.status, errors, reply.headers)
        return plain_error(request, self.url, reply.status, reply.body, reply.headers)

    def _text(self, request: Request, reply: RawResponse, why: str) -> str:
        # Not by its type: the "pong" of /server/ping calls itself HTML.
        if reply.body.lstrip()[:1] == b"<":
            raise self._stranger(request, reply, "is a web page, not JSON")
        if "json" in reply.headers.get("Content-Type", "").lower():
            raise outcome_unknown(
                request,
                f"The answer to {request.method} {request.path} from {self.url} is broken JSON "
                f"({len(reply.body)} bytes, status {reply.status}): {why}{body_excerpt(request, reply.body)}.",
                reply.status,
                passing=True,
            )
        if enveloped(request):
            raise self._stranger(request, reply, "is not JSON")
        return reply.body.decode("utf-8", "replace")

    def _stranger(self, request: Request, reply: RawResponse, what: str) -> TransportError:
        message = (
            f"The answer to {request.method} {request.path} from {self.url} {what} (status {reply.status})"
            f"{body_excerpt(request, reply.body)}. Is this the base URL of a Directus server?"
        )
        return outcome_unknown(request, message, reply.status)


def _outgoing(request: Request, credential: str | None) -> RawRequest:
    headers: dict[str, Any] = dict(_JSON_HEADERS)
    body = request.body
    if request.json is not None:
        body = dumps(request.json) if body is None else body
        headers["Content-Type"] = "application/json"  # G14
    if request.method == "SEARCH":
        headers["Cache-Control"] = "no-store"  # what no server caches (G28), nobody in between should
    private = request.purpose == "login"
    cookie = credential if isinstance(credential, Cookie) else None
    if cookie or private:
        headers["Authorization"] = None  # G39; None drops a header of the caller's requests.Session
    elif credential is not None:
        headers["Authorization"] = f"Bearer {credential}"
    return RawRequest(request.method, request.url, headers, body, cookie and cookie.pair, private)


def enveloped(request: Request) -> bool:
    """Whether Directus wraps the answer to this route as ``{"data": …}``."""
    root = request.path.split("/", 2)[1]
    return root in _ENVELOPED and not request.path.startswith(_BARE)


def _tells_health(reply: RawResponse) -> bool:
    return reply.headers.get("Content-Type", "").startswith("application/health+json")


def _graphql(request: Request) -> bool:
    return request.path.startswith("/graphql")
