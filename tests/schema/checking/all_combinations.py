"""Compare the models of each database and version with the schema of each other: none differs by more than a note.

It starts nine servers, one after the other. Run by hand: ``python -m tests.schema.checking.all_combinations``.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from directus_orm import Session
from directus_orm.cli.modules import imported
from directus_orm.fields.registry import forget, is_model
from directus_orm.schema import DatabaseSchema, DriftReport, check, read_schema
from directus_orm.schema.generating import GeneratorOptions, generate_module
from directus_orm.testing import start
from tests.worlds import all_kinds

VERSIONS = ("12", "11", "10")
DATABASES = {
    "SQLite": "sqlite",
    "PostgreSQL": "postgres://postgres@127.0.0.1:5432",
    "MariaDB": "mysql://root@127.0.0.1:3306",
}


def schemas() -> Iterator[tuple[str, DatabaseSchema]]:
    """Yield the schema of `tests.worlds.all_kinds` on each version and database."""
    for version in VERSIONS:
        for name, database in DATABASES.items():
            with start(version, database) as server:
                all_kinds.build(server)
                with Session(server.url, token=server.token) as session:
                    yield f"{version} {name}", read_schema(session)


@contextmanager
def models_of(schema: DatabaseSchema) -> Iterator[ModuleType]:
    """The models that are generated from a schema, forgotten afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "combination_models.py"
        path.write_text(generate_module(schema, GeneratorOptions(choices="literal")).body)
        module = imported(str(path))
        yield module
    for each in vars(module).values():
        if is_model(each) and each.__module__ == module.__name__:
            forget(each)
    del sys.modules[module.__name__]


def worst(report: DriftReport) -> str:
    """Return how many differences of each kind there are, and the text of those that are more than a note."""
    counts = ", ".join(f"{count} {code}" for code, count in sorted(Counter(each.code for each in report).items()))
    alarms = [str(each) for each in report if each.level != "note"]
    return "\n".join([counts or "nothing", *alarms])


def main() -> int:
    """Print what differs between each pair, and return 1 if something is more than a note."""
    found = dict(schemas())
    alarms = 0
    for source, schema in found.items():
        with models_of(schema) as module:
            for target, other in found.items():
                report = check(other, module)
                alarms += report.is_failure(strict=True)
                print(f"models of {source} on {target}: {worst(report)}", flush=True)
    print(f"{len(found) ** 2} pairs, {alarms} false alarms")
    return int(bool(alarms))


if __name__ == "__main__":
    raise SystemExit(main())
