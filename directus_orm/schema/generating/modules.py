"""Modules of models as source: their imports, their classes, and what they could not say."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import attrs

from ..normal_form import CollectionSchema, DatabaseSchema, SchemaNote
from ..system_models import system_models
from .enums import enum_source, named_choices
from .fields import FieldSource, column, related_list
from .imports import import_from, imports
from .layout import Layout
from .names import Names, declared, names_of
from .options import GeneratorOptions
from .source_lines import call, comment, docstring, literal


@attrs.frozen
class GeneratedModule:
    """A module as source, and what it could not say.

    ``classes`` are the names of the models, by collection.
    """

    body: str
    notes: tuple[SchemaNote, ...] = ()
    classes: Mapping[str, str] = attrs.field(factory=dict)


def generate_module(
    schema: DatabaseSchema, options: GeneratorOptions | None = None, layout: Layout | None = None
) -> GeneratedModule:
    """Return the models of a schema as the source of one module; formatted as ruff formats, in a stable order.

    Args:
        schema: what is written.
        options: how it is written.
        layout: the files beside the module; by default there are none.

    Example:
        >>> print(generate_module(read_schema(session)).body)  # doctest: +SKIP
    """
    options, layout = options or GeneratorOptions(), layout or Layout()
    own, names = declared(schema), names_of(schema, options)
    classes = {each.name: _class(each, names, options, layout) for each in own}
    named = {name for each in classes.values() for name in each.models if not name.startswith("system.")}
    checked = layout.imports_for_checkers(named, own)
    used = {name for each in classes.values() for name in each.imports} | ({"TYPE_CHECKING"} if checked else set())
    lines = [*imports(used), *([""] if checked else []), *checked]
    for collection in own:
        for enum in _enums(collection, names):
            lines += ["", "", *enum]
        lines += ["", "", *classes[collection.name].lines]
    if schema.notes:
        lines += ["", "", "# What these models do not say:"]
        lines += [line for note in schema.notes for line in comment(str(note), indent=0)]
    return GeneratedModule(
        "\n".join(lines) + "\n", schema.notes, {each.name: names.classes[each.name] for each in own}
    )


def _enums(collection: CollectionSchema, names: Names) -> Iterator[list[str]]:
    for field in collection.fields:
        name = names.enums.get((collection.name, field.name))
        if name is not None:
            yield enum_source(name, named_choices(field))


def _class(collection: CollectionSchema, names: Names, options: GeneratorOptions, layout: Layout) -> FieldSource:
    """Return the class of a collection, or its abstract base."""
    name = names.classes[collection.name]
    base = f"system.{system_models()[collection.name].__name__}" if collection.is_system else "Model"
    if layout.has_bases:
        lines = [f"class {name}{names.suffix_of_bases}({base}, abstract=True):"]
    else:
        lines = call("class ", name, [base, *_keywords(collection)], ":", indent=0)
    fields = [each for each in collection.fields if not (collection.is_system and each.is_key)]
    lists = list(collection.lists)
    if options.sort == "name":
        fields.sort(key=lambda each: (not each.is_key, each.name))
        lists.sort(key=lambda each: each.field)
    parts = [column(collection, each, names, options) for each in fields]
    parts += [related_list(collection, each, names) for each in lists]
    if collection.note:
        lines += [*docstring(collection.note), ""]
    lines += [line for part in parts for line in part.lines]
    used = {base.partition(".")[0], *(name for part in parts for name in part.imports)}
    models = {name for part in parts for name in part.models}
    used |= {"system"} if any(each.startswith("system.") for each in models) else set()
    if layout.has_lookups_of(collection):
        lines += ["    if TYPE_CHECKING:", f"        objects = TypedManager(_lookups.{name})"]
        used.add("TypedManager")
    return FieldSource(tuple(lines), frozenset(used), frozenset(models))


def _keywords(collection: CollectionSchema) -> list[str]:
    """Return the keywords of a class that say which rows it has."""
    named = [] if collection.is_system else [f"collection={literal(collection.name)}"]
    return named + (["singleton=True"] if collection.is_singleton else [])


# --- the models of abstract bases -----------------------------------------------------------------------------


def models_module(
    schema: DatabaseSchema, options: GeneratorOptions, layout: Layout, before: str | None = None
) -> GeneratedModule:
    """Return the module of the models that are made of abstract bases, for the user to go on with.

    Args:
        schema: as of `generate_module`.
        options: the same.
        layout: the same; it has bases.
        before: the module as it is. Only the classes that it lacks are returned, with their import.

    Raises:
        SyntaxError: the module as it is has no Python source.
    """
    names = names_of(schema, options)
    bases = {each.name: f"{names.classes[each.name]}{names.suffix_of_bases}" for each in declared(schema)}
    used = set() if before is None else _bases_of(before)
    lacking = [each for each in declared(schema) if bases[each.name] not in used]
    if not lacking:
        return GeneratedModule("")
    lines = import_from(layout.imported(layout.module), sorted(bases[each.name] for each in lacking))
    if before is None:
        lines = ["from __future__ import annotations", "", *lines]
    for each in lacking:
        arguments = [bases[each.name], *_keywords(each)]
        lines += ["", "", *call("class ", names.classes[each.name], arguments, ":", indent=0), "    pass"]
    return GeneratedModule("\n".join(lines) + "\n", (), {each.name: names.classes[each.name] for each in lacking})


def _bases_of(source: str) -> set[str]:
    """Return the names of the classes that others in a module are made of."""
    bases = (base for each in ast.walk(ast.parse(source)) if isinstance(each, ast.ClassDef) for base in each.bases)
    return {ast.unparse(base).rpartition(".")[2] for base in bases}
