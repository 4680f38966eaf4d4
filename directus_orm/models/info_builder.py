"""From the annotations of a model class to its fields and relations."""

from __future__ import annotations

import builtins
import functools
import inspect
import operator
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from ..fields.field import Field, field_options
from ..fields.model_info import ModelInfo, ModelOptions
from ..fields.registry import is_model, latest_definition, models_named
from ..fields.relations import RelationOptions, relation_options
from ..fields.to_many import ToMany
from ..fields.types import field_type
from ..querysets.related import Related


def build(model: type[Any], options: ModelOptions) -> ModelInfo:
    """Resolve the annotations of a model.

    Raises:
        ConfigurationError: an annotation names nothing that is known, or a type that has no meaning here.
    """
    fields: dict[str, Field] = {}
    relations: dict[str, ToMany] = {}
    for attribute in attrs.fields(model):
        to_many = relation_options(attribute)
        if to_many is None:
            fields[attribute.name] = _field(model, attribute)
        else:
            relations[attribute.name] = _relation(model, attribute, to_many)
    return ModelInfo(model, options, types.MappingProxyType(fields), types.MappingProxyType(relations))


def _relation(model: type[Any], attribute: attrs.Attribute[Any], declared: RelationOptions) -> ToMany:
    annotation = _resolve(model, attribute)
    inner = typing.get_args(annotation)
    targets = typing.get_args(inner[0]) or inner if inner else ()
    one = declared.kind != "many-to-any"
    if not _is_related(annotation) or not targets or not all(map(is_model, targets)) or (one and len(targets) > 1):
        wanted = "Related[Model]" if one else "Related[One | Another]"
        msg = (
            f"{model.__name__}.{attribute.name} is a {declared.kind} relation: its annotation is {wanted}, "
            f"not {attribute.type!r}."
        )
        raise ConfigurationError(msg)
    found = ToMany(
        model, attribute.name, declared.name or attribute.name, declared, tuple(map(latest_definition, targets))
    )
    found.check_targets()
    return found


def _field(model: type[Any], attribute: attrs.Attribute[Any]) -> Field:
    declared = field_options(attribute)
    annotation, nullable = _without_none(_resolve(model, attribute))
    column = declared.name or attribute.name
    if is_model(annotation):
        if declared.type is not None:
            msg = f"{model.__name__}.{attribute.name} is a relation: its type is that of the other key."
            raise ConfigurationError(msg)
        return Field(
            model, attribute.name, column, nullable, declared, attribute, target=latest_definition(annotation)
        )
    if _is_related(annotation):
        msg = (
            f"{model.__name__}.{attribute.name} leads to many rows: say how, with = one_to_many(field), "
            "many_to_many(through) or many_to_any(through)."
        )
        raise ConfigurationError(msg)
    try:
        own_type = field_type(annotation, declared.type)
    except ConfigurationError as error:
        msg = f"{model.__name__}.{attribute.name}: {error}"
        raise ConfigurationError(msg) from None
    return Field(model, attribute.name, column, nullable, declared, attribute, own_type)


def _is_related(annotation: Any) -> bool:
    return (typing.get_origin(annotation) or annotation) is Related


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, annotation in (Any, object)
    parts = list(typing.get_args(annotation))
    rest = [part for part in parts if part is not type(None)]
    return functools.reduce(operator.or_, rest), len(rest) < len(parts)


def _resolve(model: type[Any], attribute: attrs.Attribute[Any]) -> Any:
    owner = _owner(model, attribute.name)
    holder = types.SimpleNamespace(__annotations__={"it": attribute.type})
    try:
        return typing.get_type_hints(holder, globalns={}, localns=_Scope(owner, attribute.name))["it"]
    except NameError as error:
        msg = (
            f"{model.__name__}.{attribute.name}: the annotation {attribute.type!r} names {error.name!r}, which is "
            f"neither in module {owner.__module__!r} nor a model. Import it there, or define it before first use."
        )
        raise ConfigurationError(msg) from None
    except TypeError as error:
        msg = f"{model.__name__}.{attribute.name}: the annotation {attribute.type!r} cannot be read: {error}."
        raise ConfigurationError(msg) from error


def _owner(model: type[Any], name: str) -> type[Any]:
    """Return the class whose body declares a field: its module is where the annotation's names live."""
    return next((c for c in model.__mro__ if name in inspect.get_annotations(c)), model)


class _Scope(dict[str, Any]):
    """The names an annotation may use: those of its module, the builtins, and all models by class name."""

    def __init__(self, owner: type[Any], field: str) -> None:
        super().__init__()
        self._owner = owner
        self._field = field

    def __missing__(self, name: str) -> Any:
        module = sys.modules.get(self._owner.__module__, builtins)
        for known in (vars(module), vars(builtins)):
            if name in known:
                return known[name]
        return self._model(name)

    def _model(self, name: str) -> type[Any]:
        for candidates in self._tiers(name):
            if len(candidates) > 1:
                places = sorted(f"{m.__module__}.{m.__qualname__}" for m in candidates)
                field = f"{self._owner.__name__}.{self._field}"
                msg = f"{field}: {name!r} may be any of {', '.join(places)}; import the one meant."
                raise ConfigurationError(msg)
            if candidates:
                return candidates[0]
        raise KeyError(name)

    def _tiers(self, name: str) -> Iterator[list[type[Any]]]:
        """Yield the models of that name, nearest first: the same function, the same module, all."""
        owner = self._owner
        found = models_named(name)
        scope = owner.__qualname__.rpartition(".")[0]
        same_module = [model for model in found if model.__module__ == owner.__module__]
        yield [model for model in same_module if model.__qualname__.rpartition(".")[0] == scope]
        yield same_module
        yield found
