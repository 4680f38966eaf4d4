"""The registries: all models, and the types that the application has registered."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import attrs

_PACKAGE = f"{__name__.partition('.')[0]}."

# By module and qualified name.
_models: weakref.WeakValueDictionary[tuple[str, str], type[Any]] = weakref.WeakValueDictionary()


def register(model: type[Any]) -> None:
    """Add a model; a model that is defined again, as in a notebook, replaces the former one."""
    name = (model.__module__, model.__qualname__)
    if name in _models or any(map(is_ready_made, model.__mro__[1:])):
        for registered in list(_models.values()):
            registered._info = None  # noqa: SLF001 - they may refer to the former model, or have to refer to this
    _models[name] = model


def forget(model: type[Any]) -> None:
    """Remove a model that is no model of the application: one made for rows without a model."""
    _models.pop((model.__module__, model.__qualname__), None)


def latest_definition(model: type[Any]) -> type[Any]:
    """Return the model that was last defined under a model's module and name."""
    return _models.get((model.__module__, model.__qualname__), model)


def is_ready_made(model: type[Any]) -> bool:
    """Return whether a model comes with this library, for one of Directus's own collections."""
    return is_model(model) and not model._options.abstract and model.__module__.startswith(_PACKAGE)  # noqa: SLF001


def extended(target: type[Any], owner: type[Any]) -> type[Any]:
    """Return the model that a relation declared by ``owner`` leads to.

    Relations among ready-made models lead to the application's subclass of a model, if there is exactly one.
    """
    if not is_ready_made(owner) or not is_ready_made(target):
        return target
    subclasses = [
        model
        for model in all_models()
        if issubclass(model, target) and model._options.collection == target._options.collection  # noqa: SLF001
    ]
    subclasses.remove(target)
    return subclasses[0] if len(subclasses) == 1 else target


def is_row_of(value: object, target: type[Any]) -> bool:
    """Return whether a value is an instance of a model, or of one that it extends for the same collection."""
    if isinstance(value, target):
        return True
    kind: Any = type(value)
    is_extended = is_model(kind) and issubclass(target, kind)
    return bool(is_extended and kind._options.collection == target._options.collection)  # noqa: SLF001


def all_models() -> list[type[Any]]:
    """Return all models that have a collection."""
    return [model for model in list(_models.values()) if not model._options.abstract]  # noqa: SLF001


def models_named(class_name: str) -> list[type[Any]]:
    """Return all models with a class name, in any module."""
    return [model for model in list(_models.values()) if model.__name__ == class_name]


def is_model(kind: object) -> bool:
    """Return whether an object is a model class; unlike ``kind.directus``, this resolves no annotations."""
    return isinstance(kind, type) and getattr(kind, "_options", None) is not None


@attrs.frozen
class RegisteredType:
    """A type of the application: its Directus type, and the functions that load and dump its values."""

    python: type
    kind: str
    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]


_types: dict[Any, RegisteredType] = {}


def add_type(registered: RegisteredType) -> None:
    """Add a type, in the place of one that was registered for the same class."""
    _types[registered.python] = registered


def remove_type(python: type) -> None:
    """Remove a type, if it was registered."""
    _types.pop(python, None)


def registered_type(annotation: Any) -> RegisteredType | None:
    """Return the type that was registered for an annotation, or None."""
    return _types.get(annotation)


def registered_types() -> tuple[RegisteredType, ...]:
    """Return all types that were registered."""
    return tuple(_types.values())
