"""save(if_unmodified=True): is the row still what was loaded?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.errors import ConfigurationError, ConversionError, StaleObject
from ..core.masking import MASK
from ..core.messages import Row
from ..fields.field import Field
from ..instances.dirty_tracking import differs_from_stored, is_changed, key_or_value
from ..instances.refetch import refetch_rows
from ..instances.state import does_not_exist, info_of, session_of, state_of

# --- what changed there -------------------------------------------------------------------------------------


def check_unmodified(instance: Any) -> None:
    """Read the row of an instance, past the server's cache (G28), and see that it is what was loaded.

    Fields whose value could not be taken are left out: a null that is not allowed may be a hidden value (G27).

    Raises:
        StaleObject: a field that was loaded has another value by now.
        DoesNotExist: the row is gone.
        ConfigurationError: nothing was loaded that could be compared.
    """
    info, loaded = info_of(instance), _loaded(instance)
    if not set(loaded) - {info.pk}:
        msg = (
            f"save(if_unmodified=True) compares with what was loaded, and of {instance!r} nothing was: "
            f"{info.model.__name__}.objects.get(pk={instance.pk!r}) reads it, or save() without it."
        )
        raise ConfigurationError(msg)
    row = refetch_rows(session_of(instance), [instance], loaded)[0]
    if row is None:
        raise does_not_exist(instance)
    known = state_of(instance).row
    moved = [f for f in loaded if _has_moved(f, known.get(f.column), row.get(f.column))]
    if moved:
        raise _stale(instance, moved, known, row)


def _loaded(instance: Any) -> list[Field]:
    info, state = info_of(instance), state_of(instance)
    held = [f for f in info.fields.values() if f.name in instance.__dict__]
    # A singleton that was never saved comes without columns, and they stand for null (G49).
    return held if info.options.singleton else [f for f in held if f.column in state.row]


def _has_moved(field: Field, before: Any, after: Any) -> bool:
    if before is None or after is None:
        return before is not after
    try:
        return differs_from_stored(field, field.load(before), after)
    except ConversionError:
        return bool(before != after)


def _stale(instance: Any, fields: Sequence[Field], known: Row, row: Row) -> StaleObject:
    ours = {f.name: _told(f, key_or_value(instance, f)) for f in fields}
    loaded = {f.name: _told(f, _value(f, known.get(f.column))) for f in fields}
    theirs = {f.name: _told(f, _value(f, row.get(f.column))) for f in fields}
    parts = [
        f"{f.name} was {f.display(loaded[f.name])} and is {f.display(theirs[f.name])} by now"
        + (f" (here {f.display(ours[f.name])})" if is_changed(f, instance, known) else "")
        for f in fields
    ]
    model = type(instance).__name__
    message = (
        f"{model} with key {instance.pk!r} was changed by others since it was loaded: {'; '.join(parts)}. "
        "Nothing was written. refresh() takes what is there, save() without if_unmodified writes over it."
    )
    return StaleObject(message, model=model, key=instance.pk, ours=ours, theirs=theirs, loaded=loaded)


def _told(field: Field, value: Any) -> Any:
    return MASK if field.is_secret and value is not None else value


def _value(field: Field, raw: Any) -> Any:
    """Return what the server's JSON stands for; where it does not fit the field, the JSON."""
    try:
        return None if raw is None else field.load(raw)
    except ConversionError:
        return raw
