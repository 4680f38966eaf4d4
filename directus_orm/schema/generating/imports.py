"""The import statements of a generated module, sorted and broken as ruff does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .source_lines import WIDTH

# The module of the standard library that each name comes from.
_STANDARD: Mapping[str, str] = {
    "Decimal": "decimal",
    "StrEnum": "enum",
    "TYPE_CHECKING": "typing",
    "Any": "typing",
    "Literal": "typing",
    "UUID": "uuid",
}


def imports(used: Collection[str]) -> list[str]:
    """Return the lines that import these names, of the standard library (``dt`` …) and of directus_orm."""
    standard = ["import datetime as dt"] if "dt" in used else []
    for module in sorted(set(_STANDARD.values())):
        names = [name for name, origin in _STANDARD.items() if origin == module and name in used]
        standard += [f"from {module} import {', '.join(names)}"] if names else []
    ours = sorted(set(used) - _STANDARD.keys() - {"dt"}, key=_order)
    return [
        "from __future__ import annotations",
        "",
        *standard,
        *([""] if standard else []),
        *import_from("directus_orm", ours),
    ]


def _order(name: str) -> tuple[bool, str]:
    """Classes come before functions, as ruff sorts them."""
    return name[0].islower(), name


def import_from(module: str, names: Sequence[str], *, indent: int = 0) -> list[str]:
    """Return the lines of one import: one, or one for each name."""
    margin = " " * indent
    line = f"{margin}from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{margin}from {module} import (", *(f"{margin}    {name}," for name in names), f"{margin})"]
