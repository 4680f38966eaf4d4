"""What a user may do, as values: `Permissions`, `CollectionPermissions`, `ActionPermission`, `Allowed`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol

import attrs

from ...core.errors import QueryError, suggestion

Action = Literal["create", "read", "update", "delete", "share"]
Access = Literal["none", "partial", "full"]

ACTIONS: tuple[Action, ...] = ("create", "read", "update", "delete", "share")
WITH_FIELDS: tuple[Action, ...] = ("create", "read", "update")
"""The actions whose permissions name fields; the others concern whole rows."""

_ALL = "*"


class Allowed(enum.Enum):
    """The answer to "May I?": ``YES``, ``NO``, or ``DEPENDS``.

    ``DEPENDS`` means that it is allowed on some rows or fields, and that the server decides when it is asked to do
    it. It is true, as ``YES`` is: ``if session.can("update", Article):`` leaves out what is refused on every row.
    """

    YES = "yes"
    NO = "no"
    DEPENDS = "depends on the row"

    def __bool__(self) -> bool:
        return self is not Allowed.NO


class HasCollection(Protocol):
    """An instance of a model, as far as permissions need it."""

    @property
    def directus(self) -> Any:
        """The collection, the fields and the key of the model."""
        ...


Subject = str | type[Any] | HasCollection
"""The name of a collection, a model, or an instance of one."""


@attrs.frozen
class ActionPermission:
    """What a user may do to a collection by one action.

    Attributes:
        access: ``"none"``, ``"full"`` for all rows, or ``"partial"``: on some rows only.
        fields: the server's names of the fields that this is about; ``*`` stands for all. Where several policies
            hold, some of them may be for some rows only.
        presets: the values that the server sets where a write leaves them out.
    """

    access: Access = "none"
    fields: frozenset[str] = frozenset()
    presets: Mapping[str, Any] = attrs.field(factory=dict, hash=False)

    def has_fields(self, names: Iterable[str]) -> bool:
        """Return whether it is about all these fields, on some row at least."""
        return _ALL in self.fields or self.fields.issuperset(names)

    def __str__(self) -> str:
        rows = " on some rows" if self.access == "partial" else ""
        return f"({', '.join(sorted(self.fields)) or 'no fields'}){rows}"


_FULL = ActionPermission("full", frozenset({_ALL}))


@attrs.frozen(repr=False)
class CollectionPermissions:
    """What a user may do to a collection, by action: ``permissions["articles"].update``."""

    create: ActionPermission = ActionPermission()
    read: ActionPermission = ActionPermission()
    update: ActionPermission = ActionPermission()
    delete: ActionPermission = ActionPermission()
    share: ActionPermission = ActionPermission()

    def __getitem__(self, action: str) -> ActionPermission:
        permission: ActionPermission = getattr(self, checked_action(action))
        return permission

    def __str__(self) -> str:
        allowed = ((action, self[action]) for action in ACTIONS if self[action].access != "none")
        return ", ".join(f"{action} {permission}" for action, permission in allowed) or "nothing"

    def __repr__(self) -> str:
        return f"<CollectionPermissions: {self}>"


_NOTHING = CollectionPermissions()
_EVERYTHING = CollectionPermissions(_FULL, _FULL, _FULL, _FULL, _FULL)


@attrs.frozen(repr=False)
class Permissions:
    """What a user may do: ``permissions["articles"].update.fields``, or ``permissions[Article]["update"]``.

    Attributes:
        is_administrator: whether the user may do everything.
        by_collection: the permissions by the server's name of the collection. Those that are missing may not be
            used at all; for administrators it is empty.
        fields_vary: whether a field may be allowed on some rows, and others on others, as several policies can
            say. In Directus 10 the fields are the same on all rows.
        is_told: whether the server says what the user may do.
    """

    is_administrator: bool = False
    by_collection: Mapping[str, CollectionPermissions] = attrs.field(factory=dict, hash=False)
    fields_vary: bool = True
    is_told: bool = True

    def __getitem__(self, collection: Subject) -> CollectionPermissions:
        if self.is_administrator:
            return _EVERYTHING
        return self.by_collection.get(collection_of(collection), _NOTHING)

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_collection)

    def allows(self, action: Action, collection: str, fields: Iterable[str] = ()) -> Allowed:
        """Return whether the user may do this to all rows and these fields, to some of them, or to none.

        Raises `QueryError` for an unknown action.
        """
        permission = self[collection][action]
        no_field = action in {"read", "update"} and not permission.fields
        if permission.access == "none" or no_field or not permission.has_fields(fields):
            return Allowed.NO
        # Directus creates rows whatever the rule for rows says.
        return Allowed.YES if permission.access == "full" or action == "create" else Allowed.DEPENDS

    def __repr__(self) -> str:
        if self.is_administrator:
            return "<Permissions: everything, as an administrator>"
        if not self.by_collection:
            return "<Permissions: nothing>"
        lines = (f"\n  {name}: {permissions}" for name, permissions in sorted(self.by_collection.items()))
        return f"<Permissions:{''.join(lines)}>"


def collection_of(subject: Subject) -> str:
    """Return the collection of a model or an instance, or the name itself.

    Raises:
        QueryError: it is something else.
    """
    if isinstance(subject, str):
        return subject
    collection = getattr(getattr(subject, "directus", None), "collection", None)
    if not isinstance(collection, str):
        msg = f"Permissions belong to a model, an instance, or the name of a collection, not to {subject!r}."
        raise QueryError(msg)
    return collection


def checked_action(action: str) -> Action:
    """Return an action of Directus.

    Raises:
        QueryError: there is none of this name.
    """
    for known in ACTIONS:
        if action == known:
            return known
    hint = suggestion(action, ACTIONS) if isinstance(action, str) else ""
    msg = f"Directus has no action {action!r}.{hint} Its actions are: {', '.join(ACTIONS)}."
    raise QueryError(msg)
