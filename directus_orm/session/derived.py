"""Sessions made of another one: for the same server, over the same connections, with other options."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Generic, TypedDict, TypeVar, overload

from ..core.errors import ConfigurationError
from ..core.messages import Request
from .auth import Auth, AuthSender, Login, MissingCredentials
from .http.retry import Retry
from .http.transport import Transport, Watcher

S = TypeVar("S")
T = TypeVar("T")

CREDENTIALS = frozenset({"token", "email", "password", "otp", "auth"})


class Changeable(TypedDict, total=False):
    """The options that a derived session may have of its own."""

    token: str | None
    email: str | None
    password: str | None
    otp: str | Callable[[], str] | None
    mode: str
    auth: Auth | None
    timeout: float | tuple[float, float]
    retry: int | Retry
    page_size: int | None


def check(names: Collection[str]) -> None:
    """Refuse options that belong to the connections, or to nothing.

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


class SharedTransport(Transport):
    """The connections of another transport, which stay open, with a timeout of its own."""

    def __init__(
        self, of: Transport, timeout: tuple[float, float], watcher: Watcher, *, another_user: bool
    ) -> None:
        vars(self).update(vars(of))
        self._timeout = timeout
        if another_user:
            self._connections = self._connections.for_another_user()

        def watch(request: Request, status: int | None, seconds: float) -> None:
            watcher(request, status, seconds)
            of._watcher(request, status, seconds)  # noqa: SLF001 - another of its kind

        self._watcher = watch

    def close(self) -> None:
        """Do nothing: the connections are those of the other transport."""


class SharedAuth:
    """The login of another session, which only that one gives up."""

    def __init__(self, of: Auth) -> None:
        self._of = of

    @property
    def anonymous(self) -> bool:
        """Whether requests go out as the public."""
        return self._of.anonymous

    def token(self, ask: AuthSender) -> str | None:
        """Return the other's token."""
        return self._of.token(ask)

    def renew(self, ask: AuthSender, refused: str) -> bool:
        """Renew the other's token, for both."""
        return self._of.renew(ask, refused)

    def logout(self, ask: AuthSender) -> None:
        """Do nothing: the other session is still logged in."""

    def same_as(self, other: Auth) -> bool:
        """Return whether another strategy logs in as the same user, in the same way."""
        return _same_login(self._of, other)

    def __repr__(self) -> str:
        return repr(self._of)


class MissingUser(MissingCredentials):
    """Credentials of a derived session that stayed behind when it was pickled."""

    def token(self, ask: AuthSender) -> str | None:  # noqa: ARG002
        """Raise `ConfigurationError`: the credentials of the environment may be those of another user."""
        raise ConfigurationError(
            f"The session for {self._url} was made by with_options() for a user of its own, and then pickled, "
            "which leaves credentials behind; those of the environment may be another user's. "
            "Make it again in the process that unpickles it."
        )


def derive(parent: S, options: Changeable) -> S:
    """Return a session with other options that shares the rest."""
    base = vars(parent)
    inherited = {name: value for name, value in base["_options"].items() if name != "mode"}
    kind: Any = type(parent)
    made: Any = kind(base["_transport"].url, **{**inherited, "page_size": base["page_size"], **options})
    parts = vars(made)
    own: Auth | None = parts["_auth"] if CREDENTIALS & options.keys() else None
    if own is None:
        parts["_options"]["mode"] = base["_options"]["mode"]
    auth = login_of(base["_auth"], own)
    another_user = auth is own
    parts |= {
        "_auth": auth,
        "_transport": SharedTransport(
            base["_transport"],
            parts["_options"]["timeout"],
            made._watch,  # noqa: SLF001 - a session's
            another_user=another_user,
        ),
        "_parent": parent,
        "_is_another_user": not auth.anonymous if another_user else base["_is_another_user"],
        "_learnt": base["_learnt"],
        "_written": base["_written"],
    }
    if not another_user:
        parts["_known_info"] = base["_known_info"]
    session: S = made
    return session


def login_of(parent: Auth, own: Auth | None) -> Auth:
    """Return the strategy of a derived session: its own, or its parent's where that logs in as the same user."""
    return own if own is not None and not _same_login(parent, own) else SharedAuth(parent)


def _same_login(one: Auth, other: Auth) -> bool:
    return one is other or (isinstance(one, Login | SharedAuth) and one.same_as(other))


class SharedFact(Generic[T]):
    """What a session finds out about its server, for all that were made of it as well."""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, session: None, owner: type[Any]) -> SharedFact[T]: ...
    @overload
    def __get__(self, session: object, owner: type[Any]) -> T | None: ...
    def __get__(self, session: Any, owner: type[Any]) -> SharedFact[T] | T | None:
        return self if session is None else vars(session)["_learnt"].get(self._name)

    def __set__(self, session: Any, value: T | None) -> None:
        vars(session)["_learnt"][self._name] = value
