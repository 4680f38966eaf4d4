"""The differences between a field of a model and its column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...fields.declarations.field_options import NOT_SAID
from ...fields.field import Field
from ...fields.scalar_values import short_repr
from ..normal_form import FieldSchema
from .drift import Drift
from .type_compatibility import is_compatible, is_of_other_size

Check = Callable[[Field, FieldSchema], Drift | None]


def drift_of(field: Field, code: str, here: str, there: str, message: str) -> Drift:
    """Return a difference at a field of a model."""
    return Drift(code, field.model.__name__, field.name, here, there, message)


def column_drifts(field: Field, column: FieldSchema, vendor: str | None) -> Iterator[Drift]:
    """Yield the differences between a field and its column; those of a relation are not among them.

    ``vendor`` is the database of the server; None for one that is not known.
    """
    if field.target is None and not is_compatible(field, column, vendor):
        message = "Its values cannot be read or written as they are annotated."
        yield drift_of(field, "type-differs", field.type, column.type, message)
        return
    found = (check(field, column) for check in _CHECKS)
    yield from (each for each in found if each is not None)


def _size(field: Field, column: FieldSchema) -> Drift | None:
    # Not every database says how large the keys are that it counts up.
    is_counted_up = field.primary_key and column.made_by == "auto_increment"
    if field.target is not None or is_counted_up or not is_of_other_size(field, column):
        return None
    return drift_of(field, "size-differs", field.type, column.type, "The one holds larger values than the other.")


def _null(field: Field, column: FieldSchema) -> Drift | None:
    if field.nullable == column.is_nullable or field.primary_key:
        return None
    if column.is_nullable:
        return drift_of(field, "null-there", "no null", "null allowed", "Rows with null raise when they are read.")
    if field.value_type.python == "Any":  # which cannot say that it is never None
        return None
    return drift_of(field, "null-here", "null allowed", "no null", "The server refuses to save None.")


def _value(field: Field, column: FieldSchema) -> Drift | None:
    """Compare who makes the value of a new row."""
    is_computed = column.made_by == "generated_column"
    if is_computed and not (field.options.readonly or field.options.generated):
        return drift_of(
            field, "computed-there", "written", "computed", "The database refuses any value that is sent."
        )
    if not (field.options.generated or field.options.readonly):
        return None
    here = repr(field.options.made) if field.options.generated else "readonly"
    if column.needs_value:
        message = "Each creation fails, since nothing gives it a value."
        return drift_of(field, "value-needed", here, "no default", message)
    if field.options.generated and not field.options.is_unknown and not _is_made(column):
        message = "Nothing makes a value: new rows have null."
        return drift_of(field, "not-generated", here, "no default", message)
    return None


def _is_made(column: FieldSchema) -> bool:
    return column.default is not None or column.made_by is not None


def _default(field: Field, column: FieldSchema) -> Drift | None:
    said = field.options.server_default
    here = said if said is not NOT_SAID else field.default
    if hasattr(here, "factory"):  # attrs keeps one so that each instance gets a value of its own
        here = here.factory()
    if here is NOT_SAID or (here is None and said is NOT_SAID) or field.options.generated:
        return None
    # Only the database can read a default that it computes.
    if column.made_by is not None or _is_same_default(field, here, column.default):
        return None
    message = "A new row gets the model's from here, and the server's from others."
    return drift_of(field, "default-differs", short_repr(here), short_repr(column.default), message)


def _is_same_default(field: Field, here: Any, there: Any) -> bool:
    if here == there:
        return True
    if here is None or there is None:
        return False
    try:
        return bool(field.value_type.dump(here) == field.value_type.dump(field.value_type.load(there)))
    except (TypeError, ValueError, ArithmeticError):
        return str(here) == str(there)


def _secret(field: Field, column: FieldSchema) -> Drift | None:
    if column.secret is None or field.is_secret or field.target is not None:
        return None
    message = "The server shows a mask instead of the value."
    return drift_of(field, "secret-there", "no secret", column.secret, message)


def _choices(field: Field, column: FieldSchema) -> Drift | None:
    here = None if field.own_type is None else field.own_type.choices
    if here is None or field.own_type is None or not column.choices:
        return None
    named = {getattr(each, "value", each) for each in here}
    offered = {each for each in column.choices if type(each) in {type(value) for value in named}}
    lacking = sorted(map(repr, offered - named))
    if lacking and not field.own_type.is_open:
        message = f"Rows with one of the others raise when they are read: {', '.join(lacking)}."
        return drift_of(field, "choices-narrower", _listed(named), _listed(offered), message)
    if named == offered:
        return None
    message = "Directus's app offers other choices than the model names."
    return drift_of(field, "choices-differ", _listed(named), _listed(offered), message)


def _listed(values: set[Any]) -> str:
    return ", ".join(sorted(map(repr, values)))


def _max_length(field: Field, column: FieldSchema) -> Drift | None:
    return _said(field, "max-length-differs", field.options.max_length, column.max_length)


def _precision(field: Field, column: FieldSchema) -> Drift | None:
    there = None if column.precision is None else (column.precision, column.scale or 0)
    # A database without exact numbers keeps no digits.
    return _said(field, "precision-differs", field.options.precision, there) if there else None


def _unique(field: Field, column: FieldSchema) -> Drift | None:
    return _said(field, "unique-differs", field.options.unique or None, column.is_unique)


def _index(field: Field, column: FieldSchema) -> Drift | None:
    # Directus 10 and snapshots do not say whether there is one.
    if column.is_indexed is None or column.is_unique or field.primary_key:
        return None
    return _said(field, "index-differs", field.options.index or None, column.is_indexed)


def _note(field: Field, column: FieldSchema) -> Drift | None:
    return _said(field, "note-differs", field.options.note, column.note)


def _said(field: Field, code: str, here: Any, there: Any) -> Drift | None:
    """Return the difference of an option, if the model says it."""
    if here is None or here == there:
        return None
    return drift_of(field, code, short_repr(here), short_repr(there), "Nothing breaks; the model says otherwise.")


_CHECKS: tuple[Check, ...] = (
    _size,
    _null,
    _value,
    _default,
    _secret,
    _choices,
    _max_length,
    _precision,
    _unique,
    _index,
    _note,
)
