"""A module of models as source: its header, its imports, its classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import attrs

from ..naming import class_names, field_names
from ..normal_form import CollectionSchema, DatabaseSchema, SchemaNote
from ..system_models import system_models
from .annotations import IMPORTS
from .fields import FieldSource, Names, column, related_list
from .options import GeneratorOptions
from .source_lines import WIDTH, call, comment, docstring, literal


@attrs.frozen
class GeneratedModule:
    """A module as source, and what it could not say."""

    body: str
    notes: tuple[SchemaNote, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the body, by which edits are noticed."""
        return hashlib.sha256(self.body.encode()).hexdigest()


def generate_module(schema: DatabaseSchema, options: GeneratorOptions | None = None) -> GeneratedModule:
    """Return the models of a schema as the source of one module; formatted as ruff formats, in a stable order.

    Example:
        >>> print(generate_module(read_schema(session)).body)  # doctest: +SKIP
    """
    options = options or GeneratorOptions()
    own = _declared(schema)
    names = names_of(schema, options)
    classes = [_class(each, names, options) for each in own]
    imports = frozenset[str]().union(*(each.imports for each in classes))
    lines = [*_imports(imports | {"Model"}, uses_system=_uses_system(own, names))]
    for each in classes:
        lines += ["", "", *each.lines]
    notes = schema.notes
    if notes:
        lines += ["", "", "# What these models do not say:"]
        lines += [line for note in notes for line in comment(str(note), indent=0)]
    return GeneratedModule("\n".join(lines) + "\n", notes)


def _declared(schema: DatabaseSchema) -> list[CollectionSchema]:
    """Return the collections that get a class."""
    return [each for each in schema.collections if not each.is_system or _has_own_fields(each)]


def _has_own_fields(collection: CollectionSchema) -> bool:
    return any(not each.is_key for each in collection.fields) or bool(collection.lists)


def _uses_system(own: Sequence[CollectionSchema], names: Names) -> bool:
    collections = {related for each in own for relation in each.relations for related in relation.related}
    classes = {names.classes[name] for name in collections if name in names.classes}
    return any(each.is_system for each in own) or any(name.startswith("system.") for name in classes)


def names_of(schema: DatabaseSchema, options: GeneratorOptions) -> Names:
    """Return the names of the classes and attributes of a schema.

    Raises:
        ConfigurationError: the user chose one name twice.
    """
    own = _declared(schema)
    # A model of one of Directus's own collections is called as its base, unless the project has that name itself.
    projects_own = [each.name for each in own if not each.is_system]
    chosen = {name: given for name, given in options.names.items() if "." not in name}
    projects = class_names(projects_own, chosen)
    extended = {each.name: system_models()[each.name].__name__ for each in own if each.is_system}
    taken = set(projects.values())
    classes = dict(projects)
    for name, wanted in extended.items():
        classes[name] = chosen.get(name) or (wanted if wanted not in taken else f"Directus{wanted}")
    for each in schema.collections:
        if each.is_system:
            classes.setdefault(each.name, f"system.{system_models()[each.name].__name__}")
    attributes = {each.name: _attribute_names(each, set(classes.values()), options) for each in schema.collections}
    return Names(classes, attributes)


def _attribute_names(
    collection: CollectionSchema, classes: Iterable[str], options: GeneratorOptions
) -> dict[str, str]:
    fields = [each.name for each in collection.fields] + [each.field for each in collection.lists]
    chosen = {each: options.names.get(f"{collection.name}.{each}") for each in fields}
    return field_names(fields, {each: name for each, name in chosen.items() if name}, taken={*classes})


def _class(collection: CollectionSchema, names: Names, options: GeneratorOptions) -> FieldSource:
    name = names.classes[collection.name]
    base = f"system.{system_models()[collection.name].__name__}" if collection.is_system else "Model"
    arguments = [base] if collection.is_system else [base, f"collection={literal(collection.name)}"]
    if collection.is_singleton:
        arguments.append("singleton=True")
    fields = [each for each in collection.fields if not (collection.is_system and each.is_key)]
    lists = list(collection.lists)
    if options.sort == "name":
        fields.sort(key=lambda each: (not each.is_key, each.name))
        lists.sort(key=lambda each: each.field)
    parts = [column(collection, each, names, options) for each in fields]
    parts += [related_list(collection, each, names) for each in lists]
    lines = call("class ", name, arguments, ":", indent=0)
    if collection.note:
        lines += [*docstring(collection.note), ""]
    lines += [line for part in parts for line in part.lines]
    return FieldSource(tuple(lines), frozenset[str]().union(*(part.imports for part in parts)))


def _imports(used: frozenset[str], *, uses_system: bool) -> list[str]:
    standard = _standard_imports(used)
    names: set[str] = {*used, "system"} if uses_system else set(used)
    ours = sorted(names - IMPORTS.keys(), key=_import_order)
    lines = ["from __future__ import annotations", ""]
    lines += [*standard, ""] if standard else []
    return lines + _import_from("directus_orm", ours)


def _standard_imports(used: frozenset[str]) -> list[str]:
    typing = sorted(used & {"Any", "Literal"})
    lines = [IMPORTS["dt"]] if "dt" in used else []
    lines += [IMPORTS["Decimal"]] if "Decimal" in used else []
    lines += [f"from typing import {', '.join(typing)}"] if typing else []
    return lines + ([IMPORTS["UUID"]] if "UUID" in used else [])


def _import_order(name: str) -> tuple[bool, str]:
    """Classes come before functions, as ruff sorts them."""
    return name[0].islower(), name


def _import_from(module: str, names: Sequence[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]
