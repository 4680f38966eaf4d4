"""What can be asked of users and roles besides their rows: who this session's user is, and to invite somebody."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Self
from uuid import UUID

from ..core.async_twins import run_in_thread
from ..core.errors import DoesNotExist, Forbidden, UnsupportedQuery
from ..core.tracebacks import hides_locals
from ..models.model import Model
from ..query.lookups.server_values import current_user
from ..session.current import current_session
from ..session.session import Session


class UserVerbs(Model, abstract=True):
    """The class methods of `User`."""

    @classmethod
    @hides_locals
    def me(cls, *, using: Session | None = None) -> Self:
        """Return the user of the current session, or of ``using``.

        If the user may not read all its fields, those that it may read are loaded; if it may read none, only its
        key is known. Raises `AuthenticationError` for a session without a login, and `DoesNotExist` for the token
        of a share, which belongs to no user.

        ```python
        User.me().role
        ```
        """
        session = using or current_session()
        users = cls.objects.using(session)
        try:
            return users.get(pk=current_user)
        except (DoesNotExist, Forbidden):
            pass
        try:
            return users.readable().get(pk=current_user)
        except (DoesNotExist, Forbidden, UnsupportedQuery):
            pass
        key = session.get("/users/me", {"fields": "id"}).get("id")
        if key is None:
            raise cls.DoesNotExist("This session is logged in, but not as a user.")
        return users.ref(UUID(key))

    @classmethod
    async def ame(cls, *, using: Session | None = None) -> Self:
        """Do as `me` does, in a worker thread: await it."""
        return await run_in_thread(partial(cls.me, using=using))

    @classmethod
    @hides_locals
    def invite(
        cls,
        emails: str | Iterable[str],
        role: Model | UUID | str,
        invite_url: str | None = None,
        *,
        using: Session | None = None,
    ) -> list[Self]:
        """Invite people by mail, and return them as users, in the order of their addresses.

        Does as `People.invite` does, and raises the same errors; ``role`` is a role or its key. Only users whose
        ``status`` is ``"invited"`` got a mail: the others existed already.

        ```python
        User.invite(["ada@example.com"], Role.objects.get(name="Editor"))
        ```
        """
        session = using or current_session()
        key = role.pk if isinstance(role, Model) else role
        invited = session.people.invite(emails, key, invite_url)
        found = cls.objects.using(session).only("email", "status").in_bulk([each.id for each in invited])
        return [found[each.id] for each in invited]

    @classmethod
    async def ainvite(
        cls,
        emails: str | Iterable[str],
        role: Model | UUID | str,
        invite_url: str | None = None,
        *,
        using: Session | None = None,
    ) -> list[Self]:
        """Do as `invite` does, in a worker thread: await it, and cancelling does not interrupt it."""
        call = partial(cls.invite, emails, role, invite_url, using=using)
        return await run_in_thread(call, to_the_end=True)


class RoleVerbs(Model, abstract=True):
    """The class methods of `Role`."""

    @classmethod
    @hides_locals
    def mine(cls, *, using: Session | None = None) -> list[Self]:
        """Return the roles of the user of the current session, or of ``using``: its own, and the parents of that.

        Directus 10 has no parents. Of roles that the user may not read only the key is known. Raises
        `AuthenticationError` for a session without a login.

        ```python
        [role.name for role in Role.mine()]
        ```
        """
        session = using or current_session()
        keys = _own_roles(session)
        roles = cls.objects.using(session)
        try:
            found = roles.in_bulk(keys)
        except Forbidden:
            found = {}
        return [found.get(key) or roles.ref(key) for key in keys]

    @classmethod
    async def amine(cls, *, using: Session | None = None) -> list[Self]:
        """Do as `mine` does, in a worker thread: await it."""
        return await run_in_thread(partial(cls.mine, using=using))


def _own_roles(session: Session) -> list[UUID]:
    """Return the keys of the roles of this user."""
    try:
        rows = session.get("/roles/me", {"fields": "id"})
    except Forbidden:  # Directus 10 has no such route
        rows = [{"id": session.get("/users/me", {"fields": "role"}).get("role")}]
    return [UUID(row["id"]) for row in rows if row["id"] is not None]
