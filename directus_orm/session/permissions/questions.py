"""A question about permissions: which action, on which collection, row and fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ...core.errors import QueryError
from .permissions import WITH_FIELDS, Action, Subject, checked_action, collection_of


@attrs.frozen
class Question:
    """May a user do this?

    Attributes:
        action: what to do.
        collection: the collection to which.
        key: the key of the row, as JSON; None if the question is not about one row.
        key_column: the server's name of the key; None if it is not known.
        fields: the server's names of the fields.
        is_singleton: whether the collection has one row, which needs no key.
    """

    action: Action
    collection: str
    key: Any = None
    key_column: str | None = None
    fields: tuple[str, ...] = ()
    is_singleton: bool = False

    @classmethod
    def of(cls, action: str, subject: Subject, fields: Iterable[str] = ()) -> Question:
        """Return the question about a collection by name, a model, or an instance.

        Raises:
            QueryError: the action is unknown, the subject is none of these, or the instance is not saved.
            FieldError: the model has no such field.
            UnsupportedQuery: the server has no field for a list of the model.
        """
        checked, collection = checked_action(action), collection_of(subject)
        names = _checked_names(checked, fields)
        if isinstance(subject, str):
            return cls(checked, collection, fields=names)
        info = subject.directus
        return cls(
            checked,
            collection,
            key=_key(checked, subject),
            key_column=info.pk.column,
            fields=tuple(dict.fromkeys(_column(info, name) for name in names)),
            is_singleton=info.options.singleton,
        )

    @property
    def needed_fields(self) -> tuple[str, ...]:
        """The fields of the question, and the key where rows are read: models never read a row without it."""
        is_read = self.action == "read" and self.key_column is not None
        return tuple(dict.fromkeys((str(self.key_column), *self.fields))) if is_read else self.fields

    @property
    def is_about_a_row(self) -> bool:
        """Whether the answer may depend on a row that is known."""
        return self.key is not None or (self.is_singleton and self.action in {"read", "update"})

    @property
    def is_about_one_of_many(self) -> bool:
        """Whether it is about one row of a collection that may have others."""
        return self.key is not None and not self.is_singleton


def _checked_names(action: Action, fields: Iterable[str]) -> tuple[str, ...]:
    if isinstance(fields, str):
        msg = f"fields= takes a list of names, not the text {fields!r}: write fields=({fields!r},)."
        raise QueryError(msg)
    names = tuple(fields)
    if not all(isinstance(name, str) for name in names):
        msg = f"fields= takes the names of fields, not {names!r}."
        raise QueryError(msg)
    if names and action not in WITH_FIELDS:
        msg = f"fields= is for {', '.join(WITH_FIELDS)}: {action!r} is about whole rows. Leave it out."
        raise QueryError(msg)
    return names


def _column(info: Any, name: str) -> str:
    """Return the server's name of a field or list of a model."""
    relation = info.relations.get(name)
    if relation is not None and not relation.has_alias:
        raise relation.missing_alias_error("no permission is about it")
    return str((relation or info.field(name, "can(fields=…)")).column)


def _key(action: Action, subject: Any) -> Any:
    """Return the key of an instance as JSON; None for a model, and for what has no row yet."""
    info = subject.directus
    if isinstance(subject, type) or action == "create":
        return None
    key = subject.pk
    if key is not None:
        return info.pk.dump(key)
    if info.options.singleton:
        return None
    name = type(subject).__name__
    msg = (
        f"This {name} is not saved yet, so that there is no row to {action}. "
        f'Ask can("create", …) for it, or can("{action}", {name}) for rows of its kind.'
    )
    raise QueryError(msg)
