"""The pytest plugin: the fixtures `directus_server`, a real Directus, and `check_models`; and their options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .server import DirectusServer

_OPTIONS = {
    "version": ("12", "of Directus for the fixture directus_server: 12, 11, 10 or a full version"),
    "database": ("sqlite", "of that server: sqlite, or the URL of a PostgreSQL or MySQL server"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--directus-version`` and ``--directus-database``, and the ini options of the same names."""
    group = parser.getgroup("directus_orm", "a real Directus (directus_orm)")
    for name, (default, text) in _OPTIONS.items():
        note = f"The {name} {text}. Also DIRECTUS_TEST_{name.upper()} or ini directus_{name}; default {default}."
        group.addoption(f"--directus-{name}", metavar=name.upper(), help=note)
        parser.addini(f"directus_{name}", f"the {name} {text}")


def option(config: pytest.Config, name: str) -> str:
    """Return an option: of the command line, else of the environment, else of the ini file."""
    given = config.getoption(f"--directus-{name}") or os.environ.get(f"DIRECTUS_TEST_{name.upper()}")
    return str(given or config.getini(f"directus_{name}") or _OPTIONS[name][0])


@pytest.fixture(scope="session")
def directus_server(pytestconfig: pytest.Config) -> Iterator[DirectusServer]:
    """A real Directus with an empty database, one for the whole test session."""
    from .server import start  # noqa: PLC0415 - most test runs do not need it

    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    # The first start installs Directus, for minutes: show its progress.
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        server = start(option(pytestconfig, "version"), option(pytestconfig, "database"))
    with server:
        yield server


@pytest.fixture(scope="session")
def check_models() -> Callable[..., None]:
    """`directus_orm.check_models`; a problem fails the test, with the list of problems and no traceback."""
    from ..core.errors import ConfigurationError  # noqa: PLC0415 - as above
    from ..models.check_models import check_models as check  # noqa: PLC0415

    def check_or_fail(*models: Any) -> None:
        try:
            check(*models)
        except ConfigurationError as error:
            pytest.fail(str(error), pytrace=False)

    return check_or_fail
