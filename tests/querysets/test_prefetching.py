"""Prefetched lists hold the rows that a query for each instance would find, and travel in the same request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from directus_orm import (
    Count,
    FieldError,
    Model,
    Prefetch,
    Q,
    QueryError,
    QuerySet,
    Related,
    Session,
    field,
    generated,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.library import (
    ROWS,
    Article,
    Author,
    Category,
    Comment,
    Hero,
    Page,
    Tag,
    blocks_of,
    comments_of,
    keys,
    tags_of,
)
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, key, make_collection, make_relation

COMMENTS = {
    "all": Comment.objects.all(),
    "by likes": Comment.objects.order_by("likes"),
    "by likes, turned": Comment.objects.order_by("-likes", "-id"),
    "by text": Comment.objects.order_by("text", "-id"),
    "by moment, turned": Comment.objects.order_by("-written"),
    "by author's name": Comment.objects.order_by("author__name", "-likes"),
    "by year": Comment.objects.order_by("written__year", "text"),
    "by number of articles": Comment.objects.alias(n=Count("author__articles")).order_by("-n"),
    "reversed": Comment.objects.order_by("likes").reverse(),
    "first two": Comment.objects.all()[:2],
    "the middle": Comment.objects.order_by("-likes")[1:3],
    "from the second": Comment.objects.order_by("likes", "-id").offset(1),
    "none": Comment.objects.none(),
    "none of them": Comment.objects.all()[:0],
    "liked": Comment.objects.filter(likes__gte=2),
    "not liked": Comment.objects.exclude(likes__gte=2),
    "wildcards": Comment.objects.filter(text__contains="%"),
    "wildcards, limited": Comment.objects.filter(text__contains="_").order_by("-id")[:1],
    "misread": Comment.objects.filter(text__in=["null", "$NOW", "true", ""]),
    "either": Comment.objects.filter(Q(likes=3) | ~Q(author__name="Bob")),
    "of an author": Comment.objects.filter(author__name__startswith="A", likes__isnull=False),
    "many of many": Comment.objects.filter(author__articles__views__gt=30),
    "many of many, two": Comment.objects.filter(
        author__articles__title__contains="e", author__articles__open=True
    ),
    "many of many, not": Comment.objects.exclude(author__articles__title__contains="e"),
    "back again": Comment.objects.filter(article__tags__name__icontains="new"),
    "not back again": Comment.objects.exclude(article__comments__likes=3),
    "of a query": Comment.objects.filter(author__in=Author.objects.filter(name__icontains="o")),
    "of a slice": Comment.objects.filter(pk__in=Comment.objects.order_by("-id")[:40]),
}
TAGS = {
    "all": Tag.objects.all(),
    "by name": Tag.objects.order_by("name"),
    "by name, turned": Tag.objects.order_by("-name", "-id"),
    "by key, turned": Tag.objects.order_by("-id"),
    "one": Tag.objects.order_by("-id")[:1],
    "two, from the second": Tag.objects.order_by("-id")[1:3],
    "nameless": Tag.objects.filter(name=None),
    "named": Tag.objects.exclude(name=None),
    "wildcards": Tag.objects.filter(name__contains="%"),
    "of articles": Tag.objects.filter(articles__author__name="Bob"),
    "of articles, two": Tag.objects.filter(articles__title__contains="e", articles__open=True),
    "of no such article": Tag.objects.exclude(articles__id__in=[5, 7]),
    "of comments": Tag.objects.filter(articles__comments__likes__gte=4),
}


class TestSameRowsAsOneQueryForEachParent:
    """Each list is that of the queryset, narrowed to the instance: the same rows in the same order."""

    @pytest.mark.parametrize("name", COMMENTS)
    def test_one_to_many(self, library_session: Session, name: str) -> None:
        rows = COMMENTS[name]
        wanted = narrowed_to_each(rows, range(1, 91), "article")
        assert any(wanted) or name.startswith("none")
        articles = list(Article.objects.prefetch_related(Prefetch("comments", rows, to_attr="found")))
        assert [keys(article.found) for article in articles] == wanted  # type: ignore[attr-defined]
        as_itself = Article.objects.prefetch_related(Prefetch("comments", rows))
        assert [keys(article.comments) for article in as_itself] == wanted

    @pytest.mark.parametrize("name", TAGS)
    def test_many_to_many(self, library_session: Session, name: str) -> None:
        rows = TAGS[name]
        wanted = narrowed_to_each(rows, range(1, 31), "articles")
        assert any(wanted)
        articles = Article.objects.filter(id__lte=30).prefetch_related(Prefetch("tags", rows, to_attr="found"))
        assert [keys(article.found) for article in articles] == wanted  # type: ignore[attr-defined]

    def test_trees(self, library_session: Session) -> None:
        rows = Category.objects.exclude(name="").order_by("-name", "id")
        wanted = narrowed_to_each(rows, range(1, 12), "parent")
        found = Category.objects.prefetch_related(Prefetch("children", rows))
        assert [keys(category.children) for category in found] == wanted

    def test_lists_of_related_rows(self, library_session: Session) -> None:
        rows = Comment.objects.filter(likes__gte=1).order_by("-likes", "id")[:2]
        wanted = dict(zip(range(1, 91), narrowed_to_each(rows, range(1, 91), "article"), strict=True))
        authors = Author.objects.prefetch_related(Prefetch("articles__comments", rows, to_attr="best"))
        assert {a.pk: keys(a.best) for author in authors for a in author.articles} == {  # type: ignore[attr-defined]
            row["id"]: wanted[row["id"]] for row in ROWS["articles"] if row["author"]
        }
        behind_one = Comment.objects.exclude(article=None).prefetch_related(
            Prefetch("article__comments", rows, to_attr="best"), "article__tags"
        )
        for comment in behind_one:
            assert comment.article is not None
            assert keys(comment.article.best) == wanted[comment.article.pk]  # type: ignore[attr-defined]
            assert keys(comment.article.tags) == tags_of(comment.article.pk)


def narrowed_to_each(rows: QuerySet[Any], parents: range, relation: str) -> list[list[Any]]:
    """Return the keys that a queryset finds for each parent, slices taken of each parent's rows.

    One query finds the rows of all parents, in the queryset's own order, which is total. The first and the last
    parent with rows are also asked for by themselves, so that the grouping here is known to be right.
    """
    query = rows.query
    if query.is_empty:
        return [[] for _ in parents]
    whole: Any = rows._with(query.__class__(**{**_fields(query), "limit": None, "offset": 0}))
    by_parent: dict[Any, list[Any]] = {parent: [] for parent in parents}
    for row in whole:
        for parent in parents_of(row, relation):
            if parent in by_parent:
                by_parent[parent].append(row.pk)
    with_rows = [parent for parent in parents if by_parent[parent]]
    for parent in {*with_rows[:1], *with_rows[-1:]}:
        assert keys(whole.filter(**{relation: parent})) == by_parent[parent]
    end = None if query.limit is None else query.offset + query.limit
    return [by_parent[parent][query.offset : end] for parent in parents]


def parents_of(row: Any, relation: str) -> set[int]:
    if relation == "articles":
        return {junction["articles_id"] for junction in ROWS["articles_tags"] if junction["tags_id"] == row.pk}
    parent = getattr(row, relation)
    return set() if parent is None else {parent.pk}


def written_by(author: int) -> list[int]:
    return [row["id"] for row in ROWS["articles"] if row["author"] == author]


def children_of(category: int) -> list[int]:
    return [row["id"] for row in ROWS["categories"] if row["parent"] == category]


def _fields(query: Any) -> dict[str, Any]:
    return {attribute.name: getattr(query, attribute.name) for attribute in query.__attrs_attrs__}


class TestRequests:
    """All lists travel in one request."""

    def test_lists_of_all_levels_are_one_request(self, library_session: Session) -> None:
        rows = Article.objects.select_related("author", "category__parent").prefetch_related(
            "comments__author__articles",
            "tags__articles",
            "author__comments",
            "category__children__children",
            Prefetch("comments", Comment.objects.order_by("-id")[:1], to_attr="latest_of_them"),
        )
        with library_session.capture() as sent, library_session.forbid_lazy_loading():
            for article in rows:
                assert keys(article.comments) == comments_of(article.pk)
                assert keys(article.latest_of_them) == comments_of(article.pk)[::-1][:1]  # type: ignore[attr-defined]
                assert all(comment in article.comments for comment in article.latest_of_them)  # type: ignore[attr-defined]
                assert all(article.pk in keys(tag.articles) for tag in article.tags)
                for comment in article.comments:
                    assert comment.author is None or keys(comment.author.articles) == written_by(comment.author.pk)
                if article.author:
                    wanted = [row["id"] for row in ROWS["comments"] if row["author"] == article.author.pk]
                    assert keys(article.author.comments) == wanted
                if article.category:
                    assert article.category.parent is None or article.category.parent.name
                    for child in article.category.children:
                        assert keys(child.children) == children_of(child.pk)
        assert len(sent) == 1

    def test_lists_under_other_names_on_several_levels_do_not_mix(self, library_session: Session) -> None:
        """Directus 10 forgets the aliases of a level where one below it has its own."""
        inner = Comment.objects.select_related("author").order_by("-id")
        rows = Article.objects.select_related("category__parent").prefetch_related(
            Prefetch("comments", inner[:1], to_attr="newest"),
            Prefetch(
                "tags", Tag.objects.prefetch_related(Prefetch("articles", to_attr="all_of_it")), to_attr="labels"
            ),
            Prefetch("comments", inner, to_attr="backwards"),
            Prefetch("author__comments", to_attr="said"),
        )
        for article in rows:
            found: Any = article
            assert keys(found.backwards) == comments_of(article.pk)[::-1]
            assert keys(found.newest) == keys(found.backwards)[:1]
            assert keys(found.labels) == tags_of(article.pk)
            assert all(article.pk in keys(tag.all_of_it) for tag in found.labels)
            assert all(c.author is None or c.author.name != 3 for c in found.backwards)
            assert found.author is None or keys(found.author.said) == keys(found.author.comments)

    def test_rows_that_share_a_related_row_share_its_list(self, library_session: Session) -> None:
        comments = Comment.objects.exclude(author=None).prefetch_related("author__articles")
        authors = {comment.author.pk: comment.author for comment in comments if comment.author}
        assert all(comment.author is authors[comment.author.pk] for comment in comments if comment.author)
        for author in authors.values():
            assert keys(author.articles) == [row["id"] for row in ROWS["articles"] if row["author"] == author.pk]

    def test_many_to_any(self, library_session: Session) -> None:
        with library_session.capture() as sent:
            for page in Page.objects.prefetch_related("blocks"):
                found = [(type(block).directus.collection, block.pk) for block in page.blocks]
                assert found == blocks_of(page.pk)
        assert len(sent) == 1
        named = Page.objects.prefetch_related(Prefetch("blocks", to_attr="parts"))
        assert [len(page.parts) for page in named] == [len(blocks_of(n)) for n in range(1, 13)]  # type: ignore[attr-defined]

    def test_a_list_that_needs_a_sub_query_sends_it_first(self, library_session: Session) -> None:
        rows = Article.objects.prefetch_related(Prefetch("comments", COMMENTS["wildcards"]))
        told = rows.explain().asks
        with library_session.capture() as sent:
            list(rows)
        assert [entry.request.path for entry in sent] == [ask.request.path for ask in told]
        assert len(sent) == 2

    def test_every_way_of_ending_a_query(self, library_session: Session) -> None:
        rows = Article.objects.prefetch_related("comments", "tags")
        ended = (
            rows.get(pk=2),
            rows.filter(pk=2).first(),
            rows.in_bulk([2])[2],
            rows[1:2][0],
            rows.page(1, 3).rows[1],
        )
        with library_session.forbid_lazy_loading():
            for article in (*ended, next(rows[1:].iterator(1))):
                assert article is not None
                assert (keys(article.comments), keys(article.tags)) == (comments_of(2), tags_of(2))
        assert rows.count() == 90
        assert rows.values("id")[0] == {"id": 1}
        with library_session.capture() as sent:
            list(rows.prefetch_related(None))
        assert "deep" not in dict(sent[0].request.params)

    def test_only_and_defer_apply_to_the_lists(self, library_session: Session) -> None:
        rows = Article.objects.only("title").prefetch_related(Prefetch("comments", Comment.objects.only("likes")))
        with library_session.capture() as sent:
            article = rows.get(pk=2)
            assert [c.likes for c in article.comments] == [
                ROWS["comments"][k - 1]["likes"] for k in comments_of(2)
            ]
        assert len(sent) == 1
        with library_session.capture() as sent:
            assert [c.text for c in article.comments] == [ROWS["comments"][k - 1]["text"] for k in comments_of(2)]
        assert len(sent) == 1

    def test_related_rows_of_the_lists(self, library_session: Session) -> None:
        inner = Comment.objects.select_related("author", "article__category")
        with library_session.capture() as sent, library_session.forbid_lazy_loading():
            for article in Article.objects.prefetch_related(Prefetch("comments", inner)):
                for comment in article.comments:
                    assert comment.article is article
                    assert comment.author is None or comment.author.born != ""
        assert len(sent) == 1

    def test_long_queries_go_in_the_body(self, library_session: Session) -> None:
        """G36"""
        rows = Comment.objects.filter(text__in=[f"{n:04}" for n in range(2000)] + ["Red"]).select_related("author")
        with library_session.capture() as sent:
            found = list(Article.objects.prefetch_related(Prefetch("comments", rows, to_attr="reds")))
        assert [entry.request.method for entry in sent] == ["SEARCH"]
        reds = {row["id"] for row in ROWS["comments"] if row["text"] == "Red"}
        assert {c.pk for a in found for c in a.reds} == reds - {  # type: ignore[attr-defined]
            row["id"] for row in ROWS["comments"] if row["article"] is None
        }


class Line(Model, collection="carriers_of_many"):
    code: str = field(primary_key=True)
    name: str | None = None


class Hop(Model, collection="hops"):
    id: int = field(default=generated, primary_key=True)
    carrier: Line
    backup: Line | None = None
    article: Article | None = None
    notes: Related[Hint] = one_to_many("hop")


class Hint(Model, collection="hints"):
    id: int = field(default=generated, primary_key=True)
    hop: Hop | None = None
    text: str | None = None


@pytest.fixture(scope="module")
def thousand(library_server: DirectusServer) -> Iterator[None]:
    make_collection(library_server, "carriers_of_many", key("string", "code"), column("name", "string"))
    make_collection(library_server, "hops", AUTO_KEY)
    make_collection(library_server, "hints", AUTO_KEY, column("text", "string"))
    make_relation(library_server, "hops", "carrier", "carriers_of_many", "string")
    make_relation(library_server, "hops", "backup", "carriers_of_many", "string")
    make_relation(library_server, "hops", "article", "articles")
    make_relation(library_server, "hints", "hop", "hops", reverse="notes")
    with Session(library_server.url, token=library_server.token):
        Line.objects.bulk_create(Line(code=f"L{n}", name=f"Line {n}") for n in range(600))
        Hop.objects.bulk_create(
            Hop(
                carrier=Line.objects.ref(f"L{n % 600}"),
                backup=Line.objects.ref("L7") if n % 3 else None,
                article=Article.objects.ref(n % 90 + 1),
            )
            for n in range(1000)
        )
        Hint.objects.bulk_create(Hint(hop=Hop.objects.ref(1 + n % 7), text="x") for n in range(50))
    yield
    for name in ("hints", "hops", "carriers_of_many"):
        drop_collection(library_server, name)


def articles_of_authors(comments: Iterable[Comment]) -> list[Article]:
    return [article for comment in comments if comment.author for article in comment.author.articles]


MINE = Prefetch("articles", to_attr="mine")
OVER_OTHER_NAMES: dict[str, tuple[tuple[Any, ...], Callable[[Any], list[Article]]]] = {
    "a list": ((MINE, "mine__tags"), lambda author: author.mine),
    "twice": ((MINE, "mine__tags", "mine__tags"), lambda author: author.mine),
    "beside the list itself": ((MINE, "mine__tags", "articles"), lambda author: author.mine),
    "behind a list": (
        ("articles", Prefetch("articles__comments", to_attr="said"), "articles__said__author__articles__tags"),
        lambda author: articles_of_authors(comment for article in author.articles for comment in article.said),
    ),
    "one behind another": (
        (MINE, Prefetch("mine__comments", to_attr="said"), "mine__said__author__articles__tags"),
        lambda author: articles_of_authors(comment for article in author.mine for comment in article.said),
    ),
}


class TestPathsOverOtherNames:
    """A path goes on from a list under another name, as in Django, in the same request."""

    @pytest.mark.parametrize("over", OVER_OTHER_NAMES)
    def test_the_rows_are_those_that_come_by_themselves(self, library_session: Session, over: str) -> None:
        prefetches, articles_of = OVER_OTHER_NAMES[over]
        tags = {article.pk: [tag.pk for tag in article.tags.order_by("pk")] for article in Article.objects.all()}
        with library_session.capture() as sent, library_session.forbid_lazy_loading():
            authors = list(Author.objects.prefetch_related(*prefetches))
            found = [article for author in authors for article in articles_of(author)]
            assert found
            assert all(sorted(tag.pk for tag in article.tags) == tags[article.pk] for article in found)
        assert len(sent) == 1

    def test_a_slice_and_a_filter_stay(self, library_session: Session) -> None:
        first = Prefetch("articles", Article.objects.filter(views__gt=0).order_by("-pk")[:2], to_attr="mine")
        for author in Author.objects.prefetch_related(first, Prefetch("mine__tags", Tag.objects.order_by("-pk"))):
            assert author.mine == list(author.articles.filter(views__gt=0).order_by("-pk")[:2])  # type: ignore[attr-defined]
            for article in author.mine:  # type: ignore[attr-defined]
                assert list(article.tags) == list(article.tags.order_by("-pk"))

    def test_rows_of_a_many_to_any(self, library_session: Session) -> None:
        pages = list(Page.objects.prefetch_related(Prefetch("blocks", to_attr="parts")))
        assert any(page.parts for page in pages)  # type: ignore[attr-defined]
        with pytest.raises(FieldError):
            Page.objects.prefetch_related(Prefetch("blocks", to_attr="parts"), "parts__tag__articles")

    def test_a_list_is_named_before_the_paths_over_it(self) -> None:
        with pytest.raises(FieldError, match="mine"):
            Author.objects.prefetch_related("mine__tags", Prefetch("articles", to_attr="mine"))


class TestNumbersOfRequests:
    """N + 1 does not happen by accident."""

    def names(self, hop: Hop) -> tuple[Any, ...]:
        return hop.carrier.name, hop.backup and hop.backup.name, hop.article and hop.article.title

    def test_three_relations_of_a_thousand_rows(self, library_session: Session, thousand: None) -> None:
        with library_session.capture() as pages:
            hops = list(Hop.objects.all())
        with library_session.capture() as sent:
            lazily = [self.names(hop) for hop in hops]
        assert len(lazily) == 1000
        assert len(sent) <= 4
        with library_session.capture() as sent:
            along = [self.names(hop) for hop in Hop.objects.select_related("carrier", "backup", "article")]
        assert len(sent) == len(pages) == 2
        assert along == lazily
        library_session.page_size = 1000
        with library_session.capture() as sent:
            assert [self.names(hop) for hop in Hop.objects.all()] == lazily
        assert len(sent) <= 2 + 4

    def test_each_page_requests_only_related_rows_that_are_not_loaded(
        self, library_session: Session, thousand: None
    ) -> None:
        """Each page requests the related rows that earlier pages did not load."""
        with library_session.capture() as sent:
            for hop in Hop.objects.all():
                self.names(hop)
        asked = [entry.request.path for entry in sent]
        assert asked.count("/items/hops") == 2
        assert asked.count("/items/articles") == 1  # the first page had them all
        assert asked.count("/items/carriers_of_many") == 2
        assert len(asked) <= 2 + 4

    def test_lists_of_five_hundred_rows(self, library_session: Session, thousand: None) -> None:
        with library_session.capture() as pages:
            list(Hop.objects.all()[:500])
        with library_session.capture() as sent:
            lazily = [(len(hop.notes), hop.article and len(hop.article.tags)) for hop in Hop.objects.all()[:500]]
        assert len(sent) <= len(pages) + 4
        with library_session.capture() as sent:
            rows = Hop.objects.prefetch_related("notes", "article__tags")[:500]
            assert [(len(hop.notes), hop.article and len(hop.article.tags)) for hop in rows] == lazily
        assert len(sent) == len(pages)
        assert sum(number for number, _ in lazily) == 50


class TestCompleteness:
    """G24: a nested list is cut at a hundred, and at the server's maximum, unless a limit is sent."""

    def test_fifteen_hundred_children(self, library_session: Session) -> None:
        article = Article.objects.create(title="very busy")
        try:
            Comment.objects.bulk_create(Comment(article=article, likes=n % 5) for n in range(1500))
            for rows in (Article.objects.all(), Article.objects.prefetch_related("comments")):
                one = rows.get(pk=article.pk)
                assert len({c.pk for c in one.comments}) == 1500
                assert keys(one.comments) == sorted(keys(one.comments))
            last = Prefetch("comments", Comment.objects.order_by("likes", "-id")[1450:])
            assert keys(Article.objects.prefetch_related(last).get(pk=article.pk).comments) == keys(
                Comment.objects.filter(article=article).order_by("likes", "-id")[1450:]
            )
        finally:
            Comment.objects.filter(article=article).delete()
            article.delete()

    def test_a_maximum_cuts_no_list(self, limited_server: DirectusServer) -> None:
        """G45: asked for all, the server gives as many as its maximum; asked for very many, all."""

        class Leaf(Model, collection="leaves"):
            id: int = field(default=generated, primary_key=True)
            tree: Tree | None = None

        class Tree(Model, collection="trees"):
            id: int = field(default=generated, primary_key=True)
            leaves: Related[Leaf] = one_to_many("tree")

        make_collection(limited_server, "trees", AUTO_KEY)
        make_collection(limited_server, "leaves", AUTO_KEY)
        make_relation(limited_server, "leaves", "tree", "trees", reverse="leaves")
        with Session(limited_server.url, token=limited_server.token):
            trees = [Tree.objects.create() for _ in range(3)]
            for start_at in range(0, 320, 40):
                Leaf.objects.bulk_create(
                    Leaf(tree=trees[0] if n < 300 else trees[1]) for n in range(start_at, start_at + 40)
                )
            for rows in (Tree.objects.all(), Tree.objects.prefetch_related("leaves")):
                assert [len(tree.leaves) for tree in rows] == [300, 20, 0]
            most = Prefetch("leaves", Leaf.objects.order_by("-id")[:70])
            assert [len(tree.leaves) for tree in Tree.objects.prefetch_related(most)] == [70, 20, 0]
            assert len(trees[0].leaves.filter(id__gt=0)) == 300


class TestErrors:
    @pytest.mark.parametrize(
        ("wanted", "kind", "says"),
        [
            ("commentss", FieldError, r"no field 'commentss' .*Did you mean 'comments'"),
            (
                "title",
                QueryError,
                r"Article\.title is no relation\. Relations of Article: comments, tags, author, cat",
            ),
            ("author__name", QueryError, r"Author\.name is no relation"),
            ("tags__nope", QueryError, r"Tag\.nope is no relation\. Relations of Tag: articles"),
            (3, QueryError, r"takes names of relations and Prefetch"),
            (
                Prefetch("author", Author.objects.filter(name="Bob")),
                QueryError,
                r"Article\.author leads to one row",
            ),
            (Prefetch("author", to_attr="x"), QueryError, r"Article\.author leads to one row"),
            (
                Prefetch("tags", Comment.objects.all()),
                QueryError,
                r"a queryset of Comment does not fit Article\.tags",
            ),
            (Prefetch("tags", to_attr="title"), QueryError, r"to_attr='title' is an attribute of Article"),
            (Prefetch("tags", to_attr="comments"), QueryError, r"to_attr='comments' is an attribute of Article"),
            (Prefetch("tags", to_attr="save"), QueryError, r"to_attr='save' is an attribute of Article"),
            (Prefetch("tags", Tag.objects.search("x")), QueryError, r"no values\(\), annotate\(\) and search\(\)"),
            (
                Prefetch("tags", Tag.objects.annotate(n=Count("articles"))),
                QueryError,
                r"no values\(\), annotate\(",
            ),
        ],
    )
    def test_what_cannot_be_prefetched_is_refused(self, wanted: Any, kind: type[Exception], says: str) -> None:
        with pytest.raises(kind, match=says):
            Article.objects.prefetch_related(wanted)

    def test_wrong_prefetches(self) -> None:
        with pytest.raises(QueryError, match="takes a queryset, not 3"):
            Prefetch("tags", 3)
        by_name = Tag.objects.values("name").annotate(n=Count("*"))
        for rows in (Tag.objects.values("name"), Tag.objects.values_list("name", flat=True), by_name):
            with pytest.raises(QueryError, match=r"is one of instances, without values\(\)"):
                Prefetch("tags", rows)
        for wrong in ("a b", "_x", ""):
            with pytest.raises(QueryError, match="takes the name of an attribute"):
                Prefetch("tags", to_attr=wrong)

    def test_a_queryset_for_one_model_of_a_many_to_any_is_refused(self) -> None:
        for wrong in (
            Prefetch("blocks__hero", Hero.objects.filter(id=1)),
            Prefetch("blocks__hero", to_attr="heroes"),
            Prefetch("blocks", Hero.objects.filter(id=1)),
        ):
            with pytest.raises(QueryError, match=r"all rows of Page\.blocks are loaded; .*\.of_model\(Hero\)"):
                Page.objects.prefetch_related(wrong)

    def test_one_name_for_two_lists_is_refused(self) -> None:
        rows = Article.objects.prefetch_related(Prefetch("tags", to_attr="found"))
        with pytest.raises(QueryError, match=r"to_attr='found' is the list of Article\.tags already"):
            rows.prefetch_related(Prefetch("comments", to_attr="found"))
        rows.prefetch_related(Prefetch("author__articles", to_attr="found"))

    def test_a_name_that_the_server_has_is_refused(self) -> None:
        """G26: an alias over a real name takes its place."""

        class Paper(Model, collection="articles"):
            id: int
            heading: str | None = field(default=None, name="title")
            labels: Related[Tag] = many_to_many("articles_tags", name="tags")

        for name in ("title", "tags"):
            with pytest.raises(QueryError, match=f"to_attr='{name}' is an attribute"):
                Paper.objects.prefetch_related(Prefetch("labels", to_attr=name))

    def test_a_list_that_is_described_twice_is_refused(self) -> None:
        """The first description would be lost."""
        for first in ("comments", "comments__author", Prefetch("comments", COMMENTS["liked"])):
            rows = Article.objects.prefetch_related(first)
            with pytest.raises(QueryError, match=r"was named before, for other rows; put this one first"):
                rows.prefetch_related(Prefetch("comments", COMMENTS["wildcards"]))
        both = Article.objects.prefetch_related(
            Prefetch("comments", COMMENTS["liked"]), "comments__author", "comments"
        )
        assert len(both.query.nested) == 1
