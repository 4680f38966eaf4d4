"""`select_related`, `prefetch_related`, `only` and `defer`: which fields and related rows a query loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import attrs

from ..core.errors import QueryError, UnsupportedQuery
from ..fields.field import Field
from ..fields.model_info import ModelInfo, Step
from ..fields.paths import FieldPath, target_model
from ..fields.to_many import ToMany, scope_name
from ..query.conditions import ALWAYS
from ..query.lookups.ordering import list_queries
from ..query.query import DescribesRows, PrefetchedList, Query
from ..query.selections import fields_at, selection_of, with_selection


@attrs.frozen(init=False)
class Prefetch:
    """Describe a list for `QuerySet.prefetch_related`: which related rows, in which order, how many.

    Of a many-to-one relation, it describes what is loaded of the related row.

    Args:
        name: the path of the relation, such as ``"comments"`` or ``"author__articles"``.
        queryset: the rows to load. Its filters and order apply to each list, and a slice limits each list. It must
            be a queryset of instances of the related model, without `annotate` and `search`. By default all rows.
            Of a many-to-one, it has no filters and slices: `only`, `defer`, `select_related` and
            `prefetch_related` say what is loaded.
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


def with_only(query: Query, names: Iterable[str]) -> Query:
    """Return the query that loads these fields and keys alone, of its own rows and of those that names lead to."""
    chosen: dict[FieldPath, dict[Field, None]] = {(): {query.model.directus.pk: None}}
    for path in (_field_path(query.model.directus, name, "only") for name in names):
        for place in _places(path):
            chosen.setdefault(place, {target_model(place).directus.pk: None})
        chosen[path[:-1]][path[-1]] = None
    return with_selection(query, {**selection_of(query), **chosen})


def with_deferred(query: Query, names: Iterable[str]) -> Query:
    """Return the query that loads all that it loads but these fields, of its own rows and of related rows."""
    left_out = {_field_path(query.model.directus, name, "defer") for name in names}
    query = with_related(query, *(path[:-1] for path in left_out if len(path) > 1))
    return with_selection(
        query,
        {
            place: [field for field in fields if field.primary_key or (*place, field) not in left_out]
            for place, fields in selection_of(query).items()
        },
    )


def _field_path(info: ModelInfo, name: str, verb: str) -> FieldPath:
    """Return the path to a field that `only` or `defer` names, over many-to-one relations.

    Raises:
        FieldError: there is no such field.
        QueryError: the path crosses a relation to many rows, or goes on behind a field.
    """
    where = f"{verb}({name!r})"
    steps, rest = info.resolve_path(name, where)
    last = steps[-1]
    to_many = next((step for step in steps if isinstance(step, ToMany)), None)
    if to_many is not None:
        msg = (
            f"{where}: {to_many} leads to many rows. Some of their fields are loaded by "
            f"prefetch_related(Prefetch({to_many.name!r}, {to_many.target.__name__}.objects.{verb}(…)))."
        )
        raise QueryError(msg)
    if rest and last.target is not None:
        raise last.target.directus.unknown_field(rest.partition("__")[0], where)
    if rest:
        msg = f"{where}: {last} has no fields of its own; name it, or fields of the rows that relations lead to."
        raise QueryError(msg)
    return cast("FieldPath", steps)


def with_related(query: Query, *paths: FieldPath) -> Query:
    """Return the query that also loads the related rows at the end of these many-to-one paths.

    All their fields are loaded; of a row that the query loads already, the same fields as before.
    """
    selection = selection_of(query)
    for place in (place for path in paths for place in (*_places(path), path)):
        selection.setdefault(place, fields_at(query, place))
    return with_selection(query, selection)


def without_related(query: Query) -> Query:
    """Return the query that loads its own rows alone, without many-to-one relations."""
    return with_selection(query, {(): selection_of(query)[()]})


def _places(path: FieldPath) -> Iterable[FieldPath]:
    """Yield the paths to the rows before the end of a path, but the first."""
    return (path[:n] for n in range(1, len(path)))


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
    return _with_list(query, prefetch.name, prefetch)


def _with_list(query: Query, name: str, prefetch: Prefetch) -> Query:
    """Return the query that also loads what is at the end of a path, which may begin with a ``to_attr``."""
    within = _within_attribute(query, name, prefetch)
    if within is not None:
        return within
    where = f"prefetch_related({prefetch.name!r})"
    info: ModelInfo = query.model.directus
    steps = info.resolve_relation(name, where)
    _refuse_without_alias(steps, where)
    _check_prefetch(prefetch, steps[-1], where)
    return _add_steps(query, steps, prefetch)


def _within_attribute(query: Query, name: str, prefetch: Prefetch) -> Query | None:
    """Return the query that loads more with the rows of a ``to_attr``; None if the path leads over none."""
    for nested in query.nested:
        prefix = "".join(f"{each}__" for each in (*(step.name for step in nested.path[:-1]), nested.name))
        queries = _inner_queries(nested, name[len(prefix) :], prefetch) if name.startswith(prefix) else None
        if queries is not None:
            others = tuple(other for other in query.nested if other is not nested)
            return query.evolve(nested=(*others, attrs.evolve(nested, queries=queries)))
    return None


def _inner_queries(nested: PrefetchedList, name: str, prefetch: Prefetch) -> tuple[Query, ...] | None:
    """Return the queries of a list that also load a path from its rows; None if it leads over no ``to_attr``."""
    add = _within_attribute if nested.attribute is None else _with_list
    queries, leads_on = list(nested.queries), False
    for number, scope in enumerate(nested.relation.scopes):
        scope_prefix = f"{scope_name(scope.target)}__" if scope.is_many_to_any else ""
        if name.startswith(scope_prefix):
            inner = add(queries[number], name[len(scope_prefix) :], prefetch)
            if inner is None:
                return None
            queries[number], leads_on = inner, True
    return tuple(queries) if leads_on else None


def _refuse_without_alias(steps: tuple[Step, ...], where: str) -> None:
    """Refuse lists that the server does not have: reading one loads it for the whole page all the same."""
    for step in steps:
        if isinstance(step, ToMany) and not step.has_alias:
            msg = (
                f"{where}: the server has no list for {step}, and cannot send it along. Leave it out: reading the "
                "list of one instance loads those of all instances of its page, in one request."
            )
            raise UnsupportedQuery(msg)


def _check_prefetch(prefetch: Prefetch, last: Step, where: str) -> None:
    query, attribute = prefetch.query, prefetch.to_attr
    if not isinstance(last, ToMany):
        if attribute is not None:
            msg = f"{where}: {last} leads to one row, which is its value; leave out to_attr=."
            raise QueryError(msg)
        if query is not None:
            _check_queryset(query, last, where)
            _refuse_choice_of_rows(query, last, where)
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


def _refuse_choice_of_rows(query: Query, last: Field, where: str) -> None:
    """Refuse a queryset that chooses among the rows that a many-to-one leads to: there is one."""
    if query.readable:
        msg = f"{where}: call readable() on the queryset that prefetches {last}: it holds for all that this loads."
        raise QueryError(msg)
    if query.where != ALWAYS or query.is_sliced:
        msg = (
            f"{where}: {last} leads to one row, so there are no rows to choose from: the queryset takes only(), "
            "defer(), select_related() and prefetch_related(). Filter the rows that have the relation."
        )
        raise QueryError(msg)


def _check_queryset(query: Query, relation: Step, where: str) -> None:
    targets = relation.targets if isinstance(relation, ToMany) else (target_model((relation,)),)
    if query.model.directus.collection != targets[0].directus.collection:
        names = ", ".join(target.__name__ for target in targets)
        msg = f"{where}: a queryset of {query.model.__name__} does not fit {relation}, which leads to {names}."
        raise QueryError(msg)
    if query.grouping is not None or query.shown or query.search is not None:
        what = "list" if isinstance(relation, ToMany) else "row"
        msg = f"{where}: a prefetched {what} has no values(), annotate() and search(): query it by itself."
        raise QueryError(msg)


def _add_steps(query: Query, steps: tuple[Step, ...], prefetch: Prefetch) -> Query:
    """Add the first list on a path to a query, and the rest of the path to the queries of that list."""
    position = next((n for n, step in enumerate(steps) if isinstance(step, ToMany)), None)
    if position is None:
        return _add_row(query, cast("FieldPath", steps), prefetch)
    before, scoped, rest = steps[:position], cast("ToMany", steps[position]), steps[position + 1 :]
    if before:
        query = with_related(query, cast("FieldPath", before))
    relation: ToMany = scoped.model.directus.relations[scoped.name]
    path = (*before, relation)
    attribute = None if rest else prefetch.to_attr
    _refuse_shared_attribute(query, path, attribute, prefetch.name)
    existing = _list_at(query, path, attribute)
    nested = existing or PrefetchedList(path, list_queries(relation), attribute)
    if rest:
        queries = tuple(
            _add_steps(inner, rest, prefetch) if target in scoped.targets else inner
            for target, inner in zip(relation.targets, nested.queries, strict=True)
        )
        nested = attrs.evolve(nested, queries=queries)
    elif prefetch.query is not None:
        if existing is not None and existing.queries != (prefetch.query,):
            raise _named_before(prefetch.name)
        nested = attrs.evolve(nested, queries=(prefetch.query,))
    unchanged = tuple(prefetched for prefetched in query.nested if prefetched is not existing)
    return query.evolve(nested=(*unchanged, nested))


def _add_row(query: Query, path: FieldPath, prefetch: Prefetch) -> Query:
    """Add the row at the end of a many-to-one path to a query, with what the queryset of the `Prefetch` loads."""
    query = with_related(query, path)
    if prefetch.query is None:
        return query
    of_row = {(*path, *place): fields for place, fields in selection_of(prefetch.query).items()}
    query = with_selection(query, {**selection_of(query), **of_row})
    for nested in prefetch.query.nested:
        query = _add_list(query, attrs.evolve(nested, path=(*path, *nested.path)), prefetch.name)
    return query


def _add_list(query: Query, nested: PrefetchedList, name: str) -> Query:
    """Add a list to a query, unless it has the same; refuse it if the query has it with other rows."""
    existing = _list_at(query, nested.path, nested.attribute)
    if existing is None:
        return query.evolve(nested=(*query.nested, nested))
    if existing.queries != nested.queries:
        raise _named_before(name)
    return query


def _list_at(query: Query, path: tuple[Step, ...], attribute: str | None) -> PrefetchedList | None:
    """Return the list that a query has at a path, in this attribute."""
    return next((nested for nested in query.nested if (nested.path, nested.attribute) == (path, attribute)), None)


def _named_before(name: str) -> QueryError:
    where = f"prefetch_related({name!r})"
    return QueryError(f"{where}: the list was named before, for other rows; put this one first.")


def _refuse_shared_attribute(query: Query, path: tuple[Step, ...], attribute: str | None, name: str) -> None:
    """Refuse a ``to_attr`` that is the attribute of another list of the same instances."""
    if attribute is None:
        return
    for nested in query.nested:
        if nested.attribute == attribute and nested.path[:-1] == path[:-1] and nested.path != path:
            msg = f"prefetch_related({name!r}): to_attr={attribute!r} is the list of {nested.relation} already."
            raise QueryError(msg)
