"""The pages on common tasks: their examples run as readers run them, and what they say of other tools is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from fastapi.exceptions import FastAPIError
from fastapi.testclient import TestClient

from directus_orm import ConfigurationError, Session
from directus_orm.system import File
from directus_orm.testing import DirectusServer
from directus_orm.testing.server import _free_port
from tests.docs import pages
from tests.worlds import website
from tests.worlds.flights import Flight
from tests.worlds.server_setup import drop_collection


@pytest.fixture
def environment(world: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that a server for tests tells to set."""
    monkeypatch.setenv("DIRECTUS_URL", world.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", world.token)


@pytest.mark.usefixtures("environment")
def test_the_first_steps_lead_from_an_empty_server_to_printed_rows(
    world: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        pages.run("docs/start.md", {}, monkeypatch)
    finally:
        drop_collection(world, "movies")
        drop_collection(world, "directors")


@pytest.mark.parametrize(
    "page", ["docs/history.md", "docs/page_builder.md", "docs/system_fields.md", "docs/translations.md"]
)
def test_the_examples_for_a_website_run(
    website_server: DirectusServer, website_session: Session, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == "docs/history.md" and website_server.version.startswith("10."):
        pytest.skip("Directus 10 has no comments as rows")
    pages.run(page, pages.address_of(website_server), monkeypatch)
    website_session.patch("/items/navigation_items", website.ROWS["navigation_items"])


def test_the_examples_on_directus_own_collections_run(
    website_server: DirectusServer, website_session: Session, tmp_path: Path
) -> None:
    """In a process of its own: a subclass of a ready model changes what relations lead to."""
    code = pages.code_of("docs/system.md")
    program = tmp_path / "program.py"
    shown = code
    for part, real in pages.address_of(website_server).items():
        shown = shown.replace(part, real)
    program.write_text(shown)
    try:
        done = subprocess.run(
            [sys.executable, program], env=_env(), capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        website_session.delete("/fields/directus_users/twitter")
    assert not done.returncode, done.stderr
    pages.assert_shown(code, done.stdout)


def test_the_examples_on_files_run(
    world: DirectusServer, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = File.objects.count()
    pages.run("docs/files.md", pages.address_of(world), monkeypatch)
    assert File.objects.count() == before


# --- programs of their own --------------------------------------------------------------------------------------

SCRIPTS = {block.split()[1]: block for block in pages.BLOCK.findall((pages.ROOT / "docs/scripts.md").read_text())}


@pytest.fixture
def folder(tmp_path: Path, environment: None) -> Path:
    """A folder with the scripts of the page, each in the file that its first line names."""
    for name, script in SCRIPTS.items():
        (tmp_path / name).write_text(script)
    return tmp_path


def test_each_script_of_the_page_has_a_name() -> None:
    assert list(SCRIPTS) == ["models.py", "report.py", "import_airlines.py", "total.py", "shop.py"]


@pytest.mark.parametrize("name", [name for name, script in SCRIPTS.items() if pages.SHOWN.search(script)])
def test_a_script_prints_what_the_page_shows(folder: Path, name: str) -> None:
    done = _done(folder, name)
    assert done.returncode == 0, done.stderr
    pages.assert_shown(SCRIPTS[name], done.stdout)


def test_an_error_ends_a_script_with_status_1_and_shows_no_token(
    folder: Path, world: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRECTUS_TOKEN", "a-wrong-token")
    done = _done(folder, "report.py")
    assert done.returncode == 1
    assert "AuthenticationError" in done.stderr
    assert "a-wrong-token" not in done.stderr


def _done(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, name], cwd=folder, env=_env(), capture_output=True, text=True, check=False
    )


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(pages.ROOT)}


def test_the_examples_of_the_page_on_the_server_run(
    directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        pages.run("docs/server.md", pages.address_of(directus_server), monkeypatch)
    finally:
        drop_collection(directus_server, "planets")
        drop_collection(directus_server, "stars")


@pytest.mark.parametrize("further", ["", "Flight.objects.count()  # before the fork"])
@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_each_process_of_gunicorn_queries(folder: Path, preload: tuple[str, ...], further: str) -> None:
    with (folder / "shop.py").open("a") as module:
        module.write(further)
    url = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "2", "--bind", url, *preload]
    with subprocess.Popen([*command, "shop:app"], cwd=folder, env=_env(), stderr=subprocess.PIPE) as server:
        try:
            assert {_get(f"http://{url}/count", server) for _ in range(8)} == {'{"flights":260}'}
        finally:
            server.terminate()
            server.communicate(timeout=60)


def _get(url: str, server: subprocess.Popen[bytes]) -> str:
    """Return the text of a response; wait until the server listens."""
    while server.poll() is None:
        try:
            return requests.get(url, timeout=30).text.strip()
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("gunicorn ended by itself")


# --- FastAPI ----------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> FastAPI:
    return FastAPI()


def test_an_instance_that_is_returned_raises_an_error_that_names_to_dict(app: FastAPI, session: Session) -> None:
    flight = Flight.objects.first()
    app.get("/")(lambda: [flight])
    with TestClient(app) as client, pytest.raises(ValueError, match=re.escape("to_dict(json=True)")):
        client.get("/")


def test_a_model_is_refused_as_the_type_of_a_response(app: FastAPI) -> None:
    def flights() -> list[Any]:
        return []

    flights.__annotations__["return"] = list[Flight]
    with pytest.raises(FastAPIError, match="Flight"):
        app.get("/")(flights)


def test_endpoints_do_not_see_a_with_block_of_the_lifespan(world: DirectusServer) -> None:
    async def lifespan(app: FastAPI) -> Any:
        async with Session(world.url, token=world.token):
            yield

    app = FastAPI(lifespan=lifespan)
    app.get("/")(lambda: Flight.objects.count())
    with TestClient(app) as client, pytest.raises(ConfigurationError, match="There is no session"):
        client.get("/")
