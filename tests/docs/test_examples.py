"""Every Python example of README and docs runs against a real server, and prints what the page shows."""

from __future__ import annotations

import doctest
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

import directus_orm
from directus_orm import DirectusError, Session
from directus_orm.session.http.v10_api import ERROR_CLASSES
from tests.docs import pages
from tests.worlds import flights as models
from tests.worlds import library

PAGES = (
    "README.md",
    "docs/aggregates.md",
    "docs/async.md",
    "docs/bulk.md",
    "docs/django.md",
    "docs/expressions.md",
    "docs/import_export.md",
    "docs/items.md",
    "docs/iterating.md",
    "docs/models.md",
    "docs/notebooks.md",
    "docs/permissions.md",
    "docs/queries.md",
    "docs/relations.md",
    "docs/tables.md",
    "docs/types.md",
    "docs/web.md",
)
FINDER = doctest.DocTestFinder()


def examples_of(name: str, names: dict[str, Any]) -> list[doctest.DocTest]:
    """Return the examples in the docstrings of a public name, those of bases that have no public name included."""
    value = getattr(directus_orm, name)
    bases = [base for base in getattr(value, "__mro__", ())[1:] if base.__module__.startswith("directus_orm.")]
    # A false module lets the finder take any object for one of its own.
    found = [FINDER.find(each, name, module=cast("Any", False), globs=names) for each in (value, *bases)]
    return [test for tests in found for test in tests if test.examples]


WITH_EXAMPLES = [name for name in directus_orm.__all__ if examples_of(name, {})]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_in_a_row(
    library_server: Any, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == "docs/bulk.md" and library_server.version.startswith("10."):
        pytest.skip("Directus 10 does not name the value that is not unique")
    with as_it_was(library_server):
        pages.run(page, pages.address_of(library_server), monkeypatch)


@pytest.mark.parametrize("printed", ["1\n", "1\n3\n", "2\n1\n", "1\n2\n3\n", ""])
def test_a_page_that_shows_something_else_than_is_printed_fails(printed: str) -> None:
    with pytest.raises(AssertionError, match="shown:"):
        pages.assert_shown("print(1)\n#> 1\nprint(2)\n#> 2\n", printed)
    pages.assert_shown("print(1)\n#> 1\nprint(2)\n#> 2\n", "1\n2\n")
    pages.assert_shown("#> 1\n#> …\n#> 4", "1\n2\n3\n4\n")


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


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_docstrings_run(
    notes: Session, article: library.Article, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examples may use the models of the flights, of the library, and an article, a tag and a page."""
    own = {"article": article, "tag": library.Tag.objects.first(), "page": library.Page.objects.create()}
    names = {**vars(library), **vars(models), **vars(directus_orm), **own, "__name__": "docstring_examples"}
    module = ModuleType("docstring_examples")  # where annotations are looked up
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in examples_of(name, names):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_the_table_of_errors_is_the_one_in_the_code() -> None:
    table = dict(
        re.findall(
            r"^\| `(\w+)` \| (`[A-Z_`, ]+) \|$", (pages.ROOT / "docs/sessions.md").read_text(), re.MULTILINE
        )
    )
    listed = {code: name for name, codes in table.items() for code in re.findall(r"`([A-Z_]+)`", codes)}
    assert listed == {code: kind.__name__ for code, kind in ERROR_CLASSES.items()}
    assert all(issubclass(kind, DirectusError) for kind in ERROR_CLASSES.values())


GOTCHAS = (*range(1, 7), *range(12, 27), 28, 29, *range(33, 42), *range(46, 50))


def test_every_numbered_finding_is_named_by_a_test() -> None:
    text = "\n".join(path.read_text() for path in (pages.ROOT / "tests").rglob("*.py") if path != Path(__file__))
    missing = [f"G{n}" for n in GOTCHAS if not re.search(rf"\bG{n}\b", text)]
    assert not missing
