"""The options of commands that ask a server, and the session that they stand for."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.errors import ConfigurationError, DirectusError
from ..session.options import with_env_credentials
from ..session.session import Session
from .exit_codes import ExitCode

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--url", help="The address of the server; by default DIRECTUS_URL."),
    click.option("--token", help="A static token; by default DIRECTUS_TOKEN."),
    click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file that holds the token, so that the list of processes does not show it.",
    ),
    click.option("--email", help="The e-mail of a user; by default DIRECTUS_EMAIL."),
    click.option("--password", help="The password; by default DIRECTUS_PASSWORD."),
    click.option("--otp", help="A one-time password, for two-factor authentication."),
    click.option(
        "--timeout", type=click.FloatRange(0, min_open=True), help="How many seconds to wait for a response."
    ),
    click.option("-v", "--verbose", is_flag=True, help="Print each request."),
)


def connection_options(command: F) -> F:
    """Add the options of a connection to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def opened_session(
    url: str | None,
    token: str | None,
    token_file: Path | None,
    timeout: float | None,
    *,
    verbose: bool,
    **login: str | None,
) -> Iterator[Session]:
    """Give the session that the options stand for; exit with a message if the server cannot be asked."""
    if token_file is not None:
        token = token_file.read_text(encoding="utf-8").strip()
    given: dict[str, Any] = {"token": token, **login, "timeout": timeout}
    options = {name: value for name, value in given.items() if value is not None}
    try:
        session = Session.from_env(**options) if url is None else _session(url, options)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    try:
        with session, _logging() if verbose else nullcontext():
            yield session
    except DirectusError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(ExitCode.NOT_ASKED) from error


@contextmanager
def _logging() -> Iterator[None]:
    """Print a line for each request."""
    log, handler = logging.getLogger("directus_orm"), logging.StreamHandler()
    level = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


def _session(url: str, options: dict[str, Any]) -> Session:
    """Return a session for an address; the credentials of the environment are for its own address alone."""
    is_another = os.environ.get("DIRECTUS_URL", url).rstrip("/") != url.rstrip("/")
    return Session(url, **(options if is_another else with_env_credentials(options)))
