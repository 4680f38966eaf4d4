"""The registries: all models, and the types that the application has registered."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import attrs

# By module and qualified name.
_models: weakref.WeakValueDictionary[tuple[str, str], type[Any]] = weakref.WeakValueDictionary()


def register(model: type[Any]) -> None:
    """Add a model; a model that is defined again, as in a notebook, replaces the former one."""
    name = (model.__module__, model.__qualname__)
    if name in _models:
        for registered in list(_models.values()):
            registered._info = None  # noqa: SLF001 - they may refer to the former model
    _models[name] = model


def latest_definition(model: type[Any]) -> type[Any]:
    """Return the model that was last defined under a model's module and name."""
    return _models.get((model.__module__, model.__qualname__), model)


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
