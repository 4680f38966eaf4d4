"""The examples of docs/sessions.md run in a row, against a real server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from directus_orm.session import session as session_module
from directus_orm.testing import DirectusServer

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


@pytest.fixture
def default() -> Iterator[None]:
    before = session_module._current.default
    yield
    made, session_module._current.default = session_module._current.default, before
    if made is not None:
        made.close()


@pytest.mark.usefixtures("default")
def test_the_examples_of_the_page_run(world: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    assert code.count("Session(") > 5
    for shown, real in (
        ('"http://localhost:8055"', repr(world.url)),
        ('password="…"', f"password={world.password!r}"),
        ('email="ada@example.com"', f"email={world.email!r}"),
        ('"…"', repr(world.token)),
    ):
        code = code.replace(shown, real)
    monkeypatch.setenv("DIRECTUS_URL", world.url)
    module = ModuleType("example_of_sessions")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), vars(module))
