"""Explains why a connection or exchange failed, and tells whether the request may have been sent."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import attrs
import requests
from urllib3 import exceptions as urllib3_errors

from ...core.masking import masked_url
from ...core.request_response import Request
from ...core.tracebacks import causes, clear_locals
from .connections import TooLarge

# TLS failures while the connection is made; others may come after the request was sent.
_HANDSHAKE_FAILURES = frozenset(
    {
        "CERTIFICATE_VERIFY_FAILED",
        "HTTP_REQUEST",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNKNOWN_PROTOCOL",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)


def remove_secrets(error: BaseException, request: Request, until: BaseException | None) -> None:
    """Remove the secrets of a request from the error that it ended in, and from its causes up to ``until``."""
    clear_locals(error, until)
    target, shown = request.url, request.masked().url

    def without_secrets(value: Any) -> Any:
        return masked_url(request.scrubbed(value.replace(target, shown))) if isinstance(value, str) else value

    for cause in causes(error, until):
        if isinstance(cause, requests.RequestException):
            cause.request = cause.response = None
        cause.args = tuple(map(without_secrets, cause.args))
        # URLs, and what a server sent in the place of a status line.
        for name, value in list(vars(cause).items()):
            if isinstance(value, str):
                setattr(cause, name, without_secrets(value))


@attrs.frozen
class ConnectionFailure:
    """Why an exchange failed, as the end of a sentence.

    ``sent`` is whether the request may have been sent, ``passing`` whether a retry may succeed.
    """

    reason: str
    sent: bool
    passing: bool


def diagnose(
    error: BaseException, timeout: tuple[float, float], until: BaseException | None = None
) -> ConnectionFailure:
    """Return why an exchange failed; ``until`` is an error that was being handled before."""
    chain = causes(error, until)
    for kind in _KINDS:
        cause = next((e for e in chain if isinstance(e, kind.types) and kind.when(e)), None)
        if cause is not None:
            text = kind.text.format(detail=_detail(cause, until), connect=timeout[0], read=timeout[1])
            return ConnectionFailure(text, kind.sent, kind.passing)
    return ConnectionFailure(f"{type(error).__name__}: {_detail(error, until)}.", sent=True, passing=False)


def _detail(error: BaseException, until: BaseException | None) -> str:
    inner = causes(error, until)[-1]
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return str(text).rstrip(".")


@attrs.frozen
class _Kind:
    """A kind of failure: the errors that show it, and what it means."""

    types: tuple[type[BaseException], ...]
    text: str
    sent: bool
    passing: bool = True
    when: Callable[[BaseException], bool] = lambda _: True


# From the special to the general: the first that matches is reported.
_KINDS = (
    _Kind(
        (urllib3_errors.NameResolutionError,),
        "cannot be found: no address is known for that host. Check the host name in the URL.",
        sent=False,
    ),
    _Kind(
        (requests.exceptions.ProxyError, urllib3_errors.ProxyError),
        "cannot be reached through the proxy: {detail}. Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY.",
        sent=False,
    ),
    _Kind(
        (urllib3_errors.NewConnectionError,),
        "does not accept connections: {detail}. Is the server running, and are host and port right?",
        sent=False,
    ),
    _Kind(
        (requests.ConnectTimeout, urllib3_errors.ConnectTimeoutError),
        "did not take the connection within {connect:g} s. Check host and port, firewalls, and timeout=.",
        sent=False,
    ),
    _Kind(
        (ssl.SSLError,),
        "failed the TLS check: {detail}. Does it speak https, and is its certificate valid? "
        "verify= takes the path of a CA file.",
        sent=False,
        passing=False,
        when=lambda e: getattr(e, "reason", None) in _HANDSHAKE_FAILURES,
    ),
    _Kind(
        (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema),
        "cannot be requested: {detail}.",
        sent=False,
        passing=False,
    ),
    _Kind((TooLarge,), "the response is too large: {detail}. Ask for less.", sent=True, passing=False),
    _Kind(
        (requests.ReadTimeout, urllib3_errors.ReadTimeoutError, TimeoutError),
        "it took longer than {read:g} s. Ask for less, or give the session a longer timeout=.",
        sent=True,
    ),
    _Kind(
        (
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
            urllib3_errors.DecodeError,
            urllib3_errors.IncompleteRead,
        ),
        "the response broke off or cannot be decoded: {detail}.",
        sent=True,
    ),
    _Kind((OSError, urllib3_errors.HTTPError), "the connection broke: {detail}.", sent=True),
)
