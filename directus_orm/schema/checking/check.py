"""`check`: what models and a server, or a snapshot of its schema, say differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from ...core.errors import ConfigurationError
from ...fields.registry import is_model
from ...models.check_models import check_models
from ...session.session import Session
from ..normal_form import DatabaseSchema
from ..reading import read_schema
from ..system_models import system_models
from .drift import Drift, DriftReport, in_order
from .models import model_drifts
from .source_to_write import SourceToWrite


def check(source: Session | DatabaseSchema, models: ModuleType | type[Any] | Iterable[Any]) -> DriftReport:
    """Compare models with the schema of a server, by meaning, and return the differences.

    The same models fit a collection on every database and every version of Directus: a type that a database does
    not have, or a default that only it can read, is no difference. Of Directus's own collections, only the fields
    that were added are compared. It sends the three requests of `read_schema`, and one more if a collection is
    missing; with a schema, nothing.

    Args:
        source: a session, or a schema that was read before, such as that of `load_snapshot`.
        models: a module that holds models, a model, or several of both.

    Raises:
        Forbidden: the user may not see the schema.
        ConfigurationError: there is no model among them, or a declaration is wrong.

    Example:
        >>> report = check(session, myapp.models)
        >>> print(report)  # doctest: +SKIP
        Article
          error: Article.slug  string here, integer there [type-differs]
              Its values cannot be read or written as they are annotated.
              slug: int
        1 error
    """
    chosen = models_of(models)
    schema = read_schema(source) if isinstance(source, Session) else source
    return in_order(_drifts(source, schema, chosen))


def models_of(models: ModuleType | type[Any] | Iterable[Any]) -> list[type[Any]]:
    """Return the models in what `check` was given, those of `directus_orm.system` in a module left out.

    Raises:
        ConfigurationError: there is none, or a declaration is wrong.
    """
    found = list(dict.fromkeys(_models(models)))
    if not found:
        msg = f"There is no model in {models!r}: give models, or a module that defines or imports some."
        raise ConfigurationError(msg)
    check_models(*found)
    return found


def _models(models: Any) -> Iterator[type[Any]]:
    if is_model(models):
        yield models
    elif isinstance(models, ModuleType):
        ready = set(system_models().values())
        found = [each for each in vars(models).values() if is_model(each) and each not in ready]
        yield from (each for each in found if not each._options.abstract)  # noqa: SLF001 - not resolved yet
    elif isinstance(models, Iterable) and not isinstance(models, str | bytes):
        for each in models:
            yield from _models(each)
    else:
        msg = f"check() takes models, and modules that hold models, not {models!r}."
        raise ConfigurationError(msg)


def _drifts(source: Session | DatabaseSchema, schema: DatabaseSchema, models: list[type[Any]]) -> Iterator[Drift]:
    collections = {model.directus.collection for model in models}
    is_limited = (
        isinstance(source, Session)
        and any(name not in schema for name in collections - system_models().keys())
        and not source.permissions().is_administrator
    )
    lines = SourceToWrite(schema, models)
    for model in models:
        yield from model_drifts(model, schema, lines, is_limited=is_limited)
    known = collections | {each.junction for model in models for each in model.directus.relations.values()}
    for each in schema.collections:
        if each.name not in known and not each.is_system:
            there = "a singleton" if each.is_singleton else "rows"
            yield Drift("collection-undeclared", each.name, None, "no model", there, "It has no model.")
