"""Lines of Python as ruff formats them: calls that are too long for a line are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import attrs

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


@attrs.frozen
class Subscript:
    """An annotation with brackets, such as ``Literal["a", "b"]`` or ``Related[Hero | Quote]``."""

    name: str
    items: tuple[str, ...]
    separator: str = ", "

    def __str__(self) -> str:
        return f"{self.name}[{self.separator.join(self.items)}]"

    def lines(self, indent: int, head: str = "") -> list[str]:
        """Return the lines with the items below the brackets: in one line, or one for each."""
        margin, inner = " " * indent, " " * (indent + 4)
        joined = f"{inner}{self.separator.join(self.items)}"
        ends, starts = ("", "| ") if self.separator == " | " else (",", "")
        items = [f"{inner}{starts if index else ''}{item}{ends}" for index, item in enumerate(self.items)]
        return [f"{margin}{head}{self.name}[", *([joined] if len(joined) <= WIDTH else items), f"{margin}]"]


@attrs.frozen
class Call:
    """A call as the value of a field."""

    function: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(self.arguments)})"


Part = str | Subscript
"""A member of a union in an annotation."""


def declaration(name: str, union: Sequence[Part], value: str | Call | None) -> list[str]:
    """Return the lines of ``name: A | B = value`` in a class body.

    What is too long is broken at the value; if the rest is still too long, at the annotation.
    """
    head = f"    {name}: {' | '.join(map(str, union))}"
    start = f" = {value.function}(" if isinstance(value, Call) else f" = {value}" if value else ""
    if len(f"{head}{start}") <= WIDTH:
        return _with_value(head, value)
    if value and len(f"{head} = (") <= WIDTH:
        inner = (
            call("", value.function, value.arguments, indent=8)
            if isinstance(value, Call)
            else [f"        {value}"]
        )
        return [f"{head} = (", *inner, "    )"]
    if len(union) == 1 and isinstance(union[0], str):
        return _with_value(head, value)
    broken = _broken(name, union)
    return [*broken[:-1], *_with_value(broken[-1], value)]


def _with_value(head: str, value: str | Call | None) -> list[str]:
    if isinstance(value, Call):
        return call(f"{head.lstrip()} = ", value.function, value.arguments)
    return [f"{head} = {value}" if value else head]


def _broken(name: str, union: Sequence[Part]) -> list[str]:
    """Return the lines of a name and its annotation, which is too long for one."""
    if len(union) == 1 and isinstance(union[0], Subscript):
        return union[0].lines(4, f"{name}: ")
    joined = f"        {' | '.join(map(str, union))}"
    return [f"    {name}: (", *([joined] if len(joined) <= WIDTH else _members(union)), "    )"]


def _members(union: Sequence[Part]) -> Iterator[str]:
    for index, part in enumerate(union):
        head = "| " if index else ""
        if isinstance(part, Subscript) and len(f"        {head}{part}") > WIDTH:
            yield from part.lines(8, head)
        else:
            yield f"        {head}{part}"


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
