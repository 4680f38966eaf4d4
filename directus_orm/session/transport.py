"""One exchange over HTTP by requests: exact URLs, timeouts, no redirects, decoding."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
import requests
from requests.auth import AuthBase
from urllib3 import exceptions as urllib3_errors

from ..errors import ConfigurationError, TransportError
from ..wire import SYSTEM_LISTS, Answer, Request
from .connections import own_http
from .decoding import loads
from .diagnosis import diagnosis
from .failures import beginning, lost, plain_error, server_error, unusable

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
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url.rstrip("/"), None)
        _ = parts.port
    except (requests.RequestException, ValueError) as error:
        raise ConfigurationError(f"{url!r} is not the address of a server: {error}") from error
    return str(prepared.url).rstrip("/")


class _Bearer(AuthBase):
    # Given even without a token: requests would look for a login in ~/.netrc otherwise.
    def __init__(self, token: str | None) -> None:
        self.token = token

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token is not None:
            prepared.headers["Authorization"] = f"Bearer {self.token}"
        return prepared


@attrs.frozen
class Reply:
    """What came back, undecoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen
class _NotJson:
    error: ValueError


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
        self.url = base_url(url)
        self._timeout = timeout
        # None keeps what the caller's own requests.Session says.
        self._verify = None if verify is True else verify
        self._cert = cert
        self._given = http
        self._own: requests.Session | None = None
        self._pid = 0
        self._lock = threading.Lock()
        self._watcher = watcher
        self._base_path = urlsplit(self.url).path

    def length(self, request: Request) -> int:
        """Return the length of the request's path and query string on the wire."""
        return len(self._base_path) + len(request.url)

    def send(self, request: Request, token: str | None) -> Answer:
        """Send ``request`` once; raise the `ServerError` or `TransportError` that fits."""
        started = time.perf_counter()
        try:
            reply = self._exchange(request, token)
        except (requests.RequestException, urllib3_errors.HTTPError, OSError) as error:
            self._told(request, None, started)
            raise self._diagnosed(request, error) from error
        self._told(request, reply.status, started)
        return self._answer(request, reply)

    def close(self) -> None:
        """Close the connections of the session's own making; the next request opens new ones."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def _told(self, request: Request, status: int | None, started: float) -> None:
        seconds = time.perf_counter() - started
        self._watcher(request, status, seconds)
        # The path alone: query strings hold values.
        log.debug("%s %s %s %.0f ms", request.method, request.path, status or "no answer", seconds * 1000)

    def _http(self) -> requests.Session:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None or self._pid != os.getpid():
                # A forked child must not read from the sockets of its parent.
                self._own, self._pid = own_http(), os.getpid()
            return self._own

    def _exchange(self, request: Request, token: str | None) -> Reply:
        http = self._http()
        headers: dict[str, Any] = dict(_JSON_HEADERS)
        body = None
        if request.json is not None:
            body = json.dumps(request.json, separators=(",", ":"), allow_nan=False).encode()
            headers["Content-Type"] = "application/json"  # G14
        if request.purpose == "login":
            headers["Authorization"] = None  # G39; None drops a header of the caller's requests.Session
        prepared = http.prepare_request(
            requests.Request(request.method, self.url, headers=headers, data=body, auth=_Bearer(token))
        )
        # requests would decode %7E and resolve dot segments, so that a key could become another route.
        prepared.url = self.url + request.url
        options = http.merge_environment_settings(self.url, {}, False, self._verify, self._cert)
        # Never redirected: the token would travel along, and a POST would turn into a GET.
        response = http.send(prepared, timeout=self._timeout, allow_redirects=False, **options)
        return Reply(response.status_code, response.headers, response.content)

    def _diagnosed(self, request: Request, error: Exception) -> TransportError:
        reason, sent = diagnosis(error, self._timeout)
        where = f"{request.method} {request.path}"
        if not sent:
            return unusable(request, f"{where} was not sent: {self.url} {reason}", sent=False)
        return lost(request, f"No answer to {where} from {self.url}: {reason}")

    def _answer(self, request: Request, reply: Reply) -> Answer:
        if 300 <= reply.status < 400:
            target = reply.headers.get("Location", "an unnamed address").split("?")[0]
            message = (
                f"{self.url} answered {request.method} {request.path} with a redirect to {target} "
                f"(status {reply.status}). Redirects are not followed: give the session the final base URL."
            )
            raise unusable(request, message, reply.status)
        try:
            content = loads(reply.body) if reply.body else None
        except ValueError as error:
            content = _NotJson(error)
        # GraphQL answers 200 to a query that failed; a server that is not well says so with a 503 and its health.
        refused = reply.status >= 400 and not _tells_health(reply)
        if refused or (_graphql(request) and isinstance(content, dict) and content.get("errors")):
            raise self._refusal(request, reply, content)
        wrapped = enveloped(request)
        if reply.status == 204 or (content is None and not wrapped):
            return Answer(reply.status, headers=reply.headers)
        if isinstance(content, _NotJson):
            return Answer(reply.status, self._text(request, reply, content.error), headers=reply.headers)
        if isinstance(content, dict) and "data" in content and (wrapped or content.keys() <= {"data", "meta"}):
            # An own endpoint may have more to say than its data.
            return Answer(reply.status, content["data"], content.get("meta") or {}, reply.headers, len(reply.body))
        if wrapped and not any(name == "export" for name, _ in request.params):
            raise self._stranger(request, reply, "is JSON, but not that of Directus (it lacks 'data')")
        return Answer(reply.status, content, headers=reply.headers)

    def _refusal(self, request: Request, reply: Reply, content: Any) -> Exception:
        errors = content.get("errors") if isinstance(content, dict) else None
        if isinstance(errors, list) and errors and all(isinstance(e, dict) for e in errors):
            return server_error(request, self.url, reply.status, errors, reply.headers)
        return plain_error(request, self.url, reply.status, reply.body, reply.headers)

    def _text(self, request: Request, reply: Reply, error: ValueError) -> str:
        # Not by its type: the "pong" of /server/ping calls itself HTML.
        if reply.body.lstrip()[:1] == b"<":
            raise self._stranger(request, reply, "is a web page, not JSON")
        if "json" in reply.headers.get("Content-Type", "").lower():
            raise lost(
                request,
                f"The answer to {request.method} {request.path} from {self.url} is broken JSON "
                f"({len(reply.body)} bytes, status {reply.status}){beginning(request, reply.body)}.",
                reply.status,
            ) from error
        if enveloped(request):
            raise self._stranger(request, reply, "is not JSON")
        return reply.body.decode("utf-8", "replace")

    def _stranger(self, request: Request, reply: Reply, what: str) -> TransportError:
        message = (
            f"The answer to {request.method} {request.path} from {self.url} {what} (status {reply.status})"
            f"{beginning(request, reply.body)}. Is this the base URL of a Directus server?"
        )
        return unusable(request, message, reply.status)


def enveloped(request: Request) -> bool:
    """Whether Directus wraps the answer to this route as ``{"data": …}``."""
    root = request.path.split("/", 2)[1]
    return root in _ENVELOPED and not request.path.startswith(_BARE)


def _tells_health(reply: Reply) -> bool:
    return reply.headers.get("Content-Type", "").startswith("application/health+json")


def _graphql(request: Request) -> bool:
    return request.path.startswith("/graphql")
