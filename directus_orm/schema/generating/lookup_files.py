"""The stub files of typed lookups beside a generated module: one for each model, for checkers skip large files."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import inflection

from ...fields.registry import forget, is_model
from ..naming import first_free
from ..normal_form import DatabaseSchema
from ..typed_lookups import lookup_stub
from .layout import Layout
from .modules import generate_module
from .names import declared
from .options import GeneratorOptions

_MODULE = "models_of_a_schema"


def lookup_files(schema: DatabaseSchema, options: GeneratorOptions, layout: Layout) -> dict[str, str]:
    """Return the texts of the stub files by their names; none if the layout has no lookups."""
    typed = {each.name for each in declared(schema) if layout.has_lookups_of(each)}
    if layout.lookups == "none" or not typed:
        return {}
    files: dict[str, str] = {}
    functions: dict[str, str] = {}
    with _models(schema, options) as models:
        for model in (each for each in models if each.directus.collection in typed):
            name = inflection.underscore(model.__name__)
            file = first_free([f"{name}_" if keyword.iskeyword(name) else name], functions)
            functions[file] = model.__name__
            files[f"{file}.pyi"] = lookup_stub(model, layout.lookups, module=layout.models_seen_by_stubs)
    files["__init__.pyi"] = _index(functions)
    return files


def _index(functions: dict[str, str]) -> str:
    """Return the stub file of the folder, which names the function of each model after the model."""
    lines = [f"from .{file} import lookups as {name}" for file, name in functions.items()]
    exported = [f'    "{name}",' for name in functions.values()]
    return "\n".join(["# ruff: noqa", *lines, "", "__all__ = [", *exported, "]", ""])


@contextmanager
def _models(schema: DatabaseSchema, options: GeneratorOptions) -> Iterator[list[type[Any]]]:
    """Give the generated models, as a module of their own; they are forgotten afterwards."""
    module = ModuleType(_MODULE)
    sys.modules[_MODULE] = module  # annotations are resolved by the name of the module
    try:
        exec(generate_module(schema, options).body, vars(module))  # noqa: S102 - written by this program
        models = [each for each in vars(module).values() if is_model(each) and each.__module__ == _MODULE]
        yield models
    finally:
        for each in list(vars(module).values()):
            if is_model(each) and each.__module__ == _MODULE:
                forget(each)
        del sys.modules[_MODULE]
