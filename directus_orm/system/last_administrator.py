"""Directus 10 lets the last administrator go in some ways (S7): these are refused before they are sent.

Later versions refuse all of them by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..core.errors import InvalidRequest
from ..core.request_response import Row
from ..session.session import Session
from .users_and_files import Role, User


def keep_administrator_among_users(session: Session, changes: Mapping[Any, Row]) -> None:
    """Refuse changes of users, by their keys, after which no active user would be an administrator.

    Raises:
        InvalidRequest: one of them is the last administrator.
    """
    leaving = {str(key): row for key, row in changes.items() if "role" in row or _is_inactive(row)}
    if not leaving or not _has_gaps(session):
        return
    administrators = _administrators(session).keys()
    lost = administrators & leaving.keys()
    if not lost or administrators - lost:
        return
    roles = {str(key) for key in _roles(session).values_list("pk", flat=True)}
    if not any(_stays(leaving[key], roles) for key in lost):
        raise _last_administrator_error()


def keep_administrator_among_roles(session: Session, keys: Collection[Any]) -> None:
    """Refuse to take the administrator's rights from roles, by their keys, if nobody else has them.

    Raises:
        InvalidRequest: no active user with another role is an administrator.
    """
    if not keys or not _has_gaps(session):
        return
    roles = set(_administrators(session).values())
    if roles and roles <= set(map(str, keys)):
        raise _last_administrator_error()


def _has_gaps(session: Session) -> bool:
    return session.info().major == 10


def _administrators(session: Session) -> dict[str, str]:
    """Return the active users who are administrators, each with the role: keys as text."""
    rows = User.objects.using(session).filter(status="active", role__admin_access=True)
    return {str(user): str(role) for user, role in rows.values_list("pk", "role")}


def _roles(session: Session) -> Any:
    return Role.objects.using(session).filter(admin_access=True)


def _is_inactive(row: Row) -> bool:
    return bool(row.get("status", "active") != "active")


def _stays(row: Row, roles: Collection[str]) -> bool:
    """Return whether an administrator stays one after a change."""
    role = row.get("role")
    is_new_administrator = isinstance(role, Mapping) and role.get("admin_access") is True
    return not _is_inactive(row) and (is_new_administrator or str(role) in roles)


def _last_administrator_error() -> InvalidRequest:
    msg = (
        "Nothing was sent: nobody would be an administrator afterwards. Directus 10 would do it all the same. "
        "Give another active user a role with admin_access first."
    )
    return InvalidRequest(msg, code="UNPROCESSABLE_CONTENT")
