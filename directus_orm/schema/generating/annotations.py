"""How a column is annotated: the Python type of its Directus type, and the imports that it needs."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...core.errors import ConfigurationError
from ...fields.type_table import directus_type
from ..normal_form import FieldSchema
from .options import GeneratorOptions
from .source_lines import literal


@attrs.frozen
class Annotation:
    """An annotation as source.

    Args:
        text: the annotation without ``| None``.
        imports: the names that it uses, as keys of `IMPORTS`.
        type: the Directus type to declare, where the annotation alone would mean another; None else.
    """

    text: str
    imports: tuple[str, ...] = ()
    type: str | None = None


IMPORTS: Mapping[str, str] = {
    "dt": "import datetime as dt",
    "Decimal": "from decimal import Decimal",
    "Any": "from typing import Any",
    "Literal": "from typing import Literal",
    "UUID": "from uuid import UUID",
}
"""The import statements of the standard library, by the name that is used."""

_OF_TYPE: Mapping[str, Annotation] = {
    "string": Annotation("str"),
    "text": Annotation("str", type="text"),
    "hash": Annotation("str", type="hash"),
    "binary": Annotation("str", type="binary"),
    "uuid": Annotation("UUID", ("UUID",)),
    "integer": Annotation("int"),
    "bigInteger": Annotation("int", type="bigInteger"),
    "float": Annotation("float"),
    "decimal": Annotation("Decimal", ("Decimal",)),
    "boolean": Annotation("bool"),
    "timestamp": Annotation("dt.datetime", ("dt",)),
    "dateTime": Annotation("dt.datetime", ("dt",), "dateTime"),
    "date": Annotation("dt.date", ("dt",)),
    "time": Annotation("dt.time", ("dt",)),
    "csv": Annotation("list[str]", type="csv"),
    "json": Annotation("Any", ("Any",)),
    "geometry": Annotation("dict[str, Any]", ("Any",)),
    "unknown": Annotation("Any", ("Any",), "unknown"),
}
_LISTS_OF_TEXTS = frozenset({"tags", "select-multiple-checkbox", "select-multiple-dropdown"})
_LISTS_OF_OBJECTS = frozenset({"list"})


def annotation(field: FieldSchema, options: GeneratorOptions) -> Annotation:
    """Return the annotation of a column that is no relation.

    Raises:
        ConfigurationError: Directus has a type that this library does not know.
    """
    try:
        found = _OF_TYPE[directus_type(field.type).name]
    except KeyError as error:
        raise ConfigurationError(f"{field.name}: no annotation stands for the type {field.type!r}.") from error
    if found.text == "dict[str, Any]":
        return attrs.evolve(found, type=field.type)
    if field.type == "json":
        return _of_json(field)
    if found.text == "str" and field.choices and options.choices == "literal":
        choices = ", ".join(literal(each) for each in field.choices if isinstance(each, str))
        return attrs.evolve(found, text=f"Literal[{choices}] | str", imports=("Literal",)) if choices else found
    return found


def _of_json(field: FieldSchema) -> Annotation:
    """Return what the editor of a json field makes of it: the server says nothing of its shape."""
    if field.interface in _LISTS_OF_TEXTS:
        return Annotation("list[str]")
    if field.interface in _LISTS_OF_OBJECTS:
        return Annotation("list[dict[str, Any]]", ("Any",))
    return _OF_TYPE["json"]
