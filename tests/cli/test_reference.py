"""The page on the command line says what click says."""

from __future__ import annotations

import click

from directus_orm.cli.commands import directus_orm
from tests.cli.reference import PAGE, reference


def test_the_page_is_that_of_the_commands() -> None:
    """Write it anew with ``python -m tests.cli.reference``."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_option_of_every_command_says_what_it_does() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in directus_orm.commands.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []
