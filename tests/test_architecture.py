"""The shape of the package: imports go down, the root is the public face and nobody's tool."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import directus_orm
from directus_orm import errors

PACKAGE = Path(directus_orm.__file__).parent

# From the ground up: a module may import those above it in this list, and no others. A package counts as one
# room where its modules are of one subject.
LAYERS = (
    "asynchronous",
    "wire",
    "errors",
    "progress",
    "scalars",
    "documents",
    "convert",
    "fields",
    "relations",
    "info",
    "query.references",
    "query.q",
    "query.expressions",
    "query.custom",
    "query.conditions",
    "query.dynamic",
    "query.grouping",
    "query.query",
    "query.texts",
    "query.transforms",
    "query.json_paths",
    "query.lookups",
    "query.resolve",
    "query.terms",
    "query.having",
    "query.ordering",
    "query.parts",
    "query.merging",
    "dialects.aggregation",
    "dialects.nesting",
    "dialects.tallies",
    "dialects.rest",
    "session",
    "progress",
    "query.turns",
    "query.seeking",
    "query.place",
    "query.windows",
    "query.paging",
    "query.fetch",
    "query.steps",
    "query.partition",
    "losses",
    "instances",
    "loading",
    "lazy",
    "attributes",
    "rounding",
    "trees",
    "changes",
    "fates",
    "writes",
    "faults",
    "chunks",
    "bulk",
    "links",
    "query.words",
    "query.explain",
    "query.shapes",
    "query.group_paging",
    "query.group_order",
    "query.groups",
    "query.results",
    "query.selecting",
    "query.tables",
    "query.rows",
    "query.prefetching",
    "query.queryset",
    "query.junctions",
    "query.related",
    "query.columns",
    "models",
    "testing",
)
ROOMS = {"session", "testing"}


def modules() -> dict[str, Path]:
    found = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name: path for name, path in found.items() if name != "__init__"}


def imported(name: str, path: Path) -> set[str]:
    """Return the modules of this package that a module imports, by their names within it."""
    package = ["directus_orm", *name.split(".")[:-1]]
    known = {f"directus_orm.{module}": module for module in modules()} | {"directus_orm": ""}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import errors` takes a module, not something of the package.
            found |= {f"{source}.{alias.name}" for alias in node.names} & set(known) or {source}
    return {known[module] for module in found if module in known}


def room(name: str) -> str:
    first = name.partition(".")[0]
    return first if first in ROOMS else name


def edges() -> list[tuple[str, str]]:
    return [
        (name, other)
        for name, path in modules().items()
        if not name.endswith("__init__")
        for other in imported(name, path)
        if room(other) != room(name)
    ]


def test_every_module_has_its_place() -> None:
    placed = {room(name) for name in modules() if not name.endswith("__init__")}
    assert placed == set(LAYERS)


def test_imports_go_down() -> None:
    """No module imports one that stands later in the list, so there are no cycles; nobody imports the root."""
    packages = {"query", "dialects"}
    wrong = [
        f"{name} imports {other or 'the package root'}"
        for name, other in edges()
        if other not in packages and (not other or LAYERS.index(room(other)) >= LAYERS.index(room(name)))
    ]
    assert not wrong


def test_rooms_have_no_cycles_inside() -> None:
    for room_name in ROOMS:
        inside = {n: p for n, p in modules().items() if n.startswith(room_name) and not n.endswith("__init__")}
        left = {name: imported(name, path) & set(inside) - {name} for name, path in inside.items()}
        while left:
            free = [name for name, needs in left.items() if not needs]
            assert free, f"a cycle among {sorted(left)}"
            left = {name: needs - set(free) for name, needs in left.items() if name not in free}


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_is_of_one_subject(name: str) -> None:
    lines = modules()[name].read_text().splitlines()
    assert len(lines) <= 500
    assert name.endswith("__init__") or lines[0].startswith('"""')


PUBLIC = {
    *("Avg", "Count", "F", "Max", "Min", "Sum"),
    *("Column", "Model", "Page", "Prefetch", "Q", "QuerySet", "Related", "RelatedColumn", "Retry", "Rows"),
    *("Session", "many_to_any", "many_to_many", "one_to_many"),
    *("col", "connect", "current_role", "current_session", "current_user", "field", "generated", "now"),
    *("register_lookup", "register_type", "via"),
}


def test_the_public_names_are_these_and_the_errors() -> None:
    tree = {name for name, value in vars(errors).items() if getattr(value, "__module__", "") == errors.__name__}
    assert set(directus_orm.__all__) == PUBLIC | (tree - {"suggestion"})
    assert directus_orm.__all__ == sorted(directus_orm.__all__)


def test_importing_brings_neither_cattrs_nor_the_test_server() -> None:
    heavy = ["cattrs", "pandas", "polars", "pyarrow", "tqdm", "directus_orm.testing"]
    code = f"import sys, directus_orm; print([m for m in {heavy} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_types_ship_with_the_package() -> None:
    assert (PACKAGE / "py.typed").exists()
