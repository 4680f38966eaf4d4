"""`check` asks a real server: models that fit differ in nothing, and each change of the server is found."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from directus_orm import Forbidden, Model, Session, field
from directus_orm.schema import DriftReport, check
from directus_orm.testing import DirectusServer, start
from tests.worlds.server_setup import (
    Spec,
    collection_spec,
    column,
    drop_collection,
    key,
    list_field,
    make_collection,
    post,
    set_app_access,
    user,
)

from .models_and_schema import MODELS


class DriftCode(Model, collection="codes"):
    code: str = field(primary_key=True)
    meaning: str | None = None


class DriftLost(Model, collection="lost"):
    code: str = field(primary_key=True)


def build(server: DirectusServer, *collections: Spec, relations: tuple[Spec, ...]) -> None:
    for spec in collections:
        post(server, "/collections", spec)
    for relation in relations:
        post(server, "/relations", relation)


def relation(collection: str, name: str, related: str | None, on_delete: str | None = None, **meta: Any) -> Spec:
    schema = None if related is None or on_delete is None else {"on_delete": on_delete}
    return {
        "collection": collection,
        "field": name,
        "related_collection": related,
        "schema": schema,
        "meta": meta,
    }


def edited(spec: Spec, **meta: Any) -> Spec:
    return {**spec, "meta": {**spec["meta"], **meta}}


def choices(*values: str) -> dict[str, Any]:
    return {
        "interface": "select-dropdown",
        "options": {"choices": [{"text": each, "value": each} for each in values]},
    }


def build_what_the_models_say(server: DirectusServer) -> None:
    state = column("state", "string", default_value="new", is_nullable=False)
    books = (
        edited(column("title", "string", is_nullable=False), note="As on its cover."),
        column("isbn", "string", is_indexed=True),
        column("owner", "integer"),
        column("pages", "integer"),
        column("price", "decimal", numeric_precision=8, numeric_scale=2),
        edited(state, **choices("new", "used")),
        column("position", "integer"),
        column("changed", "timestamp", special=["date-updated", "cast-timestamp"]),
        column("shelf", "integer", special=["m2o"]),
        column("cover", "uuid", special=["file"]),
        list_field("tags", "m2m"),
        list_field("parts", "m2a"),
    )
    build(
        server,
        collection_spec(
            "shelves", column("name", "string", max_length=80, is_nullable=False), list_field("books", "o2m")
        ),
        collection_spec("tags", key("uuid"), column("word", "string", is_unique=True, is_nullable=False)),
        collection_spec("books", *books),
        collection_spec("home", column("title", "string"), singleton=True),
        collection_spec("books_tags", column("book", "integer"), column("tag", "uuid"), column("sort", "integer")),
        collection_spec(
            "books_parts", column("book", "integer"), column("item", "string"), column("collection", "string")
        ),
        collection_spec("codes", key("string", "code"), column("meaning", "string")),
        collection_spec("lost", key("string", "code")),
        relations=(
            relation("books", "shelf", "shelves", "SET NULL", one_field="books", sort_field="position"),
            relation("books", "cover", "directus_files"),
            relation(
                "books_tags", "book", "books", "CASCADE", one_field="tags", junction_field="tag", sort_field="sort"
            ),
            relation("books_tags", "tag", "tags", "CASCADE", junction_field="book"),
            relation("books_parts", "book", "books", "CASCADE", one_field="parts", junction_field="item"),
            relation("books_parts", "item", None, **any_of("shelves", "tags")),
        ),
    )


def any_of(*collections: str) -> dict[str, Any]:
    return {
        "one_allowed_collections": list(collections),
        "one_collection_field": "collection",
        "junction_field": "book",
    }


def build_something_else(server: DirectusServer) -> None:
    state = column("state", "string", default_value="used", is_nullable=False)
    books = (
        column("title", "integer", is_nullable=False),
        column("number", "string"),
        column("owner", "integer", special=["m2o"]),
        column("pages", "bigInteger"),
        column("price", "decimal", numeric_precision=10, numeric_scale=2),
        edited(state, **choices("new", "used", "lost")),
        column("position", "integer", is_nullable=False, default_value=0),
        column("changed", "timestamp"),
        column("shelf", "uuid", special=["m2o"]),
        column("cover", "uuid"),
        column("weight", "integer", is_nullable=False),
        list_field("tags", "m2m"),
        list_field("parts", "m2a"),
    )
    build(
        server,
        collection_spec(
            "shelves", column("name", "string", max_length=200, is_nullable=False), list_field("books", "o2m")
        ),
        collection_spec("tags", key("uuid"), column("word", "text")),
        collection_spec("books", *books),
        collection_spec("home", column("title", "string")),
        collection_spec("books_tags", column("books_id", "integer"), column("tag", "uuid")),
        collection_spec(
            "books_parts",
            column("book", "integer"),
            column("item", "string"),
            column("collection", "string"),
            column("sort", "integer"),
        ),
        collection_spec("codes", column("code", "string"), column("meaning", "string")),
        relations=(
            relation("books", "shelf", "tags", "CASCADE"),
            relation("books", "owner", "shelves", "SET NULL", one_field="books"),
            relation("books_tags", "books_id", "books", "CASCADE", one_field="tags", junction_field="tag"),
            relation("books_tags", "tag", "tags", "CASCADE", junction_field="books_id"),
            relation(
                "books_parts",
                "book",
                "books",
                "CASCADE",
                one_field="parts",
                junction_field="item",
                sort_field="sort",
            ),
            relation("books_parts", "item", None, **any_of("home", "shelves", "tags")),
        ),
    )


FOUND = {
    "error: DriftBook.title  string here, integer there [type-differs]",
    "error: DriftBook.isbn  string here, no such field there [field-missing]",
    "error: DriftBook.shelf  shelves here, tags there [relation-differs]",
    "error: DriftBook.cover  directus_files here, no relation there [relation-differs]",
    "error: DriftBook.weight  no such field here, integer there [value-needed]",
    (
        "error: DriftBook.tags  tags through books_tags (book, tag) here, "
        "tags through books_tags (books_id, tag) there [list-differs]"
    ),
    "error: DriftShelf.books  books by shelf here, books by owner there [list-differs]",
    "error: DriftHome  a singleton here, many rows there [singleton-differs]",
    "error: DriftCode.code  code here, id there [key-differs]",
    "error: DriftLost  lost here, none there [collection-missing]",
    "warning: DriftBook.position  null allowed here, no null there [null-here]",
    "warning: DriftBook.changed  generated.date_updated here, no default there [not-generated]",
    "warning: DriftBook.state  'new', 'used' here, 'lost', 'new', 'used' there [choices-narrower]",
    "warning: DriftTag.word  no null here, null allowed there [null-there]",
    "note: DriftBook.number  no such field here, string there [field-undeclared]",
    "note: DriftBook.owner  integer here, shelves there [relation-undeclared]",
    "note: DriftBook.parts  no order here, sort there [sort-undeclared]",
    "note: DriftBook.parts  tags, shelves here, home, shelves, tags there [target-undeclared]",
    "note: DriftBook.state  'new' here, 'used' there [default-differs]",
    "note: DriftBook.pages  integer here, bigInteger there [size-differs]",
    "note: DriftTag.word  string here, text there [size-differs]",
    "note: DriftTag.word  True here, False there [unique-differs]",
    "note: DriftShelf.name  80 here, 200 there [max-length-differs]",
    "note: DriftCode.id  no such field here, integer there [field-undeclared]",
}


PRECISION = "note: DriftBook.price  (8, 2) here, (10, 2) there [precision-differs]"


@pytest.fixture(scope="module")
def reports(directus_version: str, kinds_database: str) -> Iterator[tuple[DriftReport, DriftReport]]:
    """What differs on a server that fits the models, and where all is otherwise."""
    models = [*MODELS, DriftCode, DriftLost]
    with (
        start(directus_version, kinds_database) as server,
        Session(server.url, token=server.token) as session,
    ):
        build_what_the_models_say(server)
        fitting = check(session, models)
        for name in ("books_parts", "books_tags", "books", "shelves", "tags", "home", "codes", "lost"):
            drop_collection(server, name)
        build_something_else(server)
        yield fitting, check(session, models)


def test_models_that_fit_differ_in_nothing(reports: tuple[DriftReport, DriftReport]) -> None:
    """But for the one foreign key that the models deny, and Directus makes for each relation."""
    assert [(each.place, each.code) for each in reports[0]] == [("DriftBook.cover", "foreign-key-differs")]


def test_each_change_of_the_server_is_found(
    reports: tuple[DriftReport, DriftReport], request: pytest.FixtureRequest
) -> None:
    found = {str(each).replace(f" {each.message}", "").replace(" there. ", " there ") for each in reports[1]}
    # SQLite has no exact numbers.
    assert found == (FOUND if "sqlite" in request.node.name else {*FOUND, PRECISION})


def test_generated_models_differ_in_nothing(module: ModuleType, kinds_session: Session) -> None:
    report = check(kinds_session, module)
    assert not report, str(report)


def test_a_user_who_may_not_see_all_learns_so(directus_server: DirectusServer) -> None:
    make_collection(directus_server, "drift_jars", column("name", "string"))
    url = directus_server.url
    with Session(url, token=directus_server.token) as admin, user(directus_server, "drift") as token:
        set_app_access(directus_server, "drift", allowed=False)
        with Session(url, token=token) as session, pytest.raises(Forbidden):
            check(session, DriftLost)
        set_app_access(directus_server, "drift", allowed=True)
        with Session(url, token=token) as session:
            (drift,) = check(session, DriftLost).of_level("error")
        assert drift.there == "none that this user may see"
        (drift,) = check(admin, DriftLost).of_level("error")
        assert drift.there == "none"
    drop_collection(directus_server, "drift_jars")
