"""The columns of a collection by what a restore may do with them: as the server tells, or as models declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..core.errors import Forbidden, UnsupportedQuery
from ..core.json_codec import dumps
from ..core.masking import MASK
from ..core.request_response import Request, url_path
from ..fields.annotation_types import FieldType, field_type
from ..fields.field import Field
from ..fields.registry import all_models
from ..fields.type_table import DOCUMENTS, INTEGERS, TYPES
from ..session.session import Session

_LIST = "It is a list of related rows. Revisions do not keep it."
_CONCEALED = "Revisions hold a mask or a hash of it. Writing that back would destroy the secret."
_OF_SERVER = "The server sets it."
_READ_ONLY = "It is read-only."
_COMPUTED = "The database computes it."
_MASKED = "The revision holds a mask in place of the value."
_NOT_A_VALUE = "The revision holds new rows in place of a key."
_ROUNDED = "The server rounds integers of this size, in revisions too."

_WHY_BY_SPECIAL = {
    **dict.fromkeys(("o2m", "m2m", "m2a", "files", "translations"), _LIST),
    **dict.fromkeys(("hash", "conceal", "encrypt"), _CONCEALED),
    **dict.fromkeys(("date-created", "date-updated", "user-created", "user-updated", "role-created"), _OF_SERVER),
    "role-updated": _OF_SERVER,
}

# What the server keeps in its own collections; it would not fit the file, the login or the licence of today.
_KEPT_BY_SERVER: Mapping[str, str] = {
    "directus_files": "storage filename_disk type charset filesize width height duration embed uploaded_on "
    "tus_id tus_data",
    "directus_settings": "project_id license_key license_token",
    "directus_shares": "times_used",
    "directus_users": "last_access last_page provider external_identifier auth_data",
}

# JavaScript has no larger exact integer.
_LARGEST_EXACT = 2**53


@attrs.frozen
class StoredColumn:
    """One column, or one list, of a collection.

    Args:
        name: the server's name.
        kind: the Directus type.
        is_key: whether it is the primary key.
        kept: why a restore leaves it as it is; None if it may be restored.
        refers_to: the collection and the column that a foreign key leads to.
    """

    name: str
    kind: str
    is_key: bool = False
    kept: str | None = None
    refers_to: tuple[str, str] | None = None

    def problem(self, value: Any) -> str | None:
        """Return why a value of a revision cannot be sent; None if it can."""
        if value == MASK:
            return _MASKED
        if isinstance(value, dict | list) and self.kind not in DOCUMENTS and self.kind != "csv":
            return _NOT_A_VALUE  # sent, it would create a row (G9)
        if self.kind in INTEGERS and isinstance(value, int | float) and abs(value) >= _LARGEST_EXACT:
            return _ROUNDED
        return None

    def is_same(self, one: Any, other: Any) -> bool:
        """Return whether two JSON values mean the same, such as ``1`` and ``"1"`` of an integer."""
        if one is None or other is None:
            return one is other
        return dumps(one) == dumps(other) or self._loaded(one) == self._loaded(other)

    def key(self, item: str) -> Any:
        """Return a key that is given as a text, as history does, as the JSON value of this column."""
        return int(item) if self.kind in INTEGERS else item

    def _loaded(self, value: Any) -> Any:
        """Return a value as Python has it; as it is, if the type has no conversion."""
        value_type = _conversion(self.kind)
        try:
            return value if value_type is None else value_type.load(value)
        except (ValueError, TypeError, ArithmeticError):
            return value


def columns_of(session: Session, collection: str) -> dict[str, StoredColumn]:
    """Return the columns and lists of a collection, as the server tells; if it does not, as models declare them.

    Raises:
        UnsupportedQuery: this user may not read what the server tells, and no model is declared.
    """
    try:
        told = session.send(Request("GET", url_path("fields", collection))).data
    except Forbidden as error:
        declared = {column.name: column for column in _declared(collection)}
        if declared:
            return declared
        msg = (
            f"Restoring a row needs the fields of {collection!r}, and this user may not read them (GET /fields). "
            "Declare a model for the collection, or restore as a user with app access."
        )
        raise UnsupportedQuery(msg) from error
    return {column.name: column for column in _told(collection, told)}


def _told(collection: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[StoredColumn]:
    kept = _KEPT_BY_SERVER.get(collection, "").split()
    is_system = collection.startswith("directus_")
    for entry in entries:
        schema, meta = entry.get("schema") or {}, entry.get("meta") or {}
        why = next((why for name in meta.get("special") or () if (why := _WHY_BY_SPECIAL.get(name))), None)
        if not schema and why is None:
            continue  # a divider or a notice of the app
        if why is None and schema.get("is_generated"):
            why = _COMPUTED
        if why is None and entry["field"] in kept:
            why = _OF_SERVER
        # Of its own collections, Directus calls more read-only than its app may write, such as a file's folder.
        if why is None and meta.get("readonly") and not is_system:
            why = _READ_ONLY
        related = (schema.get("foreign_key_table"), schema.get("foreign_key_column"))
        yield StoredColumn(
            entry["field"],
            entry["type"],
            is_key=bool(schema.get("is_primary_key")),
            kept=why,
            refers_to=None if None in related else (str(related[0]), str(related[1])),
        )


def _declared(collection: str) -> Iterator[StoredColumn]:
    kept = _KEPT_BY_SERVER.get(collection, "").split()
    for model in all_models():
        if model._options.collection != collection:  # noqa: SLF001 - resolving all models may fail
            continue
        yield from (_of_field(field, kept) for field in model.directus.fields.values())
        yield from (StoredColumn(each.column, "alias", kept=_LIST) for each in model.directus.relations.values())


def _of_field(field: Field, kept: Iterable[str]) -> StoredColumn:
    why = _CONCEALED if field.is_secret else _READ_ONLY if field.options.readonly else None
    target = None if field.target is None else field.target.directus
    return StoredColumn(
        field.column,
        field.value_type.kind,
        is_key=field.primary_key,
        kept=why or (_OF_SERVER if field.column in kept else None),
        refers_to=None if target is None else (target.collection, target.pk.column),
    )


def _conversion(kind: str) -> FieldType | None:
    known = TYPES.get(kind.partition(".")[0])
    return None if known is None else field_type(known.annotations[0], kind)
