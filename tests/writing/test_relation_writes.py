"""add(), remove(), set() and clear() change the named rows and nothing else, on relations of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    DoesNotExist,
    Forbidden,
    Model,
    NotVisibleWarning,
    QueryError,
    QuerySet,
    Related,
    Session,
    UnsupportedQuery,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.books import FILES, Book, File, Person, Translation
from tests.worlds.library import Article, Author, Category, Comment, Hero, Page, Tag, Text
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, make_collection, make_relation, user

NOBODY = 987_654


class Sticker(Model, collection="articles_tags"):
    id: int = field(default=generated, primary_key=True)
    article: Leaf | None = field(default=None, name="articles_id")
    tag: Tag | None = field(default=None, name="tags_id")
    sort: int | None = None
    note: str | None = None


class Leaf(Model, collection="articles"):
    """An article whose tags have an order, which only this side knows of."""

    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Tag] = many_to_many(Sticker, sort="sort")


class Site(Model, collection="settings_of_app", singleton=True):
    id: int = field(default=generated, primary_key=True)
    size: int | None = None
    banners: Related[Banner] = one_to_many("site")


class Banner(Model):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    site: Site | None = None


def tied(session: Session, article: Any) -> list[Any]:
    rows = session.items("articles_tags").read(filter={"articles_id": article.pk}, sort=["sort", "id"], limit=-1)
    return [row["tags_id"] for row in rows]


def bodies(sent: Any) -> list[Any]:
    return [entry.request.json for entry in sent if not entry.request.reads]


@pytest.fixture
def leaf(article: Article) -> Leaf:
    return Leaf.objects.get(pk=article.pk)


pytestmark = pytest.mark.usefixtures("article")  # whatever a test makes is gone afterwards


class TestOnlyTheNamedRowsChange:
    def test_adding_one_tag_to_two_hundred_sends_one_row(self, article: Article, session: Session) -> None:
        tags = Tag.objects.bulk_create([Tag(name=str(n)) for n in range(201)])
        article.tags.add(*tags[:200])
        with session.capture() as sent:
            article.tags.add(tags[200])
        assert bodies(sent) == [{"tags": {"create": [{"tags_id": tags[200].pk}]}}]
        assert len(sent) == 2
        with session.capture() as sent:
            article.tags.remove(tags[7])
        (body,) = bodies(sent)
        assert [len(rows) for rows in body["tags"].values()] == [1]
        assert tied(session, article) == [tag.pk for tag in tags if tag is not tags[7]]

    def test_fields_of_the_junction_are_written(self, article: Article, session: Session) -> None:
        article.tags.add(1, through_defaults={"note": "first", "sort": 9})
        article.tags.create(name="new", through_defaults={"note": "second"})
        article.tags.add(1, through_defaults={"note": "is there already"})
        rows = session.items("articles_tags").read(filter={"articles_id": article.pk}, sort=["id"])
        assert [(row["note"], row["sort"]) for row in rows] == [("first", 9), ("second", None)]
        with pytest.raises(QueryError, match=r"Article\.comments is a one-to-many, which has no junction"):
            article.comments.add(1, through_defaults={"note": "x"})

    def test_rows_that_another_program_adds_meanwhile_stay(
        self, article: Article, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It does so between what is read and what is written, each time once."""
        article.tags.add(1, 2)
        other = Article.objects.get(pk=article.pk)
        meanwhile: list[int] = []
        send = session.send

        def send_later(request: Any) -> Any:
            if not request.reads and meanwhile:
                other.tags.add(meanwhile.pop())
                other.comments.create(text="meanwhile")
            return send(request)

        monkeypatch.setattr(session, "send", send_later)
        comments = [article.comments.create(text="a"), article.comments.create(text="b")]
        steps: tuple[tuple[Callable[[], Any], list[int], int], ...] = (
            (lambda: article.tags.clear(), [3], 3),
            (lambda: article.tags.set([4]), [4, 5], 4),
            (lambda: article.comments.set(comments[:1]), [4, 5, 6], 2),
            (lambda: article.comments.clear(), [4, 5, 6, 7], 1),
        )
        for number, (write, tags, count) in enumerate(steps):
            meanwhile[:] = [(3, 5, 6, 7)[number]]
            write()
            assert sorted(tied(session, article)) == tags
            assert article.comments.count() == count

    def test_adding_a_row_that_another_program_added_already(self, article: Article, session: Session) -> None:
        """Nothing is sent then, and the list is read anew all the same."""
        other = Article.objects.get(pk=article.pk)
        assert not [*article.tags, *article.comments]
        other.tags.add(1)
        other.comments.create(text="x")
        article.tags.add(1)
        article.comments.add()
        assert [len(article.tags), len(article.comments)] == [1, 1]

    def test_clear_names_the_rows_it_removes(self, article: Article, session: Session) -> None:
        mine = [article.comments.create(text=text) for text in "ab"]
        held = list(article.comments)
        with session.capture() as sent:
            article.comments.clear()
        assert bodies(sent) == [{"comments": {"delete": [comment.pk for comment in mine]}}]
        assert [comment.article for comment in (*mine, *held)][2:] == [None, None]
        with session.capture() as sent:
            article.comments.clear()
            article.tags.clear()
        assert bodies(sent) == []

    def test_rows_that_a_permanent_filter_hides_stay(self, article: Article, session: Session) -> None:
        class Nice(QuerySet[Any]):
            def initial(self) -> Any:
                return self.filter(name="nice")

        class NiceTag(Model, collection="tags"):
            id: int = field(default=generated, primary_key=True)
            name: str | None = None
            objects = Nice.as_manager()

        class NicePaper(Model, collection="articles"):
            id: int
            tags: Related[NiceTag] = many_to_many("articles_tags")

        nice, other = Tag.objects.create(name="nice"), Tag.objects.create(name="other")
        article.tags.add(nice, other)
        paper = NicePaper.objects.get(pk=article.pk)
        assert [tag.pk for tag in paper.tags] == [nice.pk]
        paper.tags.clear()
        assert tied(session, article) == [other.pk]

    def test_blocks_of_models_that_are_not_declared_stay(self, article: Article, session: Session) -> None:
        class Front(Model, collection="pages"):
            id: int
            heroes: Related[Hero] = many_to_any("pages_blocks", name="blocks")

        page = Page.objects.create(title="front")
        page.blocks.add(Hero.objects.ref(1), Text.objects.ref(1))
        front = Front.objects.get(pk=page.pk)
        front.heroes.set([Hero.objects.ref(2)])
        assert {(type(b).__name__, b.pk) for b in Page.objects.get(pk=page.pk).blocks} == {
            ("Hero", 2),
            ("Text", 1),
        }
        front.heroes.clear()
        assert [(type(b).__name__, b.pk) for b in Page.objects.get(pk=page.pk).blocks] == [("Text", 1)]

    def test_adding_children_of_another_parent_moves_them(self, article: Article, session: Session) -> None:
        """Named, they move; the rest of the other's list stays."""
        other = Article.objects.create(title="other")
        first, second = (other.comments.create(text=text) for text in "ab")
        article.comments.add(first)
        assert [c.pk for c in other.comments.all()] == [second.pk]
        other.comments.remove(first)
        assert [c.pk for c in Article.objects.get(pk=article.pk).comments] == [first.pk]


class TestOrder:
    """Where a relation has a sort, lists come back as they were set."""

    @pytest.mark.parametrize(
        "lists",
        [
            ([3, 1, 2],),
            ([3, 1, 2], [1, 2, 3]),
            ([1, 2], [3, 1, 4, 2, 5]),
            ([1, 2, 3], [2, 1]),
            ([1, 2, 3, 4], [4, 5, 3], [3, 4, 5]),
            ([1], [], [2, 1]),
        ],
    )
    def test_set(self, leaf: Leaf, session: Session, lists: tuple[list[int], ...]) -> None:
        for wanted in lists:
            leaf.tags.set(wanted)
            assert [tag.pk for tag in leaf.tags] == wanted
            assert [tag.pk for tag in Leaf.objects.get(pk=leaf.pk).tags] == wanted
        with session.capture() as sent:
            leaf.tags.set(lists[-1])
        assert bodies(sent) == []

    def test_rows_that_stay_in_order_are_not_written(self, leaf: Leaf, session: Session) -> None:
        leaf.tags.set([1, 2, 3])
        with session.capture() as sent:
            leaf.tags.set([1, 3, 4])
        (body,) = bodies(sent)
        assert set(body["tags"]) == {"create", "delete"}
        assert body["tags"]["create"] == [{"tags_id": 4, "sort": 4}]

    def test_a_python_set_has_no_order(self, leaf: Leaf, session: Session) -> None:
        leaf.tags.set([3, 1, 2])
        with session.capture() as sent:
            leaf.tags.set({1, 2, 3})
        assert bodies(sent) == []

    def test_of_a_new_instance(self, leaf: Leaf, session: Session) -> None:
        new = Leaf(title="sorted")
        new.tags.add(3, Tag(name="between"), 1)
        new.save()
        assert [tag.name if tag.pk > 8 else tag.pk for tag in Leaf.objects.get(pk=new.pk).tags] == [
            3,
            "between",
            1,
        ]

    def test_what_is_added_comes_last_where_the_server_counts(self, books_session: Session) -> None:
        blue = Book.objects.get(title="Blue")
        blue.gallery.set([FILES[2], FILES[0]])
        blue.gallery.add(FILES[1])
        assert [file.pk for file in Book.objects.get(title="Blue").gallery] == [FILES[2], FILES[0], FILES[1]]
        blue.gallery.set([FILES[1], FILES[2]])
        assert [file.pk for file in Book.objects.get(title="Blue").gallery] == [FILES[1], FILES[2]]
        blue.gallery.clear()
        assert (
            books_session.items("books_files").read(filter={"books_id": str(blue.pk)}) == []
        )  # the server deletes them

    def test_blocks(self, article: Article, session: Session) -> None:
        page = Page.objects.create(title="blocks")
        wanted: list[Hero | Text] = [
            Text.objects.ref(2),
            Hero.objects.ref(2),
            Hero.objects.ref(1),
            Text.objects.ref(1),
        ]
        page.blocks.set(wanted)
        assert list(page.blocks) == list(Page.objects.get(pk=page.pk).blocks) == wanted
        page.blocks.create(Hero, title="last")
        assert [b.title for b in page.blocks if isinstance(b, Hero)][-1] == "last"
        assert list(Page.objects.get(pk=page.pk).blocks)[:-1] == wanted


class TestRelationsOfEveryKind:
    def test_a_model_related_to_itself_from_both_sides(self, books_session: Session) -> None:
        ann, bob, cid, dee = Person.objects.all()
        before = {p.pk: [f.pk for f in p.friends] for p in (ann, bob, cid, dee)}
        try:
            dee.friends.add(ann, dee)
            assert [p.pk for p in dee.friends] == [ann.pk, dee.pk]
            assert {p.pk for p in Person.objects.get(pk=ann.pk).friends_of} == {bob.pk, dee.pk}
            ann.friends_of.remove(dee)
            assert [p.pk for p in Person.objects.get(pk=dee.pk).friends] == [dee.pk]
            dee.friends_of.set([cid])
            assert [p.pk for p in Person.objects.get(pk=dee.pk).friends] == []
            assert dee in Person.objects.get(pk=cid.pk).friends
        finally:
            for person in Person.objects.all():
                person.friends.set(before[person.pk])

    def test_trees(self, article: Article, session: Session) -> None:
        root = Category.objects.create(name="root")
        child = root.children.create(name="child")
        assert child.parent is root
        grand = Category(name="grand")
        child.children.add(grand, Category(name="other"))
        kept = Category.objects.prefetch_related("children__children").get(pk=root.pk)
        assert [[g.name for g in c.children] for c in kept.children] == [["grand", "other"]]
        root.children.add(grand)
        assert [c.name for c in Category.objects.get(pk=child.pk).children] == ["other"]
        root.children.set([child])
        assert Category.objects.get(pk=grand.pk).parent is None

    def test_a_singleton_has_lists_as_well(self, session: Session, world: DirectusServer) -> None:
        make_collection(world, "banners", AUTO_KEY, column("title", "string"))
        make_relation(world, "banners", "site", "settings_of_app", reverse="banners")
        site = Site.objects.get()
        before, site.size = site.size, 77
        site.save()
        try:
            first = site.banners.create(title="first")
            site.banners.add(Banner(title="second"))
            assert [banner.title for banner in site.banners] == ["first", "second"]
            assert Site.objects.get().banners.get(title="first").site == site
            site.banners.remove(first)
            assert [banner.title for banner in Site.objects.get().banners] == ["second"]
            site.banners.clear()
            assert Banner.objects.filter(site=None).count() == 2
        finally:
            drop_collection(world, "banners")
            site.size = before
            site.save()

    def test_translations(self, books_session: Session) -> None:
        blue = Book.objects.get(title="Blue")
        made = blue.translations.create(language=_language("en-GB"), title="Blue")
        assert made.book is blue
        blue.translations.add(Translation(language=_language("de/AT"), title="Blau"))
        assert {t.title for t in Book.objects.get(pk=blue.pk).translations} == {"Blue", "Blau"}
        blue.translations.remove(made)
        assert {t.title for t in blue.translations} == {"Blau"}
        Translation.objects.exclude(pk__in=[1, 2, 3]).delete()

    def test_files_and_uuid_keys(self, books_session: Session) -> None:
        with books_session.capture() as sent:
            new = Book(title="New", writer=Person.objects.ref(1), cover=File.objects.ref(FILES[0]))
            new.gallery.add(FILES[1], str(FILES[2]))
            new.translations.add(Translation(language=_language("en-GB"), title="New"))
            new.save()
        assert len(sent) == 1
        assert isinstance(new.pk, UUID)
        kept = Book.objects.get(pk=new.pk)
        assert [file.pk for file in kept.gallery] == [FILES[1], FILES[2]]
        assert [t.title for t in kept.translations] == ["New"]
        new.gallery.clear()
        Translation.objects.exclude(pk__in=[1, 2, 3]).delete()
        new.delete()

    def test_a_new_row_in_a_waiting_list_brings_its_own_rows(self, article: Article, session: Session) -> None:
        comment = Comment(text="new", author=Author(name="new author"))
        article.comments.add(comment, Comment(text="plain"))
        assert comment.author is not None
        assert comment.author.pk is not None
        assert {c.text for c in Article.objects.get(pk=article.pk).comments} == {"new", "plain"}
        tag = Tag(name="with articles")
        tag.articles.add(Article(title="behind it"))
        article.tags.add(tag)
        assert {a.title for a in Tag.objects.get(pk=tag.pk).articles} == {"mine", "behind it"}

    def test_create_adds_and_returns_the_new_row(self, article: Article, session: Session) -> None:
        comment = article.comments.create(text="x")
        assert (comment.article, article.comments.get()) == (article, comment)
        with pytest.raises(QueryError, match=r"comments\.create\(article=…\)"):
            article.comments.create(text="x", article=Article.objects.ref(1))
        page = Page(title="waits")
        hero = page.blocks.create(Hero, title="waits as well")
        assert hero.pk is None
        page.save()
        assert (page.blocks[0], hero.title) == (hero, "waits as well")
        for wrong in (lambda: page.blocks.create(title="x"), lambda: page.blocks.create(Tag, name="x")):
            with pytest.raises(TypeError, match="makes a Hero or Text"):
                wrong()

    def test_a_child_that_cannot_be_without_its_parent(self, article: Article, session: Session) -> None:
        class Remark(Model, collection="comments"):
            id: int = field(default=generated, primary_key=True)
            article: Tale
            text: str

        class Tale(Model, collection="articles"):
            id: int = field(default=generated, primary_key=True)
            title: str | None = None
            comments: Related[Remark] = one_to_many("article")

        story = Tale.objects.get(pk=article.pk)
        assert story.comments.create(text="x").article is story
        new = Tale(title="new")
        remark = new.comments.create(text="y")
        new.save()
        assert (remark.article, remark.pk) == (new, Remark.objects.get(article=new).pk)
        remark.delete()

    def test_get_or_create_within_the_list(self, article: Article, session: Session) -> None:
        tag, made = article.tags.get_or_create(name="only here")
        assert made
        assert article.tags.get_or_create(name="only here") == (tag, False)
        assert tied(session, article) == [tag.pk]
        with pytest.raises(UnsupportedQuery, match=r"add\(\*instances\) creates and adds many"):
            article.comments.bulk_create([Comment(text="x")])


def _language(code: str) -> Any:
    return Translation.directus.fields["language"].target.objects.ref(code)  # type: ignore[union-attr]


class TestRowsThatCannotBeAdded:
    @pytest.mark.parametrize("verb", ["add", "remove", "set"])
    def test_values_of_a_wrong_type_raise_at_once(self, article: Article, session: Session, verb: str) -> None:
        page = Page.objects.create(title="x")
        wrong: list[Any] = [
            None,
            "abc",
            1.5,
            True,
            object(),
            [1, 2],
            {"id": 1},
            Author(name="x"),
            Tag,
            Tag.objects.all(),
        ]
        deleted = Tag.objects.create(name="gone")
        deleted.delete()
        with session.capture() as sent:
            for instance in (article, Article(title="new")):
                for each in wrong:
                    with pytest.raises(TypeError, match=rf"Article\.tags\.{verb}\(\) takes (Tag|a list)"):
                        call(instance.tags, verb, each)
                with pytest.raises(QueryError, match="cannot be 0"):
                    call(instance.tags, verb, 0)
                with pytest.raises(DoesNotExist, match="it was deleted"):
                    call(instance.tags, verb, deleted)
            for each in (1, Tag.objects.ref(1)):
                with pytest.raises(TypeError, match=r"Page\.blocks\.\w+\(\) takes Hero or Text"):
                    call(page.blocks, verb, each)
            for many in ("abc", None, 5, {"a": 1}):
                with pytest.raises(TypeError, match="takes a list"):
                    article.tags.set(many)  # type: ignore[arg-type]
        assert not sent
        assert tied(session, article) == []

    def test_what_is_not_saved_is_not_removed(self, article: Article, session: Session) -> None:
        related: Any
        for related in (article.tags, article.comments):
            with pytest.raises(QueryError, match="is not saved"):
                related.remove(Tag(name="x") if related.query.model is Tag else Comment(text="x"))

    def test_an_instance_given_twice_is_added_once(self, article: Article, session: Session) -> None:
        new, old = Tag(name="new"), Tag.objects.get(pk=1)
        article.tags.add(new, new, old, 1, Tag.objects.ref(1))
        assert sorted(tied(session, article)) == sorted([1, new.pk])
        waits = Article(title="waits")
        waits.tags.add(old, 1)
        waits.tags.add(1)
        waits.save()
        assert tied(session, waits) == [1]

    def test_rows_that_are_gone(self, article: Article, session: Session) -> None:
        """G5: the administrator is told nothing of them by the server."""
        page = Page.objects.create(title="x")
        tag, comment, hero = (
            Tag.objects.create(name="x"),
            Comment.objects.create(text="x"),
            Hero.objects.create(title="x"),
        )
        for one in (tag, comment, hero):
            type(one).objects.filter(pk=one.pk).delete()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: article.tags.add(tag),
            lambda: article.tags.add(NOBODY),
            lambda: article.tags.set([1, NOBODY]),
            lambda: article.comments.add(comment),
            lambda: article.comments.set([NOBODY]),
            lambda: article.comments.add(*range(NOBODY, NOBODY + 60)),
            lambda: page.blocks.add(hero),
            lambda: page.blocks.set([Text.objects.ref(NOBODY)]),
        )
        for ask in calls:
            with pytest.raises(DoesNotExist, match="does not exist"):
                ask()
        assert list(article.comments) == []
        assert tied(session, article) == []

    def test_an_instance_that_is_gone(self, article: Article, session: Session) -> None:
        article.tags.add(1)
        comment = article.comments.create(text="x")
        other = Article.objects.create(title="gone")
        Article.objects.filter(pk=other.pk).delete()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: other.tags.add(1),
            lambda: other.comments.add(comment),
            lambda: other.comments.remove(comment),
        )
        for ask in calls:
            with pytest.raises(Article.DoesNotExist):
                ask()
        assert Comment.objects.get(pk=comment.pk).article == article
        other = Article.objects.create(title="deleted")
        other.delete()
        for verb in ("add", "remove", "set"):
            with pytest.raises(Article.DoesNotExist, match="it was deleted"):
                call(other.tags, verb, 1)


def call(related: Any, verb: str, one: Any) -> None:
    getattr(related, verb)([one] if verb == "set" else one)


class TestPermissions:
    def test_a_junction_that_may_not_be_read(self, article: Article, library_server: DirectusServer) -> None:
        """Whether a tag is there already cannot be told: nothing is sent."""
        may: Any = {
            "articles": ["read", "update"],
            "tags": ["read", "create"],
            "articles_tags": ["create", "update"],
        }
        with user(library_server, "sticker", **may) as token, Session(library_server.url, token=token) as session:
            mine = Article.objects.using(session).get(pk=article.pk)
            for verb in ("add", "remove", "set"):
                with session.capture() as sent, pytest.raises(Forbidden):
                    call(mine.tags, verb, 1)
                assert all(entry.request.reads for entry in sent)

    def test_children_that_may_not_be_read(self, article: Article, library_server: DirectusServer) -> None:
        comment = Comment.objects.create(text="x")
        may: Any = {"articles": ["read", "update"], "comments": ["create", "update"]}
        with user(library_server, "mute", **may) as token, Session(library_server.url, token=token) as session:
            mine = Article.objects.using(session).get(pk=article.pk)
            mine.comments.add(comment.pk)
            with pytest.warns(NotVisibleWarning, match="Comment: written, but not visible to this user"):
                made = mine.comments.create(text="by the mute")
            assert (made.text, made.article) == ("by the mute", mine)
        assert {c.text for c in Article.objects.get(pk=article.pk).comments} == {"x", "by the mute"}

    def test_a_tree_that_may_not_be_read_back(self, article: Article, library_server: DirectusServer) -> None:
        """What went along has a row then, though its key is not known: it is not created again."""
        may: Any = {
            name: ["create", "update"] for name in ("articles", "comments", "authors", "tags", "articles_tags")
        }
        with user(library_server, "writer", **may) as token, Session(library_server.url, token=token) as session:
            tree = Article(title="unseen", author=Author(name="unseen"))
            comment, tag = Comment(text="unseen"), Tag(name="unseen")
            tree.comments.add(comment)
            tree.tags.add(tag, 1)
            with pytest.warns(NotVisibleWarning, match="4 rows of Article, Author, Comment, Tag: written"):
                tree.save()
            assert tree.author is not None
            with session.capture() as sent:
                for one in (tree, tree.author, comment, tag):
                    one.save()
                with pytest.raises(DoesNotExist, match="did not return its key"):
                    tree.tags.add(2)
            assert not sent
        (kept,) = Article.objects.filter(title="unseen")
        assert [c.text for c in kept.comments] == ["unseen"]
        assert {t.name for t in kept.tags} == {"unseen", "new"}
        for kind in (Author, Comment, Tag):
            assert kind.objects.filter(**{"text" if kind is Comment else "name": "unseen"}).count() == 1


class TestManyToOne:
    """Assigned values are checked at once."""

    def test_what_may_be_assigned(self, article: Article, session: Session) -> None:
        ann = Author.objects.create(name="Ann")
        for value in (ann, Author.objects.ref(ann.pk), ann.pk):
            article.author = value
            assert article.author == ann
            article.author = None
        article.author = ann
        article.save()
        assert Article.objects.get(pk=article.pk).author == ann
        article.author = None
        article.save()
        assert Article.objects.get(pk=article.pk).author is None

    @pytest.mark.parametrize(
        "wrong", [Tag(name="x"), "abc", 1.5, True, [1], {"id": 1}, object(), Author, Author.objects]
    )
    def test_anything_else_is_a_type_error(self, wrong: Any) -> None:
        article = Article(title="x")
        with pytest.raises(TypeError, match=r"Article\.author takes a Author, its key \(int\), or None"):
            article.author = wrong
        with pytest.raises(TypeError):
            Article(title="x", author=wrong)

    def test_saving_rewrites_no_related_row(self, article: Article, session: Session) -> None:
        article.author = Author(name="new")
        article.save()
        loaded = Article.objects.select_related("author").get(pk=article.pk)
        assert loaded.author is not None
        loaded.author.name = "changed here"
        loaded.title = "changed"
        with session.capture() as sent:
            loaded.save()
        assert bodies(sent) == [{"title": "changed"}]
        assert Author.objects.get(pk=loaded.author.pk).name == "new"
        loaded.author = Author.objects.ref(loaded.author.pk)
        with session.capture() as sent:
            loaded.save()
        assert not sent
