"""The Python examples of a page, and the lines that they are said to print."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

from directus_orm.testing import DirectusServer

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A line of an example that shows what is printed, as in `#> 42`; `…` stands for anything.
SHOWN = re.compile(r"^ *#>(?: (.*))?$", re.MULTILINE)


def code_of(page: str) -> str:
    """Return the examples of a page, one after another."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert blocks
    return "\n".join(blocks)


def address_of(server: DirectusServer) -> dict[str, str]:
    """Return what stands for a server in the pages, and what it is for this one."""
    return {
        "http://localhost:8055": server.url,
        'token="…"': f"token={server.token!r}",
        '"Bearer …"': f'"Bearer {server.token}"',
    }


def run(page: str, replaced: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the examples of a page in a row, with parts of them replaced, and compare what they print."""
    assert_shown(code_of(page), printed_by(page, replaced, monkeypatch))


def printed_by(page: str, replaced: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the examples of a page in a row, with parts of them replaced, and return what they print."""
    code = code_of(page)
    for shown, real in replaced.items():
        code = code.replace(shown, real)
    module = ModuleType(f"example_of_{Path(page).stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, page, "exec", dont_inherit=True), vars(module))
    return printed.getvalue()


def assert_shown(code: str, printed: str) -> None:
    """Compare all that the examples printed with the lines that show it."""
    lines = "\n".join(SHOWN.findall(code))
    pattern = ".*".join(re.escape(text) for text in lines.split("…"))
    assert re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL), f"shown:\n{lines}\n\nprinted:\n{printed}"
