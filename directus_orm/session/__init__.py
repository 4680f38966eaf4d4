"""The session: how requests reach a server, as whom, and what comes back when they fail."""

from .auth import Auth, Cookie, Login, StaticToken
from .capture import Capture, Entry
from .retry import Retry, conclusive, one_clock
from .server_info import Health, RateLimit, ServerInfo
from .session import Session, connect, current_session

__all__ = [
    "Auth",
    "Capture",
    "Cookie",
    "Entry",
    "Health",
    "Login",
    "RateLimit",
    "Retry",
    "ServerInfo",
    "Session",
    "StaticToken",
    "conclusive",
    "connect",
    "current_session",
    "one_clock",
]
