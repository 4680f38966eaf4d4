"""``python -m directus_orm.testing``: install a Directus, or serve one, from the command line."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from ..core.errors import ConfigurationError
from .errors import ServerSetupError
from .installing import DEFAULT_VERSION, VERSIONS, exact_version, install
from .progress import progress
from .server import DirectusServer, require_free, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 1 after printing an error."""
    options = _parser().parse_args(arguments)
    try:
        return {"install": _install, "serve": _serve}[options.command](options)
    except (ConfigurationError, ServerSetupError) as error:
        _print(f"error: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _print("Interrupted.", sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m directus_orm.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    version = argparse.ArgumentParser(add_help=False)
    versions = ", ".join(f"{short} ({full})" for short, full in VERSIONS.items())
    version.add_argument("--version", default=DEFAULT_VERSION, help=f"{versions}, or a full one")
    commands.add_parser("install", parents=[version], help="install a Directus into the cache")
    serve = commands.add_parser("serve", parents=[version], help="run an empty Directus until Ctrl-C")
    serve.add_argument("--database", default="sqlite", metavar="URL", help="sqlite, postgres://…, mysql://…")
    serve.add_argument("--port", type=int, help="on the loopback interface; a free one by default")
    serve.add_argument(
        "--env",
        action="append",
        nargs="+",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="more settings for Directus",
    )
    return parser


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        msg = f"{text!r} is not KEY=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return key, value


def _install(options: argparse.Namespace) -> int:
    _print(f"Directus {exact_version(options.version)} is in {install(options.version)}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    # SIGTERM, which stops services, ends this like Ctrl-C, so that the database is dropped at once.
    signal.signal(signal.SIGTERM, _interrupt)
    version = exact_version(options.version)
    if options.port:
        require_free(options.port)  # before minutes of installing
    install(version)
    # People who start a server by hand want the app; tests do not.
    env = {"SERVE_APP": "true", **dict(pair for group in options.env for pair in group)}
    with progress(f"Starting Directus {version}", after=0.5):
        server = start(version, options.database, port=options.port, env=env)
    with server, contextlib.suppress(KeyboardInterrupt):
        _print(_greeting(server))
        while server.running:
            time.sleep(0.2)
        _print(f"error: Directus ended by itself. It printed:\n{server.log}", sys.stderr)
        return 1
    _print("Stopped; its files and its database are removed.")
    return 0


def _greeting(server: DirectusServer) -> str:
    return f"""\
Directus {server.version} on {server.database.place}
  URL       {server.url}  (the app: {server.url}/admin)
  e-mail    {server.email}
  password  {server.password}
  token     {server.token}
For another shell:
  export DIRECTUS_URL={server.url} DIRECTUS_TOKEN={server.token}
Stop it with Ctrl-C; its rows are then deleted."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print(text: str, stream: TextIO | None = None) -> None:
    print(text, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
