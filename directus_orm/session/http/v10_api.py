"""The API of Directus 10, 11 and 12: routes, logins, envelope, error codes, server info."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...core.checks import is_number, is_whole_number
from ...core.errors import (
    AuthenticationError,
    DirectusError,
    FailedValidation,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    NotNullViolation,
    RateLimited,
    RecordNotUnique,
    ServerError,
    TransportError,
    Unavailable,
    ValueOutOfRange,
    ValueTooLong,
)
from ...core.json_codec import dumps
from ...core.masking import Secret
from ...core.request_response import Request, Response, param_text, url_path
from ..permissions import v10_permissions
from ..permissions.permissions import Allowed, Permissions
from ..permissions.questions import Question
from . import routes, search_as_get
from .api import ErrorEntry, Tokens
from .raw_messages import Cookie, RawRequest, RawResponse, is_credential
from .server_info import Health, LoginProvider, LoginProviders, RateLimit, ServerInfo

_ERROR_CODES: Mapping[type[ServerError], str] = {
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
ERROR_CLASSES: Mapping[str, type[ServerError]] = {
    code: error_class for error_class, codes in _ERROR_CODES.items() for code in codes.split()
}
_ADVICE: Mapping[str, str] = {
    "INVALID_CREDENTIALS": "Check the token, or e-mail and password, and that they belong to this server.",
    "INVALID_OTP": "This user has two-factor authentication: give otp=, one-time and current.",
    "ROUTE_NOT_FOUND": "Check the base URL of the session.",
}
# Codes of a bearer token that has expired, or was signed before the server changed its secret.
_EXPIRED = frozenset({"INVALID_TOKEN", "TOKEN_EXPIRED"})

# Responses of routes below these are {"data": …}; those of others (health, GraphQL, custom endpoints) vary.
_NOT_ENVELOPED = ("/files/tus", "/flows/trigger/")
# Flows return what their author likes, also an object with "data" alone.
_RETURNED_WHOLE = "/flows/trigger/"
_PROVIDERS = "/auth"  # with a key beside "data"
# Where the server redirects to after it has verified the e-mail address of a user.
_VERIFIED_USER = re.compile(r"/admin/users/([0-9a-f-]{36})")
_JSON_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_MAJOR_VERSION = re.compile(r"[0-9]{1,4}")
# A hundred years, in milliseconds.
_LONGEST_LIFE = 100 * 365 * 86_400_000
_TOO_LARGE = re.compile(r"request entity too large", re.IGNORECASE)
_TOO_MANY = re.compile(r"max batch mutation limit of (\d+)", re.IGNORECASE)
_LIMIT_TOO_HIGH = re.compile(r'"?limit"? must be less than or equal to (\d+)', re.IGNORECASE)
# A cookie whose value is a JWT; its name depends on the server's settings.
_SESSION_COOKIE = re.compile(r"([^\s;,=]+=eyJ[\w-]+\.[\w-]+\.[\w-]+)")


class V10Api:
    """The `Api` of Directus 10, 11 and 12."""

    # The server refuses a request line and headers of more than 16 KiB (G36); proxies refuse earlier.
    longest_url = 8000
    login_modes = ("json", "session")
    error_classes = ERROR_CLASSES
    info_request = Request("GET", "/server/info", purpose="info")
    ping_request = Request("GET", "/server/ping", purpose="info")
    health_request = Request("GET", "/server/health", purpose="info")
    providers_request = Request("GET", _PROVIDERS, purpose="info")
    # Directus 10 lacks the first, and tells administrators alone that they see every row.
    visibility_requests = (
        Request("GET", "/permissions/me", purpose="info"),
        Request("GET", "/users/me", (("fields", "role.admin_access"),), purpose="info"),
    )

    list_route = staticmethod(routes.list_route)
    deleted_keys = staticmethod(routes.deleted_keys)
    as_search = staticmethod(routes.as_search)
    as_gets = staticmethod(search_as_get.as_gets)
    merged = staticmethod(search_as_get.merged)
    past_caches = staticmethod(search_as_get.past_caches)

    # --- routes and parameters ------------------------------------------------------------------------------

    def items_path(self, collection: str) -> str:
        """Return the path of the rows of a collection."""
        return url_path(*routes.collection_segments(collection))

    def graphql_path(self, *, system: bool) -> str:
        """Return the path of the GraphQL endpoint."""
        return "/graphql/system" if system else "/graphql"

    def query_params(self, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return query parameters as Directus reads them: lists with commas, and JSON for nested values."""
        return tuple((name, param_text(value)) for name, value in params.items() if value is not None)

    def remaining_rows_request(self, deletion: Request) -> Request:
        """Return the request that lists which rows of a deletion by key still exist."""
        keys, route = self.deleted_keys(deletion) or [], self.list_route(deletion) or ""
        return _search_by_keys(route, keys, ["*"])

    def sees_every_row(self, data: Any, collection: str) -> bool:
        """Return whether this user may read a collection without rules for its rows, as administrators may."""
        is_administrator = _value_in(data, "role", "admin_access") is True
        return is_administrator or _value_in(data, collection, "read", "access") == "full"

    def advice_on(self, code: str, request: Request) -> str | None:
        """Return a sentence that tells the user what to check after an error, if there is one for its code."""
        which = routes.versions_of_route(request.path) if code == "ROUTE_NOT_FOUND" else None
        return _ADVICE.get(code) if which is None else f"This server is of another version: {which} it."

    # --- logins ---------------------------------------------------------------------------------------------

    def login_request(self, email: str, password: Secret, otp: Secret | None, mode: str) -> Request:
        """Return the request that logs a user in."""
        body: dict[str, str | Secret] = {"email": email, "password": password, "mode": mode}
        return _auth_request("login", body if otp is None else {**body, "otp": otp})

    def share_info_request(self, share: str) -> Request:
        """Return the request that asks what a share shows."""
        return Request("GET", url_path("shares", "info", share), purpose="login")

    def share_login_request(self, share: str, password: Secret | None, mode: str) -> Request:
        """Return the request that logs a visitor in to a share."""
        body: dict[str, str | Secret] = {"share": share, "mode": mode}
        if password is not None:
            body["password"] = password
        return Request("POST", "/shares/auth", json=body, purpose="login")

    def refresh_request(self, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        """Return the request that renews a login; the cookie of a session travels as the credential."""
        return self._with_refresh_token("refresh", refresh, mode)

    def logout_request(self, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        """Return the request that ends a login; the cookie of a session travels as the credential."""
        return self._with_refresh_token("logout", refresh, mode)

    def _with_refresh_token(self, action: str, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        if mode == "session":
            return _auth_request(action, {"mode": mode}), refresh
        return _auth_request(action, {"mode": mode, "refresh_token": refresh}), None

    def read_tokens(self, response: Response, mode: str) -> Tokens | None:
        """Return the tokens in the body, or those in the cookie of a session."""
        data = response.data if isinstance(response.data, dict) else {}
        milliseconds, access, refresh = (data.get(name) for name in ("expires", "access_token", "refresh_token"))
        if not is_number(milliseconds) or not 0 <= milliseconds <= _LONGEST_LIFE:
            return None
        if mode == "json":
            are_texts = is_credential(access) and is_credential(refresh)
            return Tokens(Secret(str(access)), Secret(str(refresh)), milliseconds / 1000) if are_texts else None
        cookie = _SESSION_COOKIE.search(response.headers.get("Set-Cookie", ""))
        return None if cookie is None else Tokens(Cookie(cookie[1]), Cookie(cookie[1]), milliseconds / 1000)

    def is_expired(self, credential: Secret, error: AuthenticationError) -> bool:
        """Return whether a token has expired, or a session was ended by the server, which then forgets it."""
        return error.code in _EXPIRED or (isinstance(credential, Cookie) and error.code == "INVALID_CREDENTIALS")

    # --- requests and responses -----------------------------------------------------------------------------

    def raw_request(self, request: Request, credential: Secret | None) -> RawRequest:
        """Return a request as it is sent: a token as a bearer token, a cookie as a cookie."""
        headers: dict[str, Any] = {**_JSON_HEADERS, **dict(request.headers)}
        body: bytes | Iterable[bytes] | None = request.body
        if request.streamed:
            # Packed, the length of the body would not be that of the file.
            headers |= {"Accept": "*/*", "Accept-Encoding": "identity"}
        if request.offset:
            headers["Range"] = f"bytes={request.offset}-"
        if request.upload is not None:
            headers["Content-Type"] = request.upload.content_type
            if request.upload.length is not None:
                headers["Content-Length"] = str(request.upload.length)
            body = request.upload.pieces()
        elif request.json is not None:
            body = dumps(request.json) if body is None else body
            headers["Content-Type"] = "application/json"  # G14
        if request.method == "SEARCH" or request.fresh:
            headers["Cache-Control"] = "no-store"  # Directus does not cache it (G28), nor should a proxy
        cookie = credential if isinstance(credential, Cookie) else None
        if cookie or request.purpose == "login":
            headers["Authorization"] = None  # G39; None drops a header of the caller's requests.Session
        elif credential is not None:
            headers["Authorization"] = f"Bearer {credential.reveal()}"
        hides = request.hides_response
        return RawRequest(request.method, request.url, headers, body, cookie, hides, request.streamed)

    def is_enveloped(self, request: Request) -> bool:
        """Return whether Directus wraps the response of this route as ``{"data": …}``."""
        root = request.path.split("/", 2)[1]
        is_whole = request.path == _PROVIDERS or request.path.startswith(_NOT_ENVELOPED)
        return routes.wraps_data(root) and not is_whole

    def is_refusal(self, request: Request, raw: RawResponse, content: Any) -> bool:
        """Return whether a response reports an error: by its status, or, of GraphQL, in its body."""
        # A server with problems reports its health with status 503.
        is_health = raw.headers.get("Content-Type", "").startswith("application/health+json")
        if raw.status >= 400 and not is_health:
            return True
        is_graphql = request.path.startswith("/graphql")
        return is_graphql and isinstance(content, dict) and bool(content.get("errors"))

    def answer_of_redirect(self, request: Request, location: str) -> str | None:
        """Return the key of a user whose e-mail address is verified now."""
        if not routes.verifies_email(request):
            return None
        verified = _VERIFIED_USER.search(location)
        return None if verified is None else verified[1]

    def error_entries(self, content: Any) -> list[ErrorEntry] | None:
        """Return the ``errors`` of a body."""
        errors = content.get("errors") if isinstance(content, dict) else None
        is_list = isinstance(errors, list) and errors and all(isinstance(error, dict) for error in errors)
        return errors if is_list else None

    def unwrap(self, request: Request, content: Any) -> tuple[Any, Mapping[str, Any]] | None:
        """Return ``data`` and ``meta`` of an enveloped body; another body whole."""
        if request.path.startswith(_RETURNED_WHOLE):
            return content, {}
        is_enveloped = self.is_enveloped(request)
        # A custom endpoint may return more than "data": then its body is returned whole.
        has_data = isinstance(content, dict) and "data" in content
        if has_data and (is_enveloped or content.keys() <= {"data", "meta"}):
            return content["data"], content.get("meta") or {}
        if is_enveloped and not any(name == "export" for name, _ in request.params):
            return None
        return content, {}

    def is_refused_unprocessed(self, error: ServerError) -> bool:
        """Return whether a limit on requests was exceeded, or the server is under pressure (G41)."""
        if isinstance(error, RateLimited):
            return error.code != "EMAIL_LIMIT_EXCEEDED"
        return isinstance(error, Unavailable) and "pressure" in str(error.extensions.get("reason")).lower()

    # --- limits ---------------------------------------------------------------------------------------------

    def row_limit(self, error: InvalidRequest) -> int | None:
        """Return the most rows in one response, if the server refused a limit for being higher (G45)."""
        return _number_in(error, _LIMIT_TOO_HIGH)

    def write_limit(self, error: InvalidRequest) -> int | None:
        """Return the server's MAX_BATCH_MUTATION, if the request was refused for writing more rows than that."""
        return _number_in(error, _TOO_MANY)

    def is_too_large(self, error: DirectusError) -> bool:
        """Return whether the body was refused for its size, by the server (G35) or by a proxy before it."""
        if isinstance(error, TransportError):
            return error.status == 413
        return isinstance(error, InvalidRequest) and _TOO_LARGE.search(str(error)) is not None

    # --- the server itself ----------------------------------------------------------------------------------

    def read_info(self, data: Any) -> ServerInfo | None:
        """Return the version and the limits in the response to ``/server/info``."""
        if not isinstance(data, Mapping) or "project" not in data:
            return None
        limits, websocket, project = (_object(data.get(name)) for name in ("queryLimit", "websocket", "project"))
        return ServerInfo(
            major=_major_version(data),
            version=_text(data.get("version")),
            complete="queryLimit" in data,
            default_rows=_positive(limits.get("default")),
            max_rows=_positive(limits.get("max")),
            rate_limit=_rate_limit(data.get("rateLimit")),
            global_rate_limit=_rate_limit(data.get("rateLimitGlobal")),
            websocket=websocket or None,
            project=_text(project.get("project_name")),
            raw=data,
        )

    def read_providers(self, data: Any) -> LoginProviders | None:
        """Return the ways to log in that the response to ``/auth`` lists."""
        listed = _object(data).get("data")
        if not isinstance(listed, list):
            return None
        names = ("name", "driver", "icon", "label")
        texts = [[_text(_object(provider).get(name)) for name in names] for provider in listed]
        providers = [LoginProvider(name, *others) for name, *others in texts if name is not None]
        return LoginProviders(tuple(providers), str(data.get("disableDefault")).lower() == "true")

    def ask_permissions(self) -> v10_permissions.Dialogue[Permissions]:
        """Yield requests for what this user may do, and return it."""
        return v10_permissions.ask_permissions()

    def ask_allowed(
        self, question: Question, permissions: Permissions
    ) -> v10_permissions.Dialogue[Allowed | None]:
        """Yield requests for the answer to a question of this user, and return it."""
        return v10_permissions.ask_allowed(question, permissions, _read_request(question))

    def is_pong(self, data: Any) -> bool:
        """Return whether data is the response to ``/server/ping``."""
        return bool(data == "pong")

    def read_health(self, data: Any) -> Health | None:
        """Return the status and the checks in the response to ``/server/health``."""
        if not isinstance(data, Mapping) or "status" not in data:
            return None
        return Health(str(data["status"]), _text(data.get("releaseId")), _object(data.get("checks")))


def _number_in(error: InvalidRequest, pattern: re.Pattern[str]) -> int | None:
    match = pattern.search(str(error))
    return int(match[1]) if match else None


def _value_in(data: Any, *names: str) -> Any:
    """Return the value at a path of names in nested objects; None if there is none."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _read_request(question: Question) -> Request:
    """Return the request that reads the row that a question is about; else a row of its collection."""
    route = url_path(*routes.collection_segments(question.collection))
    fields = [question.key_column, *question.fields] if question.key_column else ["*"]
    if question.is_about_one_of_many:
        return _search_by_keys(route, [question.key], fields)
    limit = () if question.is_singleton else (("limit", "1"),)
    return Request("GET", route, (("fields", param_text(fields)), *limit), purpose="info")


def _search_by_keys(route: str, keys: list[Any], fields: list[str]) -> Request:
    """Return the request for one of the rows with these keys; Directus's own collections name all keys ``id``."""
    query: dict[str, Any] = {"fields": fields, "limit": 1}
    if routes.finds_by_keys(route):
        return Request("SEARCH", route, json={"keys": keys, "query": query}, purpose="info")
    by_key = {"query": {**query, "filter": {"id": {"_in": keys}}}}
    return Request("SEARCH", route, json=by_key, purpose="info")


def _auth_request(action: str, body: Mapping[str, str | Secret]) -> Request:
    return Request("POST", f"/auth/{action}", json=body, purpose="login")


def _major_version(data: Mapping[str, Any]) -> int:
    digits = str(data.get("version") or "").partition(".")[0]
    if _MAJOR_VERSION.fullmatch(digits):
        return int(digits)
    # The public does not see the version, but each version has a key that the one before lacks.
    return 12 if "license" in data else 11 if "setupCompleted" in data else 10


def _positive(limit: Any) -> int | None:
    return limit if isinstance(limit, int) and limit > 0 else None  # -1 means no limit


def _rate_limit(data: Any) -> RateLimit | None:
    points, duration = _object(data).get("points"), _object(data).get("duration")
    if not is_whole_number(points, 0) or not is_number(duration) or not 0 <= duration <= _LONGEST_LIFE:
        return None
    return RateLimit(points, float(duration))


def _object(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _text(data: Any) -> str | None:
    return data if isinstance(data, str) else None
