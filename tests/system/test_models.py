"""The models of Directus's own collections are used as any other model, on each version and database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from directus_orm import Count, DoesNotExist, InvalidRequest, Max, Min, Model, Session, UnsupportedQuery, system
from directus_orm.system import (
    Access,
    Activity,
    Comment,
    ContentVersion,
    Dashboard,
    File,
    Flow,
    Folder,
    Notification,
    Operation,
    Panel,
    Permission,
    Policy,
    Preset,
    Revision,
    Role,
    Settings,
    Share,
    Translation,
    User,
    Webhook,
)
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, upload

# More than the 100 rows that some routes return at most; by hand, 1,500 were tested as well.
USERS = int(os.environ.get("SYSTEM_USERS", "230"))

MODELS = [
    model
    for model in (getattr(system, name) for name in system.__all__)
    if isinstance(model, type) and issubclass(model, Model)
]
SINCE_11 = {Access, Comment, Policy}
UNTIL_10 = {Webhook}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    """A server with one collection of its own, whose rows have comments, versions and shares."""
    name = "directus_server" if request.param == "sqlite" else "directus_postgres"
    server: DirectusServer = request.getfixturevalue(name)
    make_collection(server, "system_notes", column("name", "string"), versioning=True)
    yield server
    drop_collection(server, "system_notes")


@pytest.fixture
def session(server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator; it knows nothing of the server yet."""
    with Session(server.url, token=server.token, timeout=300) as session:
        yield session


@pytest.fixture
def major(server: DirectusServer) -> int:
    return int(server.version.partition(".")[0])


@pytest.fixture
def note(session: Session) -> Iterator[str]:
    """The key of a row of an ordinary collection, as other collections refer to it."""
    key = session.items("system_notes").create({"name": "one"})["id"]
    yield str(key)
    session.items("system_notes").delete(key)


@pytest.fixture
def me(session: Session) -> User:
    return User.objects.get(pk=session.get("/users/me", params={"fields": "id"})["id"])


def has(model: type[Model], major: int) -> bool:
    return model not in (UNTIL_10 if major > 10 else SINCE_11)


def paths(sent: Any) -> list[tuple[str, str]]:
    return [(each.request.method, each.request.path) for each in sent]


# --- what a version has -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_collection_is_read_or_the_error_names_the_versions_that_have_it(
    session: Session, major: int, model: type[Any]
) -> None:
    rows = model.objects.all()
    if not has(model, major):
        with pytest.raises(InvalidRequest, match="Directus 11 and later" if major == 10 else "only Directus 10"):
            list(rows)
        return
    if model is Settings:
        assert isinstance(model.objects.get().project_name, str)
        return
    found = list(rows.order_by("-pk")[:500])
    assert rows.count() >= len(found)
    page = rows.order_by("-pk").page(1, 2)
    assert page.rows == found[:2]
    assert page.total >= len(found)
    assert list(rows.order_by("-pk").values_list("pk", flat=True)[:500]) == [row.pk for row in found]
    assert rows.filter(pk__in=[row.pk for row in found[:20]]).count() == len(found[:20])
    assert {**model.objects.in_bulk([row.pk for row in found[:20]])} == {row.pk: row for row in found[:20]}
    if found:
        found[0].refresh()
        assert model.objects.get(pk=found[0].pk) == found[0]


def test_the_first_request_is_the_query_and_fields_of_some_versions_load_when_they_are_read(
    session: Session, major: int
) -> None:
    with session.capture() as sent:
        user = User.objects.order_by("id")[0]
    assert paths(sent) == [("GET", "/users")]
    assert "text_direction" not in user.__dict__
    with session.capture() as sent:
        if major == 10:
            with pytest.raises(
                UnsupportedQuery, match=r"User.text_direction: .* runs Directus 10, and Directus 11 and later have"
            ):
                user.text_direction
        else:
            assert user.text_direction == "auto"
    assert paths(sent) == [("GET", "/server/info"), *[("SEARCH", "/users")] * (major > 10)]
    with session.capture() as sent:
        again = User.objects.order_by("id")[0]
        assert again.__dict__.get("text_direction") == (None if major == 10 else "auto")
    assert paths(sent) == [("GET", "/users")]


def test_columns_of_other_versions_are_refused_in_every_place_that_names_them(
    session: Session, major: int
) -> None:
    name, value = ("parent", None) if major == 10 else ("admin_access", True)
    versions = "Directus 11 and later have" if major == 10 else "only Directus 10 and older have"
    role = Role.objects.create(name="of versions")
    other: Any = {"parent": role} if major == 10 else {"admin_access": True}
    try:
        for attempt in (
            lambda: Role.objects.filter(**{name: value}).count(),
            lambda: list(Role.objects.order_by(name)),
            lambda: list(Role.objects.values(name)),
            lambda: list(Role.objects.values_list(name, flat=True)),
            lambda: list(User.objects.filter(**{f"role__{name}": value})),
            lambda: list(User.objects.values(f"role__{name}")),
            lambda: Role.objects.filter(name="of versions").update(**{name: value}),
            lambda: Role.objects.create(name="not made", **other),
            lambda: Role.objects.bulk_create([Role(name="not made", **other)]),
            lambda: list(Role.objects.values(name).annotate(n=Count("*"))),
            lambda: Role.objects.filter(name="of versions").aggregate(n=Count(name)),
        ):
            with pytest.raises(UnsupportedQuery, match=rf"Role.{name}: this server runs .*{versions}"):
                attempt()
        assert not Role.objects.filter(name="not made").exists()
    finally:
        role.delete()


def test_lists_of_other_versions_are_refused_in_every_place_that_names_them(session: Session, major: int) -> None:
    if major != 10:
        pytest.skip("where all lists of the models are")
    for attempt in (
        lambda: list(User.objects.prefetch_related("policies")),
        lambda: list(User.objects.filter(policies__name="x")),
        lambda: list(User.objects.annotate(n=Count("policies"))),
        lambda: list(User.objects.order_by("id")[0].policies),
        lambda: list(Role.objects.filter(children__name="x")),
    ):
        with pytest.raises(UnsupportedQuery, match="this server runs Directus 10, and Directus 11 and later have"):
            attempt()


def test_rows_of_directus_itself_are_not_written(session: Session, me: User) -> None:
    activity, revision = Activity.objects.ref(1), Revision.objects.ref(1)
    with session.capture() as sent:
        for attempt in (
            lambda: Activity.objects.create(action="x"),
            lambda: Activity(action="x").save(),
            lambda: Activity.objects.bulk_create([Activity(action="x")]),
            activity.delete,
            lambda: revision.delete(),
            lambda: Revision.objects.filter(pk=0).update(item="x"),
            lambda: Revision.objects.filter(pk=0).delete(),
            lambda: Revision.objects.bulk_update([Revision(id=1, item="1")], ["item"]),
        ):
            with pytest.raises(UnsupportedQuery, match=r"Directus itself makes .* you can read them, but"):
                attempt()
    assert not sent


# --- create, update, delete -------------------------------------------------------------------------------------


def _changes(major: int, note: str, me: User, role: Role) -> list[tuple[Any, str, Any]]:
    """Unsaved rows, each with a field to change and its new value."""
    holder = {"role": role} if major == 10 else {"policy": Policy.objects.create(name="made")}
    rows: list[tuple[Any, str, Any]] = [
        (Dashboard(name="made"), "color", "#112233"),
        (Folder(name="made"), "name", "made, too"),
        (Preset(bookmark="made", collection="system_notes", user=me), "layout_query", {"tabular": {"page": 1}}),
        (Preset(bookmark="made", collection="system_notes", role=role), "filter", {"name": {"_eq": "x"}}),
        (Notification(subject="made", recipient=me), "status", "archived"),
        (Share(name="made", collection="system_notes", item=note, role=role), "max_uses", 3),
        (Translation(language="en-US", key=f"k{uuid4().hex}", value="made"), "value", "made, too"),
        (Role(name="made"), "description", "a role"),
        (User(first_name="made", tags=["a"]), "tags", ["b", "c"]),
        (Flow(name="made", trigger_type="manual", options={"collections": []}), "status", "inactive"),
        (ContentVersion(key="draft2", collection="system_notes", item=note), "name", "second"),
        (Permission(collection="system_notes", action="read", fields=["*"], **holder), "fields", ["*"]),
    ]
    if major > 10:
        rows += [
            (Policy(name="made", ip_access=["127.0.0.1"]), "ip_access", ["10.0.0.0/8", "127.0.0.1"]),
            (Access(user=User.objects.create(first_name="made"), **holder), "sort", 3),
            (Comment(collection="system_notes", item=note, comment="made"), "comment", "made, too"),
        ]
    return rows


def test_rows_are_created_changed_and_deleted(session: Session, major: int, note: str, me: User) -> None:
    role = Role.objects.create(name="made")
    try:
        for row, name, value in _changes(major, note, me, role):
            model = type(row)
            row.save()
            assert isinstance(row.pk, int | UUID), model
            stored = model.objects.get(pk=row.pk)
            assert stored.to_dict() == row.to_dict(), model
            with session.capture() as sent:
                stored.save()
            assert not sent, model
            setattr(stored, name, value)
            stored.save()
            row.refresh()
            assert getattr(row, name) == value, model
            assert model.objects.filter(pk=row.pk).update(**{name: value}) == 1
            assert model.objects.bulk_update([stored], [name]) == 1
            stored.save(if_unmodified=True)
            row.delete()
            with pytest.raises(DoesNotExist):
                model.objects.get(pk=stored.pk)
            with pytest.raises(DoesNotExist):
                stored.refresh()
    finally:
        for model in (User, Role, *([Policy] if major > 10 else [])):
            keys = "first_name" if model is User else "name"
            model.objects.filter(**{keys: "made"}).delete()


def test_several_rows_are_created_and_deleted_at_once(session: Session, major: int, me: User) -> None:
    kinds: dict[Any, Callable[[int], Any]] = {
        Folder: lambda n: Folder(name=f"many {n}"),
        Dashboard: lambda n: Dashboard(name=f"many {n}"),
        Preset: lambda n: Preset(bookmark=f"many {n}", user=me),
        Notification: lambda n: Notification(subject=f"many {n}", recipient=me),
        Translation: lambda n: Translation(language="de-DE", key=f"many {n}", value="x"),
        Flow: lambda n: Flow(name=f"many {n}"),
    }
    for model, make in kinds.items():
        if model is Notification and major == 10:
            continue  # creating several at once, this server waits for itself until it gives up
        made = model.objects.bulk_create([make(n) for n in range(5)])
        keys = [row.pk for row in made]
        rows = model.objects.filter(pk__in=keys)
        name = {Preset: "bookmark", Notification: "subject", Translation: "key"}.get(model, "name")
        assert [getattr(row, name) for row in rows.order_by(name)] == [f"many {n}" for n in range(5)]
        assert list(model.objects.in_bulk(keys)) == keys
        assert rows.filter(**{f"{name}__in": ["many 1", "many 3"]}).count() == 2
        assert rows.delete() == 5
        assert not rows.all().exists()


def test_a_dashboard_is_saved_with_its_panels(session: Session) -> None:
    place = {"type": "label", "position_x": 1, "position_y": 1, "width": 4, "height": 4}
    dashboard = Dashboard(name="with panels")
    panels = [
        Panel(dashboard=dashboard, name=f"p{n}", options={"text": str(n)}, **place)  # type: ignore[arg-type]
        for n in range(3)
    ]
    dashboard.panels.add(*panels)
    with session.capture() as sent:
        dashboard.save()
    assert paths(sent) == [("POST", "/dashboards")]
    try:
        stored = Dashboard.objects.prefetch_related("panels").get(pk=dashboard.pk)
        assert sorted(panel.name or "" for panel in stored.panels) == ["p0", "p1", "p2"]
        assert Panel.objects.filter(dashboard__name="with panels", name="p1").get().options == {"text": "1"}
        assert Dashboard.objects.filter(panels__name="p2").get() == stored
        assert Dashboard.objects.annotate(n=Count("panels")).get(pk=stored.pk).n == 3  # type: ignore[attr-defined]
        panel = stored.panels.get(name="p0")
        panel.width = 8
        panel.save()
        panel.delete()
        assert [each.name for each in stored.panels.order_by("name")] == ["p1", "p2"]
    finally:
        dashboard.delete()
    assert not Panel.objects.filter(dashboard=dashboard.pk).exists()


def test_a_flow_is_saved_with_its_operations(session: Session, me: User) -> None:
    flow = Flow(name="with operations", trigger_type="manual", options={"collections": ["system_notes"]})
    flow.operations.add(
        Operation(flow=flow, key="first", type="log", position_x=1, position_y=1, options={"message": "a"}),
        Operation(flow=flow, key="second", type="log", position_x=20, position_y=1, options={"message": "b"}),
    )
    flow.save()
    try:
        first, second = flow.operations.order_by("key")
        assert first.user_created == me
        assert first.date_created is not None
        assert abs(datetime.now(UTC) - first.date_created) < timedelta(minutes=10)
        first.resolve = second
        first.save()
        flow.operation = first
        flow.save()
        stored = Flow.objects.select_related("operation__resolve").get(pk=flow.pk)
        assert stored.operation
        assert stored.operation.resolve
        assert stored.operation.resolve.key == "second"
        assert Flow.objects.filter(operations__resolve__key="second").get() == flow
    finally:
        first.resolve = None
        first.save()
        flow.delete()
    assert not Operation.objects.filter(flow=flow.pk).exists()


def test_settings_are_read_changed_and_refreshed(session: Session, major: int) -> None:
    with session.capture() as sent:
        settings = Settings.objects.get()
    assert paths(sent) == [("GET", "/settings")]
    before = settings.project_descriptor
    try:
        settings.project_descriptor = "tested"
        settings.save()
        assert settings.pk == 1
        other = Settings.objects.get()
        assert other.project_descriptor == "tested"
        settings.project_descriptor = "again"
        settings.save(if_unmodified=True)
        other.refresh()
        assert other.project_descriptor == "again"
        if major == 10:
            with pytest.raises(UnsupportedQuery, match="Directus 11 and later have it"):
                other.mcp_enabled
            other.mcp_enabled = True
            with pytest.raises(UnsupportedQuery, match="Directus 11 and later have it"):
                other.save()
        else:
            assert other.mcp_enabled is False
    finally:
        settings.project_descriptor = before
        settings.save()


def test_permissions_are_read_in_every_way_without_the_rows_that_the_server_adds(
    session: Session, major: int
) -> None:
    """S27: the server adds rows to this list, ignores its limit and, in version 10, merges rows."""
    rules = [("directus_files", action) for action in ("read", "create", "update", "delete")]
    if major == 10:
        holder: dict[str, Any] = {"role": Role.objects.create(name="holder")}
        others: dict[str, Any] = {"role": Role.objects.create(name="holder")}
    else:
        holder, others = ({"policy": Policy.objects.create(name="holder")} for _ in range(2))
    try:
        made = Permission.objects.bulk_create(
            Permission(collection=collection, action=action, fields=["*"], **kind)  # type: ignore[arg-type]
            for kind in (holder, others)
            for collection, action in (("system_notes", "read"), *rules[1:])
        )
        rows, actions = Permission.objects.filter(**holder), ["create", "delete", "read", "update"]
        assert [row.action for row in rows.order_by("action")] == actions
        assert [row.action for row in rows.order_by("action")[1:3]] == actions[1:3]
        assert [row.action for row in rows.order_by("-action").iterator(page_size=2)] == actions[::-1]
        assert sorted(rows.values_list("action", flat=True)) == actions
        assert list(rows.order_by("action").values("action")) == [{"action": action} for action in actions]
        assert sorted(row.action for part in rows.partition(3) for row in part) == actions
        assert [row.action for row in rows.order_by("action").page(2, 3).rows] == actions[3:]
        assert (rows.count(), rows.page(1, 1).total, rows.filter(action="read").exists()) == (4, 4, True)
        assert rows.filter(action="share").first() is None
        assert list(Permission.objects.in_bulk([row.pk for row in made])) == [row.pk for row in made]
        assert {row.pk for row in Permission.objects.all()} >= {row.pk for row in made}
        assert rows.update(fields=["*"]) == 4
        assert Permission.objects.bulk_update(made, ["fields"]) == 8
        with pytest.raises(UnsupportedQuery, match=r"use count\(\)"):
            rows.aggregate(n=Count("*"))
        assert rows.delete() == 4
        assert Permission.objects.filter(**others).count() == 4
    finally:
        for kind in (holder, others):
            for row in kind.values():
                row.delete()


def test_permissions_that_directus_10_merges_are_refused(session: Session, major: int) -> None:
    if major != 10:
        pytest.skip("where the server does not merge permissions")
    role = Role.objects.create(name="twice")
    try:
        made = [
            Permission.objects.create(collection="system_notes", action="read", fields=[name], role=role)
            for name in ("id", "name")
        ]
        with pytest.raises(UnsupportedQuery, match="role, collection and action as one"):
            list(Permission.objects.filter(role=role))
        assert [Permission.objects.get(pk=row.pk).fields for row in made] == [["id"], ["name"]]
    finally:
        role.delete()


# --- relations --------------------------------------------------------------------------------------------------


def test_relations_load_for_the_whole_page_in_both_directions(
    session: Session, server: DirectusServer, me: User
) -> None:
    folders = [Folder.objects.create(name=f"f{n}") for n in range(3)]
    for n, folder in enumerate(folders):
        for m in range(n):
            upload(server, file=f"{n}{m}.png", folder=str(folder.pk), title=f"t{n}{m}")
    try:
        rows = Folder.objects.filter(name__startswith="f", pk__in=[folder.pk for folder in folders])
        with session.capture() as sent:
            found = {folder.name: sorted(file.title or "" for file in folder.files) for folder in rows}
        assert found == {"f0": [], "f1": ["t10"], "f2": ["t20", "t21"]}
        assert [path for _, path in paths(sent)] == ["/folders", "/files"]
        with session.capture() as sent:
            files = list(File.objects.filter(folder__in=folders).order_by("title"))
            assert [file.folder and file.folder.name for file in files] == ["f1", "f2", "f2"]
            assert {file.uploaded_by and file.uploaded_by.email for file in files} == {me.email}
        assert [path for _, path in paths(sent)] == ["/files", "/folders", "/users"]
        assert all(isinstance(file.filesize, int) for file in files)
        assert all(file.created_on.tzinfo is not None for file in files)
        assert set(me.files.filter(folder__in=folders)) == {*files}
    finally:
        File.objects.filter(folder__in=folders).delete()
        Folder.objects.filter(pk__in=[folder.pk for folder in folders]).delete()


def test_what_happened_leads_to_who_did_it(session: Session, me: User) -> None:
    folder = Folder.objects.create(name="history")
    folder.name = "history, too"
    folder.save()
    folder.delete()
    rows = Activity.objects.filter(collection="directus_folders", item=str(folder.pk))
    happened = list(rows.select_related("user").order_by("id"))
    assert [each.action for each in happened] == ["create", "update", "delete"]
    assert all(each.user == me and each.user.email == me.email for each in happened)
    with session.capture() as sent:
        deltas = [revision.delta for each in happened for revision in each.revisions]
    assert [delta and delta.get("name") for delta in deltas] == ["history", "history, too"]
    assert len(sent) == 1
    revision = Revision.objects.select_related("activity__user").filter(item=str(folder.pk)).latest("id")
    assert revision.activity.user == me


def test_policies_and_roles_lead_to_users(session: Session, major: int) -> None:
    if major == 10:
        pytest.skip("which has no policies")
    policy = Policy.objects.create(name="of lists")
    parent = Role.objects.create(name="of lists, parent")
    role = Role.objects.create(name="of lists", parent=parent)
    user = User.objects.create(first_name="of lists", role=role)
    try:
        user.policies.add(policy)
        role.policies.add(policy)
        assert list(Role.objects.get(pk=parent.pk).children) == [role]
        assert list(role.users) == [user]
        assert list(User.objects.filter(policies__name="of lists")) == [user]
        assert list(User.objects.filter(role__policies=policy)) == [user]
        assert list(Role.objects.filter(users__first_name="of lists")) == [role]
        (found,) = User.objects.filter(pk=user.pk).prefetch_related("policies")
        assert list(found.policies) == [policy]
        assert Access.objects.filter(policy=policy).count() == 2
        assert {(row.user, row.role) for row in Access.objects.filter(policy=policy)} == {
            (user, None),
            (None, role),
        }
        user.policies.remove(policy)
        assert Access.objects.get(policy=policy).role == role
    finally:
        user.delete()
        role.delete()
        parent.delete()
        policy.delete()


# --- many users -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def users(server: DirectusServer) -> Iterator[dict[UUID, User]]:
    """More users than a page of rows: without e-mail they take no seats of a licence."""
    with Session(server.url, token=server.token, timeout=300):
        made = User.objects.bulk_create(
            User(first_name=f"n{n:04}", last_name="of many", title="aAbB"[n % 4], location=None if n % 3 else "x")
            for n in range(USERS)
        )
        yield {user.id: user for user in made}
        User.objects.filter(last_name="of many").delete()


MANY = User.objects.filter(last_name="of many")
ORDERS = [(), ("first_name",), ("-location", "title", "-first_name")]


def _read_again(rows: Any) -> list[User]:
    first = list(rows)
    assert list(rows) == first
    return first


WAYS: dict[str, Callable[[Any], list[User]]] = {
    "loop": _read_again,
    "iterator": lambda rows: list(rows.iterator()),
    "small pages": lambda rows: list(rows.iterator(page_size=70)),
    "parts": lambda rows: [user for part in rows.partition(3) for user in part],
    "pages": lambda rows: [user for n in range(1, USERS // 90 + 2) for user in rows.page(n, 90).rows],
    "slices": lambda rows: [*rows[:130], *rows[130:]],
}


@pytest.mark.parametrize("order", ORDERS, ids=["key", "name", "three"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_reading_gives_each_user_once(
    session: Session, users: dict[UUID, User], way: str, order: tuple[str, ...]
) -> None:
    found = WAYS[way](MANY.order_by(*order))
    assert len(found) == USERS
    assert {user.id for user in found} == users.keys()
    if order == ("first_name",) and way != "parts":
        assert [user.first_name for user in found] == [f"n{n:04}" for n in range(USERS)]


def test_many_users_are_found_by_their_keys(session: Session, users: dict[UUID, User]) -> None:
    keys = list(users)[::-1]
    found = User.objects.in_bulk([*keys, uuid4()])
    assert list(found) == keys
    assert all(found[key].first_name == users[key].first_name for key in keys)
    assert User.objects.filter(pk__in=keys).count() == USERS
    assert MANY.filter(pk__in=keys[:150]).order_by("first_name").first() == users[keys[149]]


def test_values_of_many_users_make_a_table(session: Session, users: dict[UUID, User]) -> None:
    frame = MANY.order_by("first_name").values("id", "first_name", "last_access").to_pandas()
    assert list(frame["first_name"]) == [f"n{n:04}" for n in range(USERS)]
    assert {UUID(str(key)) for key in frame["id"]} == users.keys()
    assert frame["last_access"].isna().all()
    groups = MANY.values("location").annotate(n=Count("*"), first=Min("first_name"), last=Max("first_name"))
    assert {group["location"]: group["n"] for group in groups} == {
        "x": len(range(0, USERS, 3)),
        None: USERS - len(range(0, USERS, 3)),
    }
    assert MANY.aggregate(n=Count("*"), last=Max("first_name")) == {"n": USERS, "last": f"n{USERS - 1:04}"}


def test_many_users_are_filtered(session: Session, users: dict[UUID, User]) -> None:
    assert MANY.filter(location__isnull=True).count() == sum(user.location is None for user in users.values())
    assert MANY.exclude(location="x").count() == MANY.filter(location=None).count()
    assert {user.id for user in MANY.filter(first_name__endswith="7").exclude(title="A")} == {
        user.id for user in users.values() if str(user.first_name).endswith("7") and user.title != "A"
    }


def test_many_users_are_changed_and_deleted(session: Session, users: dict[UUID, User]) -> None:
    half = list(users.values())[: USERS // 2]
    assert MANY.filter(pk__in=[user.id for user in half]).update(description="half") == len(half)
    assert MANY.filter(description="half").count() == len(half)
    for user in half:
        user.description = f"half {user.first_name}"
    assert User.objects.bulk_update(half, ["description"]) == len(half)
    assert MANY.filter(description__startswith="half n").count() == len(half)
    assert MANY.filter(description__startswith="half").update(description=None) == len(half)
    gone = User.objects.bulk_create([User(last_name="gone") for _ in range(130)])
    assert User.objects.filter(pk__in=[user.pk for user in gone]).delete() == 130


# --- below models -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["directus_users", "directus_folders", "directus_presets"])
def test_rows_are_also_read_and_written_without_a_model(session: Session, me: User, name: str) -> None:
    items = session.items(name)
    values = {
        "directus_users": {"first_name": "plain"},
        "directus_folders": {"name": "plain"},
        "directus_presets": {"bookmark": "plain", "user": str(me.pk)},
    }[name]
    (column,) = [column for column, value in values.items() if value == "plain"]
    key = items.create(values)["id"]
    try:
        assert items.read(key, fields=column) == {column: "plain"}
        assert items.update(key, {column: "plain, too"})[column] == "plain, too"
        assert items.read(filter={column: {"_eq": "plain, too"}}, fields="id") == [{"id": key}]
    finally:
        items.delete(key)


class TestCreatingSeveral:
    def test_content_versions_get_their_keys_from_the_server(self, session: Session) -> None:
        """It refuses those that are sent."""
        session.schema.create_collection("versioned_leaves", meta={"versioning": True})
        session.items("versioned_leaves").create({})
        made = ContentVersion.objects.using(session).bulk_create(
            [ContentVersion(key=name, collection="versioned_leaves", item="1") for name in ("one", "two")]
        )
        assert [each.key for each in made] == ["one", "two"]
        assert len({each.pk for each in made}) == 2
        ContentVersion.objects.using(session).filter(collection="versioned_leaves").delete()
        session.schema.delete_collection("versioned_leaves")
