"""Which types of columns a field can read and write as it is annotated."""

from __future__ import annotations

from collections.abc import Mapping

from ...fields.declarations.field_options import UNKNOWN
from ...fields.field import Field
from ...fields.type_table import INTEGERS, TYPES
from ..normal_form import FieldSchema

_TEXTS = frozenset({"string", "text"})

# The types of columns, by the type of the field; a type that is not here takes its own alone.
_COMPATIBLE: Mapping[str, frozenset[str]] = {
    "string": _TEXTS | {"uuid", "hash"},
    "text": _TEXTS | {"uuid", "hash"},
    "hash": _TEXTS | {"hash"},
    "uuid": frozenset({"uuid", "string"}),
    "key": frozenset({"uuid", "string", "text"}) | INTEGERS,
    "integer": INTEGERS,
    "bigInteger": INTEGERS,
    "float": frozenset({"float", "decimal"}) | INTEGERS,
    "decimal": frozenset({"decimal"}),
    "moment": frozenset({"timestamp", "dateTime"}),
}
# SQLite has no exact numbers with a fraction.
_ON_SQLITE: Mapping[str, frozenset[str]] = {"decimal": frozenset({"decimal", "float"})}
# Both hold the same kind of value, and one holds more.
_SIZES = (_TEXTS, INTEGERS)


def is_compatible(field: Field, column: FieldSchema, vendor: str | None) -> bool:
    """Return whether a field reads and writes the values of a column as it is annotated.

    A type that nobody knows, on either side, is taken for the right one. ``vendor`` is the database; None for one
    that is not known.
    """
    here, there = _base(field.value_type.kind), _base(column.type)
    if UNKNOWN in (here, there) or there not in TYPES or here == there:
        return _same_geometry(field.value_type.kind, column.type)
    if vendor in (None, "sqlite") and there in _ON_SQLITE.get(here, ()):
        return True
    return there in _COMPATIBLE.get(here, ())


def is_of_other_size(field: Field, column: FieldSchema) -> bool:
    """Return whether both hold the same kind of value, but one holds longer texts or larger numbers."""
    here, there = field.value_type.kind, column.type
    return here != there and any(here in sizes and there in sizes for sizes in _SIZES)


def _base(kind: str) -> str:
    return kind.partition(".")[0]


def _same_geometry(here: str, there: str) -> bool:
    """Return whether two geometries can be the same; one without a subtype takes any."""
    subtypes = {each.partition(".")[2] for each in (here, there)} - {""}
    return len(subtypes) < 2
