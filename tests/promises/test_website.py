"""What the user of a website template does, whose keys are uuids, also those of the junctions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from directus_orm import ConversionError, Forbidden, Session
from directus_orm.testing import DirectusServer
from tests.worlds import website
from tests.worlds.website import (
    Category,
    Feature,
    File,
    Gallery,
    Hero,
    Home,
    NavigationItem,
    Page,
    Post,
    PostList,
    RichText,
    Tag,
    User,
    key_of,
)

pytestmark = pytest.mark.usefixtures("website_session")


class TestReading:
    def test_posts_come_with_author_category_image_and_tags(self, website_session: Session) -> None:
        posts = Post.objects.filter(status="published").order_by("title")
        with website_session.capture() as sent:
            found = list(posts.select_related("author__avatar", "category", "image").prefetch_related("tags"))
            assert [(post.title, post.author and post.author.first_name) for post in found] == [
                ("Anonymous", None),
                ("Hello world", "Ada"),
                ("Second steps", "Grace"),
            ]
            hello = found[1]
            assert hello.author
            assert hello.author.avatar
            assert hello.author.avatar.title == "Portrait"
            assert hello.category
            assert hello.category.title == "News"
            assert hello.image
            assert (hello.image.title, hello.image.type) == ("Sunrise", "image/png")
            assert [tag.name for tag in hello.tags] == ["rest", "sql", "python"]
        assert len(sent) == 1

    def test_a_page_comes_with_its_blocks_and_what_is_in_them(self, website_session: Session) -> None:
        pages = Page.objects.prefetch_related(
            *("blocks__hero__image", "blocks__gallery__images", "blocks__post_list__category__posts")
        )
        with website_session.capture() as sent:
            hero, text, gallery, latest = pages.get(permalink="/").blocks
            assert isinstance(hero, Hero)
            assert hero.image
            assert hero.image.title == "Sunrise"
            assert isinstance(text, RichText)
            assert text.content == "<p>Hello</p>"
            assert isinstance(gallery, Gallery)
            assert [image.title for image in gallery.images] == [
                "Harbour",
                "Sunrise",
            ]
            assert isinstance(latest, PostList)
            assert latest.category
            assert [post.title for post in latest.category.posts] == ["Hello world"]
        assert len(sent) == 1

    def test_pages_are_found_by_their_blocks(self) -> None:
        assert Page.objects.get(blocks__hero__image__title="Sunrise").permalink == "/"
        with_posts = Page.objects.filter(blocks__post_list__isnull=False).order_by("permalink")
        assert [page.permalink for page in with_posts] == ["/", "/soon"]

    def test_translations_of_one_language(self) -> None:
        german = Page.objects.filter(translations__language="de-DE").order_by("permalink")
        assert [page.permalink for page in german] == ["/", "/soon"]
        page = Page.objects.prefetch_related("translations__language").get(permalink="/")
        assert {(t.language and t.language.name, t.title) for t in page.translations} == {
            ("English", "Start"),
            ("German", "Startseite"),
        }
        assert page.translations.get(language="de-DE").title == "Startseite"

    def test_a_tree_of_navigation(self) -> None:
        root = NavigationItem.objects.prefetch_related("children__children", "children__page").get(parent=None)
        assert [(item.title, [each.title for each in item.children]) for item in root.children] == [
            ("Home", []),
            ("About", ["Team"]),
        ]
        assert root.children[1].page
        assert root.children[1].page.permalink == "/about"
        assert NavigationItem.objects.get(parent__parent=root).title == "Team"

    def test_files_and_users_are_targets_of_conditions(self) -> None:
        assert Post.objects.get(image__title="Harbour").title == "Unfinished"
        assert Post.objects.filter(contributors__last_name="Hopper").count() == 2
        assert Gallery.objects.filter(images__filename_download="Sunrise.png").count() == 1
        ada = User.objects.get(first_name="Ada")
        assert {post.title for post in ada.posts} == {"Hello world", "Unfinished"}

    def test_directus_tells_who_made_a_row(self) -> None:
        post = Post.objects.select_related("user_created").first()
        assert post
        assert post.date_created
        assert post.user_created


@pytest.fixture
def post() -> Post:
    return Post.objects.create(title="mine")


@pytest.fixture
def page() -> Page:
    return Page.objects.create(permalink="/mine")


def stored(model: type[Any], key: UUID, name: str) -> list[Any]:
    """Return a list as another program reads it."""
    return list(getattr(model.objects.get(pk=key), name))


class TestWritingLists:
    """The keys of junction rows are uuids, and no model says so."""

    def test_a_sorted_many_to_many_keeps_its_order(self, post: Post) -> None:
        python, rest, sql = (Tag.objects.ref(key_of("tags", n)) for n in (1, 2, 3))
        post.tags.add(sql, python)
        assert stored(Post, post.id, "tags") == [sql, python]
        post.tags.set([rest, python, sql])
        assert stored(Post, post.id, "tags") == [rest, python, sql]
        post.tags.remove(python)
        assert stored(Post, post.id, "tags") == [rest, sql]
        new = post.tags.create(name="new")
        assert stored(Post, post.id, "tags") == [rest, sql, new]
        post.tags.clear()
        assert stored(Post, post.id, "tags") == []
        assert Tag.objects.filter(pk=new.pk).exists()

    def test_a_many_to_any_keeps_blocks_of_several_models_in_order(self, page: Page) -> None:
        hero, text = Hero.objects.ref(key_of("block_hero", 1)), RichText.objects.ref(key_of("block_richtext", 1))
        page.blocks.add(text, hero)
        assert stored(Page, page.id, "blocks") == [text, hero]
        gallery = page.blocks.create(Gallery, headline="Mine")
        page.blocks.set([gallery, text, hero])
        assert stored(Page, page.id, "blocks") == [gallery, text, hero]
        page.blocks.remove(text)
        assert stored(Page, page.id, "blocks") == [gallery, hero]
        page.blocks.clear()
        assert stored(Page, page.id, "blocks") == []
        assert Gallery.objects.filter(pk=gallery.pk).exists()

    def test_files_and_users_are_targets_of_lists(self, post: Post) -> None:
        sunrise, harbour = (File.objects.ref(key_of("directus_files", n)) for n in (1, 2))
        gallery = Gallery.objects.create(headline="Mine")
        gallery.images.set([harbour, sunrise])
        assert stored(Gallery, gallery.id, "images") == [harbour, sunrise]
        gallery.images.remove(harbour)
        assert stored(Gallery, gallery.id, "images") == [sunrise]
        ada, grace = (User.objects.ref(key_of("directus_users", n)) for n in (1, 2))
        post.contributors.add(ada)
        post.contributors.set([grace])
        assert stored(Post, post.id, "contributors") == [grace]
        post.contributors.clear()
        assert User.objects.filter(pk__in=[ada.pk, grace.pk]).count() == 2

    def test_translations_are_rows_of_the_junction(self, page: Page) -> None:
        page.translations.create(language="en-US", title="Mine")
        german = page.translations.create(language="de-DE", title="Meine")
        assert Page.objects.get(translations__title="Meine").permalink == "/mine"
        page.translations.remove(german)
        assert [each.title for each in stored(Page, page.id, "translations")] == ["Mine"]

    def test_lists_longer_than_a_page_are_changed_as_a_whole(self, post: Post, page: Page) -> None:
        tags = Tag.objects.bulk_create(Tag(name=f"{n:03}") for n in range(130))
        heroes = Hero.objects.bulk_create(Hero(headline=f"{n:03}") for n in range(130))
        post.tags.add(*tags)
        page.blocks.add(*heroes)
        post.tags.set(tags[20:])
        page.blocks.set(heroes[20:])
        assert stored(Post, post.id, "tags") == tags[20:]
        assert stored(Page, page.id, "blocks") == heroes[20:]
        post.tags.remove(*tags[:129])
        page.blocks.remove(*heroes[:129])
        assert stored(Post, post.id, "tags") == tags[129:]
        assert stored(Page, page.id, "blocks") == heroes[129:]

    def test_more_children_than_a_page_are_removed(self) -> None:
        category = Category.objects.create(title="mine")
        posts = Post.objects.bulk_create(Post(title=f"{n:03}", category=category) for n in range(110))
        category.posts.remove(*posts[:105])
        assert {post.pk for post in category.posts} == {post.pk for post in posts[105:]}
        category.posts.add(*posts)
        category.posts.clear()
        assert not category.posts.exists()

    def test_lists_of_a_new_instance_go_along_with_it(self) -> None:
        sunrise = File.objects.ref(key_of("directus_files", 1))
        page = Page(permalink="/new")
        page.blocks.add(Hero(headline="New", image=sunrise), RichText(content="<p>New</p>"))
        page.translations.create(language="en-US", title="New")
        page.save()
        hero, text = stored(Page, page.id, "blocks")
        assert (hero.headline, hero.image, text.content) == ("New", sunrise, "<p>New</p>")
        assert [each.title for each in stored(Page, page.id, "translations")] == ["New"]

    def test_the_rows_of_a_junction_have_their_keys(self, post: Post, website_session: Session) -> None:
        post.tags.add(key_of("tags", 1), key_of("tags", 2))
        links = list(post.tags.through.order_by("sort"))
        raw = website_session.items("posts_tags").read(fields="id", filter={"posts_id": str(post.id)}, sort="sort")
        assert [link.pk for link in links] == [UUID(row["id"]) for row in raw]
        links[1].sort = 0
        links[1].save()
        assert [tag.pk for tag in stored(Post, post.id, "tags")] == [key_of("tags", 2), key_of("tags", 1)]
        assert post.tags.through.get(pk=links[0].pk) == links[0]
        assert post.tags.through.filter(pk__in=[links[0].pk]).delete() == 1
        frame = post.tags.through.values("id", "sort").to_pandas()
        assert list(frame.itertuples(index=False, name=None)) == [(raw[1]["id"], 0)]


class TestHome:
    """The home page is a singleton, which nobody saved before."""

    def test_its_lists_are_empty(self) -> None:
        home = Home.objects.get()
        assert (home.pk, home.title) == (None, None)
        assert [list(home.features), list(home.posts), list(home.blocks)] == [[], [], []]
        assert home.features.count() == 0
        assert not home.posts.filter(title="x").exists()
        assert Home.objects.only("title").get().posts.first() is None

    @pytest.mark.parametrize("start", [Home.objects.get, Home], ids=["read", "new"])
    def test_rows_go_along_with_it(self, start: Callable[[], Home], website_session: Session) -> None:
        home = start()
        home.title = "Welcome"
        feature = home.features.create(title="Fast")
        home.posts.set([key_of("posts", 2), key_of("posts", 1)])
        hero = home.blocks.create(Hero, headline="Hello")
        with website_session.capture() as sent:
            home.save()
        assert sum(not entry.request.reads for entry in sent) == 1
        stored = Home.objects.get()
        assert stored.pk == home.pk is not None
        assert list(stored.features) == [feature]
        assert [post.pk for post in stored.posts] == [key_of("posts", 2), key_of("posts", 1)]
        assert list(stored.blocks) == [hero]
        assert feature.home is home
        with website_session.capture() as sent:
            home.save()
        assert not sent

    def test_rows_alone_are_saved_with_it(self, website_session: Session) -> None:
        home = Home.objects.get()
        home.features.create(title="Fast")
        with website_session.capture() as sent:
            home.save()
        assert sent[-1].request.json.keys() == {"features"}
        assert Home.objects.get().features.get().title == "Fast"

    def test_what_it_lists_already_stays_once(self) -> None:
        first = Home(title="First")
        first.posts.add(key_of("posts", 1))
        old = first.features.create(title="Fast")
        first.save()
        second = Home(title="Second")
        second.posts.add(key_of("posts", 1), key_of("posts", 2))
        new = second.features.create(title="Fast")
        second.save()
        home = Home.objects.get()
        assert home.pk == first.pk == second.pk
        assert home.title == "Second"
        assert [post.pk for post in home.posts] == [key_of("posts", 1), key_of("posts", 2)]
        assert home.posts.through.count() == 2
        assert set(home.features) == {old, new}

    @pytest.mark.parametrize("start", [Home.objects.get, Home], ids=["read", "new"])
    def test_it_is_not_created_by_a_row_that_refers_to_it(self, start: Callable[[], Home]) -> None:
        feature = Feature(title="Fast", home=start())
        with pytest.raises(ConversionError, match="a singleton that is not saved: save it first"):
            feature.save()
        assert Home.objects.get().pk is None

    def test_refreshing_it_forgets_what_waits(self) -> None:
        home = Home.objects.get()
        home.features.create(title="Waits")
        other = Home(title="Other")
        other.save()
        home.refresh()
        assert (home.pk, home.title, list(home.features)) == (other.pk, "Other", [])
        home.save()
        assert not home.features.exists()
        home.features.create(title="Sent at once")
        assert Home.objects.get().features.count() == 1


@pytest.mark.row_rules
class TestReader:
    """A user who may read what is published, and of posts and users some fields only."""

    @pytest.fixture
    def reader(self, website_server: DirectusServer) -> Iterator[Session]:
        if not website_server.version.startswith("11."):
            pytest.skip("10 has no such permissions, and 12 none without a licence")
        with website.reader(website_server) as token, Session(website_server.url, token=token) as session:
            yield session

    def test_only_what_is_published_is_found(self, reader: Session) -> None:
        titles = Post.objects.only("title").order_by("title").values_list("title", flat=True)
        assert list(titles) == ["Anonymous", "Hello world", "Second steps"]
        assert Page.objects.count() == 2
        page = Page.objects.prefetch_related("blocks__hero__image", "blocks__gallery__images").get(permalink="/")
        hero, _, gallery, _ = page.blocks
        assert isinstance(hero, Hero)
        assert hero.image
        assert hero.image.title == "Sunrise"
        assert isinstance(gallery, Gallery)
        assert len(gallery.images) == 2

    def test_fields_that_are_not_shown_are_refused_by_name(self, reader: Session) -> None:
        with pytest.raises(Forbidden, match="slug"):
            Post.objects.get(title="Hello world")
        post = Post.objects.only("title").get(title="Hello world")
        with pytest.raises(Forbidden, match="status"):
            post.status
        assert [tag.name for tag in post.tags] == ["rest", "sql", "python"]

    def test_nothing_can_be_written(self, reader: Session) -> None:
        post = Post.objects.only("title").get(title="Hello world")
        with pytest.raises(Forbidden):
            post.tags.clear()
        with pytest.raises(Forbidden):
            Category.objects.create(title="mine")
