"""The group of commands: ``directus-orm --help`` lists them."""

from __future__ import annotations

import click

from .generate import generate


@click.group()
@click.version_option(package_name="directus_orm", prog_name="directus-orm")
def directus_orm() -> None:
    """Models of a Directus server, for directus_orm.

    The exit status is 0 if all is done, 1 for differences, 2 for wrong arguments, 3 if the server could not be
    asked, and 4 if nothing was written, since something would be lost.
    """


directus_orm.add_command(generate)
