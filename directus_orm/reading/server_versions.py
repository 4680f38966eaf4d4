"""Fields and lists that only some versions of Directus have: loaded where they are, and refused elsewhere.

A session does not ask for the version before it has to. Until it knows it, such fields are not loaded with their
rows, but when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from ..core.errors import UnsupportedQuery
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath
from ..query.conditions import Comparison, Exists, Node, parts_of
from ..query.grouping import Grouping
from ..query.query import PrefetchedList, Query
from ..session.http.routes import describe_versions
from ..session.session import Session


def supported_fields(session: Session, fields: Iterable[Field]) -> list[Field]:
    """Return those of the fields that the server is known to have."""
    return [field for field in fields if _is_known_to_have(session, field)]


def supported_paths(session: Session, paths: Iterable[FieldPath]) -> tuple[FieldPath, ...]:
    """Return those of the paths whose fields the server is known to have."""
    return tuple(path for path in paths if all(_is_known_to_have(session, field) for field in path))


def supported_part(session: Session, query: Query) -> Query:
    """Return a query for instances without the fields that the server is not known to have."""
    if not query.nested and not _reads_limited_model(session, query):
        return query
    paths = supported_paths(session, query.paths)
    nested = tuple(_supported_list(session, each) for each in query.nested)
    if len(paths) == len(query.paths) and nested == query.nested:
        return query
    related = tuple(path for path in query.related if path in paths)
    return query.evolve(paths=paths, related=related, nested=nested)


def _reads_limited_model(session: Session, query: Query) -> bool:
    """Return whether a query reads fields of a model some of whose fields not every version has."""
    limited_collections = dialect_of(session).limited_collections
    models = {field.model for path in query.paths for field in path}
    return any(model._options.collection in limited_collections for model in models)  # noqa: SLF001 - as below


def _supported_list(session: Session, nested: PrefetchedList) -> PrefetchedList:
    require_support(session, nested.path)
    return attrs.evolve(nested, queries=tuple(supported_part(session, query) for query in nested.queries))


def require_support(session: Session, steps: Iterable[Step]) -> None:
    """Refuse fields and lists that the server does not have; ask for its version, if that decides.

    Raises:
        UnsupportedQuery: the server is of a version without one of them; the message says which versions have it.
    """
    limited_collections = dialect_of(session).limited_collections
    for step in steps:
        if step.model._options.collection not in limited_collections:  # noqa: SLF001 - as below
            continue
        versions = _versions(session, step)
        if versions is not None and not _includes(versions, session.info().major):
            msg = (
                f"{step}: this server runs Directus {session.info().major}, and {describe_versions(versions)} it."
            )
            raise UnsupportedQuery(msg)


def require_columns(session: Session, info: ModelInfo, columns: Iterable[str]) -> None:
    """Refuse to write columns that the server does not have. Directus 10 would ignore their values.

    Raises:
        UnsupportedQuery: as for `require_support`.
    """
    by_column = {field.column: field for field in info.fields.values()}
    require_support(session, (by_column[column] for column in columns if column in by_column))


def require_named_support(session: Session, query: Query) -> None:
    """Refuse a query that filters by, orders by or computes something from what the server does not have.

    Raises:
        UnsupportedQuery: as for `require_support`.
    """
    named = [step for order in query.order for step in order.path]
    named += [step for _, alias in query.aliases for step in alias.path]
    require_support(session, (*named, *_steps_in(query.where)))


def require_grouping_support(session: Session, grouping: Grouping) -> None:
    """Refuse to group or aggregate by what the server does not have.

    Raises:
        UnsupportedQuery: as for `require_support`.
    """
    for _, key in grouping.keys:
        require_support(session, key.path)
    for _, aggregate in grouping.aggregates:
        require_support(session, (*aggregate.path, *_steps_in(aggregate.where)))


def _steps_in(node: Node) -> Iterator[Step]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists):
            yield from part.path
        if isinstance(part, Exists):
            yield from _steps_in(part.where)


def _is_known_to_have(session: Session, step: Step) -> bool:
    versions, major = _versions(session, step), session.known_major
    return versions is None or (major is not None and _includes(versions, major))


def _versions(session: Session, step: Step) -> tuple[int, int | None] | None:
    collection: str = step.model._options.collection  # noqa: SLF001 - its annotations need no resolving
    dialect = dialect_of(session)
    return dialect.versions_of(collection, step.column) if collection in dialect.limited_collections else None


def _includes(versions: tuple[int, int | None], major: int) -> bool:
    first, last = versions
    return first <= major and (last is None or major <= last)
