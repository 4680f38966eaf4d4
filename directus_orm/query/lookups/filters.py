"""From `Q` to conditions: follows paths over relations, and turns each lookup into a condition on the value there.

One call of ``filter()`` is about one related row: all its conditions on a relation to many hold for the same row,
as in Django. Inside a negation, each condition is about any related row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ...core.checks import is_whole_number
from ...core.errors import FieldError, QueryError, UnsupportedQuery, suggestion
from ...fields.model_info import ModelInfo, Step
from ...fields.paths import FieldPath, operator_like, path_name, target_model, trim_join
from ...fields.to_many import ToMany
from ..comparisons import COMPARISONS, MULTI_VALUE_LOOKUPS, OPERATORS, operand
from ..conditions import ALWAYS, NEVER, Comparison, Node, all_of, any_of, negate
from ..q import Q, check_root
from . import custom_lookups, date_parts, json_lookups, list_lookups
from .field_lookups import LOOKUPS, condition, lookups_of_field
from .related_rows import OneRow, exists, join_rows, related_row

_QUANTIFIERS = {"some": False, "none": True}
"""The lookups that take a `Q` on related rows, and whether it is negated."""
_MakeRelated = Callable[[tuple[Step, ...], Any], Any]
"""Makes the condition that a related row meets a condition."""


def resolve_filter(condition: Q, model: type[Any]) -> Node:
    """Turn a Q into conditions on a model's fields.

    Raises:
        FieldError: a field or lookup that does not exist.
        QueryError: a value of the wrong type.
        UnsupportedQuery: the server cannot be asked exactly this.
    """
    expanded = custom_lookups.expand_custom_lookups(condition, model)
    return join_rows(_resolve(expanded, model, negated=False, in_negation=False))


def _resolve(condition: Q, model: type[Any], *, negated: bool, in_negation: bool) -> Node:
    """Return the conditions of a Q; those on one related row are not joined yet.

    ``negated`` says whether the Q stands in an odd number of negations, ``in_negation`` whether it stands in any.
    """
    negated, in_negation = negated ^ condition.negated, in_negation or condition.negated
    parts = [
        _resolve(child, model, negated=negated, in_negation=in_negation)
        if isinstance(child, Q)
        else _resolve_lookup(*child, model, negated=negated, in_negation=in_negation)
        for child in condition.children
    ]
    if not parts:
        return ALWAYS
    return all_of(parts) if (condition.joined_by == "and") is not negated else any_of(parts)


def _resolve_lookup(name: str, value: Any, model: type[Any], *, negated: bool, in_negation: bool) -> Node:
    check_root(name, model)
    info: ModelInfo = model.directus
    steps, rest = info.cached_path(name) or info.resolve_path(name, f"filter({name}=…)")
    column = operator_like(steps)
    if column is not None:
        msg = (
            f"filter({name}=…): in a filter the server takes {column!r} for an operator, as every name that "
            "begins with '_'. Test the rows in Python."
        )
        raise UnsupportedQuery(msg)
    node = _on_path_end(steps, rest, operand(name, value), model, related_row if in_negation else OneRow)
    return negate(node) if negated else node


def _on_path_end(
    steps: tuple[Step, ...], rest: str, value: Any, model: type[Any], make_related: _MakeRelated
) -> Node:
    """Return the condition of the lookup ``rest`` on the value at the end of the steps."""
    length = 0
    while not steps[length].to_many:
        length += 1
        if length == len(steps):
            return _on_value(trim_join(cast("FieldPath", steps)), rest, value, model)
    path, inner = steps[: length + 1], steps[length + 1 :]
    if not inner and rest.partition("__")[0] in ("count", *_QUANTIFIERS):
        return _on_related_rows(path, rest, value)
    relation = path[-1]
    if isinstance(relation, ToMany) and relation.is_many_to_any and len(relation.targets) > 1:
        return _on_rows_of_any_model(path, relation, rest, value)
    related = target_model(path)
    node: Node = make_related(
        path, _on_path_end(inner or (related.directus.pk,), rest, value, related, make_related)
    )
    return node


# --- lookups on a value -----------------------------------------------------------------------------------------


def _on_value(path: FieldPath, rest: str, value: Any, model: type[Any]) -> Node:
    """Return the condition of a lookup on a field, on a part of its date, or on a key inside its JSON."""
    first, _, after = rest.partition("__")
    if rest in list_lookups.list_lookups_of(path[-1]):
        return list_lookups.condition(path, rest, value)
    is_json = path[-1].value_type.kind == "json"
    if not rest or (first in LOOKUPS and not (after and is_json)):
        if after:
            raise _unknown_lookup(path, rest, model)
        return condition(path, first or "exact", value)
    if is_json:
        return json_lookups.condition(path, rest, value)
    if first not in date_parts.DATE_PARTS:
        raise _unknown_lookup(path, rest, model)
    return _on_date_part(path, rest, value, model)


def _on_date_part(path: FieldPath, rest: str, value: Any, model: type[Any]) -> Node:
    first, _, after = rest.partition("__")
    part, kind = date_parts.DATE_PARTS[first], path[-1].value_type.kind
    if kind not in part.kinds:
        msg = (
            f"{path_name(path)}__{rest}: fields of type {kind} have no {first!r}. "
            f"They have: {', '.join([*date_parts.parts_of(kind), *lookups_of_field(path[-1])])}."
        )
        raise UnsupportedQuery(msg)
    if first == "date" and after.partition("__")[0] in date_parts.DATE_PARTS:
        return _on_value(path, after, value, model)
    lookup = after or "exact"
    if lookup == "isnull" and not isinstance(value, bool):
        msg = f"{path_name(path)}__{rest} takes True or False, not {value!r}."
        raise QueryError(msg)
    if lookup == "exact" and value is None:
        lookup, value = "isnull", True
    choices = (*COMPARISONS, "isnull")
    if lookup not in choices:
        msg = f"{path_name(path)}__{rest}: {lookup!r} is no lookup of {first!r}. Lookups: {', '.join(choices)}."
        raise FieldError(msg, name=lookup, choices=choices)
    return date_parts.condition(path, part, lookup, value)


def _unknown_lookup(path: FieldPath, name: str, model: type[Any]) -> FieldError:
    target, kind = path[-1].target, path[-1].value_type.kind
    fields = sorted((*target.directus.fields, *target.directus.relations)) if target is not None else []
    lookups = [*date_parts.parts_of(kind), *lookups_of_field(path[-1])]
    choices = (*fields, *lookups, *custom_lookups.registered_names())
    no_field = f" and no field of {target.__name__}" if target is not None else ""
    listed = f" Fields: {', '.join(fields)}." if fields else ""
    hint = _HINTS.get(name.partition("__")[0], suggestion(name, choices))
    msg = (
        f"{model.__name__}: {name!r} is no lookup of {path_name(path)}{no_field}.{hint}{listed} "
        f"Lookups: {', '.join(lookups)}."
    )
    return FieldError(msg, name=name, choices=choices)


# What to do instead of lookups that Django has, or that other fields have.
_HINTS = {
    name: f" The server has no {feature}: {instead}."
    for names, feature, instead in (
        ("regex iregex", "patterns", "filter by contains, and look at the rows in Python"),
        ("time", "times of day of a moment", "use hour, minute and second"),
        ("search", "search in one field", "QuerySet.search() looks in all of them"),
        (
            "some none count",
            "rows behind this field",
            "declare the relation with one_to_many(), many_to_many() or many_to_any()",
        ),
        (
            "has_key has_keys has_any_keys",
            "such test of JSON",
            "compare a key, as in meta__key=value",
        ),
        ("overlap contained_by", "list in this field", "the lookup is for fields that are declared as list[…]"),
    )
    for name in names.split()
}


# --- lookups on related rows ------------------------------------------------------------------------------------


def _on_rows_of_any_model(path: tuple[Step, ...], relation: ToMany, rest: str, value: Any) -> Node:
    """Return the condition that a many-to-any leads to rows of any of its models, or to none."""
    if rest != "isnull" or not isinstance(value, bool):
        raise relation.scope_error(rest)
    return _leads_to_rows(path, relation, negated=value)


def _leads_to_rows(path: tuple[Step, ...], relation: ToMany, *, negated: bool) -> Node:
    """Return the condition that a relation leads to rows; rows of its junction may lead nowhere."""
    conditions = [exists((*path[:-1], scope), ALWAYS, negated=negated) for scope in relation.scopes]
    return all_of(conditions) if negated else any_of(conditions)


def _on_related_rows(path: tuple[Step, ...], rest: str, value: Any) -> Node:
    """Return the condition of ``some``, ``none`` or ``count`` on the related rows."""
    first, _, lookup = rest.partition("__")
    name = f"{path_name(path)}__{rest}"
    if first == "count":
        return _on_count(path, lookup or "exact", value, name)
    related = target_model(path)
    if lookup or not isinstance(value, Q):
        msg = f"{name} takes a Q on {related.__name__}, such as Q(pk=1), not {value!r}."
        raise QueryError(msg)
    return exists(path, resolve_filter(value, related), negated=_QUANTIFIERS[first])


def _on_count(path: tuple[Step, ...], lookup: str, value: Any, name: str) -> Node:
    """Return the condition of a lookup on the number of related rows."""
    relation = path[-1]
    if lookup not in OPERATORS:
        msg = f"{name}: {lookup!r} is no lookup of a count. Lookups: {', '.join(OPERATORS)}."
        raise FieldError(msg, name=lookup, choices=tuple(OPERATORS))
    if isinstance(relation, ToMany) and relation.is_many_to_any and len(relation.targets) == 1:
        msg = f"{name}: the server counts the rows of {relation} of all models together."
        raise UnsupportedQuery(msg)
    if isinstance(relation, ToMany) and not relation.has_alias:
        raise relation.missing_alias_error("its rows cannot be counted along with these")
    is_list = lookup in MULTI_VALUE_LOOKUPS
    numbers = list(value) if is_list and isinstance(value, list | tuple | set | frozenset | range) else [value]
    if not all(map(is_whole_number, numbers)) or (lookup == "range" and len(numbers) != 2):
        msg = f"{name} takes {'whole numbers' if is_list else 'a whole number'}, not {value!r}."
        raise QueryError(msg)
    if not numbers:
        return NEVER
    comparison = Comparison(path, OPERATORS[lookup], numbers if is_list else numbers[0], "count")
    if isinstance(relation, ToMany) and relation.has_junction:
        return _on_count_of_junction(path, relation, comparison, name)
    return comparison


# Comparisons of a number that say whether it is 0.
_IS_ZERO = {("eq", 0): True, ("lte", 0): True, ("lt", 1): True, ("gt", 0): False, ("gte", 1): False}


def _on_count_of_junction(path: tuple[Step, ...], relation: ToMany, comparison: Comparison, name: str) -> Node:
    """Return the condition that a junction leads to rows or to none; of a count, only that can be asked."""
    is_zero = None
    if not isinstance(comparison.value, list):
        is_zero = _IS_ZERO.get((comparison.operator, comparison.value))
    if is_zero is None:
        msg = (
            f"{name}: the server counts the rows of the junction of {relation}, those that lead nowhere included. "
            f"Test with {path_name(path)}__isnull whether there are any; compare numbers in Python."
        )
        raise UnsupportedQuery(msg)
    return _leads_to_rows(path, relation, negated=is_zero)
