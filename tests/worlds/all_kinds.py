"""A schema with a field of every type and special, and a relation of every kind, as Directus Studio makes them.

Its names are odd on purpose. It needs a server of its own: without a licence there is room for 25 collections.
"""

from __future__ import annotations

from typing import Any

from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import Spec, collection_spec, column, key, list_field, make_field, post

FOLDER = "kinds_folder"
MANAGED = (
    "kinds",
    "kinds_authors",
    "kinds_tags",
    "kinds_kinds_tags",
    "kinds_blocks",
    "kinds_heroes",
    "kinds_texts",
    "kinds_languages",
    "kinds_translations",
    "kinds_files",
    "kinds_related",
    "kinds_settings",
    "kinds_big",
    "kinds-odd_names",
)
UNMANAGED = "kinds_unmanaged"


def build(server: DirectusServer) -> None:
    """Make the whole schema, on a server that has none of it."""
    post(server, "/collections", {"collection": FOLDER, "schema": None, "meta": {"note": "A folder"}})
    for spec in _collections(server):
        # One by one: of a list, MariaDB keeps what it made before an error.
        post(server, "/collections", spec)
    post(server, "/collections", {**_described(UNMANAGED, *_unmanaged()), "meta": None})
    make_field(server, "directus_users", column("kinds_badge", "string", max_length=20))
    make_field(server, "directus_users", list_field("kinds_written", "o2m"))
    for relation in _relations():
        post(server, "/relations", relation)


def _described(name: str, *columns: Spec, **meta: Any) -> Spec:
    return collection_spec(name, *columns, **meta)


def _collections(server: DirectusServer) -> list[Spec]:
    return [
        _described("kinds_authors", key("uuid"), _text("name"), list_field("kinds", "o2m")),
        _described("kinds_tags", key("string", "slug"), _text("name"), list_field("kinds", "m2m")),
        _described(
            "kinds_languages", key("string", "code"), _text("name"), _text("direction", default_value="ltr")
        ),
        _described("kinds_heroes", _text("headline")),
        _described("kinds_texts", key("uuid"), column("body", "text")),
        _described("kinds_settings", _text("title"), singleton=True, note="One row"),
        _described("kinds_big", column("id", "bigInteger", is_primary_key=True, has_auto_increment=True)),
        _described(
            "kinds-odd_names",
            _text("class"),
            _text("pk"),
            _text("a__b"),
            _text("1st"),
            _text("with-dash"),
            list_field("led_nowhere", "o2m"),
        ),
        _described("kinds", *_every_field(), *_every_list(), **_META),
        *_junctions(),
    ]


_META = {
    "note": "A row of every kind",
    "sort_field": "sort",
    "archive_field": "status",
    "archive_value": "archived",
    "unarchive_value": "draft",
    "group": FOLDER,
    "translations": [{"language": "de-DE", "translation": "Arten", "singular": "Art", "plural": "Arten"}],
}


def _text(name: str, **schema: Any) -> Spec:
    return column(name, "string", **schema)


def _edited(spec: Spec, **meta: Any) -> Spec:
    return {**spec, "meta": {**(spec["meta"] or {}), **meta}}


def _every_field() -> list[Spec]:
    return [*_plain_fields(), *_special_fields(), *_foreign_keys()]


def _plain_fields() -> list[Spec]:
    price = column("price", "decimal", numeric_precision=12, numeric_scale=3)
    return [
        _text("title", max_length=80, is_nullable=False),
        _edited(_text("code", max_length=10, is_unique=True), note="Known to all", sort=3, required=True),
        _text("quoted", default_value="it's"),
        column("body", "text"),
        column("done", "boolean", is_nullable=False, default_value=False),
        column("number", "integer", default_value=7),
        column("large", "bigInteger"),
        column("ratio", "float", default_value=0.5),
        price,
        column("seen", "timestamp"),
        column("seen_first", "timestamp", default_value="now()"),
        column("local", "dateTime"),
        column("day", "date"),
        column("at", "time"),
        column("anything", "json"),
        _edited(column("words", "json"), interface="tags"),
        _edited(column("entries", "json"), interface="list"),
        column("names", "csv"),
        column("plain_uuid", "uuid"),
        _edited(
            _text("status", default_value="draft"),
            interface="select-dropdown",
            options={"choices": [{"text": "Draft", "value": "draft"}, {"text": "Archived", "value": "archived"}]},
        ),
        column("sort", "integer"),
    ]


def _special_fields() -> list[Spec]:
    return [
        column("made_uuid", "uuid", special=["uuid"]),
        column("secret", "hash"),
        column("hidden_text", "string", special=["conceal"]),
        column("date_created", "timestamp", special=["date-created", "cast-timestamp"]),
        column("date_updated", "timestamp", special=["date-updated", "cast-timestamp"]),
        column("local_created", "dateTime", special=["date-created"]),
        column("user_created", "uuid", special=["user-created"]),
        column("user_updated", "uuid", special=["user-updated"]),
        column("role_created", "uuid", special=["role-created"]),
        _no_data("divider", ["alias", "no-data"], "presentation-divider"),
        _no_data("details", ["alias", "no-data", "group"], "group-detail"),
        _edited(_text("inside"), group="details", sort=1),
    ]


def _no_data(name: str, special: list[str], interface: str) -> Spec:
    return {"field": name, "type": "alias", "schema": None, "meta": {"special": special, "interface": interface}}


def _foreign_keys() -> list[Spec]:
    return [
        column("author", "uuid", special=["m2o"]),
        column("second_author", "uuid", special=["m2o"]),
        column("parent", "integer", special=["m2o"]),
        column("image", "uuid", special=["file"]),
        column("owner", "uuid", special=["m2o"]),
        column("without_relation", "integer", special=["m2o"]),
        column("by_hand", "string", special=["m2o"]),
    ]


def _every_list() -> list[Spec]:
    return [
        list_field("children", "o2m"),
        list_field("tags", "m2m"),
        list_field("blocks", "m2a"),
        list_field("translations", "translations"),
        list_field("files", "files"),
        list_field("related", "m2m"),
    ]


def _junctions() -> list[Spec]:
    return [
        _described(
            "kinds_kinds_tags", _number("kinds_id"), _text("tags_slug"), column("sort", "integer"), _text("why")
        ),
        _described(
            "kinds_blocks", _number("kinds_id"), _text("item"), _text("collection"), column("sort", "integer")
        ),
        _described("kinds_translations", _number("kinds_id"), _text("languages_code"), _text("title")),
        _described("kinds_files", _number("kinds_id"), column("directus_files_id", "uuid")),
        _described("kinds_related", _number("kinds_id"), _number("related_kinds_id")),
    ]


def _number(name: str) -> Spec:
    return column(name, "integer")


def _unmanaged() -> list[Spec]:
    return [
        _bare("name", "string"),
        _bare("price", "decimal", numeric_precision=8, numeric_scale=2),
        _bare("ref", "uuid"),
        _bare("day", "date"),
    ]


def _bare(name: str, kind: str, **schema: Any) -> Spec:
    return {"field": name, "type": kind, "schema": schema, "meta": None}


_ANY: Spec = {
    "one_allowed_collections": ["kinds_heroes", "kinds_texts"],
    "one_collection_field": "collection",
    "junction_field": "kinds_id",
}


def _relations() -> list[Spec]:
    return [
        _relation("kinds", "author", "kinds_authors", one_field="kinds", on_delete="SET NULL"),
        _relation("kinds", "second_author", "kinds_authors", on_delete="SET NULL"),
        _relation("kinds", "parent", "kinds", one_field="children", sort_field="sort"),
        _relation("kinds", "image", "directus_files", on_delete="SET NULL"),
        _relation("kinds", "owner", "directus_users", one_field="kinds_written", on_delete="SET NULL"),
        _relation("kinds", "user_created", "directus_users"),
        _relation("kinds", "user_updated", "directus_users"),
        {
            "collection": "kinds",
            "field": "by_hand",
            "related_collection": "kinds_tags",
            "meta": {},
            "schema": None,
        },
        _junction("kinds_kinds_tags", "kinds_id", "kinds", "tags_slug", one_field="tags", sort_field="sort"),
        _junction("kinds_kinds_tags", "tags_slug", "kinds_tags", "kinds_id", one_field="kinds"),
        _junction("kinds_blocks", "kinds_id", "kinds", "item", one_field="blocks", sort_field="sort"),
        {"collection": "kinds_blocks", "field": "item", "related_collection": None, "schema": None, "meta": _ANY},
        _junction("kinds_translations", "kinds_id", "kinds", "languages_code", one_field="translations"),
        _junction("kinds_translations", "languages_code", "kinds_languages", "kinds_id"),
        _junction("kinds_files", "kinds_id", "kinds", "directus_files_id", one_field="files"),
        _junction("kinds_files", "directus_files_id", "directus_files", "kinds_id"),
        _junction("kinds_related", "kinds_id", "kinds", "related_kinds_id", one_field="related"),
        _junction("kinds_related", "related_kinds_id", "kinds", "kinds_id"),
    ]


def _relation(collection: str, field: str, related: str, *, on_delete: str = "NO ACTION", **meta: Any) -> Spec:
    return {
        "collection": collection,
        "field": field,
        "related_collection": related,
        "meta": meta,
        "schema": {"on_delete": on_delete},
    }


def _junction(collection: str, field: str, related: str, other: str, **meta: Any) -> Spec:
    on_delete = "CASCADE" if meta else "SET NULL"
    # A collection may not lead to itself by two cascades on every database.
    on_delete = "NO ACTION" if collection == "kinds_related" else on_delete
    return _relation(collection, field, related, on_delete=on_delete, junction_field=other, **meta)


def fill(server: DirectusServer) -> None:
    """Give the schema rows: one with a value in every field and a row in every list, and one with few."""
    author = post(server, "/items/kinds_authors", {"name": "Ada"})["id"]
    post(server, "/items/kinds_languages", {"code": "en-US", "name": "English"})
    post(server, "/items/kinds_tags", [{"slug": "new", "name": "New"}, {"slug": "old", "name": "Old"}])
    hero = post(server, "/items/kinds_heroes", {"headline": "Welcome"})["id"]
    text = post(server, "/items/kinds_texts", {"body": "Long"})["id"]
    first = post(server, "/items/kinds", {"title": "first"})["id"]
    post(server, "/items/kinds", {**VALUES, "author": author, "second_author": author, "parent": first})
    second = first + 1
    links = [
        {"kinds_id": second, "tags_slug": "old", "sort": 1},
        {"kinds_id": second, "tags_slug": "new", "sort": 2},
    ]
    post(server, "/items/kinds_kinds_tags", links)
    blocks = [("kinds_texts", text), ("kinds_heroes", str(hero))]
    for number, (collection, item) in enumerate(blocks):
        row = {"kinds_id": second, "collection": collection, "item": item, "sort": number}
        post(server, "/items/kinds_blocks", row)
    post(server, "/items/kinds_translations", {"kinds_id": second, "languages_code": "en-US", "title": "Second"})
    post(server, "/items/kinds_related", {"kinds_id": second, "related_kinds_id": first})
    post(server, "/items/kinds_unmanaged", {"name": "bare", "price": 1.25, "day": "2024-02-29"})
    # All fields would include the list that leads nowhere, which the server takes for a column.
    post(
        server,
        "/items/kinds-odd_names?fields=id",
        {"class": "c", "pk": "p", "a__b": "a", "1st": "f", "with-dash": "w"},
    )


VALUES: Spec = {
    "title": "second",
    "code": "abc",
    "body": "text",
    "done": True,
    "large": 2**40,
    "price": 12.5,
    "seen": "2024-02-29T12:00:00Z",
    "local": "2024-02-29T12:00:00",
    "day": "2024-02-29",
    "at": "12:30:00",
    "anything": {"a": [1, None]},
    "words": ["a", "b"],
    "entries": [{"a": 1}],
    "names": ["x", "y"],
    "plain_uuid": "abcdef00-0000-4000-8000-00000000000f",
    "secret": "hush",
    "hidden_text": "hush",
    "inside": "in",
    "by_hand": "new",
}
