"""From a refusal or a broken answer to the one error that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...core.errors import (
    AuthenticationError,
    FailedValidation,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    NotNullViolation,
    OutcomeUnknown,
    Protected,
    RateLimited,
    RecordNotUnique,
    ServerError,
    TransportError,
    Unavailable,
    ValueOutOfRange,
    ValueTooLong,
)
from ...core.masking import _SECRET_NAMES, MASK
from ...core.messages import Request

_FAMILIES: Mapping[type[ServerError], str] = {
    AuthenticationError: """
        INVALID_CREDENTIALS INVALID_IP INVALID_OTP INVALID_PROVIDER INVALID_TOKEN TOKEN_EXPIRED
        USER_SUSPENDED""",
    Forbidden: "COLLECTION_INACTIVE FORBIDDEN LIMIT_EXCEEDED RESOURCE_RESTRICTED",
    FailedValidation: "FAILED_VALIDATION",
    NotNullViolation: "CONTAINS_NULL_VALUES NOT_NULL_VIOLATION",
    RecordNotUnique: "RECORD_NOT_UNIQUE",
    InvalidForeignKey: "INVALID_FOREIGN_KEY",
    ValueTooLong: "VALUE_TOO_LONG",
    ValueOutOfRange: "VALUE_OUT_OF_RANGE",
    InvalidRequest: """
        ADDON_NOT_AVAILABLE ADDON_NOT_FOUND ADDON_QUANTITY_OUT_OF_RANGE CONTENT_TOO_LARGE GRAPHQL_EXECUTION
        GRAPHQL_VALIDATION ILLEGAL_ASSET_TRANSFORMATION IMPORT_CYCLICAL_RELATION INVALID_INVITE
        INVALID_PATH_PARAMETER INVALID_PAYLOAD INVALID_QUERY LICENSE_INVALID LICENSE_MANAGED_BY_ENV
        LICENSE_OFFLINE_UNSUPPORTED LICENSE_RESOLVE_INCOMPLETE METHOD_NOT_ALLOWED RANGE_NOT_SATISFIABLE
        ROUTE_NOT_FOUND UNPROCESSABLE_CONTENT UNSUPPORTED_MEDIA_TYPE VERSION_HASH_MISMATCH""",
    RateLimited: "EMAIL_LIMIT_EXCEEDED REQUESTS_EXCEEDED",
    Unavailable: """
        INVALID_PROVIDER_CONFIG LICENSE_SERVICE_UNAVAILABLE OUT_OF_DATE OUT_OF_TIME SERVICE_UNAVAILABLE
        UNEXPECTED_RESPONSE""",
    ServerError: "INTERNAL_SERVER_ERROR",
}
CLASSES: Mapping[str, type[ServerError]] = {
    code: cls for cls, codes in _FAMILIES.items() for code in codes.split()
}
# A code that no Directus had when this was written falls to the family of its status.
_BY_STATUS: Mapping[int, type[ServerError]] = {
    401: AuthenticationError,
    403: Forbidden,
    408: Unavailable,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
# A gateway says these of what is behind it: nothing, silence, a connection that broke. The last are Cloudflare's.
_GATEWAYS = frozenset({502, 503, 504, 520, 521, 522, 523, 524})
# Statuses that mean the same whoever sends them, Directus or a proxy in front of it.
_PLAIN = frozenset({401, 403, 429, 503})
_HINTS: Mapping[int, str] = {
    404: "check the base URL of the session, and whether Directus lives below a sub-path there",
    413: "a proxy refuses bodies of this size: send fewer rows at once",
    431: "the request line and headers are longer than the server takes",
    502: "the proxy reaches no Directus",
    504: "the proxy got no answer from Directus in time",
}
_WAYS_OUT: Mapping[str, str] = {
    "INVALID_CREDENTIALS": "Check the token, or e-mail and password, and that they belong to this server.",
    "INVALID_OTP": "This user has two-factor authentication: give otp=, one-time and current.",
    "ROUTE_NOT_FOUND": "Check the base URL of the session.",
}
_LONGEST_REASON = 500
# In the words of SQLite, MariaDB and MySQL, PostgreSQL, SQL Server, Oracle.
_FOREIGN_KEY = re.compile(
    r"foreign key constraint fail|violates (\w+ )*foreign key constraint|REFERENCE constraint|ORA-02292",
    re.IGNORECASE,
)

# How PostgreSQL, and MariaDB and MySQL, name what refers to a row. Directus names a constraint after its field.
_REFERENCES = (
    re.compile(r'foreign key constraint "(?P<constraint>[^"]+)" on table "(?P<collection>[^"]+)"'),
    re.compile(
        r"foreign key constraint fails \((?:`[^`]+`\.)?`(?P<collection>[^`]+)`, "
        r"CONSTRAINT `(?P<constraint>[^`]+)` FOREIGN KEY \(`(?P<field>[^`]+)`\)"
    ),
)


def server_error(
    request: Request, url: str, status: int, errors: list[Mapping[str, Any]], headers: Mapping[str, str]
) -> ServerError:
    """Return the error for the ``errors`` of a Directus answer."""
    errors = scrubbed(errors, request)
    first = errors[0] if errors else {}
    extensions = first.get("extensions")
    extensions = extensions if isinstance(extensions, Mapping) else {}
    code = str(extensions.get("code") or "")
    reasons = [str(e.get("message") or "no reason given") for e in errors]
    cls = _class(status, code, " ".join(reasons))
    # Which server it was matters most where the credentials or the base URL are wrong.
    whole = cls is AuthenticationError or code == "ROUTE_NOT_FOUND"
    where = f"{request.method} {url}{request.path}" if whole else _where(request)
    label = f"{code}, status {status}" if code else f"status {status}"
    text = f"{_shortened('; '.join(reasons))} ({label}; {where})"
    if code in _WAYS_OUT:
        text = f"{text} {_WAYS_OUT[code]}"
    reference = _reference(" ".join(reasons)) if cls is Protected else {}
    if reference:
        text = f"{'.'.join(filter(None, map(reference.get, ('collection', 'field'))))} refers to it: {text}"
    error = cls(text, status=status, code=code, extensions=extensions, errors=errors, request=request.masked())
    for name, value in reference.items():
        setattr(error, name, value)
    return _with_pause(error, headers)


def _reference(text: str) -> dict[str, str | None]:
    """Return what a database says of the reference that protects a row, as attributes of the error."""
    found = next(filter(None, (pattern.search(text) for pattern in _REFERENCES)), None)
    if found is None:
        return {}
    known: dict[str, str | None] = {"field": None, **found.groupdict()}
    collection, constraint = str(known["collection"]), str(known["constraint"])
    if constraint.startswith(f"{collection}_") and constraint.endswith("_foreign"):
        known["field"] = constraint.removeprefix(f"{collection}_").removesuffix("_foreign")
    return known


def plain_error(
    request: Request, url: str, status: int, body: bytes, headers: Mapping[str, str]
) -> ServerError | TransportError:
    """Return the error for an answer that is not Directus's JSON: a proxy, or a crash (G36)."""
    said = body_excerpt(request, body)
    hint = f"; {_HINTS[status]}" if status in _HINTS else ""
    message = f"{url} answered {_where(request)} with status {status} and no JSON of Directus{said}{hint}."
    passing = status in _GATEWAYS
    if status in _PLAIN and (request.reads or not passing):
        error = _BY_STATUS[status](message, status=status, request=request.masked())
        return _with_pause(error, headers)
    # A gateway that gives up may have passed the write on before.
    return (
        outcome_unknown(request, message, status, passing=passing)
        if status >= 500
        else unusable_response(request, message, status)
    )


def body_excerpt(request: Request, body: bytes) -> str:
    """Return the first characters of a body, as a part of a sentence."""
    if not body.strip():
        return "; its body is empty"
    if request.purpose == "login":
        return ""  # it may hold tokens
    return f"; it begins: {body[:400].decode('utf-8', 'replace')[:100]!r}"


def unusable_response(
    request: Request, message: str, status: int | None = None, *, sent: bool = True, passing: bool = False
) -> TransportError:
    """Return the error for an answer that is none."""
    return TransportError(message, request=request.masked(), status=status, sent=sent, passing=passing)


def outcome_unknown(
    request: Request, message: str, status: int | None = None, *, passing: bool = False
) -> TransportError:
    """Return the error for an answer that did not come whole: of a write, nobody knows the outcome."""
    if request.reads or request.purpose == "login":
        return unusable_response(request, message, status, passing=passing)
    message = f"{message} It is not known whether the write was applied: read it back before repeating it."
    return OutcomeUnknown(message, request=request.masked(), status=status, passing=passing)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks for, itself or by a date; None where there is none."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", said):
        return float(said)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - hardly a server says a date

    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _with_pause(error: ServerError, headers: Mapping[str, str]) -> ServerError:
    if isinstance(error, RateLimited | Unavailable):
        error.retry_after = retry_after(headers)
    return error


def _class(status: int, code: str, text: str) -> type[ServerError]:
    if status == 500 and _FOREIGN_KEY.search(text):
        return Protected  # G34: no code of its own
    fallback = InvalidRequest if 400 <= status < 500 else ServerError
    return CLASSES.get(code) or _BY_STATUS.get(status, fallback)


def _where(request: Request) -> str:
    return f"{request.method} {request.path}"


def _shortened(text: str) -> str:
    # Of a raw SQL text (admins get it with a 500) the end tells what went wrong.
    if len(text) <= _LONGEST_REASON:
        return text
    half = _LONGEST_REASON // 2
    return f"{text[:half]} … {text[-half:]}"


def scrubbed(value: Any, request: Request) -> Any:
    """Return a copy of JSON data without the secrets that ``request`` carries."""
    # Servers quote what they were sent: a token that is not unique, the values of a failing INSERT.
    names = _SECRET_NAMES | request.secret
    found = sorted(_secrets(request.json, names) | _secrets(dict(request.params), names), key=len, reverse=True)
    return _without(value, found) if found else value


def _secrets(value: Any, names: frozenset[str]) -> set[str]:
    if isinstance(value, Mapping):
        own = {str(v) for k, v in value.items() if str(k).lower() in names and isinstance(v, str | int)}
        return {text for text in own if len(text) > 2}.union(*(_secrets(v, names) for v in value.values()))
    if isinstance(value, list | tuple):
        return set[str]().union(*(_secrets(v, names) for v in value))
    return set()


def _without(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, Mapping):
        return {k: _without(v, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without(v, secrets) for v in value]
    return value
