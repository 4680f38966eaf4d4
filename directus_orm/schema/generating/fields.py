"""A field of a model as source: a column, a many-to-one relation, or a list of related rows."""

from __future__ import annotations

import attrs

from ...fields.declarations.field_options import UNKNOWN
from ..naming import member_names
from ..normal_form import CollectionSchema, FieldSchema, RelationSchema
from .annotations import Annotation, annotation
from .enums import named_choices
from .names import Names
from .options import GeneratorOptions
from .source_lines import Call, Subscript, comment, declaration, literal

# What Directus itself makes for a foreign key, and needs no word.
_USUAL_ON_DELETE = (None, "NO ACTION", "SET NULL")
_DEFAULT_LENGTH = 255
# These options imply that a field cannot be written.
_STAMPS = ("date_created", "date_updated", "user_created", "user_updated", "role_created", "role_updated")


@attrs.frozen
class FieldSource:
    """A field as lines of a class body, the names that these import, and the models that they name."""

    lines: tuple[str, ...]
    imports: frozenset[str]
    models: frozenset[str] = frozenset()


def column(
    collection: CollectionSchema, field: FieldSchema, names: Names, options: GeneratorOptions
) -> FieldSource:
    """Return the source of a field with a column."""
    name = names.attributes[collection.name][field.name]
    relation = collection.relation(field.name)
    enum = names.enums.get((collection.name, field.name))
    models = frozenset[str]()
    if relation is not None and relation.kind == "many-to-one":
        model = names.model(relation.related[0])
        found, models = Annotation((model,)), frozenset({model})
    else:
        found = annotation(field, options, enum)
    default, arguments = ("generated", []) if found.type == UNKNOWN else _default(field, enum)
    arguments += ["primary_key=True"] if field.is_key else []
    arguments += _options(name, field, found.type, relation)
    union = (*found.union, "None") if field.is_nullable and found.union != ("Any",) else found.union
    used = {each for each in ("Decimal", "generated") if (default or "").startswith(each)}
    value: str | Call | None = default
    if arguments or "generated" in used:
        used.add("field")
        value = Call("field", tuple(([f"default={default}"] if default else []) + arguments))
    lines = (comment(field.note) if field.note else []) + declaration(name, union, value)
    return FieldSource(tuple(lines), frozenset({*found.imports, *used}), models)


def _default(field: FieldSchema, enum: str | None) -> tuple[str | None, list[str]]:
    """Return the default as source, None if there is none, and the arguments that belong to it."""
    if field.made_by in _STAMPS or field.made_by == "uuid":
        return f"generated.{field.made_by}", []
    if field.made_by == "sql" and field.sql:
        return f"generated.sql({literal(field.sql)})", []
    if field.made_by is not None:
        # A bare default needs a call of field().
        return "generated", ["readonly=True"] if field.made_by == "generated_column" else []
    if field.default is not None:
        member = member_names(named_choices(field)).get(field.default) if enum else None
        return f"{enum}.{member}" if member else literal(field.default), []
    return ("None" if field.is_nullable else None), []


def _options(name: str, field: FieldSchema, type_name: str | None, relation: RelationSchema | None) -> list[str]:
    arguments = []
    if name != field.name:
        arguments.append(f"name={literal(field.name)}")
    if field.secret in ("conceal", "encrypt"):
        arguments.append(f"secret={literal(field.secret)}")
    elif type_name is not None:
        arguments.append(f"type={literal(type_name)}")
    if field.is_readonly and field.made_by not in (*_STAMPS, "generated_column"):
        arguments.append("readonly=True")
    if field.type in ("string", "hash") and field.max_length not in (None, _DEFAULT_LENGTH) and relation is None:
        arguments.append(f"max_length={field.max_length}")
    if field.type == "decimal" and field.precision is not None:
        arguments.append(f"precision=({field.precision}, {field.scale or 0})")
    if field.is_unique and not field.is_key:
        arguments.append("unique=True")
    if relation is not None and relation.kind == "many-to-one" and relation.on_delete not in _USUAL_ON_DELETE:
        arguments.append(f"on_delete={literal(relation.on_delete)}")
    return arguments


def related_list(collection: CollectionSchema, relation: RelationSchema, names: Names) -> FieldSource:
    """Return the source of a list of related rows."""
    name = names.attributes[collection.name][relation.field]
    models = sorted(names.model(each) for each in relation.related)
    function, arguments = _list_call(relation, names)
    if name != relation.field:
        arguments.append(f"name={literal(relation.field)}")
    if relation.deselect == "delete":
        arguments.append('deselect="delete"')
    annotation = Subscript("Related", tuple(models), " | ")
    lines = comment(relation.note) if relation.note else []
    lines += declaration(name, [annotation], Call(function, tuple(arguments)))
    return FieldSource(tuple(lines), frozenset({"Related", function}), frozenset(models))


def _list_call(relation: RelationSchema, names: Names) -> tuple[str, list[str]]:
    if relation.kind == "one-to-many":
        (related,) = relation.related
        sort = [] if relation.sort is None else [f"sort={literal(names.attribute(related, relation.sort))}"]
        return "one_to_many", [literal(names.attribute(related, relation.reverse or "")), *sort]
    junction = relation.junction or ""
    given = {"source": relation.source, "target": relation.target}
    if relation.kind == "many-to-any":
        given["collection"] = relation.collection_field
    given["sort"] = relation.sort
    arguments = [
        f"{key}={literal(names.attribute(junction, each))}" for key, each in given.items() if each is not None
    ]
    return relation.kind.replace("-", "_"), [literal(names.junction(junction)), *arguments]
