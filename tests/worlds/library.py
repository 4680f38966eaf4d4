"""A second small world, of relations of every kind: articles with authors, comments, tags, categories; pages.

Its rows are chosen to cause errors. There are nulls in every column, parents without children and children without
parents, texts that are wildcards, constants or variables elsewhere, twins that differ by case or by a blank,
and moments around the ends of years, weeks and February.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from directus_orm import Model, Related, Session, field, generated, many_to_any, many_to_many, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    AUTO_KEY,
    Spec,
    column,
    list_field,
    make_collection,
    make_field,
    make_relation,
    post,
)


class Author(Model):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    born: date | None = None
    articles: Related[Article] = one_to_many("author")
    comments: Related[Comment] = one_to_many("author")


class Category(Model):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    parent: Category | None = None
    children: Related[Category] = one_to_many("parent")
    articles: Related[Article] = one_to_many("category")


class Article(Model):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    body: str | None = field(default=None, type="text")
    author: Author | None = None
    category: Category | None = None
    published: datetime | None = None
    edited: datetime | None = field(default=None, type="dateTime")
    day: date | None = None
    at: time | None = None
    price: Decimal | None = None
    views: int | None = None
    score: float | None = None
    open: bool | None = None
    comments: Related[Comment] = one_to_many("article")
    tags: Related[Tag] = many_to_many("articles_tags")


class Comment(Model):
    id: int = field(default=generated, primary_key=True)
    article: Article | None = None
    author: Author | None = None
    text: str | None = None
    likes: int | None = None
    written: datetime | None = None


class Tag(Model):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    articles: Related[Article] = many_to_many("articles_tags")


class Hero(Model, collection="heroes"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None


class Text(Model):
    id: int = field(default=generated, primary_key=True)
    content: str | None = field(default=None, type="text")


class Page(Model):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    blocks: Related[Hero | Text] = many_to_any("pages_blocks")


# --- rows ---------------------------------------------------------------------------------------------------

TEXTS = (
    *("Red", "red", "RED", " red", "red ", "Reduce", "", None),
    *("null", "NULL", "true", "false", "$NOW", "$CURRENT_USER", "007", "7", "1e3"),
    *("100%", "100x", "50 % off", "snake_case", "snakeXcase", "back\\slash", "C:\\temp", "%", "_", "\\"),
    *("Émile", "émile", "école", "straße", "strasse", "naïve café", "party 🎉", "🎉", "e\u0301cole"),
    *("a,b", 'say "hi"', "it's", "<b>&amp;</b>", "[1,2]", '{"a": 1}', "two\nlines", " ", "x" * 60),
)
NAMES = ("Ann", "ann", "Bob", "Böb", "O'Hara", "", None, "100%", "An_n", "null", "Zoë", "Ann ")

MOMENTS = tuple(
    datetime.fromisoformat(f"{text}+00:00")
    for text in (
        *("2019-12-29T23:59:59.999", "2019-12-30T00:00:00", "2019-12-31T23:59:59", "2020-01-01T00:00:00"),
        *("2020-01-05T12:00:00.250", "2020-02-29T12:30:45.500", "2020-12-31T23:59:59.999", "2021-01-01T00:00:00"),
        *("2021-01-03T23:59:59.999", "2021-01-04T00:00:00", "2022-12-31T23:00:00", "2023-01-01T01:00:00"),
        *("2024-02-29T00:00:00", "2024-12-29T23:59:59", "2024-12-30T00:00:00.001", "1969-12-31T23:59:59"),
        *("2000-02-29T06:07:08", "1999-12-31T23:59:59.999"),
    )
)
TIMES = (time(0), time(0, 0, 1), time(9, 30), time(12), time(12, 0, 59), time(18, 45, 30), time(23, 59, 59), None)
PRICES = tuple(Decimal(text) for text in "0.00 0.10 5.25 9.99 19.99 20.00 99.50 -3.75 1000.00".split())


def moment(n: int) -> datetime | None:
    """Return a moment of its own for most numbers, one around the end of something for others, or None."""
    if n % 7 == 3:
        return None
    if n % 2:
        return MOMENTS[n // 2 % len(MOMENTS)]
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(
        days=17 * n, hours=7 * n, minutes=13 * n, milliseconds=37 * n
    )


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(microsecond=0, tzinfo=None)


def _article(n: int) -> dict[str, Any]:
    edited = _naive(moment(n * 5 + 1))
    return {
        "id": n,
        "title": TEXTS[n % len(TEXTS)],
        "body": TEXTS[n * 3 % len(TEXTS)],
        "author": None if n % 6 == 0 else n * 5 % 9 + 1,
        "category": None if n % 5 == 0 else n % 8 + 1,
        "published": moment(n),
        "edited": edited,
        "day": None if n % 9 == 0 else (edited or datetime(2024, 12, 30)).date() + timedelta(days=n % 3),
        "at": TIMES[n % len(TIMES)],
        "price": None if n % 8 == 0 else PRICES[n % len(PRICES)],
        "views": None if n % 7 == 0 else n * n % 41 - 3,
        "score": None if n % 10 == 0 else n * 3 % 23 / 4 - 1,
        "open": (None, True, False, True)[n % 4],
    }


def _comment(n: int) -> dict[str, Any]:
    return {
        "id": n,
        "article": None if n % 11 == 0 else n * n % 90 + 1,  # a third of the articles has some
        "author": None if n % 4 == 0 else n * 7 % 11 + 1,
        "text": TEXTS[n * 5 % 17 if n % 3 else n % len(TEXTS)],
        "likes": None if n % 6 == 5 else n % 5,
        "written": moment(n + 1),
    }


_CATEGORIES = (
    *((1, "Root", None), (2, "Science", 1), (3, "science", 1), (4, None, 1), (5, "Arts", None)),
    *((6, "Physics", 2), (7, "Optics", 6), (8, "", 2), (9, "Lenses", 7), (10, "100%", 5), (11, "Root", None)),
)
_BLOCKS = (
    *((1, "heroes", 1), (1, "texts", 1), (1, "texts", 2), (2, "heroes", 2), (3, "texts", 2), (3, "texts", 3)),
    *((4, "heroes", 3), (4, "heroes", 1), (5, "texts", 5), (5, "heroes", 4), (6, "texts", 4), (7, "heroes", 5)),
    *((7, "texts", 5), (8, "heroes", 1), (8, "texts", 1), (9, "heroes", 2), (9, "texts", 6)),
)

ROWS: dict[str, list[dict[str, Any]]] = {
    "authors": [
        {"id": n, "name": NAMES[n % 12], "born": None if n % 5 == 0 else date(1956 + n * 4, 2, 28 + (n % 3 == 0))}
        for n in range(1, 13)
        if n != 3  # so that a key is not a position
    ]
    + [{"id": 3, "name": "Bob", "born": date(2000, 2, 29)}],
    "categories": [{"id": n, "name": name, "parent": parent} for n, name, parent in _CATEGORIES],
    "articles": [_article(n) for n in range(1, 91)],
    "comments": [_comment(n) for n in range(1, 121)],
    "tags": [{"id": n, "name": name} for n, name in enumerate(("new", "New", "100%", None, "", "Émile", "x_y"), 1)]
    + [{"id": 8, "name": "never used"}],
    # Two thirds of the articles have tags, some of them the same one twice.
    "articles_tags": [
        {
            "id": n,
            "articles_id": n * 4 % 61 + n % 3,
            "tags_id": n * 3 % 7 + 1,
            "sort": n % 4,
            "note": TEXTS[n % 9],
        }
        for n in range(1, 111)
        if 0 < n * 4 % 61 + n % 3 <= 90
    ]
    + [
        {"id": 201, "articles_id": 7, "tags_id": 1, "sort": 1, "note": None},
        {"id": 202, "articles_id": 7, "tags_id": 1, "sort": 2, "note": "twice"},
    ],
    "heroes": [{"id": n, "title": TEXTS[n + 1]} for n in range(1, 6)] + [{"id": 6, "title": "Red"}],
    "texts": [{"id": n, "content": TEXTS[n]} for n in range(1, 8)],
    "pages": [{"id": n, "title": TEXTS[n * 2]} for n in range(1, 13)],
    "pages_blocks": [
        {"id": n, "pages_id": page, "collection": collection, "item": str(item), "sort": n}
        for n, (page, collection, item) in enumerate(_BLOCKS, 1)
    ]
    + [{"id": 50, "pages_id": None, "collection": "heroes", "item": "1", "sort": None}],
}


def keys(rows: Iterable[Any]) -> list[Any]:
    """Return the keys of instances."""
    return [row.pk for row in rows]


def comments_of(article: int) -> list[int]:
    """Return the keys of the comments of an article, in order."""
    return [row["id"] for row in ROWS["comments"] if row["article"] == article]


def tags_of(article: int) -> list[int]:
    """Return the keys of the tags of an article, in order, each once."""
    return sorted({row["tags_id"] for row in ROWS["articles_tags"] if row["articles_id"] == article})


def blocks_of(page: int) -> list[tuple[str, int]]:
    """Return collection and key of each block of a page, in order."""
    return [(row["collection"], int(row["item"])) for row in ROWS["pages_blocks"] if row["pages_id"] == page]


# --- tables -------------------------------------------------------------------------------------------------


def build(server: DirectusServer) -> None:
    """Make the collections of this module, and their rows."""
    _make_collections(server)
    make_relation(server, "categories", "parent", "categories", reverse="children")
    make_relation(server, "articles", "author", "authors", reverse="articles")
    make_relation(server, "articles", "category", "categories", reverse="articles")
    make_relation(server, "comments", "article", "articles", reverse="comments")
    make_relation(server, "comments", "author", "authors", reverse="comments")
    _make_tags(server)
    _make_blocks(server)
    with Session(server.url, token=server.token) as session:
        for name, rows in ROWS.items():
            session.items(name).create([{key: _sent(value) for key, value in row.items()} for row in rows])


def _make_collections(server: DirectusServer) -> None:
    make_collection(server, "authors", AUTO_KEY, column("name", "string"), column("born", "date"))
    make_collection(server, "categories", AUTO_KEY, column("name", "string"))
    make_collection(
        server,
        "articles",
        AUTO_KEY,
        column("title", "string"),
        column("body", "text"),
        column("published", "timestamp"),
        column("edited", "dateTime"),
        column("day", "date"),
        column("at", "time"),
        column("price", "decimal", numeric_precision=10, numeric_scale=2),
        column("views", "integer"),
        column("score", "float"),
        column("open", "boolean"),
    )
    make_collection(
        server,
        "comments",
        AUTO_KEY,
        column("text", "string"),
        column("likes", "integer"),
        column("written", "timestamp"),
    )
    make_collection(server, "tags", AUTO_KEY, column("name", "string"))
    make_collection(
        server, "articles_tags", AUTO_KEY, column("sort", "integer"), column("note", "string"), hidden=True
    )
    make_collection(server, "heroes", AUTO_KEY, column("title", "string"))
    make_collection(server, "texts", AUTO_KEY, column("content", "text"))
    make_collection(server, "pages", AUTO_KEY, column("title", "string"))
    make_collection(
        server,
        "pages_blocks",
        AUTO_KEY,
        column("item", "string"),
        column("collection", "string"),
        column("sort", "integer"),
        hidden=True,
    )


def _make_tags(server: DirectusServer) -> None:
    for side, name, other in (("articles", "tags", "tags"), ("tags", "articles", "articles")):
        make_field(server, side, list_field(name, "m2m"))
        make_field(server, "articles_tags", column(f"{side}_id", "integer"))
        _relate(server, "articles_tags", f"{side}_id", side, one_field=name, junction_field=f"{other}_id")


def _make_blocks(server: DirectusServer) -> None:
    make_field(server, "pages", list_field("blocks", "m2a"))
    make_field(server, "pages_blocks", column("pages_id", "integer"))
    _relate(
        server, "pages_blocks", "pages_id", "pages", one_field="blocks", junction_field="item", sort_field="sort"
    )
    _relate(
        server,
        "pages_blocks",
        "item",
        None,
        one_collection_field="collection",
        one_allowed_collections=["heroes", "texts"],
        junction_field="pages_id",
    )


def _relate(server: DirectusServer, collection: str, field: str, related: str | None, **meta: Any) -> None:
    relation: Spec = {"collection": collection, "field": field, "related_collection": related, "meta": meta}
    post(server, "/relations", relation if related else {**relation, "schema": None})


def _sent(value: Any) -> Any:
    """Return a value as the API takes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.tzinfo else "seconds").replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
