"""A server drops without a word what is written of a list that it does not know (G15): that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    Model,
    Related,
    Session,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer

from .library import Article, Comment, Hero, Page, Tag, Text
from .schema import user


class Draft(Model, collection="articles"):
    """Names of lists that the server has not."""

    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    author: Writer | None = None
    labels: Related[Tag] = many_to_many("articles_tags")
    remarks: Related[Remark] = one_to_many("draft")


class Remark(Model, collection="comments"):
    id: int = field(default=generated, primary_key=True)
    draft: Draft | None = field(default=None, name="article")
    text: str | None = None


class Writer(Model, collection="authors"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    drafts: Related[Draft] = one_to_many("author")


class Sheet(Model, collection="pages"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    parts: Related[Hero | Text] = many_to_any("pages_blocks")


WRITES: dict[str, Callable[[Draft, Sheet], Any]] = {
    "a tag more": lambda draft, _: draft.labels.add(8),
    "other tags": lambda draft, _: draft.labels.set([7]),
    "no tag": lambda draft, _: draft.labels.clear(),
    "a tag less": lambda draft, _: draft.labels.remove(1),
    "a child": lambda draft, _: draft.remarks.add(1),
    "a child less": lambda draft, _: draft.remarks.remove(1),
    "a block": lambda _, sheet: sheet.parts.add(Hero.objects.ref(1)),
    "no block": lambda _, sheet: sheet.parts.clear(),
}


class TestListsThatAreNotThere:
    @pytest.mark.parametrize("what", WRITES)
    def test_of_rows(self, article: Article, session: Session, what: str) -> None:
        article.tags.add(1)
        page = Page.objects.create(title="x")
        page.blocks.add(Hero.objects.ref(2))
        with pytest.raises(ConfigurationError, match=r"has no list '(labels|remarks|parts)'.*name=") as caught:
            WRITES[what](Draft.objects.get(pk=article.pk), Sheet.objects.get(pk=page.pk))
        assert "lost" in caught.value.__notes__[0]

    @pytest.mark.parametrize(
        "make",
        [
            lambda: _with(Draft(title="x"), "labels", Tag.objects.ref(1)),
            lambda: _with(Draft(title="x"), "remarks", Remark(text="x")),
            lambda: _with(Sheet(title="x"), "parts", Hero(title="x")),
            lambda: Draft(title="x", author=_with(Writer(name="x"), "drafts", Draft(title="y"))),
            lambda: Remark(text="x", draft=_with(Draft(title="x"), "labels", Tag.objects.ref(1))),
        ],
    )
    def test_of_what_is_new(self, article: Article, session: Session, make: Callable[[], Any]) -> None:
        """It has its row, and says what is missing there."""
        new = make()
        with pytest.raises(ConfigurationError, match=r"'\w+' has no list '(labels|remarks|parts|drafts)'"):
            new.save()
        assert new.pk is not None
        with session.capture() as sent:
            new.save()
        assert not sent

    def test_of_what_is_new_behind_what_is_not(self, article: Article, session: Session) -> None:
        remark = Remark.objects.create(text="x")
        remark.draft = _with(Draft(title="x"), "labels", Tag.objects.ref(1))
        with pytest.raises(ConfigurationError, match=r"Draft\.labels: 'articles' has no list 'labels'"):
            remark.save()

    def test_a_list_that_may_not_be_read_is_one(self, article: Article, both_worlds: DirectusServer) -> None:
        comment = Comment.objects.create(text="x")
        may: Any = {"articles": ["create", "read", "update"], "comments": ["create", "update"]}
        with user(both_worlds, "mumbler", **may) as token, Session(both_worlds.url, token=token) as session:
            Article.objects.using(session).get(pk=article.pk).comments.add(comment.pk)
            new = Article(title="x")
            new.comments.create(text="y")
            new.save()
        assert Article.objects.get(pk=article.pk).comments.count() == 1
        assert Article.objects.get(pk=new.pk).comments.count() == 1

    def test_what_is_there_costs_no_request(self, article: Article, session: Session) -> None:
        with session.capture() as sent:
            article.tags.add(1)
            article.tags.clear()
            article.comments.create(text="x")
            article.comments.clear()
        assert not [entry for entry in sent if entry.purpose == "info"]

    def test_reading_says_so_as_well(self, session: Session, both_worlds: DirectusServer) -> None:
        with pytest.raises(ConfigurationError, match=r"Draft\.labels: 'articles' has no list 'labels'.*name="):
            list(Draft.objects.all()[0].labels)


def _with(instance: Any, name: str, one: Any) -> Any:
    getattr(instance, name).add(one)
    return instance
