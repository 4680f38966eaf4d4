"""New related instances are saved with their parent: each becomes one row and has its key afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    ConversionError,
    DoesNotExist,
    Model,
    RecordNotUnique,
    Related,
    Session,
    field,
    generated,
    one_to_many,
)
from tests.worlds.books import FILES, Book, File, Person
from tests.worlds.flights import Note
from tests.worlds.library import Article, Author, Category, Comment, Hero, Page, Tag, Text

pytestmark = pytest.mark.usefixtures("article")  # whatever a test makes is gone afterwards


def bodies(sent: Any) -> list[Any]:
    return [entry.request.json for entry in sent if not entry.request.reads]


def test_an_unsaved_parent_of_an_unsaved_parent(session: Session) -> None:
    tree = Category(name="leaf", parent=Category(name="branch", parent=Category(name="root")))
    article = Article(title="deep", category=tree, author=Author(name="deep"))
    with session.capture() as sent:
        article.save()
    assert len(sent) == 1
    kept = Article.objects.select_related("author", "category__parent__parent").get(pk=article.pk)
    assert kept.author == article.author
    assert kept.category == tree
    assert (kept.category.parent, kept.category.parent.parent) == (tree.parent, tree.parent.parent)  # type: ignore[union-attr]
    with session.capture() as sent:
        for one in (article, article.author, tree, tree.parent, tree.parent.parent):  # type: ignore[union-attr]
            one.save()  # type: ignore[union-attr]
    assert not sent


def test_a_tree_of_lists(session: Session) -> None:
    root = Category(name="root")
    for name in ("a", "b"):
        branch = root.children.create(name=name)
        branch.children.add(Category(name=f"{name}1"), Category(name=f"{name}2"))
    root.save()
    kept = Category.objects.prefetch_related("children__children").get(pk=root.pk)
    assert {c.name: [g.name for g in c.children] for c in kept.children} == {"a": ["a1", "a2"], "b": ["b1", "b2"]}


def test_children_with_different_nested_rows(session: Session) -> None:
    """What is read back of one is not what is read back of the other: each learns its key."""
    root = Author(name="root")
    one = root.articles.create(title="one", category=Category(name="new"))
    two = root.articles.create(title="two")
    three = root.articles.create(title="three")
    first, second = Comment(text="first", author=Author(name="commenter")), Comment(text="second")
    one.comments.add(second)
    two.comments.add(first)
    two.tags.add(Tag(name="of two"))
    three.tags.add(5)
    root.save()
    every: list[Any] = [root, one, two, three, first, second, one.category, first.author, *two.tags]
    assert all(each.pk is not None for each in every)
    with session.capture() as sent:
        for each in every:
            each.save()
    assert not sent
    kept = Author.objects.prefetch_related("articles__comments__author", "articles__tags").get(pk=root.pk)
    assert {a.title: ([c.text for c in a.comments], len(a.tags)) for a in kept.articles} == {
        "one": (["second"], 0),
        "two": (["first"], 1),
        "three": ([], 1),
    }


def test_children_know_their_parent(session: Session) -> None:
    other = Article.objects.create(title="other")
    moved = other.comments.create(text="moved")
    tree = Article(title="tree")
    new = Comment(text="new")
    tree.comments.add(new, moved)
    tree.save()
    assert new.article is tree
    assert moved.article is tree
    with session.capture() as sent:
        moved.save()
        new.save()
    assert not sent
    moved.article = other
    moved.save()
    assert [c.text for c in Article.objects.get(pk=tree.pk).comments] == ["new"]


def test_an_instance_with_several_references_becomes_one_row(session: Session) -> None:
    author = Author(name="shared")
    tree = Article(title="tree", author=author)
    tree.comments.add(Comment(text="a", author=author), Comment(text="b", author=author))
    tree.save()
    assert Author.objects.filter(name="shared").get() == author
    assert {c.author for c in Article.objects.get(pk=tree.pk).comments} == {author}
    tag = Tag(name="shared")
    root = Author(name="root")
    for title in "ab":
        root.articles.create(title=title).tags.add(tag)
    root.save()
    assert Tag.objects.filter(name="shared").get() == tag
    assert {a.title for a in Tag.objects.get(pk=tag.pk).articles} == {"a", "b"}


def test_an_instance_with_a_key_of_its_own_is_created_first(session: Session) -> None:
    """G10: nested, it would silently change the row that has the key."""
    mine = Author.objects.create(name="mine")
    tree = Article(title="tree", author=Author(id=mine.pk, name="thief"))
    with pytest.raises(RecordNotUnique):
        tree.save()
    assert Author.objects.get(pk=mine.pk).name == "mine"
    assert not Article.objects.filter(title="tree").exists()
    tree.author = Author(id=900_001, name="free")
    tree.tags.add(Tag(id=900_002, name="free"))
    tree.comments.add(Comment(id=900_003, text="free"))
    with session.capture() as sent:
        tree.save()
    assert [entry.request.path for entry in sent] == ["/items/authors", "/items/tags", "/items/articles"]
    kept = Article.objects.get(pk=tree.pk)
    assert (kept.author and kept.author.pk, kept.tags[0].pk, kept.comments[0].pk) == (900_001, 900_002, 900_003)


def test_every_instance_is_checked_before_anything_is_sent(session: Session) -> None:
    class Strict(Model, collection="authors"):
        id: int = field(default=generated, primary_key=True)
        name: str | None = None
        papers: Related[Paper] = one_to_many("author", name="articles")
        cleaned: int = 0

        def clean(self) -> None:
            if self.name == "bad":
                raise ValueError(self.name)

    class Paper(Model, collection="articles"):
        id: int = field(default=generated, primary_key=True)
        author: Strict | None = None
        views: int | None = None

    carrier = Strict(id=900_010, name="carries a key")
    for wrong in ({"views": "many"}, {"author": Strict(name="bad")}):
        root = Paper(author=carrier)
        for name, value in wrong.items():
            setattr(root, name, value)
        with session.capture() as sent, pytest.raises(ValueError, match=r"bad|many"):
            root.save()
        assert not sent
    assert Author.objects.filter(pk=900_010).count() == 0


def test_clean_runs_once_on_each(session: Session) -> None:
    seen: list[str] = []

    class Counted(Model, collection="categories"):
        id: int = field(default=generated, primary_key=True)
        name: str
        parent: Counted | None = None
        children: Related[Counted] = one_to_many("parent")

        def clean(self) -> None:
            seen.append(self.name)

    root = Counted(name="root", parent=Counted(id=900_020, name="above"))
    root.children.add(Counted(name="below"))
    root.save()
    assert sorted(seen) == ["above", "below", "root"]
    root.children.create(name="later")
    assert seen[3:] == ["later"]


@pytest.mark.parametrize("way", ["itself", "over a list", "over two"])
def test_a_circle_is_refused(session: Session, way: str) -> None:
    one, other = Category(name="one"), Category(name="other")
    if way == "itself":
        one.parent = one
    elif way == "over a list":
        one.parent = other
        other.parent = Category(name="third", parent=other)
    else:
        one.parent, other.parent = other, one
    with session.capture() as sent, pytest.raises(ConversionError, match="refers to itself"):
        one.save()
    assert not sent


def test_a_parent_that_its_child_names_as_well_is_no_circle(session: Session) -> None:
    author = Author(name="both ways")
    article = Article(title="both ways", author=author)
    author.articles.add(article)
    author.save()
    assert Article.objects.get(pk=article.pk).author == author


def test_a_related_instance_that_was_deleted_is_refused(session: Session) -> None:
    tag = Tag.objects.create(name="x")
    tree = Article(title="tree")
    tree.tags.add(tag)
    tag.delete()
    with session.capture() as sent, pytest.raises(DoesNotExist, match="it was deleted"):
        tree.save()
    assert not sent
    tree.tags.clear()
    tree.author = Author.objects.create(name="x")
    tree.author.delete()
    with pytest.raises(ConversionError, match="was deleted"):
        tree.save()


def test_a_new_row_behind_an_existing_one(session: Session, article: Article) -> None:
    """Where there was none before, too."""
    for name in ("first", "second"):
        article.author = Author(name=name)
        with session.capture() as sent:
            article.save()
        assert bodies(sent) == [{"author": {"name": name}}]
        assert article.author.pk is not None
        assert Article.objects.get(pk=article.pk).author == article.author
    article.author = Author(id=900_030, name="carries a key")
    article.save()
    assert Article.objects.get(pk=article.pk).author == article.author


def test_values_that_the_server_sets_are_on_every_instance(notes: Session) -> None:
    """Keys, defaults, and the moment of creation, of uuid keys as well."""

    class Trip(Model, collection="flights"):
        id: int = field(default=generated, primary_key=True)
        carrier: str
        notes: Related[Slip] = one_to_many("flight", name="notes")

    class Slip(Model, collection="notes"):
        id: UUID = field(default=generated, primary_key=True)
        title: str
        stars: int | None = field(default=generated)
        created: datetime | None = field(default=generated, readonly=True)
        flight: Trip | None = None

    trip = Trip(carrier="AA")
    slips = [Slip(title=str(n)) for n in range(5)]
    trip.notes.add(*slips)
    trip.save()
    try:
        assert [(slip.title, slip.stars, slip.created is not None) for slip in slips] == [
            (str(n), 3, True) for n in range(5)
        ]
        assert [Note.objects.get(title=slip.title).pk for slip in slips] == [slip.pk for slip in slips]
    finally:
        Slip.objects.filter(flight=trip).delete()
        trip.delete()


def test_relations_of_every_kind_in_one_request(books_session: Session) -> None:
    page = Page(title="page")
    page.blocks.create(Hero, title="one")
    page.blocks.add(Text(content="two"), Hero.objects.ref(1), Hero(title="three"))
    book = Book(title="book", writer=Person(name="new"), cover=File.objects.ref(FILES[0]))
    book.writer.friends.add(1, Person(name="friend"))
    book.translations.create(title="Buch")
    book.gallery.add(FILES[2], FILES[1])
    with books_session.capture() as sent:
        page.save()
        book.save()
    assert len(sent) == 2
    blocks = [b.title if isinstance(b, Hero) else b.content for b in Page.objects.get(pk=page.pk).blocks]
    assert blocks == ["one", "two", Hero.objects.get(pk=1).title, "three"]
    kept = Book.objects.get(pk=book.pk)
    assert [p.name for p in kept.writer.friends] == ["Ann", "friend"]
    assert [t.title for t in kept.translations] == ["Buch"]
    assert [f.pk for f in kept.gallery] == [FILES[2], FILES[1]]
    assert all(t.book == book for t in book.translations)
