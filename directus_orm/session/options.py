"""The options of a session: checks, defaults from the environment, unpickling without secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs

from ..core.checks import is_number, is_whole_number
from ..core.errors import ConfigurationError
from .auth import MissingCredentials, MissingUser
from .http.retry import Retry

# Sockets refuse an infinite timeout.
_LONGEST_TIMEOUT = 1_000_000
_CREDENTIALS = ("token", "email", "password")


@attrs.frozen
class SessionOptions:
    """The checked options of a session that may be pickled: no credentials, no connections."""

    mode: str
    timeout: tuple[float, float]
    retry: Retry
    verify: bool | str
    cert: str | tuple[str, str] | None
    page_size: int | None
    use_search: bool

    def as_arguments(self, page_size: int | None) -> dict[str, Any]:
        """Return the options as arguments of `Session`, with the page size that the session has by now."""
        return {**attrs.asdict(self, recurse=False), "page_size": page_size}


def checked_timeout(value: float | tuple[float, float]) -> tuple[float, float]:
    """Return the timeouts for connecting and for reading.

    Raises:
        ConfigurationError: they are not positive numbers.
    """
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2 or not all(is_number(v) and 0 < v <= _LONGEST_TIMEOUT for v in pair):
        raise ConfigurationError(
            f"timeout={value!r} is not a number of seconds above 0 (and up to {_LONGEST_TIMEOUT:,}), "
            "nor two of them: (connect, read)."
        )
    return pair[0], pair[1]


def checked_page_size(value: int | None) -> int | None:
    """Return the page size.

    Raises:
        ConfigurationError: it is not a whole number from 1 up.
    """
    if value is not None and not is_whole_number(value, 1):
        raise ConfigurationError(f"page_size={value!r} is not a whole number from 1 up.")
    return value


def url_from_env() -> str:
    """Return the value of DIRECTUS_URL.

    Raises:
        ConfigurationError: it is not set.
    """
    url = os.environ.get("DIRECTUS_URL")
    if not url:
        raise ConfigurationError("DIRECTUS_URL is not set. Set it to the address of the server.")
    return url


def with_env_credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the credentials of the environment, unless they hold credentials themselves."""
    if any(options.get(name) is not None for name in (*_CREDENTIALS, "share", "auth")):
        return dict(options)
    from_env = {name: os.environ.get(f"DIRECTUS_{name.upper()}") or None for name in _CREDENTIALS}
    return {**options, **from_env}


def unpickled_arguments(
    url: str, options: Mapping[str, Any], *, anonymous: bool, is_another_user: bool
) -> dict[str, Any]:
    """Return the arguments of an unpickled session: its options, and credentials of the environment."""
    if anonymous:
        return dict(options)
    if is_another_user:
        return {**options, "auth": MissingUser(url)}
    arguments = with_env_credentials(options)
    if not arguments.get("email"):
        arguments["mode"] = "json"  # other modes need a login
    if not any(arguments.get(name) for name in _CREDENTIALS):
        arguments["auth"] = MissingCredentials(url)
    return arguments
