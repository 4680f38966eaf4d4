"""`session.schema` on a real server: what a wrong name or a careless call would destroy is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from directus_orm import DoesNotExist, FieldError, InvalidRequest, QueryError, UnsupportedQuery
from directus_orm.session import Session
from directus_orm.session.services.schema import Schema
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import drop_collection

PLANETS, STARS = "schema_planets", "schema_stars"


@pytest.fixture
def schema(directus_server: DirectusServer, admin: Session) -> Iterator[Schema]:
    """A schema with two collections of its own."""
    admin.schema.create_collection(STARS)
    name = {"field": "name", "type": "string", "schema": {"max_length": 60, "default_value": "?"}}
    admin.schema.create_collection(PLANETS, [name, {"field": "star", "type": "integer"}])
    yield admin.schema
    drop_collection(directus_server, PLANETS)
    drop_collection(directus_server, STARS)


def names(schema: Schema, collection: str = PLANETS) -> list[str]:
    return sorted(each.name for each in schema.fields(collection))


def test_a_new_collection_has_a_key_and_its_fields_and_is_in_snapshots(schema: Schema, admin: Session) -> None:
    """Directus 10 makes a collection without a key, which is of no use; snapshots lack fields without meta."""
    found = {each.name: each for each in schema.fields(PLANETS)}
    assert sorted(found) == ["id", "name", "star"]
    assert [each.is_primary_key for each in found.values()].count(True) == 1
    assert found["name"].type == "string"
    row = admin.items(PLANETS).create({"name": "Earth"})
    assert admin.items(PLANETS).read(row["id"])["name"] == "Earth"
    snapshot = schema.snapshot()
    assert PLANETS in {each["collection"] for each in snapshot["collections"]}
    assert {each["field"] for each in snapshot["fields"] if each["collection"] == PLANETS} == set(found)


def test_collections_are_listed_as_values(schema: Schema) -> None:
    found = {each.name: each for each in schema.collections()}
    assert found[PLANETS] == schema.collection(PLANETS)
    assert not found[PLANETS].is_system
    assert found["directus_users"].is_system
    assert asyncio.run(schema.acollection(PLANETS)) == schema.collection(PLANETS)
    assert {each.collection for each in schema.fields()} >= {PLANETS, "directus_users"}


def test_a_folder_has_no_table(schema: Schema) -> None:
    with pytest.raises(QueryError, match="no fields"):
        schema.create_collection("schema_folder", [{"field": "a", "type": "string"}], folder=True)
    assert schema.create_collection("schema_folder", folder=True).is_folder
    schema.delete_collection("schema_folder")


def test_what_does_not_exist_is_not_created_by_an_update(schema: Schema) -> None:
    """The server would create a folder and a field (S11)."""
    with pytest.raises(DoesNotExist, match="schema_typo"):
        schema.update_collection("schema_typo", {"note": "a"})
    with pytest.raises(DoesNotExist, match="typo"):
        schema.update_field(PLANETS, "typo", meta={"note": "a"})
    assert "schema_typo" not in {each.name for each in schema.collections()}
    assert names(schema) == ["id", "name", "star"]


def test_an_update_leaves_the_other_properties_as_they_are(schema: Schema) -> None:
    """Directus 10 gives a column its defaults where properties are left out."""
    schema.update_field(PLANETS, "name", meta={"note": "of the planet"}, is_nullable=False)
    field = schema.field(PLANETS, "name")
    assert field.schema is not None
    assert field.meta is not None
    assert field.meta["note"] == "of the planet"
    assert (field.schema["is_nullable"], field.schema["max_length"]) == (False, 60)
    assert field.schema["default_value"] == "?"
    assert schema.update_collection(PLANETS, {"note": "all"}).meta == schema.collection(PLANETS).meta


def test_properties_that_the_server_would_ignore_are_refused(schema: Schema) -> None:
    with pytest.raises(FieldError, match="'nots'"):
        schema.update_field(PLANETS, "name", meta={"nots": "a"})
    with pytest.raises(FieldError, match="'nullable'"):
        schema.update_field(PLANETS, "name", nullable=True)
    with pytest.raises(FieldError, match="'sortfield'"):
        schema.update_collection(PLANETS, {"sortfield": "a"})


def test_fields_that_the_server_would_leave_out_are_refused(schema: Schema, admin: Session) -> None:
    with admin.capture() as sent:
        with pytest.raises(QueryError, match="'type'"):
            schema.create_collection("schema_more", [{"field": "a"}])
        with pytest.raises(QueryError, match="needs a type"):
            schema.create_field(PLANETS, "a", "")
        for name in ("two words", "a.b", "_a", "a,b", ""):
            with pytest.raises(QueryError, match="name"):
                schema.create_field(PLANETS, name, "string")
        for name in ("a/b", " a", "directus_a", "Directus_a", ""):
            with pytest.raises(QueryError, match="name"):
                schema.create_collection(name)
        with pytest.raises(QueryError, match="is_primary_key"):
            schema.create_collection("schema_more", [{"field": "id", "type": "string"}])
    assert not sent


def test_a_field_comes_and_goes(schema: Schema) -> None:
    schema.create_field(PLANETS, "moons", "integer", default_value=0)
    schema.create_field(PLANETS, "remarks", "alias")
    assert names(schema) == ["id", "moons", "name", "remarks", "star"]
    with pytest.raises(InvalidRequest):
        schema.create_field(PLANETS, "bad", "no_such_type")
    schema.delete_field(PLANETS, "moons")
    schema.delete_field(PLANETS, "remarks")
    assert names(schema) == ["id", "name", "star"]


def test_a_key_is_not_deleted(schema: Schema) -> None:
    """The server deletes it, and nobody can read the rows any more (S11)."""
    with pytest.raises(QueryError, match="primary key"):
        schema.delete_field(PLANETS, "id")
    assert names(schema) == ["id", "name", "star"]


def test_what_belongs_to_directus_is_not_deleted(schema: Schema) -> None:
    """The server deletes a table of its own, such as that of translations (S1)."""
    for collection in ("directus_translations", "DIRECTUS_translations"):
        with pytest.raises(QueryError, match="belongs to Directus"):
            schema.delete_collection(collection)
    with pytest.raises(QueryError, match="belongs to Directus"):
        schema.delete_field("directus_users", "email")
    with pytest.raises(QueryError, match="belongs to Directus"):
        schema.delete_relation("directus_users", "role")
    assert schema.collection("directus_translations").is_system


def test_relations_come(schema: Schema) -> None:
    made = schema.create_relation(PLANETS, "star", STARS, on_delete="SET NULL")
    assert schema.relations(PLANETS) == [made] == [schema.relation(PLANETS, "star")]
    assert made.related_collection == STARS
    with pytest.raises(InvalidRequest):
        schema.create_relation(PLANETS, "star", STARS)
    with pytest.raises(QueryError, match="on_delete"):
        schema.create_relation(PLANETS, "star", STARS, on_delete="REMOVE")  # type: ignore[arg-type]
    with pytest.raises(DoesNotExist):
        schema.relation(PLANETS, "name")


def test_a_change_of_a_relation_keeps_the_rest(schema: Schema) -> None:
    """Directus 10 and 11 would give the foreign key its defaults, or stop as a whole."""
    schema.create_field(STARS, "planets", "alias", meta={"special": ["o2m"]})
    schema.create_relation(PLANETS, "star", STARS, on_delete="CASCADE", meta={"one_field": "planets"})
    changed = schema.update_relation(PLANETS, "star", meta={"one_deselect_action": "delete"})
    assert changed == schema.relation(PLANETS, "star")
    assert changed.meta is not None
    assert (changed.meta["one_field"], changed.meta["one_deselect_action"]) == ("planets", "delete")
    assert changed.schema is not None
    assert changed.schema["on_delete"] == "CASCADE"
    changed = schema.update_relation(PLANETS, "star", on_delete="SET NULL")
    assert changed.schema is not None
    assert changed.schema["on_delete"] == "SET NULL"
    assert changed.meta is not None
    assert changed.meta["one_deselect_action"] == "delete"
    with pytest.raises(DoesNotExist):
        schema.update_relation(PLANETS, "name", on_delete="CASCADE")
    with pytest.raises(FieldError, match="one_feild"):
        schema.update_relation(PLANETS, "star", meta={"one_feild": "planets"})
    with pytest.raises(QueryError, match="is none of 'CASCADE'"):
        schema.update_relation(PLANETS, "star", on_delete="REMOVE")  # type: ignore[arg-type]
    schema.delete_field(STARS, "planets")


def test_a_relation_that_the_server_cannot_delete_is_refused(schema: Schema) -> None:
    """On SQLite the server reports success, and the foreign key stays."""
    schema.create_relation(PLANETS, "star", STARS)
    before = schema.relation(PLANETS, "star")
    with pytest.raises(UnsupportedQuery, match="delete_field"):
        schema.delete_relation(PLANETS, "star")
    assert schema.relation(PLANETS, "star") == before
    assert before.meta is not None


def test_relations_go_on_postgresql(
    directus_postgres: DirectusServer, open_session: Callable[..., Session]
) -> None:
    schema = open_session(directus_postgres.url, token=directus_postgres.token).schema
    try:
        schema.create_collection(STARS)
        schema.create_collection(PLANETS, [{"field": "star", "type": "integer"}])
        schema.create_relation(PLANETS, "star", STARS)
        schema.delete_relation(PLANETS, "star")
        assert schema.relations(PLANETS) == []
        with pytest.raises(DoesNotExist):
            schema.delete_relation(PLANETS, "star")
        assert names(schema) == ["id", "star"]
    finally:
        drop_collection(directus_postgres, PLANETS)
        drop_collection(directus_postgres, STARS)


def test_a_collection_that_refers_to_itself_is_not_deleted(schema: Schema) -> None:
    """The server cannot, and an SQLite server is blocked for a minute."""
    schema.create_relation(PLANETS, "star", PLANETS)
    with pytest.raises(QueryError, match=r"delete_field\('schema_planets', 'star'\)"):
        schema.delete_collection(PLANETS)
    schema.delete_field(PLANETS, "star")
    schema.delete_collection(PLANETS)
    with pytest.raises(DoesNotExist):
        schema.delete_collection(PLANETS)


def test_a_snapshot_brings_a_schema_back(schema: Schema) -> None:
    before = schema.snapshot()
    assert schema.diff(before) is None
    schema.create_field(PLANETS, "moons", "integer")
    schema.delete_field(PLANETS, "star")
    diff = schema.diff(before)
    assert diff is not None
    assert diff.deletions == (f"field {PLANETS}.moons",)
    schema.apply(diff)
    assert names(schema) == ["id", "name", "star"]
    with pytest.raises(InvalidRequest):
        schema.apply(diff)


def test_merging_keeps_what_a_snapshot_lacks_or_is_refused(schema: Schema, admin: Session) -> None:
    """Directus 10 and 11 ignore the parameter, and would delete it."""
    before = schema.snapshot()
    schema.create_field(PLANETS, "moons", "integer")
    with pytest.raises(QueryError, match="'copy'"):
        schema.diff(before, mode="copy")  # type: ignore[arg-type]
    if admin.info().major < 12:
        with pytest.raises(UnsupportedQuery, match="Directus 12"):
            schema.diff(before, mode="merge")
        return
    assert schema.diff(before, mode="merge") is None
    mirrored = schema.diff(before, mode="mirror")
    assert mirrored is not None
    assert mirrored.deletions


def test_a_snapshot_of_another_version_needs_force(schema: Schema) -> None:
    snapshot = {**schema.snapshot(), "directus": "9.0.0"}
    with pytest.raises(InvalidRequest):
        schema.diff(snapshot)
    assert schema.diff(snapshot, force=True) is None
    with pytest.raises(QueryError, match="snapshot"):
        schema.diff({})
