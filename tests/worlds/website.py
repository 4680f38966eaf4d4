"""The kinds of relations that website templates have: every key a uuid, those of junctions too.

Pages are lists of blocks of several collections, which have images, galleries and categories behind them. Pages
have translations, posts have tags in an order, users as authors and files as images. The home page is a singleton
with lists, and the navigation a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from directus_orm import Model, Related, Session, field, generated, many_to_any, many_to_many, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    Spec,
    collection_spec,
    column,
    key,
    list_field,
    make_field,
    post,
    upload,
    user,
)


class File(Model, collection="directus_files"):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    type: str | None = None
    filename_download: str | None = None


class User(Model, collection="directus_users"):
    id: UUID = field(default=generated, primary_key=True)
    first_name: str | None = None
    last_name: str | None = None
    avatar: File | None = None
    posts: Related[Post] = one_to_many("author")


class Language(Model):
    code: str = field(primary_key=True)
    name: str | None = None


class Category(Model):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    posts: Related[Post] = one_to_many("category")


class Tag(Model):
    id: UUID = field(default=generated, primary_key=True)
    name: str | None = None
    posts: Related[Post] = many_to_many("posts_tags")


class Post(Model):
    id: UUID = field(default=generated, primary_key=True)
    title: str
    slug: str | None = None
    status: str = "draft"
    published_at: datetime | None = None
    author: User | None = None
    category: Category | None = None
    image: File | None = None
    tags: Related[Tag] = many_to_many("posts_tags", sort="sort")
    contributors: Related[User] = many_to_many("posts_directus_users")
    date_created: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)


class Hero(Model, collection="block_hero"):
    id: UUID = field(default=generated, primary_key=True)
    headline: str | None = None
    image: File | None = None


class RichText(Model, collection="block_richtext"):
    id: UUID = field(default=generated, primary_key=True)
    content: str | None = field(default=None, type="text")


class Gallery(Model, collection="block_gallery"):
    id: UUID = field(default=generated, primary_key=True)
    headline: str | None = None
    images: Related[File] = many_to_many("block_gallery_files", sort="sort")


class PostList(Model, collection="block_posts"):
    id: UUID = field(default=generated, primary_key=True)
    headline: str | None = None
    category: Category | None = None


class Page(Model):
    id: UUID = field(default=generated, primary_key=True)
    permalink: str | None = None
    status: str = "draft"
    blocks: Related[Hero | RichText | Gallery | PostList] = many_to_any("pages_blocks", sort="sort")
    translations: Related[PageTranslation] = one_to_many("page")


class PageTranslation(Model, collection="pages_translations"):
    id: UUID = field(default=generated, primary_key=True)
    page: Page | None = field(default=None, name="pages_id")
    language: Language | None = field(default=None, name="languages_code")
    title: str | None = None


class NavigationItem(Model, collection="navigation_items", ordering=("sort",)):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    sort: int | None = None
    page: Page | None = None
    parent: NavigationItem | None = None
    children: Related[NavigationItem] = one_to_many("parent")


class Home(Model, collection="home", singleton=True):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    image: File | None = None
    features: Related[Feature] = one_to_many("home")
    posts: Related[Post] = many_to_many("home_posts", sort="sort")
    blocks: Related[Hero | RichText] = many_to_any("home_blocks", sort="sort")


class Feature(Model):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    home: Home | None = None


# --- rows ---------------------------------------------------------------------------------------------------


def key_of(collection: str, n: int) -> UUID:
    """Return the key of a row of this module; the order of the keys is not that of the numbers."""
    return uuid5(NAMESPACE_URL, f"{collection}/{n}")


def _numbered(collection: str, *rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"id": str(key_of(collection, n)), **row} for n, row in enumerate(rows, 1)]


def _ref(collection: str, n: int | None) -> str | None:
    return None if n is None else str(key_of(collection, n))


def _post(title: str, status: str, author: int | None, category: int | None, image: int | None) -> dict[str, Any]:
    return {
        "title": title,
        "slug": title.lower().replace(" ", "-"),
        "status": status,
        "published_at": "2026-03-01T08:00:00Z" if status == "published" else None,
        "author": _ref("directus_users", author),
        "category": _ref("categories", category),
        "image": _ref("directus_files", image),
    }


FILES = ("Sunrise", "Harbour", "Portrait")

# Links to blocks: the page, the collection, and the number of the block, in the order of the list.
_BLOCKS = (
    *((1, "block_hero", 1), (1, "block_richtext", 1), (1, "block_gallery", 1), (1, "block_posts", 1)),
    *((2, "block_hero", 2), (2, "block_richtext", 2), (3, "block_posts", 2), (3, "block_richtext", 1)),
)

ROWS: dict[str, list[dict[str, Any]]] = {
    "directus_users": _numbered(
        "directus_users",
        {"first_name": "Ada", "last_name": "Lovelace", "avatar": _ref("directus_files", 3)},
        {"first_name": "Grace", "last_name": "Hopper"},
    ),
    "languages": [{"code": "en-US", "name": "English"}, {"code": "de-DE", "name": "German"}],
    "categories": _numbered("categories", {"title": "News"}, {"title": "Guides"}),
    "tags": _numbered("tags", *({"name": name} for name in ("python", "rest", "sql", "never used"))),
    "posts": _numbered(
        "posts",
        _post("Hello world", "published", 1, 1, 1),
        _post("Second steps", "published", 2, 2, None),
        _post("Unfinished", "draft", 1, 2, 2),
        _post("Anonymous", "published", None, None, None),
    ),
    "posts_tags": _numbered(
        "posts_tags",
        *(
            {"posts_id": _ref("posts", post), "tags_id": _ref("tags", tag), "sort": sort}
            for post, tag, sort in ((1, 1, 3), (1, 2, 1), (1, 3, 2), (2, 3, 1), (2, 1, 2), (3, 2, 1))
        ),
    ),
    "posts_directus_users": _numbered(
        "posts_directus_users",
        *(
            {"posts_id": _ref("posts", post), "directus_users_id": _ref("directus_users", user)}
            for post, user in ((1, 1), (1, 2), (3, 2))
        ),
    ),
    "block_hero": _numbered(
        "block_hero",
        {"headline": "Welcome", "image": _ref("directus_files", 1)},
        {"headline": "About us", "image": None},
    ),
    "block_richtext": _numbered("block_richtext", {"content": "<p>Hello</p>"}, {"content": "<p>Us</p>"}),
    "block_gallery": _numbered("block_gallery", {"headline": "Pictures"}),
    "block_gallery_files": _numbered(
        "block_gallery_files",
        *(
            {
                "block_gallery_id": _ref("block_gallery", 1),
                "directus_files_id": _ref("directus_files", n),
                "sort": 3 - n,
            }
            for n in (1, 2)
        ),
    ),
    "block_posts": _numbered(
        "block_posts",
        {"headline": "Latest", "category": _ref("categories", 1)},
        {"headline": "All", "category": None},
    ),
    "pages": _numbered(
        "pages",
        {"permalink": "/", "status": "published"},
        {"permalink": "/about", "status": "published"},
        {"permalink": "/soon", "status": "draft"},
    ),
    "pages_translations": _numbered(
        "pages_translations",
        *(
            {"pages_id": _ref("pages", page), "languages_code": code, "title": title}
            for page, code, title in (
                (1, "en-US", "Start"),
                (1, "de-DE", "Startseite"),
                (2, "en-US", "About"),
                (3, "de-DE", "Bald"),
            )
        ),
    ),
    "pages_blocks": _numbered(
        "pages_blocks",
        *(
            {"pages_id": _ref("pages", page), "collection": name, "item": _ref(name, block), "sort": n}
            for n, (page, name, block) in enumerate(_BLOCKS, 1)
        ),
    ),
    "navigation_items": _numbered(
        "navigation_items",
        *(
            {
                "title": title,
                "sort": sort,
                "page": _ref("pages", page),
                "parent": _ref("navigation_items", parent),
            }
            for title, sort, page, parent in (
                ("Main", 1, None, None),
                ("About", 2, 2, 1),
                ("Home", 1, 1, 1),
                ("Team", 1, None, 2),
            )
        ),
    ),
}

_EMPTY = ("home", "features", "home_posts", "home_blocks")


@contextmanager
def cleaned(session: Session) -> Iterator[None]:
    """Delete the rows that are added meanwhile; then the home page is again as if it was never saved."""
    collections = [*ROWS, *_EMPTY]
    before = {collection: _keys(session, collection) for collection in collections}
    yield
    for collection in reversed(collections):
        new = _keys(session, collection) - before[collection]
        if new:
            session.delete(_route(collection), sorted(new))


def _keys(session: Session, collection: str) -> set[str]:
    pk = "code" if collection == "languages" else "id"
    rows = session.get(_route(collection), {"fields": pk, "limit": -1})
    return {row[pk] for row in (rows if isinstance(rows, list) else [rows]) if row[pk]}


# --- tables -------------------------------------------------------------------------------------------------

_JUNCTIONS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "posts_tags": (("posts", "tags"), ("tags", "posts")),
    "posts_directus_users": (("posts", "contributors"), ("directus_users", None)),
    "block_gallery_files": (("block_gallery", "images"), ("directus_files", None)),
    "home_posts": (("home", "posts"), ("posts", None)),
    "pages_translations": (("pages", "translations"), ("languages", None)),
    "pages_blocks": (("pages", "blocks"),),
    "home_blocks": (("home", "blocks"),),
}
"""The collections that a junction leads to, and the lists there; the other side of a many-to-any is not named."""

_BLOCK_COLLECTIONS = ("block_hero", "block_richtext", "block_gallery", "block_posts")

_REFERENCES: tuple[tuple[str, str, str, str | None], ...] = (
    ("posts", "author", "directus_users", "posts"),
    ("posts", "category", "categories", "posts"),
    ("posts", "image", "directus_files", None),
    ("block_hero", "image", "directus_files", None),
    ("block_posts", "category", "categories", None),
    ("navigation_items", "parent", "navigation_items", "children"),
    ("navigation_items", "page", "pages", None),
    ("home", "image", "directus_files", None),
    ("features", "home", "home", "features"),
)
"""Each many-to-one field, the collection that it leads to, and the list there."""


def _columns() -> dict[str, list[Spec]]:
    """Return the plain fields of each collection, without keys."""
    texts = {
        "categories": ("title",),
        "tags": ("name",),
        "posts": ("title", "slug", "status"),
        "block_hero": ("headline",),
        "block_gallery": ("headline",),
        "block_posts": ("headline",),
        "pages": ("permalink", "status"),
        "pages_translations": ("title",),
        "navigation_items": ("title",),
        "home": ("title",),
        "features": ("title",),
    }
    columns = {name: [column(each, "string") for each in names] for name, names in texts.items()}
    columns["block_richtext"] = [column("content", "text")]
    columns["posts"] += [
        column("published_at", "timestamp"),
        column("date_created", "timestamp", special=["date-created", "cast-timestamp"]),
        column("user_created", "uuid", special=["user-created"]),
        column("date_updated", "timestamp", special=["date-updated", "cast-timestamp"]),
        column("user_updated", "uuid", special=["user-updated"]),
    ]
    for name in ("navigation_items", *_JUNCTIONS):
        columns.setdefault(name, []).append(column("sort", "integer"))
    for name in ("pages_blocks", "home_blocks"):
        columns[name] += [column("item", "string"), column("collection", "string")]
    return columns


def _relations() -> Iterator[Spec]:
    for collection, name, related, one_field in _REFERENCES:
        yield _relation(collection, name, related, one_field=one_field)
    for junction, sides in _JUNCTIONS.items():
        names = [_field_of_junction(related) for related, _ in sides]
        others = reversed(names) if len(sides) == 2 else ["item"]
        for name, (related, one_field), other in zip(names, sides, others, strict=True):
            sort = {"sort_field": "sort"} if name == names[0] else {}
            yield _relation(junction, name, related, one_field=one_field, junction_field=other, **sort)
    for junction, allowed in (("pages_blocks", _BLOCK_COLLECTIONS), ("home_blocks", _BLOCK_COLLECTIONS[:2])):
        to_any = {"one_collection_field": "collection", "one_allowed_collections": [*allowed]}
        back = _field_of_junction(_JUNCTIONS[junction][0][0])
        yield {**_relation(junction, "item", None, junction_field=back, **to_any), "schema": None}


def _relation(collection: str, name: str, related: str | None, **meta: Any) -> Spec:
    return {"collection": collection, "field": name, "related_collection": related, "meta": meta}


def _field_of_junction(related: str) -> str:
    return "languages_code" if related == "languages" else f"{related}_id"


def build(server: DirectusServer) -> None:
    """Make the collections of this module, and their rows."""
    columns, relations = _columns(), list(_relations())
    for relation in relations:
        related, name, meta = relation["related_collection"], relation["field"], relation["meta"]
        if related:
            kind = "string" if related == "languages" else "uuid"
            columns[relation["collection"]].append(column(name, kind, special=["m2o"]))
        if meta.get("one_field"):
            special = {"item": "m2a", None: "o2m"}.get(meta.get("junction_field"), "m2m")
            columns.setdefault(related, []).append(list_field(meta["one_field"], special))
    for spec in columns.pop("directus_users"):
        make_field(server, "directus_users", spec)
    made = [collection_spec("languages", key("string", "code"), column("name", "string"))]
    made += [
        collection_spec(name, key("uuid"), *specs, singleton=name == "home") for name, specs in columns.items()
    ]
    # In one request: the server reads its whole schema again after each.
    post(server, "/collections", made)
    for relation in relations:
        post(server, "/relations", relation)
    for n, title in enumerate(FILES, 1):
        upload(server, id=str(key_of("directus_files", n)), title=title, file=f"{title}.png")
    for name, rows in ROWS.items():
        post(server, _route(name), rows)


def _route(collection: str) -> str:
    name = collection.removeprefix("directus_")
    return f"/{name}" if name != collection else f"/items/{name}"


# --- users with limits --------------------------------------------------------------------------------------

SHOWN_TO_READERS = {"posts": ("id", "title", "author", "category", "tags"), "directus_users": ("id", "first_name")}
"""The fields that a reader may read, of the collections of which it is not all."""


@contextmanager
def reader(server: DirectusServer) -> Iterator[str]:
    """Give the token of a user who may read what is published, and of posts and users some fields only."""
    published = {"status": {"_eq": "published"}}
    rules = {
        "posts": published,
        "pages": published,
        "posts_tags": {"posts_id": published},
        "pages_blocks": {"pages_id": published},
        "pages_translations": {"pages_id": published},
    }
    may: dict[str, Any] = dict.fromkeys([*ROWS, "directus_files", *_EMPTY], ("read",))
    with user(server, "reader", rules, fields=SHOWN_TO_READERS, **may) as token:
        yield token
