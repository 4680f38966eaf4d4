"""Building `ModelInfo`: resolves the annotations of a model class to its fields and relations."""

from __future__ import annotations

import builtins
import functools
import operator
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from ..fields.annotation_types import FieldType, field_type, key_type
from ..fields.declarations.field_options import NOT_SAID, check_of_type
from ..fields.field import Field, field_options
from ..fields.model_info import ModelInfo, ModelOptions, primary_key_name
from ..fields.registry import extended, is_model, is_ready_made, latest_definition, models_named
from ..fields.to_many import ToMany
from ..fields.to_many_declaration import RelationOptions, relation_options
from ..querysets.related import Related
from .checks import annotations_of


def build_model_info(model: type[Any], options: ModelOptions) -> ModelInfo:
    """Resolve the annotations of a model, and return its fields and relations.

    Raises:
        ConfigurationError: an annotation has an unknown name, or a type that no field can have.
    """
    built = [build_attribute(model, attribute) for attribute in attrs.fields(model)]
    fields = {each.name: each for each in built if isinstance(each, Field)}
    relations = {each.name: each for each in built if isinstance(each, ToMany)}
    pk = fields[primary_key_name(model)]
    if pk.column.startswith("_"):
        msg = (
            f"{pk}: the server finds no row by a key that is called {pk.column!r}: it takes names that begin with "
            "'_' for operators. Rename the field on the server."
        )
        raise ConfigurationError(msg)
    if pk.own_type is not None:
        fields[pk.name] = attrs.evolve(pk, own_type=key_type(pk.own_type))
    return ModelInfo(model, options, types.MappingProxyType(fields), types.MappingProxyType(relations))


def build_attribute(model: type[Any], attribute: attrs.Attribute[Any]) -> Field | ToMany:
    """Resolve one annotation of a model, and return its field or relation.

    Raises:
        ConfigurationError: as for `build_model_info`.
    """
    to_many = relation_options(attribute)
    return _build_field(model, attribute) if to_many is None else _build_relation(model, attribute, to_many)


def _build_relation(model: type[Any], attribute: attrs.Attribute[Any], declared: RelationOptions) -> ToMany:
    annotation = _resolve_annotation(model, attribute)
    arguments = typing.get_args(annotation)
    targets = typing.get_args(arguments[0]) or arguments if arguments else ()
    to_any = declared.kind == "many-to-any"
    are_models = bool(targets) and all(map(is_model, targets))
    if not _is_related(annotation) or not are_models or (len(targets) > 1 and not to_any):
        expected = "Related[One | Another]" if to_any else "Related[Model]"
        msg = (
            f"{model.__name__}.{attribute.name} is a {declared.kind} relation: its annotation is {expected}, "
            f"not {attribute.type!r}."
        )
        raise ConfigurationError(msg)
    models = tuple(_target(model, attribute, target) for target in targets)
    declared = _with_junction(model, attribute, declared)
    relation = ToMany(model, attribute.name, declared.name or attribute.name, declared, models)
    relation.check_targets()
    return relation


def _with_junction(
    model: type[Any], attribute: attrs.Attribute[Any], declared: RelationOptions
) -> RelationOptions:
    """Return the arguments with the junction's model, if ``through`` is the name of its class."""
    if not isinstance(declared.through, str):
        return declared
    owner = _declaring_class(model, attribute.name)
    junction = _model_named(declared.through, owner, attribute.name)
    if junction is None or is_ready_made(junction) != is_ready_made(owner):
        return declared  # the name of a collection
    return attrs.evolve(declared, through=junction)


def _build_field(model: type[Any], attribute: attrs.Attribute[Any]) -> Field:
    declared = field_options(attribute)
    annotation, nullable = _without_none(_resolve_annotation(model, attribute))
    column = declared.name or attribute.name
    if is_model(annotation):
        if declared.type is not None:
            msg = f"{model.__name__}.{attribute.name} is a relation: its type is that of the other key."
            raise ConfigurationError(msg)
        _check_options(model, attribute, None)
        target = _target(model, attribute, annotation)
        return Field(model, attribute.name, column, nullable, declared, attribute, target=target)
    if _is_related(annotation):
        msg = (
            f"{model.__name__}.{attribute.name} leads to many rows: say how, with = one_to_many(field), "
            "many_to_many(through) or many_to_any(through)."
        )
        raise ConfigurationError(msg)
    try:
        value_type = field_type(annotation, declared.type)
    except ConfigurationError as error:
        msg = f"{model.__name__}.{attribute.name}: {error}"
        raise ConfigurationError(msg) from None
    _check_options(model, attribute, value_type)
    if declared.secret:
        value_type = field_type(str, "hash")
    return Field(model, attribute.name, column, nullable, declared, attribute, value_type)


def _check_options(model: type[Any], attribute: attrs.Attribute[Any], value_type: FieldType | None) -> None:
    """Refuse options that do not fit the type of a field; a relation has none of its own."""
    options = field_options(attribute)
    try:
        check_of_type(options, None if value_type is None else value_type.kind)
        if (
            value_type is not None
            and options.server_default is not NOT_SAID
            and options.server_default is not None
        ):
            _check_server_default(value_type, options.server_default)
    except ConfigurationError as error:
        msg = f"{model.__name__}.{attribute.name}: {error}"
        raise ConfigurationError(msg) from None


def _check_server_default(value_type: FieldType, value: Any) -> None:
    try:
        value_type.load(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        msg = (
            f"server_default={value!r} is no value of {value_type.python}: {error}. What the database computes is "
            "declared with default=generated.sql(…)."
        )
        raise ConfigurationError(msg) from None


def _target(model: type[Any], attribute: attrs.Attribute[Any], annotation: type[Any]) -> type[Any]:
    """Return the model that a relation leads to, as the application defined or extended it last."""
    return extended(latest_definition(annotation), _declaring_class(model, attribute.name))


def _is_related(annotation: Any) -> bool:
    return (typing.get_origin(annotation) or annotation) is Related


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Return an annotation without ``| None``, and whether None is allowed."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, annotation in (Any, object)
    members = list(typing.get_args(annotation))
    without_none = [member for member in members if member is not type(None)]
    return functools.reduce(operator.or_, without_none), len(without_none) < len(members)


def _resolve_annotation(model: type[Any], attribute: attrs.Attribute[Any]) -> Any:
    """Return the type that an annotation, mostly a string, stands for."""
    owner = _declaring_class(model, attribute.name)
    module = sys.modules.get(owner.__module__, builtins)
    holder = types.SimpleNamespace(__annotations__={"it": attribute.type})
    models: dict[str, type[Any]] = {}
    while True:
        try:
            return typing.get_type_hints(holder, globalns={**vars(module)}, localns=models)["it"]
        except NameError as error:
            # Only now: Python tells which names are missing, and no mapping could look them up for it, since
            # Python 3.14 copies the mapping.
            name = error.name
            found = None if name is None or name in models else _model_named(name, owner, attribute.name)
            if name is None or found is None:
                msg = (
                    f"{model.__name__}.{attribute.name}: the annotation {_text_of(attribute.type)} names "
                    f"{name!r}, which is neither in module {owner.__module__!r} nor a model. Import it there, or "
                    "define it before first use."
                )
                raise ConfigurationError(msg) from None
            models[name] = found
        except TypeError as error:
            msg = (
                f"{model.__name__}.{attribute.name}: the annotation {_text_of(attribute.type)} cannot be read: "
                f"{error}."
            )
            raise ConfigurationError(msg) from error


def _text_of(annotation: Any) -> str:
    """Return an annotation as its author wrote it; Python 3.14 wraps those with names that are not defined yet."""
    return repr(annotation.__forward_arg__ if isinstance(annotation, typing.ForwardRef) else annotation)


def _declaring_class(model: type[Any], name: str) -> type[Any]:
    """Return the class whose body declares a field: the names in the annotation belong to its module."""
    return next((base for base in model.__mro__ if name in annotations_of(base)), model)


def _model_named(name: str, owner: type[Any], field: str) -> type[Any] | None:
    """Return the nearest model with this class name, or None if there is none."""
    for candidates in _models_by_distance(name, owner):
        if len(candidates) > 1:
            places = sorted(f"{m.__module__}.{m.__qualname__}" for m in candidates)
            msg = f"{owner.__name__}.{field}: {name!r} may be any of {', '.join(places)}; import the one meant."
            raise ConfigurationError(msg)
        if candidates:
            return candidates[0]
    return None


def _models_by_distance(name: str, owner: type[Any]) -> Iterator[list[type[Any]]]:
    """Yield the models with a name, the nearest first: in the same function or class, in the module, all.

    The models of this library have names that applications use as well: each side finds its own first.
    """
    models = models_named(name)
    scope = owner.__qualname__.rpartition(".")[0]
    same_module = [model for model in models if model.__module__ == owner.__module__]
    yield [model for model in same_module if model.__qualname__.rpartition(".")[0] == scope]
    yield same_module
    yield [model for model in models if is_ready_made(model) == is_ready_made(owner)]
    yield models
