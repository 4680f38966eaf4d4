"""The payload of one row: field values of an instance as JSON, checked before they are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from ..core.errors import ConfigurationError, ConversionError
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.registry import is_model
from ..fields.scalar_values import Convert
from ..instances.state import info_of, key_of, state_of

DumpPlan = tuple[tuple[str, str, Convert, bool, bool, Field], ...]
"""For each field: name, column, conversion, whether it is a relation, whether `_check` applies; the field."""


def dump_plan(fields: Iterable[Field]) -> DumpPlan:
    """Return what `dump_row` needs to know of fields, looked up once for many instances."""
    return tuple((f.name, f.column, f.value_type.dump, f.target is not None, _has_checks(f), f) for f in fields)


def _has_checks(field: Field) -> bool:
    options = field.options
    return options.readonly or options.validator is not None or options.max_length is not None


def dump_fields(instance: Any, fields: Iterable[Field]) -> Row:
    """Convert the values of fields to JSON, each checked by its type and its validator; skip unset fields."""
    return dump_row(dump_plan(fields), instance)


def dump_row(plan: DumpPlan, instance: Any) -> Row:
    """Do as `dump_fields` does. This runs for every row of a bulk write."""
    values = instance.__dict__
    row: Row = {}
    for name, column, dump, is_relation, has_checks, field in plan:
        if name not in values:
            continue
        value = values[name]
        if is_relation:
            value = _related_key(field, value)
        try:
            row[column] = None if value is None and field.nullable else dump(value)
        except (ValueError, TypeError, ArithmeticError):
            row[column] = field.dump(value, instance.pk)  # raises an error that names model, key and field
        if has_checks:
            _check(field, instance, value, row[column])
    return row


def _related_key(field: Field, value: Any) -> Any:
    """Return the key of a related instance; a key as it is."""
    if not is_model(type(value)):
        return value
    if not state_of(value).stored:
        reason = "which was deleted" if state_of(value).deleted else "which is not saved: save it first"
        msg = f"{field} refers to {value!r}, {reason}."
        raise ConversionError(msg, model=field.model.__name__, field=field.name, value=value)
    return key_of(value)


def _check(field: Field, instance: Any, value: Any, sent: Any) -> None:
    if field.options.readonly:
        msg = f"{field} is readonly: its value cannot be sent. Take it from the server with refresh()."
        raise ConversionError(msg, model=field.model.__name__, key=instance.pk, field=field.name)
    field.check_length(sent, instance.pk)
    if field.options.validator is not None:
        field.options.validator(instance, field.attribute, value)


def dump_flat_row(instance: Any, plan: DumpPlan) -> Row:
    """Return the row of an instance, without related rows, and without a key that is None."""
    pending = state_of(instance).pending
    if any(pending.values()):
        names = ", ".join(name for name, related in pending.items() if related)
        msg = f"{instance!r} has related rows to send ({names}): save() sends them with it, bulk writes do not."
        raise ConfigurationError(msg)
    return without_null_key(info_of(instance), dump_row(plan, instance))


def without_null_key(info: ModelInfo, row: Row) -> Row:
    """Remove a null key from a row: the server refuses it, and makes a key if there is none."""
    if row.get(info.pk.column, ...) is None:
        del row[info.pk.column]
    return row


def check_new_key(info: ModelInfo, row: Row) -> Row:
    """Return a new row; refuse a key that the server would store, and respond with another one (G12)."""
    key = row.get(info.pk.column)
    if key is not None and not key:
        msg = f"{info.pk} is {key!r}: the server would store it, and respond with another key."
        raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=key)
    return row


def with_generated_key(row: Row, info: ModelInfo) -> Row:
    """Return a row with a new uuid as its key if it has none, to find its row in the response (G11).

    A key that is read-only is refused by the server.
    """
    if info.pk.column not in row and info.pk.value_type.kind == "uuid" and not info.pk.options.readonly:
        return {**row, info.pk.column: str(uuid4())}
    return row
