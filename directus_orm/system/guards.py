"""What users, roles and access check before their rows are updated or deleted, so that nothing gets lost.

Importing this module gives the models their guards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import Forbidden, Protected, QueryError
from ..core.request_response import Row
from ..fields.registry import is_model, is_row_of
from ..instances.state import key_to_send, state_of
from ..instances.write_guards import WriteGuard
from ..query.q import Q
from ..reading.hidden_rows import may_hide_rows
from ..session.session import Session
from .last_administrator import keep_administrator_among_roles, keep_administrator_among_users
from .studio import Notification
from .users_and_files import Access, File, Role, User

_AT_ONCE = 100


class UserGuard(WriteGuard):
    """Keeps the last administrator, the files of users who are deleted, and e-mail addresses apart."""

    def before_update(
        self, session: Session, model: type[Any], changes: Mapping[Any, Row], *, by_query: bool
    ) -> None:
        """Refuse one address for several users, and changes that leave no administrator."""
        if by_query and len(changes) > 1 and next(iter(changes.values())).get("email") is not None:
            msg = (
                f"update(email=…) would give {len(changes)} rows of {model.__name__} one address, and each needs "
                "its own: set user.email, and save() or bulk_update() the users."
            )
            raise QueryError(msg)
        keep_administrator_among_users(session, changes)

    def before_delete(
        self, session: Session, model: type[Any], keys: Sequence[Any], choices: Mapping[str, Any]
    ) -> None:
        """Refuse to delete the last administrator, and users who have files, unless these are transferred."""
        keep_administrator_among_users(session, {key: {"role": None} for key in keys})
        users = [model.directus.pk.load(key) for key in keys]
        if "transfer_to" in choices:
            heir = _key_of(User, choices["transfer_to"], keys, "transfer_to")
            _transfer(session, users, heir)
        number = _number_of_files(session, users)
        if number:
            raise _files_error(number, is_transferred="transfer_to" in choices)


class RoleGuard(WriteGuard):
    """Keeps the last administrator, and the users of roles that are deleted."""

    def before_update(
        self,
        session: Session,
        model: type[Any],  # noqa: ARG002
        changes: Mapping[Any, Row],
        *,
        by_query: bool,  # noqa: ARG002
    ) -> None:
        """Refuse changes that leave no administrator."""
        losing = [key for key, row in changes.items() if row.get("admin_access", True) is not True]
        keep_administrator_among_roles(session, losing)

    def before_delete(
        self, session: Session, model: type[Any], keys: Sequence[Any], choices: Mapping[str, Any]
    ) -> None:
        """Refuse to delete roles that have users, unless these get another role or shall be suspended."""
        users = User.objects.using(session).filter(role__in=[model.directus.pk.load(key) for key in keys])
        reassign, suspends = choices.get("reassign"), choices.get("suspend_users", False)
        if reassign is not None and suspends:
            msg = "delete() takes reassign=… or suspend_users=True, not both."
            raise QueryError(msg)
        if reassign is not None:
            users.update(role=_key_of(Role, reassign, keys, "reassign"))
        elif not suspends:
            _refuse_users(session, users)
        keep_administrator_among_roles(session, keys)


class AccessGuard(WriteGuard):
    """Keeps apart who gets a policy: one user, one role, or everybody."""

    def before_update(
        self,
        session: Session,  # noqa: ARG002
        model: type[Any],
        changes: Mapping[Any, Row],
        *,
        by_query: bool,
    ) -> None:
        """Refuse to change by a query who gets a policy: `Access.clean` checks instances."""
        names = {"user", "role"} & next(iter(changes.values())).keys()
        if by_query and names:
            name = min(names)
            msg = (
                f"update({name}=…) could give a policy to everybody, or to a user and a role at once: "
                f"set {name!r} on instances of {model.__name__}, and save or bulk_update() them."
            )
            raise QueryError(msg)


User._guard, Role._guard, Access._guard = UserGuard(), RoleGuard(), AccessGuard()  # noqa: SLF001 - made for this


def _key_of(model: type[Any], heir: Any, keys: Sequence[Any], argument: str) -> Any:
    """Return the key of the row that gets what deleted rows leave; None for nobody.

    Raises:
        TypeError: it is an instance of another model, or not saved.
        QueryError: it is deleted itself.
        ConversionError: it is no key.
    """
    if heir is None:
        return None
    if is_model(type(heir)) and not (is_row_of(heir, model) and state_of(heir).stored):
        msg = f"delete({argument}=…) takes a {model.__name__} that is saved, or its key, not {heir!r}."
        raise TypeError(msg)
    pk = model.directus.pk
    key = pk.dump(pk.load(key_to_send(heir)) if is_model(type(heir)) else heir)
    if key in keys:
        msg = f"delete({argument}=…): {pk} {key!r} is deleted itself."
        raise QueryError(msg)
    return pk.load(key)


# --- users and their files --------------------------------------------------------------------------------------


def _number_of_files(session: Session, users: Sequence[Any]) -> int:
    """Return how many files refer to users; 0 if this user may not read files, so that the server decides."""
    try:
        return File.objects.using(session).filter(Q(uploaded_by__in=users) | Q(modified_by__in=users)).count()
    except Forbidden:
        return 0


def _files_error(number: int, *, is_transferred: bool) -> Protected:
    if is_transferred:
        reason = "each file that is written names the user of this session, so this user cannot be deleted here"
    else:
        reason = (
            "delete(transfer_to=other) gives them to another user first, and delete(transfer_to=None) to nobody"
        )
    error = Protected(f"No user was deleted, since files name who uploaded or changed them ({number}): {reason}.")
    error.collection = "directus_files"
    return error


def _transfer(session: Session, users: Sequence[Any], heir: Any) -> None:
    """Give the files of users, and the notifications that they sent, to another user, or to nobody.

    The server itself writes who changed a file last: any change makes it the user of this session.
    """
    files = File.objects.using(session)
    files.filter(uploaded_by__in=users).update(uploaded_by=heir)
    changed = [str(key) for key in files.filter(modified_by__in=users).values_list("pk", flat=True)]
    for start in range(0, len(changed), _AT_ONCE):
        body = {"keys": changed[start : start + _AT_ONCE], "data": {"modified_by": None}}
        session.patch("/files", body, params={"fields": "id"})
    if heir is not None:
        Notification.objects.using(session).filter(sender__in=users).update(sender=heir)


# --- roles and their users --------------------------------------------------------------------------------------


def _refuse_users(session: Session, users: Any) -> None:
    """Refuse to delete roles that have users: the server would suspend them.

    Raises:
        Protected: there are users, or this user may not see whether there are.
    """
    ways = "delete(reassign=other) gives them another role first, delete(suspend_users=True) suspends them"
    try:
        number = users.count()
    except Forbidden:
        number = 0
    if number:
        error = Protected(f"No role was deleted, since the server would suspend its users ({number}): {ways}.")
        error.collection, error.field = "directus_users", "role"
        raise error
    if may_hide_rows(session, User.directus.collection):
        msg = f"No role was deleted, since it may have users that this user may not see: {ways}."
        raise Protected(msg)
