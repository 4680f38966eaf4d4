"""From `Q` to conditions: names followed over relations, and what they say of the rows at the other end.

One call of ``filter()`` speaks of one related row: all its conditions on a relation to many hold for the same
row, as in Django. Below a negation each condition speaks of any row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import attrs

from ...core.checks import is_whole_number
from ...core.errors import FieldError, QueryError, UnsupportedQuery, suggestion
from ...fields.field import Field
from ...fields.model_info import ModelInfo, Step
from ...fields.paths import path_name, target_model
from ...fields.to_many import ToMany
from ..conditions import (
    ALWAYS,
    NEVER,
    And,
    Comparison,
    Exists,
    Node,
    Or,
    all_of,
    any_of,
    negate,
    true_for_null_row,
)
from ..q import Q, check_root
from . import custom_lookups, date_parts, json_lookups
from .field_lookups import LOOKUPS, condition, lookups_of

# What may be asked of the number of rows at the other end of a relation.
_OF_COUNTS = {"exact": "eq", "in": "in", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "range": "between"}
_QUANTIFIERS = {"some": False, "none": True}
# Terms of one filter() call, when conditions on several related rows and "or" have to be multiplied out.
_MOST_TERMS = 16


def resolve_filter(asked: Q, model: type[Any]) -> Node:
    """Turn a Q into conditions on a model's fields.

    Raises:
        FieldError: a field or lookup that does not exist.
        QueryError: a value of the wrong type.
        UnsupportedQuery: the server cannot be asked that without bending it.
    """
    return _bound(_tree(custom_lookups.expand_custom_lookups(asked, model), model, negated=False, below=False))


def _tree(asked: Q, model: type[Any], *, negated: bool, below: bool) -> Node:
    negated, below = negated ^ asked.negated, below or asked.negated
    parts = [
        _tree(child, model, negated=negated, below=below)
        if isinstance(child, Q)
        else _leaf(*child, model, negated=negated, below=below)
        for child in asked.children
    ]
    if not parts:
        return ALWAYS
    return all_of(parts) if (asked.joined_by == "and") is not negated else any_of(parts)


def _leaf(name: str, value: Any, model: type[Any], *, negated: bool, below: bool) -> Node:
    check_root(name, model)
    info: ModelInfo = model.directus
    steps, rest = info.cached_path(name) or info.resolve_path(name, f"filter({name}=…)")
    node = _said(steps, rest, value, model, _some if below else _Bindable)
    return negate(node) if negated else node


# --- one condition --------------------------------------------------------------------------------------------


def _said(steps: tuple[Step, ...], rest: str, value: Any, model: type[Any], kind: Any) -> Node:
    """Return what ``rest`` says of the end of the steps; ``kind`` makes the conditions on related rows."""
    many = 0
    while not steps[many].to_many:
        many += 1
        if many == len(steps):
            return _of_value(_own_column(steps), rest, value, model)
    many += 1
    path, inner = steps[:many], steps[many:]
    if not inner and rest.partition("__")[0] in {"count", *_QUANTIFIERS}:
        return _of_list(path, rest, value)
    relation = path[-1]
    if isinstance(relation, ToMany) and relation.is_many_to_any and len(relation.targets) > 1:
        return _of_any(path, relation, rest, value)
    related = target_model(path)
    said: Node = kind(path, _said(inner or (related.directus.pk,), rest, value, related, kind))
    return said


def _of_any(path: tuple[Step, ...], relation: ToMany, rest: str, value: Any) -> Node:
    """Return whether there are rows of any model behind a many-to-any."""
    if rest != "isnull" or not isinstance(value, bool):
        raise relation.scope_error(rest)
    return _are_there(path, relation, none=value)


def _are_there(path: tuple[Step, ...], relation: ToMany, *, none: bool) -> Node:
    """Return whether there are rows behind a junction, whose own rows may lead nowhere."""
    found = [_quantified((*path[:-1], scope), ALWAYS, negated=none) for scope in relation.scopes]
    return all_of(found) if none else any_of(found)


def _own_column(steps: tuple[Step, ...]) -> tuple[Field, ...]:
    """Leave out the key of the other side: it is in this side's own column."""
    own = steps[:-1] if len(steps) > 1 and steps[-1].primary_key else steps
    return cast("tuple[Field, ...]", own)


def _of_value(path: tuple[Field, ...], rest: str, value: Any, model: type[Any]) -> Node:
    first, _, after = rest.partition("__")
    if (first in LOOKUPS and not (after and path[-1].value_type.kind == "json")) or not rest:
        if after:
            raise _unknown(path, rest, model)
        return condition(path, first or "exact", value)
    if path[-1].value_type.kind == "json":
        return json_lookups.condition(path, rest, value)
    part = date_parts.DATE_PARTS.get(first)
    if part is None:
        raise _unknown(path, rest, model)
    kind = path[-1].value_type.kind
    if kind not in part.kinds:
        msg = (
            f"{path_name(path)}__{rest}: fields of type {kind} have no {first!r}. "
            f"They have: {', '.join([*_parts_of(kind), *lookups_of(kind)])}."
        )
        raise UnsupportedQuery(msg)
    if first == "date" and after.partition("__")[0] in date_parts.DATE_PARTS:
        return _of_value(path, after, value, model)
    lookup = after or "exact"
    if lookup == "isnull" and not isinstance(value, bool):
        msg = f"{path_name(path)}__{rest} takes True or False, not {value!r}."
        raise QueryError(msg)
    if lookup == "exact" and value is None:
        lookup, value = "isnull", True
    if lookup not in {"isnull", *date_parts.COMPARISONS}:
        choices = (*date_parts.COMPARISONS, "isnull")
        msg = f"{path_name(path)}__{rest}: {lookup!r} is no lookup of {first!r}. Lookups: {', '.join(choices)}."
        raise FieldError(msg, name=lookup, choices=choices)
    return date_parts.condition(path, part, lookup, value)


def _of_list(path: tuple[Step, ...], rest: str, value: Any) -> Node:
    """Return what ``some``, ``none`` and ``count`` say of the rows at the other end of a relation."""
    relation, related = path[-1], target_model(path)
    first, _, lookup = rest.partition("__")
    name = path_name(path)
    if first in _QUANTIFIERS:
        if lookup or not isinstance(value, Q):
            msg = f"{name}__{rest} takes a Q on {related.__name__}, such as Q(pk=1), not {value!r}."
            raise QueryError(msg)
        return _quantified(path, resolve_filter(value, related), negated=_QUANTIFIERS[first])
    lookup = lookup or "exact"
    if lookup not in _OF_COUNTS:
        msg = f"{name}__{rest}: {lookup!r} is no lookup of a count. Lookups: {', '.join(_OF_COUNTS)}."
        raise FieldError(msg, name=lookup, choices=tuple(_OF_COUNTS))
    if isinstance(relation, ToMany) and relation.is_many_to_any and len(relation.targets) == 1:
        msg = f"{name}__{rest}: the server counts the rows of {relation} of all models alike."
        raise UnsupportedQuery(msg)
    counted = _count(path, lookup, value, f"{name}__{rest}")
    if isinstance(relation, ToMany) and relation.has_junction and isinstance(counted, Comparison):
        return _of_junction(path, relation, counted, f"{name}__{rest}")
    return counted


# Conditions on a number that say whether it is 0.
_NONE_OR_SOME = {("eq", 0): True, ("lte", 0): True, ("lt", 1): True, ("gt", 0): False, ("gte", 1): False}


def _of_junction(path: tuple[Step, ...], relation: ToMany, counted: Comparison, name: str) -> Node:
    none = None if isinstance(counted.value, list) else _NONE_OR_SOME.get((counted.operator, counted.value))
    if none is None:
        msg = (
            f"{name}: the server counts the rows of the junction of {relation}, those that lead nowhere included. "
            f"Whether there are any is {path_name(path)}__isnull; look at the numbers in Python."
        )
        raise UnsupportedQuery(msg)
    return _are_there(path, relation, none=none)


def _count(path: tuple[Step, ...], lookup: str, value: Any, name: str) -> Node:
    many = lookup in ("in", "range")
    numbers = list(value) if many and isinstance(value, list | tuple | set | frozenset | range) else [value]
    if not all(map(is_whole_number, numbers)) or (lookup == "range" and len(numbers) != 2):
        msg = f"{name} takes {'whole numbers' if many else 'a whole number'}, not {value!r}."
        raise QueryError(msg)
    if not numbers:
        return NEVER
    return Comparison(path, _OF_COUNTS[lookup], numbers if many else numbers[0], "count")


def _parts_of(kind: str) -> list[str]:
    return [part.name for part in date_parts.DATE_PARTS.values() if kind in part.kinds]


def _unknown(path: tuple[Field, ...], name: str, model: type[Any]) -> FieldError:
    target, kind = path[-1].target, path[-1].value_type.kind
    fields = sorted((*target.directus.fields, *target.directus.relations)) if target is not None else []
    lookups = [*_parts_of(kind), *lookups_of(kind)]
    names = (*fields, *lookups, *custom_lookups.registered_names())
    also = f" and no field of {target.__name__}" if target is not None else ""
    listed = f" Fields: {', '.join(fields)}." if fields else ""
    hint = _ELSEWHERE.get(name.partition("__")[0], suggestion(name, names))
    msg = (
        f"{model.__name__}: {name!r} is no lookup of {path_name(path)}{also}.{hint}{listed} "
        f"Lookups: {', '.join(lookups)}."
    )
    return FieldError(msg, name=name, choices=names)


_ELSEWHERE = {
    name: f" The server has no {what}: {instead}."
    for names, what, instead in (
        ("regex iregex", "patterns", "filter by contains, and look at the rows in Python"),
        ("time", "times of day of a moment", "use hour, minute and second"),
        ("search", "search in one field", "QuerySet.search() looks in all of them"),
        ("some none count", "rows behind this field", "declare the relation with one_to_many() and its kin"),
        (
            "has_key has_keys has_any_keys contained_by",
            "such test of JSON",
            "compare a key, as in meta__key=value",
        ),
    )
    for name in names.split()
}


# --- conditions on the same related row -----------------------------------------------------------------------


@attrs.frozen
class _Bindable:
    """A condition on a related row that is not yet tied to those on the same row."""

    path: tuple[Step, ...]
    where: Any


def _bound(node: Any) -> Node:
    """Tie the conditions on each relation to one row at its other end."""
    while (path := next(_open(node), None)) is not None:
        node = _exists(path, node)
    return node  # type: ignore[no-any-return]


def _open(node: Any) -> Iterator[tuple[Step, ...]]:
    """Yield the paths of the conditions that are not tied to a row yet."""
    if isinstance(node, _Bindable):
        yield node.path
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _open(part)


def _exists(path: tuple[Step, ...], node: Any) -> Any:
    """Return the condition that there is a row behind the path for which a condition holds."""
    if isinstance(node, Or):
        return any_of(_exists(path, part) for part in node.parts)
    if path not in set(_open(node)):
        return node
    if isinstance(node, _Bindable):
        return _some(path, node.where)
    about = [part for part in node.parts if path in set(_open(part))]
    others = [part for part in node.parts if path not in set(_open(part))]
    mixed = next((part for part in about if not _is_pure(path, part)), None)
    if mixed is None:
        return all_of([*others, _some(path, all_of(_inner(part) for part in about))])
    rest = [part for part in node.parts if part is not mixed]
    terms = [all_of([*rest, part]) for part in mixed.parts]
    if math.prod(len(part.parts) for part in node.parts if isinstance(part, Or)) > _MOST_TERMS:
        msg = (
            f"The conditions on {path_name(path)} are too many to be multiplied out; use {path_name(path)}__some."
        )
        raise UnsupportedQuery(msg)
    return any_of(_exists(path, term) for term in terms)


def _is_pure(path: tuple[Step, ...], node: Any) -> bool:
    if isinstance(node, And | Or):
        return all(_is_pure(path, part) for part in node.parts)
    return isinstance(node, _Bindable) and node.path == path


def _inner(node: Any) -> Any:
    match node:
        case And(parts):
            return all_of(map(_inner, parts))
        case Or(parts):
            return any_of(map(_inner, parts))
    return node.where


def _some(path: tuple[Step, ...], where: Any) -> Node:
    """Return the condition that a row meets; where there is none, Django's join has a row of nulls."""
    inner = _bound(where)
    found = _quantified(path, inner, negated=False)
    return any_of([found, _quantified(path, ALWAYS, negated=True)]) if true_for_null_row(inner) else found


def _quantified(path: tuple[Step, ...], where: Node, *, negated: bool) -> Node:
    pk = target_model(path).directus.pk
    inner = _of_a_row(where, pk)
    if inner == NEVER:
        return ALWAYS if negated else NEVER
    return Exists(path, Comparison((pk,), "nnull") if inner == ALWAYS else inner, negated)


def _of_a_row(node: Node, pk: Field) -> Node:
    """Fold what is known of a row that is there: that it has a key."""
    match node:
        case And(parts):
            return all_of(_of_a_row(part, pk) for part in parts)
        case Or(parts):
            return any_of(_of_a_row(part, pk) for part in parts)
        case Comparison(path=(only,), operator="null" | "nnull" as operator, function=None) if only == pk:
            return NEVER if operator == "null" else ALWAYS
    return node
