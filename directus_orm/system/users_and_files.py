"""Who may do what, and the files: users, roles, policies, access, permissions, folders and files.

They refer to one another, so they are defined together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ..fields.field import field, generated
from ..fields.to_many_declaration import many_to_many, one_to_many
from ..models.model import Model
from ..querysets.related import Related
from .people import RoleVerbs, UserVerbs

UserStatus = Literal["draft", "invited", "unverified", "active", "suspended", "archived", "inactive-license"]
PermissionAction = Literal["create", "read", "update", "delete", "share"]


class User(UserVerbs, collection="directus_users"):
    """A user. Passwords, tokens and second factors are shown as a mask, and never sent back.

    Example:
        >>> User.objects.filter(status="active", role__name="Editor")  # doctest: +SKIP
    """

    id: UUID = field(default=generated, primary_key=True)
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    password: str | None = field(default=None, type="hash")
    location: str | None = None
    title: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    avatar: File | None = None
    language: str | None = None
    tfa_secret: str | None = field(default=None, type="hash", readonly=True)
    status: UserStatus = field(default=generated)
    role: Role | None = None
    token: str | None = field(default=None, type="hash")
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
    policies: Related[Policy] = many_to_many("directus_access", source="user", target="policy", sort="sort")
    files: Related[File] = one_to_many("uploaded_by", listed=False)


class Role(RoleVerbs, collection="directus_roles"):
    """A role. Its policies say what its users may do; on Directus 10, the role itself says it."""

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
    policies: Related[Policy] = many_to_many("directus_access", source="role", target="policy", sort="sort")


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
    users: Related[User] = many_to_many("directus_access", source="policy", target="user")
    roles: Related[Role] = many_to_many("directus_access", source="policy", target="role")


class Access(Model, collection="directus_access"):
    """What gives a policy to a user, or to a role. Directus 11 and later have it."""

    id: UUID = field(default=generated, primary_key=True)
    policy: Policy
    user: User | None = None
    role: Role | None = None
    sort: int | None = None


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


class Folder(Model, collection="directus_folders"):
    """A folder of files."""

    id: UUID = field(default=generated, primary_key=True)
    name: str
    parent: Folder | None = None
    type: str = field(default=generated)
    children: Related[Folder] = one_to_many("parent", listed=False)
    files: Related[File] = one_to_many("folder", listed=False)


class File(Model, collection="directus_files"):
    """A file, as far as the database knows it.

    ``filename_disk`` is read-only: the server deletes whatever begins with the name of a file that is deleted.
    """

    id: UUID = field(default=generated, primary_key=True)
    storage: str = field(default=generated)
    filename_disk: str | None = field(default=generated, readonly=True)
    filename_download: str = field(default=generated)
    title: str | None = None
    type: str | None = None
    folder: Folder | None = field(default=generated)
    uploaded_by: User | None = field(default=generated)
    created_on: datetime = field(default=generated, type="moment")
    modified_by: User | None = field(default=generated)
    modified_on: datetime = field(default=generated, type="moment")
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
