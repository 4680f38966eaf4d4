"""From the columns of a row to the values of an instance."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..core.messages import Row
from ..fields.field import Field
from ..fields.scalars import MAX_SAFE, Convert, load_int
from .state import state_of

_MISFITS = (KeyError, ValueError, TypeError, ArithmeticError)


def load_fields(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Give an instance the values of a row; one that does not fit is left out, and says so when it is read."""
    values = instance.__dict__
    for field in fields:
        try:
            raw = row[field.column]
            if raw is not None:
                values[field.name] = field.value_type.load(raw)
            elif field.nullable:
                values[field.name] = None
            else:
                _leave_out(instance, row, field, None)
        except _MISFITS as error:
            _leave_out(instance, row, field, error)


def field_loader(fields: Iterable[Field]) -> Callable[[Any, Row], None]:
    """Return what does as `load_fields` does, and in less time; it is made once for many rows."""
    fields = tuple(fields)
    quick = compile_loader(fields)

    def take_in(instance: Any, row: Row) -> None:
        try:
            quick(instance.__dict__, row)
        except _MISFITS:
            load_fields(instance, row, fields)

    return take_in


def _leave_out(instance: Any, row: Row, field: Field, error: Exception | None) -> None:
    state, raw = state_of(instance), row.get(field.column)
    if field.model.directus.options.singleton and raw is None:
        # A singleton that was never saved comes without the fields that have no default (G49).
        instance.__dict__[field.name] = None
        return
    key = instance.__dict__.get(field.model.directus.pk.name)
    if field.column not in row:
        problem = field.error("what the server sent", "it has no such field", key, None)
    elif raw is None:
        why = "the annotation has no '| None' (null may also mean that this user may not see it: G27)"
        problem = field.error("null", why, key, None)
    else:
        problem = field.error(f"the server's value {field.shown(raw)}", error, key, raw)
    instance.__dict__.pop(field.name, None)
    state.problems[field.name] = problem


def fill_missing(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Take what an instance lacks; what was assigned meanwhile stays."""
    missing = [field for field in fields if field.name not in instance.__dict__]
    state_of(instance).row.update({field.column: row.get(field.column) for field in missing})
    load_fields(instance, row, missing)


# --- the function for a selection -------------------------------------------------------------------------------

LoadFields = Callable[[dict[str, Any], Row], None]
"""Puts a row's values where instances have them; raises where one is missing or does not fit its field."""


# What load_int finds out first; said in the function itself, it costs a third.
_IS_SAFE = f"value.__class__ is int and {-MAX_SAFE} <= value <= {MAX_SAFE}"


def compile_loader(fields: Iterable[Field]) -> LoadFields:
    """Return the function for these fields."""
    selection = tuple(
        (field.name, field.column, field.value_type.plain, field.nullable, field.value_type.load)
        for field in fields
    )
    return _compiled(selection)


@functools.lru_cache(maxsize=512)
def _compiled(selection: tuple[tuple[str, str, type | None, bool, Convert], ...]) -> LoadFields:
    known: dict[str, Any] = {}
    lines = ["def take(values, row):"]
    for number, (name, column, plain, nullable, load) in enumerate(selection):
        known |= {f"load{number}": load if nullable else _of_value(load), f"plain{number}": plain}
        passes = [
            *(["value is None"] if nullable else []),
            *([f"value.__class__ is plain{number}"] if plain else []),
            *([_IS_SAFE] if load is load_int else []),
        ]
        kept = f"value if {' or '.join(passes)} else " if passes else ""
        lines += [f"    value = row[{column!r}]", f"    values[{name!r}] = {kept}load{number}(value)"]
    # Names stand in it as literals alone, so that none can be read as code.
    exec("\n".join([*lines, "    return None"]), known)  # noqa: S102
    take: LoadFields = known["take"]
    return take


def _of_value(load: Convert) -> Convert:
    def of_value(value: Any) -> Any:
        if value is None:
            msg = "null"
            raise ValueError(msg)
        return load(value)

    return of_value
