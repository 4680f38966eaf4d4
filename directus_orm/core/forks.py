"""Resets objects in a forked child process: it must not share locks, connections and logins with its parent.

Of the threads of the parent, a child has only the one that forked: a lock that another one held would stay locked,
and what another one waited for never comes.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class ForkSensitive(Protocol):
    """An object that holds locks, connections or logins of its process."""

    def reset_after_fork(self) -> None:
        """Drop them in a forked child, without telling the server."""


no_fork = threading.RLock()
"""Held, for a moment, while something changes that a child has to find whole: no fork happens meanwhile."""

_objects: WeakSet[ForkSensitive] = WeakSet()


def register_for_forks(sensitive: ForkSensitive) -> None:
    """Call ``reset_after_fork`` of an object in every child process that is forked while the object lives."""
    _objects.add(sensitive)


def _reset_all() -> None:
    no_fork.release()
    for sensitive in list(_objects):
        sensitive.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=no_fork.acquire, after_in_parent=no_fork.release, after_in_child=_reset_all)
