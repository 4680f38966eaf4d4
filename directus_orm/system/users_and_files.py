"""Who may do what, and the files: users, roles, policies, access, permissions, folders and files.

They refer to one another, so they are defined together.
"""

from __future__ import annotations

from datetime import datetime
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.errors import ConversionError
from ..core.tracebacks import hides_locals
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.to_many_declaration import many_to_many, one_to_many
from ..instances.dirty_tracking import has_changes
from ..instances.state import state_of
from ..models.model import Model
from ..querysets.related import Related
from ..writing import save
from .contents.file_contents import FileContents, FileManager, FileUploads, FolderContents
from .deletions import Heir, RoleManager, RoleRows, UserManager, UserRows, choices_of_user
from .people import RoleVerbs, UserVerbs

UserStatus = Literal["draft", "invited", "unverified", "active", "suspended", "archived", "inactive-license"]
PermissionAction = Literal["create", "read", "update", "delete", "share"]


def _refuse_empty(instance: Any, attribute: Any, value: Any) -> None:
    """Refuse an empty secret: the server would store it as one that is set."""
    if value == "":
        name = "User" if instance is None else type(instance).__name__
        msg = f"{name}.{attribute.name} cannot be empty. None removes it."
        raise ConversionError(msg, model=name, field=attribute.name)


class Access(Model, collection="directus_access"):
    """What gives a policy to one user, or to one role. Directus 11 and later have it.

    The server takes a row without a user and a role as well: it gives the policy to everybody, without a login.
    Only `Access.public` makes such a row.

    Example:
        >>> Access.objects.create(policy=policy, role=editors)  # doctest: +SKIP
        >>> Access.public(policy).save()  # doctest: +SKIP
    """

    id: UUID = field(default=generated, primary_key=True)
    policy: Policy
    user: User | None = None
    role: Role | None = None
    sort: int | None = None

    _is_public = False

    @classmethod
    def public(cls, policy: Policy | UUID) -> Self:
        """Return an unsaved row that gives a policy to everybody, without a login; `save` creates it."""
        given: Any = policy
        access = cls(policy=given)
        access._is_public = True
        return access

    def clean(self) -> None:
        """Refuse a row for both a user and a role, and one for neither that `public` did not make.

        Raises:
            ConversionError: the row has both, or neither.
        """
        fields = [type(self).directus.fields[name] for name in ("user", "role")]
        is_stored = state_of(self).stored
        if is_stored and not has_changes(self, fields):
            return
        given = [name for name in ("user", "role") if self._value_of(name) is not None]
        if len(given) == 1 or (not given and self._is_public and not is_stored):
            return
        model = type(self).__name__
        who = " and ".join(f"a {name}" for name in given) or "neither a user nor a role"
        msg = (
            f"This {model} has {who}, and it takes one: {model}(policy=…, user=…) or {model}(policy=…, role=…). "
            f"{model}.public(policy) has neither, and gives the policy to everybody, without a login."
        )
        raise ConversionError(msg, model=model, key=self.pk, field=given[-1] if given else "user")

    def _value_of(self, name: str) -> Any:
        """Return what the row has, also if it is not loaded; a new row has only what was given."""
        return getattr(self, name) if state_of(self).stored else self.__dict__.get(name)


class User(UserVerbs, collection="directus_users"):
    """A user. Passwords, tokens and second factors are shown as a mask, and never sent back.

    Example:
        >>> User.objects.filter(status="active", role__name="Editor")  # doctest: +SKIP
    """

    objects = UserManager(UserRows)

    id: UUID = field(default=generated, primary_key=True)
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    password: str | None = field(default=None, type="hash", validator=_refuse_empty)
    location: str | None = None
    title: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    avatar: File | None = None
    language: str | None = None
    tfa_secret: str | None = field(default=None, type="hash", readonly=True)
    status: UserStatus = field(default=generated)
    role: Role | None = None
    token: str | None = field(default=None, type="hash", validator=_refuse_empty)
    last_access: datetime | None = field(default=generated, type="moment")
    last_page: str | None = field(default=generated)
    provider: str = field(default=generated)
    external_identifier: str | None = None
    auth_data: dict[str, Any] | None = None
    email_notifications: bool | None = field(default=generated)
    appearance: str | None = None
    theme_dark: str | None = None
    theme_light: str | None = None
    theme_light_overrides: dict[str, Any] | None = None
    theme_dark_overrides: dict[str, Any] | None = None
    text_direction: str = field(default=generated)
    policies: Related[Policy] = many_to_many(Access, source="user", target="policy", sort="sort")
    files: Related[File] = one_to_many("uploaded_by", listed=False)

    @hides_locals
    def delete(self, *, transfer_to: Heir | EllipsisType | None = ...) -> None:
        """Delete the user; the server refuses it for a user who uploaded or changed a file.

        Files are looked for first. The server deletes the access and the presets of the user, and the
        notifications to the user, and sets other references to null, such as the author of a comment.

        Args:
            transfer_to: the user who gets the files, and is named as the sender of notifications; None for
                nobody. Who changed a file last becomes the user of this session: the server decides that.

        Raises:
            Protected: the user uploaded or changed a file, and ``transfer_to`` is missing.
            InvalidRequest: the user is the last administrator.

        Example:
            >>> user.delete(transfer_to=User.objects.get(email="ada@example.com"))  # doctest: +SKIP
        """
        save.delete(self, choices_of_user(transfer_to))

    if TYPE_CHECKING:  # `async_twin` would take the type of the base class

        async def adelete(self, *, transfer_to: Heir | EllipsisType | None = ...) -> None:
            """Do as `delete` does, in a worker thread."""
    else:
        adelete = async_twin(delete, changes=True)


class Role(RoleVerbs, collection="directus_roles"):
    """A role. Its policies say what its users may do; on Directus 10, the role itself says it.

    ``users`` are those with this very role, without those of its ``children``.
    """

    objects = RoleManager(RoleRows)

    id: UUID = field(default=generated, primary_key=True)
    name: str
    icon: str = field(default=generated)
    description: str | None = None
    parent: Role | None = None
    ip_access: list[str] | None = field(default=None, type="csv")
    enforce_tfa: bool = field(default=generated)
    admin_access: bool = field(default=generated)
    app_access: bool = field(default=generated)
    children: Related[Role] = one_to_many("parent")
    users: Related[User] = one_to_many("role")
    policies: Related[Policy] = many_to_many(Access, source="role", target="policy", sort="sort")

    @hides_locals
    def delete(self, *, reassign: Heir | None = None, suspend_users: bool = False) -> None:
        """Delete the role; the server suspends its users, so that these have to get another role first.

        Whether it has users is asked first. The server deletes its access and its presets, and sets the parent of
        its children to null.

        Args:
            reassign: the role that its users get before it is deleted.
            suspend_users: delete it although it has users, who are suspended and have no role then.

        Raises:
            Protected: it has users, or may have some that this user does not see, and neither ``reassign`` nor
                ``suspend_users`` was given.
            InvalidRequest: nobody would be an administrator afterwards.

        Example:
            >>> guests.delete(reassign=editors)  # doctest: +SKIP
        """
        save.delete(self, {"reassign": reassign, "suspend_users": suspend_users})

    if TYPE_CHECKING:  # as above

        async def adelete(self, *, reassign: Heir | None = None, suspend_users: bool = False) -> None:
            """Do as `delete` does, in a worker thread."""
    else:
        adelete = async_twin(delete, changes=True)


class Policy(Model, collection="directus_policies"):
    """A set of permissions that users and roles get through `Access`. Directus 11 and later have policies."""

    id: UUID = field(default=generated, primary_key=True)
    name: str
    icon: str = field(default=generated)
    description: str | None = None
    ip_access: list[str] | None = field(default=None, type="csv")
    enforce_tfa: bool = field(default=generated)
    admin_access: bool = field(default=generated)
    app_access: bool = field(default=generated)
    permissions: Related[Permission] = one_to_many("policy")
    users: Related[User] = many_to_many(Access, source="policy", target="user")
    roles: Related[Role] = many_to_many(Access, source="policy", target="role")


class Permission(Model, collection="directus_permissions"):
    """What a policy allows to do with the rows of a collection; on Directus 10, what a role does.

    ``permissions`` is the filter that the rows have to meet, ``validation`` the one that written values have to
    meet, and ``presets`` are values that are set with each write. ``fields`` are the server's names of the fields,
    ``["*"]`` all of them.
    """

    id: int = field(default=generated, primary_key=True)
    collection: str
    action: PermissionAction
    permissions: dict[str, Any] | None = None
    validation: dict[str, Any] | None = None
    presets: dict[str, Any] | None = None
    fields: list[str] | None = field(default=None, type="csv")
    policy: Policy = field(default=generated)
    role: Role | None = None


class Folder(Model, FolderContents, collection="directus_folders"):
    """A folder of files."""

    id: UUID = field(default=generated, primary_key=True)
    name: str
    parent: Folder | None = None
    type: str = field(default=generated)
    children: Related[Folder] = one_to_many("parent", listed=False)
    files: Related[File] = one_to_many("folder", listed=False)


_REQUIRED_OF_FILES = ("storage", "filename_download", "type")


class File(Model, FileContents, collection="directus_files"):
    """A file: its row, and its content.

    ``filename_disk`` is read-only: the server deletes whatever begins with the name of a file that is deleted.
    """

    objects = FileManager(FileUploads)

    id: UUID = field(default=generated, primary_key=True)
    storage: str = field(default=generated)
    filename_disk: str | None = field(default=generated, readonly=True)
    filename_download: str = field(default=generated)
    title: str | None = None
    type: str | None = None
    folder: Folder | None = field(default=generated)
    uploaded_by: User | None = field(default=generated)
    created_on: datetime = field(default=generated, type="moment")
    modified_by: User | None = field(default=generated, readonly=True)
    modified_on: datetime = field(default=generated, type="moment", readonly=True)
    charset: str | None = None
    filesize: int | None = field(default=generated, type="bigInteger")
    width: int | None = field(default=generated)
    height: int | None = field(default=generated)
    duration: int | None = field(default=generated)
    embed: str | None = None
    description: str | None = None
    location: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = field(default=generated)
    focal_point_x: int | None = None
    focal_point_y: int | None = None
    tus_id: str | None = field(default=generated, readonly=True)
    tus_data: dict[str, Any] | None = field(default=generated, readonly=True)
    uploaded_on: datetime | None = field(default=generated, type="moment")

    def clean(self) -> None:
        """Refuse a new row without what the server requires of it: mostly its content is meant to come along.

        Raises:
            ConversionError: a new row has no storage, type or name.
        """
        missing = [name for name in _REQUIRED_OF_FILES if self.__dict__.get(name) is None]
        if state_of(self).stored or not missing:
            return
        model = type(self).__name__
        msg = (
            f"This new {model} has no {', '.join(missing)}. {model}.objects.upload(content) makes a file, with "
            "its row; a row that is saved by itself has no content, and needs these."
        )
        raise ConversionError(msg, model=model, field=missing[0])
