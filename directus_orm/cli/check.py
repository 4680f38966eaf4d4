"""``directus-orm check``: where the models of a module and a server say different things."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..core.errors import ConfigurationError
from ..models.model import Model
from ..schema.checking.check import check as check_drift
from ..schema.checking.check import models_of
from ..schema.checking.drift import CODES, DriftReport
from .connections import connection_options, opened_session
from .exit_codes import ExitCode
from .modules import imported
from .snapshots import schema_of_snapshot, snapshot_option


@click.command()
@click.argument("module")
@connection_options
@snapshot_option
@click.option("--strict", is_flag=True, help="Exit with status 1 for warnings, too.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="CODE",
    type=click.Choice(sorted(CODES)),
    help="Leave out a kind of difference, such as 'collection-undeclared'.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects in JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only how many differences there are.")
def check(
    module: str,
    snapshot: Path | None,
    ignore: Sequence[str],
    *,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **connection: Any,
) -> None:
    """Compare the models of MODULE with a server.

    MODULE is a module, such as myapp.models, or a file, such as models.py; its models are those that it defines or
    imports. Nothing is printed if they say the same. The exit status is 1 if reads or writes of a model fail.
    """
    try:
        models = models_of(imported(module))
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    report = _report(models, snapshot, connection).without(ignore)
    if as_json:
        click.echo(json.dumps([each.to_dict() for each in report], indent=2, ensure_ascii=False))
    elif report:
        click.echo(report.summary if quiet else str(report))
    if report.is_failure(strict=strict):
        raise SystemExit(ExitCode.DIFFERENT)


def _report(models: list[type[Model]], snapshot: Path | None, connection: dict[str, Any]) -> DriftReport:
    if snapshot is not None:
        return check_drift(schema_of_snapshot(snapshot), models)
    with opened_session(**connection) as session:
        return check_drift(session, models)
