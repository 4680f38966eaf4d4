"""Paths over fields and relations: their names for users and for the server, and the model they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .field import Field
from .model_info import Step
from .to_many import ToMany


def path_name(path: Iterable[Step]) -> str:
    """Return a path as users write it, such as ``carrier__name``."""
    return "__".join(step.name for step in path)


def target_of(relation: Step) -> type[Any]:
    """Return the model that a relation leads to."""
    model = relation.target
    assert model is not None  # noqa: S101 - only relations are passed
    return model


def target_model(path: tuple[Step, ...]) -> type[Any]:
    """Return the model that a path leads to."""
    return target_of(path[-1])


def server_path(path: Iterable[Step]) -> tuple[str, ...]:
    """Return the server's names along a path, with the columns of junctions."""
    return tuple(name for step in path for name in step.segments)


def operator_like(path: Iterable[Step]) -> str | None:
    """Return the first of the server's names along a path that it takes for an operator; None if there is none.

    In filters, and in what is said of lists, the server takes every name that begins with ``_`` for an operator.
    """
    sent = (step for step in path if not isinstance(step, ToMany) or step.has_alias)
    return next((name for name in server_path(sent) if name.startswith("_")), None)


FieldPath = tuple[Field, ...]
"""Many-to-one fields to follow one after the other, and the field at the end."""


def kind_of(field: Field) -> str:
    """Return the Directus type of a field's values; all ``geometry.…`` types are one."""
    return field.value_type.kind.partition(".")[0]


def trim_join(path: FieldPath) -> FieldPath:
    """Return a path without the related row's key at its end, which the many-to-one before it holds as well."""
    return path[:-1] if len(path) > 1 and path[-1].primary_key else path
