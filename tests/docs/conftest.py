"""What several pages begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from directus_orm.testing import DirectusServer
from tests.docs import pages
from tests.worlds.server_setup import drop_collection


@pytest.fixture
def first_page(world: DirectusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectusServer]:
    """A server after the first page of the tutorial, in the environment of an empty folder."""
    monkeypatch.setenv("DIRECTUS_URL", world.url)
    monkeypatch.setenv("DIRECTUS_TOKEN", world.token)
    try:
        pages.run("docs/start.md", {}, monkeypatch)
        monkeypatch.chdir(tmp_path)
        yield world
    finally:
        for name in ("movies", "directors"):
            drop_collection(world, name)
