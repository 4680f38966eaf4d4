"""The registry of all models, by the module and name that they were defined under."""

from __future__ import annotations

import weakref
from typing import Any

_models: weakref.WeakValueDictionary[tuple[str, str], type[Any]] = weakref.WeakValueDictionary()


def register(model: type[Any]) -> None:
    """Make a model known by its class name; one defined again, as in a notebook, replaces the former."""
    place = (model.__module__, model.__qualname__)
    if place in _models:
        for known in list(_models.values()):
            known._info = None  # noqa: SLF001 - what they know may lead to the former
    _models[place] = model


def latest_definition(model: type[Any]) -> type[Any]:
    """Return the model that was last defined in a model's place."""
    return _models.get((model.__module__, model.__qualname__), model)


def is_model(kind: object) -> bool:
    """Return whether an object is a model class; unlike ``kind.directus``, this resolves no annotations."""
    return isinstance(kind, type) and getattr(kind, "_options", None) is not None
