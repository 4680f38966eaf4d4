"""Why an exchange failed: what users read, whether the request may have been sent, and whether to repeat it."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection

from directus_orm.core.request_response import Request
from directus_orm.session.http.connection_errors import diagnose, remove_secrets
from directus_orm.session.http.connections import TooLarge

CONNECTION = HTTPConnection("directus.example")
REFUSED = urllib3_errors.NewConnectionError(CONNECTION, "Connection refused.")
SENT_AND_PASSING, SENT_AND_FINAL = (True, True), (True, False)
UNSENT_AND_PASSING, UNSENT_AND_FINAL = (False, True), (False, False)


def handshake(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] it failed")
    error.reason = reason
    return error


def wrapped(error: Exception) -> requests.ConnectionError:
    """An error as requests wraps those of urllib3: as the reason of an argument."""
    return requests.ConnectionError(urllib3_errors.MaxRetryError(None, "/items/x", error))  # type: ignore[arg-type]


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "text", "sent_and_passing"),
    [
        (
            wrapped(urllib3_errors.NameResolutionError("nowhere", CONNECTION, socket.gaierror(-2, "unknown"))),
            "cannot be found: no address is known for that host",
            UNSENT_AND_PASSING,
        ),
        (
            requests.exceptions.ProxyError(urllib3_errors.ProxyError("no", REFUSED)),
            "cannot be reached through the proxy: .*Connection refused. Check HTTP_PROXY",
            UNSENT_AND_PASSING,
        ),
        (wrapped(urllib3_errors.ProxyError("no", OSError("502"))), "through the proxy: 502.", UNSENT_AND_PASSING),
        (requests.exceptions.ProxyError("no"), "cannot be reached through the proxy: no", UNSENT_AND_PASSING),
        (wrapped(REFUSED), "does not accept connections: .*Connection refused. Is", UNSENT_AND_PASSING),
        (requests.ConnectTimeout(), "did not take the connection within 3.5 s", UNSENT_AND_PASSING),
        (
            wrapped(urllib3_errors.ConnectTimeoutError("late")),
            "did not take the connection within 3.5 s",
            UNSENT_AND_PASSING,
        ),
        (requests.exceptions.InvalidURL("no host"), "cannot be requested: no host.", UNSENT_AND_FINAL),
        (requests.exceptions.InvalidSchema("no adapter"), "cannot be requested: no adapter.", UNSENT_AND_FINAL),
        (TooLarge("300 MB"), "response is too large: 300 MB. Ask for less", SENT_AND_FINAL),
        (requests.ReadTimeout(), "it took longer than 7 s.", SENT_AND_PASSING),
        (wrapped(urllib3_errors.ReadTimeoutError(None, "/", "late")), "longer than 7 s", SENT_AND_PASSING),  # type: ignore[arg-type]
        (TimeoutError("late"), "it took longer than 7 s", SENT_AND_PASSING),
        (
            requests.exceptions.ChunkedEncodingError("half"),
            "broke off or cannot be decoded: half",
            SENT_AND_PASSING,
        ),
        (requests.exceptions.ContentDecodingError("gzip"), "cannot be decoded: gzip", SENT_AND_PASSING),
        (urllib3_errors.DecodeError("gzip"), "cannot be decoded: gzip", SENT_AND_PASSING),
        (urllib3_errors.IncompleteRead(1, 2), "broke off or cannot be decoded", SENT_AND_PASSING),
        (ConnectionResetError(104, "reset by peer."), "the connection broke: reset by peer.", SENT_AND_PASSING),
        (urllib3_errors.ProtocolError("bent"), "the connection broke: bent.", SENT_AND_PASSING),
        (handshake("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "the connection broke: .*MAC", SENT_AND_PASSING),
        (ValueError("odd."), "ValueError: odd.", SENT_AND_FINAL),
        (LookupError(), "LookupError: LookupError.", SENT_AND_FINAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_says_why_and_whether_the_request_was_sent(
    error: Exception, text: str, sent_and_passing: tuple[bool, bool]
) -> None:
    found = diagnose(error, (3.5, 7.0))
    assert (found.sent, found.passing) == sent_and_passing
    start, _, end = text.partition(".*")
    assert start in found.reason
    assert end in found.reason
    assert ".." not in found.reason


@pytest.mark.parametrize(
    "reason",
    """CERTIFICATE_VERIFY_FAILED HTTP_REQUEST SSLV3_ALERT_HANDSHAKE_FAILURE TLSV1_ALERT_PROTOCOL_VERSION
    UNKNOWN_PROTOCOL UNSUPPORTED_PROTOCOL WRONG_VERSION_NUMBER""".split(),
)
def test_a_failed_tls_handshake_sent_nothing_and_is_not_tried_again(reason: str) -> None:
    found = diagnose(wrapped(handshake(reason)), (3.5, 7.0))
    assert (found.sent, found.passing) == UNSENT_AND_FINAL
    assert found.reason.startswith(f"failed the TLS check: [SSL: {reason}] it failed. Does it speak https")
    assert found.reason.endswith(" verify= takes the path of a CA file.")


def test_no_error_of_requests_keeps_its_request() -> None:
    """Which has the token in its headers."""
    request = requests.Request("GET", "http://x", headers={"Authorization": "Bearer hidden"}).prepare()
    inner = requests.ConnectionError("inner", request=request, response=requests.Response())
    outer = caused(requests.RequestException("outer", request=request), inner)
    remove_secrets(caused(ValueError(), outer), Request("GET", "/items/x"), None)
    for error in (inner, outer):
        assert vars(error)["request"] is vars(error)["response"] is None
