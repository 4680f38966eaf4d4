"""Conditions in normal form: a tree of *and*, *or* and leaves, in which nothing is negated.

A server without ``_not`` (facts, 1.2) is asked for the opposite of each leaf instead; SQL's third truth
value is said in full, since ``NOT (x = 1)`` of Django keeps the rows without an x and ``_neq`` drops them (G19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from ..fields.field import Field
from ..fields.model_info import Step
from ..fields.paths import path_name
from .comparisons import compares

Test = Callable[[Any], bool]


@attrs.frozen
class Comparison:
    """One comparison: the fields along the path, an operator, and the value as it is sent.

    With a ``function``, what is compared is that of the value (``year``), or of a relation (``count``).
    """

    path: tuple[Step, ...]
    operator: str
    value: Any = attrs.field(default=True, hash=False)  # a list, or a document
    function: str | None = None

    @property
    def name(self) -> str:
        """The path as a user writes it."""
        return path_name(self.path)


@attrs.frozen
class JsonRule:
    """The operand of a comparison with the operator ``json``: how the value behind some keys is to compare."""

    keys: tuple[str, ...]
    operator: str
    value: Any = attrs.field(default=True, hash=False)


@attrs.frozen
class Exists:
    """True where a row at the other end of a relation to many meets a condition; negated, where none does.

    ``where`` is a condition on the model that the path's last step leads to.
    """

    path: tuple[Step, ...]
    where: Node
    negated: bool = False


@attrs.frozen
class InSubquery:
    """True where the value at the end of ``path`` is among the values that a sub-query finds.

    The sub-query runs before the outer query, on ``session`` if one is given.

    Args:
        path: the path of the value that is compared.
        query: the sub-query, a `Query`.
        value_path: the path of the value to take from each row of the sub-query.
        test: a check in Python on the value at ``tested_path``, where the server finds more rows than are meant.
        tested_path: the path of the value that ``test`` gets.
        negated: true where the value is not among them.
        session: the session of the sub-query, if it is another one than the outer query's.
    """

    path: tuple[Field, ...]
    query: Any
    value_path: tuple[Field, ...]
    test: Test | None = None
    tested_path: tuple[Field, ...] = ()
    negated: bool = False
    session: Any = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen
class KeyList:
    """True of the rows with these keys, however many: they are read by key, in this order, and not by a filter.

    It stands at the root of a query's conditions alone.
    """

    keys: tuple[Any, ...]


@attrs.frozen
class And:
    """True where every part is; without parts, always."""

    parts: tuple[Node, ...] = ()


@attrs.frozen
class Or:
    """True where a part is; without parts, never."""

    parts: tuple[Node, ...] = ()


Node = Comparison | Exists | InSubquery | KeyList | And | Or

ALWAYS = And()
NEVER = Or()

_OPPOSITES = (
    ("eq", "neq"),
    ("in", "nin"),
    ("lt", "gte"),
    ("lte", "gt"),
    ("null", "nnull"),
    ("empty", "nempty"),
    ("between", "nbetween"),
    ("contains", "ncontains"),
    ("icontains", "nicontains"),  # which the server lacks: see `steps`
    ("starts_with", "nstarts_with"),
    ("istarts_with", "nistarts_with"),
    ("ends_with", "nends_with"),
    ("iends_with", "niends_with"),
    ("intersects", "nintersects"),
    ("intersects_bbox", "nintersects_bbox"),
)
OPPOSITE = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_KNOWS_NULL = frozenset({"null", "nnull", "empty", "nempty"})


def all_of(parts: Iterable[Node]) -> Node:
    """Join with *and*, folding what is always or never true."""
    flat = _flat(And, parts)
    never = any(type(part) is Or and not part.parts for part in flat)
    return NEVER if never else flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: Iterable[Node]) -> Node:
    """Join with *or*, folding what is always or never true."""
    flat = _flat(Or, parts)
    always = any(type(part) is And and not part.parts for part in flat)
    return ALWAYS if always else flat[0] if len(flat) == 1 else Or(flat)


def _flat(kind: type[And] | type[Or], parts: Iterable[Node]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, kind):
            flat += part.parts
        else:
            flat.append(part)
    return tuple(flat)


def negate(node: Node) -> Node:
    """Return the opposite, by De Morgan and by the opposite operators."""
    match node:
        case And(parts):
            return any_of(map(negate, parts))
        case Or(parts):
            return all_of(map(negate, parts))
        case Comparison():
            return _opposite(node)
        case Exists() | InSubquery():
            return attrs.evolve(node, negated=not node.negated)
        case KeyList():
            raise AssertionError("A list of keys has no opposite.")


def _opposite(leaf: Comparison) -> Node:
    opposite = attrs.evolve(leaf, operator=OPPOSITE[leaf.operator])
    if leaf.operator in _KNOWS_NULL and leaf.function is None:
        return opposite
    return any_of([opposite, *is_null(leaf.path)])


def is_null(path: tuple[Step, ...]) -> Iterator[Node]:
    """Yield the condition that there is no value at the end of a path, if that can be."""
    if not path[-1].to_many and not (len(path) == 1 and path[0].primary_key):  # a number of rows there always is
        yield Comparison(path, "null")


def parts_of(node: Node) -> Iterator[Node]:
    """Yield a condition and all within it, but for what is asked of other models."""
    yield node
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from parts_of(part)


def split_key_list(node: Node) -> tuple[Node, KeyList | None]:
    """Return a query's conditions without the list of keys that its rows are among, and that list."""
    parts = node.parts if isinstance(node, And) else (node,)
    listed = next((part for part in parts if isinstance(part, KeyList)), None)
    return (node, None) if listed is None else (all_of(part for part in parts if part is not listed), listed)


def joins_to_many(node: Node) -> bool:
    """Return whether a condition looks at relations to many, so that the server joins rows (G21)."""
    return any(isinstance(part, Exists) for part in parts_of(node))


def true_for_null_row(node: Node) -> bool:
    """Return whether a condition holds of a row that has nothing but nulls."""
    match node:
        case And(parts):
            return bool(parts) and all(map(true_for_null_row, parts))
        case Or(parts):
            return any(map(true_for_null_row, parts))
        case Comparison(operator=operator, value=value, function=function):
            return operator in ("null", "empty") if function is None else _is_zero(operator, value, function)
        case Exists(negated=negated):
            return negated
    return False


def _is_zero(operator: str, value: Any, function: str) -> bool:
    """Return whether a number of related rows compares as wanted where there are none."""
    return function == "count" and compares(0, operator, value)
