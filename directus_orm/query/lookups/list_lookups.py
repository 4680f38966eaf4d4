"""Lookups on lists: ``contains``, ``overlap`` and ``contained_by``, as of Django's ``ArrayField``.

The server compares a csv field as one text, and a json field with null alone. So it narrows the rows, by the texts
of a csv field or by null, and the lists are rechecked in Python.
"""

from __future__ import annotations

from typing import Any

import attrs

from ...core.errors import QueryError
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ..capabilities import DEFAULT_CAPABILITIES
from ..comparisons import comparable_json
from ..conditions import NEVER, Comparison, Node, all_of, any_of
from .text_lookups import as_pattern, with_recheck

LIST_LOOKUPS = ("contains", "overlap", "contained_by")
"""The lookups of lists: all of these values are in the list, any of them is, and no others are."""

_COLLECTIONS = (list, tuple, set, frozenset, range)


@attrs.frozen
class ListTest:
    """A test whether a list holds all of some items, any of them, or no others; duplicates do not count."""

    lookup: str
    items: tuple[Any, ...] = attrs.field(
        eq=repr
    )  # 1 equals True, and means something else; a document has no hash
    _wanted: frozenset[Any] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_wanted", frozenset(map(comparable_json, self.items)))

    def __call__(self, stored: Any) -> bool:
        """Return whether a value is such a list."""
        if not isinstance(stored, list):
            return False
        found = frozenset(map(comparable_json, stored))
        if self.lookup == "contains":
            return self._wanted <= found
        if self.lookup == "overlap":
            return not self._wanted.isdisjoint(found)
        return found <= self._wanted


def list_lookups_of(field: Field) -> tuple[str, ...]:
    """Return the names of the list lookups that a field has: all of them, or none."""
    return LIST_LOOKUPS if field.value_type.dump_items is not None else ()


def condition(path: FieldPath, lookup: str, value: Any) -> Node:
    """Return the condition of a lookup on the list at the end of a path.

    Raises:
        QueryError: the list cannot hold such values.
    """
    items = _items(path, lookup, value)
    if lookup == "overlap" and not items:
        return NEVER
    return with_recheck(path, _superset(path[-1], lookup, items), ListTest(lookup, tuple(items)))


def _items(path: FieldPath, lookup: str, value: Any) -> list[Any]:
    """Return the items to look for, as the server sends them."""
    field, name = path[-1], f"{path_name(path)}__{lookup}"
    if value is None:
        msg = f"{name} takes values of the list, not None; use {path_name(path)}__isnull=True, or [None]."
        raise QueryError(msg)
    if not isinstance(value, _COLLECTIONS):
        if lookup != "contains":
            msg = f"{name} takes a list of values, not {value!r}."
            raise QueryError(msg)
        value = [value]
    dump_items = field.value_type.dump_items
    assert dump_items is not None  # noqa: S101 - `list_lookups_of` was asked before
    try:
        items: list[Any] = dump_items(list(value))
    except (ValueError, TypeError, ArithmeticError) as error:
        msg = f"{name}: {field} ({field.value_type.python}) holds no such values: {error}."
        raise QueryError(msg) from error
    return items


def _superset(field: Field, lookup: str, items: list[Any]) -> Node:
    """Return a condition that holds for all lists that are meant, and for as few others as possible."""
    not_null = Comparison((field,), "nnull")
    if field.value_type.kind != "csv" or lookup == "contained_by" or not items:
        return not_null
    texts = [_holds_text(field, item) for item in items]
    return all_of([not_null, *texts]) if lookup == "contains" else any_of(texts)


def _holds_text(field: Field, item: str) -> Comparison:
    if not item or len(item.encode()) > DEFAULT_CAPABILITIES.longest_text:
        return Comparison((field,), "nnull")
    return Comparison((field,), "contains", as_pattern(item))
