"""Descriptors on model classes: field access with lazy loading, and related instances and lists."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ..core.deferred_import import DeferredModule
from ..core.tracebacks import hides_locals
from ..fields.field import ABSENT, Field
from ..fields.field_references import FieldReference
from ..fields.paths import target_of
from ..fields.registry import is_model, is_row_of
from ..instances.state import reference, state_of
from ..querysets.related import Related, RelatedAny

if TYPE_CHECKING:
    from ..instances import lazy_loading
    from ..reading import server_versions
else:
    lazy_loading = DeferredModule("..instances.lazy_loading", __package__)
    server_versions = DeferredModule("..reading.server_versions", __package__)


class FieldDescriptor:
    """A field. On the class it is a `FieldReference`; on an instance it loads a value that is not loaded.

    It is a non-data descriptor: Python calls it only for a value that is not in the instance's ``__dict__``.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return FieldReference(owner, (self.name,))
        return load_value(instance, owner.directus.fields[self.name])


class ManyToOneDescriptor(FieldDescriptor):
    """A many-to-one relation: it returns the related instance, and checks assigned values."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return FieldReference(owner, (self.name,))
        values = instance.__dict__
        field: Field = owner.directus.fields[self.name]
        value = values[self.name] if self.name in values else load_value(instance, field)
        if value is None or is_model(type(value)):
            return value
        # Rows hold the key: the related instance is made on first access.
        batch, target = state_of(instance).batch, target_of(field)
        related = (
            reference(target, value)
            if batch is None
            else batch.related_batch(target, self.name).instance_with_key(value)
        )
        values[self.name] = related
        return related

    def __set__(self, instance: Any, value: Any) -> None:
        if value is ABSENT:
            instance.__dict__.pop(self.name, None)
            return
        instance.__dict__[self.name] = _checked_value(type(instance).directus.fields[self.name], value)

    def __delete__(self, instance: Any) -> None:
        instance.__dict__.pop(self.name, None)


def _checked_value(field: Field, value: Any) -> Any:
    """Return the value to assign to a many-to-one: an instance, a key, or None if it is nullable.

    Other values are refused: from a list, the server would create rows (G9).
    """
    target = target_of(field)
    if is_row_of(value, target) or (value is None and field.nullable):
        return value
    if value is not None and not is_model(type(value)):
        with contextlib.suppress(ValueError, TypeError):
            return field.value_type.load(field.value_type.dump(value))
    none = ", or None" if field.nullable else ""
    msg = (
        f"{field} takes a {target.__name__}, its key ({field.value_type.python}){none}, "
        f"not {value!r} ({type(value).__name__})."
    )
    raise TypeError(msg)


@hides_locals
def load_value(instance: Any, field: Field) -> Any:
    """Load a value that is not in the instance, and return it; None for an optional field of an unsaved instance.

    Raises:
        ConversionError: the server's value does not fit the annotation.
        DoesNotExist: the row was deleted.
        AttributeError: the instance is not saved, and the field has no default.
    """
    state = state_of(instance)
    if not state.stored:
        if state.batch is not None:  # a singleton that was read and never saved
            server_versions.require_support(state.batch.session, [field])
        return _unsaved_value(instance, field)
    if field.name not in state.problems:
        lazy_loading.load_missing(instance, field)
    if field.name in state.problems:
        raise state.problems[field.name].again()
    return instance.__dict__[field.name]


def _unsaved_value(instance: Any, field: Field) -> None:
    """Return None for a field that was not passed and may be left out; raise AttributeError for others."""
    if field.attribute.default is ABSENT and not field.options.generated:
        return
    when = "was deleted" if state_of(instance).deleted else "is not saved yet"
    reason = ", and the server makes its value" if field.options.generated else ""
    msg = f"{field} has no value: this {type(instance).__name__} {when}{reason}."
    raise AttributeError(msg)


class ToManyDescriptor:
    """A to-many relation: on an instance it returns the related rows as a queryset; it cannot be assigned."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return FieldReference(owner, (self.name,), to_many=True)
        relation = owner.directus.relations[self.name]
        return (RelatedAny if relation.is_many_to_any else Related).of(instance, relation)

    def __set__(self, instance: Any, value: Any) -> None:
        name = type(instance).__name__
        msg = f"{name}.{self.name} leads to many rows, and is not assigned: {self.name}.set([…]) writes them."
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<relation {self.name!r}>"
