"""Querysets of users and roles, whose ``delete()`` is told what becomes of the rows that depend on them."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.progress import Progress
from ..core.tracebacks import hides_locals
from ..instances.state import HasKey
from ..querysets.queryset import OwnManager, QuerySet

M = TypeVar("M", bound=HasKey)

Heir = HasKey | UUID | str
"""An instance, or its key: who gets what a deleted row leaves."""


def choices_of_user(transfer_to: Heir | EllipsisType | None) -> dict[str, Any]:
    """Return the choices for deleting users; an ellipsis stands for none."""
    return {} if transfer_to is ... else {"transfer_to": transfer_to}


class UserRows(QuerySet[M]):
    """The querysets of `User`."""

    __slots__ = ()

    @hides_locals
    def delete(self, *, progress: Progress = None, transfer_to: Heir | EllipsisType | None = ...) -> int:
        """Delete all users of the queryset, and return their number; ``transfer_to`` as for `User.delete`.

        Raises:
            Protected: one of them uploaded or changed a file, and ``transfer_to`` is missing.

        Example:
            >>> User.objects.filter(status="archived").delete(transfer_to=None)  # doctest: +SKIP
        """
        return self._delete(progress, choices_of_user(transfer_to))

    if TYPE_CHECKING:  # `async_twin` would take the type of the base class

        async def adelete(
            self, *, progress: Progress = None, transfer_to: Heir | EllipsisType | None = ...
        ) -> int:
            """Do as `delete` does, in a worker thread."""
            ...
    else:
        adelete = async_twin(delete, changes=True)


class RoleRows(QuerySet[M]):
    """The querysets of `Role`."""

    __slots__ = ()

    @hides_locals
    def delete(
        self, *, progress: Progress = None, reassign: Heir | None = None, suspend_users: bool = False
    ) -> int:
        """Delete all roles of the queryset, and return their number; the arguments are those of `Role.delete`.

        Raises:
            Protected: one of them has users, and neither ``reassign`` nor ``suspend_users`` was given.

        Example:
            >>> Role.objects.filter(name="Guests").delete(reassign=editors)  # doctest: +SKIP
        """
        return self._delete(progress, {"reassign": reassign, "suspend_users": suspend_users})

    if TYPE_CHECKING:  # as above

        async def adelete(
            self, *, progress: Progress = None, reassign: Heir | None = None, suspend_users: bool = False
        ) -> int:
            """Do as `delete` does, in a worker thread."""
            ...
    else:
        adelete = async_twin(delete, changes=True)


class UserManager(OwnManager[Any]):
    """The descriptor ``User.objects``; subclasses of `User` get querysets of their own instances."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[M]) -> UserRows[M]: ...


class RoleManager(OwnManager[Any]):
    """The descriptor ``Role.objects``; subclasses of `Role` get querysets of their own instances."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[M]) -> RoleRows[M]: ...
