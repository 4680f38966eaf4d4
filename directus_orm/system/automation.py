"""Flows and their operations, and the webhooks of Directus 10."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.errors import QueryError
from ..core.request_response import Request, param_text, url_path
from ..core.tracebacks import hides_locals
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.to_many_declaration import one_to_many
from ..instances.state import key_to_send, session_of
from ..models.model import Model
from ..querysets.related import Related
from .users_and_files import Folder, User


class Flow(Model, collection="directus_flows"):
    """A flow: what the server does by itself when something happens (``trigger_type``).

    ``trigger_type`` is the server's ``trigger``: ``"event"``, ``"schedule"``, ``"operation"``, ``"webhook"`` or
    ``"manual"``. The last two run by `trigger`.
    """

    id: UUID = field(default=generated, primary_key=True)
    name: str
    icon: str | None = None
    color: str | None = None
    description: str | None = None
    status: Literal["active", "inactive"] = field(default=generated)
    trigger_type: str | None = field(default=None, name="trigger")
    accountability: str | None = field(default=generated)
    options: dict[str, Any] | None = None
    operation: Operation | None = None
    date_created: datetime | None = field(default=generated, type="moment", readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    folder: Folder | None = None
    operations: Related[Operation] = one_to_many("flow")

    @hides_locals
    def trigger(
        self,
        data: Mapping[str, Any] | None = None,
        keys: Iterable[Any] | None = None,
        *,
        collection: str | None = None,
    ) -> Any:
        """Run a webhook flow or a manual flow, and return what it returns: any JSON, or None for no response.

        A webhook flow is sent ``data`` as its method says: as JSON with a POST, as parameters with a GET. A manual
        flow is sent ``keys``, the rows (instances or keys) that it is about, and ``data`` beside them. If it is
        for several collections, ``collection`` says which is meant, unless ``keys`` are instances.

        A flow with an operation that fails returns ``{}``, unless its option ``error_on_reject`` is set; one with
        the option ``async`` returns None at once. It is never run twice after a lost response: that raises
        `OutcomeUnknown`.

        What a flow returns may hold the token of this session (with ``"return": "$all"``, and if it has no
        operations): do not log it.

        Raises `QueryError` for flows that run by themselves, and `Forbidden` for a flow that is inactive, and
        for collections and rows that it is not for.

        ```python
        flow.trigger({"name": "Ada"})
        flow.trigger(keys=[article])
        ```
        """
        return session_of(self).send(_trigger_request(self, data, keys, collection)).data

    atrigger = async_twin(trigger, changes=True)


class Operation(Model, collection="directus_operations"):
    """One step of a flow; ``resolve`` and ``reject`` are the steps after its success and its failure."""

    id: UUID = field(default=generated, primary_key=True)
    name: str | None = None
    key: str
    type: str
    position_x: int
    position_y: int
    options: dict[str, Any] | None = None
    resolve: Operation | None = None
    reject: Operation | None = None
    flow: Flow
    date_created: datetime | None = field(default=generated, type="moment", readonly=True)
    user_created: User | None = field(default=generated, readonly=True)


def _trigger_request(
    flow: Flow, data: Mapping[str, Any] | None, keys: Iterable[Any] | None, collection: str | None
) -> Request:
    path = url_path("flows", "trigger", key_to_send(flow))
    options = flow.options or {}
    if flow.trigger_type == "manual":
        rows = list(keys or ())
        body = {**(data or {}), "collection": collection or _collection_of(options, rows)}
        if rows:
            body["keys"] = [_key(row) for row in rows]
        return Request("POST", path, json=body, confidential=True)
    if flow.trigger_type != "webhook":
        raise QueryError(f"{flow!r} runs by {flow.trigger_type!r}; only webhook and manual flows are triggered.")
    if keys is not None or collection is not None:
        raise QueryError(f"{flow!r} is a webhook flow: keys= and collection= are for manual flows.")
    if str(options.get("method") or "GET").upper() == "POST":
        return Request("POST", path, json=None if data is None else dict(data), confidential=True)
    # No cache may answer in place of the flow, and no retry may run it twice.
    params = tuple((name, param_text(value)) for name, value in (data or {}).items())
    return Request("GET", path, params, fresh=True, changes=True, confidential=True)


def _collection_of(options: Mapping[str, Any], rows: list[Any]) -> str:
    """Return the collection that a manual flow is run for: that of the rows, or the only one that it has."""
    named = {row.directus.collection for row in rows if isinstance(row, Model)}
    found = sorted(named or set(options.get("collections") or ()))
    if len(found) != 1:
        raise QueryError(f"collection= is needed, one of: {', '.join(found) or 'the flow has none'}.")
    return str(found[0])


def _key(row: Any) -> Any:
    key = row.pk if isinstance(row, Model) else row
    if isinstance(key, UUID):
        return str(key)
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise QueryError(f"{row!r} has no key: give saved instances, or keys.")
    return key


class Webhook(Model, collection="directus_webhooks"):
    """A webhook of Directus 10, which can still be read there. Later versions have flows instead."""

    id: int = field(default=generated, primary_key=True)
    name: str = field(default=generated)
    method: str = field(default=generated)
    url: str = field(default=generated)
    status: str = field(default=generated)
    data: bool = field(default=generated)
    actions: list[str] = field(default=generated, type="csv")
    collections: list[str] = field(default=generated, type="csv")
    headers: Any = field(default=generated)
    was_active_before_deprecation: bool = field(default=generated)
    migrated_flow: Flow | None = field(default=generated)
