"""The schema of a server in one normal form, whatever its version; models made from it, and checked.

Imports only core to system.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from .checking.check import check
    from .checking.drift import Drift, DriftReport

__all__ = [
    "CollectionSchema",
    "DatabaseSchema",
    "Drift",
    "DriftReport",
    "FieldSchema",
    "MadeBy",
    "RelationKind",
    "RelationSchema",
    "SchemaNote",
    "Secret",
    "check",
    "load_snapshot",
    "lookup_stub",
    "read_schema",
]

_LATER = {"Drift": "checking.drift", "DriftReport": "checking.drift", "check": "checking.check"}


def __getattr__(name: str) -> Any:
    # These live in a folder that imports this one.
    if name not in _LATER:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
