"""Conditions on grouped rows, divided into those on rows and those on groups (WHERE and HAVING in SQL)."""

from __future__ import annotations

import functools
from typing import Literal

from ..core.errors import UnsupportedQuery
from .grouping import Grouping
from .q import Q


def split_conditions(condition: Q, grouping: Grouping, where: str) -> tuple[Q | None, Q | None]:
    """Divide a condition on grouped rows into the part about rows and the part about groups.

    Conditions that name an aggregate are about groups.

    Raises:
        UnsupportedQuery: a part that cannot be divided is about both.
    """
    if not condition.negated and condition.joined_by == "and":
        conditions = [child if isinstance(child, Q) else Q.of(*child) for child in condition.children]
        subjects = [_subject(part, grouping, where) for part in conditions]
        on_rows = [part for part, subject in zip(conditions, subjects, strict=True) if subject == "rows"]
        on_groups = [part for part, subject in zip(conditions, subjects, strict=True) if subject == "groups"]
        return _joined(on_rows), _joined(on_groups)
    if _subject(condition, grouping, where) == "rows":
        return condition, None
    return None, condition


def _joined(conditions: list[Q]) -> Q | None:
    return functools.reduce(lambda left, right: left & right, conditions) if conditions else None


def _subject(condition: Q, grouping: Grouping, where: str) -> Literal["rows", "groups"]:
    """Return what a condition is about: groups if it names an aggregate."""
    paths = lookup_names(condition)
    names = [leading_name(path, grouping.names) for path in paths]
    if not any(name in names for name, _ in grouping.aggregates):
        return "rows"
    if None in names:
        fields = [path for path, name in zip(paths, names, strict=True) if name is None]
        msg = (
            f"{where}: {condition!r} is about groups and, with {', '.join(fields)}, about rows. Filter "
            "by each in a filter() of its own, which joins them by 'and', or group by the field as well."
        )
        raise UnsupportedQuery(msg)
    return "groups"


def leading_name(path: str, names: tuple[str, ...]) -> str | None:
    """Return which of the names a path begins with: the longest, since names may contain ``__``."""
    leading = [name for name in names if path == name or path.startswith(f"{name}__")]
    return max(leading, key=len, default=None)


def lookup_names(condition: Q) -> list[str]:
    """Return the left sides of all comparisons in a condition."""
    names: list[str] = []
    for child in condition.children:
        names += lookup_names(child) if isinstance(child, Q) else [child[0]]
    return names
