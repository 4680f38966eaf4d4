"""Where generated code lives: the names of its files, and how these import one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

from ..normal_form import CollectionSchema
from ..typed_lookups import Depth
from .imports import import_from

LookupDepth = Literal["none"] | Depth
_NO_SOURCE = "# pyright: ignore[reportMissingModuleSource]"


@attrs.frozen
class Layout:
    """The files of generated models, which stand in one folder.

    Args:
        module: the name of the generated module, without ``.py``.
        has_bases: whether it holds abstract bases, of which the models in ``models.py`` are made.
        lookups: how many relations the stub files of typed lookups go along; ``"none"`` for no such files.
        is_package: whether the folder is a package, so that its modules import one another relatively.
    """

    module: str = "models"
    has_bases: bool = False
    lookups: LookupDepth = "none"
    is_package: bool = False

    @property
    def models(self) -> str:
        """The name of the module that has the models."""
        return "models" if self.has_bases else self.module

    @property
    def lookups_folder(self) -> str:
        """The name of the folder of the stub files."""
        return f"{self.module.strip('_')}_lookups"

    @property
    def models_seen_by_stubs(self) -> str:
        """The module of the models, as the stub files import it."""
        return f"..{self.models}" if self.is_package else self.models

    def imported(self, module: str) -> str:
        """Return the name by which a module of the folder imports another."""
        return f".{module}" if self.is_package else module

    def has_lookups_of(self, collection: CollectionSchema) -> bool:
        """Return whether a model has a stub file; models of users and files have querysets of their own."""
        return self.lookups != "none" and not collection.is_system

    def imports_for_checkers(self, models: Iterable[str], collections: Iterable[CollectionSchema]) -> list[str]:
        """Return the lines that only type checkers run: they import the stub files, and the models by name."""
        lines = []
        if any(self.has_lookups_of(each) for each in collections):
            origin = "from . import" if self.is_package else "import"
            lines.append(f"    {origin} {self.lookups_folder} as _lookups  {_NO_SOURCE}")
        names = sorted(models) if self.has_bases else []
        if names:
            lines += import_from(self.imported(self.models), names, indent=4)
        return ["if TYPE_CHECKING:", *lines] if lines else []
