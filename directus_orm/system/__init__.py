"""Directus's own collections as models: users, roles, files, activity and others. Import them from here.

Imports only core to models.
"""

from . import guards as _guards  # noqa: F401 - gives the models their guards
from .automation import Flow, Operation, Webhook
from .extensions import Extension
from .history import Activity, Comment, ContentVersion, Revision, unknown
from .restore import Restoration
from .settings import Settings
from .studio import Dashboard, Notification, Panel, Preset, Share, Translation
from .users_and_files import Access, File, Folder, Permission, Policy, Role, User

__all__ = [
    "Access",
    "Activity",
    "Comment",
    "ContentVersion",
    "Dashboard",
    "Extension",
    "File",
    "Flow",
    "Folder",
    "Notification",
    "Operation",
    "Panel",
    "Permission",
    "Policy",
    "Preset",
    "Restoration",
    "Revision",
    "Role",
    "Settings",
    "Share",
    "Translation",
    "User",
    "Webhook",
    "unknown",
]
