"""Maps refusals and unusable responses of a server to error classes, without the secrets of the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from ...core.errors import (
    AuthenticationError,
    Forbidden,
    InvalidRequest,
    OutcomeUnknown,
    Protected,
    RateLimited,
    ServerError,
    TransportError,
    Unavailable,
)
from ...core.request_response import Request, Response
from .api import Api, ErrorEntry
from .raw_messages import RawResponse

# The error class by status, for an unknown code.
_BY_STATUS: Mapping[int, type[ServerError]] = {
    401: AuthenticationError,
    403: Forbidden,
    408: Unavailable,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
# A gateway sends these if the server behind it cannot be reached or does not respond. 520 to 524 are Cloudflare's.
_GATEWAY_STATUSES = frozenset({502, 503, 504, 520, 521, 522, 523, 524})
# Statuses with the same meaning, whether Directus sends them or a proxy in front of it.
_UNAMBIGUOUS_STATUSES = frozenset({401, 403, 429, 503})
_HINTS: Mapping[int, str] = {
    404: "check the base URL of the session, and whether Directus lives below a sub-path there",
    413: "a proxy refuses bodies of this size: send fewer rows at once",
    431: "the request line and headers are longer than the server takes",
    502: "the proxy cannot reach Directus",
    504: "the proxy got no response from Directus in time",
}
_LONGEST_REASON = 500
_LONGEST_SCRUBBED = 50_000
# How SQLite, MariaDB and MySQL, PostgreSQL, SQL Server, and Oracle report a violated foreign key.
_FOREIGN_KEY = re.compile(
    r"foreign key constraint fail|violates (\w+ )*foreign key constraint|REFERENCE constraint|ORA-02292",
    re.IGNORECASE,
)

# How PostgreSQL, and MariaDB and MySQL, name the column that refers to a row.
_REFERENCES = (
    re.compile(r'foreign key constraint "(?P<constraint>[^"]+)" on table "(?P<collection>[^"]+)"'),
    re.compile(
        r"foreign key constraint fails \((?:`[^`]+`\.)?`(?P<collection>[^`]+)`, "
        r"CONSTRAINT `(?P<constraint>[^`]+)` FOREIGN KEY \(`(?P<field>[^`]+)`\)"
    ),
)


@attrs.frozen
class _ForeignKey:
    """The foreign key that protects a row from being deleted."""

    collection: str
    constraint: str
    field: str | None = None

    def __str__(self) -> str:
        return self.collection if self.field is None else f"{self.collection}.{self.field}"


def server_error(api: Api, request: Request, url: str, raw: RawResponse, entries: list[ErrorEntry]) -> ServerError:
    """Return the error for a refusal of Directus, which reports the errors ``entries``."""
    entries = request.scrubbed(entries)
    extensions = entries[0].get("extensions") if entries else None
    extensions = extensions if isinstance(extensions, Mapping) else {}
    code = str(extensions.get("code") or "")
    reasons = [_reason(entry) for entry in entries]
    error_class = _error_class(api, raw.status, code, " ".join(reasons))
    foreign_key = _foreign_key(" ".join(reasons)) if error_class is Protected else None
    # The server's address matters most where the credentials or the base URL are wrong.
    advice = api.advice_on(code, request)
    with_url = error_class is AuthenticationError or advice is not None
    where = f"{request.method} {url if with_url else ''}{request.path}"
    label = f"{code}, status {raw.status}" if code else f"status {raw.status}"
    text = f"{_shortened('; '.join(reasons))} ({label}; {where})"
    if foreign_key is not None:
        text = f"{foreign_key} refers to it: {text}"
    if advice is not None:
        text = f"{text} {advice}"
    error = error_class(
        text, status=raw.status, code=code, extensions=extensions, errors=entries, request=request.masked()
    )
    if isinstance(error, Protected) and foreign_key is not None:
        error.collection, error.field = foreign_key.collection, foreign_key.field
        error.constraint = foreign_key.constraint
    return _with_retry_after(error, raw.headers)


def _reason(entry: ErrorEntry) -> str:
    """Return the message of an error, with what GraphQL says beside it: the place, and the errors inside of it."""
    message = str(entry.get("message") or "no reason given")
    path, extensions = entry.get("path"), entry.get("extensions")
    inner = extensions.get("errors") if isinstance(extensions, Mapping) else None
    if isinstance(inner, list):
        texts = [str(each["message"]) for each in inner if isinstance(each, Mapping) and each.get("message")]
        message = " ".join([message, *texts])
    return f"{'.'.join(map(str, path))}: {message}" if isinstance(path, list) and path else message


def _foreign_key(text: str) -> _ForeignKey | None:
    """Return the foreign key that a database names in its message; None if it names none."""
    match = next(filter(None, (pattern.search(text) for pattern in _REFERENCES)), None)
    if match is None:
        return None
    collection, constraint = match["collection"], match["constraint"]
    # Directus names a constraint after its collection and field.
    if constraint.startswith(f"{collection}_") and constraint.endswith("_foreign"):
        field = constraint.removeprefix(f"{collection}_").removesuffix("_foreign")
    else:
        field = match.groupdict().get("field")
    return _ForeignKey(collection, constraint, field)


def plain_error(request: Request, url: str, raw: RawResponse) -> ServerError | TransportError:
    """Return the error for a refusal without Directus's JSON: from a proxy, or after a crash (G36)."""
    status = raw.status
    hint = f"; {_HINTS[status]}" if status in _HINTS else ""
    excerpt = body_excerpt(request, raw.body)
    message = (
        f"{url} answered {_method_and_path(request)} with status {status} and no JSON of Directus{excerpt}{hint}."
    )
    passing = status in _GATEWAY_STATUSES
    if status in _UNAMBIGUOUS_STATUSES and (request.reads or not passing):
        error = _BY_STATUS[status](message, status=status, request=request.masked())
        return _with_retry_after(error, raw.headers)
    if status >= 500:
        # A gateway that gives up may have passed a write on before.
        return outcome_unknown(request, message, status, passing=passing)
    return unusable_response(request, message, status)


def body_excerpt(request: Request, body: bytes) -> str:
    """Return the first characters of a body, as a part of a sentence."""
    if not body.strip():
        return "; its body is empty"
    if request.hides_response:
        return ""  # it may hold tokens
    # More than is shown, so that no secret is cut before it is found.
    text = request.scrubbed(body[:_LONGEST_SCRUBBED].decode("utf-8", "replace"))
    return f"; it begins: {text[:100]!r}"


def unusable_response(
    request: Request, message: str, status: int | None = None, *, sent: bool = True, passing: bool = False
) -> TransportError:
    """Return the error for a request without a usable response."""
    return TransportError(message, request=request.masked(), status=status, sent=sent, passing=passing)


def unexpected_response(response: Response, value: Any, expected: str) -> TransportError:
    """Return the error for a response that lacks what was asked for; `OutcomeUnknown` if it is that to a write."""
    request = response.request
    if request is None:
        found = repr(str(value)[:80])
        return TransportError(f"The response is {found}, where {expected} belongs.", status=response.status)
    found = f"(status {response.status}) is {request.excerpt(value)}, where {expected} belongs."
    message = f"The response to {request.method} {request.path} {found}"
    return outcome_unknown(request, message, response.status, passing=not request.reads)


def outcome_unknown(
    request: Request, message: str, status: int | None = None, *, passing: bool = False
) -> TransportError:
    """Return the error for a response that is lost or broken: `OutcomeUnknown` if the request was a write."""
    if request.reads or request.purpose == "login":
        return unusable_response(request, message, status, passing=passing)
    message = f"{message} It is not known whether the write was applied: read it back before repeating it."
    return OutcomeUnknown(message, request=request.masked(), status=status, passing=passing)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None if there are none."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - few servers send a date

    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _with_retry_after(error: ServerError, headers: Mapping[str, str]) -> ServerError:
    if isinstance(error, RateLimited | Unavailable):
        error.retry_after = retry_after(headers)
    return error


def _error_class(api: Api, status: int, code: str, text: str) -> type[ServerError]:
    if status == 500 and _FOREIGN_KEY.search(text):
        return Protected  # it has no code of its own (G34)
    fallback = InvalidRequest if 400 <= status < 500 else ServerError
    return api.error_classes.get(code) or _BY_STATUS.get(status, fallback)


def _method_and_path(request: Request) -> str:
    return f"{request.method} {request.path}"


def _shortened(text: str) -> str:
    # A raw SQL text, which administrators get with status 500, tells at its end what went wrong.
    if len(text) <= _LONGEST_REASON:
        return text
    half = _LONGEST_REASON // 2
    return f"{text[:half]} … {text[-half:]}"
