"""What README and docs show is what runs: every Python example, against a real server."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from directus_orm import DirectusError, Session
from directus_orm.session.failures import CLASSES

from . import world as models

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "docs/aggregates.md",
    "docs/async.md",
    "docs/bulk.md",
    "docs/expressions.md",
    "docs/iterating.md",
    "docs/models.md",
    "docs/queries.md",
    "docs/relations.md",
    "docs/tables.md",
    "docs/types.md",
)
MODULES = (
    *(
        "fields",
        "models",
        "query.columns",
        "query.custom",
        "query.dynamic",
        "query.expressions",
        "query.q",
        "query.results",
        "query.rows",
    ),
    "query.prefetching",
    "query.queryset",
    "relations",
)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_in_a_row(both_worlds: Any, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert blocks
    code = (
        "\n".join(blocks)
        .replace("http://localhost:8055", both_worlds.url)
        .replace('token="…"', f"token={both_worlds.token!r}")
    )
    module = ModuleType(f"example_of_{Path(page).stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with as_it_was(both_worlds):
        exec(compile(code, page, "exec", dont_inherit=True), vars(module))


@contextmanager
def as_it_was(world: Any) -> Iterator[None]:
    """Take back what an example changes in the flights; refuse what it leaves behind."""
    with Session(world.url, token=world.token) as session:
        before = _everything(session)
        yield
        after = _everything(session)
        for row, was in zip(after.pop("flights"), before.pop("flights"), strict=True):
            if row != was:
                session.items("flights").update(was["id"], was)
        assert after == before


def _everything(session: Session) -> dict[str, Any]:
    return {name: session.items(name).read(limit=-1) for name in ("airlines", "flights", "notes")}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(notes: Session, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"directus_orm.{name}")
    known = {**vars(models), **vars(importlib.import_module("directus_orm")), "__name__": "docstring_examples"}
    place = ModuleType("docstring_examples")  # where annotations are looked up
    vars(place).update(known)
    monkeypatch.setitem(sys.modules, place.__name__, place)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    found = [test for test in finder.find(module, globs=known) if test.examples]
    assert found
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_the_table_of_errors_is_the_one_in_the_code() -> None:
    table = dict(
        re.findall(r"^\| `(\w+)` \| (`[A-Z_`, ]+) \|$", (ROOT / "docs/sessions.md").read_text(), re.MULTILINE)
    )
    listed = {code: name for name, codes in table.items() for code in re.findall(r"`([A-Z_]+)`", codes)}
    assert listed == {code: kind.__name__ for code, kind in CLASSES.items()}
    assert all(issubclass(kind, DirectusError) for kind in CLASSES.values())


GOTCHAS = (*range(1, 7), *range(12, 27), 28, 29, *range(33, 42), *range(46, 50))


def test_every_gotcha_of_this_work_is_named_by_a_test() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
    missing = [f"G{n}" for n in GOTCHAS if not re.search(rf"\bG{n}\b", text)]
    assert not missing
