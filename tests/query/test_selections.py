"""`only` and `defer` over many-to-one relations, and `Prefetch` of one: exactly these fields are requested."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import F, FieldError, Prefetch, QueryError, QuerySet, Session
from tests.worlds.website import Category, Page, Post, User, key_of

pytestmark = pytest.mark.usefixtures("website_session")

FIRST_NAMES = User.objects.only("first_name")
AUTHOR = {"id", "first_name", "last_name", "avatar"}


def requested(rows: QuerySet[Any], prefix: str = "author.") -> set[str]:
    """Return the fields of the related row that a query requests."""
    request = rows.explain().request
    assert request is not None
    names = dict(request.params)["fields"].split(",")
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def own(rows: QuerySet[Any]) -> set[str]:
    request = rows.explain().request
    assert request is not None
    return {name for name in dict(request.params)["fields"].split(",") if "." not in name}


def loaded(instance: Any) -> set[str]:
    return set(instance.__dict__) - {"_state"}


class TestOnly:
    def test_loads_the_named_fields_of_related_rows_in_one_request(self, website_session: Session) -> None:
        posts = Post.objects.only("title", "author__first_name", "author__avatar__title").order_by("title")
        with website_session.capture() as sent:
            anonymous, hello, *_ = posts
            assert anonymous.author is None
            assert hello.author
            assert hello.author.avatar
            assert (hello.author.first_name, hello.author.avatar.title) == ("Ada", "Portrait")
        assert len(sent) == 1
        assert loaded(hello) == {"id", "title", "author"}
        assert loaded(hello.author) == {"id", "first_name", "avatar"}
        assert loaded(hello.author.avatar) == {"id", "title"}

    def test_loads_what_was_left_out_for_the_whole_page_when_it_is_read(self, website_session: Session) -> None:
        posts = list(Post.objects.only("author__first_name").exclude(author=None).order_by("title"))
        with website_session.capture() as sent:
            assert [post.author and post.author.last_name for post in posts] == ["Lovelace", "Hopper", "Lovelace"]
            assert [post.title for post in posts] == ["Hello world", "Second steps", "Unfinished"]
        assert len(sent) == 2

    @pytest.mark.parametrize(
        ("rows", "wanted"),
        [
            (Post.objects.only("author__first_name"), {"id", "first_name"}),
            (Post.objects.only("author__pk"), {"id"}),
            (Post.objects.only("author__avatar"), {"id", "avatar"}),
            (Post.objects.only("author__first_name").select_related("author"), {"id", "first_name"}),
            (Post.objects.select_related("author").only("title", "author__first_name"), {"id", "first_name"}),
            (Post.objects.only("author__first_name").only("author__last_name"), {"id", "last_name"}),
            (Post.objects.select_related("author").only("title"), AUTHOR),
            (Post.objects.only("author__first_name").select_related(None), set()),
            (Post.objects.only("author__first_name").defer("author__first_name"), {"id"}),
            (Post.objects.only("author__first_name").annotate(x=F("author__last_name")), AUTHOR - {"avatar"}),
            (Post.objects.only("author__first_name").filter(author__last_name="x"), {"id", "first_name"}),
            (Post.objects.defer("author__last_name"), AUTHOR - {"last_name"}),
            (Post.objects.defer("author__last_name").select_related("author"), AUTHOR - {"last_name"}),
            (Post.objects.select_related("author").defer("author__last_name", "title"), AUTHOR - {"last_name"}),
            (Post.objects.defer("author__pk", "author__avatar"), AUTHOR - {"avatar"}),
            (Post.objects.defer("title"), set()),
        ],
    )
    def test_and_defer_combine_with_other_calls_in_any_order(self, rows: QuerySet[Any], wanted: set[str]) -> None:
        assert requested(rows) - {"author__key"} == wanted
        for post in rows:
            assert post.author is None or loaded(post.author) == wanted or not wanted

    def test_of_a_relation_itself_is_its_key(self) -> None:
        posts = Post.objects.only("title", "author")
        assert own(posts) == {"id", "title", "author"}
        assert requested(posts) == set()

    @pytest.mark.parametrize("verb", ["only", "defer"])
    def test_refuses_names_that_do_not_exist_and_lists(self, verb: str) -> None:
        call = getattr(Post.objects, verb)
        with pytest.raises(FieldError, match=r"User has no field 'frist_name'.*Did you mean 'first_name'"):
            call("author__frist_name")
        with pytest.raises(FieldError, match="Post has no field 'auther'"):
            call("auther__first_name")
        with pytest.raises(QueryError, match=rf"Post.tags leads to many.*Prefetch\('tags', Tag.objects.{verb}"):
            call("tags__name")
        with pytest.raises(QueryError, match=r"Post\.title has no fields of its own"):
            call("title__first_name")


class TestPrefetchOfAManyToOne:
    def test_loads_what_its_queryset_says_of_the_related_row(self, website_session: Session) -> None:
        users = User.objects.only("first_name", "avatar__title").prefetch_related(
            Prefetch("posts", Post.objects.only("title"))
        )
        posts = Post.objects.only("title").prefetch_related(Prefetch("author", users))
        with website_session.capture() as sent:
            hello = posts.get(title="Hello world")
            assert hello.author
            assert hello.author.avatar
            assert hello.author.avatar.title == "Portrait"
            assert {post.title for post in hello.author.posts} == {"Hello world", "Unfinished"}
        assert len(sent) == 1
        assert loaded(hello.author) == {"id", "first_name", "avatar", "posts"}
        assert all(loaded(post) == {"id", "title", "author"} for post in hello.author.posts)

    @pytest.mark.parametrize(
        "rows",
        [
            Category.objects.prefetch_related(Prefetch("posts__author", FIRST_NAMES)),
            Category.objects.prefetch_related(
                Prefetch(
                    "posts", Post.objects.prefetch_related(Prefetch("author", User.objects.only("first_name")))
                )
            ),
            Category.objects.prefetch_related(Prefetch("posts", Post.objects.only("author__first_name"))),
        ],
    )
    def test_behind_a_list(self, website_session: Session, rows: QuerySet[Any]) -> None:
        with website_session.capture() as sent:
            authors = [post.author for post in rows.get(title="Guides").posts]
            assert {author.first_name for author in authors} == {"Ada", "Grace"}
        assert len(sent) == 1
        assert all(loaded(author) == {"id", "first_name"} for author in authors)

    def test_behind_a_many_to_any(self, website_session: Session) -> None:
        categories = Prefetch("blocks__post_list__category", Category.objects.only("title"))
        with website_session.capture() as sent:
            *_, latest = Page.objects.prefetch_related(categories).get(permalink="/").blocks
        assert len(sent) == 1
        assert loaded(latest.category) == {"id", "title"}  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "users", [User.objects.filter(first_name="Ada"), User.objects.all()[:3], User.objects.none()]
    )
    def test_does_not_choose_rows(self, users: QuerySet[User]) -> None:
        with pytest.raises(QueryError, match=r"Post.author leads to one row, so there are no rows to choose"):
            Post.objects.prefetch_related(Prefetch("author", users))

    def test_names_each_list_of_the_row_once(self, website_session: Session) -> None:
        published = User.objects.prefetch_related(Prefetch("posts", Post.objects.filter(status="published")))
        with pytest.raises(QueryError, match="named before, for other rows"):
            Post.objects.prefetch_related("author__posts", Prefetch("author", published))
        for both in (
            (Prefetch("author", published), "author__posts"),
            (Prefetch("author", published), Prefetch("author", published)),
        ):
            with website_session.capture() as sent:
                hello = Post.objects.prefetch_related(*both).get(title="Hello world")
                assert hello.author
                assert [post.title for post in hello.author.posts] == ["Hello world"]
            assert len(sent) == 1

    def test_takes_a_queryset_of_its_model_and_no_attribute(self) -> None:
        with pytest.raises(QueryError, match=r"a queryset of Post does not fit Post\.author, which leads to User"):
            Post.objects.prefetch_related(Prefetch("author", Post.objects.all()))
        with pytest.raises(QueryError, match="leave out to_attr="):
            Post.objects.prefetch_related(Prefetch("author", to_attr="writer"))
        with pytest.raises(QueryError, match="annotate"):
            Post.objects.prefetch_related(Prefetch("author", User.objects.annotate(x=F("first_name"))))


def test_a_related_instance_that_is_partly_loaded_saves_its_changes_alone(
    website_session: Session,
) -> None:
    post = Post.objects.only("author__first_name").get(pk=key_of("posts", 1))
    assert post.author
    post.author.first_name = "Augusta"
    with website_session.capture() as sent:
        post.author.save()
    assert [dict(request.request.json) for request in sent] == [{"first_name": "Augusta"}]
    post.author.first_name = "Ada"
    post.author.save()
