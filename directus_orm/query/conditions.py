"""Conditions in normal form: a tree of *and*, *or* and leaves, in which nothing is negated.

A server without ``_not`` (facts, 1.2) is asked for the opposite of each leaf instead; SQL's third truth
value is said in full, since ``NOT (x = 1)`` of Django keeps the rows without an x and ``_neq`` drops them (G19).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..errors import UnsupportedQuery
from ..fields import Field


@attrs.frozen
class Leaf:
    """One comparison: the fields along the path, an operator, and the value as it is sent."""

    path: tuple[Field, ...]
    operator: str
    value: Any = True

    @property
    def name(self) -> str:
        """The path as a user writes it."""
        return "__".join(field.name for field in self.path)


@attrs.frozen
class All:
    """True where every part is; without parts, always."""

    parts: tuple[Node, ...] = ()


@attrs.frozen
class Either:
    """True where a part is; without parts, never."""

    parts: tuple[Node, ...] = ()


Node = Leaf | All | Either

ALWAYS = All()
NEVER = Either()

_OPPOSITES = (
    ("eq", "neq"),
    ("in", "nin"),
    ("lt", "gte"),
    ("lte", "gt"),
    ("null", "nnull"),
    ("empty", "nempty"),
    ("between", "nbetween"),
    ("contains", "ncontains"),
    ("starts_with", "nstarts_with"),
    ("istarts_with", "nistarts_with"),
    ("ends_with", "nends_with"),
    ("iends_with", "niends_with"),
    ("intersects", "nintersects"),
    ("intersects_bbox", "nintersects_bbox"),
)
_OPPOSITE = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_KNOWS_NULL = frozenset({"null", "nnull", "empty", "nempty"})


def all_of(parts: Iterable[Node]) -> Node:
    """Join with *and*, folding what is always or never true."""
    flat = _flat(All, parts)
    return NEVER if NEVER in flat else flat[0] if len(flat) == 1 else All(flat)


def either_of(parts: Iterable[Node]) -> Node:
    """Join with *or*, folding what is always or never true."""
    flat = _flat(Either, parts)
    return ALWAYS if ALWAYS in flat else flat[0] if len(flat) == 1 else Either(flat)


def _flat(kind: type[All] | type[Either], parts: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(leaf for part in parts for leaf in (part.parts if isinstance(part, kind) else (part,)))


def negate(node: Node) -> Node:
    """Return the opposite, by De Morgan and by the opposite operators.

    Raises:
        UnsupportedQuery: an operator has no opposite on the server.
    """
    match node:
        case All(parts):
            return either_of(map(negate, parts))
        case Either(parts):
            return all_of(map(negate, parts))
        case Leaf(path, operator, value):
            return _opposite(path, operator, value, node)


def _opposite(path: tuple[Field, ...], operator: str, value: Any, leaf: Leaf) -> Node:
    if operator not in _OPPOSITE:
        msg = (
            f"The server has no opposite of _{operator}, so {leaf.name} cannot be excluded that way. "
            "Exclude with another lookup, such as contains, or leave such rows out in Python."
        )
        raise UnsupportedQuery(msg)
    opposite = Leaf(path, _OPPOSITE[operator], value)
    if operator in _KNOWS_NULL or (len(path) == 1 and path[0].primary_key):
        return opposite
    return either_of([opposite, Leaf(path, "null")])
