"""`User.me()`, `Role.mine()` and `User.invite()`, as users who may read all, some or nothing of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from directus_orm import AuthenticationError, QueryError, Session
from directus_orm.system import Role, User
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import user

Open = Callable[..., Session]


@pytest.fixture
def session(directus_server: DirectusServer) -> Iterator[Session]:
    with Session(directus_server.url, token=directus_server.token) as session:
        yield session


class Author(User):
    pass


def test_who_may_read_all_is_loaded_by_one_request(session: Session, directus_server: DirectusServer) -> None:
    with session.capture() as sent:
        me = User.me()
        assert me.email == directus_server.email
    assert len(sent) == 1
    assert isinstance(Author.me(), Author)
    assert me.role is not None
    assert [role.name for role in Role.mine()] == [me.role.name]


@pytest.mark.row_rules
def test_who_may_read_some_fields_gets_these(directus_server: DirectusServer, open_session: Open) -> None:
    if directus_server.version.startswith("12."):
        pytest.skip("Directus 12 without a licence has no rules for fields")
    fields = {"directus_users": ("id", "email")}
    with user(directus_server, "half-seeing", fields=fields, directus_users=["read"]) as token:
        me = User.me(using=open_session(directus_server.url, token=token))
    assert me.email is None
    assert isinstance(me.pk, UUID)


def test_who_may_read_nothing_knows_the_key(
    session: Session, directus_server: DirectusServer, open_session: Open
) -> None:
    with user(directus_server, "blind") as token:
        blind = open_session(directus_server.url, token=token)
        me, roles = User.me(using=blind), Role.mine(using=blind)
        known = User.objects.get(pk=me.pk)
        assert [role.pk for role in roles] == [known.role and known.role.pk]


def test_a_session_without_a_login_is_nobody(directus_server: DirectusServer, open_session: Open) -> None:
    public = open_session(directus_server.url)
    with pytest.raises(AuthenticationError):
        User.me(using=public)
    with pytest.raises(AuthenticationError):
        Role.mine(using=public)


def test_a_role_with_parents_brings_these(
    session: Session, directus_server: DirectusServer, open_session: Open
) -> None:
    if directus_server.version.startswith("10."):
        pytest.skip("roles of Directus 10 have no parents")
    parent = Role.objects.create(name="parent")
    child = Role.objects.create(name="child", parent=parent)
    someone = User.objects.create(role=child, token="token-of-a-child")
    try:
        roles = Role.mine(using=open_session(directus_server.url, token="token-of-a-child"))
        assert {role.pk for role in roles} == {parent.pk, child.pk}
    finally:
        for row in (someone, child, parent):
            row.delete()


def test_invited_people_are_users(session: Session) -> None:
    """No mail server is there, which only the log of the server says."""
    role = Role.objects.create(name="guests")
    emails = [f"{uuid4().hex}@example.com" for _ in range(3)]
    try:
        with session.capture() as sent:
            invited = User.invite(emails, role)
            assert [(each.email, each.status) for each in invited] == [(email, "invited") for email in emails]
        assert len(sent) == 3
        assert isinstance(Author.invite(emails[0], str(role.pk))[0], Author)
        with pytest.raises(QueryError, match="is not a key"):
            User.invite(emails, Role(name="unsaved"))
    finally:
        User.objects.filter(email__in=emails).delete()
        role.delete()


def test_the_class_methods_have_async_forms(session: Session, directus_server: DirectusServer) -> None:
    async def ask() -> tuple[User, list[Role], list[User]]:
        return await User.ame(), await Role.amine(), await User.ainvite([], uuid4())

    me, roles, invited = asyncio.run(ask())
    assert me.email == directus_server.email
    assert len(roles) == 1
    assert invited == []
