"""The layout of the package: folders import only folders before them, and the root is imported by nobody."""

from __future__ import annotations

import ast
import configparser
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import directus_orm
from directus_orm.core import errors

PACKAGE = Path(directus_orm.__file__).parent

# From the ground up: a folder may import those before it in this list, and no others.
FOLDERS = (
    "core",
    "session/permissions",
    "session/http",
    "session/transfers",
    "session/items",
    "session/services",
    "session",
    "fields/declarations",
    "fields",
    "query",
    "query/lookups",
    "dialects",
    "reading/pagination",
    "reading",
    "reading/aggregation",
    "instances",
    "writing",
    "querysets",
    "models",
    "system/contents",
    "system",
    "schema",
    "schema/generating",
    "schema/checking",
    "cli",
    "testing",
)
# These describe models and queries; they must not know that servers exist.
WITHOUT_SESSIONS = ("fields/declarations", "fields", "query", "query/lookups")
# The imports against the order, at run time on first use: every model has a history (`Model.revisions`), and the
# rows of that history are instances of models; a session makes models from its schema (`Session.reflect`); and
# `directus_orm.schema` has the public names of the folder that checks models.
EXCEPTIONS = {
    ("models/model", "system/history"),
    ("models/model", "system/__init__"),
    ("session/server_status", "models/model"),
    ("session/server_status", "schema/reflecting"),
    ("session/server_status", "schema/__init__"),
    ("schema/__init__", "schema/checking/check"),
    ("schema/__init__", "schema/checking/drift"),
}
MOST_MODULES = 12
MOST_LINES = 500

Graph = Mapping[str, Iterable[str]]


def modules() -> dict[str, Path]:
    """Return every module of the package by its path within it, such as ``session/auth``."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "__init__.py"
    }


MODULES = modules()


def folder_of(module: str) -> str:
    return module.rpartition("/")[0]


def imports_of(module: str) -> set[str]:
    """Return the modules of this package that a module imports; the package root is the empty string."""
    package = ["directus_orm", *module.split("/")[:-1]]
    imported = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import errors` imports a module of the folder, not the folder.
            imported |= {f"{source}.{alias.name}" for alias in node.names if _module(f"{source}.{alias.name}")}
            imported |= {source} if any(not _module(f"{source}.{alias.name}") for alias in node.names) else set()
    return {_module(name) or "" for name in imported if name == "directus_orm" or _module(name)}


def _module(dotted: str) -> str | None:
    """Return the module of a dotted name, or None where it is none of this package."""
    path = dotted.removeprefix("directus_orm.").replace(".", "/")
    return next((name for name in (path, f"{path}/__init__") if name in MODULES), None)


IMPORTS = {
    module: {other for other in imports_of(module) - {module} if (module, other) not in EXCEPTIONS}
    for module in MODULES
}


def folder_graph() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {folder: set() for folder in FOLDERS}
    for module, others in IMPORTS.items():
        graph[folder_of(module)] |= {folder_of(other) for other in others} - {folder_of(module)}
    return graph


def cycle(graph: Graph) -> list[str]:
    """Return the nodes that are left when those without imports are taken out again and again."""
    left = {node: set(others) for node, others in graph.items()}
    while free := {node for node, others in left.items() if not others & left.keys()}:
        left = {node: others for node, others in left.items() if node not in free}
    return sorted(left)


def upward_imports() -> list[str]:
    return [
        f"{module} imports {other or 'the package root'}"
        for module, others in IMPORTS.items()
        for other in others
        if not other or FOLDERS.index(folder_of(other)) > FOLDERS.index(folder_of(module))
    ]


def test_every_folder_is_in_the_list() -> None:
    assert {folder_of(module) for module in MODULES} == set(FOLDERS)


def test_a_folder_imports_only_folders_before_it() -> None:
    assert upward_imports() == []


def test_folders_have_no_cycle() -> None:
    assert cycle(folder_graph()) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_modules_of_a_folder_have_no_cycle(folder: str) -> None:
    assert cycle({module: others for module, others in IMPORTS.items() if folder_of(module) == folder}) == []


@pytest.mark.parametrize("folder", WITHOUT_SESSIONS)
def test_descriptions_of_models_and_queries_know_no_session(folder: str) -> None:
    assert not {other for other in folder_graph()[folder] if other.startswith("session")}


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_few_modules_and_says_what_lives_in_it(folder: str) -> None:
    """The docstring of a folder has two sentences: what lives there, and what it may import."""
    counted = Counter(folder_of(module) for module in MODULES if not module.endswith("__init__"))
    assert counted[folder] <= MOST_MODULES
    docstring = ast.get_docstring(ast.parse(MODULES[f"{folder}/__init__"].read_text())) or ""
    assert re.search(r"^Imports (only|nothing) ", docstring, re.MULTILINE)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_has_one_subject(module: str) -> None:
    lines = MODULES[module].read_text().splitlines()
    assert len(lines) <= MOST_LINES
    assert lines[0].startswith('"""')


PUBLIC = {
    *("Avg", "Count", "F", "Max", "Min", "Sum"),
    *("Column", "Model", "Prefetch", "Q", "QuerySet", "Related", "RelatedColumn", "Retry", "Rows"),
    *("ActionPermission", "Allowed", "Permissions"),
    *("Session", "TypedManager", "many_to_any", "many_to_many", "one_to_many"),
    *(
        "check_models",
        "col",
        "connect",
        "current_role",
        "current_session",
        "current_user",
        "field",
        "generated",
        "now",
    ),
    *("register_lookup", "register_type", "via"),
}


def test_the_public_names_are_these_and_the_errors() -> None:
    tree = {name for name, value in vars(errors).items() if getattr(value, "__module__", "") == "directus_orm"}
    assert set(directus_orm.__all__) == PUBLIC | tree
    assert directus_orm.__all__ == sorted(directus_orm.__all__)


def test_a_star_import_leaves_a_model_called_page_alone() -> None:
    """`Page` is public all the same."""
    assert "Page" not in directus_orm.__all__
    assert directus_orm.Page.__module__ == "directus_orm"


def test_public_names_say_the_package_as_their_module() -> None:
    """Tracebacks and pickles show ``directus_orm.Model``, not the layout of the package."""
    for face in (directus_orm, directus_orm.session):
        public = {name: getattr(face, name) for name in face.__all__}
        named = {name: value.__module__ for name, value in public.items() if callable(value)}
        home = {name: "directus_orm" if name in directus_orm.__all__ else face.__name__ for name in named}
        assert named == home
    assert pickle.loads(pickle.dumps(directus_orm.Session)) is directus_orm.Session


def test_importing_brings_neither_cattrs_nor_the_test_server() -> None:
    heavy = ["cattrs", "pandas", "polars", "pyarrow", "tqdm", "directus_orm.testing"]
    code = f"import sys, directus_orm; print([m for m in {heavy} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_what_is_imported_is_required() -> None:
    """urllib3 comes with requests, which also takes versions that the package does not know."""
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg")
    required = setup["options"]["install_requires"].split()
    names = {re.split(r"\W", each)[0] for each in required}
    optional = {
        "yaml" if each.startswith("PyYAML") else re.split(r"\W", each)[0]
        for each in " ".join(setup["options.extras_require"].values()).split()
    }
    imported = {
        name.partition(".")[0]
        for module, path in MODULES.items()
        if folder_of(module) != "testing"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        )
    }
    standard = {*sys.stdlib_module_names, "annotationlib"}  # the latter since Python 3.14
    assert imported - standard <= names | optional
    assert "urllib3>=2.0.2" in required


def test_types_ship_with_the_package() -> None:
    assert (PACKAGE / "py.typed").exists()


if __name__ == "__main__":
    largest = Counter(folder_of(module) for module in MODULES if not module.endswith("__init__")).most_common(1)
    longest = max(MODULES, key=lambda module: len(MODULES[module].read_text().splitlines()))
    print("imports:", sum(map(len, IMPORTS.values())), "against the order:", len(upward_imports()))
    print("folders in a cycle:", len(cycle(folder_graph())), "modules in a cycle:", len(cycle(IMPORTS)))
    print("largest folder:", largest, "longest module:", longest, len(MODULES[longest].read_text().splitlines()))
