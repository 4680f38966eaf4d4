"""What a query loads of each row: the fields of the row itself, and those of its many-to-one relations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..fields.field import Field
from ..fields.paths import FieldPath, target_model
from .query import Query
from .value_refs import ValueRef

Selection = Mapping[FieldPath, Iterable[Field]]
"""The fields to load, by the many-to-one path to their row; the empty path leads to the query's own rows."""


def fields_at(query: Query, place: FieldPath) -> list[Field]:
    """Return all fields of the model that a many-to-one path of a query leads to."""
    model = target_model(place) if place else query.model
    return list(model.directus.fields.values())


def selection_of(query: Query) -> dict[FieldPath, list[Field]]:
    """Return the fields that a query loads, by the many-to-one path to their row."""
    loaded = {path[:n] for path in query.paths for n in range(1, len(path) + 1)}
    return {
        place: [field for field in fields_at(query, place) if (*place, field) in loaded]
        for place in ((), *query.related)
    }


def with_selection(query: Query, selection: Selection) -> Query:
    """Return the query that loads these fields, and what its annotations are read from."""
    paths = tuple((*place, field) for place, fields in selection.items() for field in fields)
    return with_annotations(query.evolve(paths=paths, related=tuple(place for place in selection if place)))


def with_annotations(query: Query) -> Query:
    """Return the query that also loads the fields that its annotations are read from."""
    annotations = [value for name, value in query.aliases if name in query.shown]
    prefixes = {value.path[:n]: None for value in annotations for n in range(1, len(value.path))}
    prefixes |= dict.fromkeys(query.related)
    paths = [*query.paths, *(value.path for value in annotations if isinstance(value, ValueRef))]
    # The relations themselves as well: the row that an instance refers to may be hidden or gone.
    paths += [path for prefix in prefixes for path in (prefix, key_path(prefix))]
    return query.evolve(paths=tuple(dict.fromkeys(paths)))


def key_path(place: FieldPath) -> FieldPath:
    """Return the path to the key of the row that a many-to-one path ends in."""
    return (*place, target_model(place).directus.pk)
