"""One server as one user: login, options, captured requests, server info, plain items. Knows no models.

Imports only core, session/permissions, session/http.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.masking import Secret
from .auth import Auth, Login, StaticToken
from .capture import Capture, Entry
from .current import connect, current_session
from .http.raw_messages import Cookie
from .http.retry import Retry
from .http.server_info import Health, LoginProvider, LoginProviders, RateLimit, ServerInfo
from .permissions.permissions import ActionPermission, Allowed, CollectionPermissions, Permissions
from .session import Session

if TYPE_CHECKING:
    from .services.deployments import Deployments
    from .services.people import People
    from .services.people_values import InvitedUser, TwoFactorSecret
    from .services.registry import Registry
    from .services.schema import Schema
    from .services.schema_values import CollectionInfo, FieldInfo, RelationInfo, SchemaDiff
    from .services.server import Server
    from .services.shares import ShareInfo, Shares
    from .services.utils import Utils
    from .transfers.imports import ImportedRows, ImportResult

# Programs that only read rows never need these: each is imported when it is first used.
_DEFERRED = {
    "CollectionInfo": ".services.schema_values",
    "Deployments": ".services.deployments",
    "FieldInfo": ".services.schema_values",
    "ImportResult": ".transfers.imports",
    "ImportedRows": ".transfers.imports",
    "InvitedUser": ".services.people_values",
    "People": ".services.people",
    "Registry": ".services.registry",
    "RelationInfo": ".services.schema_values",
    "Schema": ".services.schema",
    "SchemaDiff": ".services.schema_values",
    "Server": ".services.server",
    "ShareInfo": ".services.shares",
    "Shares": ".services.shares",
    "TwoFactorSecret": ".services.people_values",
    "Utils": ".services.utils",
}

__all__ = [
    "ActionPermission",
    "Allowed",
    "Auth",
    "Capture",
    "CollectionInfo",
    "CollectionPermissions",
    "Cookie",
    "Deployments",
    "Entry",
    "FieldInfo",
    "Health",
    "ImportResult",
    "ImportedRows",
    "InvitedUser",
    "Login",
    "LoginProvider",
    "LoginProviders",
    "People",
    "Permissions",
    "RateLimit",
    "Registry",
    "RelationInfo",
    "Retry",
    "Schema",
    "SchemaDiff",
    "Secret",
    "Server",
    "ServerInfo",
    "Session",
    "ShareInfo",
    "Shares",
    "StaticToken",
    "TwoFactorSecret",
    "Utils",
    "connect",
    "current_session",
]

# Tracebacks, pickles and reprs show these names as users import them, not the module that defines them.
for _value in [globals()[_name] for _name in __all__ if _name not in _DEFERRED]:
    if callable(_value):
        _value.__module__ = __name__

if not TYPE_CHECKING:  # type checkers know the names, and report all others

    def __getattr__(name: str) -> Any:
        """Import the module of a deferred name."""
        if name not in _DEFERRED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_DEFERRED[name], __name__), name)
        return value

    def __dir__() -> list[str]:
        """Return the names of the module, deferred ones included."""
        return sorted({*globals(), *_DEFERRED})
