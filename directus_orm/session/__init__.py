"""One server as one user: login, options, captured requests, server info, plain items. Knows no models.

Imports only core, session/permissions, session/http.
"""

from ..core.masking import Secret
from .auth import Auth, Login, StaticToken
from .capture import Capture, Entry
from .current import connect, current_session
from .http.raw_messages import Cookie
from .http.retry import Retry
from .http.server_info import Health, LoginProvider, LoginProviders, RateLimit, ServerInfo
from .permissions.permissions import ActionPermission, Allowed, CollectionPermissions, Permissions
from .services.people import People
from .services.people_values import InvitedUser, TwoFactorSecret
from .services.schema import Schema
from .services.schema_values import CollectionInfo, FieldInfo, RelationInfo, SchemaDiff
from .services.server import Server
from .services.shares import ShareInfo, Shares
from .services.utils import Utils
from .session import Session

__all__ = [
    "ActionPermission",
    "Allowed",
    "Auth",
    "Capture",
    "CollectionInfo",
    "CollectionPermissions",
    "Cookie",
    "Entry",
    "FieldInfo",
    "Health",
    "InvitedUser",
    "Login",
    "LoginProvider",
    "LoginProviders",
    "People",
    "Permissions",
    "RateLimit",
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
for _value in [globals()[_name] for _name in __all__]:
    if callable(_value):
        _value.__module__ = __name__
