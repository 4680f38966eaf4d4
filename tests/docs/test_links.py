"""Links between the pages lead somewhere, and the pages name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.test_architecture import FOLDERS, PACKAGE

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks/README.md", *ROOT.glob("docs/*.md"))
)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)#?([^)\s]*)\)")
# Findings about Directus are numbered for developers; a reader of the documentation does not know them.
INTERNAL_NUMBER = re.compile(r"\bG\d{1,2}\b")


def anchors(path: Path) -> set[str]:
    """Return the names by which the headings of a page can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings_that_exist(page: str) -> None:
    for target, anchor in LINK.findall((ROOT / page).read_text()):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


def test_the_readme_lists_every_page() -> None:
    listed = {target for target, _ in LINK.findall((ROOT / "README.md").read_text())}
    assert {page for page in PAGES if page.startswith("docs/")} <= listed


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_no_internal_numbers(page: str) -> None:
    assert not INTERNAL_NUMBER.findall((ROOT / page).read_text())


def test_the_page_on_architecture_lists_the_folders_in_order_and_names_files_that_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    assert tuple(re.findall(r"^\| `([a-z/]+)` \|", text, re.MULTILINE)) == FOLDERS
    files = set(re.findall(r"`([a-z0-9_/]+\.py)`", text)) - {"tests/test_architecture.py"}
    assert [path for path in sorted(files) if not (PACKAGE / path).exists()] == []
