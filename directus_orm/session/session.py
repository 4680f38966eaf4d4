"""The session: one server, one user, and how requests reach it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from ..core.async_twins import async_twin
from ..core.checks import is_number, is_whole_number
from ..core.errors import (
    AuthenticationError,
    ConfigurationError,
    DirectusError,
    Forbidden,
    OutcomeUnknown,
    ServerError,
    TransportError,
)
from ..core.forks import reset_after_fork
from ..core.messages import Request, Response
from . import derived
from .auth import Auth, MissingCredentials, auth_of
from .capture import Capture, Entry
from .current import Current
from .derived import Changeable, MissingUser, SharedFact
from .http.exchange import Cookie
from .http.retry import Retry, RetryState, is_conclusive
from .http.routes import as_search, deletes_by_key, list_route
from .http.transport import Transport
from .items import Items, encoded_params, encoded_path
from .server_info import ServerInfoCache, ServerInfoMixin

if TYPE_CHECKING:
    import requests


log = logging.getLogger("directus_orm")

# G36: the server refuses the request line and headers beyond 16 KiB; proxies refuse earlier.
LONGEST_URL = 8000
# Sockets take no infinity.
_LONGEST_TIMEOUT = 1_000_000
# Codes of a bearer that another one may replace: expired, or signed before the server changed its secret.
_STALE = frozenset({"INVALID_TOKEN", "TOKEN_EXPIRED"})
_CREDENTIALS = ("token", "email", "password")


def _replaceable(token: str, error: AuthenticationError) -> bool:
    # A session that the server ended is no longer known to it.
    return error.code in _STALE or (isinstance(token, Cookie) and error.code == "INVALID_CREDENTIALS")


class Session(ServerInfoMixin):
    """One Directus server as one user sees it; thread-safe, opened by the first request.

    Give ``token`` (static), or ``email`` and ``password`` (and ``otp``: a text, or a function that returns one),
    or ``auth``, a strategy of your own (`Auth`), or nothing for what the public may do. ``mode="session"`` logs in
    to a session of the server, whose cookie then takes the token's place. ``timeout`` is in seconds: one number,
    or (connect, read). ``retry`` says how often a request may be repeated where that is safe, or all of a `Retry`.
    ``verify`` and ``cert`` are those of requests; ``http`` is a `requests.Session` of your own, for proxies and
    adapters, used as it is and never closed. ``page_size`` fixes the number of rows per request.

    Raises `ConfigurationError` for a URL that is none and for options that exclude each other.

    ```python
    with Session("https://cms.example.com", token="…") as session:
        session.items("articles").read(limit=5)
    ```
    """

    dialect_name: ClassVar[str] = "v10"
    """Which kind of server this is; `dialects.registry` knows how it is asked."""

    # What the server takes to write at a time, in rows and in bytes; learnt from its refusals.
    max_written = SharedFact[int]()
    max_body = SharedFact[int]()
    # Whether the database takes "a" for "A" in contains and its kin; learnt when it matters.
    disregards_case = SharedFact[bool]()
    # Whether null comes first in its orderings, too.
    null_first = SharedFact[bool]()
    # Whether it was seen that a cache answers reads.
    _caching = SharedFact[bool]()

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        otp: str | Callable[[], str] | None = None,
        mode: str = "json",
        auth: Auth | None = None,
        timeout: float | tuple[float, float] = (10, 60),
        retry: int | Retry = 4,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        http: requests.Session | None = None,
        page_size: int | None = None,
    ) -> None:
        self._auth = auth_of(token=token, email=email, password=password, otp=otp, auth=auth, mode=mode)
        self._retry = Retry.of(retry)
        self._options: dict[str, Any] = {
            "mode": mode,
            "timeout": _timeout(timeout),
            "retry": self._retry,
            "verify": verify,
            "cert": cert,
            "page_size": page_size if page_size is None else _whole("page_size", page_size, 1),
        }
        self._transport = Transport(
            url, timeout=self._options["timeout"], verify=verify, cert=cert, http=http, watcher=self._watch
        )
        self.page_size: int | None = page_size
        self._learnt: dict[str, Any] = {}
        self._forbids_lazy_loading = False
        self._known_info = ServerInfoCache()
        self._parent: Session | None = None
        self._is_another_user = False
        self._captures: tuple[Capture, ...] = ()
        # Where this session wrote.
        self._written: set[str] = set()
        self._depth = 0
        self._lock = threading.Lock()
        reset_after_fork(self)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """Return a session as DIRECTUS_URL, DIRECTUS_TOKEN, DIRECTUS_EMAIL and DIRECTUS_PASSWORD say.

        ``options`` are those of `Session`; credentials among them win over the environment's.
        Raises `ConfigurationError` if DIRECTUS_URL is not set.
        """
        url = os.environ.get("DIRECTUS_URL")
        if not url:
            raise ConfigurationError("DIRECTUS_URL is not set. Set it to the address of the server.")
        return cls(url, **_with_env_credentials(options))

    @property
    def url(self) -> str:
        """The base URL of the server, without a trailing slash."""
        return self._transport.url

    @property
    def retry(self) -> Retry:
        """How persistent this session is."""
        return self._retry

    def __repr__(self) -> str:
        return f"<Session {self.url} as {self._auth!r}>"

    def send(self, request: Request) -> Response:
        """Send a request and return its answer; every other method goes through this one.

        Raises the `ServerError` of the server's code, `TransportError` where no usable answer came, and
        `OutcomeUnknown` where that leaves open whether a write was applied.
        """
        if not request.path.startswith("/"):
            raise ValueError(f"The path of a request starts with '/', unlike {request.path!r}.")
        request = self.prepared(request)
        tries = RetryState(self._retry, request)
        try:
            answer = self._as_someone(request, tries)
        except DirectusError as error:
            lost = tries.lost
            if lost is None or error is lost:
                raise
            if isinstance(error, Forbidden):
                return self._deleted(request, lost, error)
            if is_conclusive(error):
                raise
            raise lost from error
        finally:
            if not request.reads:
                self._remember(request)
        if self._written and answer.may_be_old and list_route(request) in self._written:
            self._caching = True
            again = self.prepared(request)
            return answer if again is request else self.send(again)
        return answer

    def prepared(self, request: Request) -> Request:
        """Return a request as it is sent.

        A list goes by SEARCH where its URL would be too long (G36), and where a cache might not know yet what this
        session wrote: SEARCH is never cached (G28).
        """
        if request.method != "GET":
            return request
        changed = self._caching and list_route(request) in self._written
        return as_search(request) if changed or self._transport.length(request) >= LONGEST_URL else request

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET a path below the base URL and return the ``data`` of the answer, or all its JSON if it has none."""
        return self._plain("GET", path, params)

    def post(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """POST ``json`` to a path below the base URL and return the ``data`` of the answer."""
        return self._plain("POST", path, params, json)

    def patch(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """PATCH a path below the base URL and return the ``data`` of the answer; None if it is empty."""
        return self._plain("PATCH", path, params, json)

    def delete(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """DELETE a path below the base URL and return the ``data`` of the answer, mostly None."""
        return self._plain("DELETE", path, params, json)

    def search(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """SEARCH a path below the base URL: a GET whose parameters travel in the body, natively typed."""
        return self._plain("SEARCH", path, None, {"query": dict(query or {})})

    def items(self, collection: str) -> Items:
        """Return plain access to a collection: dicts in, dicts out."""
        return Items(self.send, collection)

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None, *, system: bool = False) -> Any:
        """Run a GraphQL query or mutation and return its ``data``.

        ``system`` asks for Directus's own collections. Keys come back as texts.
        Raises `ServerError` for GraphQL errors as well.
        """
        path = "/graphql/system" if system else "/graphql"
        body = {"query": query, "variables": dict(variables or {})}
        return self._plain("POST", path, None, body)

    def capture(self) -> AbstractContextManager[Capture]:
        """Record every request of this session, from all threads, while the ``with`` block runs.

        ```python
        with session.capture() as sent:
            Flight.objects.first()
        print(sent)
        ```
        """
        return self._capturing()

    @contextmanager
    def forbid_lazy_loading(self) -> Iterator[None]:
        """Raise `QueryError` where something would be loaded that did not come with the rows.

        For tests: the error names what was touched, and what to add to the queryset.
        """
        before, self._forbids_lazy_loading = self._forbids_lazy_loading, True
        try:
            yield
        finally:
            self._forbids_lazy_loading = before

    @property
    def lazy_loading_is_forbidden(self) -> bool:
        """Whether `forbid_lazy_loading` holds, here or in the session that this one was made of."""
        return self._forbids_lazy_loading or (self._parent is not None and self._parent.lazy_loading_is_forbidden)

    # --- others of this server ------------------------------------------------------------------------------

    def with_options(self, **options: Unpack[Changeable]) -> Self:
        """Return a session for the same server, over the same connections, with other options.

        It takes ``token``, ``email`` with ``password`` (``otp``, ``mode``), ``auth``, ``timeout``, ``retry`` and
        ``page_size``. Without credentials it shares the login of this session; ``token=None`` is the public. It
        never closes the connections, nor logs this session out; `capture` of this one records what it sends, too.

        Raises `ConfigurationError` for what belongs to the connections, such as ``url`` and ``verify``.

        ```python
        Flight.objects.using(session.with_options(token=user_token)).count()
        ```
        """
        derived.check(options)
        return derived.derive(self, options)

    def __enter__(self) -> Self:
        with self._lock:
            self._depth += 1
        _current.push(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._left():
            self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._left():
            await self.aclose()

    def _left(self) -> bool:
        """Leave a block; say whether it was the outermost."""
        _current.pop(self)
        with self._lock:
            self._depth -= 1
            return self._depth == 0

    def close(self) -> None:
        """Log out and close the connections. The session can be used again: it logs in anew."""
        try:
            self._auth.logout(self._transport.send)  # once: nobody waits for it
        except DirectusError as error:
            # Nothing is lost: what is left behind expires by itself.
            log.debug("logout failed: %s", error)
        finally:
            self._transport.close()

    aclose = async_twin(close, changes=True)

    def forget(self) -> None:
        """Start anew in a forked child: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**self._options, "page_size": self.page_size}
        return _unpickled, (type(self), self.url, options, self._auth.anonymous, self._is_another_user)

    def __copy__(self) -> Self:
        return self  # within a process a session is shared, not copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def _plain(self, method: str, path: str, params: Mapping[str, Any] | None, json: Any = None) -> Any:
        return self.send(Request(method, encoded_path(path), encoded_params(params or {}), json)).data

    def _ask(self, request: Request, credential: str | None = None, /) -> Response:
        return self._persistently(request, credential, RetryState(self._retry, request))

    def _as_someone(self, request: Request, tries: RetryState) -> Response:
        renewed = False
        while True:
            token = self._auth.token(self._ask)
            try:
                return self._persistently(request, token, tries)
            except AuthenticationError as error:
                # Authentication comes before any work, so a write was not applied either.
                if renewed or token is None or not _replaceable(token, error):
                    raise
                if not self._auth.renew(self._ask, token):
                    raise
                renewed = True

    def _persistently(self, request: Request, token: str | None, tries: RetryState) -> Response:
        while True:
            try:
                return self._transport.send(request, token)
            except (ServerError, TransportError) as error:
                pause = tries.pause(error)
                if pause is None:
                    raise
            time.sleep(pause)

    def _deleted(self, request: Request, lost: OutcomeUnknown, refusal: Forbidden) -> Response:
        """Return success for a repeated deletion that is refused because the first one was done (G33)."""
        keys = deletes_by_key(request) or []
        look = Request(
            "SEARCH",
            list_route(request) or "",
            json={"keys": keys, "query": {"fields": ["*"], "limit": 1}},
            purpose="info",
        )
        try:
            left = self.send(look).data
        except DirectusError as blind:
            raise lost from blind
        if left == []:
            return Response(204, request=request)
        raise refusal

    def _remember(self, request: Request) -> None:
        route = list_route(request)
        if route is not None and route not in self._written:
            self._written.add(route)

    def _watch(self, request: Request, status: int | None, seconds: float) -> None:
        for capture in self._captures:
            capture.add(Entry(request.masked(), status, seconds))

    @contextmanager
    def _capturing(self) -> Iterator[Capture]:
        capture = Capture()
        with self._lock:
            self._captures += (capture,)
        try:
            yield capture
        finally:
            with self._lock:
                self._captures = tuple(c for c in self._captures if c is not capture)


def connect(session_or_url: Session | str, **options: Any) -> Session:
    """Make a session the default of this process, for all threads; ``options`` are those of `Session`.

    Returns the session. The one that was the default before is not closed.
    """
    if isinstance(session_or_url, str):
        session_or_url = Session(session_or_url, **options)
    elif options:
        raise ConfigurationError("connect() takes options with a URL; this session already has its own.")
    _current.default = session_or_url
    return session_or_url


def current_session() -> Session:
    """Return the session of the innermost ``with`` of this thread or task, else that of `connect`.

    Raises `ConfigurationError` if there is neither.
    """
    session = _current.get()
    if session is None:
        raise ConfigurationError(
            "There is no session. Open one around the call, `with Session(url, token=…):`; "
            "or set one for the whole process, `connect(url, token=…)`; "
            "or name it, `Model.objects.using(session)`. A new thread does not see the `with` blocks "
            "of the thread that started it, only connect() and using()."
        )
    return session


_current: Current[Session] = Current("directus_orm_session")


def _unpickled(
    cls: type[Session], url: str, options: dict[str, Any], anonymous: bool, is_another_user: bool
) -> Session:
    if anonymous:
        return cls(url, **options)
    if is_another_user:
        session = cls(url, **{**options, "auth": MissingUser(url)})
        session._is_another_user = True
        return session
    options = _with_env_credentials(options)
    if not options.get("email"):
        options["mode"] = "json"  # a login's
    if not any(options.get(name) for name in _CREDENTIALS):
        options["auth"] = MissingCredentials(url)
    return cls(url, **options)


def _with_env_credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    if any(options.get(name) is not None for name in (*_CREDENTIALS, "auth")):
        return dict(options)
    found = {name: os.environ.get(f"DIRECTUS_{name.upper()}") or None for name in _CREDENTIALS}
    return {**options, **found}


def _timeout(value: float | tuple[float, float]) -> tuple[float, float]:
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    known = all(is_number(v) for v in both)
    if len(both) != 2 or not known or not all(0 < v <= _LONGEST_TIMEOUT for v in both):
        raise ConfigurationError(
            f"timeout={value!r} is not a number of seconds above 0 (and up to {_LONGEST_TIMEOUT:,}), "
            "nor two of them: (connect, read)."
        )
    return both[0], both[1]


def _whole(name: str, value: int, least: int) -> int:
    if not is_whole_number(value, least):
        raise ConfigurationError(f"{name}={value!r} is not a whole number from {least} up.")
    return value
