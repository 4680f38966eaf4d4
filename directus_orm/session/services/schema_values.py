"""Collections, fields and relations of a server as values, and the checks of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ...core.deferred_import import public_in
from ...core.errors import FieldError, QueryError

Properties = Mapping[str, Any]

_SYSTEM = "directus_"
# Fields of these types have no column in the database.
_WITHOUT_COLUMN = frozenset({"alias", "files", "m2a", "m2m", "o2a", "o2m", "translations"})
_COUNTED_KEY: dict[str, Any] = {
    "field": "id",
    "type": "integer",
    "meta": {"hidden": True, "readonly": True},
    "schema": {"is_primary_key": True, "has_auto_increment": True},
}
_KINDS = {"collections": "collection", "fields": "field", "relations": "relation"}


def _is_system(meta: Properties | None) -> bool:
    return bool(meta and meta.get("system"))


@public_in("directus_orm.session")
@attrs.frozen
class CollectionInfo:
    """A collection: its name, what Directus keeps about it (``meta``), and its table (``schema``).

    ``meta`` is None for a table that Directus does not manage, ``schema`` for a folder of collections.
    """

    name: str
    meta: Properties | None = attrs.field(default=None, repr=False, hash=False)
    schema: Properties | None = attrs.field(default=None, repr=False, hash=False)

    @property
    def is_system(self) -> bool:
        """Whether the collection is one of Directus's own."""
        return self.name.startswith(_SYSTEM)

    @property
    def is_folder(self) -> bool:
        """Whether the collection has no table, and only groups others in Directus's app."""
        return self.schema is None

    @property
    def is_singleton(self) -> bool:
        """Whether the collection has one row."""
        return bool(self.meta and self.meta.get("singleton"))


@public_in("directus_orm.session")
@attrs.frozen
class FieldInfo:
    """A field: its collection, name and Directus type, what Directus keeps about it (``meta``), and its column.

    ``meta`` is None for a column that Directus does not manage, ``schema`` for a field without a column.
    """

    collection: str
    name: str
    type: str
    meta: Properties | None = attrs.field(default=None, repr=False, hash=False)
    schema: Properties | None = attrs.field(default=None, repr=False, hash=False)

    @property
    def is_primary_key(self) -> bool:
        """Whether the field is the key of its collection."""
        return bool(self.schema and self.schema.get("is_primary_key"))

    @property
    def is_system(self) -> bool:
        """Whether the field is one of Directus's own, in one of its own collections."""
        return self.collection.startswith(_SYSTEM) and _is_system(self.meta)


@public_in("directus_orm.session")
@attrs.frozen
class RelationInfo:
    """A many-to-one relation: its field, and the collection that it refers to.

    ``related_collection`` is None for a many-to-any relation. ``meta`` names the field of the list on the other
    side (``one_field``); ``schema`` is the foreign key in the database, or None.
    """

    collection: str
    field: str
    related_collection: str | None = None
    meta: Properties | None = attrs.field(default=None, repr=False, hash=False)
    schema: Properties | None = attrs.field(default=None, repr=False, hash=False)

    @property
    def is_system(self) -> bool:
        """Whether the relation is one of Directus's own."""
        return self.collection.startswith(_SYSTEM) and _is_system(self.meta)


@public_in("directus_orm.session")
@attrs.frozen
class SchemaDiff:
    """What would change on a server: `Schema.diff` returns it, and `Schema.apply` applies it.

    ``hash`` stands for the schema that the server had then; ``diff`` is Directus's list of changes.
    """

    hash: str
    diff: Properties = attrs.field(repr=False, hash=False)

    @property
    def deletions(self) -> tuple[str, ...]:
        """The collections, fields and relations that would be deleted, such as ``"field articles.title"``."""
        return tuple(
            f"{kind} {_name_of(entry)}"
            for group, kind in _KINDS.items()
            for entry in self.diff.get(group) or ()
            if any(_is_deletion(change) for change in entry.get("diff") or ())
        )


def _is_deletion(change: Properties) -> bool:
    """Return whether the whole is deleted; with a path, it is one of its properties."""
    return change.get("kind") == "D" and not change.get("path")


def _name_of(entry: Properties) -> str:
    return ".".join(str(entry[name]) for name in ("collection", "field") if entry.get(name) is not None)


def collection_info(row: Properties) -> CollectionInfo:
    """Return a collection from the server's JSON."""
    return CollectionInfo(row["collection"], row.get("meta"), row.get("schema"))


def field_info(row: Properties) -> FieldInfo:
    """Return a field from the server's JSON."""
    return FieldInfo(row["collection"], row["field"], str(row.get("type")), row.get("meta"), row.get("schema"))


def relation_info(row: Properties) -> RelationInfo:
    """Return a relation from the server's JSON."""
    meta, schema = row.get("meta"), row.get("schema")
    return RelationInfo(row["collection"], row["field"], row.get("related_collection"), meta, schema)


def checked_new_collection(name: str) -> str:
    """Return the name of a collection that is to be created.

    Raises:
        QueryError: no request could reach such a collection, or the name is reserved.
    """
    checked_name("a collection", name)
    if name != name.strip() or "/" in name:
        raise QueryError(f"{name!r} is not a name for a collection: it has a slash, or spaces around it.")
    if name.casefold().startswith(_SYSTEM):
        raise QueryError(f"{name!r} is not a name for a collection: Directus's own begin with {_SYSTEM!r}.")
    return name


def checked_new_field(name: str) -> str:
    """Return the name of a field that is to be created.

    Raises:
        QueryError: queries could not name such a field. The server accepts it all the same.
    """
    checked_name("a field", name)
    if not name.isidentifier() or name.startswith("_"):
        raise QueryError(
            f"{name!r} is not a name for a field: queries cannot name it. "
            "Take letters, digits and underscores, with a letter first."
        )
    return name


def checked_name(what: str, name: str) -> str:
    """Return a name.

    Raises:
        TypeError: it is not a text.
        QueryError: it is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"The name of {what} is a text, not {name!r}.")
    if not name:
        raise QueryError(f"The name of {what} is empty.")
    return name


def with_key(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields of a new collection with a key, ``id``, unless one of them is the key.

    Directus 10 adds none itself, and nobody can use a collection without a key.
    """
    if any((spec.get("schema") or {}).get("is_primary_key") for spec in fields):
        return fields
    if any(spec["field"] == "id" for spec in fields):
        raise QueryError("The field 'id' is no key: give it the schema {'is_primary_key': True}.")
    return [_COUNTED_KEY, *fields]


def checked_fields(fields: Iterable[Properties]) -> Iterator[dict[str, Any]]:
    """Yield the fields of a new collection as they are sent.

    Raises:
        QueryError: one lacks its name or its type. The server would leave it out and report success.
    """
    for spec in fields:
        if not isinstance(spec, Mapping):
            raise TypeError(f"A field is given as {{'field': …, 'type': …}}, not as {spec!r}.")
        if not spec.get("field") or not spec.get("type"):
            raise QueryError(f"{dict(spec)!r} describes no field: it needs 'field', the name, and 'type'.")
        rest = {name: value for name, value in spec.items() if name not in {"field", "type", "meta", "schema"}}
        given = {"schema": spec["schema"]} if "schema" in spec else {}
        yield {**rest, **new_field(spec["field"], spec["type"], spec.get("meta"), **given)}


def new_field(name: str, field_type: str, meta: Properties | None, **schema: Properties | None) -> dict[str, Any]:
    """Return a new field as it is sent. It always has ``meta``: snapshots leave out a field without it (S48).

    Raises:
        QueryError: the name or the type cannot be.
    """
    checked_new_field(name)
    if not isinstance(field_type, str) or not field_type:
        raise QueryError(f"The field {name!r} needs a type, such as 'string': the server makes none without it.")
    default: dict[str, Any] = {"schema": None} if field_type in _WITHOUT_COLUMN else {}
    # Lists of fields leave out an alias without it.
    special = {"special": ["alias", "no-data"]} if field_type == "alias" else {}
    return {"field": name, "type": field_type, "meta": {**special, **(meta or {})}, **default, **schema}


def check_properties(what: str, given: Iterable[str], known: Properties | None) -> None:
    """Raise `FieldError` for properties that the server does not know, and would ignore."""
    for name in given:
        if known and name not in known:
            choices = sorted(known)
            msg = f"{what} has no property {name!r}. There are: {', '.join(choices)}."
            raise FieldError(msg, name=name, choices=choices)


def check_is_own(what: str, name: str) -> None:
    """Raise `QueryError` for what belongs to Directus itself: the server may delete it without a question (S1)."""
    if name.casefold().startswith(_SYSTEM):
        raise QueryError(f"{what} {name!r} belongs to Directus itself, and is not deleted. Nothing was sent.")
