"""What happened: activity, revisions, comments, and content versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ..fields.field import field, generated
from ..fields.to_many_declaration import one_to_many
from ..models.model import Model
from ..querysets.related import Related
from .users_and_files import User


class Activity(Model, collection="directus_activity"):
    """One thing that was done: a login, or a row that was created, updated or deleted. The server writes it."""

    id: int = field(default=generated, primary_key=True)
    action: str = field(default=generated)
    user: User | None = field(default=generated)
    timestamp: datetime = field(default=generated)
    ip: str | None = field(default=generated)
    user_agent: str | None = field(default=generated)
    collection: str = field(default=generated)
    item: str = field(default=generated)
    origin: str | None = field(default=generated)
    comment: str | None = field(default=generated)
    revisions: Related[Revision] = one_to_many("activity")


class Revision(Model, collection="directus_revisions"):
    """The values of a row after a write (``data``), and what was sent (``delta``). The server writes it."""

    id: int = field(default=generated, primary_key=True)
    activity: Activity = field(default=generated)
    collection: str = field(default=generated)
    item: str = field(default=generated)
    data: dict[str, Any] | None = field(default=generated)
    delta: dict[str, Any] | None = field(default=generated)
    parent: Revision | None = field(default=generated)
    version: ContentVersion | None = field(default=generated)


class Comment(Model, collection="directus_comments"):
    """A comment on a row. Directus 11 and later have these; on Directus 10, comments are activities."""

    id: UUID = field(default=generated, primary_key=True)
    collection: str
    item: str
    comment: str
    date_created: datetime | None = field(default=generated, readonly=True)
    date_updated: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    user_updated: User | None = field(default=generated, readonly=True)


class ContentVersion(Model, collection="directus_versions"):
    """A version of a row beside the published one, under a name of its own (``key``)."""

    id: UUID = field(default=generated, primary_key=True)
    key: str
    name: str | None = None
    collection: str
    item: str | None = None
    hash: str | None = field(default=generated, readonly=True)
    date_created: datetime | None = field(default=generated, readonly=True)
    date_updated: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    user_updated: User | None = field(default=generated, readonly=True)
    delta: dict[str, Any] | None = field(default=generated, readonly=True)
