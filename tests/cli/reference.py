"""The page on the command line, made from what click says: ``python -m tests.cli.reference`` writes it anew."""

from __future__ import annotations

from pathlib import Path

import click

from directus_orm.cli.commands import directus_orm

PAGE = Path(__file__).parents[2] / "docs/command-line.md"
INTRODUCTION = """\
# Command line

The extra `cli` brings the command `directus-orm`. `python -m directus_orm.cli` is the same. Results are printed on
standard output, and all else on standard error.
[From a running server to typed models](generate.md) shows its use.
"""


def reference() -> str:
    """Return the page: the help of the group, and that of each of its commands."""
    group = click.Context(directus_orm, info_name="directus-orm", terminal_width=100)
    sections = [_section("directus-orm", directus_orm.get_help(group))]
    for name, command in sorted(directus_orm.commands.items()):
        context = click.Context(command, info_name=name, parent=group, terminal_width=100)
        sections.append(_section(f"directus-orm {name}", command.get_help(context)))
    return "\n".join([INTRODUCTION, *sections])


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
