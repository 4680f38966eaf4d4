"""The differences between a model as a whole and its collection, each with the line to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from ...fields.field import Field
from ...fields.model_info import ModelInfo
from ..normal_form import CollectionSchema, DatabaseSchema, FieldSchema
from ..system_models import system_models
from .columns import column_drifts, drift_of
from .drift import Drift
from .relations import list_drifts, to_one_drifts
from .source_to_write import SourceToWrite
from .type_compatibility import is_compatible

_SUGGESTED = 3
_POORER = " A snapshot has only what Directus manages: check the server itself."


def model_drifts(
    model: type[Any], schema: DatabaseSchema, source: SourceToWrite, *, is_limited: bool
) -> Iterator[Drift]:
    """Yield the differences between a model and the schema.

    Args:
        model: the model.
        schema: the schema of the server.
        source: writes the lines.
        is_limited: whether the schema may have more than its reader was allowed to see.
    """
    info: ModelInfo = model.directus
    base = _system_base(info)
    if info.collection not in schema and base is None:
        there = "none that this user may see" if is_limited else "none"
        message = "Each read and each write of the model fails."
        message += _POORER if schema.source == "snapshot" else ""
        yield Drift("collection-missing", model.__name__, None, info.collection, there, message)
        return
    collection = schema.collection(info.collection) if info.collection in schema else _without_fields(info)
    found = [*_own_drifts(info, collection, schema, base)]
    yield from _whole_drifts(info, collection) if base is None else ()
    for each in _with_renames(found, info, collection, schema.vendor):
        yield attrs.evolve(each, line=source.line(info, collection, each))


def _system_base(info: ModelInfo) -> ModelInfo | None:
    """Return the model of one of Directus's own collections that a model is or extends; None for another."""
    model = system_models().get(info.collection)
    return model.directus if model is not None and issubclass(info.model, model) else None


def _without_fields(info: ModelInfo) -> CollectionSchema:
    """Return one of Directus's own collections to which nothing was added."""
    return CollectionSchema(info.collection, info.pk.column, (), is_system=True)


def _whole_drifts(info: ModelInfo, collection: CollectionSchema) -> Iterator[Drift]:
    name = info.model.__name__
    if info.pk.column != collection.key:
        message = "Rows are found by another field than their key."
        yield Drift("key-differs", name, info.pk.name, info.pk.column, collection.key, message)
    if info.options.singleton != collection.is_singleton:
        words = {True: "a singleton", False: "many rows"}
        here, there = words[info.options.singleton], words[collection.is_singleton]
        yield Drift("singleton-differs", name, None, here, there, "Reads and writes ask for something else.")


def _own_drifts(
    info: ModelInfo, collection: CollectionSchema, schema: DatabaseSchema, base: ModelInfo | None
) -> Iterator[Drift]:
    """Yield the differences of fields and lists; those that Directus itself gives a collection are left out."""
    given = set() if base is None else base.columns
    columns = {each.name: each for each in collection.fields}
    lists = {each.field for each in collection.lists}
    for field in info.fields.values():
        if field.column in given:
            continue
        if field.column in columns:
            yield from column_drifts(field, columns[field.column], schema.vendor)
            yield from to_one_drifts(field, collection, compares_foreign_keys=schema.source == "server")
        else:
            there = "a list" if field.column in lists else "no such field"
            message = "Each read of the model fails." + (_POORER if schema.source == "snapshot" else "")
            yield drift_of(field, "field-missing", field.type, there, message)
    for relation in info.relations.values():
        if relation.column not in given:
            yield from list_drifts(relation, collection, schema)
    yield from _undeclared(info, collection, base)


def _undeclared(info: ModelInfo, collection: CollectionSchema, base: ModelInfo | None) -> Iterator[Drift]:
    name, known = info.model.__name__, info.columns
    for field in collection.fields:
        if field.name in known or (base is not None and field.is_key):
            continue
        if field.needs_value:
            message = "Each creation fails, since the column takes no null and has no default."
            yield Drift("value-needed", name, field.name, "no such field", field.type, message)
        else:
            yield Drift("field-undeclared", name, field.name, "no such field", field.type, "It is not read.")
    for relation in collection.lists:
        if relation.field not in known:
            there = f"a list of {', '.join(relation.related)}"
            yield Drift("field-undeclared", name, relation.field, "no such list", there, "It is not read.")


def _with_renames(
    drifts: Iterable[Drift], info: ModelInfo, collection: CollectionSchema, vendor: str | None
) -> Iterator[Drift]:
    """Add to what is missing the new columns of a fitting type: it may have been renamed."""
    undeclared = [each for each in collection.fields if each.name not in info.columns and not each.is_key]
    for each in drifts:
        fitting = []
        if each.code == "field-missing":
            field = info.fields[str(each.field)]
            fitting = [new.name for new in undeclared if _fits(field, new, collection, vendor)][:_SUGGESTED]
        message = f"{each.message} New there, of a fitting type: {', '.join(fitting)}. Renamed?"
        yield attrs.evolve(each, message=message) if fitting else each


def _fits(field: Field, column: FieldSchema, collection: CollectionSchema, vendor: str | None) -> bool:
    relation = collection.relation(column.name)
    if field.target is not None:
        return relation is not None and relation.related == (field.target.directus.collection,)
    return relation is None and is_compatible(field, column, vendor)
