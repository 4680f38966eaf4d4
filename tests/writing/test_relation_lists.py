"""Writes to lists send only what changed, and new rows are saved with the instance that refers to them."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import ConversionError, Model, Related, Session, field, generated, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.library import Article, Author, Comment, Hero, Page, Tag, Text
from tests.worlds.server_setup import AUTO_KEY, column, make_collection, make_relation


def reread(article: Article) -> Article:
    return Article.objects.get(pk=article.pk)


def test_a_tag_is_added_and_removed_by_its_junction_row(article: Article, session: Session) -> None:
    """G7, G8: a plain list would replace all, and junction rows are not the tags."""
    article.tags.add(1, 2)
    with session.capture() as sent:
        article.tags.add(Tag.objects.ref(3))
    assert sent[-1].request.json == {"tags": {"create": [{"tags_id": 3}]}}
    with session.capture() as sent:
        article.tags.add(3, 1)
    assert all(entry.request.reads for entry in sent)
    assert [tag.pk for tag in reread(article).tags] == [1, 2, 3]
    article.tags.remove(2)
    assert [tag.pk for tag in article.tags] == [tag.pk for tag in reread(article).tags] == [1, 3]
    article.tags.set([3, 4])
    assert [tag.pk for tag in reread(article).tags] == [3, 4]
    article.tags.clear()
    assert list(reread(article).tags) == []


def test_children_are_added_and_removed_and_no_others_change(article: Article, session: Session) -> None:
    others = {comment.pk: comment.article and comment.article.pk for comment in Comment.objects.all()}
    mine = Comment(text="new")
    article.comments.add(mine)
    assert mine.article is article
    other = Comment.objects.create(text="other")
    with session.capture() as sent:
        article.comments.add(other)
    assert [entry.request.json for entry in sent] == [{"comments": {"update": [{"id": other.pk}]}}]
    assert {comment.pk for comment in reread(article).comments} == {mine.pk, other.pk}
    with session.capture() as sent:
        article.comments.remove(other)
    assert [entry.request.json for entry in sent] == [{"comments": {"delete": [other.pk]}}]
    assert other.article is None
    article.comments.create(text="third")
    article.comments.set([mine])
    assert [comment.text for comment in reread(article).comments] == ["new"]
    now = {comment.pk: comment.article and comment.article.pk for comment in Comment.objects.filter(pk__in=others)}
    assert now == others


def test_new_rows_are_saved_with_their_parent_in_one_request(article: Article, session: Session) -> None:
    tree = Article(title="tree", author=Author(name="new author"))
    tree.comments.add(Comment(text="b"), Comment(text="a", author=Author(name="commenter")))
    tree.tags.add(Tag(name="new tag"), 5)
    with session.capture() as sent:
        tree.save()
    assert [entry.request.method for entry in sent] == ["POST"]
    assert tree.author is not None
    assert tree.author.pk is not None
    kept = reread(tree)
    assert [comment.text for comment in kept.comments] == ["b", "a"]
    assert [tag.name for tag in kept.tags if tag.pk != 5] == ["new tag"]
    assert [comment.author and comment.author.name for comment in kept.comments] == [None, "commenter"]
    with session.capture() as sent:
        tree.save()
        tree.author.save()
        for comment in kept.comments:
            comment.save()
    assert not sent


def test_more_than_a_hundred_children_are_saved_with_their_parent(article: Article, session: Session) -> None:
    """G24: read back, a list would be cut at 100."""
    tree = Article(title="many")
    made = [Comment(text=str(n)) for n in range(130)]
    tree.comments.add(*made)
    tree.save()
    assert [comment.pk for comment in made] == sorted({comment.pk for comment in made})
    assert [comment.text for comment in reread(tree).comments] == [str(n) for n in range(130)]


def test_a_page_has_blocks_of_several_models(article: Article, session: Session) -> None:
    page = Page(title="blocks")
    page.blocks.add(Hero(title="first"), Text.objects.ref(2), Hero(title="last"))
    page.save()
    kept = Page.objects.get(pk=page.pk)
    assert [type(block).__name__ for block in kept.blocks] == ["Hero", "Text", "Hero"]
    kept.blocks.remove(Text.objects.ref(2))
    assert [type(block).__name__ for block in Page.objects.get(pk=page.pk).blocks] == ["Hero", "Hero"]


def test_a_failing_child_leaves_nothing_stored(article: Article, session: Session) -> None:
    tree, taken = Article(title="bad"), Comment(id=1, text="taken")
    tree.comments.add(taken)
    with pytest.raises(Exception, match="RECORD_NOT_UNIQUE"):
        tree.save()
    assert not Article.objects.filter(title="bad").exists()
    tree.comments.remove(taken)
    tree.save()
    assert tree.pk is not None


def test_values_that_cannot_be_added_raise_at_once(article: Article, session: Session) -> None:
    wrong: Any
    with session.capture() as sent:
        for wrong in (None, Author(name="x"), "abc"):
            with pytest.raises((TypeError, ValueError)):
                article.comments.add(wrong)
        with pytest.raises(TypeError, match=r"comments\.set"):
            article.comments = []  # type: ignore[assignment]
    assert not sent


def test_a_circle_of_new_instances_is_refused(article: Article, session: Session) -> None:
    tree = Article(title="circle", author=Author(name="x"))
    assert tree.author is not None
    tree.author.articles.add(tree)
    with session.capture() as sent, pytest.raises(ConversionError, match="refers to itself"):
        tree.save()
    assert not sent


def test_a_server_with_a_maximum_of_rows(limited_server: DirectusServer) -> None:
    """Lists are read back and loaded whole, and cleared whole, where the server gives few rows at a time (G45)."""
    make_collection(limited_server, "articles", AUTO_KEY, column("title", "string"))
    make_collection(limited_server, "comments", AUTO_KEY, column("text", "string"))
    make_relation(limited_server, "comments", "article", "articles", reverse="comments")
    with Session(limited_server.url, token=limited_server.token) as session:

        class Piece(Model, collection="articles"):
            id: int = field(default=generated, primary_key=True)
            title: str | None = None
            comments: Related[Word] = one_to_many("article")

        class Word(Model, collection="comments"):
            id: int = field(default=generated, primary_key=True)
            article: Piece | None = None
            text: str | None = None

        piece = Piece(title="many")
        words = [piece.comments.create(text=str(n)) for n in range(60)]
        piece.save()
        assert [word.pk for word in words] == sorted({word.pk for word in words})
        assert [word.text for word in Piece.objects.get(pk=piece.pk).comments] == [str(n) for n in range(60)]
        more = [Word(text=str(n)) for n in range(60, 90)]
        other = Piece.objects.create(title="other")
        other.comments.add(*more)
        piece.comments.add(*more)
        assert len(Piece.objects.get(pk=piece.pk).comments) == 90
        assert list(other.comments.all()) == []
        piece.comments.clear()
        assert Word.objects.filter(article=None).count() == 90
        assert session.max_rows == 40
