"""The source that is written imports, is formatted, is right for type checkers, and reads every row."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import attrs
import pytest

from directus_orm import Session
from directus_orm.schema import DatabaseSchema
from directus_orm.schema.generating import GeneratorOptions, generate_module
from tests.schema.conftest import models_of

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--isolated", "--check"),
        ("ruff", "check", "--isolated", "--select", "I,F,E7,UP,B,PIE,RUF022", "--target-version", "py311"),
        ("mypy", "--strict", "--cache-dir=.mypy_cache/generated"),
        ("pyright",),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_tools_find_nothing(source: Path, command: tuple[str, ...]) -> None:
    run = subprocess.run([BIN / command[0], *command[1:], source], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_every_row_is_read_with_every_relation(module: ModuleType, kinds_session: Session) -> None:
    """And their number is the server's."""
    for model in models_of(module):
        directus = model.directus
        count = kinds_session.items(directus.collection)
        rows = [model.objects.get()] if directus.options.singleton else list(model.objects.all())
        if not directus.options.singleton:
            assert len(rows) == int(count.aggregate({"count": "*"})[0]["count"])
        # Not every version has each field of Directus's own collections.
        given = {name for base in model.__mro__[1:-1] for name in vars(base).get("__annotations__", ())}
        for row in rows:
            for name in {*directus.fields, *directus.relations} - given:
                value = getattr(row, name)
                if name in directus.relations:
                    list(value)


def test_the_order_of_the_input_makes_no_difference(schema: DatabaseSchema) -> None:
    body = generate_module(schema).body
    for seed in range(5):
        choice = random.Random(seed)
        collections = choice.sample(schema.collections, len(schema.collections))
        shuffled = attrs.evolve(schema, collections=tuple(sorted(collections, key=lambda each: each.name)))
        assert generate_module(shuffled).body == body


def test_users_choose_the_names_and_the_order(schema: DatabaseSchema) -> None:
    options = GeneratorOptions(names={"kinds": "Sort", "kinds.code": "kürzel"}, sort="name")
    body = generate_module(schema, options).body
    assert 'class Sort(Model, collection="kinds"):' in body
    assert (
        'kürzel: str | None = field(\n        default=None, name="code"' in body
        or "kürzel: str | None = field(" in body
    )
    assert body.index("    at: dt.time") < body.index("    author: ") < body.index("    body: ")


def test_what_cannot_be_said_is_a_note_at_the_end(schema: DatabaseSchema) -> None:
    module = generate_module(schema)
    assert module.notes
    for note in module.notes:
        assert f"# {note}" in module.body
