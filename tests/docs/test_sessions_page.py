"""The examples of docs/sessions.md run in a row, against a real server."""

from __future__ import annotations

import pytest

from directus_orm.testing import DirectusServer
from tests.docs import pages

PAGE = "docs/sessions.md"


def test_the_examples_of_the_page_run(world: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pages.code_of(PAGE).count("Session(") > 5
    replaced = {
        '"http://localhost:8055"': repr(world.url),
        'password="…"': f"password={world.password!r}",
        'email="ada@example.com"': f"email={world.email!r}",
        '"…"': repr(world.token),
    }
    monkeypatch.setenv("DIRECTUS_URL", world.url)
    pages.run(PAGE, replaced, monkeypatch)
