"""Servers that hold the schema of `tests.worlds.all_kinds`: one of the tested version, on each database."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from directus_orm import Model, Session
from directus_orm.fields.registry import forget
from directus_orm.schema import DatabaseSchema, read_schema
from directus_orm.schema.generating import GeneratorOptions, generate_module
from directus_orm.testing import DirectusServer, start
from tests.worlds import all_kinds

DATABASES = {"sqlite": None, "postgres": "postgres_url", "mariadb": "mariadb_url"}


@pytest.fixture(scope="session", params=DATABASES)
def kinds_database(request: pytest.FixtureRequest) -> str:
    """A database for `start`, each in turn."""
    fixture = DATABASES[request.param]
    return "sqlite" if fixture is None else str(request.getfixturevalue(fixture))


@pytest.fixture(scope="session")
def kinds_server(kinds_database: str, directus_version: str) -> Iterator[DirectusServer]:
    """A server of its own with the schema and its rows: without a licence, there is no room for more."""
    with start(directus_version, kinds_database) as server:
        all_kinds.build(server)
        all_kinds.fill(server)
        yield server


@pytest.fixture
def kinds_session(kinds_server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator of `kinds_server`."""
    with Session(kinds_server.url, token=kinds_server.token) as session:
        yield session


@pytest.fixture
def schema(kinds_session: Session) -> DatabaseSchema:
    return read_schema(kinds_session)


@pytest.fixture
def source(schema: DatabaseSchema, tmp_path: Path) -> Path:
    path = tmp_path / "generated_models.py"
    path.write_text(generate_module(schema, GeneratorOptions(choices="literal")).body)
    return path


@pytest.fixture
def module(source: Path) -> Iterator[ModuleType]:
    """The module, whose models are forgotten afterwards."""
    spec = importlib.util.spec_from_file_location("generated_models", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    for model in models_of(module):
        forget(model)
    del sys.modules[spec.name]


def models_of(module: ModuleType) -> list[type[Model]]:
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Model) and each.__module__ == module.__name__
    ]
