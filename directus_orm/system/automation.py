"""Flows and their operations, and the webhooks of Directus 10."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ..fields.field import field, generated
from ..fields.to_many_declaration import one_to_many
from ..models.model import Model
from ..querysets.related import Related
from .users_and_files import Folder, User


class Flow(Model, collection="directus_flows"):
    """A flow: what the server does by itself when something happens (``trigger``)."""

    id: UUID = field(default=generated, primary_key=True)
    name: str
    icon: str | None = None
    color: str | None = None
    description: str | None = None
    status: Literal["active", "inactive"] = field(default=generated)
    trigger: str | None = None
    accountability: str | None = field(default=generated)
    options: dict[str, Any] | None = None
    operation: Operation | None = None
    date_created: datetime | None = field(default=generated, type="moment", readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    folder: Folder | None = None
    operations: Related[Operation] = one_to_many("flow")


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
