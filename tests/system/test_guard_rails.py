"""Writes of Directus's own collections lose nothing and give nothing away by accident."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from directus_orm import (
    ConversionError,
    Count,
    InvalidRequest,
    Model,
    Protected,
    Q,
    QueryError,
    RecordNotUnique,
    Session,
    UnsupportedQuery,
)
from directus_orm.system import Access, File, Notification, Permission, Policy, Role, User
from directus_orm.testing import DirectusServer, start
from tests.worlds.server_setup import user

LAST = "guard rails"


@pytest.fixture(scope="module")
def server(directus_version: str) -> Iterator[DirectusServer]:
    """A server of its own, since a guard that fails could lock everybody out of it."""
    with start(directus_version) as server:
        yield server


@pytest.fixture
def session(server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator; what a test leaves is deleted after it."""
    with Session(server.url, token=server.token, timeout=120) as session:
        models: list[type[Model]] = [Permission, Role, File, User]
        if not server.version.startswith("10."):
            models[1:1] = [Access, Policy]
        before = {model: set(model.objects.values_list("pk", flat=True)) for model in models}
        yield session
        for model in models:
            new: Any = model.objects.exclude(pk__in=before[model])
            if model is Role:
                new.delete(suspend_users=True)
            else:
                new.delete()


@pytest.fixture
def is_10(server: DirectusServer) -> bool:
    return server.version.startswith("10.")


@pytest.fixture
def has_policies(is_10: bool) -> None:
    if is_10:
        pytest.skip("has no policies")


def new_user(**values: Any) -> User:
    return User.objects.create(**{"first_name": "Ada", "last_name": LAST, **values})


def sent(captured: Any) -> list[str]:
    """The writes among the requests that were captured."""
    return [each.request.method for each in captured if not each.request.reads]


# --- policies, and who gets them --------------------------------------------------------------------------------


def links(policy: Policy) -> list[tuple[Any, Any]]:
    """Who gets a policy, as the database has it: each a user, a role, or nobody, which means everybody."""
    rows = Access.objects.filter(policy=policy).values_list("user", "role")
    return sorted(rows, key=str)


@pytest.fixture
def ada(session: Session) -> User:
    return new_user()


@pytest.fixture
def role(session: Session) -> Role:
    return Role.objects.create(name="Editors")


@pytest.fixture
def policy(session: Session, has_policies: None, ada: User, role: Role) -> Policy:
    """A policy of a user, of a role, and of everybody."""
    policy = Policy.objects.create(name="mine")
    Access.objects.create(policy=policy, user=ada)
    Access.objects.create(policy=policy, role=role)
    Access.public(policy).save()
    return policy


class TestThePoliciesOfUsersAndOfRoles:
    def test_each_list_has_its_own_rows_alone(self, policy: Policy, ada: User, role: Role) -> None:
        assert (list(policy.users), list(policy.roles)) == ([ada], [role])
        assert (policy.users.count(), policy.roles.count(), len(policy.users), policy.users[:5].count()) == (
            1,
        ) * 4
        assert [row.user for row in policy.users.through] == [ada]
        assert [row.role for row in policy.roles.through] == [role]
        assert policy.users.through.count() == 1
        (prefetched,) = Policy.objects.filter(pk=policy.pk).prefetch_related("users", "roles")
        assert (list(prefetched.users), list(prefetched.roles)) == ([ada], [role])
        assert (list(ada.policies), list(role.policies)) == ([policy], [policy])

    def test_conditions_are_about_users_or_about_roles(self, policy: Policy, role: Role) -> None:
        of_roles = Policy.objects.create(name="of roles")
        Access.objects.create(policy=of_roles, role=role)
        ours = Policy.objects.filter(pk__in=[policy.pk, of_roles.pk])
        assert list(ours.filter(users__last_name=LAST)) == [policy]
        assert list(ours.filter(users=None)) == [of_roles]
        assert list(ours.filter(users__count=0)) == [of_roles]
        assert list(ours.exclude(users__last_name=LAST)) == [of_roles]
        assert list(ours.filter(users__none=Q(last_name=LAST))) == [of_roles]
        assert ours.filter(roles__name="Editors").count() == 2

    def test_setting_and_clearing_one_list_leaves_the_other_and_the_public_link(
        self, policy: Policy, ada: User, role: Role
    ) -> None:
        grace = new_user(first_name="Grace")
        policy.users.set([grace])
        assert links(policy) == sorted([(grace.pk, None), (None, role.pk), (None, None)], key=str)
        policy.users.clear()
        assert links(policy) == sorted([(None, role.pk), (None, None)], key=str)
        policy.users.add(ada)
        policy.roles.clear()
        assert links(policy) == sorted([(ada.pk, None), (None, None)], key=str)
        policy.users.remove(ada)
        role.policies.set([policy])
        ada.policies.set([])
        assert links(policy) == sorted([(None, role.pk), (None, None)], key=str)
        role.policies.clear()
        assert links(policy) == [(None, None)]

    def test_deleting_the_links_of_one_list_leaves_the_other(self, policy: Policy, role: Role) -> None:
        assert policy.users.through.delete() == 1
        assert links(policy) == sorted([(None, role.pk), (None, None)], key=str)

    def test_adding_a_policy_twice_links_it_once(self, policy: Policy, ada: User) -> None:
        policy.users.add(ada)
        ada.policies.add(policy)
        ada.policies.add(policy.pk)
        assert Access.objects.filter(policy=policy, user=ada).count() == 1


class TestAccess:
    def test_is_for_one_user_or_one_role(self, policy: Policy, ada: User, role: Role, session: Session) -> None:
        wrong = [Access(policy=policy), Access(policy=policy, user=ada, role=role)]
        wrong.append(Access(policy=policy, user=None, role=None))
        with session.capture() as captured:
            for access in wrong:
                with pytest.raises(ConversionError, match=r"Access\.public\(policy\)"):
                    access.save()
                with pytest.raises(ConversionError, match="it takes one"):
                    Access.objects.bulk_create([access])
                with pytest.raises(ConversionError):
                    Access.objects.upsert([access])
        assert not captured
        policy.users.through.create(policy=policy, user=new_user())
        with pytest.raises(ConversionError):
            policy.users.through.create(policy=policy)

    def test_for_everybody_is_said_explicitly(self, policy: Policy) -> None:
        other = Policy.objects.create(name="for all")
        access = Access.public(other)
        assert access.pk is None
        Access.objects.bulk_create([access, Access.public(policy.pk)])
        assert links(other) == [(None, None)]
        access.sort = 3
        access.save()
        assert Access.objects.get(pk=access.pk).sort == 3

    def test_is_not_made_public_or_double_by_a_change(self, policy: Policy, ada: User, role: Role) -> None:
        (access,) = policy.users.through
        access.user = None
        with pytest.raises(ConversionError, match="neither a user nor a role"):
            access.save()
        with pytest.raises(ConversionError):
            Access.objects.bulk_update([access], ["user"])
        unread = Access.objects.ref(access.pk)
        unread.role = role
        with pytest.raises(ConversionError, match="a user and a role"):
            unread.save()
        moved = Access.objects.get(pk=access.pk)
        moved.user, moved.role = None, role
        moved.save()
        assert (None, role.pk) in links(policy)
        for rows in (Access.objects.filter(policy=policy), policy.roles.through):
            for name in ("user", "role"):
                with pytest.raises(QueryError, match="save or bulk_update"):
                    rows.update(**{name: None})
        assert policy.roles.through.update(sort=1) == 2


# --- roles and their users --------------------------------------------------------------------------------------


class TestDeletingARoleThatHasUsers:
    def test_is_refused(self, session: Session, role: Role) -> None:
        ada = new_user(role=role)
        with session.capture() as captured:
            for delete in (role.delete, Role.objects.filter(pk=role.pk).delete):
                with pytest.raises(
                    Protected, match=r"suspend its users \(1\).*reassign=other.*suspend_users=True"
                ):
                    delete()
            with pytest.raises(Protected):
                asyncio.run(role.adelete())
            with pytest.raises(QueryError, match="not both"):
                role.delete(reassign=uuid4(), suspend_users=True)
            with pytest.raises(QueryError, match="is deleted itself"):
                role.delete(reassign=role)
            with pytest.raises(TypeError, match="takes a Role that is saved"):
                role.delete(reassign=Role(name="unsaved"))
            with pytest.raises(TypeError, match="takes a Role that is saved"):
                role.delete(reassign=ada)  # no role
        assert not sent(captured)
        ada.refresh()
        assert (ada.status, ada.role) == ("active", role)

    def test_gives_them_another_role_first(self, session: Session, role: Role) -> None:
        other, third = Role.objects.bulk_create([Role(name="Others"), Role(name="Third")])
        users = [new_user(role=role) for _ in range(2)]
        role.delete(reassign=other)
        assert Role.objects.filter(name="Others").delete(reassign=third.pk) == 1
        for each in users:
            each.refresh()
            assert (each.status, each.role) == ("active", third)

    def test_suspends_them_if_that_is_meant(self, session: Session, role: Role) -> None:
        ada = new_user(role=role)
        role.delete(suspend_users=True)
        ada.refresh()
        assert (ada.status, ada.role) == ("suspended", None)

    def test_is_refused_if_its_users_may_be_hidden(
        self, session: Session, role: Role, server: DirectusServer
    ) -> None:
        with (
            user(server, "role-deleter", directus_roles=["read", "delete"]) as token,
            Session(server.url, token=token) as limited,
        ):
            mine = Role.objects.using(limited).ref(role.pk)
            with limited.capture() as captured, pytest.raises(Protected, match="users that this user may not see"):
                mine.delete()
            assert not sent(captured)

    def test_without_users_needs_no_choice(self, session: Session, role: Role) -> None:
        role.delete()
        assert not Role.objects.filter(pk=role.pk).exists()

    def test_leaves_its_children_without_a_parent(self, session: Session, role: Role, has_policies: None) -> None:
        child = Role.objects.create(name="Child", parent=role)
        role.delete()
        child.refresh()
        assert child.parent is None


def test_users_move_from_role_to_role_by_its_list(session: Session, role: Role) -> None:
    """Directus 10 answers 500 to changes of this list that lack one of create, update and delete."""
    other = Role.objects.create(name="Others")
    users = [new_user() for _ in range(3)]
    role.users.add(*users)
    other.users.add(users[0])
    role.users.remove(users[1])
    assert [set(each.users) for each in (role, other)] == [{users[2]}, {users[0]}]
    role.users.set([users[1]])
    other.users.clear()
    fourth = role.users.create(last_name=LAST)
    assert [set(each.users) for each in (role, other)] == [{users[1], fourth}, set()]


# --- users and their files --------------------------------------------------------------------------------------


@pytest.fixture
def owner(session: Session, server: DirectusServer) -> User:
    """A user who uploaded one file and changed another."""
    token = uuid4().hex
    me: User = User.objects.only("role").get(role__isnull=False, email=server.email)
    owner = new_user(token=token, role=me.role)
    upload(server, token)
    other = upload(server, server.token)
    answer = requests.patch(
        f"{server.url}/files/{other}", json={"title": "changed"}, headers=bearer(token), timeout=60
    )
    assert answer.ok
    return owner


def upload(server: DirectusServer, token: str) -> str:
    files = {"file": ("a.txt", b"text", "text/plain")}
    answer = requests.post(f"{server.url}/files", files=files, headers=bearer(token), timeout=60)
    return str(answer.json()["data"]["id"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestDeletingAUserWhoHasFiles:
    def test_is_refused_before_anything_is_sent(self, session: Session, owner: User) -> None:
        notification = Notification.objects.create(recipient=new_user(), sender=owner, subject="hello")
        with session.capture() as captured:
            for delete in (owner.delete, User.objects.filter(pk=owner.pk).delete):
                with pytest.raises(Protected, match=r"changed them \(2\).*transfer_to=other.*transfer_to=None"):
                    delete()
            with pytest.raises(Protected):
                asyncio.run(User.objects.filter(pk=owner.pk).adelete())
            with pytest.raises(TypeError, match="takes a User that is saved"):
                owner.delete(transfer_to=User())
            with pytest.raises(QueryError, match="is deleted itself"):
                owner.delete(transfer_to=owner.pk)
        assert not sent(captured)
        notification.refresh()
        assert notification.sender == owner

    def test_gives_them_to_another_user(self, session: Session, owner: User, server: DirectusServer) -> None:
        heir = new_user()
        notification = Notification.objects.create(recipient=heir, sender=owner, subject="hello")
        owner.delete(transfer_to=heir)
        assert File.objects.filter(uploaded_by=heir).count() == 1
        assert {file.modified_by.email for file in File.objects.all() if file.modified_by} == {server.email}
        notification.refresh()
        assert notification.sender == heir
        assert not User.objects.filter(pk=owner.pk).exists()

    def test_leaves_them_to_nobody_if_that_is_meant(self, session: Session, owner: User) -> None:
        notification = Notification.objects.create(recipient=new_user(), sender=owner, subject="hello")
        assert User.objects.filter(pk=owner.pk).delete(transfer_to=None) == 1
        assert File.objects.filter(uploaded_by=None).count() == 1
        notification.refresh()
        assert notification.sender is None

    def test_finds_a_user_who_only_changed_a_file(self, session: Session, owner: User) -> None:
        File.objects.filter(uploaded_by=owner).delete()
        with pytest.raises(Protected, match=r"\(1\)"):
            owner.delete()

    def test_without_files_needs_no_choice(self, session: Session) -> None:
        new_user().delete()
        role = Role.objects.create(name="Crowd")
        for _ in range(2):
            new_user(role=role)
        assert role.users.delete() == 2


# --- the last administrator -------------------------------------------------------------------------------------


class TestTheLastAdministrator:
    @pytest.fixture
    def admin(self, session: Session, server: DirectusServer) -> User:
        admin: User = User.objects.get(email=server.email)
        new_user(role=admin.role, status="suspended")  # who cannot log in, and does not count
        return admin

    def test_stays(self, session: Session, admin: User, role: Role) -> None:
        def save(**values: Any) -> None:
            user = User.objects.get(pk=admin.pk)
            for name, value in values.items():
                setattr(user, name, value)
            user.save()

        def bulk_update(value: Any) -> None:
            user = User.objects.get(pk=admin.pk)
            user.role = value
            User.objects.bulk_update([user], ["role"])

        one = User.objects.filter(pk=admin.pk)
        assert admin.role
        admins = admin.role
        ways: dict[str, Any] = {
            "save without a role": lambda: save(role=None),
            "save with another role": lambda: save(role=role),
            "save as suspended": lambda: save(status="suspended"),
            "update without a role": lambda: one.update(role=None),
            "update with another role": lambda: one.update(role=role),
            "update as archived": lambda: one.update(status="archived"),
            "bulk_update": lambda: bulk_update(None),
            "bulk_update with another role": lambda: bulk_update(role),
            "upsert": lambda: User.objects.upsert([User(id=admin.pk, role=None)]),
            "delete": lambda: User.objects.get(pk=admin.pk).delete(transfer_to=None),
            "delete by query": lambda: one.delete(transfer_to=None),
            "remove": lambda: admins.users.remove(admin),
            "clear": lambda: admins.users.clear(),
            "set": lambda: admins.users.set([]),
            "add to another role": lambda: role.users.add(admin),
            "delete the role": lambda: Role.objects.get(pk=admins.pk).delete(suspend_users=True),
            "give its users another role": lambda: Role.objects.get(pk=admins.pk).delete(reassign=role),
        }
        for name, way in ways.items():
            with pytest.raises(InvalidRequest) as caught:
                way()
            assert caught.value.code == "UNPROCESSABLE_CONTENT", name
            assert "admin" in str(caught.value), name
            me = User.objects.get(pk=admin.pk)
            assert (me.role, me.status) == (admins, "active"), name

    def test_keeps_the_rights_of_the_role(self, session: Session, admin: User, is_10: bool) -> None:
        """Directus 10 takes them away, as soon as another role has them, though nobody has that role."""
        assert admin.role
        if not is_10:
            pytest.skip("where roles have no rights of their own")
        Role.objects.create(name="Administrators without anybody", admin_access=True)
        role = Role.objects.get(pk=admin.role.pk)
        role.admin_access = False
        ways: list[Any] = [
            role.save,
            lambda: Role.objects.filter(pk=role.pk).update(admin_access=False),
            lambda: Role.objects.bulk_update([role], ["admin_access"]),
        ]
        for way in ways:
            with pytest.raises(InvalidRequest, match="nobody would be an administrator"):
                way()

    def test_may_go_when_there_is_another(self, session: Session, admin: User, role: Role) -> None:
        second = new_user(role=admin.role)
        second.role = role
        second.save()
        assert User.objects.get(pk=second.pk).role == role
        second.role = admin.role
        second.save()
        assert User.objects.get(pk=second.pk).role == admin.role
        second.delete()
        assert not User.objects.filter(pk=second.pk).exists()

    def test_may_get_another_role_of_administrators(self, session: Session, admin: User, is_10: bool) -> None:
        if not is_10:
            pytest.skip("where policies say who is an administrator")
        other = Role.objects.create(name="Also administrators", admin_access=True)
        before, admin.role = admin.role, other
        admin.save()
        admin.role = before
        admin.save()
        assert User.objects.get(pk=admin.pk).role == before

    def test_other_changes_ask_nothing(self, session: Session, admin: User) -> None:
        with session.capture() as captured:
            admin.title = "Dr"
            admin.save()
        assert [each.request.method for each in captured] == ["PATCH"]


# --- secrets, and fields that only the server writes ------------------------------------------------------------


class TestFieldsOfUsers:
    def test_secrets_that_were_read_are_not_sent_back(self, session: Session, server: DirectusServer) -> None:
        email, token = f"{uuid4().hex}@example.com", uuid4().hex
        key = new_user(email=email, password="only-for-tests", token=token).pk
        user = User.objects.get(pk=key)
        assert {user.password, user.token} == {"**********"}
        user.title = "Dr"
        with session.capture() as captured:
            user.save()
            User.objects.upsert([user])
            User.objects.bulk_update([user], ["title"])
        assert not {"password", "token", "tfa_secret"} & {
            name for each in captured if each.request.method != "GET" for name in _names(each.request.json)
        }
        login = {"email": email, "password": "only-for-tests"}
        assert requests.post(f"{server.url}/auth/login", json=login, timeout=60).ok
        assert requests.get(f"{server.url}/users/me", headers=bearer(token), timeout=60).ok

    @pytest.mark.parametrize("name", ["password", "token"])
    def test_empty_secrets_are_refused(self, session: Session, name: str) -> None:
        empty: dict[str, Any] = {name: ""}
        user = new_user()
        setattr(user, name, "")
        with session.capture() as captured:
            for way in (
                user.save,
                lambda: new_user(**empty),
                lambda: User.objects.filter(pk=user.pk).update(**empty),
                lambda: User.objects.bulk_create([User(**empty)]),
            ):
                with pytest.raises(ConversionError, match=f"User.{name} cannot be empty"):
                    way()
        assert not sent(captured)
        User.objects.filter(pk=user.pk).update(**{name: None})

    def test_one_address_for_several_users_is_refused(self, session: Session) -> None:
        users = [new_user() for _ in range(3)]
        rows = User.objects.filter(pk__in=[user.pk for user in users])
        with session.capture() as captured, pytest.raises(QueryError, match="3 rows of User one address"):
            rows.update(email="a@example.com")
        assert not sent(captured)
        assert rows[:1].update(email="A@example.com") == 1
        assert rows.update(email=None) == 3
        for n, each in enumerate(users):
            each.email = f"{n}{uuid4().hex}@example.com"
        assert User.objects.bulk_update(users, ["email"]) == 3
        taken = str(users[0].email).upper()
        with pytest.raises(RecordNotUnique):
            new_user(email=taken)

    def test_the_second_factor_is_readonly(self, session: Session) -> None:
        with pytest.raises(QueryError, match="tfa_secret is readonly"):
            User.objects.filter(last_name=LAST).update(tfa_secret="x")
        with pytest.raises(ConversionError, match="tfa_secret is readonly"):
            new_user(tfa_secret="x")
        with pytest.raises(ConversionError, match="'bogus'"):
            new_user(status="bogus")

    def test_a_provider_needs_a_licence_on_directus_12(self, session: Session, server: DirectusServer) -> None:
        if not server.version.startswith("12."):
            pytest.skip("takes any provider")
        with pytest.raises(InvalidRequest, match=r"provider.*license"):
            new_user(provider="github")


def _names(json: Any) -> set[str]:
    rows = json if isinstance(json, list) else [json]
    return {name for row in rows if isinstance(row, dict) for name in {**row, **row.get("data", {})}}


def test_the_name_of_a_file_on_the_disk_is_readonly(session: Session, server: DirectusServer) -> None:
    """The server deletes all files whose names on the disk begin with that of a file that is deleted."""
    file = File.objects.get(pk=upload(server, server.token))
    name, file.filename_disk = file.filename_disk, "a.txt"
    given: dict[str, Any] = {
        "storage": "local",
        "filename_download": "a.txt",
        "type": "text/plain",
        "filename_disk": "a.txt",
    }
    ways: list[Any] = [
        file.save,
        lambda: File.objects.create(**given),
        lambda: File.objects.bulk_create([File(**given)]),
        lambda: File.objects.bulk_update([file], ["filename_disk"]),
        lambda: File.objects.upsert([file]),
        lambda: File.objects.filter(pk=file.pk).update(filename_disk="a.txt"),
    ]
    with session.capture() as captured:
        for way in ways:
            with pytest.raises((ConversionError, QueryError), match="filename_disk is readonly"):
                way()
    assert not sent(captured)
    file.refresh()
    assert file.filename_disk == name


def test_a_new_file_without_a_content_is_refused_with_the_way_to_make_one(session: Session) -> None:
    ways: list[Any] = [
        lambda: File(title="Letter").save(),
        lambda: File.objects.create(title="Letter", type="text/plain"),
        lambda: File.objects.bulk_create([File(title="Letter", storage="local", filename_download="a.txt")]),
        lambda: File.objects.upsert([File(title="Letter")]),
        lambda: User(first_name="Ann", avatar=File(title="Portrait")).save(),
    ]
    with session.capture() as captured:
        for way in ways:
            with pytest.raises(ConversionError, match=r"File\.objects\.upload\(content\) makes a file"):
                way()
    assert not sent(captured)


def test_the_row_of_a_file_can_be_made_by_itself(session: Session) -> None:
    file = File.objects.create(storage="local", filename_download="a.txt", type="text/plain")
    file.title = "Letter"
    file.save()
    file.replace(b"Dear reader")
    assert file.read() == b"Dear reader"
    file.delete()


# --- permissions ------------------------------------------------------------------------------------------------

MANY = 150


@pytest.fixture
def holders(session: Session, is_10: bool) -> list[dict[str, Any]]:
    """Who may do what: on Directus 10, which shows one permission of each role and action, as many roles."""
    if is_10:
        roles = Role.objects.bulk_create(Role(name=f"r{n}") for n in range(MANY))
        return [{"role": role} for role in roles]
    return [{"policy": Policy.objects.create(name="many")}] * MANY


@pytest.mark.row_rules
class TestPermissions:
    """The server adds rows that are not stored to these lists, and ignores their limit."""

    @pytest.fixture
    def permissions(self, session: Session, server: DirectusServer, holders: list[Any]) -> list[Permission]:
        if server.version.startswith("12."):
            pytest.skip("without a licence it has no permissions with rules")
        new = (Permission(collection="directus_files", action="read", fields=["id"], **each) for each in holders)
        made = Permission.objects.bulk_create(new)
        assert all(permission.pk for permission in made)
        return sorted(made, key=lambda permission: int(permission.pk))

    def test_lists_have_the_stored_rows_each_once(self, permissions: list[Permission]) -> None:
        keys = [permission.pk for permission in permissions]
        assert [row.pk for row in Permission.objects.order_by("id")] == keys
        assert [row.pk for row in Permission.objects.order_by("-id").iterator(page_size=40)] == keys[::-1]
        assert sorted(row.pk for row in Permission.objects.order_by("action", "id").iterator(page_size=40)) == keys
        assert list(Permission.objects.order_by("id").values_list("id", flat=True)) == keys
        assert Permission.objects.count() == len(Permission.objects.all()) == MANY
        assert [row.pk for row in Permission.objects.order_by("-id")[2:5]] == keys[-3:-6:-1]
        first, last = Permission.objects.order_by("id").first(), Permission.objects.order_by("id").last()
        assert first == permissions[0]
        assert last == permissions[-1]
        page = Permission.objects.order_by("id").page(2, 70)
        assert ([row.pk for row in page.rows], page.total) == (keys[70:140], MANY)
        assert list(Permission.objects.in_bulk([*keys[:3], 10**6])) == keys[:3]
        assert not Permission.objects.filter(collection="directus_activity").exists()
        with pytest.raises(UnsupportedQuery, match=r"use count\(\)"):
            Permission.objects.aggregate(n=Count("*"))

    def test_one_that_does_not_exist_is_not_found(self, permissions: list[Permission]) -> None:
        with pytest.raises(Permission.DoesNotExist):
            Permission.objects.get(pk=10**6)
        with pytest.raises(Permission.DoesNotExist):
            print(Permission.objects.ref(10**6).collection)

    def test_writes_by_query_count_the_stored_rows(self, permissions: list[Permission]) -> None:
        rows = Permission.objects.filter(collection="directus_files")
        assert rows.update(fields=["id", "title"]) == MANY
        one = Permission.objects.get(pk=permissions[5].pk)
        assert one.fields == ["id", "title"]
        one.fields = ["*"]
        one.save()
        assert Permission.objects.get(pk=one.pk).fields == ["*"]
        assert Permission.objects.bulk_update(permissions, ["fields"]) == MANY
        assert Permission.objects.filter(pk__in=[row.pk for row in permissions[:20]]).delete() == 20
        assert Permission.objects.count() == MANY - 20

    def test_their_holders_load_for_all_at_once(self, permissions: list[Permission], is_10: bool) -> None:
        for row in Permission.objects.order_by("id")[:30]:
            assert (row.role if is_10 else row.policy) in [
                getattr(each, "role" if is_10 else "policy") for each in permissions
            ]

    def test_those_that_directus_10_merges_are_refused(self, permissions: list[Permission], is_10: bool) -> None:
        if not is_10:
            pytest.skip("shows each row")
        doubled = permissions[3].role
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            second = Permission.objects.create(collection="directus_files", action="read", role=doubled)
        try:
            with pytest.raises(UnsupportedQuery, match="of the same role, collection and action as one"):
                list(Permission.objects.all())
            assert Permission.objects.filter(role=permissions[4].role).count() == 1
        finally:
            second.delete()
