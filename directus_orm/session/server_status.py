"""Asking a server about itself and its user: `Session.info`, `ping`, `health`, `permissions`, `can` and others."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..core.async_twins import async_twin
from ..core.deferred_import import DeferredModule
from ..core.errors import Forbidden, InvalidRequest, TransportError, UnsupportedQuery
from ..core.request_response import Request, Response
from ..core.tracebacks import hides_locals
from .http.api import Api
from .http.server_info import Health, LoginProviders, ServerInfo
from .permissions.permissions import Action, Allowed, Permissions, Subject
from .permissions.questions import Question
from .state import ServerFacts, SessionState, SharedFact

if TYPE_CHECKING:
    from ..models.model import Model
    from ..schema import reflecting
    from .services import deployments, registry, schema, server, shares, utils
    from .services.deployments import Deployments
    from .services.registry import Registry
    from .services.schema import Schema
    from .services.server import Server
    from .services.shares import Shares
    from .services.utils import Utils
else:
    # Models stand above sessions: only the models that a session makes itself are known here, at their first use.
    reflecting = DeferredModule("..schema.reflecting", __package__)
    deployments = DeferredModule(".services.deployments", __package__)
    registry = DeferredModule(".services.registry", __package__)
    schema = DeferredModule(".services.schema", __package__)
    server = DeferredModule(".services.server", __package__)
    shares = DeferredModule(".services.shares", __package__)
    utils = DeferredModule(".services.utils", __package__)

T = TypeVar("T")


class ServerStatusMixin:
    """The methods of a session that ask about the server itself, and about what its user may do."""

    _state: SessionState
    max_rows = SharedFact[int]()

    @property
    def facts(self) -> ServerFacts:
        """What this session, and all that share its connections, learned about the server."""
        return self._state.facts

    @property
    def known_major(self) -> int | None:
        """The major version of the server, if it is known; `info` asks for it."""
        info = self._state.info.known
        return None if info is None else info.major

    @property
    def api(self) -> Api:
        """The `Api` of the server."""
        raise NotImplementedError

    def send(self, request: Request) -> Response:
        """Send a request and return its response."""
        raise NotImplementedError

    @property
    def server(self) -> Server:
        """The server itself: its version and health, and the descriptions of its API."""
        return server.Server(self, self.send)

    @property
    def utils(self) -> Utils:
        """Helpers of the server: random strings, hashes, the order of rows by hand, its cache."""
        return utils.Utils(self.api, self.send)

    @property
    def shares(self) -> Shares:
        """What shares show, and invitations to them."""
        return shares.Shares(self.api, self.send)

    @property
    def deployments(self) -> Deployments:
        """Websites that providers such as Vercel build; of Directus 11 and later."""
        return deployments.Deployments(self.api, self.send)

    @property
    def registry(self) -> Registry:
        """What can be installed from the marketplace of Directus."""
        return registry.Registry(self.api, self.send)

    @property
    def schema(self) -> Schema:
        """The collections, fields and relations of the server, snapshots of them, and what differs from those."""
        return schema.Schema(self.send, lambda: self.info().major)

    @hides_locals
    def info(self, *, fresh: bool = False) -> ServerInfo:
        """Return the version and the limits of the server; requested once, or again with ``fresh=True``.

        Without a login, only the major version is known. If the server limits the rows of a response, all later
        pages keep to that limit.
        """
        info = self._state.info.get(self._request_info, fresh=fresh)
        self.facts.capabilities = info.capabilities
        if info.max_rows is not None:
            self.max_rows = info.max_rows
        return info

    def _request_info(self) -> ServerInfo:
        api = self._state.transport.api
        data = self.send(api.info_request).data
        info = api.read_info(data)
        if info is None:
            raise _not_directus_error(api.info_request, data)
        return info

    @hides_locals
    def reflect(self, collection: str, *, relations: bool = False, fresh: bool = False) -> type[Model]:
        """Return a model of a collection, made from the schema of the server.

        The first call reads the schema, by three requests; later ones return the same model, unless
        ``fresh=True`` reads the schema anew. A relation is the key of the other row; with ``relations=True`` it
        leads to that row, and the lists of the server are there, too. Directus's own collections have the models
        of `directus_orm.system`, with the fields that were added. A column of a type that Directus does not know
        is read as it comes.

        Instances of such models are copied, but not pickled: no module has their class.

        Raises `DoesNotExist` if there is no such collection, if this user does not see it, or if it has no key.

        ```python
        with session:
            Article = session.reflect("articles", relations=True)
            Article.objects.filter(author__name="Ada").count()
        ```
        """
        return reflecting.reflect(cast("Any", self), collection, relations=relations, fresh=fresh)

    @hides_locals
    def ping(self) -> float:
        """Return the seconds of a round trip to the server, by one request without credentials and retries.

        Raises `TransportError` or `Unavailable` if the server does not respond.
        """
        api = self._state.transport.api
        started = time.perf_counter()
        data = self._state.transport.send(api.ping_request, None).data
        seconds = time.perf_counter() - started
        if not api.is_pong(data):
            raise _not_directus_error(api.ping_request, data)
        return seconds

    @hides_locals
    def health(self) -> Health:
        """Return the health of the server: its ``status``, and for administrators the checks behind it.

        Directus 12 shows its health to logged-in users only: for others this raises `Forbidden`.
        """
        api = self._state.transport.api
        data = self.send(api.health_request).data
        health = api.read_health(data)
        if health is None:
            raise _not_directus_error(api.health_request, data)
        return health

    @hides_locals
    def providers(self) -> LoginProviders:
        """Return the services that users can log in with, such as an OpenID server; needs no login.

        ``default_is_disabled`` says whether e-mail and password are refused. The list is empty on a Directus 12
        without a licence for single sign-on.

        ```python
        [provider.label or provider.name for provider in session.providers()]
        ```
        """
        api = self._state.transport.api
        data = self._state.login_sender(api.providers_request).data
        providers = api.read_providers(data)
        if providers is None:
            raise _not_directus_error(api.providers_request, data)
        return providers

    @hides_locals
    def permissions(self, *, fresh: bool = False) -> Permissions:
        """Return what this user may do, by collection and action; requested once, or again with ``fresh=True``.

        Raises `UnsupportedQuery` if the server does not say what this user may do.

        ```python
        session.permissions()["articles"].update.fields  # frozenset({"title"})
        ```
        """
        permissions = self._asked_permissions(fresh=fresh)
        if not permissions.is_told:
            raise _untold_error()
        return permissions

    @hides_locals
    def can(self, action: Action, subject: Subject, *, fields: Iterable[str] = ()) -> Allowed:
        """Return whether this user may do this: to a model, an instance, or a collection by name.

        Of a model, `Allowed.DEPENDS` says that some rows or fields may be meant. Of an instance, one more request
        asks about its row; then only fields may be unsure. ``fields`` has the names of a model, or those of the
        server for the name of a collection. The permissions are requested once: see `permissions`.

        Raises `QueryError` for an unknown action, and for an instance that has no row yet unless it is to be
        created; `FieldError` for an unknown field of a model; `UnsupportedQuery` if the server does not say.

        ```python
        if session.can("update", article, fields=("title",)):
            show_the_form()
        ```
        """
        question = Question.of(action, subject, fields)
        answer = self._answer(self.api.ask_allowed(question, self._asked_permissions()))
        if answer is None:
            raise _untold_error()
        return answer

    @hides_locals
    def readable_fields(self, collection: str, *, fresh: bool = False) -> frozenset[str]:
        """Return the server's names of the fields of a collection that this user may read; ``*`` stands for all.

        The permissions for all collections are requested once, or again with ``fresh=True``. A field may be
        readable on some rows only. Raises `UnsupportedQuery` if the server does not say what this user may read.

        ```python
        session.readable_fields("articles")  # frozenset({"id", "title"})
        ```
        """
        return self.permissions(fresh=fresh)[collection].read.fields

    @property
    def knows_readable_fields(self) -> bool:
        """Whether the server was asked what this user may read, so that `readable_fields` sends nothing."""
        known = self._state.permissions.known
        return known is not None and known.is_told

    def _asked_permissions(self, *, fresh: bool = False) -> Permissions:
        if self._state.auth.anonymous:
            raise _untold_error()
        return self._state.permissions.get(lambda: self._answer(self.api.ask_permissions()), fresh=fresh)

    def _answer(self, dialogue: Generator[Request, Any, T]) -> T:
        """Send the requests of a dialogue, hand it their data, and return what it returns."""
        data = None
        try:
            while True:
                data = self._data_unless_refused(dialogue.send(data))
        except StopIteration as done:
            return cast("T", done.value)

    def _data_unless_refused(self, request: Request) -> Any:
        try:
            return self.send(request).data
        except (Forbidden, InvalidRequest):
            return None

    ainfo = async_twin(info)
    aping = async_twin(ping)
    ahealth = async_twin(health)
    aproviders = async_twin(providers)
    apermissions = async_twin(permissions)
    areflect = async_twin(reflect)
    acan = async_twin(can)
    areadable_fields = async_twin(readable_fields)


def _untold_error() -> UnsupportedQuery:
    return UnsupportedQuery(
        "The server does not say what this user may do: Directus 11 and later tell all users who are logged in, "
        "and Directus 10 those who may use its app. Name the fields with only(…), or try it and catch Forbidden."
    )


def _not_directus_error(request: Request, data: Any) -> TransportError:
    message = (
        f"The response to GET {request.path} is {str(data)[:80]!r}, which does not come from Directus. "
        "Is this the base URL of a Directus server?"
    )
    return TransportError(message, request=request)
