"""How a session proves who it is."""

from __future__ import annotations

import copy
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import attrs

from ..core.errors import AuthenticationError, ConfigurationError, TransportError
from ..core.forks import reset_after_fork
from ..core.messages import Request, Response
from .http.exchange import Cookie

_MARGIN = 30.0
MODES = ("json", "session")
# A cookie whose value is a JWT, whatever the server's settings call it.
_SET_COOKIE = re.compile(r"([^\s;,=]+=eyJ[\w-]+\.[\w-]+\.[\w-]+)")


class AuthSender(Protocol):
    """Sends a request of a strategy without credentials, or with the one that is given, and returns its answer."""

    def __call__(self, request: Request, credential: str | None = None, /) -> Response:
        """Send the request; raise as `Session.send` does."""
        ...


class Auth(Protocol):
    """A way to authenticate, as `Session` takes it for ``auth``. All methods are called from any thread.

    Requests of its own are made with ``purpose="login"``: they carry no token, and nobody keeps their answers. In
    a forked process it lives on; one that shares what it must not, such as a refresh token, has to see to that.

    ```python
    class FromVault:
        anonymous = False

        def token(self, ask):
            return vault.read("directus")           # at every request: keep it in memory

        def renew(self, ask, refused):
            return vault.rotate("directus", refused)    # True where there is another one now

        def logout(self, ask):
            pass
    ```
    """

    @property
    def anonymous(self) -> bool:
        """Whether requests go out as the public."""
        ...

    def token(self, ask: AuthSender) -> str | None:
        """Return the bearer token for the next request, or a `Cookie`; None sends it as the public."""
        ...

    def renew(self, ask: AuthSender, refused: str) -> bool:
        """Replace a token that the server refused as expired; False where there is no other."""
        ...

    def logout(self, ask: AuthSender) -> None:
        """Give up what `token` obtained."""
        ...


class Public:
    """No credentials: what the server's public policy allows."""

    anonymous = True

    def token(self, ask: AuthSender) -> str | None:  # noqa: ARG002
        """Return None."""
        return None

    def renew(self, ask: AuthSender, refused: str) -> bool:  # noqa: ARG002
        """Return False: there is nothing to renew."""
        return False

    def logout(self, ask: AuthSender) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        return "public"


class StaticToken(Public):
    """A token that never expires, as stored with a Directus user."""

    anonymous = False

    def __init__(self, token: str) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("token= must be a text of visible ASCII characters without spaces.")
        self._token = token

    def token(self, ask: AuthSender) -> str | None:  # noqa: ARG002
        """Return the token."""
        return self._token

    def __repr__(self) -> str:
        return "token"


class MissingCredentials(Public):
    """Credentials that stayed behind when the session was pickled; the first request says so."""

    anonymous = False

    def __init__(self, url: str) -> None:
        self._url = url

    def token(self, ask: AuthSender) -> str | None:  # noqa: ARG002
        """Raise `ConfigurationError`: going on as the public could show other rows without a word."""
        raise ConfigurationError(
            f"The session for {self._url} was pickled, and credentials never are. "
            "Set DIRECTUS_TOKEN, or DIRECTUS_EMAIL and DIRECTUS_PASSWORD, in the process that unpickles it."
        )

    def __repr__(self) -> str:
        return "nobody (credentials are not pickled)"


@attrs.frozen(repr=False)
class _Tokens:
    """What a login gave: what goes with requests, what a refresh is asked with, and when it is due."""

    access: str
    refresh: str
    due: float
    born: float = 0.0


class Login:
    """E-mail and password. Logs in at the first request, refreshes in time, logs in again when that fails.

    ``otp`` is the one-time password of two-factor authentication, or a function that returns a current one,
    which a session that lives longer than its refresh token (7 days by default) needs. ``mode`` says what travels:
    ``"json"`` a bearer token, ``"session"`` the cookie of a session that the server keeps and can end.

    What is obtained stays in memory. A forked process logs in for itself: of two that share a refresh token, one
    would log the other out.
    """

    anonymous = False

    def __init__(
        self, email: str, password: str, otp: str | Callable[[], str] | None = None, mode: str = "json"
    ) -> None:
        self.email = email
        self._password = password
        self._otp = otp
        self._mode = mode
        self.forget()
        reset_after_fork(self)

    def __repr__(self) -> str:
        return self.email

    def forget(self) -> None:
        """Drop what was obtained, without a word to the server."""
        self._tokens: _Tokens | None = None
        self._failed: tuple[float, AuthenticationError] | None = None
        # G40: of two refreshes at once one kills the other's token.
        self._lock = threading.Lock()

    def same_as(self, other: Auth) -> bool:
        """Return whether another strategy logs in as the same user, in the same way."""
        return isinstance(other, Login) and self._credentials() == other._credentials()  # noqa: SLF001

    def _credentials(self) -> tuple[Any, ...]:
        return self.email, self._password, self._otp, self._mode

    def token(self, ask: AuthSender) -> str | None:
        """Return a token that has some time to live; log in or refresh if there is none.

        Raises `AuthenticationError` if the server takes neither.
        """
        tokens = self._tokens
        asked = time.monotonic()
        if tokens is None or asked >= tokens.due:
            with self._lock:
                tokens = self._tokens
                if tokens is None or time.monotonic() >= tokens.due:
                    tokens = self._obtained(ask, asked)
        return tokens.access

    def renew(self, ask: AuthSender, refused: str) -> bool:
        """Refresh, unless another thread did since ``refused`` was sent."""
        asked = time.monotonic()
        with self._lock:
            tokens = self._tokens
            # Two tokens of one second are the same text.
            if tokens is None or (tokens.access == refused and tokens.born < asked):
                self._obtained(ask, asked)
        return True

    def logout(self, ask: AuthSender) -> None:
        """Tell the server to forget the refresh token or the session, if there is one."""
        with self._lock:
            tokens, self._tokens = self._tokens, None
        if tokens is not None:
            self._with(ask, "logout", tokens)

    def _obtained(self, ask: AuthSender, asked: float) -> _Tokens:
        if self._failed and self._failed[0] >= asked:
            # Threads that waited for a login that failed do not try it again one after the other:
            # the server suspends a user after some wrong passwords.
            raise copy.copy(self._failed[1])
        tokens = self._tokens
        fresh = self._refreshed(ask, tokens) if tokens else None
        if fresh is None:
            self._tokens = None
        self._tokens = fresh or self._logged_in(ask)
        return self._tokens

    def _refreshed(self, ask: AuthSender, tokens: _Tokens) -> _Tokens | None:
        started = time.monotonic()
        try:
            answer = self._with(ask, "refresh", tokens)
        except AuthenticationError:
            return None  # expired, revoked, or spent by a refresh whose answer was lost
        return _tokens(answer, self._mode, started)

    def _with(self, ask: AuthSender, action: str, tokens: _Tokens) -> Response:
        if self._mode == "session":
            return ask(_request(action, mode="session"), Cookie(tokens.refresh))
        return ask(_request(action, mode="json", refresh_token=tokens.refresh))

    def _logged_in(self, ask: AuthSender) -> _Tokens:
        otp = self._otp() if callable(self._otp) else self._otp
        extra = {} if otp is None else {"otp": otp}
        request = _request("login", email=self.email, password=self._password, mode=self._mode, **extra)
        started = time.monotonic()
        try:
            answer = ask(request)
        except AuthenticationError as error:
            # The same error, with the half of the credentials that may be shown.
            error.args = (f"Login as {self.email!r} failed: {error}",)
            self._failed = (time.monotonic(), error)
            raise
        return _tokens(answer, self._mode, started)


def auth_of(
    *,
    token: str | None,
    email: str | None,
    password: str | None,
    otp: str | Callable[[], str] | None,
    auth: Auth | None,
    mode: str = "json",
) -> Auth:
    """Return the strategy for a session's options.

    Raises `ConfigurationError` where they exclude each other.
    """
    if mode not in MODES:
        raise ConfigurationError(f"mode={mode!r} is not known. Give one of {', '.join(map(repr, MODES))}.")
    if mode != "json" and (email is None or password is None):
        raise ConfigurationError(f"mode={mode!r} says what a login obtains: give email= and password= with it.")
    given = {"token": token, "email": email, "password": password, "otp": otp, "auth": auth}
    match tuple(name for name, value in given.items() if value is not None):
        case ():
            return Public()
        case ("token",) if isinstance(token, str):
            return StaticToken(token)
        case ("email", "password") | ("email", "password", "otp") if email and password:
            return Login(email, password, otp, mode)
        case ("auth",) if auth is not None and callable(getattr(auth, "token", None)):
            return auth
        case names:
            named = ", ".join(f"{name}=" for name in names)
            raise ConfigurationError(
                f"{named} do not make one way to log in. "
                "Give token=, or email= and password= (and otp=), or auth=, or none of them."
            )


def _request(action: str, **body: str) -> Request:
    return Request("POST", f"/auth/{action}", json=body, purpose="login")


def _tokens(answer: Response, mode: str, started: float) -> _Tokens:
    # From before the request on: a token's life starts before its answer arrives.
    try:
        seconds = answer.data["expires"] / 1000
        access, refresh = _both(answer, mode)
    except (KeyError, TypeError) as error:
        request = answer.request or _request("login")
        message = f"The answer to POST {request.path} holds no tokens. Is this the base URL of a Directus server?"
        raise TransportError(message, request=request.masked(), status=answer.status) from error
    return _Tokens(access, refresh, started + seconds - min(_MARGIN, seconds / 10), time.monotonic())


def _both(answer: Response, mode: str) -> tuple[str, str]:
    data: Any = answer.data
    if mode == "json":
        return data["access_token"], data["refresh_token"]
    cookie = _SET_COOKIE.search(answer.headers.get("Set-Cookie", ""))
    if cookie is None:
        raise KeyError("Set-Cookie")
    return Cookie(cookie[1]), cookie[1]
