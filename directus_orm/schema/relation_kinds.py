"""Relations in the normal form: which kind each is, by what Directus keeps about the columns that make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..session.services.schema_values import FieldInfo, RelationInfo
from .normal_form import RelationSchema, SchemaNote

_FILES = "directus_files"
# Specials of a field that leads to one row. They are no guide, but where the relation is missing, somebody hid it.
_TO_ONE = frozenset({"m2o", "file", "user-created", "user-updated", "role-created", "role-updated"})
_HAS_NO_RELATION = _TO_ONE - {"user-created", "user-updated", "role-created", "role-updated"}


@attrs.frozen
class Names:
    """The names of what a schema has: columns and lists by collection."""

    columns: Mapping[str, frozenset[str]]
    lists: Mapping[str, frozenset[str]]

    def has_column(self, collection: str | None, field: str | None) -> bool:
        """Return whether a collection is in the schema, and has a column."""
        return field in self.columns.get(collection or "", ())


@attrs.frozen
class RelationTable:
    """All relations of a server: by the column that makes one, and by the list on its other side."""

    by_column: Mapping[tuple[str, str], RelationInfo]
    by_list: Mapping[tuple[str, str], RelationInfo]
    names: Names

    @classmethod
    def of(cls, relations: Iterable[RelationInfo], names: Names) -> RelationTable:
        """Return the table of relations; their order makes no difference."""
        # A list that two relations name belongs to the first by name, whatever the order of the server.
        ordered = sorted(relations, key=lambda each: (each.collection, each.field), reverse=True)
        by_list = {
            (each.related_collection, str(_meta(each, "one_field"))): each
            for each in ordered
            if each.related_collection and _meta(each, "one_field")
        }
        by_column = {(each.collection, each.field): each for each in ordered}
        return cls(by_column, by_list, names)


Found = RelationSchema | SchemaNote | None


def column_relation(field: FieldInfo, table: RelationTable) -> Found:
    """Return the relation that a column makes, a note on one that cannot be said, or None if it makes none."""
    relation = table.by_column.get((field.collection, field.name))
    if relation is None:
        hidden = _HAS_NO_RELATION.intersection(_special(field))
        text = "it should lead to a row, but no relation is visible: it stays a plain value."
        return SchemaNote(field.collection, field.name, text) if hidden else None
    if relation.related_collection is None:
        return _any_side(field, relation, table)
    if relation.related_collection not in table.names.columns:
        text = f"it leads to {relation.related_collection!r}, which is not in the schema: it stays a plain value."
        return SchemaNote(field.collection, field.name, text)
    reverse = _meta(relation, "one_field")
    return RelationSchema(
        field.name,
        "many-to-one",
        (relation.related_collection,),
        reverse=reverse if reverse in table.names.lists.get(relation.related_collection, ()) else None,
        on_delete=_on_delete(relation),
        has_foreign_key=relation.schema is not None,
        meta=relation.meta or {},
    )


def _any_side(field: FieldInfo, relation: RelationInfo, table: RelationTable) -> Found:
    """Return the relation of the column that holds keys of several collections, and of nothing else."""
    related = _allowed(relation, table)
    collection_field = _meta(relation, "one_collection_field")
    if not related or not table.names.has_column(field.collection, collection_field):
        text = "it leads to rows of collections that are not in the schema: it stays a plain value."
        return SchemaNote(field.collection, field.name, text)
    meta = relation.meta or {}
    return RelationSchema(field.name, "any", related, collection_field=collection_field, meta=meta)


def _allowed(relation: RelationInfo, table: RelationTable) -> tuple[str, ...]:
    allowed = _meta(relation, "one_allowed_collections") or ()
    return tuple(sorted({name for name in allowed if name in table.names.columns}))


def list_relation(field: FieldInfo, table: RelationTable) -> Iterator[RelationSchema | SchemaNote]:
    """Yield the relation of a field without a column, and notes on what it lacks; nothing if it only displays."""
    if "no-data" in _special(field):
        return
    first = table.by_list.get((field.collection, field.name))
    if first is None:
        yield SchemaNote(field.collection, field.name, "no relation leads back to this list: it is left out.")
    elif not table.names.has_column(first.collection, first.field):
        text = f"it holds rows of {first.collection!r}, which is not in the schema: it is left out."
        yield SchemaNote(field.collection, field.name, text)
    else:
        yield from _list_by(field, first, table)


def _list_by(field: FieldInfo, first: RelationInfo, table: RelationTable) -> Iterator[RelationSchema | SchemaNote]:
    junction_field = _meta(first, "junction_field")
    second = table.by_column.get((first.collection, junction_field)) if junction_field else None
    if second is not None and not table.names.has_column(first.collection, junction_field):
        second = None
    sort, notes = _sort(field, first, table)
    yield from notes
    direct = _direct_list(field, first, sort)
    if "translations" in _special(field):
        yield attrs.evolve(direct, is_translations=True)
        return
    if second is None:
        if junction_field:
            text = f"the junction {first.collection!r} leads no further: the list holds rows of the junction."
            yield SchemaNote(field.collection, field.name, text)
        yield direct
        return
    yield _junction_list(field, direct, second, table)


def _direct_list(field: FieldInfo, first: RelationInfo, sort: str | None) -> RelationSchema:
    return RelationSchema(
        field.name,
        "one-to-many",
        (first.collection,),
        reverse=first.field,
        sort=sort,
        on_delete=_on_delete(first),
        deselect=_meta(first, "one_deselect_action"),
        note=(field.meta or {}).get("note") or None,
        has_foreign_key=first.schema is not None,
        meta=first.meta or {},
    )


def _junction_list(
    field: FieldInfo, direct: RelationSchema, second: RelationInfo, table: RelationTable
) -> RelationSchema | SchemaNote:
    to_any = second.related_collection is None
    related = _allowed(second, table) if to_any else (str(second.related_collection),)
    if not any(name in table.names.columns for name in related):
        text = "it holds rows of collections that are not in the schema: it is left out."
        return SchemaNote(field.collection, field.name, text)
    return attrs.evolve(
        direct,
        kind="many-to-any" if to_any else "many-to-many",
        related=related,
        reverse=None,
        junction=second.collection,
        source=direct.reverse,
        target=second.field,
        collection_field=_meta(second, "one_collection_field") if to_any else None,
        is_files=related == (_FILES,),
    )


def _sort(field: FieldInfo, first: RelationInfo, table: RelationTable) -> tuple[str | None, list[SchemaNote]]:
    """Return the field that orders a list; one that is not there is left out, with a note."""
    sort: str | None = _meta(first, "sort_field")
    if not sort or table.names.has_column(first.collection, sort):
        return sort or None, []
    text = f"its order is said to be by {first.collection}.{sort}, which is not there."
    return None, [SchemaNote(field.collection, field.name, text)]


def _on_delete(relation: RelationInfo) -> str | None:
    if not relation.schema:
        return None
    action = relation.schema.get("on_delete") or "NO ACTION"
    # They differ only inside of a transaction, and MariaDB says the one for the other.
    return "NO ACTION" if action == "RESTRICT" else str(action)


def _special(field: FieldInfo) -> Iterable[str]:
    return (field.meta or {}).get("special") or ()


def _meta(relation: RelationInfo, name: str) -> Any:
    return (relation.meta or {}).get(name)
