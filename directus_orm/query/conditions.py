"""Conditions as a tree of *and*, *or* and comparisons, in negation normal form: nothing in it is negated.

The server has no ``_not``, so a negation becomes the opposite of each comparison. Null is handled explicitly:
``NOT (x = 1)`` keeps rows without an x in Django, and ``_neq`` drops them (G19), so "or x is null" is added.
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
"""A check in Python on a value as the server sends it."""


@attrs.frozen
class Comparison:
    """A comparison of the value at the end of a path, by an operator, with a value as it is sent.

    With a ``function``, its result is compared: a part of the value (``year``), or the ``count`` of related rows.
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
    """The operand of the operator ``json``: keys into the document, and the comparison of the value there."""

    keys: tuple[str, ...]
    operator: str
    value: Any = attrs.field(default=True, hash=False)


@attrs.frozen
class Exists:
    """True where a related row meets a condition; negated, where none does.

    ``path`` ends in a relation to many, and ``where`` is a condition on the model that it leads to.
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
        test: a check in Python of the value at ``tested_path``, where the server finds more rows than it should.
        tested_path: the path of the value that ``test`` gets.
        negated: true where the value is not among them.
        session: the session of the sub-query, if it is another one than the outer query's.
        shortcut: a condition of the same meaning, which needs no request if the server has the list it is about.
    """

    path: tuple[Field, ...]
    query: Any
    value_path: tuple[Field, ...]
    test: Test | None = None
    tested_path: tuple[Field, ...] = ()
    negated: bool = False
    session: Any = attrs.field(default=None, eq=False, repr=False)
    shortcut: Exists | None = None


@attrs.frozen
class KeyList:
    """True for the rows with these keys, however many: they are read by key in this order, not by a filter.

    It stands only at the root of a query's conditions, alone or in an `And`.
    """

    keys: tuple[Any, ...]


@attrs.frozen
class And:
    """True where every part is true; without parts, always."""

    parts: tuple[Node, ...] = ()


@attrs.frozen
class Or:
    """True where any part is true; without parts, never."""

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
    ("icontains", "nicontains"),  # the server lacks it: `reading.subqueries` finds the keys instead
    ("starts_with", "nstarts_with"),
    ("istarts_with", "nistarts_with"),
    ("ends_with", "nends_with"),
    ("iends_with", "niends_with"),
    ("intersects", "nintersects"),
    ("intersects_bbox", "nintersects_bbox"),
)
OPPOSITE = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_TRUE_OR_FALSE_OF_NULL = frozenset({"null", "nnull", "empty", "nempty"})


def all_of(parts: Iterable[Node]) -> Node:
    """Join conditions with *and*; one that is always or never true is folded."""
    flat = _flat(And, parts)
    never = any(type(part) is Or and not part.parts for part in flat)
    return NEVER if never else flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: Iterable[Node]) -> Node:
    """Join conditions with *or*; one that is always or never true is folded."""
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
    """Return the opposite of a condition: by De Morgan's laws, and by the opposite operators."""
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


def _opposite(comparison: Comparison) -> Node:
    opposite = attrs.evolve(comparison, operator=OPPOSITE[comparison.operator])
    if comparison.operator in _TRUE_OR_FALSE_OF_NULL and comparison.function is None:
        return opposite
    return any_of([opposite, *_null_condition(comparison.path)])


def _null_condition(path: tuple[Step, ...]) -> Iterator[Node]:
    """Yield the condition that the value at the end of a path is null; nothing if it never is.

    A row's own key is never null, and neither is the number of related rows.
    """
    if not path[-1].to_many and not (len(path) == 1 and path[0].primary_key):
        yield Comparison(path, "null")


def parts_of(node: Node) -> Iterator[Node]:
    """Yield a condition and all parts of it, but nothing inside conditions on related rows or sub-queries."""
    yield node
    if isinstance(node, InSubquery) and node.shortcut is not None:
        yield node.shortcut
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from parts_of(part)


def split_key_list(node: Node) -> tuple[Node, KeyList | None]:
    """Return a query's conditions without the `KeyList` that is part of them, and that `KeyList`."""
    parts = node.parts if isinstance(node, And) else (node,)
    key_list = next((part for part in parts if isinstance(part, KeyList)), None)
    if key_list is None:
        return node, None
    return all_of(part for part in parts if part is not key_list), key_list


def joins_to_many(node: Node) -> bool:
    """Return whether a condition is about related rows, so that the server joins and repeats rows (G21)."""
    return any(isinstance(part, Exists) for part in parts_of(node))


def true_for_null_row(node: Node) -> bool:
    """Return whether a condition holds for a row in which every value is null."""
    match node:
        case And(parts):
            return bool(parts) and all(map(true_for_null_row, parts))
        case Or(parts):
            return any(map(true_for_null_row, parts))
        case Comparison(operator=operator, value=value, function=function):
            if function is None:
                return operator in ("null", "empty")
            return _true_for_zero(operator, value, function)
        case Exists(negated=negated):
            return negated
    return False


def _true_for_zero(operator: str, value: Any, function: str) -> bool:
    """Return whether a comparison of the number of related rows holds where there are none."""
    return function == "count" and compares(0, operator, value)
