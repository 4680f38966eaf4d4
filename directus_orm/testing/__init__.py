"""A real Directus for tests: installed once, started in seconds, stopped for certain.

```python
from directus_orm.testing import start

with start() as server:                  # Directus 12 on SQLite, on a free port
    print(server.url, server.token)
```

Needs the extra ``server`` (``pip install 'directus_orm[server]'``) or Node.js 22 or later; Linux and macOS.
With pytest there is the fixture ``directus_server``, and ``python -m directus_orm.testing serve`` by hand.

Imports only core.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .databases import Database
    from .errors import (
        DatabaseUnavailable,
        NodeNotFound,
        NpmNotFound,
        PortTaken,
        ServerDied,
        ServerNotReady,
        ServerSetupError,
        VersionNotInstallable,
    )
    from .installing import install
    from .server import DirectusServer, start

__all__ = [
    "Database",
    "DatabaseUnavailable",
    "DirectusServer",
    "NodeNotFound",
    "NpmNotFound",
    "PortTaken",
    "ServerDied",
    "ServerNotReady",
    "ServerSetupError",
    "VersionNotInstallable",
    "install",
    "start",
]

# No module has the name of something public: once imported, it would hide that.
_HOMES = {"Database": "databases", "DirectusServer": "server", "install": "installing", "start": "server"}


def __getattr__(name: str) -> Any:
    # pytest imports this package, for its plugin, in every project where the library is installed.
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
