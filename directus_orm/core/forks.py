"""What a forked child process must not take over from its parent: locks, connections, logins."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class ResetAfterFork(Protocol):
    """Something that starts anew in a forked child."""

    def forget(self) -> None:
        """Drop what belongs to the parent, without a word to the server."""


_all: WeakSet[ResetAfterFork] = WeakSet()


def reset_after_fork(one: ResetAfterFork) -> None:
    """Let something start anew in every child that is forked while it lives."""
    _all.add(one)


def _in_child() -> None:
    for one in list(_all):
        one.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
