"""Whatever a schema says, its module is formatted as ruff formats it, and imports."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from directus_orm.schema.generating import GeneratorOptions, generate_module
from directus_orm.schema.generating.options import Choices
from tests.schema.random_schemas import schema_of


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
