"""The session: one server as one user, its options, and how its requests are sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.deferred_import import DeferredModule
from ..core.errors import (
    AuthenticationError,
    ConfigurationError,
    DirectusError,
    Forbidden,
    OutcomeUnknown,
    ServerError,
    TransportError,
)
from ..core.forks import register_for_forks
from ..core.masking import Secret, as_secret, masked_url
from ..core.request_response import Request, Response
from ..core.tracebacks import hides_locals
from .api_registry import api_of
from .auth import Auth, auth_of, log_in
from .capture import Capture
from .context_stack import ContextStack
from .derived import CREDENTIALS, Changeable, SharedAuth, check_option_names, derive
from .http.api import Api
from .http.retry import Retry, RetryState, is_conclusive, is_refused_by_gateway
from .items.items import Items, encoded_path
from .items.whole_lists import read_pages
from .options import (
    SessionOptions,
    checked_page_size,
    checked_timeout,
    unpickled_arguments,
    url_from_env,
    with_env_credentials,
)
from .sending import LoginSender, send_with_retries
from .server_status import ServerStatusMixin
from .state import SessionState, SharedFact

if TYPE_CHECKING:
    import requests

    from .services import people
    from .services.people import People
else:
    people = DeferredModule(".services.people", __package__)

log = logging.getLogger("directus_orm")

# What `Api.past_caches` adds to a URL.
_ROOM_PAST_CACHES = 200


class Session(ServerStatusMixin):
    """One Directus server as one user sees it; thread-safe, connects at the first request.

    Give ``token`` (static), or ``email`` and ``password`` (and ``otp``: a text, or a function that returns one),
    or ``share`` (and ``password``), the key of a `Share`, or ``auth``, a strategy of your own (`Auth`), or nothing
    for what the public may do. ``mode="session"`` logs in
    to a session of the server, whose cookie then replaces the token. ``timeout`` is in seconds: one number,
    or (connect, read). ``retry`` says how often a request may be repeated where that is safe, or is a `Retry`.
    ``verify`` and ``cert`` are those of requests; ``http`` is a `requests.Session` of your own, for proxies and
    adapters, used as it is and never closed. ``page_size`` fixes the number of rows per request.
    ``use_search=False`` says that a gateway refuses the method SEARCH, which the session finds out otherwise.

    Raises `ConfigurationError` for an invalid URL and for options that contradict each other.

    ```python
    with Session("https://cms.example.com", token="…") as session:
        session.items("articles").read(limit=5)
    ```
    """

    dialect_name: ClassVar[str] = "v10"
    """The generation of Directus: the name of its entries in `api_registry` and in `dialects.registry`."""

    # The most rows and bytes that the server accepts in one write, learned from its refusals.
    max_written = SharedFact[int]()
    max_body = SharedFact[int]()
    # Where the database sorts null, learned when a query depends on it.
    null_first = SharedFact[bool]()

    @hides_locals
    def __init__(
        self,
        url: str,
        *,
        token: str | Secret | None = None,
        email: str | None = None,
        password: str | Secret | None = None,
        otp: str | Secret | Callable[[], str] | None = None,
        share: str | UUID | None = None,
        mode: str = "json",
        auth: Auth | None = None,
        timeout: float | tuple[float, float] = (10, 60),
        retry: int | Retry = 4,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        http: requests.Session | None = None,
        page_size: int | None = None,
        use_search: bool = True,
    ) -> None:
        token, password, otp = as_secret(token), as_secret(password), otp if callable(otp) else as_secret(otp)
        api = api_of(self.dialect_name)
        strategy = auth_of(
            token=token,
            email=email,
            password=password,
            otp=otp,
            share=share,
            auth=auth,
            mode=mode,
            modes=api.login_modes,
        )
        options = SessionOptions(
            mode=mode,
            retry=Retry.of(retry),
            timeout=checked_timeout(timeout),
            verify=verify,
            cert=cert,
            page_size=checked_page_size(page_size),
            use_search=use_search,
        )
        self._state = SessionState.open(api, url, options, strategy, http)
        self.facts.refuses_search = not use_search
        self.page_size: int | None = page_size
        self._open_blocks = 0
        self.reset_after_fork()
        register_for_forks(self)

    @classmethod
    @hides_locals
    def from_env(cls, **options: Any) -> Self:
        """Return a session for DIRECTUS_URL, with DIRECTUS_TOKEN, or DIRECTUS_EMAIL and DIRECTUS_PASSWORD.

        ``options`` are those of `Session`; credentials among them replace the environment's.
        Raises `ConfigurationError` if DIRECTUS_URL is not set.
        """
        return cls(url_from_env(), **with_env_credentials(options))

    @property
    def api(self) -> Api:
        """The `Api` of this generation of Directus: its routes, logins, envelopes and error codes."""
        return self._state.transport.api

    @property
    def url(self) -> str:
        """The base URL of the server, without a trailing slash."""
        return self._state.transport.url

    @property
    def retry(self) -> Retry:
        """How often and how long this session repeats requests."""
        return self._state.options.retry

    def __repr__(self) -> str:
        return f"<Session {self.url} as {self._state.auth!r}>"

    @hides_locals
    def send(self, request: Request) -> Response:
        """Send a request and return its response; every other method uses this one.

        Raises the subclass of `ServerError` for the server's error code, `TransportError` if no usable response
        came, and `OutcomeUnknown` if it is therefore unknown whether a write was applied.
        """
        if not request.path.startswith("/"):
            raise ValueError(f"The path of a request starts with '/', unlike {masked_url(request.path)!r}.")
        if request.is_masked:
            raise ValueError(
                "A request without its secrets, as errors and captures keep it, cannot be sent again."
            )
        request = self.prepared(request)
        if request.method == "SEARCH":
            return self._search(request)
        attempts = RetryState(self.retry, request, self.api)
        try:
            response = self._send_authenticated(request, attempts)
        except DirectusError as error:
            lost = attempts.lost
            if lost is None or error is lost:
                raise
            if isinstance(error, Forbidden):
                return self._confirm_deletion(request, lost, error)
            if is_conclusive(error):
                raise
            raise lost from error
        finally:
            if not request.reads:
                self._remember_write(request)
        if not request.fresh and self.facts.written_routes and response.may_be_old and self._was_written(request):
            self.facts.is_cached = True
            uncached = self.prepared(request)
            return response if uncached is request else self.send(uncached)
        return response

    def prepared(self, request: Request) -> Request:
        """Return a request as it is sent.

        A GET of a list becomes a SEARCH if its URL would be too long, or if a cache may still hold the list from
        before this session wrote to its collection: caches do not store SEARCH.
        """
        if request.method != "GET" or request.fresh:
            return request
        may_be_old = self.facts.is_cached and self._was_written(request)
        if may_be_old or self._state.transport.length(request) >= self.api.longest_url:
            return self.api.as_search(request)
        return request

    @hides_locals
    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET a path below the base URL; return the ``data`` of the response, or all its JSON if it has none."""
        return self._request("GET", path, params)

    @hides_locals
    def post(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """POST ``json`` to a path below the base URL and return the ``data`` of the response."""
        return self._request("POST", path, params, json)

    @hides_locals
    def patch(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """PATCH a path below the base URL and return the ``data`` of the response; None if it is empty."""
        return self._request("PATCH", path, params, json)

    @hides_locals
    def delete(self, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """DELETE a path below the base URL and return the ``data`` of the response, usually None."""
        return self._request("DELETE", path, params, json)

    @hides_locals
    def search(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """SEARCH a path below the base URL: a GET with ``query`` as JSON in its body; return the ``data``."""
        return self._request("SEARCH", path, None, {"query": dict(query or {})})

    def items(self, collection: str) -> Items:
        """Return plain access to a collection: dicts in, dicts out."""
        return Items(self.send, self.api, collection, self.facts, partial(read_pages, self))

    @property
    def people(self) -> People:
        """Invitations, registration, passwords and two-factor authentication of the server's users."""
        return people.People(self.api, self.send, self._send_without_login)

    @hides_locals
    def graphql(self, query: str, variables: Mapping[str, Any] | None = None, *, system: bool = False) -> Any:
        """Run a GraphQL query or mutation and return its ``data``.

        ``system=True`` queries Directus's own collections. Keys are returned as texts.
        Raises `ServerError` for GraphQL errors as well.
        """
        body = {"query": query, "variables": dict(variables or {})}
        return self._request("POST", self.api.graphql_path(system=system), None, body)

    def capture(self) -> AbstractContextManager[Capture]:
        """Record every request of this session, from all threads, while the ``with`` block runs.

        ```python
        with session.capture() as sent:
            Flight.objects.first()
        print(sent)
        ```
        """
        return self._state.recorder.capture()

    @contextmanager
    def forbid_lazy_loading(self) -> Iterator[None]:
        """Raise `QueryError` in the block where reading a field or relation would send a request of its own.

        For tests: the error names the field or relation, and what to add to the queryset.
        """
        lazy_loading = self._state.lazy_loading
        before, lazy_loading.is_forbidden_here = lazy_loading.is_forbidden_here, True
        try:
            yield
        finally:
            lazy_loading.is_forbidden_here = before

    @property
    def lazy_loading_is_forbidden(self) -> bool:
        """Whether `forbid_lazy_loading` holds in this session, or in one that it was derived from."""
        return self._state.lazy_loading.is_forbidden

    @hides_locals
    def with_options(self, **options: Unpack[Changeable]) -> Self:
        """Return a session for the same server, over the same connections, with other options.

        It takes ``token``, ``email`` with ``password`` (``otp``, ``mode``), ``share``, ``auth``, ``timeout``,
        ``retry`` and ``page_size``. Without credentials it shares the login of this session; ``token=None`` sends
        none. The new session never closes the connections, nor logs this session out. Captures of this session
        record the requests of the new one, too.

        Raises `ConfigurationError` for what belongs to the connections, such as ``url`` and ``verify``.

        ```python
        Flight.objects.using(session.with_options(token=user_token)).count()
        ```
        """
        check_option_names(options)
        arguments = self._state.options.as_arguments(self.page_size)
        del arguments["mode"]
        session = type(self)(self.url, **{**arguments, **options})
        has_credentials = not CREDENTIALS.isdisjoint(options)
        session._state = derive(self._state, session._state, has_credentials=has_credentials)  # noqa: SLF001
        return session

    def __enter__(self) -> Self:
        with self._lock:
            self._open_blocks += 1
        session_stack.push(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._leave():
            self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._leave():
            await self.aclose()

    def _leave(self) -> bool:
        """Leave a ``with`` block, and return whether it was the outermost one."""
        session_stack.pop(self)
        with self._lock:
            self._open_blocks -= 1
            return self._open_blocks == 0

    @hides_locals
    def login(self) -> None:
        """Log in now, and not at the first request, so that wrong credentials are noticed here.

        If the session is logged in, it logs in anew, and the former login is ended. A strategy of your own
        (``auth=``) is asked for its token. Raises `AuthenticationError` if the server refuses, and
        `ConfigurationError` for a session without e-mail and password.
        """
        log_in(self._state.auth, self._state.login_sender)

    @hides_locals
    def logout(self) -> None:
        """End the login on the server, if there is one; the next request logs in anew.

        An access token stays valid until it expires, after 15 minutes by default; the cookie of ``mode="session"``
        does not. For a static token nothing is sent: it stays valid. Raises `ConfigurationError` for a session of
        `with_options` that shares its login, and `ServerError` or `TransportError` if the server cannot be told.
        """
        if isinstance(self._state.auth, SharedAuth):
            raise ConfigurationError(
                "This session was made by with_options() and shares its login. "
                "Call logout() of the session that it was made from."
            )
        self._state.auth.logout(self._state.login_sender)

    @hides_locals
    def close(self) -> None:
        """Log out and close the connections. The session can be used again: it logs in anew."""
        transport = self._state.transport
        try:
            self._state.auth.logout(LoginSender(transport, Retry(times=0)))  # nobody waits for it: no retries
        except DirectusError as error:
            # No harm is done: the login expires by itself.
            log.debug("logout failed: %s", error)
        finally:
            transport.close()

    alogin = async_twin(login, changes=True)
    alogout = async_twin(logout, changes=True)
    aclose = async_twin(close, changes=True)

    def reset_after_fork(self) -> None:
        """Make a new lock: another thread of the parent process may have held the old one."""
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        options = self._state.options.as_arguments(self.page_size)
        return _unpickled, (type(self), self.url, options, self._state.auth.anonymous, self._state.is_another_user)

    def __copy__(self) -> Self:
        return self  # within a process a session is shared, not copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def _request(self, method: str, path: str, params: Mapping[str, Any] | None, json: Any = None) -> Any:
        return self.send(Request(method, encoded_path(path), self.api.query_params(params or {}), json)).data

    def _send_without_login(self, request: Request) -> Response:
        """Send a request once, without credentials."""
        state = self._state
        try:
            return send_with_retries(state.transport, request, None, RetryState(Retry(times=0), request, self.api))
        finally:
            if not request.reads:
                self._remember_write(request)

    def _search(self, search: Request) -> Response:
        """Send a SEARCH, or GETs in its place if a gateway refuses the method."""
        if self.facts.refuses_search:
            return self._send_as_gets(search)
        try:
            return self._send_authenticated(search, RetryState(self.retry, search, self.api))
        except DirectusError as error:
            if not is_refused_by_gateway(error, self.retry):
                raise
            return self._send_past_gateway(search, error)

    def _send_past_gateway(self, search: Request, refusal: DirectusError) -> Response:
        """Send a SEARCH that a gateway seems to refuse as GETs; raise the refusal if they fail as well."""
        try:
            response = self._send_as_gets(search)
        except (ServerError, TransportError) as error:
            if isinstance(error, TransportError) or not error.errors:
                raise refusal from error
            self.facts.refuses_search = True  # Directus itself refused the GET
            raise
        self.facts.refuses_search = True
        log.info("a gateway before %s refuses SEARCH: GET is sent in its place", self.url)
        return response

    def _send_as_gets(self, search: Request) -> Response:
        responses = [self._send_fresh(get) for get in self.api.as_gets(search, self._fits_url)]
        return self.api.merged(search, responses)

    def _send_fresh(self, get: Request) -> Response:
        """Send a GET that no cache may answer."""
        if not self.facts.is_cached:
            response = self.send(get)
            if not response.may_be_old:
                return response
            self.facts.is_cached = True
        return self.send(self.api.past_caches(get))

    def _fits_url(self, get: Request) -> bool:
        return self._state.transport.length(get) < self.api.longest_url - _ROOM_PAST_CACHES

    def _send_authenticated(self, request: Request, attempts: RetryState) -> Response:
        """Send a request with a credential; once more if that has expired and can be renewed."""
        state = self._state
        auth, sender = state.auth, state.login_sender
        renewed = False
        while True:
            credential = as_secret(auth.token(sender))
            try:
                return send_with_retries(state.transport, request, credential, attempts)
            except AuthenticationError as error:
                # The server authenticates before it does any work, so a write was not applied either.
                if renewed or credential is None or not self.api.is_expired(credential, error):
                    raise
                if not auth.renew(sender, credential):
                    raise
                renewed = True

    def _confirm_deletion(self, request: Request, lost: OutcomeUnknown, refusal: Forbidden) -> Response:
        """Return success for a repeated deletion that is refused because the first attempt succeeded (G33)."""
        try:
            remaining = self.send(self.api.remaining_rows_request(request)).data
        except DirectusError as error:
            raise lost from error
        if remaining == []:
            return Response(204, request=request)
        if not isinstance(remaining, list) or not all(isinstance(row, dict) for row in remaining):
            raise lost from refusal
        raise refusal

    def _remember_write(self, request: Request) -> None:
        route = self.api.list_route(request)
        if route is not None and route not in self.facts.written_routes:
            self.facts.written_routes.add(route)

    def _was_written(self, request: Request) -> bool:
        """Return whether this session, or one that shares its connections, wrote to the rows of a request."""
        return self.api.list_route(request) in self.facts.written_routes


session_stack: ContextStack[Session] = ContextStack("directus_orm_session")
"""The sessions whose ``with`` blocks are open, and the default of the process."""


def _unpickled(
    cls: type[Session], url: str, options: dict[str, Any], anonymous: bool, is_another_user: bool
) -> Session:
    return cls(url, **unpickled_arguments(url, options, anonymous=anonymous, is_another_user=is_another_user))
