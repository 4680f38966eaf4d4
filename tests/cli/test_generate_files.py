"""`directus-orm generate` writes models, bases and stub files that fit together, in a folder or in a package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from directus_orm.cli.commands import directus_orm
from directus_orm.fields.registry import all_models
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, make_field, make_relation, post

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NAMES = ("files_jars", "files_racks")


@pytest.fixture
def server(
    directus_server: DirectusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DirectusServer]:
    """A server with two collections, a relation and choices, whose address and token are in the environment."""
    choices = {"choices": [{"text": "Glass", "value": "glass"}, {"text": "Clay", "value": "clay"}]}
    made_of = column("made_of", "string", default_value="glass")
    made_of["meta"] = {"interface": "select-dropdown", "options": choices}
    make_collection(directus_server, "files_racks", column("name", "string"))
    make_collection(directus_server, "files_jars", column("label", "string"), made_of)
    make_relation(directus_server, "files_jars", "rack", "files_racks", reverse="jars")
    rack = post(directus_server, "/items/files_racks", {"name": "Oak"})["id"]
    post(directus_server, "/items/files_jars", {"label": "Plums", "rack": rack})
    post(directus_server, "/items/files_jars", {"label": "Pears", "made_of": "tin"})
    monkeypatch.setenv("DIRECTUS_URL", directus_server.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    monkeypatch.chdir(tmp_path)
    yield directus_server
    for name in NAMES:
        drop_collection(directus_server, name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(directus_orm, ["generate", "--only", "files_*", *arguments])


# The folder of the models, and how they are written into it.
LAYOUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a module": (".", ("-o", "models.py")),
    "a module of a package": ("shop", ("-o", "shop/models.py")),
    "bases": (".", ("--bases", ".")),
    "bases in a package": ("shop", ("--bases", "shop")),
}
USE = """\
from __future__ import annotations

from {module} import FilesJar, FilesRack
from {enums} import FilesJarMadeOf

from directus_orm import Session

with Session.from_env():
    jar = FilesJar.objects.filter(label="Plums", rack__name__startswith="O").get()
    print(jar.made_of is FilesJarMadeOf.GLASS, type(jar.rack) is FilesRack)
    other = FilesJar.objects.exclude(made_of=FilesJarMadeOf.GLASS).get()
    print(other.made_of, [each.label for each in FilesRack.objects.get().jars])
    print(type(other).__module__, FilesJar.objects.values("label").filter(pk__in=[other]).get())
"""
WRONG = """\
from __future__ import annotations

from {module} import FilesJar

FilesJar.objects.filter(lable="Plums")
FilesJar.objects.filter(rack__name=1)
"""


def use_of(module: str) -> str:
    """Return a program that uses the models; the enums are where the fields are."""
    generated = module.replace("models", "_generated")
    has_bases = Path(f"{generated.replace('.', '/')}.py").exists()
    lines = USE.format(module=module, enums=generated if has_bases else module)
    return (
        lines
        if has_bases
        else lines.replace(f"FilesRack\nfrom {module} import FilesJarMadeOf", "FilesJarMadeOf, FilesRack")
    )


def written(layout: str) -> str:
    """Write the models in a layout with enums and typed lookups, and return the name of their module."""
    folder, arguments = LAYOUTS[layout]
    if folder != ".":
        Path(folder).mkdir()
        Path(folder, "__init__.py").write_text("")
    result = run(*arguments, "--enums", "strenum", "--typed-lookups", "one")
    assert result.exit_code == 0, result.output
    return "models" if folder == "." else f"{folder}.models"


def tool(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [BIN / command[0], *command[1:]], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_files_fit_together(server: DirectusServer, layout: str) -> None:
    module = written(layout)
    for command in (
        ("ruff", "format", "--isolated", "--check", "."),
        ("ruff", "check", "--isolated", "--select", "I,F,E7,UP,B,PIE,RUF022", "--target-version", "py311", "."),
    ):
        checked = tool(*command)
        assert checked.returncode == 0, checked.stdout
    Path("use.py").write_text(use_of(module))
    ran = tool("python", "use.py")
    assert ran.stdout.splitlines() == ["True True", "tin ['Plums']", f"{module} {{'label': 'Pears'}}"], ran.stderr
    again = run(*LAYOUTS[layout][1], "--enums", "strenum", "--typed-lookups", "one", "--check")
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize("layout", ["a module", "bases in a package"])
def test_type_checkers_know_the_lookups_and_refuse_others(server: DirectusServer, layout: str) -> None:
    module = written(layout)
    Path("use.py").write_text(use_of(module))
    Path("wrong.py").write_text(WRONG.format(module=module))
    # Neither checker finds an editable installation from outside of its folder.
    Path("pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}))
    mypy = tool("mypy", "--strict", "--follow-imports=silent", "use.py", "wrong.py")
    lines = mypy.stdout.splitlines()
    assert [line.partition(" error: ")[0] for line in lines if " error: " in line] == [
        "wrong.py:5:",
        "wrong.py:6:",
    ]
    assert 'did you mean "label"' in mypy.stdout
    right = tool("pyright", "use.py", module.replace(".", "/") + ".py")
    assert right.returncode == 0, right.stdout
    refused = tool("pyright", "--outputjson", "wrong.py")
    errors = json.loads(refused.stdout)["generalDiagnostics"]
    assert [each["range"]["start"]["line"] + 1 for each in errors] == [5, 6]


def test_bases_are_written_anew_and_models_once(server: DirectusServer) -> None:
    assert run("--bases", ".").exit_code == 0
    mine = Path("models.py").read_text().replace("    pass\n", '    """Mine."""\n')
    Path("models.py").write_text(mine)
    make_field(server, "files_jars", column("lid", "string"))
    assert run("--bases", ".", "--check").exit_code == 1
    result = run("--bases", ".")
    assert result.exit_code == 0
    assert Path("models.py").read_text() == mine
    assert "lid: str | None = None" in Path("_generated.py").read_text()
    make_collection(server, "files_lids", column("name", "string"))
    try:
        result = run("--bases", ".", "--check")
        assert result.exit_code == 1
        lines = (
            'from _generated import FilesLidFields\n\n\nclass FilesLid(FilesLidFields, collection="files_lids"):'
        )
        for arguments in (("--check",), ()):
            assert (
                f"models.py has no models of these bases yet; add them:\n\n{lines}"
                in run("--bases", ".", *arguments).stderr
            )
        assert Path("models.py").read_text() == mine
    finally:
        drop_collection(server, "files_lids")


def test_models_that_this_program_wrote_whole_are_not_taken_for_the_users(server: DirectusServer) -> None:
    assert run("-o", "models.py").exit_code == 0
    before = Path("models.py").read_text()
    result = run("--bases", ".")
    assert result.exit_code == 4
    assert "models.py was written by generate -o" in result.stderr
    assert Path("models.py").read_text() == before
    assert not Path("_generated.py").exists()


def test_models_that_cannot_be_read_are_named(server: DirectusServer) -> None:
    Path("models.py").write_text("class (")
    result = run("--bases", ".")
    assert result.exit_code == 2
    assert "models.py cannot be read" in result.stderr
    assert not Path("_generated.py").exists()


def test_an_edited_stub_file_is_refused_and_nothing_is_written(server: DirectusServer) -> None:
    arguments = ("-o", "models.py", "--typed-lookups", "own")
    assert run(*arguments).exit_code == 0
    stub = Path("models_lookups", "files_jar.pyi")
    stub.write_text(edited := stub.read_text().replace("label__startswith: str", "label__startswith: str | None"))
    make_field(server, "files_jars", column("lid", "string"))
    before = Path("models.py").read_text()
    result = run(*arguments)
    assert result.exit_code == 4
    assert f"{stub} was edited" in result.stderr
    assert (stub.read_text(), Path("models.py").read_text()) == (edited, before)
    assert run(*arguments, "--force").exit_code == 0
    assert "lid__startswith" in stub.read_text()


def test_stub_files_that_no_model_needs_any_more_are_deleted_unless_they_are_yours(server: DirectusServer) -> None:
    assert run("-o", "models.py", "--typed-lookups", "own").exit_code == 0
    folder = Path("models_lookups")
    (folder / "mine.pyi").write_text("def lookups() -> None: ...\n")
    only_jars = ("-o", "models.py", "--typed-lookups", "own", "--exclude", "*racks")
    checked = run(*only_jars, "--check")
    assert checked.exit_code == 1
    assert f"{folder / 'files_rack.pyi'} belongs to no model." in checked.stderr
    assert run(*only_jars).exit_code == 0
    assert sorted(each.name for each in folder.iterdir()) == ["__init__.pyi", "files_jar.pyi", "mine.pyi"]
    assert run("-o", "models.py").exit_code == 0
    assert [each.name for each in folder.iterdir()] == ["mine.pyi"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--typed-lookups", "one"), "--typed-lookups is about files"),
        (("--check",), "--check is about files"),
        (("-o", "models.py", "--bases", "."), "give one of them"),
        (("--bases", "nowhere"), "nowhere"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(directus_orm, ["generate", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_module_that_cannot_be_imported_gets_no_stub_files(server: DirectusServer) -> None:
    assert run("-o", "my-models.py").exit_code == 0
    result = run("-o", "my-models.py", "--typed-lookups", "own")
    assert result.exit_code == 2
    assert "my-models.py cannot be imported by that name" in result.stderr


def test_a_script_reads_what_was_generated(server: DirectusServer) -> None:
    def found(*arguments: str) -> Any:
        return json.loads(run("--json", "-q", *arguments).stdout)

    models = [
        {"collection": "files_jars", "class": "FilesJar"},
        {"collection": "files_racks", "class": "FilesRack"},
    ]
    printed = found()
    assert printed["models"] == models
    assert 'class FilesJar(Model, collection="files_jars"):' in printed["source"]
    (note,) = found("--exclude", "*racks")["notes"]
    assert (note["collection"], note["field"]) == ("files_jars", "rack")
    kept = found("-o", "models.py")
    assert kept == {"models": models, "notes": [], "files": ["models.py"]}


def test_each_request_is_printed_if_it_is_asked_for(server: DirectusServer) -> None:
    result = run("-v", "-o", "models.py")
    assert "GET /fields" in result.stderr
    assert server.token not in result.output
    assert "GET /fields" not in run("-o", "models.py").stderr


def test_no_model_stays_in_this_process(server: DirectusServer) -> None:
    before = set(all_models())
    assert run("-o", "models.py", "--typed-lookups", "own").exit_code == 0
    assert set(all_models()) == before
