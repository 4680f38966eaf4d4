"""What a session consists of: one `SessionState`, parts of which derived sessions share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload

import attrs

from ..core.forks import register_for_forks
from .auth import Auth, MissingUser, ShareLogin
from .capture import Recorder
from .http.api import Api
from .http.server_info import ServerInfo
from .http.transport import Transport
from .items.key_columns import KeyColumn
from .options import SessionOptions
from .permissions.permissions import Permissions
from .sending import LoginSender

if TYPE_CHECKING:
    import requests

T = TypeVar("T")


@attrs.define(eq=False)
class ServerFacts:
    """What sessions learned about their server from its responses; None where they have not learned it yet.

    Attributes:
        max_rows: the largest number of rows in one response.
        max_written: the largest number of rows that can be written at a time.
        max_body: the largest body of a request, in bytes.
        disregards_case: whether the database treats "a" and "A" as equal in ``contains`` and similar operators, by
            collection and column: each column has its own collation.
        finds_other_spellings: whether the database finds a row by its text key in another spelling, by collection.
        has_list: whether a collection has the list of a relation, by collection and column.
        has_relation: whether a collection has a relation, by collection and the path to the related rows.
        capabilities: what the version of the server can do, as `ServerInfo.capabilities` names it.
        null_first: whether the database puts null first in an ascending order.
        is_cached: whether a response came from a cache.
        refuses_search: whether a gateway before the server refuses the method SEARCH.
        key_columns: the key of a collection, by its name, for collections without a model.
        written_routes: the list routes to whose rows these sessions wrote.
    """

    max_rows: int | None = None
    max_written: int | None = None
    max_body: int | None = None
    disregards_case: dict[tuple[str, str], bool] = attrs.field(factory=dict)
    finds_other_spellings: dict[str, bool] = attrs.field(factory=dict)
    has_list: dict[tuple[str, str], bool] = attrs.field(factory=dict)
    has_relation: dict[tuple[str, tuple[str, ...]], bool] = attrs.field(factory=dict)
    capabilities: frozenset[str] | None = None
    null_first: bool | None = None
    is_cached: bool = False
    refuses_search: bool = False
    key_columns: dict[str, KeyColumn] = attrs.field(factory=dict)
    written_routes: set[str] = attrs.field(factory=set)


class HasFacts(Protocol):
    """A session, as far as `SharedFact` needs it."""

    @property
    def facts(self) -> ServerFacts:
        """What this session, and all that share its connections, learned about the server."""
        ...


class SharedFact(Generic[T]):
    """An attribute of a session that is kept in its `ServerFacts`, and so shared with derived sessions."""

    def __set_name__(self, owner: type[HasFacts], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, session: None, owner: type[HasFacts]) -> SharedFact[T]: ...
    @overload
    def __get__(self, session: HasFacts, owner: type[HasFacts]) -> T | None: ...
    def __get__(self, session: HasFacts | None, owner: type[HasFacts]) -> SharedFact[T] | T | None:
        if session is None:
            return self
        fact: T | None = getattr(session.facts, self._name)
        return fact

    def __set__(self, session: HasFacts, value: T | None) -> None:
        setattr(session.facts, self._name, value)


class AskedOnce(Generic[T]):
    """What a server says of itself or of the user: requested once, however many threads need it."""

    def __init__(self) -> None:
        self.known: T | None = None
        self.reset_after_fork()
        register_for_forks(self)

    def reset_after_fork(self) -> None:
        """Make a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def get(self, ask: Callable[[], T], *, fresh: bool) -> T:
        """Return what is known; ask if that is nothing, or if it has to be ``fresh``."""
        if self.known is None or fresh:
            with self._lock:
                if self.known is None or fresh:
                    self.known = ask()
        return self.known


@attrs.define(eq=False)
class LazyLoading:
    """Whether lazy loading is forbidden in a session; it also is if it is forbidden in the session's parent."""

    is_forbidden_here: bool = False
    parent: LazyLoading | None = None

    @property
    def is_forbidden(self) -> bool:
        """Whether it is forbidden in this session or in one that it was derived from."""
        return self.is_forbidden_here or (self.parent is not None and self.parent.is_forbidden)


@attrs.frozen(eq=False)
class SessionState:
    """The parts of a session.

    Attributes:
        options: the options of this session.
        auth: how it logs in.
        transport: sends its requests.
        recorder: its open captures.
        facts: what was learned about the server; shared by all sessions derived from one another.
        info: the `ServerInfo`; shared by sessions of the same user.
        permissions: what the user may do; shared by sessions of the same user.
        lazy_loading: whether lazy loading is forbidden.
        is_another_user: whether this session got a login of its own by `Session.with_options`.
        login_sender: sends the requests of ``auth``.
    """

    options: SessionOptions
    auth: Auth
    transport: Transport
    recorder: Recorder
    facts: ServerFacts = attrs.field(factory=ServerFacts)
    info: AskedOnce[ServerInfo] = attrs.field(factory=AskedOnce)
    permissions: AskedOnce[Permissions] = attrs.field(factory=AskedOnce)
    lazy_loading: LazyLoading = attrs.field(factory=LazyLoading)
    is_another_user: bool = False
    login_sender: LoginSender = attrs.field(
        init=False,
        default=attrs.Factory(lambda state: LoginSender(state.transport, state.options.retry), takes_self=True),
    )

    @classmethod
    def open(
        cls, api: Api, url: str, options: SessionOptions, auth: Auth, http: requests.Session | None
    ) -> SessionState:
        """Return the state of a session with connections of its own, or over the caller's `requests.Session`.

        Raises:
            ConfigurationError: the URL or an option of the connections is wrong.
        """
        recorder = Recorder()
        transport = Transport.open(
            api,
            url,
            timeout=options.timeout,
            verify=options.verify,
            cert=options.cert,
            http=http,
            on_response=recorder.record,
        )
        return cls(options, auth, transport, recorder, is_another_user=isinstance(auth, MissingUser | ShareLogin))
