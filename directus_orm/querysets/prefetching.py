"""What comes along with the rows: fields, related rows, and lists of related rows."""

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
from . import query_builder


@attrs.frozen(init=False)
class Prefetch:
    """A list of related rows that comes along: which of them, in what order, how many of each, and by what name.

    Args:
        name: the relation; ``"comments"``, ``"author__articles"``.
        queryset: describes the rows; a limit is that of each list.
        to_attr: the name of the list, as an attribute of the instances; by default the relation's own.

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


def chosen(query: Query, own: Iterable[Field], related: Iterable[FieldPath]) -> Query:
    """Return the query whose rows have these fields, and the rows behind these many-to-one relations with them."""
    prefixes = dict.fromkeys(path[:n] for path in related for n in range(1, len(path) + 1))
    paths: list[FieldPath] = [(field,) for field in own]
    paths += [(*prefix, field) for prefix in prefixes for field in _fields_behind(prefix)]
    query = query.evolve(paths=tuple(paths), related=tuple(prefixes))
    return query_builder.with_annotations(query)


def own_fields(query: Query) -> list[Field]:
    """Return the fields of its own model that a query brings."""
    present = {path[0] for path in query.paths}
    return [field for field in query.model.directus.fields.values() if field in present]


def with_related(query: Query, *paths: FieldPath) -> Query:
    """Return the query with further many-to-one relations."""
    return chosen(query, own_fields(query), (*query.related, *paths))


def prefetched(query: Query, wanted: str | Prefetch) -> Query:
    """Return the query with a list of related rows, or a related row, at the end of a path.

    Raises:
        FieldError: there is no such relation.
        QueryError: it is not what can come along.
    """
    if not isinstance(wanted, str | Prefetch):
        msg = f"prefetch_related() takes names of relations and Prefetch(…), not {wanted!r}."
        raise QueryError(msg)
    prefetch = wanted if isinstance(wanted, Prefetch) else Prefetch(wanted)
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
    _check(prefetch, last, where)
    return _brought(query, steps, prefetch)


def _check(prefetch: Prefetch, last: Step, where: str) -> None:
    query, attribute = prefetch.query, prefetch.to_attr
    if not isinstance(last, ToMany):
        if query is not None or attribute is not None:
            msg = f"{where}: {last} leads to one row, of which there is nothing to choose; leave out queryset=."
            raise QueryError(msg)
        return
    whole: ToMany = last.model.directus.relations[last.name]
    if last.is_many_to_any and (query is not None or (attribute is not None and last != whole)):
        models = " or ".join(f".of_model({target.__name__})" for target in last.targets)
        msg = f"{where}: of {whole}, all rows come along; a queryset of some is {models} of each instance."
        raise QueryError(msg)
    if attribute is not None and (hasattr(last.model, attribute) or attribute in _columns(last.model.directus)):
        msg = f"{where}: to_attr={attribute!r} is an attribute of {last.model.__name__} already; choose another."
        raise QueryError(msg)
    if query is None:
        return
    if query.model.directus.collection != last.target.directus.collection:
        names = ", ".join(target.__name__ for target in last.targets)
        msg = f"{where}: a queryset of {query.model.__name__} does not fit {last}, which leads to {names}."
        raise QueryError(msg)
    if query.grouping is not None or query.shown or query.search is not None:
        msg = f"{where}: a list that comes along has no values(), annotate() and search(): ask for it by itself."
        raise QueryError(msg)


def _brought(query: Query, steps: tuple[Step, ...], prefetch: Prefetch) -> Query:
    many = next((n for n, step in enumerate(steps, 1) if isinstance(step, ToMany)), None)
    if many is None:
        return with_related(query, cast("FieldPath", steps))
    before, rest = steps[: many - 1], steps[many:]
    scoped = cast("ToMany", steps[many - 1])
    if before:
        query = with_related(query, cast("FieldPath", before))
    relation: ToMany = scoped.model.directus.relations[scoped.name]
    path = (*before, relation)
    attribute = None if rest else prefetch.to_attr
    _check_place(query, path, attribute, prefetch.name)
    known = next((each for each in query.nested if (each.path, each.attribute) == (path, attribute)), None)
    nested = known or PrefetchedList(path, tuple(target.objects.query for target in relation.targets), attribute)
    if rest:
        inner = [
            _brought(one, rest, prefetch) if target in scoped.targets else one
            for target, one in zip(relation.targets, nested.queries, strict=True)
        ]
        nested = attrs.evolve(nested, queries=tuple(inner))
    elif prefetch.query is not None:
        if known is not None and known.queries != (prefetch.query,):
            msg = f"prefetch_related({prefetch.name!r}): it was named before, for other rows; put this one first."
            raise QueryError(msg)
        nested = attrs.evolve(nested, queries=(prefetch.query,))
    others = tuple(each for each in query.nested if each is not known)
    return query.evolve(nested=(*others, nested))


def _check_place(query: Query, path: tuple[Step, ...], attribute: str | None, name: str) -> None:
    """Refuse one name for two lists."""
    for each in query.nested:
        if (
            attribute is not None
            and each.attribute == attribute
            and each.path[:-1] == path[:-1]
            and each.path != path
        ):
            msg = f"prefetch_related({name!r}): to_attr={attribute!r} is the list of {each.relation} already."
            raise QueryError(msg)


def _columns(known: ModelInfo) -> set[str]:
    return {f.column for f in known.fields.values()} | {r.column for r in known.relations.values()}


def _fields_behind(path: FieldPath) -> Iterable[Field]:
    target = path[-1].target
    return () if target is None else target.directus.fields.values()
