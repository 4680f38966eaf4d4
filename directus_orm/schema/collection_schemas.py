"""Collections in the normal form, with their columns and relations, from what servers and snapshots say alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..session.services.schema_values import CollectionInfo, FieldInfo, RelationInfo
from .columns import field_schema, with_key_of
from .normal_form import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema, SchemaNote
from .relation_kinds import Names, RelationTable, column_relation, list_relation
from .system_models import system_models

Include = Callable[[str], bool]
Columns = Mapping[str, Mapping[str, FieldInfo]]


@attrs.frozen
class RawSchema:
    """A schema as Directus says it: in any order."""

    collections: Iterable[CollectionInfo]
    fields: Iterable[FieldInfo]
    relations: Iterable[RelationInfo]

    def tracked(self) -> RawSchema:
        """Return what Directus manages; a snapshot of Directus 11 or 12 has no more."""
        return RawSchema(
            *([each for each in part if each.meta is not None] for part in attrs.astuple(self, recurse=False))
        )


def database_schema(raw: RawSchema, *, untracked: bool, include: Include | None) -> DatabaseSchema:
    """Return the normal form of a schema."""
    raw = raw if untracked else raw.tracked()
    fields = _fields_by_collection(raw.fields)
    notes: list[SchemaNote] = []
    own = {each.name: each for each in raw.collections if not each.is_system and not each.is_folder}
    own = {name: each for name, each in own.items() if include is None or include(name)}
    keys = {**_own_keys(own, fields, notes), **_system_keys()}
    names = _names(keys, fields)
    table = RelationTable.of(raw.relations, names)
    collections = [
        _collection(own.get(name), keys, fields.get(name, {}), table, notes)
        if name in own
        else _system_collection(keys, fields.get(name, {}), table, notes, name)
        for name in keys
    ]
    used = _used(collections)
    kept = sorted((each for each in collections if each.name in used), key=lambda each: each.name)
    sorted_notes = sorted(
        (note for note in notes if note.collection in used or note.collection not in keys), key=str
    )
    return DatabaseSchema(tuple(kept), tuple(sorted_notes))


def _used(collections: Iterable[CollectionSchema]) -> set[str]:
    """Return the collections to keep: Directus's own only if others lead to them, or they have further fields."""
    own = {each.name for each in collections if not each.is_system}
    extended = {each.name for each in collections if each.is_system and (len(each.fields) > 1 or each.relations)}
    kept = own | extended
    led_to = {name for each in collections if each.name in kept for one in each.relations for name in one.related}
    return kept | led_to


def _fields_by_collection(fields: Iterable[FieldInfo]) -> dict[str, dict[str, FieldInfo]]:
    """Return the fields by collection and name; of Directus's own collections, those that were added."""
    found: dict[str, dict[str, FieldInfo]] = {}
    for each in sorted(fields, key=lambda each: (each.collection, each.name)):
        is_added = each.meta is not None and not each.is_system
        if is_added or not each.collection.startswith("directus_"):
            found.setdefault(each.collection, {})[each.name] = each
    return found


# --- keys -------------------------------------------------------------------------------------------------------


def _own_keys(
    own: Mapping[str, CollectionInfo], fields: Columns, notes: list[SchemaNote]
) -> dict[str, FieldSchema]:
    keys = {}
    for name in own:
        columns = [field_schema(each) for each in fields.get(name, {}).values() if each.schema]
        found = [each for each in columns if each.is_key]
        if len(found) == 1:
            keys[name] = found[0]
        else:
            text = "no key is visible, or it has several columns: nothing could read its rows. It is left out."
            notes.append(SchemaNote(name, None, text))
    return keys


@functools.cache
def _system_keys() -> Mapping[str, FieldSchema]:
    """Return the keys of Directus's own collections: a snapshot lacks them, and databases differ on types."""
    infos = [model.directus for model in system_models().values()]
    return {
        info.collection: FieldSchema(
            info.pk.column,
            info.pk.value_type.kind,
            is_key=True,
            made_by="uuid" if info.pk.value_type.kind == "uuid" else "auto_increment",
            is_unique=True,
            special=("uuid",) if info.pk.value_type.kind == "uuid" else (),
        )
        for info in infos
    }


def _names(keys: Mapping[str, FieldSchema], fields: Columns) -> Names:
    columns = {name: {key.name} for name, key in keys.items()}
    lists: dict[str, set[str]] = {name: set() for name in keys}
    for name in keys:
        for each in fields.get(name, {}).values():
            (columns if each.schema else lists)[name].add(each.name)
    return Names(*({name: frozenset(each) for name, each in part.items()} for part in (columns, lists)))


# --- collections ------------------------------------------------------------------------------------------------


def _collection(
    info: CollectionInfo | None,
    keys: Mapping[str, FieldSchema],
    fields: Mapping[str, FieldInfo],
    table: RelationTable,
    notes: list[SchemaNote],
) -> CollectionSchema:
    assert info is not None  # noqa: S101 - one of the application's
    meta = info.meta or {}
    columns, relations = _parts(info.name, keys, fields, table, notes)
    names = table.names.columns[info.name]
    stray = {
        name: meta.get(name)
        for name in ("sort_field", "archive_field")
        if meta.get(name) not in (None, "", *names)
    }
    notes += [
        SchemaNote(info.name, None, f"its {name} is {value!r}, which is not there: lists of its rows may fail.")
        for name, value in stray.items()
    ]
    return CollectionSchema(
        info.name,
        keys[info.name].name,
        columns,
        relations,
        is_singleton=info.is_singleton,
        is_tracked=info.meta is not None,
        sort_field=None if "sort_field" in stray else meta.get("sort_field") or None,
        archive_field=None if "archive_field" in stray else meta.get("archive_field") or None,
        archive_value=meta.get("archive_value"),
        unarchive_value=meta.get("unarchive_value"),
        translations=_translations(meta),
        note=meta.get("note") or None,
        meta=meta,
    )


def _translations(meta: Mapping[str, Any]) -> tuple[tuple[str, str | None], ...]:
    listed = (each for each in meta.get("translations") or () if isinstance(each, Mapping))
    return tuple((str(each.get("language")), each.get("singular")) for each in listed)


def _system_collection(
    keys: Mapping[str, FieldSchema],
    fields: Mapping[str, FieldInfo],
    table: RelationTable,
    notes: list[SchemaNote],
    name: str,
) -> CollectionSchema:
    columns, relations = _parts(name, keys, fields, table, notes)
    return CollectionSchema(name, keys[name].name, columns, relations, is_system=True)


def _parts(
    name: str,
    keys: Mapping[str, FieldSchema],
    fields: Mapping[str, FieldInfo],
    table: RelationTable,
    notes: list[SchemaNote],
) -> tuple[tuple[FieldSchema, ...], tuple[RelationSchema, ...]]:
    """Return the columns and the relations of a collection."""
    positions = {field: _position(field, fields) for field in fields}
    ordered = sorted(fields.values(), key=lambda each: positions[each.name])
    columns, relations = [], []
    for info in ordered:
        if not info.schema:
            continue
        column = attrs.evolve(field_schema(info), position=positions[info.name])
        found = column_relation(info, table)
        if isinstance(found, RelationSchema):
            column = with_key_of(column, keys[found.related[0]]) if found.kind == "many-to-one" else column
            relations.append(attrs.evolve(found, position=positions[info.name]))
        elif found is not None:
            notes.append(found)
        columns.append(column)
    if keys[name].name not in fields:
        columns.append(keys[name])
    for info in (each for each in ordered if not each.schema):
        for found in list_relation(info, table):
            if isinstance(found, RelationSchema):
                relations.append(attrs.evolve(found, position=positions[info.name]))
            else:
                notes.append(found)
    return tuple(sorted(columns, key=lambda each: not each.is_key)), tuple(relations)


def _position(field: str, fields: Mapping[str, FieldInfo]) -> tuple[Any, ...]:
    """Return where Directus's app shows a field: inside of its group, which has a place of its own."""
    return tuple(reversed([_place(fields[name]) for name in _with_groups(field, fields)]))


def _with_groups(field: str, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    seen: set[str] = set()
    while field in fields and field not in seen:
        seen.add(field)
        yield field
        field = (fields[field].meta or {}).get("group") or ""


def _place(info: FieldInfo) -> tuple[bool, int, str]:
    sort = (info.meta or {}).get("sort")
    return sort is None, sort or 0, info.name
