"""How Directus 10 to 12 are asked for permissions: dialogues, which yield requests and are sent their data.

They do no I/O.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from ...core.request_response import Request, url_path
from .permissions import ACTIONS, Access, ActionPermission, Allowed, CollectionPermissions, Permissions
from .questions import Question

T = TypeVar("T")
Dialogue = Generator[Request, Any, T]
"""Yields requests, and is sent the data of each response, or None if the server refused; returns what it found."""

# Directus 10 has neither of these.
_MINE = Request("GET", "/permissions/me", purpose="info")
_GLOBALS = Request("GET", "/policies/me/globals", purpose="info")
# It tells administrators that they are, and others the permissions of their role.
_ROLE = Request("GET", "/users/me", (("fields", "role.admin_access"),), purpose="info")
_OF_ROLE = Request(
    "GET",
    "/permissions",
    (
        ("fields", "id,collection,action,fields,permissions,presets"),
        ("filter", '{"role":{"_eq":"$CURRENT_ROLE"}}'),
        ("limit", "-1"),
    ),
    purpose="info",
)

_ACCESS: Mapping[Any, Access] = {"partial": "partial", "full": "full"}
# A collection that Directus shows to administrators only.
_HIDDEN = "directus_migrations"


def ask_permissions() -> Dialogue[Permissions]:
    """Ask what the user may do."""
    mine = yield _MINE
    if isinstance(mine, dict) and all(_names_actions(actions) for actions in mine.values()):
        seems_administrator = _HIDDEN in mine and all(map(_allows_all, mine.values()))
        globals_ = (yield _GLOBALS) if seems_administrator else None
        is_administrator = isinstance(globals_, dict) and globals_.get("admin_access") is True
        return Permissions(is_administrator, {name: _of_policies(actions) for name, actions in mine.items()})
    user = yield _ROLE
    role = user.get("role") if isinstance(user, dict) else None
    if isinstance(role, dict) and role.get("admin_access") is True:
        return Permissions(is_administrator=True, fields_vary=False)
    rows = yield _OF_ROLE
    # Users of the app get rows without id, for what the app needs. Others may see only some permissions.
    if isinstance(rows, list) and any(isinstance(row, dict) and row.get("id") is None for row in rows):
        return Permissions(by_collection=_of_role(rows), fields_vary=False)
    return Permissions(is_told=False)


def ask_allowed(question: Question, permissions: Permissions, rows: Request) -> Dialogue[Allowed | None]:
    """Ask a question; None if the server does not answer. ``rows`` reads its row, or any of its collection."""
    if not permissions.is_told:
        return _ask_without_permissions(question, rows)
    if permissions.is_administrator:
        return _ask_existence(question, permissions, rows)
    if question.is_singleton and question.key is None and question.action == "update":
        return _ask_singleton(question, permissions, rows)
    return _ask_user(question, permissions, rows)


def _ask_without_permissions(question: Question, rows: Request) -> Dialogue[Allowed | None]:
    """Ask about a row, which is answered even where the permissions are not shown."""
    if question.key is None or question.fields:
        return None
    return (yield from _ask_row(question, rows))


def _ask_existence(question: Question, permissions: Permissions, rows: Request) -> Dialogue[Allowed]:
    """Ask whether there is what an administrator may use: Directus allows them all, missing or not (S36)."""
    if question.key is None and question.collection in permissions.by_collection:
        return Allowed.YES
    found = yield rows
    exists = bool(found) if question.is_about_one_of_many else found is not None
    return Allowed.YES if exists else Allowed.NO


def _ask_user(question: Question, permissions: Permissions, rows: Request) -> Dialogue[Allowed]:
    """Ask about the row, unless the answer is the same for all rows."""
    general = permissions.allows(question.action, question.collection, question.needed_fields)
    if general is Allowed.NO or not question.is_about_a_row:
        return general
    if question.action == "read":
        return (yield from _ask_readable(question, permissions, rows))
    row = yield from _ask_row(question, rows)
    if row is None:
        return Allowed.DEPENDS
    return _with_fields(question, permissions) if row else row


def _ask_readable(question: Question, permissions: Permissions, rows: Request) -> Dialogue[Allowed]:
    """Ask for the row: a field of it that is null may be hidden on this row (G27)."""
    data = yield rows
    row = _object(data[0] if isinstance(data, list) and data else data)
    if row.get(question.key_column or "") is None:
        return Allowed.NO
    hidden = [name for name in question.fields if row.get(name) in (None, [])]
    return _with_fields(question, permissions) if hidden else Allowed.YES


def _ask_row(question: Question, rows: Request) -> Dialogue[Allowed | None]:
    """Ask whether the user may do this to a row, whatever the field; None if the server does not say."""
    if question.action == "read":
        return Allowed.YES if (yield rows) else Allowed.NO
    try:
        path = url_path("permissions", "me", question.collection, question.key)
    except ValueError:  # no route has such a key
        return None
    said = yield Request("GET", path, purpose="info", fresh=True)
    return _said(said, question.action)


def _ask_singleton(question: Question, permissions: Permissions, rows: Request) -> Dialogue[Allowed]:
    """Ask whether the user may write a singleton; if it has no row, the server says whether it may be created.

    Where only some rows may be written, Directus 11 and later compare the row with that if they get its key.
    """
    is_partial = permissions[question.collection].update.access == "partial" and permissions.fields_vary
    key = _object((yield rows)).get(question.key_column or "") if is_partial else None
    if key is not None:
        return (yield from _ask_user(attrs.evolve(question, key=key), permissions, rows))
    path = url_path("permissions", "me", question.collection)
    said = yield Request("GET", path, purpose="info", fresh=True)
    allowed = _said(said, question.action)
    if allowed is None:
        return permissions.allows(question.action, question.collection, question.fields)
    fields = _object(_object(said).get(question.action)).get("fields")
    names = permissions[question.collection].update.fields if fields is None else frozenset(fields)
    if not allowed or not ActionPermission("full", names).has_fields(question.fields):
        return Allowed.NO
    return Allowed.DEPENDS if is_partial else Allowed.YES


def _with_fields(question: Question, permissions: Permissions) -> Allowed:
    """Return the answer for a row that is allowed: its fields may be another matter (S35)."""
    is_same_everywhere = permissions[question.collection][question.action].access == "full"
    if is_same_everywhere or not question.fields or not permissions.fields_vary:
        return Allowed.YES
    return Allowed.DEPENDS


def _said(data: Any, action: str) -> Allowed | None:
    """Return what the server says of an action; None if it says nothing, as to the holder of a share."""
    access = _object(_object(data).get(action)).get("access")
    return None if access is None else Allowed.YES if access is True else Allowed.NO


def _names_actions(actions: Any) -> bool:
    return isinstance(actions, dict) and "read" in actions


def _allows_all(actions: Mapping[str, Any]) -> bool:
    return all(_object(actions.get(each)) == {"access": "full", "fields": ["*"]} for each in ACTIONS)


def _of_policies(actions: Mapping[str, Any]) -> CollectionPermissions:
    """Read the permissions for a collection from ``/permissions/me``."""
    return CollectionPermissions(*(_of_action(_object(actions.get(action))) for action in ACTIONS))


def _of_action(said: Mapping[str, Any]) -> ActionPermission:
    access = said.get("access")
    fields = frozenset(map(str, said.get("fields") or ()))
    presets = dict(_object(said.get("presets")))
    return ActionPermission(
        "full" if access == "full" else "partial" if access == "partial" else "none", fields, presets
    )


def _of_role(rows: Iterable[Any]) -> dict[str, CollectionPermissions]:
    """Merge the permissions of a role with those that all users of the app have, as Directus 10 does."""
    merged: dict[str, CollectionPermissions] = {}
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in map(_object, rows):
        groups.setdefault((str(row.get("collection")), str(row.get("action"))), []).append(row)
    for (collection, action), group in groups.items():
        if action in ACTIONS:
            before = merged.get(collection, CollectionPermissions())
            merged[collection] = attrs.evolve(before, **{action: _merged(group)})
    return merged


def _merged(rows: list[Mapping[str, Any]]) -> ActionPermission:
    """Merge permissions for one action. An empty rule allows all rows; null leaves it to the other rules."""
    rules = [row.get("permissions") for row in rows]
    is_full = {} in rules or not any(rules)
    fields = frozenset(str(name) for row in rows for name in row.get("fields") or ())
    presets = {name: value for row in rows for name, value in _object(row.get("presets")).items()}
    return ActionPermission("full" if is_full else "partial", fields, presets)


def _object(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}
