"""How bytes get to the server and back: by connections of the session's own, or a caller's `requests.Session`."""

from __future__ import annotations

import copy
import os
import threading
import time
from typing import Any

import attrs
import requests
import urllib3.connection
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from ...core.errors import ConfigurationError
from .exchange import Connections, RawRequest, RawResponse
from .watch import notify_sent

# More threads than this work as well, but those in excess connect anew each time.
_CONNECTIONS = 100
# Node closes a connection that was idle for 5 s. Of a write sent at that moment nobody would know
# whether it was applied, so a connection is given up before.
LONGEST_IDLE = 4.0
LARGEST_ANSWER = 1 << 30
"""A longer answer is refused before it fills the memory, unless the connections are the caller's."""

# What requests looks at to find proxies and certificates. To find them anew takes longer than all else it does.
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_ENVIRONMENT = (*_PROXIES, *map(str.lower, _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUEST_METHOD")

_AGENT = requests.utils.default_user_agent("directus_orm, requests")


FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What an exchange raises that does not come about."""


def connections(
    url: str, verify: bool | str, cert: str | tuple[str, str] | None, http: requests.Session | None
) -> Connections:
    """Return the way to a server: of a session's own, or over the caller's `requests.Session`.

    Raises:
        ConfigurationError: an option is of no use. Of an empty path, requests makes "do not verify".
    """
    if not isinstance(verify, bool) and not _is_path(verify):
        raise ConfigurationError(
            f"verify={verify!r} is neither True, nor False, nor the path of a CA file as a text."
        )
    files = cert if isinstance(cert, tuple) and len(cert) == 2 else (cert,)
    if cert is not None and not all(map(_is_path, files)):
        raise ConfigurationError(
            "cert= is the path of a client certificate as a text, or two: (certificate, key)."
        )
    if http is not None and not isinstance(http, requests.Session):
        raise ConfigurationError(f"http= takes a requests.Session, and {type(http).__name__} is none.")
    return OwnConnections(url, verify, cert) if http is None else GivenConnections(url, verify, cert, http)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value != ""


def prepared_url(url: str) -> str:
    """Return a URL as it is asked for.

    Raises:
        ConfigurationError: it is none.
    """
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
    except (requests.RequestException, ValueError) as error:
        raise ConfigurationError(f"{url!r} is not the address of a server: {error}") from error
    return str(prepared.url)


class TooLarge(requests.RequestException):
    """The answer is longer than any that is asked for."""


def _body(response: requests.Response) -> bytes:
    """Read what the server answered.

    Raises:
        TooLarge: it is longer than `LARGEST_ANSWER`.
    """
    raw = response.raw
    is_packed = "Content-Encoding" in response.headers
    if not is_packed and raw.length_remaining is not None and raw.length_remaining <= LARGEST_ANSWER:
        return bytes(raw.read())  # into one piece: with a limit, urllib3 copies it
    body = bytes(raw.read(LARGEST_ANSWER + 1, decode_content=True))
    if len(body) > LARGEST_ANSWER:
        response.close()
        raise TooLarge(f"it is longer than {LARGEST_ANSWER >> 20} MiB")
    return body


class OwnConnections:
    """Connections that are reused, but none that the server may be closing. They keep no cookies."""

    def __init__(self, url: str, verify: bool | str, cert: str | tuple[str, str] | None) -> None:
        self._url = url
        # Of None, requests lets the environment decide.
        self._verify = None if verify is True else verify
        self._cert = cert
        self.forget()

    def forget(self) -> None:
        """Let go of what a parent process has opened: two that read from one socket get each other's answers."""
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def exchange(self, out: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send, and return what comes back."""
        opened = self._open()
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = out.method, self._url + out.target, out.body
        prepared.headers = headers = CaseInsensitiveDict(
            {"User-Agent": _AGENT, **{name: value for name, value in out.headers.items() if value is not None}}
        )
        if out.cookie is not None:
            headers["Cookie"] = out.cookie
        if out.body is not None:
            headers["Content-Length"] = str(len(out.body))
        response = opened.adapter.send(prepared, timeout=timeout, **opened.options)
        return RawResponse(response.status_code, response.headers, _body(response))

    def for_another_user(self) -> OwnConnections:
        """Return the same: they keep no answers."""
        return self

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.adapter.close()

    def _open(self) -> _Opened:
        found = tuple(map(os.environ.get, _ENVIRONMENT))
        opened = self._opened
        if opened is not None and opened.environment == found:
            return opened
        with self._lock, requests.Session() as http:
            options: Any = http.merge_environment_settings(self._url, {}, True, self._verify, self._cert)
            adapter = _Adapter(pool_maxsize=_CONNECTIONS) if self._opened is None else self._opened.adapter
            self._opened = _Opened(adapter, options, found)
            return self._opened


@attrs.frozen
class _Opened:
    adapter: HTTPAdapter
    options: dict[str, Any]
    environment: tuple[str | None, ...]


class GivenConnections:
    """A caller's `requests.Session`: used as it is, and neither changed nor closed."""

    def __init__(
        self, url: str, verify: bool | str, cert: str | tuple[str, str] | None, http: requests.Session
    ) -> None:
        self._url = url
        # None keeps what the caller's own requests.Session says.
        self._verify = None if verify is True else verify
        self._cert = cert
        self._http = http
        self._headers: dict[str, Any] = {}

    def for_another_user(self) -> GivenConnections:
        """Return the same, past what a cache keeps: it may not tell users apart."""
        others = copy.copy(self)
        others._headers = {"Cache-Control": "no-cache, no-store"}  # noqa: SLF001 - another of its kind
        return others

    def exchange(self, out: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send, and return what comes back."""
        http, headers = self._http, out.headers | self._headers
        prepared = http.prepare_request(
            requests.Request(out.method, self._url, headers=headers, data=out.body, auth=_as_it_is)
        )
        # requests would decode %7E and resolve dot segments, so that a key could become another route.
        prepared.url = self._url + out.target
        if out.cookie is not None:
            prepared.headers["Cookie"] = "; ".join(filter(None, (out.cookie, prepared.headers.get("Cookie"))))
        options: Any = http.merge_environment_settings(self._url, {}, False, self._verify, self._cert)
        notify_sent()
        if out.private:
            response = http.get_adapter(self._url).send(prepared, timeout=timeout, **options)
        else:
            response = http.send(prepared, timeout=timeout, allow_redirects=False, **options)
        # As requests-cache says it.
        from_cache = bool(getattr(response, "from_cache", False))
        return RawResponse(response.status_code, response.headers, response.content, from_cache)

    def close(self) -> None:
        """Do nothing: they are the caller's."""

    def forget(self) -> None:
        """Let go of the connections of a parent process."""
        for adapter in self._http.adapters.values():
            adapter.close()


def _as_it_is(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # Given as the way to log in: requests would look for one in ~/.netrc otherwise.
    return prepared


class _Connection(urllib3.connection.HTTPConnection):
    def request(self, *args: Any, **options: Any) -> None:
        super().request(*args, **options)
        notify_sent()


class _TlsConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls: Any = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn: Any = super()._get_conn(timeout)
        if time.monotonic() - getattr(conn, "idle_since", float("inf")) > LONGEST_IDLE:
            conn.close()  # opens anew with its next request
        return conn


class _TlsPool(_Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):  # those of SOCKS have pools of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager
