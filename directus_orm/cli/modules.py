"""The modules that commands are given: by a dotted name, or by a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

import click


def imported(name: str) -> ModuleType:
    """Return a module by its dotted name, or by its file; exit with a message if it cannot be imported.

    The modules of the current folder are found, and those beside the file.
    """
    is_file = name.endswith(".py")
    if is_file and not Path(name).is_file():
        raise click.UsageError(f"There is no file {name}.")
    folder = str(Path(name).resolve().parent if is_file else Path.cwd())
    sys.path.insert(0, folder)
    try:
        return _of_file(Path(name)) if is_file else importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            msg = f"There is no module {name!r} in {folder}, and none is installed."
            raise click.UsageError(msg) from error
        raise _failed(name) from error
    except Exception as error:
        raise _failed(name) from error
    finally:
        sys.path.remove(folder)


def _of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - the name ends with .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # annotations are resolved by the name of the module
    spec.loader.exec_module(module)
    return module


def _failed(name: str) -> click.UsageError:
    return click.UsageError(f"{name} cannot be imported:\n{traceback.format_exc()}")
