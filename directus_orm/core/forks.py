"""Resets objects in a forked child process: it must not share locks, connections and logins with its parent."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class ForkSensitive(Protocol):
    """An object that holds locks, connections or logins of its process."""

    def reset_after_fork(self) -> None:
        """Drop them in a forked child, without telling the server."""


_objects: WeakSet[ForkSensitive] = WeakSet()


def register_for_forks(sensitive: ForkSensitive) -> None:
    """Call ``reset_after_fork`` of an object in every child process that is forked while the object lives."""
    _objects.add(sensitive)


def _reset_all() -> None:
    for sensitive in list(_objects):
        sensitive.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
