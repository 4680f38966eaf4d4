"""Instances as dictionaries: their fields, what did not convert, and the relations that are loaded."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    ConversionError,
    FieldError,
    Model,
    Prefetch,
    QueryError,
    Related,
    Session,
    field,
    generated,
    many_to_any,
)
from tests.worlds.website import (
    Category,
    Feature,
    Gallery,
    Hero,
    Home,
    NavigationItem,
    Page,
    Post,
    Tag,
    User,
    key_of,
)

pytestmark = pytest.mark.usefixtures("website_session")


class Bare(Model, collection="posts"):
    """A post whose author's key is taken for a number, and whose image may not be null."""

    id: UUID = field(default=generated, primary_key=True)
    title: str
    published_at: int | None = None
    image: str


class TestValuesThatDoNotFit:
    def test_raise_the_error_that_the_attribute_raises(self) -> None:
        for name, why in (("published_at", "2026"), ("image", "null")):
            bare = Bare.objects.only(name).get(title="Second steps")
            for as_json in (False, True):
                with pytest.raises(ConversionError, match=rf"Bare\.{name} .*{why}") as caught:
                    bare.to_dict(json=as_json)
                with pytest.raises(ConversionError) as read:
                    getattr(bare, name)
                assert str(caught.value) == str(read.value)

    def test_can_be_left_out(self) -> None:
        assert Bare.objects.get(title="Hello world").to_dict(skip_invalid=True).keys() == {"id", "title", "image"}

    def test_are_no_error_once_another_value_is_assigned(self) -> None:
        bare = Bare.objects.get(title="Hello world")
        bare.published_at = 3
        assert bare.to_dict()["published_at"] == 3

    def test_raise_in_a_related_instance_as_well(self) -> None:
        class Rigid(Model, collection="directus_users"):
            id: UUID = field(default=generated, primary_key=True)
            last_name: int | None = None

        class Written(Model, collection="posts"):
            id: UUID = field(default=generated, primary_key=True)
            author: Rigid | None = None

        post = Written.objects.select_related("author").get(pk=key_of("posts", 1))
        assert post.to_dict() == {"id": key_of("posts", 1), "author": key_of("directus_users", 1)}
        for relations in ("author", True):
            with pytest.raises(ConversionError, match=r"Rigid\.last_name"):
                post.to_dict(relations=relations)
        assert post.to_dict(relations=True, skip_invalid=True)["author"] == {"id": key_of("directus_users", 1)}

    def test_that_were_assigned_are_not_written_as_json(self) -> None:
        post = Post.objects.only("title").get(title="Hello world")
        post.title = 3  # type: ignore[assignment]
        with pytest.raises(ConversionError, match=r"Post\.title"):
            post.to_dict(json=True)


class TestNamedRelations:
    def test_are_nested_and_nothing_is_sent(self, website_session: Session) -> None:
        posts = Post.objects.only("title").select_related("author__avatar").prefetch_related("tags")
        post = posts.get(title="Hello world")
        with website_session.capture() as sent:
            found = post.to_dict(json=True, relations=("author__avatar", "tags"))
        assert not sent
        avatar = found["author"].pop("avatar")
        assert avatar.items() >= {"title": "Portrait", "type": "image/png"}.items()
        assert found["author"].items() >= {"first_name": "Ada", "last_name": "Lovelace"}.items()
        assert [tag["name"] for tag in found["tags"]] == ["rest", "sql", "python"]
        assert json.loads(json.dumps(found)) == found

    def test_that_are_not_named_are_keys(self) -> None:
        post = Post.objects.select_related("author__avatar", "category").get(title="Hello world")
        found = post.to_dict(relations="author")
        assert found["category"] == key_of("categories", 1)
        assert found["author"]["avatar"] == key_of("directus_files", 3)

    def test_that_refer_to_no_row_are_none_and_empty(self) -> None:
        post = Post.objects.select_related("author__avatar").prefetch_related("tags").get(title="Anonymous")
        found = post.to_dict(relations=("author__avatar", "tags__posts"))
        assert (found["author"], found["tags"]) == (None, [])

    @pytest.mark.parametrize(
        ("relation", "model", "call"),
        [
            ("author", "Post", "select_related"),
            ("tags", "Post", "prefetch_related"),
            ("author__avatar", "User", "prefetch_related"),
            ("category__posts", "Category", "prefetch_related"),
        ],
    )
    def test_that_are_not_loaded_are_an_error_that_says_how(
        self, website_session: Session, relation: str, model: str, call: str
    ) -> None:
        related = relation.partition("__")[::2]
        posts = Post.objects.select_related(related[0]) if related[1] else Post.objects.all()
        post = posts.get(title="Hello world")
        wrong = rf"{model}\.{related[1] or relation} is not loaded.*{call}\('{relation}'\)"
        with website_session.capture() as sent, pytest.raises(QueryError, match=wrong):
            post.to_dict(relations=[relation])
        assert not sent
        loaded = getattr(Post.objects, call)(relation).get(title="Hello world")
        assert loaded.to_dict(relations=[relation])[relation.partition("__")[0]]

    def test_that_do_not_exist_are_an_error(self) -> None:
        post = Post.objects.get(title="Hello world")
        with pytest.raises(FieldError, match="Did you mean 'author'"):
            post.to_dict(relations="auther")
        with pytest.raises(QueryError, match=r"Post\.title is no relation. Relations of Post: .*author"):
            post.to_dict(relations=("title",))
        with pytest.raises(QueryError, match=r"User\.first_name is no relation"):
            post.to_dict(relations=("author__first_name",))
        with pytest.raises(QueryError, match="a name is a text"):
            post.to_dict(relations=(3,))  # type: ignore[arg-type]

    def test_of_a_many_to_any_say_of_which_collection_each_item_is(self) -> None:
        paths = ("blocks__hero__image", "blocks__gallery__images", "blocks__post_list__category")
        page = Page.objects.prefetch_related(*paths).get(permalink="/")
        hero, text, gallery, latest = page.to_dict(json=True, relations=paths)["blocks"]
        kinds = [each["collection"] for each in (hero, text, gallery, latest)]
        assert kinds == ["block_hero", "block_richtext", "block_gallery", "block_posts"]
        assert (hero["headline"], hero["image"]["title"]) == ("Welcome", "Sunrise")
        assert text == {
            "collection": "block_richtext",
            "id": str(key_of("block_richtext", 1)),
            "content": "<p>Hello</p>",
        }
        assert [image["title"] for image in gallery["images"]] == ["Harbour", "Sunrise"]
        assert latest["category"]["title"] == "News"

    def test_of_a_many_to_any_with_a_field_of_that_name_have_another_key(self) -> None:
        class Headed(Model, collection="block_hero"):
            id: UUID = field(default=generated, primary_key=True)
            collection: str | None = field(default=None, name="headline")

        class Sheet(Model, collection="pages"):
            id: UUID = field(default=generated, primary_key=True)
            permalink: str | None = None
            blocks: Related[Headed] = many_to_any("pages_blocks", sort="sort")

        sheet = Sheet.objects.prefetch_related("blocks").get(permalink="/")
        (item,) = sheet.to_dict(relations="blocks")["blocks"]
        assert (item["collection"], item["collection_"]) == ("Welcome", "block_hero")

    def test_of_a_prefetch_are_under_its_attribute(self) -> None:
        drafts = Prefetch(
            "posts", Post.objects.filter(status="draft").select_related("category"), to_attr="drafts"
        )
        ada = User.objects.prefetch_related(drafts).get(first_name="Ada")
        for relations in (True, "drafts__category"):
            (draft,) = ada.to_dict(relations=relations)["drafts"]
            assert (draft["title"], draft["category"]["title"]) == ("Unfinished", "Guides")
            assert draft["author"] == ada.pk
        assert "drafts" not in ada.to_dict()

    def test_of_a_new_instance_are_those_that_wait_to_be_saved(self) -> None:
        post = Post(title="New", author=User(first_name="Eve"))
        post.tags.add(Tag(name="fresh"))
        assert post.to_dict(relations=("author", "tags", "category")) == {
            "title": "New",
            "status": "draft",
            "author": {"first_name": "Eve"},
            "category": None,
            "tags": [{"name": "fresh"}],
        }
        assert Post(title="New").to_dict(relations=("tags", "contributors"))["tags"] == []

    def test_of_a_singleton(self) -> None:
        home = Home(title="Home")
        home.save()
        home.features.add(Feature(title="Fast"))
        assert [each.title for each in home.features] == ["Fast"]
        found = home.to_dict(json=True, relations="features")
        assert [(each["title"], each["home"]) for each in found["features"]] == [("Fast", str(home.pk))]


class TestAllThatIsLoaded:
    def test_is_what_the_query_loaded_or_was_read_since(self, website_session: Session) -> None:
        post = Post.objects.only("title", "category").select_related("author").get(title="Hello world")
        assert post.to_dict(relations=True).keys() == {"id", "title", "author", "category"}
        assert post.to_dict(relations=True)["author"]["first_name"] == "Ada"
        assert post.to_dict(relations=True)["category"] == key_of("categories", 1)
        assert post.category
        assert post.category.title == "News"
        assert len(post.tags) == 3
        with website_session.capture() as sent:
            found = post.to_dict(relations=True)
        assert not sent
        assert found["category"] == {"id": key_of("categories", 1), "title": "News"}
        assert len(found["tags"]) == 3

    def test_ends_where_an_instance_contains_itself(self) -> None:
        category = Category.objects.prefetch_related("posts__author").get(title="News")
        (post,) = category.to_dict(relations=True)["posts"]
        assert post["category"] == category.pk  # the post refers to the instance that holds it
        assert post["author"]["first_name"] == "Ada"

        root = NavigationItem.objects.prefetch_related("children__children").get(parent=None)
        found = root.to_dict(json=True, relations=True)
        assert [child["parent"] for child in found["children"]] == [str(root.pk)] * 2
        assert [each["title"] for child in found["children"] for each in child["children"]] == ["Team"]
        json.dumps(found)

    def test_ends_where_a_list_holds_the_instance_that_holds_the_list(self) -> None:
        item = NavigationItem(title="Own child")
        item.children.add(item)
        item.parent = item
        assert item.to_dict(relations=True) == {
            "title": "Own child",
            "parent": None,
            "children": [{"title": "Own child", "parent": None}],
        }

    def test_of_a_many_to_any_and_what_is_in_it(self) -> None:
        page = Page.objects.prefetch_related("blocks__gallery__images").get(permalink="/")
        blocks = page.to_dict(relations=True)["blocks"]
        assert [each["collection"] for each in blocks if "images" in each] == ["block_gallery"]
        assert blocks[0]["image"] == key_of("directus_files", 1)

    def test_is_nothing_of_a_reference(self) -> None:
        assert Hero.objects.ref(key_of("block_hero", 1)).to_dict(relations=True) == {"id": key_of("block_hero", 1)}

    def test_has_no_list_that_was_not_loaded(self) -> None:
        assert Gallery.objects.get().to_dict(relations=True).keys() == {"id", "headline"}


def test_a_dictionary_without_relations_makes_the_same_instance_again() -> None:
    post = Post.objects.select_related("author").prefetch_related("tags").get(title="Hello world")
    plain: dict[str, Any] = post.to_dict(json=True)
    assert Post.from_dict(plain, json=True).to_dict(json=True) == plain
