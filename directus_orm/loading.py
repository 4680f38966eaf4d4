"""The function that takes a row's values, made anew for each selection of fields: it runs for every row of a loop.

Its source converts what needs converting and hands on the rest, without asking for each row again which is which.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .fields import Field
from .scalars import MAX_SAFE, Convert, load_int
from .wire import Row

Take = Callable[[dict[str, Any], Row], None]
"""Puts a row's values where instances have them; raises where one is missing or does not fit its field."""


# What load_int finds out first; said in the function itself, it costs a third.
_IS_SAFE = f"value.__class__ is int and {-MAX_SAFE} <= value <= {MAX_SAFE}"


def taking(fields: Iterable[Field]) -> Take:
    """Return the function for these fields."""
    selection = tuple(
        (field.name, field.column, field.value_type.plain, field.nullable, field.value_type.load)
        for field in fields
    )
    return _compiled(selection)


@functools.lru_cache(maxsize=512)
def _compiled(selection: tuple[tuple[str, str, type | None, bool, Convert], ...]) -> Take:
    known: dict[str, Any] = {}
    lines = ["def take(values, row):"]
    for number, (name, column, plain, nullable, load) in enumerate(selection):
        known |= {f"load{number}": load if nullable else _of_value(load), f"plain{number}": plain}
        passes = [
            *(["value is None"] if nullable else []),
            *([f"value.__class__ is plain{number}"] if plain else []),
            *([_IS_SAFE] if load is load_int else []),
        ]
        kept = f"value if {' or '.join(passes)} else " if passes else ""
        lines += [f"    value = row[{column!r}]", f"    values[{name!r}] = {kept}load{number}(value)"]
    # Names stand in it as literals alone, so that none can be read as code.
    exec("\n".join([*lines, "    return None"]), known)  # noqa: S102
    take: Take = known["take"]
    return take


def _of_value(load: Convert) -> Convert:
    def of_value(value: Any) -> Any:
        if value is None:
            msg = "null"
            raise ValueError(msg)
        return load(value)

    return of_value
