"""Models of junction rows: the declared ones, and those that are generated from what a relation declares."""

from __future__ import annotations

import functools
import types
import typing
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ..core.request_response import Row
from ..fields.declarations.generated import generated
from ..fields.field import Field, field
from ..fields.paths import FieldPath
from ..fields.registry import is_model
from ..fields.to_many import ToMany
from ..fields.type_table import JunctionKey
from ..query.conditions import ALWAYS, Exists, InSubquery, Node
from ..reading.row_values import raw_getter
from ..reading.rows_by_key import with_spelled_rows
from ..reading.run_query import read_pages
from ..session.session import Session

# By the model that declares the relation: by the relation's name, and the target of a link model.
_generated: weakref.WeakKeyDictionary[type[Any], dict[tuple[str, type[Any] | None], type[Any]]] = (
    weakref.WeakKeyDictionary()
)


def junction_model(relation: ToMany) -> type[Any]:
    """Return the model of a relation's junction: the declared one, or one with the fields of the relation."""
    through = relation.options.through
    if not isinstance(through, str):
        assert through is not None  # noqa: S101 - only a one-to-many has none
        return through
    return _generate_once(relation, None, functools.partial(_define_junction_model, relation, through))


def _define_junction_model(relation: ToMany, collection: str) -> type[Any]:
    options = relation.options
    if relation.is_many_to_any:
        target: dict[Any, Any] = {options.target: str | None, options.collection: str | None}
    else:
        target = {relation.target_column: relation.target | None}
    sort = {options.sort: int | None} if options.sort else {}
    annotations = {"id": JunctionKey, relation.source_column: relation.model | None, **target, **sort}
    return _define_model(relation, collection, annotations, {"id": field(default=generated, primary_key=True)})


def field_of(model: type[Any], column: str | None) -> Field:
    """Return the field of a model by the server's name."""
    field_by_column: dict[str, Field] = {each.column: each for each in model.directus.fields.values()}
    return field_by_column[column or ""]


# --- links to one model -----------------------------------------------------------------------------------------


def junction_condition(instance: Any, relation: ToMany, shortcut: Exists | None = None) -> Node:
    """Return the condition that the junction links a row of the target model to an instance.

    ``shortcut`` says the same by the list of the target model, which the server may not have.
    """
    query = junction_rows(instance, relation).query
    target: Field = query.model.directus.fields["target"]
    paths = ((query.model.directus.pk,), (target,))
    path = (relation.target.directus.pk,)
    return InSubquery(path, query.evolve(paths=paths), (target,), shortcut=shortcut)


def junction_rows(instance: Any, relation: ToMany) -> Any:
    """Return the junction rows that link an instance to rows of the target model, as a queryset."""
    rows: Any = _link_model(relation.model, relation.name, relation.target).objects
    of_target = {"collection": relation.target.directus.collection} if relation.is_many_to_any else {}
    return rows.filter(source=instance, **of_target)


@attrs.frozen
class Link:
    """A junction row: its key as it is sent, its ``sort`` value, and the key of the row that it links to.

    ``is_shown`` says whether this user sees that row; None if the response does not show it. ``hidden_column`` is
    a linking field of the junction row that this user may not see.
    """

    key: Any
    related_key: Any
    sort: int | None
    is_shown: bool | None
    hidden_column: str | None


def read_links(session: Session, instance: Any, relation: ToMany, related: Sequence[Any]) -> list[Link]:
    """Read the junction rows that link an instance to related ones of one model; to all, if none are given."""
    rows = junction_rows(instance, relation)
    rows = rows.filter(target__in=related) if related else rows.filter(target__isnull=False)
    fields: dict[str, Field] = rows.query.model.directus.fields
    # The related row comes as well where the server sends both: its key, and what this user may see of it.
    with_row = not related and not relation.is_many_to_any
    paths: list[FieldPath] = [(each,) for each in fields.values()]
    if with_row:
        paths.append((fields["target"], relation.target.directus.pk))
    query = rows.query.with_paths(*paths)
    return [
        link
        for page in read_pages(session, query)
        for row in with_spelled_rows(session, query, page)
        if (link := _link(relation, fields, row, with_row=with_row)) is not None
    ]


def _link(relation: ToMany, fields: Mapping[str, Field], row: Row, *, with_row: bool) -> Link | None:
    """Return the link in a junction row; None if no list shows it."""
    target = fields["target"]
    related_key = raw_getter((target,))(row)
    # The server filters by fields that it hides on some rows: they match, and the response has nulls there.
    values = {name: row.get(field.column) for name, field in fields.items()} | {"target": related_key}
    hidden = {name: fields[name].column for name, value in values.items() if value is None}
    if "target" in hidden and not relation.is_many_to_any:
        return None
    return Link(
        values["id"],
        None if related_key is None else target.load(related_key),
        values.get("sort"),
        "collection" not in hidden and (isinstance(row.get(target.column), dict) if with_row else None),
        hidden.get("source", hidden.get("target")),
    )


def shown_keys(session: Session, relation: ToMany, links: Sequence[Link]) -> set[Any]:
    """Return the keys of those linked rows that the list shows: this user may see them, the model's filter too."""
    rows: Any = relation.target.objects
    if rows.query.where == ALWAYS and all(link.is_shown is not None for link in links):
        return {link.related_key for link in links if link.is_shown}
    keys = [link.related_key for link in links if link.is_shown is not False and link.related_key is not None]
    return set(rows.using(session).only("pk").in_bulk(keys))


def _link_model(model: type[Any], name: str, target: type[Any]) -> type[Any]:
    """Return the model of a junction's rows that lead to one model, as ``source`` and ``target``."""
    relation = attrs.evolve(model.directus.relations[name], targets=(target,))
    return _generate_once(relation, target, functools.partial(_define_link_model, relation))


def _define_link_model(relation: ToMany) -> type[Any]:
    fields = {
        "id": field(default=generated, primary_key=True, name=relation.junction_key),
        "source": field(default=None, name=relation.source_column),
        "target": field(default=None, name=relation.target_column),
    }
    annotations = {"source": relation.model | None, "target": relation.target | None}
    if relation.sort_column:
        annotations["sort"] = int | None
        fields["sort"] = field(default=None, name=relation.sort_column)
    if relation.is_many_to_any:
        annotations["collection"] = str | None
        fields["collection"] = field(default=None, name=relation.collection_column)
    return _define_model(relation, relation.junction, {**annotations, "id": JunctionKey}, fields)


# --- generating -------------------------------------------------------------------------------------------------


def _generate_once(relation: ToMany, target: type[Any] | None, define: Callable[[], type[Any]]) -> type[Any]:
    models = _generated.setdefault(relation.model, {})
    key = (relation.name, target)
    if key not in models:
        models[key] = define()
    return models[key]


def _define_model(
    relation: ToMany, collection: str, annotations: dict[Any, Any], fields: dict[str, Any]
) -> type[Any]:
    base = next(each for each in reversed(relation.model.__mro__) if is_model(each))  # `Model` itself
    name = f"{relation.model.__name__}_{relation.name}_{len(_generated.get(relation.model, {}))}"
    body = {
        "__annotations__": annotations,
        "__module__": relation.model.__module__,
        "__qualname__": name,
        **fields,
    }
    model: Any = types.new_class(name, (base,), {"collection": collection}, lambda names: names.update(body))
    model._options = attrs.evolve(model._options, junction_of=relation)  # noqa: SLF001 - no argument of a class statement
    return typing.cast("type[Any]", model)
