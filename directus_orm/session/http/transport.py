"""Sends one request over HTTP and decodes the response: exact URLs, timeouts, no redirects."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import attrs

from ...core.errors import ConfigurationError, TransportError
from ...core.forks import register_for_forks
from ...core.json_codec import loads
from ...core.masking import Secret, masked_url
from ...core.request_response import Request, Response
from ...core.tracebacks import clear_locals
from .api import Api
from .error_mapping import body_excerpt, outcome_unknown, plain_error, server_error, unusable_response
from .raw_messages import BodyStream, Connections, RawResponse
from .request_progress import hung_up_when_cancelled, notify_arrived

if TYPE_CHECKING:
    import requests


log = logging.getLogger("directus_orm")


def base_url(url: str) -> str:
    """Return the server's address without a trailing slash, or raise `ConfigurationError`."""
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        shown = masked_url(url.rpartition("@")[2]) if isinstance(url, str) else url
        msg = f"{shown!r} is not the address of a server. Give one such as 'https://cms.example.com' or 'http://localhost:8055'."
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
    """Stands for the content of a body that is no JSON; ``reason`` says why."""

    reason: str


OnResponse = Callable[[Request, "int | None", float], None]
"""Called after each request with its status (None: no response) and the seconds that it took."""


class Transport:
    """Sends single requests over its connections, which open at first use. Thread-safe."""

    def __init__(
        self,
        api: Api,
        url: str,
        connections: Connections,
        *,
        timeout: tuple[float, float],
        on_response: OnResponse,
        closes_connections: bool = True,
    ) -> None:
        self.api = api
        self.url = url
        self._connections = connections
        self._timeout = timeout
        self._on_response = on_response
        self._closes_connections = closes_connections
        self._base_path = urlsplit(url).path

    @classmethod
    def open(
        cls,
        api: Api,
        url: str,
        *,
        timeout: tuple[float, float],
        verify: bool | str,
        cert: str | tuple[str, str] | None,
        http: requests.Session | None,
        on_response: OnResponse,
    ) -> Self:
        """Return a transport with connections of its own, or over the caller's `requests.Session`.

        Raises:
            ConfigurationError: the URL or an option is wrong.
        """
        # requests takes as long to import as all of this library; only a session needs it.
        from .connections import connections, prepared_url  # noqa: PLC0415

        url = prepared_url(base_url(url)).rstrip("/")
        opened = connections(url, verify, cert, http)
        register_for_forks(opened)
        return cls(api, url, opened, timeout=timeout, on_response=on_response)

    def shared(self, *, timeout: tuple[float, float], on_response: OnResponse, another_user: bool) -> Transport:
        """Return a transport over the same connections, which it never closes; both report its requests."""

        def report(request: Request, status: int | None, seconds: float) -> None:
            on_response(request, status, seconds)
            self._on_response(request, status, seconds)

        return Transport(
            self.api,
            self.url,
            self._connections.for_another_user() if another_user else self._connections,
            timeout=timeout,
            on_response=report,
            closes_connections=False,
        )

    def length(self, request: Request) -> int:
        """Return the length of path and query string as they are sent."""
        return len(self._base_path) + len(request.url)

    def send(self, request: Request, credential: Secret | None = None, /) -> Response:
        """Send ``request`` once; raise the `ServerError` or `TransportError` that fits."""
        request = attrs.evolve(request, credential=credential)
        started = time.perf_counter()
        handled = sys.exception()  # by the caller: the context of what fails here, but no cause of it
        try:
            raw = self._exchange(request, credential)
        except self._connections.failures as error:
            self._report(request, None, started)
            raise self._connection_error(request, error, handled) from error
        except BaseException as error:
            clear_locals(error, handled)
            raise
        self._report(request, raw.status, started)
        if raw.stream is not None and raw.status < 300:
            return Response(raw.status, self._streamed(request, raw.stream), {}, raw.headers, 0, request)
        if raw.status == 200 and request.purpose == "data":
            notify_arrived(raw.body)
        return self._decoded(request, raw)

    def _streamed(self, request: Request, stream: BodyStream) -> Iterator[bytes]:
        """Yield a body piece by piece; closing the generator early closes the connection.

        Raises:
            TransportError: the connection broke.
        """
        try:
            yield from stream.pieces()
        except self._connections.failures as error:
            raise self._connection_error(request, error, None) from error
        finally:
            stream.close()

    def _exchange(self, request: Request, credential: Secret | None) -> RawResponse:
        raw_request = self.api.raw_request(request, credential)
        # A write may be applied even if its caller no longer waits; other threads wait for the result of a login.
        if not request.reads or request.purpose == "login":
            return self._connections.exchange(raw_request, self._timeout)
        with hung_up_when_cancelled():
            return self._connections.exchange(raw_request, self._timeout)

    def close(self) -> None:
        """Close the connections unless they are shared; the next request opens new ones."""
        if self._closes_connections:
            self._connections.close()

    def _report(self, request: Request, status: int | None, started: float) -> None:
        seconds = time.perf_counter() - started
        self._on_response(request, status, seconds)
        # Logs the path alone: query strings hold values of rows.
        log.debug("%s %s %s %.0f ms", request.method, request.path, status or "no response", seconds * 1000)

    def _connection_error(
        self, request: Request, error: Exception, handled: BaseException | None
    ) -> TransportError:
        from .connection_errors import diagnose, remove_secrets  # noqa: PLC0415 - it imports requests

        remove_secrets(error, request, handled)
        failure = diagnose(error, self._timeout, handled)
        where = f"{request.method} {request.path}"
        if not failure.sent:
            message = f"{where} was not sent: {self.url} {failure.reason}"
            return unusable_response(request, message, sent=False, passing=failure.passing)
        message = f"No response to {where} from {self.url}: {failure.reason}"
        return outcome_unknown(request, message, passing=failure.passing)

    def _decoded(self, request: Request, raw: RawResponse) -> Response:
        if 300 <= raw.status < 400:
            answer = self.api.answer_of_redirect(request, raw.headers.get("Location", ""))
            if answer is None:
                raise self._redirect_error(request, raw)
            return Response(raw.status, answer, headers=raw.headers, request=request)
        try:
            content = loads(raw.body) if raw.body else None
        except (ValueError, RecursionError) as error:
            content = _NotJson(str(error))
        if self.api.is_refusal(request, raw, content):
            raise self._refusal_error(request, raw, content)
        data, meta = self._unwrapped(request, raw, content)
        return Response(raw.status, data, meta, raw.headers, len(raw.body), request, raw.from_cache)

    def _redirect_error(self, request: Request, raw: RawResponse) -> TransportError:
        target = request.scrubbed(raw.headers.get("Location", "an unnamed address")).split("?")[0]
        message = (
            f"{self.url} answered {request.method} {request.path} with a redirect to {masked_url(target)} "
            f"(status {raw.status}). Redirects are not followed: give the session the final base URL."
        )
        return unusable_response(request, message, raw.status)

    def _refusal_error(self, request: Request, raw: RawResponse, content: Any) -> Exception:
        errors = self.api.error_entries(content)
        if errors is None:
            return plain_error(request, self.url, raw)
        return server_error(self.api, request, self.url, raw, errors)

    def _unwrapped(self, request: Request, raw: RawResponse, content: Any) -> tuple[Any, Mapping[str, Any]]:
        if raw.status == 204 or (content is None and not self.api.is_enveloped(request)):
            return None, {}
        if isinstance(content, _NotJson):
            return self._text(request, raw, content.reason), {}
        data_and_meta = self.api.unwrap(request, content)
        if data_and_meta is None:
            raise self._not_directus_error(request, raw, "is JSON, but not that of Directus (it lacks 'data')")
        return data_and_meta

    def _text(self, request: Request, raw: RawResponse, reason: str) -> str:
        """Return a body that is a plain text; raise for a web page and for broken JSON."""
        # The content type does not say what it is: the "pong" of /server/ping is sent as HTML.
        if raw.body.lstrip()[:1] == b"<":
            raise self._not_directus_error(request, raw, "is a web page, not JSON")
        if "json" in raw.headers.get("Content-Type", "").lower():
            raise outcome_unknown(
                request,
                f"The response to {request.method} {request.path} from {self.url} is broken JSON "
                f"({len(raw.body)} bytes, status {raw.status}): {reason}{body_excerpt(request, raw.body)}.",
                raw.status,
                passing=True,
            )
        if self.api.is_enveloped(request):
            raise self._not_directus_error(request, raw, "is not JSON")
        return raw.body.decode("utf-8", "replace")

    def _not_directus_error(self, request: Request, raw: RawResponse, finding: str) -> TransportError:
        message = (
            f"The response to {request.method} {request.path} from {self.url} {finding} (status {raw.status})"
            f"{body_excerpt(request, raw.body)}. Is this the base URL of a Directus server?"
        )
        return outcome_unknown(request, message, raw.status)
