"""Declaring relations: every kind, in any order, across modules; and declaring them wrongly."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    DirectusError,
    Forbidden,
    Model,
    Related,
    Session,
    field,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.books import FILES, IDS, Book, Edition, File, Person
from tests.worlds.library import Article, Category, Hero, Page, Tag


class TestNames:
    """What is not given is named as Directus Studio names it."""

    @pytest.mark.parametrize(
        ("relation", "source", "steps"),
        [
            (lambda: Article.directus.relations["tags"], "articles_id", ("tags", "tags_id")),
            (lambda: Tag.directus.relations["articles"], "tags_id", ("articles", "articles_id")),
            (lambda: Person.directus.relations["friends"], "people_id", ("friends", "related_people_id")),
            (lambda: Book.directus.relations["gallery"], "books_id", ("gallery", "directus_files_id")),
            (lambda: Edition.directus.relations["languages"], "books_id", ("translations", "languages_code")),
            (lambda: Page.directus.relations["blocks"].scopes[0], "pages_id", ("blocks", "item:heroes")),
            (lambda: Article.directus.relations["comments"], "article", ("comments",)),
            (lambda: Category.directus.relations["children"], "parent", ("children",)),
            (lambda: Book.directus.relations["translations"], "books_id", ("translations",)),
        ],
    )
    def test_names_of_junction_fields_are_inferred(
        self, relation: Any, source: str, steps: tuple[str, ...]
    ) -> None:
        assert (relation().source_column, relation().segments) == (source, steps)

    def test_names_that_are_given_win(self) -> None:
        class Reader(Model, collection="people"):
            id: int
            likes: Related[Reader] = many_to_many(
                "people_people", name="friends", source="related_people_id", target="people_id", sort="sort"
            )
            parts: Related[Reader | Tag] = many_to_any("x", source="s", target="t", collection="c")

        likes, parts = Reader.directus.relations.values()
        assert (likes.source_column, likes.segments) == ("related_people_id", ("friends", "people_id"))
        assert (parts.source_column, parts.scopes[1].segments) == ("s", ("parts", "t:tags"))
        assert not likes.guess_note
        assert not parts.guess_note

    def test_a_junctions_model_says_its_names(self) -> None:
        class Sticker(Model, collection="articles_tags"):
            id: int
            on: Paper | None = field(default=None, name="articles_id")
            what: Tag | None = field(default=None, name="tags_id")

        class Paper(Model, collection="articles"):
            id: int
            stickers: Related[Tag] = many_to_many(Sticker, name="tags")

        relation = Paper.directus.relations["stickers"]
        assert (relation.source_column, relation.segments) == ("articles_id", ("tags", "tags_id"))
        assert relation.guess_note == ""


class TestEveryKind:
    """Each kind is read, lazily and prefetched with the rows."""

    def test_several_relations_between_the_same_models(self, books_session: Session) -> None:
        ann, bob, *_ = Person.objects.prefetch_related("written", "edited")
        assert [book.title for book in ann.written] == ["Green", "Red"]  # by key
        assert [book.title for book in ann.edited] == ["Green"]
        assert [book.title for book in bob.edited] == ["Red"]
        red = Book.objects.select_related("writer", "editor").get(title="Red")
        assert (red.writer.name, red.editor and red.editor.name) == ("Ann", "Bob")
        assert Book.objects.get(title="Green").writer is not None

    def test_one_row_behind_two_relations_is_one_instance(self, books_session: Session) -> None:
        green = Book.objects.select_related("writer", "editor").get(title="Green")
        assert green.writer is green.editor
        lazily = Book.objects.get(title="Green")
        assert lazily.writer is lazily.editor

    @pytest.mark.parametrize("rows", [Book.objects.all, lambda: Book.objects.select_related("cover")])
    def test_files(self, books_session: Session, rows: Any) -> None:
        covers = {book.title: book.cover for book in rows()}
        assert covers["Blue"] is None
        assert {covers["Red"].pk, covers["Green"].pk} == {FILES[0], FILES[1]}
        assert (covers["Red"].title, covers["Green"].filename_download) == ("Picture 0", "1.png")

    @pytest.mark.parametrize("rows", [Book.objects.all, lambda: Book.objects.prefetch_related("gallery")])
    def test_galleries(self, books_session: Session, rows: Any) -> None:
        galleries = {book.pk: [file.pk for file in book.gallery] for book in rows()}
        assert galleries == {IDS[0]: sorted(FILES), IDS[1]: [], IDS[2]: [FILES[1]]}

    def test_directus_own_collections_have_routes_of_their_own(self, books_session: Session) -> None:
        assert File.objects.filter(title__startswith="Picture").count() == 3
        with books_session.capture() as sent:
            first = File.objects.order_by("title").only("title").first()
            assert first is not None
            assert (first.title, first.filename_download) == ("Picture 0", "0.png")
            first.title = "Other"
            first.save()
        assert {entry.request.path.partition("/files")[0] for entry in sent} == {""}
        File.objects.filter(title="Other").update(title="Picture 0")
        assert Book.objects.filter(cover__title="Picture 0").get().title == "Red"
        assert [book.title for book in Book.objects.filter(gallery__title="Picture 2")] == ["Red"]
        red = Book.objects.get(title="Red")
        assert red.gallery.filter(title="Picture 1").get().pk == FILES[1]
        assert red.gallery.count() == 3

    def test_translations(self, books_session: Session) -> None:
        red, blue, green = (Book.objects.get(title=title) for title in ("Red", "Blue", "Green"))
        assert {(t.language and t.language.name, t.title) for t in red.translations} == {
            ("English", "Red"),
            ("German", "Rot"),
        }
        assert list(blue.translations) == []
        assert green.translations.get(language="de/AT").title == "Grün"
        assert green.translations.filter(language__name="English").first() is None
        found = Book.objects.filter(translations__language="de/AT", translations__title__startswith="R")
        assert [book.title for book in found] == ["Red"]

    def test_languages_behind_translations(self, books_session: Session) -> None:
        codes = {edition.pk: {each.code for each in edition.languages} for edition in Edition.objects.all()}
        assert sorted(map(len, codes.values())) == [0, 1, 2]

    def test_a_model_tied_to_itself(self, books_session: Session) -> None:
        for people in (Person.objects.all(), Person.objects.prefetch_related("friends")):
            ann, bob, cid, dee = people
            assert [friend.name for friend in ann.friends] == ["Cid", "Dee", "Bob"]  # by the junction's sort
            assert list(cid.friends) == [cid]
            assert [list(bob.friends), list(dee.friends)] == [[ann], []]
        assert [one.name for one in Person.objects.filter(friends__name="Ann")] == ["Bob"]
        assert [one.name for one in Person.objects.filter(friends__friends__name="Ann")] == ["Ann"]
        assert ann.friends.filter(name__startswith="B").get() == bob

    def test_trees(self, library_session: Session) -> None:
        roots = Category.objects.filter(parent=None).prefetch_related("children__children__children__children")
        with library_session.capture() as sent:
            found = {root.pk: shape(root) for root in roots}
            assert found[1] == {2: {6: {7: {9: {}}}, 8: {}}, 3: {}, 4: {}}
        assert len(sent) == 1
        lens = Category.objects.get(pk=9)
        names = []
        while lens.parent is not None:
            lens = lens.parent
            names.append(lens.name)
        assert names == ["Optics", "Physics", "Science", "Root"]


def shape(category: Category, depth: int = 4) -> dict[int, Any]:
    return {child.pk: shape(child, depth - 1) for child in category.children} if depth else {}


class TestOrderOfDefinition:
    """Models name one another before they exist, wherever they are."""

    def test_in_a_function(self, library_session: Session) -> None:
        class Writer(Model, collection="authors"):
            id: int
            works: Related[Work] = one_to_many("author", name="articles")

        class Work(Model, collection="articles"):
            id: int
            author: Writer | None = None

        writer = Writer.objects.filter(works__id=5).get()
        assert 5 in [work.pk for work in writer.works]
        assert all(work.author is writer for work in writer.works)

    def test_quoted(self, library_session: Session) -> None:
        class Writer(Model, collection="authors"):
            id: int
            works: Related["Piece"] = one_to_many("author", name="articles")  # noqa: UP037 - this is tested

        class Piece(Model, collection="articles"):
            id: int
            author: "Writer | None" = None  # noqa: UP037

        assert Writer.directus.relations["works"].target is Piece
        assert Piece.directus.fields["author"].target is Writer

    def test_in_modules_that_import_one_another(
        self, library_session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        heads = {
            "shop_of_authors": ("shop_of_articles", "Story"),
            "shop_of_articles": ("shop_of_authors", "Scribe"),
        }
        bodies = {
            "shop_of_authors": """
                class Scribe(Model, collection="authors"):
                    id: int
                    name: str | None = None
                    stories: Related[Story] = one_to_many("author", name="articles")
                """,
            "shop_of_articles": """
                class Story(Model, collection="articles"):
                    id: int
                    author: Scribe | None = None
                    tags: Related[Label] = many_to_many("articles_tags")

                class Label(Model, collection="tags"):
                    id: int
                    name: str | None = None
                """,
        }
        for name, (other, model) in heads.items():
            head = f"""
                from __future__ import annotations
                from typing import TYPE_CHECKING
                from directus_orm import Model, Related, many_to_many, one_to_many
                if TYPE_CHECKING:
                    from {other} import {model}
                """
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(head) + textwrap.dedent(bodies[name]))
        modules: list[ModuleType] = [__import__(name) for name in heads]
        for module in modules:
            monkeypatch.setitem(sys.modules, module.__name__, module)
        scribe = modules[0].Scribe.objects.prefetch_related("stories__tags").get(pk=8)
        assert scribe.stories[0].author is scribe
        assert {tag.name for story in scribe.stories for tag in story.tags}

    def test_a_model_defined_again_is_the_one_that_lists_lead_to(self, library_session: Session) -> None:
        class Writer(Model, collection="authors"):
            id: int
            works: Related[Opus] = one_to_many("author", name="articles")  # type: ignore[name-defined]  # noqa: F821 - is made below

        kinds: tuple[dict[str, str], ...] = ({}, {"title": "str | None"})
        for columns in kinds:
            body: Any = {"__annotations__": {"id": "int", "author": "Writer | None", **columns}}
            scope = f"{type(self).__qualname__}.test_a_model_defined_again_is_the_one_that_lists_lead_to.<locals>"
            body |= {"__module__": __name__, "__qualname__": f"{scope}.Opus", "author": None}
            body |= dict.fromkeys(columns)
            metaclass: Any = type(Model)
            opus = metaclass("Opus", (Model,), body, collection="articles")
            assert Writer.directus.relations["works"].target is opus
        assert Writer.objects.get(pk=8).works[0].title is not None


class TestWrongDeclarations:
    """Each error says which part of the declaration is wrong, and what would be right."""

    def test_an_annotation_that_is_no_list(self) -> None:
        class Wrong(Model):
            id: int
            plain: list[Tag] = many_to_many("x")

        with pytest.raises(ConfigurationError, match=r"Wrong\.plain .*many-to-many.* Related\[Model\], not 'list"):
            Wrong.directus

    def test_a_list_of_no_models(self) -> None:
        class Wrong(Model):
            id: int
            numbers: Related[int] = one_to_many("x")  # type: ignore[type-var]

        with pytest.raises(ConfigurationError, match=r"Wrong\.numbers .* Related\[Model\]"):
            Wrong.directus

    def test_two_models_where_one_belongs(self) -> None:
        class Wrong(Model):
            id: int
            both: Related[Hero | Tag] = many_to_many("x")

        with pytest.raises(ConfigurationError, match=r"Wrong\.both .* Related\[Model\]"):
            Wrong.directus

    def test_a_list_without_a_declaration(self) -> None:
        class Wrong(Model):
            id: int
            tags: Related[Tag]

        with pytest.raises(ConfigurationError, match=r"Wrong\.tags .*one_to_many.*many_to_many.*many_to_any"):
            Wrong.directus

    def test_a_model_that_there_is_not(self) -> None:
        class Wrong(Model):
            id: int
            tags: Related[Taggg] = many_to_many("x")  # type: ignore[name-defined]  # noqa: F821

        with pytest.raises(ConfigurationError, match=r"Wrong\.tags.*'Taggg'"):
            Wrong.directus

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("autor", r"one_to_many\('autor'\), and Article has no such field.*lead to Writer: author\."),
            ("title", r"Article\.title is no many-to-one to this model.*: author\."),
            ("comments", r"Article\.comments is no many-to-one to this model.*: author\."),
            ("category", r"Article\.category is no many-to-one to this model.*: author\."),
        ],
    )
    def test_a_reverse_that_is_none(self, name: str, says: str) -> None:
        class Writer(Model, collection="authors"):
            id: int
            works: Related[Article] = one_to_many(name, name="articles")

        for use in (
            lambda: Writer.objects.filter(works__title="x"),
            lambda: Writer.objects.prefetch_related("works").explain(),
            lambda: list(Writer.objects.ref(1).works),
        ):
            with pytest.raises(ConfigurationError, match=rf"Writer\.works is declared as .*{says}"):
                use()

    def test_a_junction_without_a_way(self) -> None:
        class Bare(Model, collection="articles_tags"):
            id: int
            tag: Tag | None = field(default=None, name="tags_id")

        class Paper(Model, collection="articles"):
            id: int
            tags: Related[Tag] = many_to_many(Bare)

        says = r"Paper\.tags: of the fields of the junction Bare, those that lead to Paper are: none; .*source=…"
        with pytest.raises(ConfigurationError, match=says):
            Paper.objects.prefetch_related("tags").explain()

    def test_a_junction_with_two_ways(self) -> None:
        class Friendship(Model, collection="people_people"):
            id: int
            one: Pal | None = field(default=None, name="people_id")
            other: Pal | None = field(default=None, name="related_people_id")

        class Pal(Model, collection="people"):
            id: int
            friends: Related[Pal] = many_to_many(Friendship)
            likes: Related[Pal] = many_to_many(
                Friendship, name="l", source="people_id", target="related_people_id"
            )

        says = (
            r"Friendship, those that lead to Pal are: people_id, related_people_id; say which with (source|tar.+)="
        )
        with pytest.raises(ConfigurationError, match=says):
            Pal.objects.filter(friends__id=1).explain()
        Pal.objects.filter(likes__id=1).explain()

    @pytest.mark.parametrize("wrong", [{"source": "nope"}, {"target": "nope"}, {"sort": "nope"}])
    def test_a_name_that_the_junctions_model_lacks(self, wrong: dict[str, str]) -> None:
        class Label(Model, collection="articles_tags"):
            id: int
            article: Paper | None = field(default=None, name="articles_id")
            tag: Tag | None = field(default=None, name="tags_id")

        class Paper(Model, collection="articles"):
            id: int
            tags: Related[Tag] = many_to_many(Label, **wrong)  # type: ignore[arg-type, misc]

        says = (
            rf"Paper\.tags: the junction Label has no field for {next(iter(wrong))}='nope'.*articles_id, tags_id"
        )
        with pytest.raises(ConfigurationError, match=says):
            Paper.objects.prefetch_related("tags").explain()

    def test_a_list_of_nothing(self) -> None:
        class Author(Model):
            id: int
            articles: Related = one_to_many("author")  # type: ignore[type-arg]

        with pytest.raises(ConfigurationError, match=r"Author\.articles .* annotation is Related\[Model\]"):
            Author.objects.explain()

    @pytest.mark.parametrize(
        ("declare", "says"),
        [
            (lambda: one_to_many(anything(Tag)), "one-to-many relation takes a name as field, not <class"),
            (lambda: one_to_many(""), "takes a name as field, not ''"),
            (lambda: one_to_many("x", name=anything(1)), "takes a name as name, not 1"),
            (
                lambda: many_to_many(anything(None)),
                "many-to-many relation takes a collection, or a model as through",
            ),
            (lambda: many_to_many(""), "as through, not ''"),
            (lambda: many_to_many(int), "as through, not <class 'int'>"),
            (lambda: many_to_many(anything(Tag.objects.ref(1))), r"as through, not Tag\(id=1\)"),
            (lambda: many_to_many("x", sort=anything(True)), "takes a name as sort, not True"),
            (lambda: many_to_any("x", target=""), "many-to-any relation takes a name as target, not ''"),
        ],
    )
    def test_what_is_no_name(self, declare: Callable[[], Any], says: str) -> None:
        with pytest.raises(ConfigurationError, match=says):
            declare()

    def test_models_that_nothing_tells_apart(self) -> None:
        class Banner(Model, collection="heroes"):
            id: int

        class HERO(Model, collection="banners"):
            id: int

        class Sheet(Model, collection="pages"):
            id: int
            blocks: Related[Hero | Banner] = many_to_any("pages_blocks")

        class Leaf(Model, collection="pages"):
            id: int
            blocks: Related[Hero | HERO] = many_to_any("pages_blocks")

        for model, says in ((Sheet, "one collection, 'heroes'"), (Leaf, "one path, 'hero'")):
            with pytest.raises(ConfigurationError, match=rf"blocks leads to two models that have {says}"):
                model.objects.explain()

    def test_init_is_no_choice(self) -> None:
        with pytest.raises(ConfigurationError, match="never an argument of __init__"):
            one_to_many("x", init=True)  # type: ignore[arg-type]

    def test_a_list_is_no_argument(self) -> None:
        with pytest.raises(TypeError, match="comments"):
            Article(comments=[])  # type: ignore[call-arg]


class TestErrorsOnInferredNames:
    """Where the server does not know a name that nobody gave, the error says that it was a guess."""

    @pytest.fixture
    def draft(self) -> Any:
        class Draft(Model, collection="articles"):
            id: int
            labels: Related[Hero] = many_to_many("articles_tags", name="tags")

        return Draft

    @pytest.fixture
    def sheet(self) -> Any:
        class Sheet(Model, collection="pages"):
            id: int
            blocks: Related[Hero] = many_to_any("pages_blocks", source="page")

        return Sheet

    def test_along_with_the_rows_lazily_and_in_conditions(
        self, library_session: Session, draft: Any, is_directus_10: bool
    ) -> None:
        says = "Draft.labels: source='articles_id', target='heroes_id' is a guess"
        on_newer: tuple[Callable[[], Any], ...] = (
            # Directus 10 drops such a condition, and leaves such a field out.
            lambda: list(draft.objects.filter(labels__title="x")),
            lambda: draft.objects.filter(labels__title="x").count(),
            lambda: list(draft.objects.filter(pk=7)[0].labels.through),
        )
        for use in (
            lambda: list(next(iter(draft.objects.prefetch_related("labels").filter(id=7))).labels),
            lambda: list(draft.objects.get(pk=7).labels),
            lambda: draft.objects.exclude(labels__title="x", labels__id=3).first(),
            lambda: list(draft.objects.filter(pk=7)[0].labels.filter(title="x")),
            *(() if is_directus_10 else on_newer),
        ):
            with pytest.raises(DirectusError) as caught:
                use()
            assert says in "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])

    def test_of_a_many_to_any(self, library_session: Session, sheet: Any, is_directus_10: bool) -> None:
        with pytest.raises(DirectusError) as caught:
            list(sheet.objects.get(pk=1).blocks.through)
        notes = "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert "Sheet.blocks: target='item', collection='collection' is a guess" in notes

    def test_no_other_refusal_speaks_of_guesses(
        self, library_session: Session, library_server: DirectusServer
    ) -> None:
        class Draft(Model, collection="articles"):
            id: int
            nothing: str | None = None
            tags: Related[Tag] = many_to_many("articles_tags")

        if library_server.version.startswith("10."):
            pytest.skip("which says nothing of unknown fields")
        with pytest.raises(Forbidden) as caught:
            list(Draft.objects.prefetch_related("tags"))
        assert "guess" not in "".join(caught.value.__notes__)
        assert "Draft declares it" in caught.value.__notes__[0]


def anything(value: Any) -> Any:
    """Return a value as checkers do not know it, for what they would refuse."""
    return value
