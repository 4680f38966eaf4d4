"""Optimistic locking for save(if_unmodified=True): is the row on the server still the one that was loaded?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.errors import ConfigurationError, ConversionError, StaleObject
from ..core.masking import MASK
from ..core.request_response import Row
from ..fields.field import Field
from ..instances.dirty_tracking import differs_from_stored, is_changed, key_or_value
from ..instances.refetch import refetch_rows
from ..instances.state import does_not_exist, info_of, session_of, state_of


def check_unmodified(instance: Any) -> None:
    """Read the row of an instance, bypassing the server's cache (G28), and compare it with what was loaded.

    Fields whose value did not fit are not compared: a null that the annotation forbids may hide a value (G27).

    Raises:
        StaleObject: a loaded field has another value now.
        DoesNotExist: the row does not exist.
        ConfigurationError: no field is loaded that could be compared.
    """
    info, loaded_fields = info_of(instance), _loaded_fields(instance)
    if not set(loaded_fields) - {info.pk}:
        msg = (
            f"save(if_unmodified=True) compares with the loaded fields, and {instance!r} has none: load it by "
            f"{info.model.__name__}.objects.get(pk={instance.pk!r}), or call save() without if_unmodified."
        )
        raise ConfigurationError(msg)
    row = refetch_rows(session_of(instance), [instance], loaded_fields)[0]
    if row is None:
        raise does_not_exist(instance)
    loaded_row = state_of(instance).row
    modified = [f for f in loaded_fields if _is_modified(f, loaded_row.get(f.column), row.get(f.column))]
    if modified:
        raise _stale_object(instance, modified, loaded_row, row)


def _loaded_fields(instance: Any) -> list[Field]:
    info, state = info_of(instance), state_of(instance)
    with_value = [f for f in info.fields.values() if f.name in instance.__dict__]
    # A singleton that was never saved comes without columns, which means null (G49).
    return with_value if info.options.singleton else [f for f in with_value if f.column in state.row]


def _is_modified(field: Field, loaded: Any, current: Any) -> bool:
    if loaded is None or current is None:
        return loaded is not current
    try:
        return differs_from_stored(field, field.load(loaded), current)
    except ConversionError:
        return bool(loaded != current)


def _stale_object(instance: Any, fields: Sequence[Field], loaded_row: Row, current_row: Row) -> StaleObject:
    ours = {f.name: _masked_value(f, key_or_value(instance, f)) for f in fields}
    loaded = {f.name: _masked_value(f, _value_or_json(f, loaded_row.get(f.column))) for f in fields}
    theirs = {f.name: _masked_value(f, _value_or_json(f, current_row.get(f.column))) for f in fields}
    parts = [
        f"{f.name} was {f.display(loaded[f.name])} and is {f.display(theirs[f.name])} by now"
        + (f" (here {f.display(ours[f.name])})" if is_changed(f, instance, loaded_row) else "")
        for f in fields
    ]
    model = type(instance).__name__
    message = (
        f"{model} with key {instance.pk!r} was changed by others since it was loaded: {'; '.join(parts)}. "
        "Nothing was written. refresh() loads the server's values, save() without if_unmodified overwrites them."
    )
    return StaleObject(message, model=model, key=instance.pk, ours=ours, theirs=theirs, loaded=loaded)


def _masked_value(field: Field, value: Any) -> Any:
    return MASK if field.is_secret and value is not None else value


def _value_or_json(field: Field, raw: Any) -> Any:
    """Return the value of the server's JSON, or the JSON itself if it does not fit the field."""
    try:
        return None if raw is None else field.load(raw)
    except ConversionError:
        return raw
