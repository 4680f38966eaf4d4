"""Whatever a schema says, its module is formatted as ruff formats it, and imports."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from directus_orm.schema import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema
from directus_orm.schema.generating import GeneratorOptions, generate_module
from directus_orm.schema.generating.options import Choices

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


def test_a_module_is_formatted_whatever_the_schema_says(tmp_path: Path) -> None:
    """720 random columns and lists for each way to write choices."""
    choices: tuple[Choices, ...] = ("none", "literal", "strenum")
    for seed, each in enumerate(choices):
        schema = schema_of(random.Random(seed))
        (tmp_path / f"{each}.py").write_text(generate_module(schema, GeneratorOptions(choices=each)).body)
    run = subprocess.run(
        [Path(sys.executable).parent / "ruff", "format", "--isolated", "--diff", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[:3000]
    for each in choices:
        compile((tmp_path / f"{each}.py").read_text(), each, "exec")
