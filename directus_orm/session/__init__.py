"""The session: how requests reach a server, as whom, and what comes back when they fail."""

from .auth import Auth, Login, StaticToken
from .capture import Capture, Entry
from .server_info import Health, RateLimit, ServerInfo
from .session import Session, connect, current_session

__all__ = [
    "Auth",
    "Capture",
    "Entry",
    "Health",
    "Login",
    "RateLimit",
    "ServerInfo",
    "Session",
    "StaticToken",
    "connect",
    "current_session",
]
