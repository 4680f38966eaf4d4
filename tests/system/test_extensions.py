"""The extensions of a server are listed, and switched off and on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from directus_orm import Forbidden, Session
from directus_orm.system import Extension
from directus_orm.testing import DirectusServer, start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, directus_version: str) -> Iterator[DirectusServer]:
    """A server with two extensions that do nothing."""
    folder = tmp_path_factory.mktemp("extensions")
    for name in ("nothing", "also-nothing"):
        _write_extension(folder / name, name)
    with start(directus_version, env={"EXTENSIONS_PATH": str(folder)}) as server:
        yield server


def _write_extension(folder: Path, name: str) -> None:
    (folder / "dist").mkdir(parents=True)
    (folder / "dist/index.js").write_text("export default () => {};\n")
    about = {"type": "hook", "path": "dist/index.js", "source": "src/index.js", "host": ">=10.0.0"}
    package = {"name": name, "version": "1.2.3", "type": "module", "directus:extension": about}
    (folder / "package.json").write_text(json.dumps(package))


def test_extensions_are_listed_by_name_and_can_be_disabled(server: DirectusServer) -> None:
    with Session(server.url, token=server.token):
        first, second = Extension.all()
        assert (first.name, first.type, first.version, first.enabled) == ("also-nothing", "hook", "1.2.3", True)
        assert (first.source, first.folder, first.bundle) == ("local", "also-nothing", None)
        first.disable()
        assert [extension.enabled for extension in Extension.all()] == [False, True]
        assert not first.enabled
        assert second.enabled
        asyncio.run(first.aenable())
        assert [extension.enabled for extension in asyncio.run(Extension.aall())] == [True, True]


def test_only_administrators_see_extensions(server: DirectusServer) -> None:
    with pytest.raises(Forbidden):
        Extension.all(using=Session(server.url))
