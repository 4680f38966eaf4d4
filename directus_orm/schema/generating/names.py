"""The names of generated code: of classes, attributes and enums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ..naming import class_names, field_names
from ..normal_form import CollectionSchema, DatabaseSchema
from ..system_models import system_models
from .enums import enum_names
from .options import GeneratorOptions

_SUFFIXES = ("Fields", "Base", "Columns", "AbstractBase")


@attrs.frozen
class Names:
    """The names of a module: of the classes by collection, and of the attributes by collection and field.

    ``enums`` are those of the enums of choices, by collection and field; ``undeclared`` are the collections whose
    class is not in the module.
    """

    classes: Mapping[str, str]
    attributes: Mapping[str, Mapping[str, str]]
    enums: Mapping[tuple[str, str], str] = attrs.field(factory=dict)
    undeclared: frozenset[str] = frozenset()

    def model(self, collection: str) -> str:
        """Return the name of a collection's class; the collection's own if it has none."""
        return self.classes.get(collection, collection)

    def junction(self, collection: str) -> str:
        """Return the name of a junction's class; the collection's, which does as well, if it is not there."""
        return collection if collection in self.undeclared else self.model(collection)

    def attribute(self, collection: str, field: str) -> str:
        """Return the name of an attribute; the server's if there is none: the user may not see the field."""
        return self.attributes.get(collection, {}).get(field, field)

    @property
    def suffix_of_bases(self) -> str:
        """What the name of a model gets to be that of its abstract base, so that no model is called so."""
        classes = set(self.classes.values())
        return next(each for each in _SUFFIXES if not any(f"{name}{each}" in classes for name in classes))


def declared(schema: DatabaseSchema) -> list[CollectionSchema]:
    """Return the collections that get a class: of Directus's own those with further fields."""
    return [each for each in schema.collections if not each.is_system or _has_own_fields(each)]


def _has_own_fields(collection: CollectionSchema) -> bool:
    return any(not each.is_key for each in collection.fields) or bool(collection.lists)


def names_of(schema: DatabaseSchema, options: GeneratorOptions) -> Names:
    """Return the names of the classes and attributes of a schema.

    Raises:
        ConfigurationError: the user chose one name twice.
    """
    own = declared(schema)
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
    enums = {}
    if options.choices == "strenum":
        enums = enum_names(own, classes, taken=classes.values())
    return Names(classes, attributes, enums)


def _attribute_names(
    collection: CollectionSchema, classes: Iterable[str], options: GeneratorOptions
) -> dict[str, str]:
    fields = [each.name for each in collection.fields] + [each.field for each in collection.lists]
    chosen = {each: options.names.get(f"{collection.name}.{each}") for each in fields}
    return field_names(fields, {each: name for each, name in chosen.items() if name}, taken={*classes})
