"""Run the command line: ``directus-orm``, or ``python -m directus_orm.cli``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments say; exit with status 2 if click is missing."""
    try:
        import click  # noqa: F401, PLC0415 - an extra
    except ImportError:
        sys.stderr.write("directus-orm needs click, which is missing: pip install 'directus_orm[cli]'.\n")
        sys.exit(2)
    from .commands import directus_orm  # noqa: PLC0415 - it needs click

    directus_orm(prog_name="directus-orm")


if __name__ == "__main__":
    main()
