"""Shares: links that show one row to visitors without an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.errors import DoesNotExist, Forbidden
from ...core.request_response import Request, Send
from ...core.tracebacks import hides_locals
from ..http.api import Api
from ..http.error_mapping import unexpected_response
from .people_values import checked_emails, checked_key


@public_in("directus_orm.session")
@attrs.frozen
class ShareInfo:
    """What a share shows and for how long, as its visitors may know it."""

    id: UUID
    collection: str
    item: str
    needs_password: bool
    date_start: datetime | None
    date_end: datetime | None
    times_used: int
    max_uses: int | None


@public_in("directus_orm.session")
class Shares:
    """Questions about shares, and invitations to them. `Share` of `directus_orm.system` creates them."""

    def __init__(self, api: Api, send: Send) -> None:
        self._api = api
        self._send = send

    @hides_locals
    def info(self, share: UUID | str) -> ShareInfo:
        """Return what a share shows, and whether it needs a password; needs no login.

        Raises `DoesNotExist` if there is no such share, or if it has expired or not begun.

        ```python
        Session(url).shares.info("4c1e…").collection  # 'articles'
        ```
        """
        key = checked_key("share", share)
        try:
            response = self._send(self._api.share_info_request(key))
        except Forbidden:
            msg = f"There is no share {key!r}, or it has expired, or it begins later."
            raise DoesNotExist(msg) from None
        info = _share_info(response.data)
        if info is None:
            raise unexpected_response(response, "something else", "a share")
        return info

    @hides_locals
    def invite(self, share: UUID | str, emails: str | Iterable[str]) -> None:
        """Let the server send mails with the link of a share.

        The server reports success also if it has no mail server, or if this one takes no mail; its log tells.
        Raises `Forbidden` if there is no such share, or if this user may not read it.
        """
        invited, key = checked_emails(emails), checked_key("share", share)
        if invited:
            self._send(Request("POST", "/shares/invite", json={"share": key, "emails": invited}))

    ainfo = async_twin(info)
    ainvite = async_twin(invite, changes=True)


def _share_info(data: Any) -> ShareInfo | None:
    if not isinstance(data, Mapping) or not {"id", "collection", "item"} <= data.keys():
        return None
    return ShareInfo(
        UUID(data["id"]),
        data["collection"],
        data["item"],
        data.get("password") is not None,
        _moment(data.get("date_start")),
        _moment(data.get("date_end")),
        data.get("times_used") or 0,
        data.get("max_uses"),
    )


def _moment(text: str | None) -> datetime | None:
    """Return a time in UTC. The type of the column, and so the form of the text, depends on the database."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
