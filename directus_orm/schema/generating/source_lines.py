"""Lines of Python as ruff formats them: calls that are too long for a line are broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

WIDTH = 88
"""The most characters of a line, as ruff has it by default."""


def literal(value: Any) -> str:
    """Return a value as Python source, with texts in double quotes."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)  # its escapes are Python's, too
        return text if "\x7f" not in text else text.replace("\x7f", "\\x7f")
    if isinstance(value, Decimal):
        return f"Decimal({literal(str(value))})"
    if isinstance(value, list | tuple):
        items = [literal(each) for each in value]
        return f"[{', '.join(items)}]" if isinstance(value, list) else f"({', '.join(items)})"
    return repr(value)


def call(head: str, function: str, arguments: Sequence[str], tail: str = "", *, indent: int = 4) -> list[str]:
    """Return the lines of ``head function(arguments) tail``: one, three, or one for each argument."""
    margin, inner = " " * indent, " " * (indent + 4)
    line = f"{margin}{head}{function}({', '.join(arguments)}){tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    joined = f"{inner}{', '.join(arguments)}"
    middle = [joined] if len(joined) <= WIDTH else [f"{inner}{each}," for each in arguments]
    return [f"{margin}{head}{function}(", *middle, f"{margin}){tail}"]


def comment(text: str, *, indent: int = 4) -> list[str]:
    """Return the lines of a comment."""
    return [f"{' ' * indent}# {line}".rstrip() for line in text.strip().splitlines()]


def docstring(text: str, *, indent: int = 4) -> list[str]:
    """Return the lines of a docstring."""
    margin = " " * indent
    text = text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = [line.rstrip() for line in text.splitlines()]
    if len(lines) == 1:
        end = " " if lines[0].endswith('"') else ""
        return [f'{margin}"""{lines[0]}{end}"""']
    return [f'{margin}"""{lines[0]}', *(f"{margin}{line}".rstrip() for line in lines[1:]), f'{margin}"""']
