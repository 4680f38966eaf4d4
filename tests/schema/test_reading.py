"""The normal form of a schema is equal for all versions of Directus, any order, and a snapshot, per database."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from directus_orm import Forbidden, QueryError, Session
from directus_orm.schema import DatabaseSchema, load_snapshot, read_schema
from directus_orm.schema.collection_schemas import RawSchema, database_schema
from directus_orm.schema.generating import generate_module
from directus_orm.testing import DirectusServer, start
from tests.worlds import all_kinds
from tests.worlds.server_setup import set_app_access, user

VERSIONS = ("12", "11", "10")


@attrs.frozen
class Read:
    """What one version says of the schema."""

    schema: DatabaseSchema
    tracked: DatabaseSchema
    snapshot: dict[str, Any]
    raw: RawSchema


@pytest.fixture(scope="module")
def read_by_version(kinds_database: str) -> dict[str, Read]:
    found = {}
    for version in VERSIONS:
        with start(version, kinds_database) as server:
            all_kinds.build(server)
            found[version] = _read(server)
    return found


def _read(server: DirectusServer) -> Read:
    with Session(server.url, token=server.token) as session:
        service = session.schema
        return Read(
            read_schema(session),
            read_schema(session, untracked=False),
            service.snapshot(),
            RawSchema(service.collections(), service.fields(), service.relations()),
        )


def test_all_versions_give_the_same_schema(read_by_version: dict[str, Read]) -> None:
    first, *others = (read_by_version[version].schema for version in VERSIONS)
    assert all(other == first for other in others)
    assert all(other.notes == first.notes for other in others)
    assert all(generate_module(other).body == generate_module(first).body for other in others)
    assert {*all_kinds.MANAGED, all_kinds.UNMANAGED} <= {each.name for each in first.collections}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_order_of_the_input_makes_no_difference(read_by_version: dict[str, Read], version: str) -> None:
    read = read_by_version[version]
    for seed in range(20):
        parts = [list(part) for part in attrs.astuple(read.raw, recurse=False)]
        for part in parts:
            random.Random(seed).shuffle(part)
        shuffled = database_schema(RawSchema(*parts), untracked=True, include=None)
        assert shuffled == read.schema
        assert shuffled.notes == read.schema.notes


@pytest.mark.parametrize("version", VERSIONS)
def test_a_snapshot_gives_what_directus_manages(read_by_version: dict[str, Read], version: str) -> None:
    read = read_by_version[version]
    from_snapshot = load_snapshot(read.snapshot, untracked=False)
    assert from_snapshot == read.tracked
    assert from_snapshot.source == "snapshot"
    assert from_snapshot.vendor == read.schema.vendor
    assert all_kinds.UNMANAGED not in from_snapshot
    # A snapshot of Directus 10 has unmanaged tables, and lacks what the later ones lack where they are left out.
    assert (load_snapshot(read.snapshot) == read.schema) == (version == "10")


def test_a_snapshot_is_read_from_files_in_json_and_yaml(read_by_version: dict[str, Read], tmp_path: Path) -> None:
    snapshot = read_by_version["12"].snapshot
    (tmp_path / "schema.json").write_text(json.dumps({"data": snapshot}))
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(snapshot))
    from_dict = load_snapshot(snapshot)
    assert load_snapshot(tmp_path / "schema.json") == from_dict
    assert load_snapshot(str(tmp_path / "schema.yaml")) == from_dict
    assert load_snapshot(tmp_path / "schema.json").version == snapshot["directus"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "nothing", '{"collections": [{}]}', '{"collections": 1}'])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_what_is_no_snapshot_is_refused(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"schema.{suffix}"
    path.write_text(text)
    with pytest.raises(QueryError, match="no snapshot"):
        load_snapshot(path)


def test_collections_are_chosen_by_name(read_by_version: dict[str, Read]) -> None:
    """A relation to one that is left out stays the value of its column, and a list is left out, with a note."""
    raw = read_by_version["12"].raw
    schema = database_schema(raw, untracked=True, include=lambda name: name == "kinds")
    assert [each.name for each in schema.collections if not each.is_system] == ["kinds"]
    kinds = schema.collection("kinds")
    assert kinds.relation("author") is None
    assert kinds.field("author").type == "uuid"
    assert {relation.field for relation in kinds.lists} == {"children"}
    noted = {note.field for note in schema.notes if note.collection == "kinds"}
    assert {"author", "tags", "blocks", "translations", "files", "related"} <= noted


def test_types_are_those_that_the_fields_were_made_with(read_by_version: dict[str, Read]) -> None:
    schema = read_by_version["12"].schema
    kinds = schema.collection("kinds")
    types = {each.name: each.type for each in kinds.fields}
    on_sqlite = schema.vendor == "sqlite"
    assert types["price"] == ("float" if on_sqlite else "decimal")
    assert schema.collection("kinds_big").key_field.type == ("integer" if on_sqlite else "bigInteger")
    made = {"plain_uuid": "uuid", "author": "uuid", "by_hand": "string", "seen": "timestamp", "local": "dateTime"}
    made |= {
        "names": "csv",
        "words": "json",
        "secret": "hash",
        "large": "bigInteger",
        "body": "text",
        "at": "time",
    }
    made |= {
        "made_uuid": "uuid",
        "user_created": "uuid",
        "role_created": "uuid",
        "image": "uuid",
        "parent": "integer",
    }
    assert {name: types[name] for name in made} == made


def test_defaults_are_values_or_say_how_the_server_makes_them(read_by_version: dict[str, Read]) -> None:
    kinds = read_by_version["12"].schema.collection("kinds")
    fields = {each.name: each for each in kinds.fields}
    values = {"quoted": "it's", "done": False, "number": 7, "ratio": 0.5, "status": "draft", "title": None}
    assert {name: fields[name].default for name in values} == values
    makers = {"id": "auto_increment", "made_uuid": "uuid", "seen_first": "sql", "date_created": "date_created"}
    makers |= {"date_updated": "date_updated", "user_created": "user_created", "role_created": "role_created"}
    assert {name: fields[name].made_by for name in makers} == makers
    assert fields["seen_first"].sql == "now()"
    assert fields["date_created"].is_readonly
    assert fields["title"].needs_value
    assert not fields["done"].needs_value


def test_what_directus_keeps_about_fields_is_there(read_by_version: dict[str, Read]) -> None:
    kinds = read_by_version["12"].schema.collection("kinds")
    code, status = kinds.field("code"), kinds.field("status")
    assert (code.max_length, code.is_unique, code.note, code.is_required) == (10, True, "Known to all", True)
    assert (status.choices, status.interface) == (("draft", "archived"), "select-dropdown")
    assert (kinds.field("secret").secret, kinds.field("hidden_text").secret) == ("hash", "conceal")
    assert (kinds.sort_field, kinds.archive_field, kinds.archive_value) == ("sort", "status", "archived")
    assert (kinds.translations, kinds.note) == ((("de-DE", "Art"),), "A row of every kind")
    assert read_by_version["12"].schema.collection("kinds_settings").is_singleton
    assert not {"divider", "details"} & {each.name for each in kinds.fields}


def test_relations_have_their_kinds(read_by_version: dict[str, Read]) -> None:
    kinds = read_by_version["12"].schema.collection("kinds")
    kind_of = {relation.field: relation.kind for relation in kinds.relations}
    to_one = ("author", "second_author", "parent", "image", "owner", "user_created", "user_updated", "by_hand")
    lists = {"children": "one-to-many", "tags": "many-to-many", "blocks": "many-to-any"}
    lists |= {"translations": "one-to-many", "files": "many-to-many", "related": "many-to-many"}
    assert kind_of == dict.fromkeys(to_one, "many-to-one") | lists
    tags, blocks, author = kinds.relation("tags"), kinds.relation("blocks"), kinds.relation("author")
    assert tags is not None
    assert blocks is not None
    assert author is not None
    assert (tags.junction, tags.source, tags.target, tags.sort) == (
        "kinds_kinds_tags",
        "kinds_id",
        "tags_slug",
        "sort",
    )
    assert (blocks.related, blocks.collection_field) == (("kinds_heroes", "kinds_texts"), "collection")
    assert (author.reverse, author.on_delete, author.has_foreign_key) == ("kinds", "SET NULL", True)
    translations, files = kinds.relation("translations"), kinds.relation("files")
    assert translations is not None
    assert translations.is_translations
    assert files is not None
    assert files.is_files


def test_what_cannot_be_said_has_a_note(read_by_version: dict[str, Read]) -> None:
    noted = [str(note).partition(":")[0] for note in read_by_version["12"].schema.notes]
    assert noted == ["kinds-odd_names.led_nowhere", "kinds.without_relation"]


def test_a_user_without_access_to_the_app_sees_no_schema(kinds_server: DirectusServer) -> None:
    reader = user(kinds_server, "reader-of-kinds", kinds_tags=["read"])
    with reader as token, Session(kinds_server.url, token=token) as session:
        set_app_access(kinds_server, "reader-of-kinds", allowed=False)  # which Directus 10 gives to each role
        with pytest.raises(Forbidden):
            read_schema(session)
