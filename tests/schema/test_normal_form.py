"""What servers say in several ways, or leave out, becomes one normal form or a note."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from directus_orm.schema import DatabaseSchema, load_snapshot

Row = dict[str, Any]


def _field(collection: str, name: str, kind: str = "string", **column: Any) -> Row:
    schema = {"data_type": kind, "is_nullable": True, **column}
    return {"collection": collection, "field": name, "type": kind, "meta": {}, "schema": schema}


def _key(collection: str) -> Row:
    return _field(collection, "id", "integer", is_primary_key=True, has_auto_increment=True)


def _list(collection: str, name: str, special: str) -> Row:
    return {"collection": collection, "field": name, "type": "alias", "meta": {"special": [special]}}


def _relation(collection: str, field: str, related: str | None, **meta: Any) -> Row:
    return {"collection": collection, "field": field, "related_collection": related, "meta": meta, "schema": None}


def _schema(*fields: Row, relations: tuple[Row, ...] = (), **meta: Any) -> DatabaseSchema:
    """Return the schema of these fields, with a key in each collection; ``meta`` is that of ``one``."""
    names = sorted({each["collection"] for each in fields})
    collections = [{"collection": name, "meta": meta if name == "one" else {}, "schema": {}} for name in names]
    keys = [_key(name) for name in names]
    return load_snapshot({"collections": collections, "fields": [*keys, *fields], "relations": list(relations)})


def _only_field(**column: Any) -> Any:
    kind = column.pop("type", "string")
    return _schema(_field("one", "f", kind, **column)).collection("one").field("f")


@pytest.mark.parametrize(
    ("said", "data_type", "length", "kind"),
    [
        ("string", "char", 36, "uuid"),
        ("string", "char", 35, "string"),
        ("integer", "bigint unsigned", None, "bigInteger"),
        ("integer", "numeric", None, "decimal"),
        ("float", "numeric", None, "decimal"),
        ("text", "longtext", None, "text"),
        ("unknown", "inet", None, "unknown"),
    ],
)
def test_the_column_tells_a_type_that_directus_does_not(
    said: str, data_type: str, length: int | None, kind: str
) -> None:
    assert _only_field(type=said, data_type=data_type, max_length=length).type == kind


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("string", "it''s", "it's"),
        ("string", "draft", "draft"),
        ("string", "current", "current"),
        ("string", "", ""),
        ("integer", "7", 7),
        ("boolean", 0, False),
        ("boolean", "true", True),
        ("float", 0.5, 0.5),
        ("decimal", "1.50", Decimal("1.50")),
        ("string", "NULL", None),
    ],
)
def test_a_default_is_a_value_of_python(kind: str, written: Any, value: Any) -> None:
    field = _only_field(type=kind, default_value=written)
    assert (field.default, field.made_by) == (value, None)


@pytest.mark.parametrize(
    ("kind", "written", "sql"),
    [
        ("timestamp", "CURRENT_TIMESTAMP", "now()"),
        ("timestamp", "current_timestamp()", "now()"),
        ("timestamp", "now()", "now()"),
        ("string", "gen_random_uuid()", "gen_random_uuid()"),
        ("integer", "nextval('a_seq'::regclass)", "nextval('a_seq'::regclass)"),
        ("date", "2024-01-01", "2024-01-01"),
        ("json", "{}", "{}"),
        ("string", "a\\\\b", "a\\\\b"),
        ("bigInteger", 2**53, str(2**53)),
    ],
)
def test_a_default_that_only_the_database_can_read_is_its_text(kind: str, written: Any, sql: str) -> None:
    field = _only_field(type=kind, default_value=written)
    assert (field.default, field.made_by, field.sql) == (None, "sql", sql)
    assert not field.needs_value


def test_a_generated_column_cannot_be_written() -> None:
    field = _only_field(is_generated=True, generation_expression="a + b", is_nullable=False)
    assert (field.made_by, field.sql, field.is_readonly, field.needs_value) == (
        "generated_column",
        "a + b",
        True,
        False,
    )


def test_what_databases_say_differently_of_the_same_key_is_equal() -> None:
    said = (
        {"is_nullable": True, "is_unique": False},
        {"is_nullable": False, "is_unique": True, "is_indexed": True},
    )
    first, second = (
        load_snapshot(
            {
                "collections": [{"collection": "one", "schema": {}}],
                "fields": [_field("one", "id", "integer", is_primary_key=True, has_auto_increment=True, **each)],
            }
        )
        for each in said
    )
    assert first == second


def test_a_sort_field_that_is_not_there_is_left_out_with_a_note() -> None:
    schema = _schema(_field("one", "f"), sort_field="gone", archive_field="f")
    assert (schema.collection("one").sort_field, schema.collection("one").archive_field) == (None, "f")
    assert [str(note) for note in schema.notes] == [
        "one: its sort_field is 'gone', which is not there: lists of its rows may fail."
    ]


def test_a_list_over_half_a_junction_holds_rows_of_the_junction() -> None:
    schema = _schema(
        _list("one", "tags", "m2m"),
        _field("one_tags", "one_id", "integer"),
        relations=(_relation("one_tags", "one_id", "one", one_field="tags", junction_field="tags_id"),),
    )
    tags = schema.collection("one").relation("tags")
    assert tags is not None
    assert (tags.kind, tags.related, tags.reverse) == ("one-to-many", ("one_tags",), "one_id")
    assert [note.field for note in schema.notes] == ["tags"]


def test_a_list_on_the_other_side_that_is_not_there_is_no_reverse() -> None:
    schema = _schema(
        _field("one", "two", "integer"),
        _field("two", "name"),
        relations=(_relation("one", "two", "two", one_field="ones"),),
    )
    two = schema.collection("one").relation("two")
    assert two is not None
    assert (two.kind, two.reverse, two.on_delete, two.has_foreign_key) == ("many-to-one", None, None, False)


def test_no_action_and_restrict_are_the_same() -> None:
    def on_delete(action: str) -> Any:
        relation = {**_relation("one", "one", "one"), "schema": {"on_delete": action}}
        return _schema(_field("one", "one", "integer"), relations=(relation,))

    assert on_delete("NO ACTION") == on_delete("RESTRICT") != on_delete("CASCADE")


def test_a_collection_without_a_key_or_with_two_is_left_out_with_a_note() -> None:
    fields = [_field("two", name, "integer", is_primary_key=True) for name in ("a", "b")]
    collections: list[Row] = [{"collection": name, "schema": {}} for name in ("none", "two")]
    schema = load_snapshot({"collections": collections, "fields": fields})
    assert schema.collections == ()
    assert [note.collection for note in schema.notes] == ["none", "two"]


def test_fields_are_in_the_order_of_the_app_inside_of_their_groups() -> None:
    def placed(name: str, sort: int | None, group: str | None = None) -> Row:
        return {**_field("one", name), "meta": {"sort": sort, "group": group}}

    group: Row = {**_list("one", "details", "no-data"), "meta": {"special": ["no-data"], "sort": 2}}
    schema = _schema(
        group, placed("last", 3), placed("inner", 1, "details"), placed("first", 1), placed("other", None)
    )
    assert [each.name for each in schema.collection("one").fields] == ["id", "first", "inner", "last", "other"]
