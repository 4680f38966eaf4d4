"""A stack of values per thread or task, over a default for the process: which session is the current one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")


class ContextStack(Generic[T]):
    """A stack per context (thread or task), and one default for the whole process."""

    def __init__(self, name: str) -> None:
        self._stack: ContextVar[tuple[T, ...]] = ContextVar(name, default=())
        self.default: T | None = None

    def push(self, item: T) -> None:
        """Make ``item`` the current one of this context."""
        self._stack.set((*self._stack.get(), item))

    def pop(self, item: T) -> None:
        """Undo the latest push of ``item``; other items stay, even if blocks end out of order."""
        stack = self._stack.get()
        for index in reversed(range(len(stack))):
            if stack[index] is item:
                self._stack.set(stack[:index] + stack[index + 1 :])
                return

    def get(self) -> T | None:
        """Return the current item of this context, else the default."""
        stack = self._stack.get()
        return stack[-1] if stack else self.default
