"""Queries and conditions described in English, for `explain()`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ..fields.paths import path_name
from ..query.conditions import ALWAYS, NEVER, And, Comparison, Exists, InSubquery, JsonRule, KeyList, Node, Or
from ..query.grouping import Grouping
from ..query.lookups.date_parts import DatePartTest
from ..query.lookups.json_lookups import JsonTest
from ..query.lookups.list_lookups import ListTest
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
_TEXT_VERBS = {"exact": "is", "contains": "contains", "starts_with": "starts with", "ends_with": "ends with"}
_LIST_VERBS = {"contains": "contains all of", "overlap": "contains any of", "contained_by": "contains only"}
_MOST_VALUES_SHOWN = 5


def describe_query(query: Query) -> str:
    """Return a query in words: which rows or groups, in which order, how many."""
    if query.is_empty:
        return f"no {query.model.__name__}"
    name = query.model.__name__
    parts = [name if query.where == ALWAYS else f"{name} where {describe_condition(query.where)}"]
    if query.search is not None:
        parts.append(f"in which the server finds {query.search!r}")
    if query.grouping is None:
        parts.append(f"by {', '.join(map(_describe_order, query.total_order))}")
    else:
        parts += _describe_grouping(query.grouping)
    if query.offset:
        parts.append(f"after the first {query.offset:,}")
    if query.limit is not None:
        parts.append(f"at most {query.limit:,}")
    return ", ".join(parts)


def _with_direction(text: str, descending: bool) -> str:
    return f"{text} descending" if descending else text


def _describe_order(order: Order) -> str:
    name = path_name(order.path)
    value = name if order.function is None else _describe_function(order.function, name)
    return _with_direction(value, order.descending)


def _describe_function(name: str, value: str) -> str:
    return f"the number of {value}" if name == "count" else f"the {name} of {value}"


def _describe_grouping(grouping: Grouping) -> Iterator[str]:
    yield f"in groups of equal {', '.join(name for name, _ in grouping.keys)}"
    for name, aggregate in grouping.aggregates:
        values = f"{'different ' if aggregate.distinct else ''}{path_name(aggregate.path)}"
        where = "" if aggregate.where == ALWAYS else f" where {describe_condition(aggregate.where)}"
        yield f"{name} is the {aggregate.function} of {values}{where}"
    if grouping.having:
        yield f"of which are kept those that meet {', '.join(map(repr, grouping.having))}"
    yield f"by {', '.join(_with_direction(order.name, order.descending) for order in grouping.total_order)}"


def describe_condition(node: Node) -> str:
    """Return a condition in words."""
    match node:
        case And(parts):
            return "always" if node == ALWAYS else " and ".join(_describe_part(part) for part in parts)
        case Or(parts):
            return "never" if node == NEVER else " or ".join(_describe_part(part) for part in parts)
        case Exists(path, where, negated):
            return f"{'no' if negated else 'some'} row of {path_name(path)} has {_describe_part(where)}"
        case InSubquery():
            return _describe_subquery(node)
        case KeyList(keys):
            return f"the key is one of {len(keys):,}"
        case Comparison():
            return _describe_comparison(node)


def _describe_part(node: Node) -> str:
    return f"({describe_condition(node)})" if isinstance(node, And | Or) else describe_condition(node)


def _describe_comparison(comparison: Comparison) -> str:
    name = comparison.name
    if comparison.function is not None:
        name = _describe_function(comparison.function, name)
    if isinstance(comparison.value, JsonRule):
        rule = comparison.value
        return f"{'.'.join(rule.keys)} of {name} {_describe_test(rule.operator, rule.value)}"
    return f"{name} {_describe_test(comparison.operator, comparison.value)}"


def _describe_test(operator: str, value: Any) -> str:
    if operator in _STATES:
        return _STATES[operator]
    if operator in _BETWEEN:
        low, high = value
        return f"{_BETWEEN[operator]} {low!r} and {high!r}"
    return f"{_VERBS[operator]} {_describe_values(value)}"


def _describe_values(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return repr(value)
    shown = ", ".join(map(repr, value[:_MOST_VALUES_SHOWN]))
    return shown if len(value) <= _MOST_VALUES_SHOWN else f"{shown} … ({len(value):,} values)"


def _describe_subquery(node: InSubquery) -> str:
    if node.shortcut is not None:
        return describe_condition(attrs.evolve(node.shortcut, negated=node.negated))
    name, negation = path_name(node.tested_path), "it is not so that " if node.negated else ""
    prefix = "" if len(node.path) == 1 and node.path[0].primary_key else f"{path_name(node.path)}__"
    match node.test:
        case TextTest(where=where, needle=needle, any_case=any_case):
            case = ", in any case" if any_case else ""
            return f"{negation}{prefix}{name} {_TEXT_VERBS[where]} {needle!r}{case}, letter by letter"
        case DatePartTest(part=part, lookup=lookup, value=value):
            return f"{negation}the {part.name} of {prefix}{name} is {lookup} {_describe_values(value)}"
        case ListTest(lookup=lookup, items=items):
            return f"{negation}{prefix}{name} {_LIST_VERBS[lookup]} {_describe_values(items)}"
        case JsonTest(keys=keys, lookup=lookup, value=value):
            verb = "is there" if lookup == "isnull" else f"is {lookup} {_describe_values(value)}"
            return f"{negation}{'.'.join(keys)} of {prefix}{name} {verb}"
    where = "" if node.query.where == ALWAYS else f" where {describe_condition(node.query.where)}"
    verb = "is not" if node.negated else "is"
    return (
        f"{path_name(node.path)} {verb} the {path_name(node.value_path)} of a {node.query.model.__name__}{where}"
    )
