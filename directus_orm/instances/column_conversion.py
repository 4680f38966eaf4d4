"""Converting the columns of a row into the field values of an instance."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..core.request_response import Row
from ..fields.field import Field
from ..fields.scalar_values import MAX_SAFE_INTEGER, Convert, load_int
from .state import state_of

_CONVERSION_FAILURES = (KeyError, ValueError, TypeError, ArithmeticError)


def load_fields(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Set the values of fields from a row; a value that does not fit stays unset, and reading it raises."""
    values = instance.__dict__
    for field in fields:
        try:
            raw = row[field.column]
            if raw is not None:
                values[field.name] = field.value_type.load(raw)
            elif field.nullable:
                values[field.name] = None
            else:
                _leave_unset(instance, row, field, None)
        except _CONVERSION_FAILURES as error:
            _leave_unset(instance, row, field, error)


def field_loader(fields: Iterable[Field]) -> Callable[[Any, Row], None]:
    """Return a faster `load_fields` for a fixed selection of fields, to be used for many rows."""
    fields = tuple(fields)
    load_all = compile_loader(fields)

    def load(instance: Any, row: Row) -> None:
        try:
            load_all(instance.__dict__, row)
        except _CONVERSION_FAILURES:
            load_fields(instance, row, fields)

    return load


def _leave_unset(instance: Any, row: Row, field: Field, error: Exception | None) -> None:
    """Remove the value of a field and keep the error that reading it raises."""
    state, raw = state_of(instance), row.get(field.column)
    if field.model.directus.options.singleton and raw is None:
        # A singleton that was never saved comes without the fields that have no default (G49).
        instance.__dict__[field.name] = None
        state.row.setdefault(field.column, None)
        return
    key = instance.__dict__.get(field.model.directus.pk.name)
    if field.column not in row:
        problem = field.conversion_error("what the server sent", "it has no such field", key, None)
    elif raw is None:  # the server also hides values as null (G27)
        why = "the annotation has no '| None' (null may also mean that this user may not see it)"
        problem = field.conversion_error("null", why, key, None)
    else:
        problem = field.conversion_error(f"the server's value {field.display(raw)}", error, key, raw)
    instance.__dict__.pop(field.name, None)
    state.problems[field.name] = problem


def fill_missing(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Set those fields that an instance lacks from a row; values assigned meanwhile stay."""
    missing = [field for field in fields if field.name not in instance.__dict__]
    state_of(instance).row.update({field.column: row.get(field.column) for field in missing})
    load_fields(instance, row, missing)


# --- the compiled loader of a selection -------------------------------------------------------------------------

LoadValues = Callable[[dict[str, Any], Row], None]
"""Sets an instance's values from a row; raises if a column is missing or does not fit its field."""


# The first test of load_int. Inlined into the compiled function, it saves a third of the time.
_IS_SAFE_INT = f"value.__class__ is int and {-MAX_SAFE_INTEGER} <= value <= {MAX_SAFE_INTEGER}"


def compile_loader(fields: Iterable[Field]) -> LoadValues:
    """Return a function, compiled for these fields, that sets their values from a row."""
    selection = tuple(
        (field.name, field.column, field.value_type.plain, field.nullable, field.value_type.load)
        for field in fields
    )
    return _compiled(selection)


@functools.lru_cache(maxsize=512)
def _compiled(selection: tuple[tuple[str, str, type | None, bool, Convert], ...]) -> LoadValues:
    namespace: dict[str, Any] = {}
    lines = ["def load(values, row):"]
    for number, (name, column, plain, nullable, load) in enumerate(selection):
        namespace |= {f"load{number}": load if nullable else _refusing_null(load), f"plain{number}": plain}
        needs_no_conversion = [
            *(["value is None"] if nullable else []),
            *([f"value.__class__ is plain{number}"] if plain else []),
            *([_IS_SAFE_INT] if load is load_int else []),
        ]
        shortcut = f"value if {' or '.join(needs_no_conversion)} else " if needs_no_conversion else ""
        lines += [f"    value = row[{column!r}]", f"    values[{name!r}] = {shortcut}load{number}(value)"]
    # Names of fields and columns are in the source as string literals only, so none can be executed.
    exec("\n".join([*lines, "    return None"]), namespace)  # noqa: S102
    compiled: LoadValues = namespace["load"]
    return compiled


def _refusing_null(load: Convert) -> Convert:
    def load_value(value: Any) -> Any:
        if value is None:
            msg = "null"
            raise ValueError(msg)
        return load(value)

    return load_value
