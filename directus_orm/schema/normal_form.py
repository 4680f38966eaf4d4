"""The normal form of a schema, as frozen values: collections, their fields, and their relations by kind.

Two schemas are equal if the same models describe them. What only some versions of Directus say, such as whether a
column has an index, and what only its app uses, is kept but not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

RelationKind = Literal["many-to-one", "any", "one-to-many", "many-to-many", "many-to-any"]
"""What a relation leads to:

- ``many-to-one``: to one row; its field is a column with the key of that row.
- ``any``: to one row of one of several collections; its field is a column of the junction of a many-to-any.
- ``one-to-many``: to the rows that refer to this one; its field has no column.
- ``many-to-many``, ``many-to-any``: to the rows that a junction links to this one; its field has no column.
"""

MadeBy = Literal[
    "auto_increment",
    "uuid",
    "date_created",
    "date_updated",
    "user_created",
    "user_updated",
    "role_created",
    "role_updated",
    "sql",
    "generated_column",
]
"""How the server makes the value of a field that a new row does not give:

- ``auto_increment``, ``uuid``: a key that it counts up, and a UUID.
- ``date_created`` to ``role_updated``: when and by whom the row was written; what a client sends is ignored or
  overwritten.
- ``sql``: by a function of the database, or from a default that only it can read; `FieldSchema.sql` says which.
- ``generated_column``: the database computes it from other columns; it cannot be written.
"""

Secret = Literal["hash", "conceal", "encrypt"]
"""How the server keeps a secret: hashed, masked in every response, or encrypted and masked."""


def _kept() -> Any:
    """Declare a mapping that is kept and not compared."""
    return attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen
class FieldSchema:
    """A field with a column in the database.

    Args:
        name: the server's name.
        type: the Directus type: of a many-to-one the type of the other key; ``unknown`` for a type of the database
            that Directus does not know.
        is_nullable: whether the column takes null; never true of a key.
        is_key: whether it is the key of its collection.
        default: the value of new rows that do not give one; None also where there is none.
        made_by: how the server makes the value of a new row; None if it does not.
        sql: the default as the database writes it, where ``made_by`` is ``sql``.
        max_length: the most characters of a ``string`` or ``hash``.
        precision: the number of digits of a ``decimal``.
        scale: the number of digits after its point.
        is_unique: whether two rows may not have the same value; always true of a key.
        is_readonly: whether it cannot be written.
        secret: how the server keeps it secret; None if it does not.
        choices: the values that Directus's app offers. They bind nobody.
        interface: how Directus's app edits it.
        special: what Directus does with the values, in alphabetical order, such as ``cast-csv``.
        note: the note of those who made the field.
        is_tracked: whether Directus manages the column.
        is_required: whether Directus's app requires a value. The server does not.
        position: where Directus's app shows it, to be compared with that of other fields.
        is_indexed: whether the column has an index; None where the server does not say (Directus 10).
        meta: all that Directus keeps about the field.
    """

    name: str
    type: str
    is_nullable: bool = False
    is_key: bool = False
    default: Any = None
    made_by: MadeBy | None = None
    sql: str | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_unique: bool = False
    is_readonly: bool = False
    secret: Secret | None = None
    choices: tuple[Any, ...] = ()
    interface: str | None = None
    special: tuple[str, ...] = ()
    note: str | None = None
    is_tracked: bool = True
    is_required: bool = False
    position: tuple[Any, ...] = attrs.field(default=(), repr=False)
    is_indexed: bool | None = attrs.field(default=None, eq=False, repr=False)
    meta: Mapping[str, Any] = _kept()

    @property
    def needs_value(self) -> bool:
        """Whether a new row must give a value: the column takes no null, and nothing else makes one."""
        return not self.is_nullable and self.default is None and self.made_by is None


@attrs.frozen
class RelationSchema:
    """A relation of a collection to rows of others.

    Args:
        field: the server's name of the column, or of the list.
        kind: what it leads to.
        related: the collections of the related rows; several only for ``any`` and ``many-to-any``.
        reverse: the field of the related rows that leads back: of a ``one-to-many`` the column that refers to this
            collection, of a ``many-to-one`` the list on the other side; None if there is none.
        junction: the collection that links the rows; only of ``many-to-many`` and ``many-to-any``.
        source: the junction's field that refers to this collection.
        target: the junction's field that holds the key of the related row.
        collection_field: the field that holds the collection of the related row: of the junction for a
            ``many-to-any``, of this collection for ``any``.
        sort: the field that holds the order of the list: of the junction, or of the related rows.
        is_translations: whether the list holds the translations of the row; it then is a ``one-to-many``.
        is_files: whether the list links to files.
        on_delete: what becomes of the rows that refer to a deleted one, such as ``"SET NULL"``; None without a
            foreign key.
        deselect: what becomes of a row that is taken from the list: ``"nullify"`` or ``"delete"``.
        position: as of `FieldSchema`.
        note: as of `FieldSchema`; a column's note is at the field.
        has_foreign_key: whether the database knows of it. A snapshot may say otherwise than the server.
        meta: all that Directus keeps about the relation.
    """

    field: str
    kind: RelationKind
    related: tuple[str, ...]
    reverse: str | None = None
    junction: str | None = None
    source: str | None = None
    target: str | None = None
    collection_field: str | None = None
    sort: str | None = None
    is_translations: bool = False
    is_files: bool = False
    on_delete: str | None = None
    deselect: str | None = None
    note: str | None = None
    position: tuple[Any, ...] = attrs.field(default=(), repr=False)
    has_foreign_key: bool = attrs.field(default=False, eq=False)
    meta: Mapping[str, Any] = _kept()

    @property
    def is_list(self) -> bool:
        """Whether it leads to many rows, and so has no column."""
        return self.kind not in ("many-to-one", "any")

    @property
    def target_collection(self) -> str | None:
        """The collection that it leads to, if it is one."""
        return self.related[0] if len(self.related) == 1 and self.kind not in ("any", "many-to-any") else None


@attrs.frozen
class CollectionSchema:
    """A collection that has rows.

    Of Directus's own collections, it has the key, the fields that were added, and their relations: the others are
    in `directus_orm.system`.

    Args:
        name: the server's name.
        key: the name of the key field.
        fields: its fields with a column, in the order of Directus's app: the key first.
        relations: its relations: those of columns in the order of ``fields``, then the lists.
        is_singleton: whether it has one row.
        is_tracked: whether Directus manages the table.
        is_system: whether it is one of Directus's own.
        sort_field: the field that holds the order of the rows.
        archive_field: the field that says which rows are archived, with ``archive_value`` and ``unarchive_value``.
        archive_value: the value of archived rows.
        unarchive_value: the value of the others.
        translations: its names by language: pairs of a language and the singular.
        note: the note of those who made the collection.
        meta: all that Directus keeps about the collection.
    """

    name: str
    key: str
    fields: tuple[FieldSchema, ...]
    relations: tuple[RelationSchema, ...] = ()
    is_singleton: bool = False
    is_tracked: bool = True
    is_system: bool = False
    sort_field: str | None = None
    archive_field: str | None = None
    archive_value: str | None = None
    unarchive_value: str | None = None
    translations: tuple[tuple[str, str | None], ...] = ()
    note: str | None = None
    meta: Mapping[str, Any] = _kept()

    @property
    def key_field(self) -> FieldSchema:
        """The field that is the key."""
        return self.field(self.key)

    @property
    def lists(self) -> tuple[RelationSchema, ...]:
        """The relations that lead to many rows."""
        return tuple(each for each in self.relations if each.is_list)

    def field(self, name: str) -> FieldSchema:
        """Return a field by the server's name.

        Raises:
            KeyError: there is no such field.
        """
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)

    def relation(self, name: str) -> RelationSchema | None:
        """Return the relation of a field or list by the server's name; None if it has none."""
        return next((each for each in self.relations if each.field == name), None)


@attrs.frozen
class SchemaNote:
    """What a schema could not say: of a collection or field that is left out, or that is less than it seems.

    ``text`` is a sentence for the reader.
    """

    collection: str
    field: str | None
    text: str

    def __str__(self) -> str:
        place = self.collection if self.field is None else f"{self.collection}.{self.field}"
        return f"{place}: {self.text}"


@attrs.frozen
class DatabaseSchema:
    """The schema of a server: its collections by name, in alphabetical order.

    Args:
        collections: those that have rows and a key; Directus's own only where another leads to them, or where they
            have further fields.
        notes: what was left out, and why.
        source: whether it was read from a server or from a snapshot, which says less.
        version: the version of Directus, as far as it is known.
        vendor: the database, as Directus calls it: ``sqlite``, ``postgres``, ``mysql`` …; None if unknown.
    """

    collections: tuple[CollectionSchema, ...]
    notes: tuple[SchemaNote, ...] = attrs.field(default=(), eq=False)
    source: Literal["server", "snapshot"] = attrs.field(default="server", eq=False)
    version: str | None = attrs.field(default=None, eq=False)
    vendor: str | None = attrs.field(default=None, eq=False)

    def collection(self, name: str) -> CollectionSchema:
        """Return a collection by its name.

        Raises:
            KeyError: there is no such collection.
        """
        for each in self.collections:
            if each.name == name:
                return each
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(each.name == name for each in self.collections)
