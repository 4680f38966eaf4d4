"""Messages and public docstrings cite no numbered finding: users do not have the notes that number them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import directus_orm.session
import directus_orm.testing
from directus_orm import Session

PACKAGE = Path(directus_orm.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
NUMBERED_FINDING = re.compile(r"\b[GSC]\d+\b")


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that stand by themselves: below a module, a class, a function or a variable."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as docstring):
                yield docstring


def numbers_in_texts(source: str) -> list[str]:
    """Return the string literals, docstrings apart, that cite a numbered finding: users may see any of them."""
    tree = ast.parse(source)
    apart = set(docstrings(tree))
    literals = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in apart)
    return [
        f"line {node.lineno}: {node.value}"
        for node in literals
        if isinstance(node.value, str) and NUMBERED_FINDING.search(node.value)
    ]


def documented(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield a public object and, of a class, its public members, each with its docstring."""
    yield name, getattr(value, "__doc__", None) or ""
    if isinstance(value, type):
        for base in value.__mro__:
            if base.__module__.partition(".")[0] == "directus_orm":
                for member, defined in vars(base).items():
                    if not member.startswith("_"):
                        yield f"{name}.{member}", getattr(defined, "__doc__", None) or ""


@pytest.mark.parametrize("module", MODULES)
def test_no_message_cites_a_numbered_finding(module: str) -> None:
    assert numbers_in_texts((PACKAGE / module).read_text()) == []


@pytest.mark.parametrize(
    "face", [directus_orm, directus_orm.session, directus_orm.testing], ids=lambda f: f.__name__
)
def test_no_public_docstring_cites_a_numbered_finding(face: Any) -> None:
    cited = {
        member: docstring
        for name in face.__all__
        for member, docstring in documented(name, getattr(face, name))
        if NUMBERED_FINDING.search(docstring)
    }
    assert NUMBERED_FINDING.search(face.__doc__) is None
    assert cited == {}


def test_a_numbered_finding_is_found() -> None:
    source = '"""Not of docstrings (G1)."""\nraise Error(f"the row is gone (G33): {key}")\n# G2\n'
    assert numbers_in_texts(source) == ["line 2: the row is gone (G33): "]


def test_members_of_public_classes_are_looked_at() -> None:
    assert {"Session", "Session.send", "Session.info"} <= {member for member, _ in documented("Session", Session)}
