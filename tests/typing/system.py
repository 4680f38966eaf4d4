"""What type checkers know of Directus's own collections. Checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from directus_orm import Model, Related, Session, field, generated
from directus_orm.system import Access, File, Folder, Permission, Policy, Role, User
from directus_orm.system.contents.file_contents import FileUploads
from directus_orm.system.deletions import RoleRows, UserRows


class Author(User):
    twitter: str | None = None


class Article(Model):
    id: int = field(default=generated, primary_key=True)
    user_created: User | None = field(default=generated, readonly=True)
    author: Author


def relations(article: Article, file: File, role: Role, user: User, policy: Policy, folder: Folder) -> None:
    if article.user_created is not None:
        assert_type(article.user_created.email, str | None)
    print(article.user_created.email)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    assert_type(file.uploaded_by, User | None)
    assert_type(role.users, Related[User])
    assert_type([each.email for each in role.users], list[str | None])
    assert_type(role.name, str)
    if user.role is not None:
        assert_type(user.role.name, str)
    assert_type(user.policies, Related[Policy])
    assert_type(policy.permissions, Related[Permission])
    assert_type(folder.children.filter(name="x"), Related[Folder])
    assert_type(user.files.first(), File | None)
    assert_type(article.author.twitter, str | None)


def deleting(user: User, role: Role, session: Session) -> None:
    user.delete()
    user.delete(transfer_to=None)
    user.delete(transfer_to=user)
    role.delete(reassign=role)
    role.delete(suspend_users=True)
    role.delete(transfer_to=role)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(User.objects.all(), UserRows[User])
    assert_type(Author.objects.filter(twitter="@ada"), UserRows[Author])
    assert_type(Author.objects.get(pk=1), Author)
    assert_type(User.objects.filter(status="archived").delete(transfer_to=user), int)
    assert_type(Role.objects.using(session), RoleRows[Role])
    assert_type(Role.objects.filter(name="x").delete(reassign=role), int)
    assert_type(File.objects.all(), FileUploads[File])
    assert_type(File.objects.upload("photo.jpg"), File)
    assert_type(File.objects.get(pk=1).read(), bytes)


async def deleting_in_asyncio(user: User, role: Role) -> None:
    await user.adelete(transfer_to=None)
    await role.adelete(reassign=role)
    assert_type(await User.objects.filter(status="archived").adelete(transfer_to=user), int)
    assert_type(await Role.objects.filter(name="x").adelete(suspend_users=True), int)


def access(policy: Policy, values: dict[str, Any]) -> None:
    assert_type(Access.public(policy), Access)
    assert_type(Access(policy=policy, **values).user, User | None)
