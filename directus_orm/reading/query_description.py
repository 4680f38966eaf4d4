"""Queries in words, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..fields.paths import path_name
from ..query.conditions import ALWAYS, NEVER, And, Comparison, Exists, InSubquery, JsonRule, KeyList, Node, Or
from ..query.grouping import Grouping
from ..query.lookups.date_parts import DatePartTest
from ..query.lookups.json_lookups import JsonTest
from ..query.lookups.text_lookups import TextTest
from ..query.query import Order, Query

_VERBS = {
    "eq": "is",
    "neq": "is not",
    "in": "is one of",
    "nin": "is none of",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "contains": "contains",
    "ncontains": "does not contain",
    "icontains": "contains, in any case,",
    "nicontains": "does not contain, in any case,",
    "starts_with": "starts with",
    "nstarts_with": "does not start with",
    "istarts_with": "starts, in any case, with",
    "nistarts_with": "does not start, in any case, with",
    "ends_with": "ends with",
    "nends_with": "does not end with",
    "iends_with": "ends, in any case, with",
    "niends_with": "does not end, in any case, with",
    "intersects": "intersects",
    "nintersects": "does not intersect",
    "intersects_bbox": "intersects the box of",
    "nintersects_bbox": "does not intersect the box of",
}
_STATES = {
    "null": "is null",
    "nnull": "is not null",
    "empty": "is null or empty",
    "nempty": "is neither null nor empty",
}
_BETWEEN = {"between": "is between", "nbetween": "is not between"}
_HELD = {"exact": "is", "contains": "contains", "starts_with": "starts with", "ends_with": "ends with"}
_MOST_SHOWN = 5


def describe_query(query: Query) -> str:
    """Return what a query asks for, as a sentence."""
    if query.is_empty:
        return f"no {query.model.__name__}"
    name = query.model.__name__
    parts = [name if query.where == ALWAYS else f"{name} where {describe_condition(query.where)}"]
    if query.search is not None:
        parts.append(f"in which the server finds {query.search!r}")
    if query.grouping is None:
        parts.append(
            f"by {', '.join(_order(_ordered_by(order), order.descending) for order in query.total_order)}"
        )
    else:
        parts += _groups(query.grouping)
    if query.offset:
        parts.append(f"after the first {query.offset:,}")
    if query.limit is not None:
        parts.append(f"at most {query.limit:,}")
    return ", ".join(parts)


def _order(what: str, descending: bool) -> str:
    return f"{what} descending" if descending else what


def _ordered_by(order: Order) -> str:
    return path_name(order.path) if order.function is None else _function(order.function, path_name(order.path))


def _function(name: str, what: str) -> str:
    return f"the number of {what}" if name == "count" else f"the {name} of {what}"


def _groups(grouping: Grouping) -> Iterator[str]:
    yield f"in groups of equal {', '.join(name for name, _ in grouping.keys)}"
    for name, measure in grouping.aggregates:
        what = f"{'different ' if measure.distinct else ''}{path_name(measure.path)}"
        where = "" if measure.where == ALWAYS else f" where {describe_condition(measure.where)}"
        yield f"{name} is the {measure.function} of {what}{where}"
    if grouping.having:
        yield f"of which are kept those that meet {', '.join(map(repr, grouping.having))}"
    yield f"by {', '.join(_order(order.name, order.descending) for order in grouping.total_order)}"


def describe_condition(node: Node) -> str:
    """Return a condition in words."""
    match node:
        case And(parts):
            return "always" if node == ALWAYS else " and ".join(_inner(part) for part in parts)
        case Or(parts):
            return "never" if node == NEVER else " or ".join(_inner(part) for part in parts)
        case Exists(path, where, negated):
            return f"{'no' if negated else 'some'} row of {path_name(path)} has {_inner(where)}"
        case InSubquery():
            return _among(node)
        case KeyList(keys):
            return f"the key is one of {len(keys):,}"
        case Comparison():
            return _leaf(node)


def _inner(node: Node) -> str:
    return f"({describe_condition(node)})" if isinstance(node, And | Or) else describe_condition(node)


def _leaf(leaf: Comparison) -> str:
    what = leaf.name
    if leaf.function is not None:
        what = _function(leaf.function, what)
    if isinstance(leaf.value, JsonRule):
        rule = leaf.value
        return f"{'.'.join(rule.keys)} of {what} {_compared(rule.operator, rule.value)}"
    return f"{what} {_compared(leaf.operator, leaf.value)}"


def _compared(operator: str, value: Any) -> str:
    if operator in _STATES:
        return _STATES[operator]
    if operator in _BETWEEN:
        low, high = value
        return f"{_BETWEEN[operator]} {low!r} and {high!r}"
    return f"{_VERBS[operator]} {_values(value)}"


def _values(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return repr(value)
    shown = ", ".join(map(repr, value[:_MOST_SHOWN]))
    return shown if len(value) <= _MOST_SHOWN else f"{shown} … ({len(value):,} values)"


def _among(node: InSubquery) -> str:
    name, denied = path_name(node.tested_path), "it is not so that " if node.negated else ""
    before = "" if len(node.path) == 1 and node.path[0].primary_key else f"{path_name(node.path)}__"
    match node.test:
        case TextTest(where=where, needle=needle, any_case=any_case):
            case = ", in any case" if any_case else ""
            return f"{denied}{before}{name} {_HELD[where]} {needle!r}{case}, letter by letter"
        case DatePartTest(part=part, lookup=lookup, value=value):
            return f"{denied}the {part.name} of {before}{name} is {lookup} {_values(value)}"
        case JsonTest(keys=keys, lookup=lookup, value=value):
            asked = "is there" if lookup == "isnull" else f"is {lookup} {_values(value)}"
            return f"{denied}{'.'.join(keys)} of {before}{name} {asked}"
    inner = describe_condition(node.query.where)
    where = "" if node.query.where == ALWAYS else f" where {inner}"
    verb = "is not" if node.negated else "is"
    return (
        f"{path_name(node.path)} {verb} the {path_name(node.value_path)} of a {node.query.model.__name__}{where}"
    )
