"""A real Directus for tests: installed once, started in seconds, always stopped at the end.

```python
from directus_orm.testing import start

with start() as server:                  # Directus 12 on SQLite, on a free port
    print(server.url, server.token)
```

Needs the extra ``server`` (``pip install 'directus_orm[server]'``) or Node.js 22.14 or later; Linux and macOS.
pytest has the fixture ``directus_server``. ``python -m directus_orm.testing serve`` starts a server by hand.

`assert_no_drift` compares models with a server.

Imports only core, session and schema.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .databases import Database
    from .drift import assert_no_drift
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
    "assert_no_drift",
    "install",
    "start",
]

# No module has the name of a public name: importing the module would hide it.
_MODULES = {
    "Database": "databases",
    "DirectusServer": "server",
    "assert_no_drift": "drift",
    "install": "installing",
    "start": "server",
}


def __getattr__(name: str) -> Any:
    # Imported late: pytest imports this package, for its plugin, wherever the library is installed.
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
