"""The page on generated models: each of its commands runs, and they write the models that it shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from directus_orm import Session
from directus_orm.cli.commands import directus_orm
from directus_orm.schema.generating.files import body_of
from directus_orm.testing import DirectusServer
from tests.docs import pages

PAGE = "docs/generate.md"
TEXT = (pages.ROOT / PAGE).read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    directus-orm (.*)$", TEXT, re.MULTILINE)
SHOWN, EXAMPLE = pages.BLOCK.findall(TEXT)
TABLE = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[0]
NAMES = ("directors", "movies")


def run(command: str, *more: str) -> Result:
    return CliRunner().invoke(directus_orm, [*shlex.split(command), *more])


def test_the_commands_of_the_page_run_and_write_the_models_that_it_shows(
    first_page: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = [part for name in NAMES for part in ("--only", name)]  # the server has others
    with Session.from_env() as session:
        Path("snapshot.json").write_text(json.dumps(session.schema.snapshot()), encoding="utf-8")
    Path("shop").mkdir()
    for command in COMMANDS:
        result = run(command, *(() if "--only" in command else only))
        assert result.exit_code == 0, (command, result.output)
    assert body_of(Path("models.py").read_text(encoding="utf-8")) == SHOWN
    (mine,) = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert mine in Path("shop", "models.py").read_text(encoding="utf-8")
    assert Path("shop", "generated_lookups", "movie.pyi").is_file()
    monkeypatch.chdir(pages.ROOT)
    pages.run(PAGE, {}, monkeypatch)


@pytest.mark.usefixtures("first_page")
def test_the_names_of_the_page_are_taken() -> None:
    Path("pyproject.toml").write_text(TABLE, encoding="utf-8")
    printed = run("generate --only movies").stdout
    assert 'class Film(Model, collection="movies"):' in printed
    assert 'published: int | None = field(default=None, name="year")' in printed
