"""The schema of a server in one normal form, whatever its version, and models made from it.

Imports only core to system.
"""

from .normal_form import (
    CollectionSchema,
    DatabaseSchema,
    FieldSchema,
    MadeBy,
    RelationKind,
    RelationSchema,
    SchemaNote,
    Secret,
)
from .reading import load_snapshot, read_schema
from .typed_lookups import lookup_stub

__all__ = [
    "CollectionSchema",
    "DatabaseSchema",
    "FieldSchema",
    "MadeBy",
    "RelationKind",
    "RelationSchema",
    "SchemaNote",
    "Secret",
    "load_snapshot",
    "lookup_stub",
    "read_schema",
]
