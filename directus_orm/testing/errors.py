"""Errors of installing and starting a server for tests.

```
DirectusError
└── ServerSetupError                .log: the end of npm's or the server's output, where there is one
    ├── NodeNotFound
    ├── NpmNotFound
    ├── VersionNotInstallable
    ├── PortTaken
    ├── ServerDied                  while starting
    ├── ServerNotReady              alive, but not healthy in time
    └── DatabaseUnavailable         not reachable, an unknown scheme, or no driver
```
"""

from __future__ import annotations

from ..core.errors import DirectusError


class ServerSetupError(DirectusError):
    """A Directus for tests could not be installed or started; ``log`` is the end of its output."""

    def __init__(self, message: str, *, log: str = "") -> None:
        super().__init__(f"{message}\n{log}" if log else message)
        self.log = log


class NodeNotFound(ServerSetupError):
    """There is no Node.js that can run Directus."""


class NpmNotFound(ServerSetupError):
    """There is a Node.js, but no npm to install Directus with."""


class VersionNotInstallable(ServerSetupError):
    """npm could not install this version of Directus."""


class PortTaken(ServerSetupError):
    """Another program listens on the port."""


class ServerDied(ServerSetupError):
    """The server ended while it was starting."""


class ServerNotReady(ServerSetupError):
    """The server runs, but did not become healthy in time."""


class DatabaseUnavailable(ServerSetupError):
    """The database cannot be used: unreachable, of an unknown kind, or its driver is missing."""
