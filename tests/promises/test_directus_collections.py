"""Rows of Directus's own collections are read as those of any other, though their routes take no list of keys."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from directus_orm import Count, DoesNotExist, Model, Session, field, generated
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, make_relation

# More than the 100 rows that such a route returns where it does not heed the keys.
MANY = 132


class User(Model, collection="directus_users"):
    id: UUID = field(default=generated, primary_key=True)
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None


class Role(Model, collection="directus_roles"):
    id: UUID = field(default=generated, primary_key=True)
    name: str | None = None


class Revision(Model, collection="directus_revisions"):
    id: int = field(primary_key=True)
    item: str | None = None


class Post(Model, collection="user_posts"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    author: User | None = None


@pytest.fixture(scope="module")
def server(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(directus_server, "user_posts", column("name", "string"))
    make_relation(directus_server, "user_posts", "author", "directus_users", "uuid", on_delete="SET NULL")
    yield directus_server
    drop_collection(directus_server, "user_posts")


@pytest.fixture(scope="module")
def users(server: DirectusServer) -> Iterator[dict[UUID, User]]:
    with Session(server.url, token=server.token, timeout=300):
        made = User.objects.bulk_create(
            User(first_name=f"n{n:03}", last_name="many", title="a" if n % 3 else "A") for n in range(MANY)
        )
        yield {user.id: user for user in made}
        User.objects.filter(last_name="many").delete()


@pytest.fixture
def session(server: DirectusServer, users: dict[UUID, User]) -> Iterator[Session]:
    with Session(server.url, token=server.token, timeout=300) as session:
        yield session


many = User.objects.filter(last_name="many")


@pytest.mark.parametrize("order", [(), ("first_name",), ("-title", "first_name")])
def test_loops_give_each_user_once(session: Session, users: dict[UUID, User], order: tuple[str, ...]) -> None:
    rows = list(many.order_by(*order))
    assert {row.id for row in rows} == users.keys()
    assert len(rows) == MANY
    if order == ("first_name",):
        assert [row.first_name for row in rows] == [f"n{n:03}" for n in range(MANY)]
    assert sorted(row.id for row in many.order_by(*order).iterator(page_size=70)) == sorted(users)


def test_users_are_read_by_their_keys(session: Session, users: dict[UUID, User]) -> None:
    keys = list(users)
    assert list(User.objects.in_bulk(keys)) == keys
    assert list(User.objects.in_bulk([keys[7], uuid4(), keys[120]])) == [keys[7], keys[120]]
    assert User.objects.get(pk=keys[-1]).first_name == users[keys[-1]].first_name
    assert not User.objects.in_bulk([uuid4()])
    stranger = User.objects.ref(uuid4())
    with pytest.raises(DoesNotExist):
        stranger.refresh()


def test_parts_values_and_tables_hold_each_user_once(session: Session, users: dict[UUID, User]) -> None:
    parts = many.partition(3)
    assert sorted(user.id for part in parts for user in part) == sorted(users)
    assert sorted(many.values_list("id", flat=True)) == sorted(users)
    frame = many.order_by("first_name").values("first_name").to_pandas(page_size=70)
    assert list(frame["first_name"]) == [f"n{n:03}" for n in range(MANY)]


def test_a_slice_is_counted_by_its_keys(session: Session) -> None:
    assert many.filter(title="A").count() == MANY // 3
    assert many.order_by("first_name")[:120].aggregate(n=Count("*")) == {"n": 120}


def test_lists_of_keys_choose_the_rows(session: Session, users: dict[UUID, User]) -> None:
    keys = list(users)[10:130]
    assert User.objects.filter(pk__in=keys).count() == len(keys)
    assert {user.id for user in User.objects.filter(pk__in=keys)} == {*keys}
    assert User.objects.filter(pk__in=keys).exists()
    assert many.contains(users[keys[0]])
    assert many.filter(pk__in=keys).update(title="b") == len(keys)
    assert many.filter(title="b").count() == len(keys)
    User.objects.filter(pk__in=keys[:100]).update(title="A")
    User.objects.filter(pk__in=keys[100:]).update(title="a")
    for n, user in enumerate(users.values()):
        user.title = "a" if n % 3 else "A"
    User.objects.bulk_update(users.values(), ["title"])


def test_rows_of_related_users_are_loaded_by_key(session: Session, users: dict[UUID, User]) -> None:
    Post.objects.bulk_create(Post(name=str(n), author=User.objects.ref(key)) for n, key in enumerate(users))
    try:
        for post in Post.objects.all():
            assert post.author is not None
            assert post.author.first_name == users[post.author.id].first_name
        selected = Post.objects.select_related("author").order_by("author__first_name")
        assert [post.author.first_name for post in selected if post.author] == [f"n{n:03}" for n in range(MANY)]
        user = User.objects.only("first_name").get(pk=list(users)[110])
        assert user.last_name == "many"
        user.refresh()
        user.title = "c"
        user.save(if_unmodified=True)
        user.title = "a"
        user.save()
    finally:
        Post.objects.all().delete()


def test_many_users_are_deleted_and_stored_once(session: Session) -> None:
    made = User.objects.bulk_create(User(first_name="x", last_name="gone") for _ in range(110))
    changed = [User(id=user.id, first_name="y", last_name="gone") for user in made]
    User.objects.upsert(changed)
    assert User.objects.filter(last_name="gone", first_name="y").count() == 110
    assert User.objects.filter(pk__in=[user.id for user in made]).delete() == 110
    assert not User.objects.filter(last_name="gone").exists()


def test_other_collections_of_directus_are_read_by_key(session: Session) -> None:
    roles = Role.objects.bulk_create(Role(name=f"r{n}") for n in range(3))
    try:
        assert list(Role.objects.in_bulk([roles[2].id])) == [roles[2].id]
    finally:
        for role in roles:
            role.delete()
    keys = list(Revision.objects.order_by("-id").values_list("id", flat=True)[:110])
    assert list(Revision.objects.in_bulk(keys)) == keys
