"""The group of commands: ``directus-orm --help`` lists them."""

from __future__ import annotations

from typing import Any

import click

from .check import check
from .exit_codes import ExitCode
from .generate import generate


class Commands(click.Group):
    """Commands that exit with a status of their own after Ctrl-C: click's 1 says here that files differ."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(ExitCode.INTERRUPTED) from None


@click.group(cls=Commands)
@click.version_option(package_name="directus_orm", prog_name="directus-orm")
def directus_orm() -> None:
    """Models of a Directus server, for directus_orm.

    The exit status is 0 if all is done, 1 for differences, 2 for wrong arguments, 3 if the server could not be
    asked, 4 if nothing was written, since something would be lost, and 130 after Ctrl-C.
    """


directus_orm.add_command(check)
directus_orm.add_command(generate)
