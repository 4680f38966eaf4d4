"""`Related`: the rows at the other end of a relation to many."""

from __future__ import annotations

from typing import TypeVar

from .queryset import HasKey, QuerySet

M = TypeVar("M", bound=HasKey)


class Related(QuerySet[M]):
    """The annotation of a relation to many rows: ``comments: Related["Comment"] = one_to_many("article")``."""

    __slots__ = ()
