"""How a column is annotated: the Python type of its Directus type, and the imports that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

from ...fields.declarations.field_options import UNKNOWN
from ...fields.scalar_values import SCALARS
from ...fields.type_table import TYPES, directus_type
from ..normal_form import FieldSchema
from .enums import named_choices
from .options import GeneratorOptions
from .source_lines import Part, Subscript, literal


@attrs.frozen
class Annotation:
    """An annotation as source.

    Args:
        union: the members of the annotation without ``None``.
        imports: the names that it uses, and that its module imports.
        type: the Directus type to declare, where the annotation alone would mean another; None else.
    """

    union: tuple[Part, ...]
    imports: tuple[str, ...] = ()
    type: str | None = None


# How the annotations of the table of types are written, where it is not by their names.
_SOURCES: Mapping[Any, tuple[str, tuple[str, ...]]] = {
    UUID: ("UUID", ("UUID",)),
    Decimal: ("Decimal", ("Decimal",)),
    datetime: ("dt.datetime", ("dt",)),
    date: ("dt.date", ("dt",)),
    time: ("dt.time", ("dt",)),
    Any: ("Any", ("Any",)),
    list[str]: ("list[str]", ()),
    dict[str, Any]: ("dict[str, Any]", ("Any",)),
}
_LISTS_OF_TEXTS = frozenset({"tags", "select-multiple-checkbox", "select-multiple-dropdown"})
_LISTS_OF_OBJECTS = frozenset({"list"})


def annotation(field: FieldSchema, options: GeneratorOptions, enum: str | None = None) -> Annotation:
    """Return the annotation of a column that is no relation; a type that nobody knows is read as it comes.

    ``enum`` is the name of the enum of its choices, if it has one.
    """
    kind = field.type if field.type.partition(".")[0] in TYPES else UNKNOWN
    if kind == "json":
        return _of_json(field)
    found = _of_type(kind)
    if enum is not None:
        return attrs.evolve(found, union=(enum, "str"), imports=("StrEnum",))
    if options.choices == "literal" and (choices := named_choices(field)):
        named = Subscript("Literal", tuple(map(literal, choices)))
        return attrs.evolve(found, union=(named, "str"), imports=("Literal",))
    return found


def _of_type(kind: str) -> Annotation:
    python = directus_type(kind).annotations[0]
    text, imports = _SOURCES.get(python) or (python.__name__, ())
    usual = next(iter(SCALARS[python])) if python in SCALARS else "json"
    return Annotation((_part(text),), imports, None if kind == usual else kind)


def _part(text: str) -> Part:
    """Return an annotation, with its brackets apart."""
    name, bracket, items = text.partition("[")
    return Subscript(name, (items.removesuffix("]"),)) if bracket else text


def _of_json(field: FieldSchema) -> Annotation:
    """Return what the editor of a json field makes of it: the server says nothing of its shape."""
    if field.interface in _LISTS_OF_TEXTS:
        return Annotation((Subscript("list", ("str",)),))
    if field.interface in _LISTS_OF_OBJECTS:
        return Annotation((Subscript("list", ("dict[str, Any]",)),), ("Any",))
    return _of_type("json")
