"""The choices of fields as enums: which fields have one, what it is called, and its source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..naming import enum_name, first_free, member_names
from ..normal_form import CollectionSchema, FieldSchema
from .source_lines import literal


def named_choices(field: FieldSchema) -> tuple[str, ...]:
    """Return the texts that Directus's app offers for a field of texts; empty where it offers none."""
    is_text = field.type in ("string", "text") and field.secret is None
    return tuple(each for each in field.choices if isinstance(each, str)) if is_text else ()


def enum_names(
    collections: Iterable[CollectionSchema], classes: Mapping[str, str], *, taken: Collection[str]
) -> dict[tuple[str, str], str]:
    """Return the names of the enums by collection and field: ``ArticleStatus``, each of its own.

    Args:
        collections: those that get a class.
        classes: the names of the classes by collection.
        taken: names that no enum may get.
    """
    names: dict[tuple[str, str], str] = {}
    for each in collections:
        for field in sorted(each.fields, key=lambda field: field.name):
            if named_choices(field) and each.relation(field.name) is None:
                wanted = enum_name(classes[each.name], field.name)
                names[each.name, field.name] = first_free([wanted], {*taken, *names.values()})
    return names


def enum_source(name: str, choices: Iterable[str]) -> list[str]:
    """Return the lines of a class with a member for each choice."""
    members = [f"    {member} = {literal(choice)}" for choice, member in member_names(choices).items()]
    return [f"class {name}(StrEnum):", *members]
