"""Benchmarks without a server: importing the package, and building queries."""

from __future__ import annotations

import compileall
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import directus_orm

from . import compile as compiling
from .measuring import OURS, Scenario, Work
from .world import World

PACKAGE = Path(directus_orm.__file__).parent
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def importing(_: World) -> Mapping[str, Work]:
    return {
        OURS: lambda: _import("directus_orm"),
        "its four libraries": lambda: _import("requests, attrs, cattrs, inflection"),
    }


def _import(names: str) -> float:
    # As it is installed, that is with bytecode: pip compiles what it installs, and nobody this checkout.
    compileall.compile_dir(PACKAGE, quiet=2)
    code = CODE.format(names)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return 1000 * float(printed)


def building(_: World) -> Mapping[str, Work]:
    return {OURS: lambda: min(compiling.measured({OURS: compiling.build_and_compile}, rounds=200)[OURS])}


SCENARIOS = (
    Scenario(
        "import",
        "import directus_orm",
        "ms",
        importing,
        {"sqlite": 1.0},
        at_most=True,
        weight=10,
        databases=("sqlite",),
    ),
    Scenario(
        "compile",
        "a query of five conditions, built and compiled",
        "µs",
        building,
        {"sqlite": compiling.GOAL},
        at_most=True,
        compared="itself",
        databases=("sqlite",),
    ),
)
