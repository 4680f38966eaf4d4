"""What is sent of an instance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from ..core.errors import ConfigurationError, ConversionError
from ..core.messages import Row
from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.registry import is_model
from ..fields.scalars import Convert
from ..instances.state import info_of, key_of, state_of


def with_generated_key(row: Row, info: ModelInfo) -> Row:
    """Return a row with a key, where the server's answer could not tell which is which (G11)."""
    if info.pk.column not in row and info.pk.value_type.kind == "uuid":
        return {**row, info.pk.column: str(uuid4())}
    return row


def _key_to_send(field: Field, value: Any) -> Any:
    """Return what stands for the value of a relation: of a related instance, its key."""
    if not is_model(type(value)):
        return value
    if not state_of(value).stored:
        fate = "which was deleted" if state_of(value).deleted else "which is not saved: save it first"
        msg = f"{field} refers to {value!r}, {fate}."
        raise ConversionError(msg, model=field.model.__name__, field=field.name, value=value)
    return key_of(value)


# Of each field: its name and column, the conversion, whether it leads to a row, whether more than its type is
# checked, and itself.
DumpPlan = tuple[tuple[str, str, Convert, bool, bool, Field], ...]


def dump_plan(fields: Iterable[Field]) -> DumpPlan:
    """Return what `dump_row` needs of fields, looked up once for all instances."""
    return tuple((f.name, f.column, f.value_type.dump, f.target is not None, _is_checked(f), f) for f in fields)


def _is_checked(field: Field) -> bool:
    return field.options.readonly or field.options.validator is not None


def dump_fields(instance: Any, fields: Iterable[Field]) -> Row:
    """Convert fields for sending, each checked by its type and its validator; what has no value is left out."""
    return dump_row(dump_plan(fields), instance)


def dump_row(fields: DumpPlan, instance: Any) -> Row:
    """Do as `dump_fields` does; this runs for every row of a bulk write."""
    values = instance.__dict__
    row: Row = {}
    for name, column, dump, leads, is_checked, field in fields:
        if name not in values:
            continue
        value = values[name]
        if leads:
            value = _key_to_send(field, value)
        try:
            row[column] = None if value is None and field.nullable else dump(value)
        except (ValueError, TypeError, ArithmeticError):
            row[column] = field.dump(value, instance.pk)  # raises, and says where
        if is_checked:
            _check(field, instance, value)
    return row


def _check(field: Field, instance: Any, value: Any) -> None:
    if field.options.readonly:
        msg = f"{field} is readonly: its value cannot be sent. Take it from the server with refresh()."
        raise ConversionError(msg, model=field.model.__name__, key=instance.pk, field=field.name)
    if field.options.validator is not None:
        field.options.validator(instance, field.attribute, value)


def dump_new_row(instance: Any, fields: DumpPlan) -> Row:
    """Return what creating an instance sends: what was given, and the defaults other than None."""
    if any(state_of(instance).pending.values()):
        names = ", ".join(name for name, waiting in state_of(instance).pending.items() if waiting)
        msg = f"{instance!r} has related rows that wait for it ({names}): save() takes them along, this does not."
        raise ConfigurationError(msg)
    return check_new_key(info_of(instance), dump_row(fields, instance))


def check_new_key(info: ModelInfo, row: Row) -> Row:
    """Return a new row without a key that is null, which the server refuses; refuse one that it would replace."""
    key = info.pk.column
    if key in row and not row[key]:
        if row[key] is None:
            del row[key]  # an explicit null is refused (G12), and says the same as nothing
        else:
            msg = f"{info.pk} is {row[key]!r}: the server would store the row and answer with another one."
            raise ConversionError(msg, model=info.model.__name__, field=info.pk.name, value=row[key])
    return row
