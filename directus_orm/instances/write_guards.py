"""`WriteGuard`: what a model checks before its rows are updated or deleted, whichever method writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.request_response import Row
from ..session.session import Session


class WriteGuard:
    """What a model checks before its rows are written; a model has one as ``_guard``. This one allows everything.

    Keys and values are those of the request, in JSON.
    """

    def before_update(
        self, session: Session, model: type[Any], changes: Mapping[Any, Row], *, by_query: bool
    ) -> None:
        """Refuse to write changes, by the key of each row; ``by_query`` says that all rows get the same values."""

    def before_delete(
        self, session: Session, model: type[Any], keys: Sequence[Any], choices: Mapping[str, Any]
    ) -> None:
        """Refuse to delete rows, or prepare it; ``choices`` are further arguments of the model's ``delete()``."""


def guard_of(model: type[Any]) -> WriteGuard | None:
    """Return what a model checks before its rows are written; None for most models."""
    guard: WriteGuard | None = model._guard  # noqa: SLF001 - set on models alone
    return guard
