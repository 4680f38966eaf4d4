"""`check_models`: all mistakes in the declarations of models at once, instead of one at first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import attrs

from ..core.errors import ConfigurationError, DirectusError
from ..fields.field import Field
from ..fields.registry import all_models, is_model
from ..fields.to_many import ToMany
from ..query.lookups.ordering import resolve_ordering
from . import info_builder


def check_models(*models: type[Any] | ModuleType) -> None:
    """Resolve models with all their fields and relations, and report every problem. Nothing is sent.

    Otherwise a mistake shows at the first use of its model. Call it in a test, or when an application starts.

    Args:
        models: models, or modules that hold models; by default all models that were imported.

    Raises:
        ConfigurationError: there are problems; the message has a line for each.

    Example:
        >>> check_models(Airline, Flight)
    """
    problems = list(dict.fromkeys(problem for model in _chosen(models) for problem in _problems_of(model)))
    if problems:
        msg = f"{len(problems)} problem{'s' * (len(problems) > 1)} in the declarations of models:"
        raise ConfigurationError("\n- ".join([msg, *problems]))


def _chosen(models: Iterable[type[Any] | ModuleType]) -> list[type[Any]]:
    chosen: list[type[Any]] = []
    for each in models:
        if not is_model(each) and not isinstance(each, ModuleType):
            msg = f"check_models() takes models, and modules that hold models, not {each!r}."
            raise ConfigurationError(msg)
        chosen += filter(is_model, vars(each).values()) if isinstance(each, ModuleType) else [each]
    return [model for model in chosen if not model._options.abstract] if models else all_models()  # noqa: SLF001


def _problems_of(model: type[Any]) -> Iterator[str]:
    """Yield what is wrong with a model: with its attributes alone, else with what these lead to."""
    attributes = [partial(info_builder.build_attribute, model, each) for each in attrs.fields(model)]
    problems = list(_messages(attributes))
    yield from problems or _messages(_uses_of(model))


def _uses_of(model: type[Any]) -> Iterator[Callable[[], Any]]:
    """Yield functions that raise where a declaration of the model does not fit those of other models."""
    info = model.directus
    yield from (partial(_resolve_key, field) for field in info.fields.values() if field.target)
    yield from (partial(_resolve_names, scope) for each in info.relations.values() for scope in each.scopes)
    yield from (partial(resolve_ordering, model, (name,), "ordering") for name in info.options.ordering)


def _resolve_key(field: Field) -> object:
    return field.value_type


def _resolve_names(relation: ToMany) -> object:
    return relation.target_column, relation.source_column


def _messages(functions: Iterable[Callable[[], Any]]) -> Iterator[str]:
    for function in functions:
        try:
            function()
        except DirectusError as error:
            yield str(error)
