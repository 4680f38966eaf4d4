"""A library: models, the schema that says the same, and ways to change that schema."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import attrs

from directus_orm import (
    Model,
    Related,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
    system,
)
from directus_orm.schema import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema


class DriftShelf(Model, collection="shelves"):
    id: int = field(default=generated, primary_key=True)
    name: str = field(max_length=80)
    books: Related[DriftBook] = one_to_many("shelf", sort="position", deselect="nullify")


class DriftTag(Model, collection="tags"):
    id: UUID = field(default=generated.uuid, primary_key=True)
    word: str = field(unique=True)


class DriftBook(Model, collection="books"):
    id: int = field(default=generated, primary_key=True)
    title: str = field(note="As on its cover.")
    isbn: str | None = field(default=None, index=True)
    owner: int | None = None
    pages: int | None = None
    price: Decimal | None = field(default=None, precision=(8, 2))
    state: Literal["new", "used"] = "new"
    position: int | None = None
    changed: datetime | None = field(default=generated.date_updated)
    shelf: DriftShelf | None = field(default=None, on_delete="SET NULL")
    cover: system.File | None = field(default=None, foreign_key=False)
    tags: Related[DriftTag] = many_to_many("books_tags", source="book", target="tag", sort="sort")
    parts: Related[DriftTag | DriftShelf] = many_to_any("books_parts", source="book")


class DriftHome(Model, collection="home", singleton=True):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None


MODELS = (DriftShelf, DriftTag, DriftBook, DriftHome)

KEY = FieldSchema("id", "integer", is_key=True, is_unique=True, made_by="auto_increment")


def column(name: str, kind: str = "string", **options: Any) -> FieldSchema:
    return FieldSchema(name, kind, **{"is_nullable": True, **options})


SHELVES = CollectionSchema(
    "shelves",
    "id",
    (KEY, column("name", is_nullable=False, max_length=80)),
    (RelationSchema("books", "one-to-many", ("books",), reverse="shelf", sort="position", deselect="nullify"),),
)
TAGS = CollectionSchema(
    "tags",
    "id",
    (
        attrs.evolve(KEY, type="uuid", made_by="uuid"),
        column("word", is_nullable=False, is_unique=True),
    ),
)
BOOKS = CollectionSchema(
    "books",
    "id",
    (
        KEY,
        column("title", is_nullable=False, note="As on its cover."),
        column("isbn", is_indexed=True),
        column("owner", "integer"),
        column("pages", "integer"),
        column("price", "decimal", precision=8, scale=2),
        column("state", is_nullable=False, default="new", choices=("new", "used")),
        column("position", "integer"),
        column("changed", "timestamp", made_by="date_updated"),
        column("shelf", "integer"),
        column("cover", "uuid"),
    ),
    (
        RelationSchema(
            "shelf", "many-to-one", ("shelves",), reverse="books", on_delete="SET NULL", has_foreign_key=True
        ),
        RelationSchema("cover", "many-to-one", ("directus_files",)),
        RelationSchema(
            "tags", "many-to-many", ("tags",), junction="books_tags", source="book", target="tag", sort="sort"
        ),
        RelationSchema(
            "parts",
            "many-to-any",
            ("shelves", "tags"),
            junction="books_parts",
            source="book",
            target="item",
            collection_field="collection",
        ),
    ),
)
HOME = CollectionSchema("home", "id", (KEY, column("title")), is_singleton=True)
BOOKS_TAGS = CollectionSchema(
    "books_tags", "id", (KEY, column("book", "integer"), column("tag", "uuid"), column("sort", "integer"))
)
BOOKS_PARTS = CollectionSchema(
    "books_parts", "id", (KEY, column("book", "integer"), column("item"), column("collection"))
)
SCHEMA = DatabaseSchema((SHELVES, TAGS, BOOKS, HOME, BOOKS_TAGS, BOOKS_PARTS), vendor="postgres")

Change = Callable[[CollectionSchema], CollectionSchema | None]


def changed(collection: str, change: Change) -> DatabaseSchema:
    """Return the schema with another collection in the place of one; without it if that is None."""
    found = [change(each) if each.name == collection else each for each in SCHEMA.collections]
    return attrs.evolve(SCHEMA, collections=tuple(each for each in found if each is not None))


def with_column(name: str, **values: Any) -> Change:
    def change(collection: CollectionSchema) -> CollectionSchema:
        fields = (attrs.evolve(each, **values) if each.name == name else each for each in collection.fields)
        return attrs.evolve(collection, fields=tuple(fields))

    return change


def with_relation(name: str, **values: Any) -> Change:
    def change(collection: CollectionSchema) -> CollectionSchema:
        found = (attrs.evolve(each, **values) if each.field == name else each for each in collection.relations)
        return attrs.evolve(collection, relations=tuple(found))

    return change


def without(name: str) -> Change:
    def change(collection: CollectionSchema) -> CollectionSchema:
        fields = tuple(each for each in collection.fields if each.name != name)
        relations = tuple(each for each in collection.relations if each.field != name)
        return attrs.evolve(collection, fields=fields, relations=relations)

    return change


def with_new(new: FieldSchema) -> Change:
    return lambda collection: attrs.evolve(collection, fields=(*collection.fields, new))
