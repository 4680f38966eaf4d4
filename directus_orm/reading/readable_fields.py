"""The part of a query that the user may read: for `QuerySet.readable`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..fields.field import Field
from ..fields.paths import FieldPath, target_model
from ..fields.to_many import ToMany
from ..query.query import PrefetchedList, Query
from ..query.selections import Selection, selection_of, with_selection
from ..session.session import Session
from .server_versions import supported_part


def loadable_part(session: Session, query: Query) -> Query:
    """Return a query for instances with what this server has and, if it is ``readable``, this user may read."""
    return supported_part(session, readable_part(session, query))


def readable_part(session: Session, query: Query) -> Query:
    """Return a query with those of its fields, related rows and lists that this user may read.

    Only of a query, and of those of its lists, that are ``readable``; others stay as they are. Keys stay, too:
    without its key the server's row is of no use, and the server says so.
    """
    if not query.readable:
        nested = tuple(_with_readable_parts(session, each) for each in query.nested)
        return query if nested == query.nested else query.evolve(nested=nested)
    selection = _readable_selection(session, query)
    lists = (each for each in query.nested if _may_read_list(session, each, selection))
    nested = tuple(_with_readable_parts(session, each, readable=True) for each in lists)
    return with_selection(query, selection).evolve(nested=nested)


def readable_fields(session: Session, fields: Iterable[Field]) -> list[Field]:
    """Return those of the fields of a model that this user may read."""
    return [field for field in fields if _may_read(session, field.model, field.column)]


def _with_readable_parts(session: Session, nested: PrefetchedList, *, readable: bool = False) -> PrefetchedList:
    queries = (query.evolve(readable=True) if readable else query for query in nested.queries)
    return attrs.evolve(nested, queries=tuple(readable_part(session, query) for query in queries))


def _readable_selection(session: Session, query: Query) -> Selection:
    selection: dict[FieldPath, list[Field]] = {}
    for place, fields in selection_of(query).items():
        if not place or _may_read_row(session, place, selection):
            selection[place] = [
                field for field in fields if field.primary_key or _may_read(session, field.model, field.column)
            ]
    return selection


def _may_read_row(session: Session, place: FieldPath, selection: Selection) -> bool:
    """Return whether this user may read the row at the end of a many-to-one path, as far as its key."""
    *outer, relation = place
    target = target_model(place)
    return relation in selection.get(tuple(outer), ()) and _may_read(session, target, target.directus.pk.column)


def _may_read_list(session: Session, nested: PrefetchedList, selection: Selection) -> bool:
    """Return whether this user may read a list, its junction, and the keys of the rows that it leads to."""
    relation = nested.relation
    if nested.path[:-1] not in selection or not _may_read(session, relation.model, relation.column):
        return False
    keys_are_readable = all(_may_read(session, each, each.directus.pk.column) for each in relation.targets)
    return keys_are_readable and all(
        _is_readable(session, collection, column) for collection, column in _links(relation)
    )


def _links(relation: ToMany) -> Iterable[tuple[str, str]]:
    """Yield the columns that connect a row with the rows of its list, each with its collection."""
    collection = relation.junction or relation.target.directus.collection
    columns = (relation.source_column, relation.target_column, relation.collection_column, relation.sort_column)
    return ((collection, column) for column in columns if column)


def _may_read(session: Session, model: type[Any], column: str) -> bool:
    return _is_readable(session, model.directus.collection, column)


def _is_readable(session: Session, collection: str, column: str) -> bool:
    return not session.readable_fields(collection).isdisjoint({"*", column})
