"""The page on drift: its command and its examples find what the page says."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from directus_orm import Session
from directus_orm.cli.commands import directus_orm
from directus_orm.schema.checking.drift import CODES
from directus_orm.testing import DirectusServer
from tests.docs import pages
from tests.worlds.server_setup import column, make_field

PAGE = "docs/check.md"
TEXT = (pages.ROOT / PAGE).read_text(encoding="utf-8")
(COMMAND,) = re.findall(r"^    directus-orm (.*)$", TEXT, re.MULTILINE)
(OUTPUT,) = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def changed_server(first_page: DirectusServer) -> DirectusServer:
    """The server of the first page, with models beside it; then it was changed as the page says."""
    only = ["--only", "movies", "--only", "directors"]
    CliRunner().invoke(directus_orm, ["generate", "-o", "models.py", *only], catch_exceptions=False)
    rest = ["--ignore", "collection-undeclared"]  # the server has others
    unchanged = CliRunner().invoke(directus_orm, [*shlex.split(COMMAND), *rest])
    assert (unchanged.exit_code, unchanged.output) == (0, "")
    with Session.from_env() as session:
        session.delete("/fields/movies/year")
    make_field(first_page, "movies", column("year", "string"))
    make_field(first_page, "movies", column("length", "integer"))
    return first_page


@pytest.mark.usefixtures("changed_server", "modules_of_tmp_path")
def test_the_command_prints_what_the_page_shows() -> None:
    result = CliRunner().invoke(directus_orm, [*shlex.split(COMMAND), "--ignore", "collection-undeclared"])
    assert (result.exit_code, result.stdout) == (1, OUTPUT)


def test_the_examples_print_what_they_show(first_page: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    make_field(first_page, "movies", column("length", "integer"))
    monkeypatch.chdir(pages.ROOT)
    pages.run(PAGE, {}, monkeypatch)


@pytest.mark.parametrize("option", re.findall(r"`--ignore ([a-z-]+)`", TEXT))
def test_the_kinds_that_the_page_names_exist(option: str) -> None:
    assert option in CODES
