"""The server silently drops values for lists that it does not know (G15); the library raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    ConversionError,
    Count,
    DirectusError,
    FieldError,
    Forbidden,
    Model,
    NotVisibleWarning,
    QueryError,
    Related,
    Session,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.library import Article, Comment, Hero, Page, Tag, Text
from tests.worlds.server_setup import user


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


class TestUnknownLists:
    @pytest.mark.parametrize("what", WRITES)
    def test_a_list_of_stored_rows(self, article: Article, session: Session, what: str) -> None:
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
    def test_a_list_of_new_rows(self, article: Article, session: Session, make: Callable[[], Any]) -> None:
        """It has its row, and says what is missing there."""
        new = make()
        with pytest.raises(ConfigurationError, match=r"'\w+' has no list '(labels|remarks|parts|drafts)'"):
            new.save()
        assert new.pk is not None
        with session.capture() as sent:
            new.save()
        assert not sent

    def test_a_list_of_new_rows_behind_a_stored_row(self, article: Article, session: Session) -> None:
        remark = Remark.objects.create(text="x")
        remark.draft = _with(Draft(title="x"), "labels", Tag.objects.ref(1))
        with pytest.raises(ConfigurationError, match=r"Draft\.labels: 'articles' has no list 'labels'"):
            remark.save()

    def test_a_list_that_may_not_be_read_is_reported_as_well(
        self, article: Article, library_server: DirectusServer
    ) -> None:
        comment = Comment.objects.create(text="x")
        may: Any = {"articles": ["create", "read", "update"], "comments": ["create", "update"]}
        with user(library_server, "mumbler", **may) as token, Session(library_server.url, token=token) as session:
            Article.objects.using(session).get(pk=article.pk).comments.add(comment.pk)
            new = Article(title="x")
            new.comments.create(text="y")
            with pytest.warns(NotVisibleWarning, match="Comment: written"):
                new.save()
        assert Article.objects.get(pk=article.pk).comments.count() == 1
        assert Article.objects.get(pk=new.pk).comments.count() == 1

    def test_known_names_cost_no_request(self, article: Article, session: Session) -> None:
        with session.capture() as sent:
            article.tags.add(1)
            article.tags.clear()
            article.comments.create(text="x")
            article.comments.clear()
        assert not [entry for entry in sent if entry.purpose == "info"]

    def test_reading_an_unknown_list_raises_as_well(
        self, session: Session, library_server: DirectusServer
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"Draft\.labels: 'articles' has no list 'labels'.*name="):
            list(Draft.objects.all()[0].labels)


class Topic(Model, collection="tags"):
    """The articles of a tag, by a name that the server has not."""

    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    pieces: Related[Piece] = many_to_many("articles_tags")


class Piece(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Topic] = many_to_many("articles_tags")


class TestListsOfOneSide:
    """Both models declare the list, and the server has it on one side only."""

    @pytest.mark.parametrize(
        ("read", "expected"),
        [
            (lambda tags: [tag.pk for tag in tags.order_by("-id")], [2, 1]),
            (lambda tags: list(tags.values_list("id", flat=True)), [1, 2]),
            (lambda tags: tags.filter(pk__lte=3).count(), 2),
            (lambda tags: tags.aggregate(n=Count("*")), {"n": 2}),
            (lambda tags: tags.get(name="New").pk, 2),
            (lambda tags: tags.exclude(name="New").get().pk, 1),
            (lambda tags: Tag.objects.filter(pk__in=tags.all()).count(), 2),
        ],
    )
    def test_the_other_side_is_as_without_the_declaration(
        self, article: Article, session: Session, read: Callable[[Any], Any], expected: Any
    ) -> None:
        article.tags.add(1, 2)
        Article.objects.create(title="other").tags.add(3)
        assert read(Piece.objects.get(pk=article.pk).tags) == expected

    def test_it_is_looked_for_once_in_a_session(self, article: Article, session: Session) -> None:
        article.tags.add(1)
        piece = Piece.objects.get(pk=article.pk)
        for name in ("new", "New", "other"):
            with session.capture() as sent:
                piece.tags.filter(name=name).exists()
            looked_for = [entry for entry in sent if entry.purpose == "info" and "/items/" in entry.request.path]
            assert bool(looked_for) == (name == "new")
        assert "articles_tags" in str(piece.tags.filter(name="new").explain())

    def test_an_update_touches_the_rows_of_the_list_alone(self, article: Article, session: Session) -> None:
        mine, other = Tag.objects.create(name="topic"), Tag.objects.create(name="topic")
        article.tags.add(mine)
        assert Piece.objects.get(pk=article.pk).tags.filter(name="topic").update(name="changed") == 1
        assert Tag.objects.get(pk=other.pk).name == "topic"

    def test_a_condition_on_it_says_what_is_missing(self, session: Session, is_directus_10: bool) -> None:
        with pytest.raises(ConfigurationError if is_directus_10 else Forbidden) as caught:
            Topic.objects.filter(pieces__title="x").count()
        said = str(caught.value) if is_directus_10 else caught.value.__notes__[0]
        assert said.startswith("Topic.pieces: 'tags' has no list 'pieces', as far as this user may read.")


class Guessed(Model, collection="articles"):
    """A junction's field that is not there, and no order either."""

    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Tag] = many_to_many("articles_tags", target="tag_id")


class Sorted(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Tag] = many_to_many("articles_tags", sort="place")


class Led(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Tag] = many_to_many("articles_tags", source="article_id")


class Leaflet(Model, collection="pages"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    blocks: Related[Hero | Text] = many_to_any("pages_blocks", target="itm")


class Sticker(Model, collection="articles_tags"):
    id: int = field(default=generated, primary_key=True)
    on: Labelled | None = field(default=None, name="articles_id")
    tag: Tag | None = field(default=None, name="tags_id")
    sort: int | None = None
    remark: str | None = field(default=None, name="note")


class Labelled(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Tag] = many_to_many(Sticker)


class TestUnknownFieldsOfJunctions:
    @pytest.mark.parametrize(
        ("model", "name"), [(Guessed, "tag_id"), (Sorted, "place"), (Led, "article_id"), (Leaflet, "itm")]
    )
    def test_a_list_of_new_rows(
        self, article: Article, session: Session, model: Any, name: str, is_directus_10: bool
    ) -> None:
        """Directus 10 refuses some of them itself, with a word of its own."""
        new = model(title="x")
        getattr(new, "blocks" if model is Leaflet else "tags").add(
            (Hero if model is Leaflet else Tag).objects.ref(1)
        )
        with pytest.raises(DirectusError if is_directus_10 else ConfigurationError) as caught:
            new.save()
        assert name in str(caught.value)

    @pytest.mark.parametrize("stored", [True, False])
    def test_a_junction_field_of_added_rows(self, article: Article, session: Session, stored: bool) -> None:
        mine = article if stored else Article(title="x")
        with pytest.raises(ConfigurationError, match=r"'articles_tags' has no field 'nope'.*through_defaults"):  # noqa: PT012
            mine.tags.add(1, through_defaults={"note": "x", "nope": 1})
            mine.save()

    def test_a_junction_model_raises_before_anything_is_sent(self, article: Article, session: Session) -> None:
        mine = Labelled.objects.get(pk=article.pk)
        wrong: Any
        with session.capture() as sent:
            for wrong, error, says in (
                ({"remark": "x"}, FieldError, r"Sticker has no field 'remark' .*articles_id, tags_id, sort, note"),
                ({"sort": "first"}, ConversionError, r"Sticker\.sort"),
                ({"tags_id": 2}, QueryError, r"contains 'tags_id', which the relation sets itself"),
                ("note", TypeError, r"through_defaults= takes a dict"),
            ):
                with pytest.raises(error, match=says):
                    mine.tags.add(1, through_defaults=wrong)
        assert not sent
        mine.tags.add(1, through_defaults={"note": "x"})
        assert [row.remark for row in mine.tags.through] == ["x"]


def _with(instance: Any, name: str, one: Any) -> Any:
    getattr(instance, name).add(one)
    return instance
