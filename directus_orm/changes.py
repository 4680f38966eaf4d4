"""What differs: an instance from what was loaded, and that from what the server holds by now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .errors import ConfigurationError, ConversionError, StaleObject
from .fields import Field
from .info import ModelInfo, is_model
from .instances import gone, is_new, key_of, read_rows, session_of, state_of
from .wire import MASK, Row

# --- what changed here --------------------------------------------------------------------------------------


def changed_fields(instance: Any) -> list[Field]:
    """Return the fields whose value is not the one the server is known to hold."""
    fields, row = _info(instance).fields.values(), state_of(instance).row
    return [field for field in fields if field.name in instance.__dict__ and differs(field, instance, row)]


def differs(field: Field, instance: Any, row: Row) -> bool:
    """Return whether an instance's value of a field is another one than a row's."""
    if field.column not in row or is_new(instance.__dict__[field.name]):
        return True
    return _is_another(field, _key_or_value(instance, field), row[field.column])


def _is_another(field: Field, value: Any, stored: Any) -> bool:
    """Return whether a value is another one than what the server's JSON stands for."""
    if value is None or stored is None:
        return value is not stored
    try:
        before = field.load(stored)
    except ConversionError:
        return True
    # Objects decide themselves what makes them equal; what is stored decides here.
    if not field.is_document and type(value) is type(before) and value == before:
        return False
    try:
        return _json(field.dump(value)) != _json(field.dump(before))
    except ConversionError:  # one of the two cannot be sent: whoever sends it says so
        return bool(value != before)


def _json(value: Any) -> str:
    # As text, 1 and True differ, and dictionaries do not differ by their order.
    return json.dumps(value, sort_keys=True)


def _key_or_value(instance: Any, field: Field) -> Any:
    value = instance.__dict__[field.name]
    return key_of(value) if is_model(type(value)) else value


# --- what changed there -------------------------------------------------------------------------------------


def check_unmodified(instance: Any) -> None:
    """Read the row of an instance, past the server's cache (G28), and see that it is what was loaded.

    Fields whose value could not be taken are left out: a null that is not allowed may be a hidden value (G27).

    Raises:
        StaleObject: a field that was loaded has another value by now.
        DoesNotExist: the row is gone.
        ConfigurationError: nothing was loaded that could be compared.
    """
    info, loaded = _info(instance), _loaded(instance)
    if not set(loaded) - {info.pk}:
        msg = (
            f"save(if_unmodified=True) compares with what was loaded, and of {instance!r} nothing was: "
            f"{info.model.__name__}.objects.get(pk={instance.pk!r}) reads it, or save() without it."
        )
        raise ConfigurationError(msg)
    row = read_rows(session_of(instance), [instance], loaded)[0]
    if row is None:
        raise gone(instance)
    known = state_of(instance).row
    moved = [f for f in loaded if _has_moved(f, known.get(f.column), row.get(f.column))]
    if moved:
        raise _stale(instance, moved, known, row)


def _loaded(instance: Any) -> list[Field]:
    info, state = _info(instance), state_of(instance)
    held = [f for f in info.fields.values() if f.name in instance.__dict__]
    # A singleton that was never saved comes without columns, and they stand for null (G49).
    return held if info.options.singleton else [f for f in held if f.column in state.row]


def _has_moved(field: Field, before: Any, after: Any) -> bool:
    if before is None or after is None:
        return before is not after
    try:
        return _is_another(field, field.load(before), after)
    except ConversionError:
        return bool(before != after)


def _stale(instance: Any, fields: Sequence[Field], known: Row, row: Row) -> StaleObject:
    ours = {f.name: _told(f, _key_or_value(instance, f)) for f in fields}
    loaded = {f.name: _told(f, _value(f, known.get(f.column))) for f in fields}
    theirs = {f.name: _told(f, _value(f, row.get(f.column))) for f in fields}
    parts = [
        f"{f.name} was {f.shown(loaded[f.name])} and is {f.shown(theirs[f.name])} by now"
        + (f" (here {f.shown(ours[f.name])})" if differs(f, instance, known) else "")
        for f in fields
    ]
    model = type(instance).__name__
    message = (
        f"{model} with key {instance.pk!r} was changed by others since it was loaded: {'; '.join(parts)}. "
        "Nothing was written. refresh() takes what is there, save() without if_unmodified writes over it."
    )
    return StaleObject(message, model=model, key=instance.pk, ours=ours, theirs=theirs, loaded=loaded)


def _told(field: Field, value: Any) -> Any:
    return MASK if field.secret and value is not None else value


def _value(field: Field, raw: Any) -> Any:
    """Return what the server's JSON stands for; where it does not fit the field, the JSON."""
    try:
        return None if raw is None else field.load(raw)
    except ConversionError:
        return raw


def _info(instance: Any) -> ModelInfo:
    info: ModelInfo = type(instance).directus
    return info
