"""Modules that are imported when they are first used, so that importing the package costs little.

Programs that only read rows never need the modules that write, group or explain.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


class DeferredModule:
    """Stands for a module: the first use of an attribute imports it.

    Type checkers are shown the module itself::

        if TYPE_CHECKING:
            from ..writing import save
        else:
            save = DeferredModule("..writing.save", __package__)
    """

    def __init__(self, name: str, package: str) -> None:
        self._name = name
        self._package = package

    def __getattr__(self, attribute: str) -> Any:
        """Return an attribute of the module."""
        return getattr(import_module(self._name, self._package), attribute)


def public_in(module: str) -> Callable[[type[T]], type[T]]:
    """Let a class show the module that users import it from: tracebacks, pickles and reprs name that.

    Modules that are deferred say it themselves, since nobody else knows when they are imported.
    """

    def show(public: type[T]) -> type[T]:
        public.__module__ = module
        return public

    return show
