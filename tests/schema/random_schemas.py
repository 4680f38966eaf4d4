"""Schemas of random columns, relations and lists, with names and texts of any length."""

from __future__ import annotations

import random
from typing import Any

import attrs

from directus_orm.schema import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema

TYPES = ("string", "text", "integer", "boolean", "decimal", "json", "csv", "uuid", "dateTime", "hash", "time")
COLLECTIONS = 60


def name_of(choice: random.Random, longest: int) -> str:
    return "".join(choice.choices("abcdefgh_", k=choice.randint(3, longest))).strip("_") or "name"


def text_of(choice: random.Random, longest: int) -> str:
    return "".join(choice.choices("abc 'é-|[]\\", k=choice.randint(0, longest)))


def field_of(choice: random.Random, name: str) -> FieldSchema:
    kind = choice.choice(TYPES)
    given: dict[str, Any] = {"is_nullable": choice.random() < 0.6}
    if kind in ("string", "text"):
        texts = tuple(dict.fromkeys(text_of(choice, 30) for _ in range(choice.randint(0, 7))))
        given["choices"] = texts if choice.random() < 0.6 else ()
        given["default"] = choice.choice([None, text_of(choice, 70), *texts[:1]])
        given["max_length"] = choice.choice([None, 255, 40])
    given["interface"] = choice.choice([None, "tags", "list"])
    given["is_unique"] = choice.random() < 0.2
    given["made_by"] = choice.choice([None, None, None, "date_created", "uuid", "user_updated"])
    given["note"] = choice.choice([None, text_of(choice, 40)]) or None
    return FieldSchema(name, kind, **given)


def schema_of(choice: random.Random) -> DatabaseSchema:
    names = sorted({f"{name_of(choice, 30)}{number}" for number in range(COLLECTIONS)})
    found = []
    for name in names:
        fields = {f"{name_of(choice, 44)}{number}" for number in range(12)}
        columns = [field_of(choice, each) for each in sorted(fields)]
        link, items = (f"{name_of(choice, 44)}_{each}" for each in ("link", "items"))
        columns.append(FieldSchema(link, "integer", is_nullable=True))
        relations = (
            RelationSchema(link, "many-to-one", (choice.choice(names),)),
            RelationSchema(
                items,
                "many-to-any",
                tuple(sorted(choice.sample(names, choice.randint(1, 6)))),
                junction=choice.choice(names),
                source="id",
                target="id",
                collection_field="id",
            ),
        )
        key = FieldSchema("id", "integer", is_key=True, is_unique=True, made_by="auto_increment")
        found.append(CollectionSchema(name, "id", (key, *columns), relations))
    return DatabaseSchema(tuple(found))


def readable(schema: DatabaseSchema) -> DatabaseSchema:
    """Return a schema with lists that rows can be read by: those of the rows that refer back."""
    found = []
    for each in schema.collections:
        to_one = tuple(relation for relation in each.relations if not relation.is_list)
        back = tuple(
            RelationSchema(f"back_{number}", "one-to-many", (other.name,), reverse=relation.field)
            for number, other in enumerate(schema.collections)
            for relation in other.relations
            if not relation.is_list and relation.related == (each.name,)
        )
        found.append(attrs.evolve(each, relations=to_one + back))
    return attrs.evolve(schema, collections=tuple(found))
