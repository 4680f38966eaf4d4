"""Sessions derived from another one by `Session.with_options`: same server and connections, other options."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypedDict
from uuid import UUID

import attrs

from ..core.errors import ConfigurationError
from ..core.masking import Secret
from .auth import Auth, AuthSender, Login, log_in
from .http.retry import Retry
from .state import LazyLoading, SessionState

CREDENTIALS = frozenset({"token", "email", "password", "otp", "share", "auth"})


class Changeable(TypedDict, total=False):
    """The options that a derived session may have of its own."""

    token: str | Secret | None
    email: str | None
    password: str | Secret | None
    otp: str | Secret | Callable[[], str] | None
    share: str | UUID | None
    mode: str
    auth: Auth | None
    timeout: float | tuple[float, float]
    retry: int | Retry
    page_size: int | None


def check_option_names(names: Collection[str]) -> None:
    """Refuse options that belong to the connections, or that do not exist.

    Raises:
        ConfigurationError: names what cannot be changed, and what can.
    """
    wrong = sorted(set(names) - Changeable.__annotations__.keys())
    if wrong:
        msg = (
            f"with_options() cannot change {', '.join(wrong)}: it shares the server and the connections. "
            f"It takes {', '.join(sorted(Changeable.__annotations__))}; for others open another Session(url, …)."
        )
        raise ConfigurationError(msg)
    if "mode" in names and not CREDENTIALS & set(names):
        msg = "with_options() takes mode= with credentials: it says how these log in."
        raise ConfigurationError(msg)


class SharedAuth:
    """The login of another session; logging out is left to that session."""

    def __init__(self, shared: Auth) -> None:
        self._shared = shared

    @property
    def anonymous(self) -> bool:
        """Whether requests are sent without credentials."""
        return self._shared.anonymous

    def login(self, ask: AuthSender) -> None:
        """Log in anew, for all sessions that share the login."""
        log_in(self._shared, ask)

    def token(self, ask: AuthSender) -> str | Secret | None:
        """Return the credential of the shared login."""
        return self._shared.token(ask)

    def renew(self, ask: AuthSender, refused: Secret) -> bool:
        """Renew the credential for all sessions that share the login."""
        return self._shared.renew(ask, refused)

    def logout(self, ask: AuthSender) -> None:
        """Do nothing: the other session still uses the login."""

    def is_same_login(self, other: Auth) -> bool:
        """Return whether another strategy logs in as the same user, in the same way."""
        return _is_same_login(self._shared, other)

    def __repr__(self) -> str:
        return repr(self._shared)


def derive(parent: SessionState, opened: SessionState, *, has_credentials: bool) -> SessionState:
    """Return the state of a derived session: that of a new session, with the parts that the parent shares.

    The login is the parent's unless the session has credentials of its own that log in another user.
    """
    auth, mode = opened.auth, opened.options.mode
    if not has_credentials:
        mode = parent.options.mode
    is_another_user = has_credentials and not _is_same_login(parent.auth, auth)
    if not is_another_user:
        auth = SharedAuth(parent.auth)
    return SessionState(
        options=attrs.evolve(opened.options, mode=mode),
        auth=auth,
        transport=parent.transport.shared(
            timeout=opened.options.timeout, on_response=opened.recorder.record, another_user=is_another_user
        ),
        recorder=opened.recorder,
        facts=parent.facts,
        info=opened.info if is_another_user else parent.info,
        permissions=opened.permissions if is_another_user else parent.permissions,
        lazy_loading=LazyLoading(parent=parent.lazy_loading),
        is_another_user=not auth.anonymous if is_another_user else parent.is_another_user,
    )


def _is_same_login(auth: Auth, other: Auth) -> bool:
    return auth is other or (isinstance(auth, Login | SharedAuth) and auth.is_same_login(other))
