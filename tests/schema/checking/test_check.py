"""`check` finds each kind of difference with its level, and nothing where models and schema say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import attrs
import pytest

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
from directus_orm.schema import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema, check
from directus_orm.schema.checking.drift import CODES


class DriftShelf(Model, collection="shelves"):
    id: int = field(default=generated, primary_key=True)
    name: str = field(max_length=80)
    books: Related[DriftBook] = one_to_many("shelf", sort="position", deselect="nullify")


class DriftTag(Model, collection="tags"):
    id: UUID = field(default=generated.uuid, primary_key=True)
    word: str = field(unique=True)


class DriftBook(Model, collection="books"):
    id: int = field(default=generated, primary_key=True)
    title: str
    isbn: str | None = None
    pages: int | None = None
    price: Decimal | None = field(default=None, precision=(8, 2))
    state: Literal["new", "used"] = "new"
    position: int | None = None
    changed: datetime | None = field(default=generated.date_updated)
    shelf: DriftShelf | None = field(default=None, on_delete="SET NULL")
    cover: system.File | None = None
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
        column("title", is_nullable=False),
        column("isbn"),
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
        RelationSchema("cover", "many-to-one", ("directus_files",), has_foreign_key=True),
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


# What changed on the server, in which collection, and the difference that it makes.
DRIFTS: dict[str, tuple[str, Change, str, str | None]] = {
    "a collection went": ("home", lambda _: None, "collection-missing", None),
    "a field went": ("books", without("isbn"), "field-missing", "isbn"),
    "a type became another": ("books", with_column("pages", type="string"), "type-differs", "pages"),
    "the key became another": ("tags", lambda tags: attrs.evolve(tags, key="word"), "key-differs", "id"),
    "a key is not counted up": ("shelves", with_column("id", made_by=None), "value-needed", "id"),
    "a singleton got rows": (
        "home",
        lambda home: attrs.evolve(home, is_singleton=False),
        "singleton-differs",
        None,
    ),
    "a relation leads elsewhere": (
        "books",
        with_relation("shelf", related=("tags",)),
        "relation-differs",
        "shelf",
    ),
    "a relation went": (
        "books",
        lambda books: attrs.evolve(books, relations=books.relations[1:]),
        "relation-differs",
        "shelf",
    ),
    "a list went": ("books", without("tags"), "list-missing", "tags"),
    "a list is made by another field": (
        "shelves",
        with_relation("books", reverse="cover"),
        "list-differs",
        "books",
    ),
    "a junction's field was renamed": ("books", with_relation("tags", source="books_id"), "list-differs", "tags"),
    "another junction": ("books", with_relation("tags", junction="tags_books"), "list-differs", "tags"),
    "a list leads to fewer collections": (
        "books",
        with_relation("parts", related=("tags",)),
        "list-differs",
        "parts",
    ),
    "a new column needs a value": (
        "books",
        with_new(column("weight", "integer", is_nullable=False)),
        "value-needed",
        "weight",
    ),
    "null is allowed": ("books", with_column("title", is_nullable=True), "null-there", "title"),
    "null is refused": ("books", with_column("isbn", is_nullable=False, default=""), "null-here", "isbn"),
    "nobody makes the value": ("books", with_column("changed", made_by=None), "not-generated", "changed"),
    "the database computes it": (
        "books",
        with_column("pages", made_by="generated_column"),
        "computed-there",
        "pages",
    ),
    "a value became secret": ("books", with_column("isbn", secret="conceal"), "secret-there", "isbn"),
    "a choice was added": (
        "books",
        with_column("state", choices=("new", "used", "lost")),
        "choices-narrower",
        "state",
    ),
    "a choice was removed": ("books", with_column("state", choices=("new",)), "choices-differ", "state"),
    "a list is in another order": ("books", with_relation("tags", sort="id"), "sort-differs", "tags"),
    "a default became another": ("books", with_column("state", default="used"), "default-differs", "state"),
    "a default went": ("books", with_column("state", default=None), "default-differs", "state"),
    "a text may be longer": ("books", with_column("title", type="text"), "size-differs", "title"),
    "a number may be larger": ("books", with_column("pages", type="bigInteger"), "size-differs", "pages"),
    "a length became another": ("shelves", with_column("name", max_length=200), "max-length-differs", "name"),
    "a precision became another": ("books", with_column("price", precision=10), "precision-differs", "price"),
    "values may be equal": ("tags", with_column("word", is_unique=False), "unique-differs", "word"),
    "deletions do another thing": (
        "books",
        with_relation("shelf", on_delete="CASCADE"),
        "on-delete-differs",
        "shelf",
    ),
    "rows are deleted with their place": (
        "shelves",
        with_relation("books", deselect="delete"),
        "deselect-differs",
        "books",
    ),
    "a new field": ("books", with_new(column("weight", "integer")), "field-undeclared", "weight"),
    "a list leads to more collections": (
        "books",
        with_relation("parts", related=("books", "shelves", "tags")),
        "target-undeclared",
        "parts",
    ),
}


def test_the_same_schema_differs_in_nothing() -> None:
    report = check(SCHEMA, MODELS)
    assert not report, str(report)
    assert report.summary == "no drift"


@pytest.mark.parametrize("what", DRIFTS)
def test_a_change_on_the_server_is_found_with_its_level(what: str) -> None:
    collection, change, code, name = DRIFTS[what]
    (drift,) = check(changed(collection, change), MODELS)
    assert (drift.code, drift.field, drift.level) == (code, name, CODES[code])
    assert (
        drift.model
        == {"shelves": "DriftShelf", "tags": "DriftTag", "books": "DriftBook", "home": "DriftHome"}[collection]
    )


def test_each_level_is_that_of_its_consequence() -> None:
    levels = {what: CODES[code] for what, (_, _, code, _) in DRIFTS.items()}
    assert list(levels.values()) == ["error"] * 14 + ["warning"] * 6 + ["note"] * 13
