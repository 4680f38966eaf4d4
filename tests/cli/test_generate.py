"""`directus-orm generate` writes what the server has, overwrites no edits, and says what went wrong."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from directus_orm import Session
from directus_orm.cli.commands import directus_orm
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, set_app_access, user
from tests.worlds.tiny_server import Scripted, TinyServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(
    directus_server: DirectusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DirectusServer]:
    """A server with two collections, whose address and token are in the environment."""
    make_collection(directus_server, "cli_shelves", column("name", "string"), note="Where books stand")
    make_collection(directus_server, "cli_boxes", column("width", "integer"))
    monkeypatch.setenv("DIRECTUS_URL", directus_server.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    monkeypatch.chdir(tmp_path)
    yield directus_server
    for name in ("cli_shelves", "cli_boxes"):
        drop_collection(directus_server, name)


def run(*arguments: str, **environment: str | None) -> Result:
    return CliRunner(env=environment).invoke(directus_orm, ["generate", *arguments])


SHELF = '''class CliShelf(Model, collection="cli_shelves"):
    """Where books stand"""

    id: int = field(default=generated, primary_key=True)
    name: str | None = None
'''


def test_models_are_printed(server: DirectusServer) -> None:
    result = run("--only", "cli_*")
    assert result.exit_code == 0
    assert SHELF in result.stdout
    assert "class CliBox(Model" in result.stdout
    assert server.token not in result.output


def test_collections_are_chosen_by_patterns(server: DirectusServer) -> None:
    result = run("--only", "cli_*", "--exclude", "*boxes")
    assert SHELF in result.stdout
    assert "CliBox" not in result.stdout


def test_a_file_is_written_anew_unless_it_was_edited(server: DirectusServer) -> None:
    path = Path("models.py")
    arguments = ("--only", "cli_shelves", "-o", "models.py")
    assert run(*arguments).exit_code == 0
    written = path.read_text()
    assert written.startswith('"""Models of a server of Directus')
    assert run(*arguments).exit_code == 0
    assert path.read_text() == written
    for edited in (written + "# mine\n", "# all mine\n"):
        path.write_text(edited)
        result = run(*arguments)
        assert result.exit_code == 4
        assert "--force" in result.stderr
        assert path.read_text() == edited
    assert run(*arguments, "--force").exit_code == 0
    assert path.read_text() == written


def test_a_check_compares_the_file_and_writes_nothing(server: DirectusServer) -> None:
    arguments = ("--only", "cli_*", "-o", "models.py")
    result = run(*arguments, "--check")
    assert result.exit_code == 1
    assert not Path("models.py").exists()
    run(*arguments)
    assert run(*arguments, "--check").exit_code == 0
    with Session(server.url, token=server.token) as session:
        session.schema.create_field("cli_boxes", "height", "integer")
    result = run(*arguments, "--check")
    assert result.exit_code == 1
    assert "+    height: int | None = None" in result.stderr


def test_names_come_from_the_project(server: DirectusServer) -> None:
    Path("pyproject.toml").write_text(
        '[tool.directus_orm.names]\ncli_shelves = "Rack"\n"cli_shelves.name" = "title"\n'
    )
    result = run("--only", "cli_shelves")
    assert 'class Rack(Model, collection="cli_shelves"):' in result.stdout
    assert 'title: str | None = field(default=None, name="name")' in result.stdout
    Path("pyproject.toml").write_text('[tool.directus_orm.names]\ncli_shelves = "my rack"\n')
    assert run("--only", "cli_shelves").exit_code == 2


def test_a_snapshot_needs_no_server(server: DirectusServer) -> None:
    with Session(server.url, token=server.token) as session:
        Path("snapshot.json").write_text(json.dumps(session.schema.snapshot()))
    result = run("--only", "cli_shelves", "--snapshot", "snapshot.json", DIRECTUS_URL="http://127.0.0.1:9")
    assert result.exit_code == 0
    assert SHELF in result.stdout
    Path("snapshot.json").write_text("{}")
    result = run("--snapshot", "snapshot.json")
    assert result.exit_code == 2
    assert "no snapshot" in result.stderr


def test_a_server_that_cannot_be_asked_is_status_3(server: DirectusServer) -> None:
    result = run("--url", "http://127.0.0.1:9", "--timeout", "1")
    assert result.exit_code == 3
    assert "Error:" in result.stderr
    result = run("--token", "s3cret-wrong")
    assert result.exit_code == 3
    assert "s3cret" not in result.output


def test_what_is_missing_or_wrong_is_status_2(server: DirectusServer) -> None:
    result = run(DIRECTUS_URL=None)
    assert result.exit_code == 2
    assert "DIRECTUS_URL" in result.stderr
    assert run("--check").exit_code == 2
    assert run("--url", "ftp://x").exit_code == 2


def test_a_token_comes_from_a_file(server: DirectusServer) -> None:
    Path("token").write_text(f"{server.token}\n")
    result = run("--only", "cli_*", "--token-file", "token", DIRECTUS_TOKEN=None)
    assert result.exit_code == 0


def test_it_runs_as_a_module(server: DirectusServer) -> None:
    command = [sys.executable, "-m", "directus_orm.cli", "generate", "--only", "cli_shelves"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert SHELF in done.stdout


def test_ctrl_c_is_status_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "directus_orm.cli", "generate", "--url", address, "--token", "t"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                _, printed = process.communicate(timeout=30)
    assert (process.returncode, printed) == (130, "Interrupted.\n")


def test_without_click_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from directus_orm.cli.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "pip install 'directus_orm[cli]'" in done.stderr


def test_choices_and_the_order_of_fields_are_options(server: DirectusServer) -> None:
    with Session(server.url, token=server.token) as session:
        choices = {"choices": [{"text": "Wood", "value": "wood"}, {"text": "Steel", "value": "steel"}]}
        session.schema.create_field("cli_boxes", "made_of", "string", meta={"options": choices})
    result = run("--only", "cli_boxes", "--sort", "name", "--enums", "literal")
    fields = """\
    made_of: Literal["wood", "steel"] | str | None = None
    width: int | None = None
"""
    assert fields in result.stdout
    assert "    made_of: str | None = None\n" in run("--only", "cli_boxes").stdout


def test_a_limited_user_gets_what_that_user_may_read_and_learns_so(server: DirectusServer) -> None:
    results = {}
    with user(server, "cli_reader", cli_shelves=["read"]) as token:
        for app_access in (False, True):
            set_app_access(server, "cli_reader", allowed=app_access)
            results[app_access] = run("--only", "cli_*", DIRECTUS_TOKEN=token)
    result, with_app = results[False], results[True]
    assert result.exit_code == 3  # without access to the app, a user sees no schema
    assert "FORBIDDEN" in result.stderr
    assert with_app.exit_code == 0
    assert SHELF.partition("\n")[0] in with_app.stdout
    assert "CliBox" not in with_app.stdout
    for shown in (with_app.stdout, with_app.stderr):
        assert "no administrator" in shown
    assert "no administrator" not in run("--only", "cli_*").output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[tool", "no TOML"),
        (b"\xff", "no TOML"),
        (b"[tool.directus_orm]\nnames = 3", "no table"),
        (b"tool = 3", "no table"),
        (b"[tool.directus_orm.names]\ncli_shelves = 'class'", "'class'"),
        (b"[tool.directus_orm.names]\ncli_shelves = 3", "3"),
    ],
)
def test_a_wrong_table_of_names_is_status_2(server: DirectusServer, content: bytes, message: str) -> None:
    Path("pyproject.toml").write_bytes(content)
    result = run("--only", "cli_*")
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_nearest_project_has_the_names(server: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text('[tool.directus_orm.names]\ncli_shelves = "Rack"\n')
    Path("inner").mkdir()
    monkeypatch.chdir("inner")
    assert "class Rack(Model" in run("--only", "cli_shelves").stdout


def test_a_file_in_another_encoding_is_kept(server: DirectusServer) -> None:
    Path("models.py").write_bytes(b"\xff\xfe")
    assert run("--only", "cli_*", "-o", "models.py").exit_code == 4
    assert run("--only", "cli_*", "-o", "models.py", "--check").exit_code == 1
    assert run("--snapshot", "models.py").exit_code == 2
    assert Path("models.py").read_bytes() == b"\xff\xfe"


def test_a_folder_that_is_not_there_is_status_2(server: DirectusServer) -> None:
    result = run("--only", "cli_*", "-o", "missing/models.py")
    assert result.exit_code == 2
    assert "missing" in result.stderr


def test_patterns_that_fit_nothing_are_status_3_and_write_nothing(server: DirectusServer) -> None:
    assert run("--only", "cli_none_*", "-o", "models.py").exit_code == 3
    assert not Path("models.py").exists()


def test_a_password_is_never_printed(server: DirectusServer) -> None:
    result = run("--email", "nobody@example.com", "--password", "s3cret-wrong", DIRECTUS_TOKEN=None)
    assert result.exit_code == 3
    assert "s3cret" not in result.output


def test_the_token_of_the_environment_goes_to_no_other_server(server: DirectusServer) -> None:
    """Each may be that of another owner."""
    other = TinyServer()
    other.answers(Scripted(body={"data": []}))
    run("--url", other.url)
    other.stop()
    assert other.seen
    assert not any(server.token in str(seen) for seen in other.seen)
    assert run("--only", "cli_*", "--url", f"{server.url}/").exit_code == 0
    assert run("--only", "cli_*", "--url", server.url, DIRECTUS_URL=None).exit_code == 0
