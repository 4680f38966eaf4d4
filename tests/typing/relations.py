"""What type checkers know of relations, without a plugin. Checked by mypy and pyright, never run.

Lines that must be errors carry an ignore; both checkers report an ignore that is not needed.
"""

from __future__ import annotations

from typing import Any, assert_type

from directus_orm import (
    Model,
    Prefetch,
    Q,
    QuerySet,
    Related,
    col,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
    via,
)


class Author(Model):
    id: int = field(default=generated, primary_key=True)
    name: str
    articles: Related[Article] = one_to_many("author")


class Tag(Model):
    id: int = field(default=generated, primary_key=True)
    name: str
    articles: Related[Article] = many_to_many("articles_tags")


class Article(Model):
    id: int = field(default=generated, primary_key=True)
    title: str
    author: Author
    editor: Author | None = None
    comments: Related["Comment"] = one_to_many("article")  # noqa: UP037 - quoted, as in older code
    tags: Related[Tag] = many_to_many("articles_tags")
    labels: Related[Tag] = many_to_many(lambda: None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Comment(Model):
    id: int = field(default=generated, primary_key=True)
    article: Article
    text: str | None = None


class Hero(Model):
    id: int = field(default=generated, primary_key=True)
    title: str


class Page(Model):
    id: int = field(default=generated, primary_key=True)
    blocks: Related[Hero | Comment] = many_to_any("pages_blocks")


class Category(Model):
    id: int = field(default=generated, primary_key=True)
    name: str
    parent: Category | None = None
    children: Related[Category] = one_to_many("parent")


def one(article: Article, category: Category) -> None:
    assert_type(article.author, Author)
    assert_type(article.author.name, str)
    assert_type(article.author.pk, Any)
    assert_type(article.editor, Author | None)
    article.editor.name  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    if category.parent is not None:
        assert_type(category.parent.name, str)
    article.author = "x"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    article.author = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    article.editor = None


def many(article: Article, author: Author, category: Category) -> None:
    assert_type(article.tags, Related[Tag])
    assert_type(article.tags.filter().first(), Tag | None)
    assert_type(article.tags.filter(name="x").order_by("name")[0], Tag)
    assert_type(article.tags.get(pk=1).name, str)
    assert_type([tag.name for tag in article.tags], list[str])
    assert_type([comment.article.author.name for comment in article.comments], list[str])
    assert_type(author.articles.count(), int)
    assert_type(author.articles.in_bulk([1]), dict[Any, Article])
    assert_type(author.articles[0].tags.last(), Tag | None)
    assert_type(category.children.first(), Category | None)
    assert_type(article.tags.through, QuerySet[Any])
    rows: QuerySet[Tag] = article.tags
    rows = article.tags.filter(name="x") | Tag.objects.all()
    rows.first()
    article.tags.first().name  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    article.tags[0].nam  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    article.tagz  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    article.tags = [Tag(name="x")]  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    _ = article.tags | Comment.objects.all()  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


async def in_asyncio(article: Article, page: Page) -> None:
    assert_type([tag.name async for tag in article.tags], list[str])
    assert_type([tag async for tag in article.tags.filter().aiterator()], list[Tag])
    assert_type([block async for block in page.blocks], list[Hero | Comment])
    assert_type(await article.tags.afirst(), Tag | None)
    assert_type(await article.tags.acreate(name="x"), Tag)
    assert_type(await article.tags.aadd(Tag(name="x"), 3, through_defaults={"sort": 1}), None)
    assert_type(await article.tags.aremove(3), None)
    assert_type(await article.tags.aset([3]), None)
    assert_type(await article.tags.aclear(), None)
    await article.tags.aset(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def any_of(page: Page) -> None:
    assert_type(page.blocks[0], Hero | Comment)
    assert_type(page.blocks.of_model(Hero), QuerySet[Hero])
    assert_type(page.blocks.of_model(Comment).filter(Q(text="x")).first(), Comment | None)
    for block in page.blocks:
        assert_type(block, Hero | Comment)
        if isinstance(block, Hero):
            assert_type(block.title, str)


def written(article: Article, page: Page, author: Author) -> None:
    assert_type(page.blocks.create(Hero, title="x"), Hero)
    assert_type(page.blocks.create(Comment, text="x", through_defaults={"sort": 1}), Comment)
    assert_type(article.comments.create(text="x"), Comment)
    assert_type(article.tags.create(name="x", through_defaults={"note": "y"}), Tag)
    page.blocks.create("Hero", title="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    assert_type(article.tags.get_or_create(name="x"), tuple[Tag, bool])
    article.tags.add(Tag(name="x"), 5, through_defaults={"note": "y"})
    article.tags.remove(5)
    article.tags.set([Tag(name="x"), 5])
    article.tags.set(article.tags.filter(name="x"))
    article.tags.clear()
    article.tags.set(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    article.author.name.upper()
    article.tags.add(author)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    article.tags.set([author])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    page.blocks.add(Hero(title="x"), Comment(article=article))
    page.blocks.add(Tag(name="x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    page.blocks.remove(Tag(name="x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def constructors(author: Author) -> None:
    Article(title="x", author=author)
    Article(title="x", author=author, tags=[])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Article(title="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def along(article: Article) -> None:
    best = Prefetch("comments", Comment.objects.order_by("-id")[:3], to_attr="best")
    rows = Article.objects.select_related("author").prefetch_related("tags", "author__articles", best)
    assert_type(rows, QuerySet[Article])
    assert_type(rows[0].author.articles.first(), Article | None)
    Article.objects.prefetch_related(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Prefetch(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def conditions() -> None:
    Article.objects.filter(
        col(via(Article.tags).name) == "x", col(via(via(Article.comments).article).title) == "x"
    )
    Author.objects.filter(col(Author.articles).some(Q(title="x")), col(via(Author.articles).editor) != None)  # noqa: E711
