"""Resets objects in a forked child process: it must not share locks, connections and logins with its parent.

Of the threads of the parent, a child has only the one that forked: a lock that another one held would stay locked,
and what another one waited for never comes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class ForkSensitive(Protocol):
    """An object that holds locks, connections or logins of its process."""

    def reset_after_fork(self) -> None:
        """Drop them in a forked child, without telling the server."""


no_fork = threading.RLock()
"""Held, for a moment, while something changes that a child has to find whole: no fork happens meanwhile."""

_resets: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def call_after_fork(owner: T, reset: Callable[[T], None]) -> None:
    """Call a function with an object in every child process that is forked while the object lives."""
    _resets[owner] = reset


def register_for_forks(sensitive: ForkSensitive) -> None:
    """Call ``reset_after_fork`` of an object in every child process that is forked while the object lives."""
    call_after_fork(sensitive, _reset)


def _reset(sensitive: ForkSensitive) -> None:
    sensitive.reset_after_fork()


def _reset_all() -> None:
    no_fork.release()
    for owner, reset in list(_resets.items()):
        reset(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=no_fork.acquire, after_in_parent=no_fork.release, after_in_child=_reset_all)
