"""Dirty tracking: which fields of an instance differ from the row that was loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..core.errors import ConversionError
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.registry import is_model
from .state import info_of, is_new, key_of, state_of


def changed_fields(instance: Any) -> list[Field]:
    """Return the fields whose value differs from the loaded row."""
    fields, row = info_of(instance).fields.values(), state_of(instance).row
    return [field for field in fields if field.name in instance.__dict__ and is_changed(field, instance, row)]


def has_changes(instance: Any, fields: Iterable[Field]) -> bool:
    """Return whether the value of any of these fields differs from the loaded row."""
    row = state_of(instance).row
    return any(field.name in instance.__dict__ and is_changed(field, instance, row) for field in fields)


def is_changed(field: Field, instance: Any, row: Row) -> bool:
    """Return whether an instance's value of a field differs from a row's."""
    if field.column not in row or is_new(instance.__dict__[field.name]):
        return True
    return differs_from_stored(field, key_or_value(instance, field), row[field.column])


def differs_from_stored(field: Field, value: Any, stored: Any) -> bool:
    """Return whether a value differs from that of the server's JSON."""
    if value is None or stored is None:
        return value is not stored
    try:
        before = field.load(stored)
    except ConversionError:
        return True
    # JSON documents may be objects with their own ==, so these are compared by their JSON.
    if not field.is_document and type(value) is type(before) and value == before:
        return False
    try:
        return _json_text(field.dump(value)) != _json_text(field.dump(before))
    except ConversionError:  # one of the two cannot be sent; sending it raises this error
        return bool(value != before)


def _json_text(value: Any) -> str:
    # As text, 1 and True differ, and dictionaries do not differ by their order.
    return json.dumps(value, sort_keys=True)


def key_or_value(instance: Any, field: Field) -> Any:
    """Return the value of a field; of a relation, the key of the related instance."""
    value = instance.__dict__[field.name]
    return key_of(value) if is_model(type(value)) else value
