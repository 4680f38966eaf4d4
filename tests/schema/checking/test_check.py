"""`check` finds each kind of difference with its level, and nothing where models and schema say the same."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from directus_orm import ConfigurationError, Model, Related, field, generated, one_to_many, system
from directus_orm.cli.modules import imported
from directus_orm.schema import CollectionSchema, DatabaseSchema, DriftReport, RelationSchema, check
from directus_orm.schema.checking.drift import CODES, Level
from directus_orm.schema.generating import GeneratorOptions, generate_module
from directus_orm.schema.generating.options import Choices
from tests.schema.random_schemas import readable, schema_of

from .models_and_schema import (
    KEY,
    MODELS,
    SCHEMA,
    Change,
    DriftShelf,
    changed,
    column,
    with_column,
    with_new,
    with_relation,
    without,
)

Seed = tuple[str, Change, str, str | None]

# What changed on the server: in which collection, and the difference that it makes.
SEEDS: dict[Level, dict[str, Seed]] = {
    "error": {
        "a collection went": ("home", lambda _: None, "collection-missing", None),
        "a field went": ("books", without("isbn"), "field-missing", "isbn"),
        "a field became a list": (
            "books",
            lambda books: attrs.evolve(
                without("owner")(books) or books,
                relations=(*books.relations, RelationSchema("owner", "one-to-many", ("tags",), reverse="book")),
            ),
            "field-missing",
            "owner",
        ),
        "a type became another": ("books", with_column("pages", type="string"), "type-differs", "pages"),
        "the key became another": (
            "tags",
            lambda tags: attrs.evolve(tags, key="word"),
            "key-differs",
            "id",
        ),
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
        "a list became a column": (
            "books",
            lambda books: with_new(column("tags", "json"))(without("tags")(books) or books),
            "list-missing",
            "tags",
        ),
        "a list is made by another field": (
            "shelves",
            with_relation("books", reverse="cover"),
            "list-differs",
            "books",
        ),
        "a junction's field was renamed": (
            "books",
            with_relation("tags", source="books_id"),
            "list-differs",
            "tags",
        ),
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
    },
    "warning": {
        "null is allowed": ("books", with_column("title", is_nullable=True), "null-there", "title"),
        "null is refused": (
            "books",
            with_column("isbn", is_nullable=False, default=""),
            "null-here",
            "isbn",
        ),
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
        "a list is in another order": ("books", with_relation("tags", sort="id"), "sort-differs", "tags"),
        "a list has no order": ("books", with_relation("tags", sort=None), "sort-differs", "tags"),
    },
    "note": {
        "a choice was removed": ("books", with_column("state", choices=("new",)), "choices-differ", "state"),
        "a default became another": (
            "books",
            with_column("state", default="used"),
            "default-differs",
            "state",
        ),
        "a default went": ("books", with_column("state", default=None), "default-differs", "state"),
        "a text may be longer": ("books", with_column("title", type="text"), "size-differs", "title"),
        "a number may be larger": (
            "books",
            with_column("pages", type="bigInteger"),
            "size-differs",
            "pages",
        ),
        "a length became another": (
            "shelves",
            with_column("name", max_length=200),
            "max-length-differs",
            "name",
        ),
        "a precision became another": (
            "books",
            with_column("price", precision=10),
            "precision-differs",
            "price",
        ),
        "values may be equal": ("tags", with_column("word", is_unique=False), "unique-differs", "word"),
        "an index went": ("books", with_column("isbn", is_indexed=False), "index-differs", "isbn"),
        "a note became another": ("books", with_column("title", note=None), "note-differs", "title"),
        "a foreign key was made": (
            "books",
            with_relation("cover", has_foreign_key=True),
            "foreign-key-differs",
            "cover",
        ),
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
        "a new list": (
            "tags",
            lambda tags: attrs.evolve(
                tags, relations=(RelationSchema("shelves", "one-to-many", ("shelves",), reverse="tag"),)
            ),
            "field-undeclared",
            "shelves",
        ),
        "a key became a relation": (
            "books",
            lambda books: attrs.evolve(
                books, relations=(*books.relations, RelationSchema("owner", "many-to-one", ("directus_users",)))
            ),
            "relation-undeclared",
            "owner",
        ),
        "a list got an order": ("books", with_relation("parts", sort="sort"), "sort-undeclared", "parts"),
        "a list leads to more collections": (
            "books",
            with_relation("parts", related=("books", "shelves", "tags")),
            "target-undeclared",
            "parts",
        ),
    },
}
CLASSES = {"shelves": "DriftShelf", "tags": "DriftTag", "books": "DriftBook", "home": "DriftHome"}


def test_the_same_schema_differs_in_nothing() -> None:
    report = check(SCHEMA, MODELS)
    assert not report, str(report)
    assert report.summary == "no drift"


@pytest.mark.parametrize(("level", "what"), [(level, what) for level, seeds in SEEDS.items() for what in seeds])
def test_a_change_on_the_server_is_found_with_its_level(level: Level, what: str) -> None:
    collection, change, code, name = SEEDS[level][what]
    (drift,) = check(changed(collection, change), MODELS)
    assert (drift.level, drift.code, drift.field) == (level, code, name)
    assert drift.model == CLASSES[collection]
    assert drift.message.endswith((".", "?"))


def test_a_collection_without_a_model_is_noted() -> None:
    further = CollectionSchema("visitors", "id", (KEY,))
    (drift,) = check(attrs.evolve(SCHEMA, collections=(*SCHEMA.collections, further)), MODELS)
    assert (drift.level, drift.code, drift.model) == ("note", "collection-undeclared", "visitors")


def test_each_kind_of_difference_is_seeded() -> None:
    seeded = {code for seeds in SEEDS.values() for _, _, code, _ in seeds.values()}
    assert seeded | {"collection-undeclared"} == set(CODES)


@pytest.mark.parametrize("choices", ["none", "literal", "strenum"])
def test_what_is_generated_from_any_schema_differs_in_nothing(choices: Choices, modules_of_tmp_path: Path) -> None:
    """60 collections with 840 random columns and relations."""
    schema = readable(schema_of(random.Random(choices)))
    path = modules_of_tmp_path / f"random_{choices}_models.py"
    path.write_text(generate_module(schema, GeneratorOptions(choices=choices)).body)
    report = check(schema, imported(str(path)))
    assert not report, str(report)


# --- what is no difference ------------------------------------------------------------------------------------


EQUAL: dict[str, tuple[str, Change]] = {
    "SQLite has no exact numbers": ("books", with_column("price", type="float", precision=None, scale=None)),
    "SQLite has no type of its own for UUIDs": ("tags", with_column("id", type="string")),
    "SQLite counts all keys up alike": ("shelves", with_column("id", type="bigInteger")),
    "what becomes of the rows is not said": ("shelves", with_relation("books", deselect=None)),
    "there is no foreign key": ("books", with_relation("shelf", on_delete=None)),
    "Directus 10 does not name indexes": ("books", with_column("isbn", is_indexed=None)),
    "only the database can read the default": (
        "books",
        with_column("state", made_by="sql", default=None, sql="'new'::text"),
    ),
    "the app offers no choices": ("books", with_column("state", choices=())),
}


@pytest.mark.parametrize("what", EQUAL)
def test_what_only_some_servers_say_is_no_difference(what: str) -> None:
    collection, change = EQUAL[what]
    schema = attrs.evolve(changed(collection, change), vendor="sqlite")
    assert not check(schema, MODELS), str(check(schema, MODELS))


def test_a_float_is_no_decimal_where_the_database_has_exact_numbers() -> None:
    schema = changed("books", with_column("price", type="float", precision=None, scale=None))
    (drift,) = check(schema, MODELS)
    assert (drift.code, drift.field) == ("type-differs", "price")


def test_restrict_and_no_action_are_the_same() -> None:
    class DriftRestricted(Model, collection="books"):
        id: int = field(default=generated, primary_key=True)
        shelf: DriftShelf | None = field(default=None, on_delete="RESTRICT")

    def codes(on_delete: str) -> list[str]:
        schema = changed("books", with_relation("shelf", on_delete=on_delete))
        return [each.code for each in check(schema, DriftRestricted) if each.field == "shelf"]

    assert codes("NO ACTION") == codes("RESTRICT") == []
    assert codes("CASCADE") == ["on-delete-differs"]


class DriftBookTag(Model, collection="books_tags"):
    id: int = field(default=generated, primary_key=True)
    book: DriftLinkedBook | None = None
    sort: int | None = None


class DriftLinkedBook(Model, collection="books"):
    id: int = field(default=generated, primary_key=True)
    tags: Related[DriftBookTag] = one_to_many("book", sort="sort")


def test_the_rows_of_a_junction_may_be_declared_as_the_list() -> None:
    def codes(schema: DatabaseSchema) -> list[str]:
        return [each.code for each in check(schema, DriftLinkedBook) if each.field == "tags"]

    assert codes(SCHEMA) == []
    assert codes(changed("books", with_relation("tags", source="books_id"))) == ["list-differs"]


class DriftLoan(Model, collection="loans"):
    id: int = field(default=generated, primary_key=True)
    reader: DriftReader | None = None


class DriftReader(Model, collection="readers"):
    id: int = field(default=generated, primary_key=True)
    loans: Related[DriftLoan] = one_to_many("reader", listed=False)


def test_a_list_that_the_server_has_no_field_for_needs_the_column_that_leads_back() -> None:
    def of_reader(related: str) -> DriftReport:
        reader = RelationSchema("reader", "many-to-one", (related,))
        loans = CollectionSchema("loans", "id", (KEY, column("reader", "integer")), (reader,))
        return check(DatabaseSchema((loans, CollectionSchema("readers", "id", (KEY,)))), [DriftLoan, DriftReader])

    assert not of_reader("readers")
    (drift,) = [each for each in of_reader("books") if each.model == "DriftReader"]
    assert (drift.level, drift.code, drift.field) == ("error", "list-differs", "loans")
    assert drift.there == "loans.reader leads to books"


# --- Directus's own collections -------------------------------------------------------------------------------


class DriftAuthor(system.User):
    twitter: str | None = None


USERS = CollectionSchema("directus_users", "id", (KEY, column("twitter")), is_system=True)


def test_of_directus_own_collections_only_further_fields_are_compared() -> None:
    assert not check(DatabaseSchema((USERS,)), [DriftAuthor, system.Role])
    (drift,) = check(DatabaseSchema((without("twitter")(USERS) or USERS,)), DriftAuthor)
    assert (drift.code, drift.field) == ("field-missing", "twitter")
    # A server without further fields does not name the collection.
    (drift,) = check(DatabaseSchema(()), DriftAuthor)
    assert (drift.code, drift.field) == ("field-missing", "twitter")
    further = with_new(column("github"))(USERS) or USERS
    (drift,) = check(DatabaseSchema((further,)), DriftAuthor)
    assert (drift.code, drift.field, drift.line) == ("field-undeclared", "github", "github: str | None = None")


# --- lines to write -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "level", "line"),
    [
        ("a type became another", "error", "pages: str | None = None"),
        ("null is allowed", "warning", "# As on its cover.\ntitle: str | None = None"),
        ("a relation leads elsewhere", "error", "shelf: DriftTag | None = None"),
        ("a new column needs a value", "error", "weight: int"),
        ("a choice was added", "warning", 'state: Literal["new", "used", "lost"] | str = "new"'),
        (
            "a junction's field was renamed",
            "error",
            """\
tags: Related[DriftTag] = many_to_many(
    "books_tags", source="books_id", target="tag", sort="sort"
)""",
        ),
        ("a list went", "error", ""),
        ("a collection went", "error", ""),
    ],
)
def test_a_difference_comes_with_the_line_to_write(what: str, level: Level, line: str) -> None:
    collection, change, _, _ = SEEDS[level][what]
    (drift,) = check(changed(collection, change), MODELS)
    assert drift.line == line


def test_lines_use_the_names_of_the_models() -> None:
    class DriftNamed(Model, collection="shelves"):
        id: int = field(default=generated, primary_key=True)
        label: str = field(name="name", max_length=80)

    schema = changed("shelves", with_column("name", max_length=200))
    (drift,) = [each for each in check(schema, DriftNamed) if each.code == "max-length-differs"]
    assert drift.place == "DriftNamed.label"
    assert drift.line == 'label: str = field(name="name", max_length=200)'


def test_a_field_that_may_have_been_renamed_is_named() -> None:
    def renamed(books: CollectionSchema) -> CollectionSchema:
        fields = (attrs.evolve(each, name="number") if each.name == "pages" else each for each in books.fields)
        return attrs.evolve(books, fields=tuple(fields))

    missing, new = check(changed("books", renamed), MODELS)
    assert missing.message.endswith("New there, of a fitting type: number. Renamed?")
    assert (new.code, new.field) == ("field-undeclared", "number")


def test_a_relation_that_may_have_been_renamed_is_looked_for_among_relations() -> None:
    def renamed(books: CollectionSchema) -> CollectionSchema:
        fields = (attrs.evolve(each, name="place") if each.name == "shelf" else each for each in books.fields)
        relations = (
            attrs.evolve(each, field="place") if each.field == "shelf" else each for each in books.relations
        )
        return attrs.evolve(books, fields=(*fields, column("weight", "integer")), relations=tuple(relations))

    missing = next(iter(check(changed("books", renamed), MODELS)))
    assert missing.message.endswith("of a fitting type: place. Renamed?")


# --- sources --------------------------------------------------------------------------------------------------


def test_what_a_snapshot_lacks_may_still_be_on_the_server() -> None:
    schema = attrs.evolve(changed("books", without("isbn")), source="snapshot")
    (drift,) = check(schema, MODELS)
    assert drift.message.endswith("A snapshot has only what Directus manages: check the server itself.")


def test_the_foreign_keys_of_a_snapshot_are_not_compared() -> None:
    schema = attrs.evolve(changed("books", with_relation("cover", has_foreign_key=True)), source="snapshot")
    assert not check(schema, MODELS)


# --- what is given --------------------------------------------------------------------------------------------


def module_of(**names: Any) -> ModuleType:
    module = ModuleType("shop")
    vars(module).update(names)
    return module


def test_the_models_of_modules_and_lists_are_checked_once() -> None:
    models = {each.__name__: each for each in MODELS}
    assert not check(SCHEMA, module_of(**models, Model=Model, User=system.User, number=1))
    schema = changed("books", without("isbn"))
    assert len(check(schema, [*MODELS, module_of(**models), MODELS])) == 1


def test_abstract_models_of_a_module_are_left_out() -> None:
    class DriftBase(Model, abstract=True):
        elsewhere: str

    assert not check(SCHEMA, module_of(DriftBase=DriftBase, **{each.__name__: each for each in MODELS}))


@pytest.mark.parametrize("given", [[], module_of(Model=Model), "shop.models", 7, ["shop"]])
def test_something_without_models_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="models"):
        check(SCHEMA, given)
