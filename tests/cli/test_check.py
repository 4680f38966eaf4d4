"""`directus-orm check` says where the models of a module and a server differ; its exit status says how badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from directus_orm import Session
from directus_orm.cli.commands import directus_orm
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, set_app_access, user

MODELS = """\
from directus_orm import Model, field, generated


class CliJar(Model, collection="cli_jars"):
    id: int = field(default=generated, primary_key=True)
    label: str | None = None
"""
# The other collections of the server are those of other tests.
REST = ("--ignore", "collection-undeclared")


@pytest.fixture
def server(directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectusServer]:
    """A server with the collection of the models, whose address and token are in the environment."""
    make_collection(directus_server, "cli_jars", column("label", "string"))
    monkeypatch.setenv("DIRECTUS_URL", directus_server.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    yield directus_server
    drop_collection(directus_server, "cli_jars")


@pytest.fixture(autouse=True)
def folder(modules_of_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(modules_of_tmp_path)


def run(*arguments: str, **environment: str | None) -> Result:
    return CliRunner(env=environment).invoke(directus_orm, ["check", *arguments])


def written(source: str, name: str = "shop_models.py") -> str:
    Path(name).write_text(source)
    return name


def test_nothing_is_printed_where_models_and_server_say_the_same(server: DirectusServer) -> None:
    result = run(written(MODELS), *REST)
    assert (result.exit_code, result.output) == (0, "")
    assert run(written(MODELS), *REST, "--json").output == "[]\n"


def test_an_error_exits_with_1_and_comes_with_the_line_to_write(server: DirectusServer) -> None:
    result = run(written(MODELS.replace("str | None", "int | None")), *REST)
    assert result.exit_code == 1
    assert result.stdout == (
        "CliJar\n"
        "  error: CliJar.label  integer here, string there [type-differs]\n"
        "      Its values cannot be read or written as they are annotated.\n"
        "      label: str | None = None\n"
        "\n"
        "1 error\n"
    )
    assert server.token not in result.output


def test_a_warning_exits_with_1_if_it_is_asked_for(server: DirectusServer) -> None:
    module = written(MODELS.replace("str | None = None", "str"))
    result = run(module, *REST)
    assert result.exit_code == 0
    assert "warning: CliJar.label" in result.stdout
    assert run(module, *REST, "--strict").exit_code == 1
    assert run(module, *REST, "--strict", "--ignore", "null-there").exit_code == 0


def test_a_script_reads_json_and_a_person_in_a_hurry_a_line(server: DirectusServer) -> None:
    module = written(MODELS.replace("str | None", "int | None"))
    (found,) = json.loads(run(module, *REST, "--json").stdout)
    assert (found["level"], found["model"], found["field"]) == ("error", "CliJar", "label")
    result = run(module, *REST, "-q")
    assert (result.exit_code, result.stdout) == (1, "1 error\n")


def test_a_module_of_the_current_folder_is_given_by_its_name(server: DirectusServer) -> None:
    Path("cli_shop").mkdir()
    written("", "cli_shop/__init__.py")
    written(MODELS, "cli_shop/models.py")
    assert run("cli_shop.models", *REST).exit_code == 0


def test_a_snapshot_is_compared_without_a_server(server: DirectusServer) -> None:
    with Session(server.url, token=server.token) as session:
        Path("snapshot.json").write_text(json.dumps(session.get("/schema/snapshot")))
    nowhere = {"DIRECTUS_URL": "http://127.0.0.1:9", "DIRECTUS_TOKEN": None}
    module = written(MODELS)
    assert run(module, *REST, "--snapshot", "snapshot.json", **nowhere).exit_code == 0
    module = written(MODELS.replace("label", "title"), "other_models.py")
    result = run(module, *REST, "--snapshot", "snapshot.json", **nowhere)
    assert result.exit_code == 1
    assert "New there, of a fitting type: label. Renamed?" in result.stdout


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("none_models.py", None, "There is no file none_models.py"),
        ("none.models", None, "There is no module 'none.models' in "),
        ("broken_models.py", "from directus_orm import Modell", "cannot import name 'Modell'"),
        ("lacking_models.py", "import cli_lacking_library", "No module named 'cli_lacking_library'"),
        ("empty_models.py", "number = 1", "There is no model in <module 'empty_models'"),
        ("wrong_models.py", MODELS + "    shelf: CliLackingShelf | None = None\n", "CliLackingShelf"),
    ],
)
def test_a_module_that_cannot_be_taken_exits_with_2(module: str, source: str | None, said: str) -> None:
    if source is not None:
        written("from __future__ import annotations\n" + source, module)
    result = run(module, DIRECTUS_URL="http://127.0.0.1:9")
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_unknown_kind_of_difference_exits_with_2_and_the_choices() -> None:
    result = run(written(MODELS), "--ignore", "type-differ")
    assert result.exit_code == 2
    assert "'type-differs'" in result.stderr


def test_a_server_that_cannot_be_asked_exits_with_3_and_hides_the_token(server: DirectusServer) -> None:
    module = written(MODELS)
    with user(server, "cli_stranger") as token:
        set_app_access(server, "cli_stranger", allowed=False)
        result = run(module, DIRECTUS_TOKEN=token)
        assert result.exit_code == 3
        assert token not in result.output
    result = run(module, DIRECTUS_TOKEN="a-wrong-token")
    assert result.exit_code == 3
    assert "a-wrong-token" not in result.output
    assert run(module, DIRECTUS_URL="http://127.0.0.1:9").exit_code == 3
