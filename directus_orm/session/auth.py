"""How a session proves who it is."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import attrs

from ..errors import AuthenticationError, ConfigurationError, TransportError
from ..wire import Answer, Request

Ask = Callable[[Request], Answer]
_MARGIN = 30.0


class Auth(Protocol):
    """A way to authenticate. ``ask`` sends a request without credentials and returns its answer.

    All methods are called from any thread. ``anonymous`` says whether it stands for nobody.
    """

    @property
    def anonymous(self) -> bool:
        """Whether requests go out as the public."""
        ...

    def token(self, ask: Ask) -> str | None:
        """Return the bearer token for the next request; None sends it as the public."""
        ...

    def renew(self, ask: Ask, refused: str) -> bool:
        """Replace a token that the server refused as expired; False where there is no other."""
        ...

    def logout(self, ask: Ask) -> None:
        """Give up what `token` obtained."""
        ...


class Public:
    """No credentials: what the server's public policy allows."""

    anonymous = True

    def token(self, ask: Ask) -> str | None:  # noqa: ARG002
        """Return None."""
        return None

    def renew(self, ask: Ask, refused: str) -> bool:  # noqa: ARG002
        """Return False: there is nothing to renew."""
        return False

    def logout(self, ask: Ask) -> None:
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

    def token(self, ask: Ask) -> str | None:  # noqa: ARG002
        """Return the token."""
        return self._token

    def __repr__(self) -> str:
        return "token"


class Lost(Public):
    """Credentials that stayed behind when the session was pickled; the first request says so."""

    anonymous = False

    def __init__(self, url: str) -> None:
        self._url = url

    def token(self, ask: Ask) -> str | None:  # noqa: ARG002
        """Raise `ConfigurationError`: going on as the public could show other rows without a word."""
        raise ConfigurationError(
            f"The session for {self._url} was pickled, and credentials never are. "
            "Set DIRECTUS_TOKEN, or DIRECTUS_EMAIL and DIRECTUS_PASSWORD, in the process that unpickles it."
        )

    def __repr__(self) -> str:
        return "nobody (credentials are not pickled)"


@attrs.frozen(repr=False)
class _Tokens:
    access: str
    refresh: str
    due: float


class Login:
    """E-mail and password. Logs in at the first request, refreshes in time, logs in again when that fails.

    ``otp`` is the one-time password of two-factor authentication, or a function that returns a current one,
    which a session that lives longer than its refresh token (7 days by default) needs.
    """

    anonymous = False

    def __init__(self, email: str, password: str, otp: str | Callable[[], str] | None = None) -> None:
        self.email = email
        self._password = password
        self._otp = otp
        self._tokens: _Tokens | None = None
        self._failed: tuple[float, AuthenticationError] | None = None
        # G40: of two refreshes at once one kills the other's token.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return self.email

    def same_as(self, other: Auth) -> bool:
        """Return whether another strategy logs in as the same user, in the same way."""
        return isinstance(other, Login) and self._credentials() == other._credentials()  # noqa: SLF001

    def _credentials(self) -> tuple[Any, ...]:
        return self.email, self._password, self._otp

    def token(self, ask: Ask) -> str | None:
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

    def renew(self, ask: Ask, refused: str) -> bool:
        """Refresh, unless another thread did since ``refused`` was sent."""
        asked = time.monotonic()
        with self._lock:
            if self._tokens is None or self._tokens.access == refused:
                self._obtained(ask, asked)
        return True

    def logout(self, ask: Ask) -> None:
        """Tell the server to forget the refresh token, if there is one."""
        with self._lock:
            tokens, self._tokens = self._tokens, None
        if tokens is not None:
            ask(_request("logout", refresh_token=tokens.refresh, mode="json"))

    def _obtained(self, ask: Ask, asked: float) -> _Tokens:
        if self._failed and self._failed[0] >= asked:
            # Threads that waited for a login that failed do not try it again one after the other:
            # the server suspends a user after some wrong passwords.
            raise copy.copy(self._failed[1])
        tokens, self._tokens = self._tokens, None
        fresh = self._refreshed(ask, tokens.refresh) if tokens else None
        self._tokens = fresh or self._logged_in(ask)
        return self._tokens

    def _refreshed(self, ask: Ask, refresh: str) -> _Tokens | None:
        try:
            return _asked(ask, _request("refresh", refresh_token=refresh, mode="json"))
        except AuthenticationError:
            return None  # expired, revoked, or spent by a refresh whose answer was lost

    def _logged_in(self, ask: Ask) -> _Tokens:
        otp = self._otp() if callable(self._otp) else self._otp
        extra = {} if otp is None else {"otp": otp}
        request = _request("login", email=self.email, password=self._password, mode="json", **extra)
        try:
            return _asked(ask, request)
        except AuthenticationError as error:
            # The same error, with the half of the credentials that may be shown.
            error.args = (f"Login as {self.email!r} failed: {error}",)
            self._failed = (time.monotonic(), error)
            raise


def auth_of(
    token: str | None,
    email: str | None,
    password: str | None,
    otp: str | Callable[[], str] | None,
    auth: Auth | None,
) -> Auth:
    """Return the strategy for a session's options.

    Raises `ConfigurationError` where they exclude each other.
    """
    given = {"token": token, "email": email, "password": password, "otp": otp, "auth": auth}
    match tuple(name for name, value in given.items() if value is not None):
        case ():
            return Public()
        case ("token",) if isinstance(token, str):
            return StaticToken(token)
        case ("email", "password") | ("email", "password", "otp") if email and password:
            return Login(email, password, otp)
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


def _asked(ask: Ask, request: Request) -> _Tokens:
    started = time.monotonic()  # before the request: a token's life starts before its answer arrives
    data = ask(request).data
    try:
        seconds = data["expires"] / 1000
        margin = min(_MARGIN, seconds / 10)
        return _Tokens(data["access_token"], data["refresh_token"], started + seconds - margin)
    except (KeyError, TypeError) as error:
        message = f"The answer to POST {request.path} holds no tokens. Is this the base URL of a Directus server?"
        raise TransportError(message, request=request.masked()) from error
