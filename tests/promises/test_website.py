"""What the user of a website template does, whose keys are uuids, also those of the junctions."""

from __future__ import annotations

import pytest

from directus_orm import Session
from tests.worlds.website import (
    Gallery,
    Hero,
    NavigationItem,
    Page,
    Post,
    PostList,
    RichText,
    User,
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
