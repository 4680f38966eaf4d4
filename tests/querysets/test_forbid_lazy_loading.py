"""forbid_lazy_loading(): the error names the relation that was read and the line to add."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import (
    QueryError,
    Session,
)
from tests.worlds.library import (
    Article,
    Category,
    Comment,
    Page,
    comments_of,
    keys,
    tags_of,
)


class TestForbiddenLazyLoading:
    """The error names the relation that was read and the line to add; with that line, everything is loaded."""

    @pytest.mark.parametrize(
        ("rows", "touch", "named", "line"),
        [
            (Article.objects.filter(pk=5), lambda a: a.author.name, "Author.name", ".select_related('author')"),
            (
                Article.objects.filter(pk=2),
                lambda a: list(a.comments),
                "Article.comments",
                ".prefetch_related('comments')",
            ),
            (Article.objects.filter(pk=2), lambda a: len(a.tags), "Article.tags", ".prefetch_related('tags')"),
            (
                Comment.objects.filter(pk=1).select_related("article"),
                lambda c: c.article.author.name,
                "Author.name",
                ".select_related('article__author')",
            ),
            (
                Comment.objects.filter(pk=1).select_related("article"),
                lambda c: list(c.article.tags),
                "Article.tags",
                ".prefetch_related('article__tags')",
            ),
            (
                Article.objects.filter(pk=2).prefetch_related("comments"),
                lambda a: [c.author.name for c in a.comments if c.author],
                "Author.name",
                ".prefetch_related('comments__author')",
            ),
            (
                Article.objects.filter(pk=2).prefetch_related("comments__author"),
                lambda a: [len(c.author.articles) for c in a.comments if c.author],
                "Author.articles",
                ".prefetch_related('comments__author__articles')",
            ),
            (
                Category.objects.filter(pk=7).select_related("parent"),
                lambda c: c.parent.parent.name,
                "Category.name",
                ".select_related('parent__parent')",
            ),
            (
                Category.objects.filter(pk=2).prefetch_related("children"),
                lambda c: [len(child.children) for child in c.children],
                "Category.children",
                ".prefetch_related('children__children')",
            ),
            (
                Category.objects.filter(pk=2).select_related("parent").prefetch_related("children"),
                lambda c: [len(child.articles) for child in c.children],
                "Category.articles",
                ".prefetch_related('children__articles')",
            ),
            (Page.objects.filter(pk=1), lambda p: list(p.blocks), "Page.blocks", ".prefetch_related('blocks')"),
        ],
    )
    def test_the_error_names_the_line_that_loads_it(
        self, library_session: Session, rows: Any, touch: Callable[[Any], Any], named: str, line: str
    ) -> None:
        with library_session.forbid_lazy_loading():
            (one,) = list(rows.all())
            with library_session.capture() as sent, pytest.raises(QueryError) as caught:
                touch(one)
            assert not sent
            assert str(caught.value).startswith(f"{named} is not loaded, and lazy loading is forbidden here: ")
            assert f"add {line} to the queryset" in str(caught.value)
            (one,) = list(eval(f"rows{line}", {"rows": rows}))
            touch(one)

    def test_when_nobody_holds_the_first_row_any_more(self, library_session: Session) -> None:
        author = Article.objects.select_related("author").get(pk=5).author
        gc.collect()
        with (
            library_session.forbid_lazy_loading(),
            pytest.raises(QueryError, match=r"prefetch_related\('author__articles'\)"),
        ):
            list(author.articles)  # type: ignore[union-attr]

    def test_a_deferred_field(self, library_session: Session) -> None:
        for rows in (Article.objects.only("id"), Article.objects.defer("title"), Article.objects.only("body")):
            article = rows[0]
            with (
                library_session.forbid_lazy_loading(),
                pytest.raises(QueryError, match=r"Article\.title.* name 'title' in only\(\)"),
            ):
                article.title

    def test_a_reference(self, library_session: Session) -> None:
        with (
            library_session.forbid_lazy_loading(),
            pytest.raises(QueryError, match=r"Article\.objects\.get\(pk=2\) reads"),
        ):
            Article.objects.ref(2).title

    def test_explicit_queries_are_allowed(self, library_session: Session) -> None:
        article = Article.objects.prefetch_related("tags").get(pk=2)
        with library_session.forbid_lazy_loading():
            assert keys(article.tags) == tags_of(2)
            assert keys(article.comments.filter(id__gt=0)) == comments_of(2)
            assert article.comments.count() == len(comments_of(2))
            assert article.author is not None
            assert article.author.pk
        assert keys(article.comments) == comments_of(2)
