"""What the app of Directus keeps: dashboards, panels, presets, notifications, shares, translations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.tracebacks import hides_locals
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.to_many_declaration import one_to_many
from ..instances.state import key_of, session_of
from ..models.model import Model
from ..querysets.related import Related
from .users_and_files import Role, User


class Dashboard(Model, collection="directus_dashboards"):
    """A dashboard of panels."""

    id: UUID = field(default=generated, primary_key=True)
    name: str
    icon: str = field(default=generated)
    note: str | None = None
    color: str | None = None
    date_created: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    panels: Related[Panel] = one_to_many("dashboard")


class Panel(Model, collection="directus_panels"):
    """A panel of a dashboard."""

    id: UUID = field(default=generated, primary_key=True)
    dashboard: Dashboard
    name: str | None = None
    icon: str | None = field(default=generated)
    color: str | None = None
    show_header: bool = field(default=generated)
    note: str | None = None
    type: str
    position_x: int
    position_y: int
    width: int
    height: int
    options: dict[str, Any] | None = None
    date_created: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)


class Preset(Model, collection="directus_presets"):
    """How a list is shown to a user, a role, or all; with a ``bookmark`` it has a name."""

    id: int = field(default=generated, primary_key=True)
    bookmark: str | None = None
    user: User | None = None
    role: Role | None = None
    collection: str | None = None
    search: str | None = None
    layout: str | None = field(default=generated)
    layout_query: dict[str, Any] | None = None
    layout_options: dict[str, Any] | None = None
    refresh_interval: int | None = None
    filter: dict[str, Any] | None = None
    icon: str | None = field(default=generated)
    color: str | None = None


class Notification(Model, collection="directus_notifications"):
    """A message to a user, in the app and by mail."""

    id: int = field(default=generated, primary_key=True)
    timestamp: datetime | None = field(default=generated, readonly=True)
    status: Literal["inbox", "archived"] | None = field(default=generated)
    recipient: User
    sender: User | None = field(default=generated)
    subject: str
    message: str | None = None
    collection: str | None = None
    item: str | None = None


class Share(Model, collection="directus_shares"):
    """A link that shows one row to those who have no account.

    The server lets in one visitor more than ``max_uses``. Without a ``role`` it shows what the public may see.
    ``Session(url, share=share.pk)`` is such a visitor.
    """

    id: UUID = field(default=generated, primary_key=True)
    name: str | None = None
    collection: str
    item: str
    role: Role | None = None
    password: str | None = field(default=None, type="hash")
    user_created: User | None = field(default=generated, readonly=True)
    date_created: datetime | None = field(default=generated, readonly=True)
    date_start: datetime | None = field(default=None, type="moment")
    date_end: datetime | None = field(default=None, type="moment")
    times_used: int | None = field(default=generated, readonly=True)
    max_uses: int | None = None

    @hides_locals
    def invite(self, emails: str | Iterable[str]) -> None:
        """Let the server send mails with the link of this share, as `Session.shares` does."""
        session_of(self).shares.invite(key_of(self), emails)

    ainvite = async_twin(invite, changes=True)


class Translation(Model, collection="directus_translations"):
    """A text of the app in one language."""

    id: UUID = field(default=generated, primary_key=True)
    language: str
    key: str
    value: str
