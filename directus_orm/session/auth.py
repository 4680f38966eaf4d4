"""How a session authenticates: static tokens, logins by e-mail and password, strategies of the application."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import attrs

from ..core.errors import AuthenticationError, ConfigurationError, DirectusError, Forbidden, TransportError
from ..core.forks import register_for_forks
from ..core.masking import Secret, as_secret
from ..core.request_response import Request, Response
from .http.api import Api
from .http.raw_messages import is_credential

# A token is refreshed this many seconds before it expires, or after nine tenths of its life if that is later.
_MARGIN = 30.0


class AuthSender(Protocol):
    """Sends the requests of a strategy, such as a login: without credentials, or with the one that is passed."""

    @property
    def api(self) -> Api:
        """The server's `Api`, which builds login requests."""
        ...

    def __call__(self, request: Request, credential: str | Secret | None = None, /) -> Response:
        """Send the request; raise as `Session.send` does."""
        ...


class Auth(Protocol):
    """A way to authenticate: the value of the option ``auth`` of `Session`. Methods are called from any thread.

    Give the requests of a strategy ``purpose="login"``: then they carry no token, and no cache keeps their
    responses. A forked process inherits the strategy; if it must not share something, such as a refresh token, the
    strategy has to drop that after the fork.

    ```python
    class FromVault:
        anonymous = False

        def token(self, ask):
            return vault.read("directus")           # called for every request: cache it

        def renew(self, ask, refused):
            return vault.rotate("directus", refused.reveal())   # True if there is a new token

        def logout(self, ask):
            pass
    ```
    """

    @property
    def anonymous(self) -> bool:
        """Whether requests are sent without credentials."""
        ...

    def token(self, ask: AuthSender) -> str | Secret | None:
        """Return the bearer token for the next request, or a `Cookie`; None sends it without credentials."""
        ...

    def renew(self, ask: AuthSender, refused: Secret) -> bool:
        """Replace a token that the server refused as expired; return False if there is no new one.

        ``refused`` is the token as a `Secret`, which no traceback shows; its method ``reveal()`` returns the text.
        """
        ...

    def logout(self, ask: AuthSender) -> None:
        """End the login that `token` started, if there is one."""
        ...


class Public:
    """No credentials: the server allows what its public policy says."""

    anonymous = True
    _credential = "no credentials"

    def login(self, ask: AuthSender) -> None:  # noqa: ARG002
        """Raise `ConfigurationError`: there is nothing to log in with."""
        raise ConfigurationError(
            f"This session cannot log in: it has {self._credential}. "
            "Give email= and password= to Session(…), or to with_options(…) of this session."
        )

    def token(self, ask: AuthSender) -> str | Secret | None:  # noqa: ARG002
        """Return None."""
        return None

    def renew(self, ask: AuthSender, refused: Secret) -> bool:  # noqa: ARG002
        """Return False: there is nothing to renew."""
        return False

    def logout(self, ask: AuthSender) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        return "public"


class StaticToken(Public):
    """The static token of a Directus user, which never expires."""

    anonymous = False
    _credential = "a static token, which needs no login"

    def __init__(self, token: str | Secret) -> None:
        token = as_secret(token)
        if not is_credential(token.reveal()):
            raise ConfigurationError("token= must be a text of visible ASCII characters without spaces.")
        self._token = token

    def token(self, ask: AuthSender) -> str | Secret | None:  # noqa: ARG002
        """Return the token."""
        return self._token

    def __repr__(self) -> str:
        return "token"


class MissingCredentials(Public):
    """Stands for credentials that were not pickled with the session; the first request raises."""

    anonymous = False

    def __init__(self, url: str) -> None:
        self._url = url

    def login(self, ask: AuthSender) -> None:
        """Raise `ConfigurationError`, as `token` does."""
        self.token(ask)

    def token(self, ask: AuthSender) -> str | Secret | None:  # noqa: ARG002
        """Raise `ConfigurationError`: requests without credentials could silently return other rows."""
        raise ConfigurationError(
            f"The session for {self._url} was pickled, and credentials are never pickled. "
            "Set DIRECTUS_TOKEN, or DIRECTUS_EMAIL and DIRECTUS_PASSWORD, in the process that unpickles it."
        )

    def __repr__(self) -> str:
        return "nobody (credentials are not pickled)"


class MissingUser(MissingCredentials):
    """Stands for the credentials of a derived session that were not pickled with it."""

    def token(self, ask: AuthSender) -> str | Secret | None:  # noqa: ARG002
        """Raise `ConfigurationError`: the credentials of the environment may be those of another user."""
        raise ConfigurationError(
            f"The session for {self._url} was made by with_options() for another user or for a share, and then "
            "pickled, which drops credentials; those of the environment may belong to a third user. "
            "Make it again in the process that unpickles it."
        )


@attrs.frozen
class _HeldTokens:
    """The access and refresh tokens of a login, when a refresh is due, and when they were received."""

    access: Secret
    refresh: Secret
    due: float
    received: float = 0.0


class Login:
    """Logs in by e-mail and password: at the first request. Refreshes before expiry; logs in again if that fails.

    ``otp`` is the one-time password of two-factor authentication, or a function that returns a current one. A
    session that lives longer than its refresh token (7 days by default) needs the function. ``mode`` says what a
    request carries: ``"json"`` a bearer token, ``"session"`` the cookie of a session that the server stores and
    can end.

    The tokens stay in memory. A forked process logs in by itself: two processes that share a refresh token would
    log each other out.
    """

    anonymous = False

    def __init__(
        self,
        email: str,
        password: str | Secret,
        otp: str | Secret | Callable[[], str] | None = None,
        mode: str = "json",
    ) -> None:
        self.email = email
        self._password = password = as_secret(password)
        self._otp = otp = otp if callable(otp) else as_secret(otp)
        self._mode = mode
        self.reset_after_fork()
        register_for_forks(self)

    def __repr__(self) -> str:
        return self.email

    def reset_after_fork(self) -> None:
        """Drop the tokens, without telling the server."""
        self._tokens: _HeldTokens | None = None
        self._failed: tuple[float, AuthenticationError] | None = None
        # One refresh at a time: the first of two invalidates the token that the second one sends (G40).
        self._lock = threading.Lock()

    def is_same_login(self, other: Auth) -> bool:
        """Return whether another strategy logs in as the same user, in the same way."""
        if not isinstance(other, Login) or type(self) is not type(other):
            return False
        return self._credentials() == other._credentials()  # noqa: SLF001 - of the same class

    def _credentials(self) -> tuple[Any, ...]:
        return self.email, self._password, self._otp, self._mode

    def login(self, ask: AuthSender) -> None:
        """Log in now. A login that there was is ended, once the new one has succeeded.

        Raises `AuthenticationError` if the server refuses; then the former login stays.
        """
        with self._lock:
            former, self._tokens = self._tokens, self._log_in(ask)
        if former is not None:
            with suppress(DirectusError):  # it expires by itself
                ask(*ask.api.logout_request(former.refresh, self._mode))

    def token(self, ask: AuthSender) -> str | Secret | None:
        """Return a token that is valid for some time; log in or refresh if there is none.

        Raises `AuthenticationError` if the server refuses both.
        """
        tokens = self._tokens
        called = time.monotonic()
        if tokens is None or called >= tokens.due:
            with self._lock:
                tokens = self._tokens
                if tokens is None or time.monotonic() >= tokens.due:
                    tokens = self._refresh_or_log_in(ask, called)
        return tokens.access

    def renew(self, ask: AuthSender, refused: Secret) -> bool:
        """Refresh, unless another thread did since ``refused`` was sent."""
        called = time.monotonic()
        with self._lock:
            tokens = self._tokens
            # Two tokens issued within one second are equal, so the time decides as well.
            if tokens is None or (tokens.access == refused and tokens.received < called):
                self._refresh_or_log_in(ask, called)
        return True

    def logout(self, ask: AuthSender) -> None:
        """Tell the server to forget the refresh token or the session, if there is one."""
        with self._lock:
            tokens, self._tokens = self._tokens, None
        if tokens is not None:
            ask(*ask.api.logout_request(tokens.refresh, self._mode))

    def _refresh_or_log_in(self, ask: AuthSender, called: float) -> _HeldTokens:
        if self._failed and self._failed[0] >= called:
            # Threads that waited for a login that failed do not repeat it one after the other:
            # the server suspends a user after some wrong passwords.
            raise copy.copy(self._failed[1])
        tokens = self._refresh(ask, self._tokens) if self._tokens else None
        if tokens is None:
            self._tokens = None
        self._tokens = tokens or self._log_in(ask)
        return self._tokens

    def _refresh(self, ask: AuthSender, tokens: _HeldTokens) -> _HeldTokens | None:
        """Return refreshed tokens; None if the server refuses."""
        request, credential = ask.api.refresh_request(tokens.refresh, self._mode)
        started = time.monotonic()
        try:
            response = ask(request, credential)
        except AuthenticationError:
            return None  # the token has expired, was revoked, or a refresh whose response was lost has used it up
        return self._read(ask.api, request, response, started)

    def _log_in(self, ask: AuthSender) -> _HeldTokens:
        try:
            request = self._login_request(ask)
            started = time.monotonic()
            response = ask(request)
        except AuthenticationError as error:
            # The message may show the e-mail, but not the password.
            failure = error.with_message(f"Login as {str(self)!r} failed: {error}")
            self._failed = (time.monotonic(), failure)
            raise failure from None
        return self._read(ask.api, request, response, started)

    def _login_request(self, ask: AuthSender) -> Request:
        otp = as_secret(self._otp() if callable(self._otp) else self._otp)
        return ask.api.login_request(self.email, self._password, otp, self._mode)

    def _read(self, api: Api, request: Request, response: Response, sent: float) -> _HeldTokens:
        tokens = api.read_tokens(response, self._mode)
        if tokens is None:
            message = (
                f"The response to POST {request.path} holds no tokens. Is this the base URL of a Directus server?"
            )
            raise TransportError(message, request=request.masked(), status=response.status)
        # The life of a token starts before its response arrives, so it is counted from the sending of the request.
        due = sent + tokens.seconds - min(_MARGIN, tokens.seconds / 10)
        return _HeldTokens(tokens.access, tokens.refresh, due, time.monotonic())


class ShareLogin(Login):
    """Logs in as a visitor of a share, who sees one row with the rights of the share's role.

    The key of the share is the secret of its link. Otherwise it works as `Login` does.
    """

    def __init__(self, share: str | UUID, password: str | Secret | None = None, mode: str = "json") -> None:
        self._share = _share_key(share)
        super().__init__(f"share {self._share}", password or "", mode=mode)

    def _login_request(self, ask: AuthSender) -> Request:
        """Return the request; look first whether the share needs a password, for which the server has no error."""
        request = ask.api.share_info_request(self._share)
        try:
            info = ask(request).data
        except Forbidden as error:
            msg = "There is no such share, or it has expired, or it begins later."
            raise AuthenticationError(msg, status=error.status, code=error.code, request=error.request) from None
        is_locked = isinstance(info, dict) and info.get("password") is not None
        if is_locked and self._password == "":
            raise AuthenticationError("The share has a password: give password=.", request=request)
        return ask.api.share_login_request(self._share, self._password if is_locked else None, self._mode)


def _share_key(share: str | UUID) -> str:
    """Return the key of a share.

    Raises:
        ConfigurationError: it is no uuid.
    """
    try:
        return str(share if isinstance(share, UUID) else UUID(share))
    except (ValueError, AttributeError, TypeError):
        msg = f"share={share!r} is not the key of a share: a uuid, the last part of its link."
        raise ConfigurationError(msg) from None


def log_in(auth: Auth, ask: AuthSender) -> None:
    """Let a strategy log in now; one without a method ``login`` is asked for its token."""
    login: Callable[[AuthSender], object] = getattr(auth, "login", auth.token)
    login(ask)


def auth_of(
    *,
    token: Secret | None,
    email: str | None,
    password: Secret | None,
    otp: Secret | Callable[[], str] | None,
    share: str | UUID | None,
    auth: Auth | None,
    mode: str,
    modes: Sequence[str],
) -> Auth:
    """Return the strategy for a session's options; ``modes`` are those that the server knows.

    Raises `ConfigurationError` if the options contradict each other.
    """
    if mode not in modes:
        raise ConfigurationError(f"mode={mode!r} is not known. Give one of {', '.join(map(repr, modes))}.")
    if mode != modes[0] and share is None and (email is None or password is None):
        raise ConfigurationError(f"mode={mode!r} says what a login obtains: give email= and password= with it.")
    options = {"token": token, "email": email, "password": password, "otp": otp, "share": share, "auth": auth}
    match tuple(name for name, value in options.items() if value is not None):
        case ():
            return Public()
        case ("token",) if isinstance(token, Secret):
            return StaticToken(token)
        case ("email", "password") | ("email", "password", "otp") if email and password and password != "":
            return Login(email, password, otp, mode)
        case ("share",) | ("password", "share") if share is not None:
            return ShareLogin(share, password, mode)
        case ("auth",) if auth is not None and callable(getattr(auth, "token", None)):
            return auth
        case names:
            given = ", ".join(f"{name}=" for name in names)
            raise ConfigurationError(
                f"{given} do not make one way to log in. "
                "Give token=, or email= and password= (and otp=), or share= (and password=), or auth=, or none."
            )
