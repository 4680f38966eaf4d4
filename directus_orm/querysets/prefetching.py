"""`select_related`, `prefetch_related`, `only` and `defer`: which fields and related rows a query loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import attrs

from ..core.errors import QueryError
from ..fields.field import Field
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath
from ..fields.to_many import ToMany
from ..query.query import DescribesRows, PrefetchedList, Query
from .values_and_groups import with_annotations


@attrs.frozen(init=False)
class Prefetch:
    """Describe a list for `QuerySet.prefetch_related`: which related rows, in which order, how many.

    Args:
        name: the path of the relation, such as ``"comments"`` or ``"author__articles"``.
        queryset: the rows to load. Its filters and order apply to each list, and a slice limits each list. It must
            be a queryset of instances of the related model, without `annotate` and `search`. By default all rows.
        to_attr: the attribute of the instances that holds the list; by default the name of the relation.

    Raises:
        QueryError: ``queryset`` is not a queryset of instances, or ``to_attr`` is not the name of an attribute.

    Example:
        >>> late = Flight.objects.filter(dep_delay__gt=60).order_by("-dep_delay")
        >>> worst = Prefetch("flights", late[:3], to_attr="worst")
        >>> airline = Airline.objects.prefetch_related(worst).get(pk="AA")
        >>> [flight.dep_delay for flight in airline.worst]
        [77, 75, 73]
    """

    name: str
    query: Query | None
    to_attr: str | None

    def __init__(self, name: str, queryset: Any = None, to_attr: str | None = None) -> None:
        if queryset is not None and not isinstance(queryset, DescribesRows):
            msg = f"Prefetch({name!r}): queryset= takes a queryset, not {queryset!r}."
            raise QueryError(msg)
        query = None if queryset is None else queryset.query
        if queryset is not None and not queryset._has_instances:  # noqa: SLF001 - declared by `DescribesRows` for this
            msg = f"Prefetch({name!r}): queryset= is one of instances, without values(), not {queryset!r}."
            raise QueryError(msg)
        if to_attr is not None and (not to_attr.isidentifier() or to_attr.startswith("_")):
            msg = f"Prefetch({name!r}): to_attr= takes the name of an attribute, not {to_attr!r}."
            raise QueryError(msg)
        for attribute, value in (("name", name), ("query", query), ("to_attr", to_attr)):
            object.__setattr__(self, attribute, value)


# --- own fields and many-to-one relations -----------------------------------------------------------------------


def with_fields(query: Query, own: Iterable[Field], related: Iterable[FieldPath]) -> Query:
    """Return the query that loads these fields, and the related rows at the end of these many-to-one paths."""
    prefixes = dict.fromkeys(path[:n] for path in related for n in range(1, len(path) + 1))
    paths: list[FieldPath] = [(field,) for field in own]
    paths += [(*prefix, field) for prefix in prefixes for field in _fields_of_target(prefix)]
    query = query.evolve(paths=tuple(paths), related=tuple(prefixes))
    return with_annotations(query)


def own_fields(query: Query) -> list[Field]:
    """Return the fields of its own model that a query loads."""
    loaded = {path[0] for path in query.paths}
    return [field for field in query.model.directus.fields.values() if field in loaded]


def own_field(info: ModelInfo, name: str, verb: str) -> Field:
    """Return a field of the model itself by name, for `only` and `defer`.

    Raises:
        FieldError: there is no such field.
        QueryError: the name is a path to a field of another model.
    """
    path, rest = info.resolve_to_one(name, f"{verb}({name!r})")
    if rest or path[1:]:
        msg = f"{verb}({name!r}): only {info.model.__name__}'s own fields are taken here."
        raise QueryError(msg)
    return path[0]


def with_related(query: Query, *paths: FieldPath) -> Query:
    """Return the query that also loads the related rows at the end of these many-to-one paths."""
    return with_fields(query, own_fields(query), (*query.related, *paths))


def many_to_one_path(info: ModelInfo, name: str) -> FieldPath:
    """Return the many-to-one path of a name given to `select_related`.

    Raises:
        FieldError: there is no such field.
        QueryError: the field at the end of the path is not a relation.
    """
    path, rest = info.resolve_to_one(name, f"select_related({name!r})")
    if rest or path[-1].target is None:
        owner = path[-1].target.directus if rest and path[-1].target else path[-1].model.directus
        relations = [f.name for f in owner.fields.values() if f.target is not None]
        wrong = f"{owner.model.__name__}.{rest or path[-1].name}"
        msg = (
            f"select_related({name!r}): {wrong} is no many-to-one relation. "
            f"Relations of {owner.model.__name__}: {', '.join(relations) or 'none'}."
        )
        raise QueryError(msg)
    return path


# --- lists of related rows --------------------------------------------------------------------------------------


def with_prefetch(query: Query, relation: str | Prefetch) -> Query:
    """Return the query that also loads the list of related rows, or the related row, at the end of a path.

    Raises:
        FieldError: there is no such relation.
        QueryError: a name is not a relation, or the `Prefetch` does not fit it.
    """
    if not isinstance(relation, str | Prefetch):
        msg = f"prefetch_related() takes names of relations and Prefetch(…), not {relation!r}."
        raise QueryError(msg)
    prefetch = relation if isinstance(relation, Prefetch) else Prefetch(relation)
    where = f"prefetch_related({prefetch.name!r})"
    info: ModelInfo = query.model.directus
    steps, rest = info.resolve_path(prefetch.name, where)
    last = steps[-1]
    if rest or (not isinstance(last, ToMany) and last.target is None):
        owner: ModelInfo = last.target.directus if rest and last.target else last.model.directus
        relations = [*owner.relations, *(f.name for f in owner.fields.values() if f.target is not None)]
        msg = (
            f"{where}: {owner.model.__name__}.{rest or last.name} is no relation. Relations of "
            f"{owner.model.__name__}: {', '.join(relations) or 'none'}."
        )
        raise QueryError(msg)
    _check_prefetch(prefetch, last, where)
    return _add_steps(query, steps, prefetch)


def _check_prefetch(prefetch: Prefetch, last: Step, where: str) -> None:
    query, attribute = prefetch.query, prefetch.to_attr
    if not isinstance(last, ToMany):
        if query is not None or attribute is not None:
            msg = f"{where}: {last} leads to one row, so there are no rows to select; leave out queryset=."
            raise QueryError(msg)
        return
    whole: ToMany = last.model.directus.relations[last.name]
    if last.is_many_to_any and (query is not None or (attribute is not None and last != whole)):
        models = " or ".join(f".of_model({target.__name__})" for target in last.targets)
        msg = f"{where}: all rows of {whole} are loaded; for some of them, take {models} of each instance."
        raise QueryError(msg)
    if attribute is not None and (hasattr(last.model, attribute) or attribute in last.model.directus.columns):
        msg = f"{where}: to_attr={attribute!r} is an attribute of {last.model.__name__} already; choose another."
        raise QueryError(msg)
    if query is not None:
        _check_queryset(query, last, where)


def _check_queryset(query: Query, relation: ToMany, where: str) -> None:
    if query.model.directus.collection != relation.target.directus.collection:
        names = ", ".join(target.__name__ for target in relation.targets)
        msg = f"{where}: a queryset of {query.model.__name__} does not fit {relation}, which leads to {names}."
        raise QueryError(msg)
    if query.grouping is not None or query.shown or query.search is not None:
        msg = f"{where}: a prefetched list has no values(), annotate() and search(): query it by itself."
        raise QueryError(msg)


def _add_steps(query: Query, steps: tuple[Step, ...], prefetch: Prefetch) -> Query:
    """Add the first list on a path to a query, and the rest of the path to the queries of that list."""
    position = next((n for n, step in enumerate(steps) if isinstance(step, ToMany)), None)
    if position is None:
        return with_related(query, cast("FieldPath", steps))
    before, scoped, rest = steps[:position], cast("ToMany", steps[position]), steps[position + 1 :]
    if before:
        query = with_related(query, cast("FieldPath", before))
    relation: ToMany = scoped.model.directus.relations[scoped.name]
    path = (*before, relation)
    attribute = None if rest else prefetch.to_attr
    _refuse_shared_attribute(query, path, attribute, prefetch.name)
    existing = next(
        (nested for nested in query.nested if (nested.path, nested.attribute) == (path, attribute)), None
    )
    nested = existing or PrefetchedList(
        path, tuple(target.objects.query for target in relation.targets), attribute
    )
    if rest:
        queries = tuple(
            _add_steps(inner, rest, prefetch) if target in scoped.targets else inner
            for target, inner in zip(relation.targets, nested.queries, strict=True)
        )
        nested = attrs.evolve(nested, queries=queries)
    elif prefetch.query is not None:
        if existing is not None and existing.queries != (prefetch.query,):
            where = f"prefetch_related({prefetch.name!r})"
            msg = f"{where}: the list was named before, for other rows; put this one first."
            raise QueryError(msg)
        nested = attrs.evolve(nested, queries=(prefetch.query,))
    unchanged = tuple(prefetched for prefetched in query.nested if prefetched is not existing)
    return query.evolve(nested=(*unchanged, nested))


def _refuse_shared_attribute(query: Query, path: tuple[Step, ...], attribute: str | None, name: str) -> None:
    """Refuse a ``to_attr`` that is the attribute of another list of the same instances."""
    if attribute is None:
        return
    for nested in query.nested:
        if nested.attribute == attribute and nested.path[:-1] == path[:-1] and nested.path != path:
            msg = f"prefetch_related({name!r}): to_attr={attribute!r} is the list of {nested.relation} already."
            raise QueryError(msg)


def _fields_of_target(path: FieldPath) -> Iterable[Field]:
    target = path[-1].target
    return () if target is None else target.directus.fields.values()
