"""HTTP connections to a server: the session's own, or those of the caller's `requests.Session`."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import BadStatusLine, HTTPResponse
from typing import Any

import attrs
import requests
import urllib3.connection
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from ...core.errors import ConfigurationError
from ...core.forks import no_fork
from ...core.masking import masked_target
from .raw_messages import Connections, RawRequest, RawResponse
from .request_progress import HangUp, notify_carried_by, notify_sent, response_in_pieces, waits_for_pieces

# With more threads than this, some requests open a new connection.
_POOL_SIZE = 100
# Node closes a connection that was idle for 5 s. If a write were sent at that moment, nobody would know
# whether it was applied, so an idle connection is closed before.
LONGEST_IDLE = 4.0
LARGEST_BODY = 1 << 30
"""The longest body of a response, unpacked, in bytes."""
_PIECE = 1 << 16

_MOST_INTERIM = 100

# The environment variables in which requests looks for proxies and certificates. That search takes longer than
# everything else that requests does, so it is repeated only when one of them changes.
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_ENVIRONMENT = (*_PROXIES, *map(str.lower, _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUEST_METHOD")

_PAST_CACHES = {"Cache-Control": "no-cache, no-store"}
_AGENT = requests.utils.default_user_agent("directus_orm, requests")
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


def _mask_urls(record: logging.LogRecord) -> bool:
    """Mask the secrets in the URLs that urllib3 logs at level DEBUG."""
    if isinstance(record.args, tuple):
        record.args = tuple(masked_target(arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


logging.getLogger("urllib3.connectionpool").addFilter(_mask_urls)


def connections(
    url: str, verify: bool | str, cert: str | tuple[str, str] | None, http: requests.Session | None
) -> Connections:
    """Return connections of the session's own, or over the caller's `requests.Session`.

    Raises:
        ConfigurationError: an option is wrong, such as an empty path, which requests takes for "do not verify".
    """
    if not isinstance(verify, bool) and not _is_path(verify):
        raise ConfigurationError(
            f"verify={verify!r} is neither True, nor False, nor the path of a CA file as a text."
        )
    paths = cert if isinstance(cert, tuple) and len(cert) == 2 else (cert,)
    if cert is not None and not all(map(_is_path, paths)):
        raise ConfigurationError(
            "cert= is the path of a client certificate as a text, or two: (certificate, key)."
        )
    if http is not None and not isinstance(http, requests.Session):
        raise ConfigurationError(f"http= takes a requests.Session, not a {type(http).__name__}.")
    return OwnConnections(url, verify, cert) if http is None else GivenConnections(url, verify, cert, http)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value != ""


def prepared_url(url: str) -> str:
    """Return a URL as requests sends it.

    Raises:
        ConfigurationError: it is not a valid URL.
    """
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
    except (requests.RequestException, ValueError) as error:
        raise ConfigurationError(f"{url!r} is not the address of a server: {error}") from error
    return str(prepared.url)


class TooLarge(requests.RequestException):
    """The body of a response is longer than `LARGEST_BODY`."""


def _read_body(response: requests.Response) -> bytes:
    """Read the body of a response.

    Raises:
        TooLarge: it is longer than `LARGEST_BODY`.
    """
    raw = response.raw
    is_compressed = "Content-Encoding" in response.headers
    length = getattr(raw, "length_remaining", None)
    if not is_compressed and length is not None and length <= LARGEST_BODY:
        return bytes(raw.read())  # without a limit, which would make urllib3 copy the body
    # In pieces: a compressed piece may become a thousand times as long, and some urllib3 unpack it whole.
    pieces, left = [], LARGEST_BODY
    for piece in response.iter_content(_PIECE):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            response.close()
            raise TooLarge(f"it is longer than {LARGEST_BODY >> 20} MiB")
    return b"".join(pieces)


def _refuse_interim(response: requests.Response) -> None:
    """Refuse a response before the final one, and close the connection: the next request would get the final one.

    Raises:
        requests.ConnectionError: the status is below 200.
    """
    if response.status_code < HTTPStatus.OK:
        response.close()
        raise requests.ConnectionError(f"status {response.status_code} in the place of a response")


def _raw_response(request: RawRequest, response: requests.Response) -> RawResponse:
    """Return a response with its body, or, if that is streamed and no error, with the stream."""
    status, headers = response.status_code, response.headers
    if request.streamed and status < HTTPStatus.BAD_REQUEST:
        return RawResponse(status, headers, b"", stream=_Stream(response))
    # The attribute that requests-cache sets.
    from_cache = bool(getattr(response, "from_cache", False))
    return RawResponse(status, headers, _read_body(response), from_cache)


@attrs.frozen
class _Stream:
    """The body of a response that is read piece by piece."""

    _response: requests.Response

    def pieces(self) -> Iterator[bytes]:
        """Yield the body."""
        yield from self._response.iter_content(_PIECE)

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        self._response.close()


class OwnConnections:
    """The session's own connections: reused unless they were idle for long. They keep no cookies."""

    failures = _FAILURES

    def __init__(self, url: str, verify: bool | str, cert: str | tuple[str, str] | None) -> None:
        self._url = url
        # None lets the environment decide.
        self._verify = None if verify is True else verify
        self._cert = cert
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Drop the parent's connections: two processes that read from one socket get each other's responses."""
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def exchange(self, request: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send a request and return the response."""
        opened = self._open()
        prepared = requests.PreparedRequest()
        body: Any = request.body  # requests takes any iterable of bytes
        prepared.method, prepared.url, prepared.body = request.method, self._url + request.target, body
        prepared.headers = headers = CaseInsensitiveDict(
            {"User-Agent": _AGENT, **{name: value for name, value in request.headers.items() if value is not None}}
        )
        if request.cookie is not None:
            headers["Cookie"] = request.cookie.reveal()
        if isinstance(request.body, bytes):
            headers["Content-Length"] = str(len(request.body))
        with response_in_pieces(streamed=request.streamed):
            response = opened.adapter.send(prepared, timeout=timeout, **opened.options)
        _refuse_interim(response)
        return _raw_response(request, response)

    def for_another_user(self) -> OwnConnections:
        """Return the same connections: they store nothing that belongs to a user."""
        return self

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.adapter.close()

    def _open(self) -> _Opened:
        environment = tuple(map(os.environ.get, _ENVIRONMENT))
        opened = self._opened
        if opened is not None and opened.environment == environment:
            return opened
        with self._lock, requests.Session() as http:
            options: Any = http.merge_environment_settings(self._url, {}, True, self._verify, self._cert)
            adapter = _Adapter(pool_maxsize=_POOL_SIZE) if self._opened is None else self._opened.adapter
            self._opened = _Opened(adapter, options, environment)
            return self._opened


@attrs.frozen
class _Opened:
    """Open connections, and the options that requests found in the environment."""

    adapter: HTTPAdapter
    options: dict[str, Any]
    environment: tuple[str | None, ...]


class GivenConnections:
    """The connections of a caller's `requests.Session`, which is neither changed nor closed."""

    failures = _FAILURES

    def __init__(
        self,
        url: str,
        verify: bool | str | None,
        cert: str | tuple[str, str] | None,
        http: requests.Session,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        # None leaves the setting of the caller's requests.Session in place.
        self._verify = None if verify is True else verify
        self._cert = cert
        self._http = http
        self._headers = headers or {}

    def for_another_user(self) -> GivenConnections:
        """Return the same connections, bypassing a cache of the caller's, which may not tell users apart."""
        return GivenConnections(self._url, self._verify, self._cert, self._http, headers=_PAST_CACHES)

    def exchange(self, request: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send a request and return the response."""
        http, headers = self._http, {**request.headers, **self._headers}
        prepared = http.prepare_request(
            requests.Request(request.method, self._url, headers=headers, data=request.body, auth=_no_auth)
        )
        # requests would decode %7E and resolve dot segments, so that a key could become another route.
        prepared.url = self._url + request.target
        if request.cookie is not None:
            cookies = (request.cookie.reveal(), prepared.headers.get("Cookie"))
            prepared.headers["Cookie"] = "; ".join(filter(None, cookies))
        options: Any = http.merge_environment_settings(self._url, {}, False, self._verify, self._cert)
        notify_sent()
        options["stream"] = True  # keeps the connection until the body is read
        if request.private:
            response = http.get_adapter(self._url).send(prepared, timeout=timeout, **options)
        else:
            response = http.send(prepared, timeout=timeout, allow_redirects=False, **options)
        _refuse_interim(response)
        return _raw_response(request, response)

    def close(self) -> None:
        """Do nothing: the caller closes them."""

    def reset_after_fork(self) -> None:
        """Close the connections of the parent process, whose threads may have held the locks."""
        vars(self._http.cookies)["_cookies_lock"] = threading.RLock()
        for adapter in self._http.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                _renew_locks(adapter.poolmanager)
                for manager in adapter.proxy_manager.values():
                    _renew_locks(manager)
            adapter.close()


def _renew_locks(manager: urllib3.PoolManager) -> None:
    """Give new locks to the pools of a manager, which lose their connections by that."""
    manager.pools.lock = threading.RLock()
    for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated
        connections = manager.pools[key].pool
        if connections is not None:
            # In place: urllib3 empties this very queue when the pool is closed, also at the exit of the process.
            vars(connections).update(vars(type(connections)(connections.maxsize)))


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without an auth, requests would look for one in ~/.netrc.
    return prepared


class _FinalResponse(HTTPResponse):
    """A response that must be complete within the timeout of its socket, and skips those before it.

    A timeout of a socket starts again with each byte.

    `http.client` skips 100 Continue alone; after another, such as 103 Early Hints, the next request would get the
    final response. Connections over SOCKS proxies are not of this class: see `_refuse_interim`.
    """

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        seconds = sock.gettimeout()
        if seconds is not None and not waits_for_pieces():
            self.fp.close()
            self.fp = io.BufferedReader(_ReaderWithDeadline(sock, time.monotonic() + seconds))

    def begin(self) -> None:
        nothing: Any = None
        super().begin()
        for _ in range(_MOST_INTERIM):
            if self.status >= HTTPStatus.OK:
                return
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                break  # what follows is no HTTP
            self.headers = self.msg = nothing  # else begin() returns at once
            super().begin()
        raise BadStatusLine(f"status {self.status} in the place of a response")


class _ReaderWithDeadline(io.RawIOBase):
    """Reads from a socket until a moment."""

    def __init__(self, sock: Any, deadline: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, but no longer than until the deadline.

        Raises:
            TimeoutError: no byte came in time.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            msg = "the response was not complete in time"
            raise TimeoutError(msg)
        self._sock.settimeout(left)
        read: int | None = self._file.readinto(buffer)
        return read

    def close(self) -> None:
        """Close the file, and not the socket, which may carry other requests."""
        self._file.close()
        super().close()


class _Connection(urllib3.connection.HTTPConnection):
    """Notifies the observer of a request when it is sent; can be hung up until the response has been read."""

    hang_up: HangUp | None = None

    response_class = _FinalResponse

    def request(self, *args: Any, **options: Any) -> None:
        super().request(*args, **options)
        self.hang_up = notify_carried_by(self.sock)
        notify_sent()

    def answered(self) -> None:
        """Carry other requests from now on: what hung up the last one does nothing any more."""
        hang_up, self.hang_up = self.hang_up, None
        if hang_up is not None:
            hang_up.answered()


class _TlsConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    """Closes connections that were idle for longer than `LONGEST_IDLE` before they are used again."""

    ConnectionCls: Any = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.answered()
            conn.idle_since = time.monotonic()
        with no_fork:  # the queue of connections has a lock, and a child may close what it inherits
            super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        with no_fork:
            conn: Any = super()._get_conn(timeout)
        if time.monotonic() - getattr(conn, "idle_since", float("inf")) > LONGEST_IDLE:
            conn.close()  # it reopens with its next request
        return conn


class _TlsPool(_Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """An adapter of requests that uses the pools above, for proxies as well."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):  # the managers of SOCKS proxies have other pools
            manager.pool_classes_by_scheme = _POOLS
        return manager
