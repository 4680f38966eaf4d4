"""`readable()`: of a query, what this user may read; the server is asked once per session and user."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    Forbidden,
    Prefetch,
    QueryError,
    QuerySet,
    Session,
    UnsupportedQuery,
)
from directus_orm.testing import DirectusServer
from tests.worlds import website
from tests.worlds.server_setup import user
from tests.worlds.website import Category, Home, Page, Post, User, key_of

OPEN = Callable[..., Session]

RIGHTS = "/permissions/me"


@pytest.fixture
def asked(website_server: DirectusServer) -> list[str]:
    """The requests for what a user may read, by path."""
    return [RIGHTS, "/users/me", "/permissions"] if website_server.version.startswith("10.") else [RIGHTS]


@pytest.fixture
def sees_users(website_server: DirectusServer, reader: Session) -> Session:
    """The reader, who also sees other users than oneself."""
    if website_server.version.startswith("10."):
        pytest.skip("where users of the app see only themselves, whatever else their role may read")
    return reader


@pytest.fixture
def reader(website_server: DirectusServer, open_session: OPEN) -> Iterator[Session]:
    """The current session, as a user who may read some fields of published posts, and the first names of users."""
    _skip_without_rules(website_server)
    with website.reader(website_server) as token, open_session(website_server.url, token=token) as session:
        yield session


@pytest.fixture
def title_reader(website_server: DirectusServer) -> Iterator[str]:
    """The token of a user who may read the titles of all posts, and nothing else."""
    _skip_without_rules(website_server)
    with user(website_server, "title-reader", fields={"posts": ("id", "title")}, posts=["read"]) as token:
        yield token


def _skip_without_rules(server: DirectusServer) -> None:
    if server.version.startswith("12."):
        pytest.skip("without a licence it has no permissions for single rows and fields")


def loaded(instance: Any) -> set[str]:
    return set(instance.__dict__) - {"_state"}


def hello(rows: QuerySet[Post]) -> Post:
    return rows.get(title="Hello world")


@pytest.mark.row_rules
class TestAUserWhoMayReadSomeFields:
    def test_gets_these_and_the_permissions_are_asked_once(self, reader: Session, asked: list[str]) -> None:
        with reader.capture() as sent:
            posts = list(Post.objects.readable().order_by("title"))
            assert [post.title for post in posts] == ["Anonymous", "Hello world", "Second steps"]
            assert all(loaded(post) == {"id", "title", "author", "category"} for post in posts)
            assert Post.objects.readable().count() == 3
            assert Post.objects.readable().first()
        assert [request.request.path for request in sent] == [*asked, *["/items/posts"] * 3]

    def test_is_refused_fields_when_they_are_read(self, reader: Session) -> None:
        post = hello(Post.objects.readable())
        with pytest.raises(Forbidden):
            print(post.slug)
        assert post.title == "Hello world"

    def test_is_told_which_model_has_the_field_and_the_way_out(
        self, website_server: DirectusServer, reader: Session
    ) -> None:
        with pytest.raises(Forbidden) as caught:
            Post.objects.first()
        (note,) = caught.value.__notes__
        assert "Post.objects.readable() loads what the user may read" in note
        if website_server.version.startswith("10."):
            pytest.skip("which does not name what it refuses")
        assert note.startswith("Post declares it: Post.")
        of_users: tuple[QuerySet[Any], ...] = (
            Post.objects.only("title", "author__last_name"),
            Post.objects.only("title").filter(author__last_name="Lovelace"),
            Post.objects.readable().filter(author__last_name="Lovelace"),
        )
        for rows in of_users:
            with pytest.raises(Forbidden) as caught:
                list(rows)
            (note,) = caught.value.__notes__
            assert note.startswith("User declares it: User.last_name.")
            assert ("Post.objects.readable()" in note) is not rows.query.readable

    def test_gets_related_rows_with_the_fields_that_may_be_read(self, sees_users: Session) -> None:
        rows = Post.objects.readable().select_related("author__avatar", "category", "image")
        with sees_users.capture() as sent:
            post = hello(rows)
            assert post.author
            assert post.author.first_name == "Ada"
            assert post.category
            assert post.category.title == "News"
        assert [request.request.path for request in sent] == [RIGHTS, "/items/posts"]
        assert (loaded(post.author), loaded(post.category)) == ({"id", "first_name"}, {"id", "title"})
        assert "image" not in loaded(post)

    def test_gets_lists_that_may_be_read(self, sees_users: Session) -> None:
        post = hello(Post.objects.readable().prefetch_related("tags", "contributors"))
        with sees_users.capture() as sent:
            assert [tag.name for tag in post.tags] == ["rest", "sql", "python"]
        assert not sent
        with pytest.raises((Forbidden, ConfigurationError)):
            list(post.contributors)
        lists = Category.objects.readable().prefetch_related("posts__author")
        (found,) = lists.get(title="News").posts
        assert loaded(found) == {"id", "title", "author", "category"}
        assert found.author
        assert loaded(found.author) == {"id", "first_name"}

    def test_gets_what_loads_later_with_the_fields_that_may_be_read(self, sees_users: Session) -> None:
        posts = [post for post in Post.objects.readable().order_by("title") if post.author]
        with sees_users.capture() as sent:
            assert [post.author and post.author.first_name for post in posts] == ["Ada", "Grace"]
        assert len(sent) == 1
        assert posts[0].author
        with pytest.raises(Forbidden, match='"last_name"'):
            print(posts[0].author.last_name)
        author = hello(Post.objects.readable()).author
        with pytest.raises(Forbidden, match='"last_name"'):
            print(author.last_name)  # type: ignore[union-attr]
        assert author
        assert author.first_name == "Ada"

    def test_gets_the_part_of_what_is_named(self, sees_users: Session) -> None:
        rows = Post.objects.only("title", "slug", "author__first_name", "author__last_name")
        for post in (hello(rows.readable()), hello(Post.objects.readable().only("title", "slug"))):
            assert loaded(post) - {"author"} == {"id", "title"}
        assert loaded(hello(rows.readable()).author) == {"id", "first_name"}
        assert loaded(hello(Post.objects.readable().defer("title"))) == {"id", "author", "category"}

    def test_gets_it_in_every_way_of_reading(self, reader: Session) -> None:
        rows = Post.objects.readable().order_by("title")
        key = key_of("posts", 1)
        ways = {
            "page": rows.page(1, 2).rows[0],
            "in_bulk": rows.in_bulk([key])[key],
            "slice": rows[1:2][0],
            "iterator": next(rows.iterator()),
            "last": rows.last(),
            "part": next(each for part in rows.partition(2) for each in part),
            "union": rows.union(Post.objects.filter(title="none")).first(),
            "pickled": pickle.loads(pickle.dumps(rows)).first(),
            "prefetched": Category.objects.prefetch_related(Prefetch("posts", rows)).get(title="News").posts[0],
            "async": asyncio.run(rows.afirst()),
        }
        for way, post in ways.items():
            assert loaded(post) == {"id", "title", "author", "category"}, way
        assert rows.get(pk=key).to_dict(json=True)["category"] == str(key_of("categories", 1))

    def test_explains_what_is_requested(self, reader: Session) -> None:
        rows = Post.objects.readable()
        before = rows.explain()
        assert [ask.request.path for ask in before.asks] == [RIGHTS, "/items/posts"]
        assert rows.first()
        (ask,) = rows.explain().asks
        assert dict(ask.request.params)["fields"] == "id,title,author,category"

    def test_gets_the_permissions_below_models(self, sees_users: Session) -> None:
        assert sees_users.readable_fields("posts") == {"id", "title", "author", "category", "tags"}
        assert sees_users.readable_fields("tags") == {"*"}
        assert sees_users.readable_fields("nothing") == frozenset()
        assert asyncio.run(sees_users.areadable_fields("directus_users")) == {"id", "first_name"}

    def test_has_permissions_of_its_own(self, reader: Session, title_reader: str, asked: list[str]) -> None:
        other = reader.with_options(token=title_reader)
        same = reader.with_options(timeout=20)
        assert hello(Post.objects.readable()).category
        with reader.capture() as sent:
            assert loaded(hello(Post.objects.readable().using(other))) == {"id", "title"}
            assert loaded(hello(Post.objects.readable().using(same))) == {"id", "title", "author", "category"}
        assert [request.request.path for request in sent] == [*asked, "/items/posts", "/items/posts"]

    def test_is_asked_once_by_several_threads(self, reader: Session, asked: list[str]) -> None:
        threads = [threading.Thread(target=reader.readable_fields, args=("posts",)) for _ in range(8)]
        with reader.capture() as sent:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            reader.readable_fields("posts", fresh=True)
        assert [request.request.path for request in sent] == asked * 2

    def test_names_fields_for_values(self, reader: Session) -> None:
        with pytest.raises(QueryError, match=r"values\(\) after readable\(\) takes the names"):
            Post.objects.readable().values()
        assert Post.objects.readable().values("title").order_by("title")[0] == {"title": "Anonymous"}
        assert Post.objects.readable().aggregate() == {}

    def test_reads_a_singleton(self, reader: Session) -> None:
        assert loaded(Home.objects.readable().get()) >= {"title"}

    def test_changes_and_saves_what_it_may_read_only(
        self, website_server: DirectusServer, reader: Session
    ) -> None:
        post = hello(Post.objects.readable())
        post.title = "Hello there"
        with reader.capture() as sent, pytest.raises(Forbidden):
            post.save()
        assert dict(sent[0].request.json) == {"title": "Hello there"}


def test_an_administrator_reads_everything(website_session: Session) -> None:
    posts = Post.objects.readable().select_related("author__avatar").prefetch_related("tags", "contributors")
    with website_session.capture() as sent:
        post = hello(posts)
    everything = {f.name for f in Post.directus.fields.values()} | {"tags", "contributors"}
    assert loaded(post) == everything
    assert post.author
    assert post.author.avatar
    assert post.author.avatar.title == "Portrait"
    assert len(sent) <= 3
    assert website_session.readable_fields("posts") == {"*"}


def test_related_rows_of_a_collection_that_may_not_be_read_are_left_out(
    website_server: DirectusServer, open_session: OPEN
) -> None:
    read = ["read"]
    with (
        user(
            website_server, "no-users", posts=read, posts_tags=read, pages=read, pages_blocks=read, block_hero=read
        ) as token,
        open_session(website_server.url, token=token),
    ):
        post = hello(Post.objects.readable().select_related("author").prefetch_related("tags"))
        assert loaded(post) == {f.name for f in Post.directus.fields.values()}
        assert post.author
        assert post.author.pk == key_of("directus_users", 1)
        page = Page.objects.readable().prefetch_related("blocks", "translations").get(permalink="/")
        assert loaded(page) == {"id", "permalink", "status"}


def test_who_is_not_logged_in_names_fields(website_server: DirectusServer, open_session: OPEN) -> None:
    public = open_session(website_server.url)
    with public.capture() as sent, pytest.raises(UnsupportedQuery, match=r"Name the fields with only"):
        Post.objects.readable().using(public).first()
    assert not sent


def test_a_prefetched_row_is_readable_with_the_query_that_loads_it() -> None:
    with pytest.raises(QueryError, match=r"call readable\(\) on the queryset that prefetches Post.author"):
        Post.objects.prefetch_related(Prefetch("author", User.objects.readable()))
