"""Conditions on related rows: that some row meets them, and which of them are about one and the same row.

One call of ``filter()`` is about one related row, so its conditions on a relation to many are collected first, as
`OneRow`, and then joined into one `Exists`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs

from ...core.errors import UnsupportedQuery
from ...fields.field import Field
from ...fields.model_info import Step
from ...fields.paths import path_name, target_model
from ...fields.to_many import ToMany
from ..conditions import (
    ALWAYS,
    NEVER,
    And,
    Comparison,
    Exists,
    InSubquery,
    Node,
    Or,
    all_of,
    any_of,
    true_for_null_row,
)
from ..query import Query

# Conditions on several related rows that are joined by "or" are multiplied out, into at most this many terms.
_MOST_TERMS = 16


@attrs.frozen
class OneRow:
    """A condition on a related row that is not joined yet with the others on the same row."""

    path: tuple[Step, ...]
    where: Any


def related_row(path: tuple[Step, ...], where: Any) -> Node:
    """Return the condition that a related row meets ``where``.

    As in Django, whose join has a row of nulls where there is no related row.
    """
    inner = join_rows(where)
    node = exists(path, inner)
    return any_of([node, exists(path, ALWAYS, negated=True)]) if true_for_null_row(inner) else node


def exists(path: tuple[Step, ...], where: Node, *, negated: bool = False) -> Node:
    """Return the condition that a related row meets ``where``; negated, that none does."""
    pk = target_model(path).directus.pk
    inner = _with_known_key(where, pk)
    if inner == NEVER:
        return ALWAYS if negated else NEVER
    relation = path[-1]
    if isinstance(relation, ToMany) and not relation.has_alias:
        return _by_reference(path, inner, negated=negated)
    return Exists(path, Comparison((pk,), "nnull") if inner == ALWAYS else inner, negated)


def _by_reference(path: tuple[Any, ...], where: Node, *, negated: bool) -> InSubquery:
    """Return the condition on a list that the server does not have: the rows that refer back are found first."""
    *outer, relation = path
    reverse = relation.reverse_field
    refers = all_of([where, Comparison((reverse,), "nnull")])
    query = Query(relation.target, where=refers, paths=((relation.target.directus.pk,), (reverse,)))
    return InSubquery(tuple(outer) or (relation.model.directus.pk,), query, (reverse,), negated=negated)


def _with_known_key(node: Node, pk: Field) -> Node:
    """Fold conditions on the key being null: a row that is there has a key."""
    match node:
        case And(parts):
            return all_of(_with_known_key(part, pk) for part in parts)
        case Or(parts):
            return any_of(_with_known_key(part, pk) for part in parts)
        case Comparison(path=(field,), operator="null" | "nnull" as operator, function=None) if field == pk:
            return NEVER if operator == "null" else ALWAYS
    return node


# --- joining conditions on one row ------------------------------------------------------------------------------


def join_rows(node: Any) -> Node:
    """Return conditions in which those on one related row are joined: one `Exists` for each relation.

    Raises:
        UnsupportedQuery: there are too many of them to be multiplied out.
    """
    while (path := next(_unjoined_paths(node), None)) is not None:
        node = _join(path, node)
    return node  # type: ignore[no-any-return]


def _unjoined_paths(node: Any) -> Iterator[tuple[Step, ...]]:
    """Yield the paths of the conditions that are not joined yet."""
    if isinstance(node, OneRow):
        yield node.path
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _unjoined_paths(part)


def _join(path: tuple[Step, ...], node: Any) -> Any:
    """Join the conditions on the rows of one relation."""
    if isinstance(node, Or):
        return any_of(_join(path, part) for part in node.parts)
    if path not in set(_unjoined_paths(node)):
        return node
    if isinstance(node, OneRow):
        return related_row(path, node.where)
    concerned = [part for part in node.parts if path in set(_unjoined_paths(part))]
    mixed = next((part for part in concerned if not _is_only_about(path, part)), None)
    if mixed is None:
        rest = [part for part in node.parts if path not in set(_unjoined_paths(part))]
        return all_of([*rest, related_row(path, all_of(map(_condition_on_row, concerned)))])
    return _multiply_out(path, node, mixed)


def _multiply_out(path: tuple[Step, ...], node: And, mixed: Any) -> Any:
    """Turn "a and (b or c)" into "(a and b) or (a and c)"; ``mixed`` is the part with "or"."""
    if math.prod(len(part.parts) for part in node.parts if isinstance(part, Or)) > _MOST_TERMS:
        msg = (
            f"The conditions on {path_name(path)} are too many to be multiplied out; use {path_name(path)}__some."
        )
        raise UnsupportedQuery(msg)
    rest = [part for part in node.parts if part is not mixed]
    return any_of(_join(path, all_of([*rest, part])) for part in mixed.parts)


def _is_only_about(path: tuple[Step, ...], node: Any) -> bool:
    """Return whether a condition is about the rows of this relation and nothing else."""
    if isinstance(node, And | Or):
        return all(_is_only_about(path, part) for part in node.parts)
    return isinstance(node, OneRow) and node.path == path


def _condition_on_row(node: Any) -> Any:
    """Return the condition on the related row itself."""
    match node:
        case And(parts):
            return all_of(map(_condition_on_row, parts))
        case Or(parts):
            return any_of(map(_condition_on_row, parts))
    return node.where
