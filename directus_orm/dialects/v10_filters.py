"""The ``filter`` parameter: conditions as an object of rules, such as ``{"_and": [{"id": {"_gt": 7}}]}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.request_response import Row
from ..fields.model_info import Step
from ..fields.paths import server_path
from ..query.capabilities import DEFAULT_CAPABILITIES
from ..query.conditions import And, Comparison, Exists, JsonRule, Node, Or


def filter_object(node: Node, prefix: tuple[str, ...]) -> Row:
    """Return conditions as a filter with one key per object; ``prefix`` leads to the rows that they are about."""
    match node:
        case Comparison(path, operator, value, function):
            *outer, last = path
            name = last.column if function is None else function_call(function, last.column)
            rule = {name: _rule(operator, value)}
            for step in reversed(outer):
                rule = {step.column: rule}
            return _wrapped(prefix, rule) if prefix else rule
        case Exists(path, where, negated) if not prefix and DEFAULT_CAPABILITIES.quantifies(node):
            return _quantified(path[-1], where, negated)
        case Exists(path, where, False):
            return filter_object(where, (*prefix, *server_path(path)))
        case And(parts) | Or(parts) if parts:
            return _group("_and" if isinstance(node, And) else "_or", [filter_object(p, prefix) for p in parts])
    # An empty group would match every row (G4); sub-queries were replaced by their values before.
    msg = f"{node!r} has no filter."
    raise AssertionError(msg)


# SQLite reads "a OR b OR c" as nested, and allows a depth of 1,000; groups within a group are less deep.
_LONGEST_GROUP = 200


def _group(operator: str, rules: list[Row]) -> Row:
    """Return rules joined by ``_and`` or ``_or``; many of them as a group of groups."""
    while len(rules) > _LONGEST_GROUP:
        rules = [
            {operator: rules[start : start + _LONGEST_GROUP]} for start in range(0, len(rules), _LONGEST_GROUP)
        ]
    return {operator: rules}


def _rule(operator: str, value: Any) -> Row:
    if isinstance(value, JsonRule):
        return {f"_{operator}": {".".join(value.keys): {f"_{value.operator}": value.value}}}
    return {f"_{operator}": value}


def _quantified(relation: Step, where: Node, negated: bool) -> Row:
    alias, *junction = relation.segments
    target_pk = relation.target.directus.pk if relation.target else None
    if isinstance(where, Comparison) and where.path == (target_pk,) and junction and ":" not in junction[0]:
        inner = _wrapped(junction, _rule(where.operator, where.value))  # the junction has the key itself
    else:
        inner = _wrapped(junction, filter_object(where, ()))
    return {alias: {"_none" if negated else "_some": inner}}


def _wrapped(names: Iterable[str], rule: Row) -> Row:
    """Return a rule as the innermost of objects with one key each."""
    for name in reversed(tuple(names)):
        rule = {name: rule}
    return rule


def function_call(function: str, column: str) -> str:
    """Return how filters, orderings and groups name a function of a column."""
    return f"{function}({column})"
