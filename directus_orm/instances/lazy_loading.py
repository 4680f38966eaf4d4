"""Lazy loading: a field or list that one instance lacks is loaded for its whole page, in one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from ..core.errors import ConfigurationError, QueryError
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.paths import FieldPath, target_of
from ..fields.registry import is_model
from ..query.query import PrefetchedList, Query, key_alias
from ..reading.readable_fields import loadable_part, readable_fields
from ..reading.rows_by_key import may_find_other_spellings
from ..reading.run_query import resolve_subqueries
from ..reading.server_versions import require_support, supported_fields
from ..reading.unknown_names import SentNames, unknown_name_error
from ..session.session import Session
from .column_conversion import fill_missing
from .hydration import RowLoader
from .lists_by_reference import load_lists
from .refetch import refetch_by_query, refetch_rows
from .state import (
    PageBatch,
    does_not_exist,
    extend_path,
    info_of,
    is_reference,
    session_of,
    state_of,
    stored_key,
)


@attrs.frozen
class DeferredField:
    """A field that the query left out."""

    field: Field

    def is_missing_on(self, instance: Any) -> bool:
        """Return whether an instance lacks the field."""
        return _lacks(instance, self.field)


@attrs.frozen
class DeferredRow:
    """The row of a related instance of which only the key is known."""

    field: Field

    def is_missing_on(self, instance: Any) -> bool:
        """Return whether nothing but the key of the related instance is known."""
        value = instance.__dict__.get(self.field.name)
        return (
            is_model(type(value))
            and is_reference(value)
            and state_of(value).stored
            and not state_of(value).missing
        )


@attrs.frozen
class DeferredList:
    """The list of a to-many relation."""

    nested: PrefetchedList

    def is_missing_on(self, instance: Any) -> bool:
        """Return whether an instance lacks the list."""
        return self.nested.name not in instance.__dict__


Deferred = DeferredField | DeferredRow | DeferredList
"""What is loaded on access. A batch remembers it, and for a page that joins later, one request loads all of it."""


@attrs.frozen
class LazyLoad:
    """One lazy load: the instances to load for, and what they lack."""

    batch: PageBatch
    instances: list[Any]
    deferred: list[Deferred]

    @property
    def query(self) -> Query:
        """The query for what is deferred, and the keys."""
        model = self.batch.model
        paths, related, nested = _selection(self.batch, self.deferred)
        return Query(
            model,
            paths=((model.directus.pk,), *paths),
            related=tuple(related),
            nested=tuple(nested),
            readable=self.batch.readable,
        )

    def load(self) -> None:
        """Send the query and give the instances what they lack; mark those whose row does not exist."""
        session = self.batch.session
        query = loadable_part(session, self.query)
        loader = RowLoader(query.model, query.paths, query.nested)
        rows = refetch_by_query(session, resolve_subqueries(session, query), self.instances)
        left: list[Any] = []
        for instance, row in zip(self.instances, rows, strict=True):
            if row is None:
                state_of(instance).missing = True
            else:
                left += self._load_row(loader, instance, row)
        for target in dict.fromkeys(map(type, left)):
            _load_by_spelling(session, {id(each): each for each in left if type(each) is target})

    def _load_row(self, loader: RowLoader, instance: Any, row: Row) -> Iterator[Any]:
        """Give an instance what it lacks; yield the related instances whose rows are not in the response."""
        related_fields = [each.field for each in self.deferred if isinstance(each, DeferredRow)]
        related_keys = [row.get(key_alias(field)) for field in related_fields]  # the loader removes them
        loader.load_missing_into(instance, row, self.batch)
        for field, key in zip(related_fields, related_keys, strict=True):
            related = instance.__dict__.get(field.name)
            if key is not None and not isinstance(row.get(field.column), dict) and _has_key(related, key):
                yield related


def load_missing(instance: Any, field: Field) -> None:
    """Load a field for an instance and for all instances of its batch that lack it.

    Sends one request per 1,000 keys. If only the key of the instance is known, all its fields are loaded.
    Instances that joined the batch later also get what was loaded lazily before.

    Raises:
        DoesNotExist: the row does not exist, or this user may not read it.
    """
    state = state_of(instance)
    if state.missing:
        raise does_not_exist(instance)
    session = session_of(instance)
    require_support(session, [field])
    if session.lazy_loading_is_forbidden:
        raise _forbidden(field, _how_to_select_field(instance, field))
    batch, deferred = _batch_to_load_for(instance, field)
    lazy_load = _with_earlier_loads(batch, deferred) if batch else None
    if lazy_load:
        lazy_load.load()
    if not state.missing and _lacks(instance, field):
        _load_by_keys(session, instance, field)
    if batch:
        batch.lazily_loaded |= dict.fromkeys(deferred)
    if state.missing:
        raise does_not_exist(instance)


def _load_by_keys(session: Session, instance: Any, field: Field) -> None:
    fields, batch = supported_fields(session, _fields_to_load(instance, field)), state_of(instance).batch
    if batch is not None and batch.readable:
        fields = [field, *(other for other in readable_fields(session, fields) if other != field)]
    lacking = [instance, *(member for member in _other_members(instance) if _lacks(member, field))]
    for each, row in zip(lacking, refetch_rows(session, lacking, fields), strict=True):
        if row is None:
            state_of(each).missing = True
        else:
            fill_missing(each, row, fields)


def load_list(instance: Any, nested: PrefetchedList) -> None:
    """Load a list of related rows for an instance and for all instances of its batch that lack it.

    Raises:
        DoesNotExist: the row does not exist, or this user may not read it.
        ConfigurationError: the server has no such list, or this user may not read it.
    """
    state = state_of(instance)
    if state.missing:
        raise does_not_exist(instance)
    relation = nested.relation
    require_support(session_of(instance), [relation])
    if session_of(instance).lazy_loading_is_forbidden:
        raise _forbidden(relation, _how_to_prefetch_list(instance, nested))
    if not relation.has_alias:
        batch = state.batch or PageBatch(session_of(instance), type(instance))
        members = (each for each in _other_members(instance) if nested.name not in each.__dict__)
        load_lists(batch, [instance, *members], relation)
        return
    lazy_load = lazy_load_for(instance, nested)
    lazy_load.load()
    if state.missing:
        raise does_not_exist(instance)
    if nested.name not in instance.__dict__:
        unknown = unknown_name_error(lazy_load.batch.session, SentNames(relation))
        guess = relation.guess_note
        raise unknown or ConfigurationError(f"{relation} may not be read by this user. {guess}".rstrip())
    lazy_load.batch.lazily_loaded[DeferredList(nested)] = None


def lazy_load_for(instance: Any, nested: PrefetchedList) -> LazyLoad:
    """Return the lazy load that reading a list of an instance starts."""
    batch, deferred_list = state_of(instance).batch, DeferredList(nested)
    if batch is None:
        return LazyLoad(PageBatch(session_of(instance), type(instance)), [instance], [deferred_list])
    with_earlier = _with_earlier_loads(batch, [deferred_list])
    deferred: list[Deferred] = with_earlier.deferred if with_earlier else [deferred_list]
    lacking = [
        member for member in _other_members(instance) if any(each.is_missing_on(member) for each in deferred)
    ]
    return LazyLoad(batch, [instance, *lacking], deferred)


def _with_earlier_loads(batch: PageBatch, deferred: Sequence[Deferred]) -> LazyLoad | None:
    """Return one lazy load for these and for what the batch loaded before; None if no member lacks the latter."""
    earlier = [each for each in batch.lazily_loaded if each not in deferred]
    if not earlier:
        return None
    members = [member for member in batch.members() if _can_be_loaded(member)]
    for target in {target_of(each.field) for each in (*deferred, *earlier) if isinstance(each, DeferredRow)}:
        batch.make_references(target)
    lacking = [each for each in earlier if any(map(each.is_missing_on, members))]
    if not lacking:
        return None
    to_load = [*deferred, *lacking]
    instances = [member for member in members if any(each.is_missing_on(member) for each in to_load)]
    return LazyLoad(batch, instances, to_load)


def _batch_to_load_for(instance: Any, field: Field) -> tuple[PageBatch | None, list[Deferred]]:
    """Return the batch to load for and what to load.

    For an instance of which only the key is known, it is the batch of the instances that refer to it, and their
    related rows.
    """
    batch = state_of(instance).batch
    parent = None if batch is None or _knows_more_than_key(instance) else batch.parent
    if batch is not None and parent is not None:
        names = [name for name, many in batch.trail.names.items() if not many]
        if names:
            return parent, [DeferredRow(parent.model.directus.fields[name]) for name in names]
    return batch, [DeferredField(field)]


# --- the query --------------------------------------------------------------------------------------------------

Selection = tuple[list[FieldPath], list[FieldPath], list[PrefetchedList]]
"""The paths, related rows and nested lists of a query."""


def _selection(batch: PageBatch, deferred: Iterable[Deferred]) -> Selection:
    """Return what a query selects to load these, and what was loaded lazily for the related batches before."""
    paths: list[FieldPath] = []
    related: list[FieldPath] = []
    nested: list[PrefetchedList] = []
    for each in deferred:
        if isinstance(each, DeferredField):
            paths.append((each.field,))
        elif isinstance(each, DeferredRow):
            field = each.field
            target = target_of(field)
            inner_paths, inner_related, inner_nested = _earlier_selection(batch, target)
            paths += [(field,), *((field, *path) for path in (*target.directus.paths, *inner_paths))]
            related += [(field,), *((field, *path) for path in inner_related)]
            nested += [attrs.evolve(prefetched, path=(field, *prefetched.path)) for prefetched in inner_nested]
        else:
            nested.append(_with_earlier_selection(batch, each.nested))
    return paths, related, nested


def _earlier_selection(batch: PageBatch, target: type[Any]) -> Selection:
    """Return what was loaded lazily before for the related instances of a model: their related rows and lists."""
    related_batch = batch.known_related_batch(target)
    if related_batch is None:
        return [], [], []
    return _selection(
        related_batch, [each for each in related_batch.lazily_loaded if not isinstance(each, DeferredField)]
    )


def _with_earlier_selection(batch: PageBatch, nested: PrefetchedList) -> PrefetchedList:
    queries = []
    for query in nested.queries:
        paths, related, lists = _earlier_selection(batch, query.model)
        queries.append(
            query.evolve(
                paths=tuple(dict.fromkeys((*query.paths, *paths))),
                related=tuple(dict.fromkeys((*query.related, *related))),
                nested=(*query.nested, *lists),
            )
        )
    return attrs.evolve(nested, queries=tuple(queries))


# --- what instances lack ----------------------------------------------------------------------------------------


def _has_key(related: Any, key: Any) -> bool:
    """Return whether a related instance is a reference with this key."""
    return is_model(type(related)) and is_reference(related) and bool(stored_key(related) == key)


def _load_by_spelling(session: Session, references: Mapping[int, Any]) -> None:
    """Load references whose rows are not in the response; mark those whose row is hidden or gone.

    Beside another row the server finds a row only by its key to the letter. MariaDB takes "ABC" for "abc": there
    they are asked for by themselves.
    """
    lacking = list(references.values())
    info = info_of(lacking[0])
    rows: list[Row | None] = [None] * len(lacking)
    fields = supported_fields(session, (field for field in info.fields.values() if field != info.pk))
    if may_find_other_spellings(session, info.pk, _keys_of_loaded(lacking[0])):
        rows = refetch_rows(session, lacking, fields)
    for each, row in zip(lacking, rows, strict=True):
        if row is None:
            state_of(each).missing = True
        else:
            fill_missing(each, row, fields)


def _keys_of_loaded(instance: Any) -> Iterator[Any]:
    """Yield the keys of the loaded instances in the batch of an instance."""
    batch = state_of(instance).batch
    for member in () if batch is None else batch.living_members():
        if not is_reference(member):
            yield stored_key(member)


def _other_members(instance: Any) -> Iterable[Any]:
    """Return the other instances of the batch for which a request can load values."""
    batch = state_of(instance).batch
    members = () if batch is None else batch.members()
    return (member for member in members if member is not instance and _can_be_loaded(member))


def _fields_to_load(instance: Any, field: Field) -> list[Field]:
    info = field.model.directus
    return [field] if _knows_more_than_key(instance) else [f for f in info.fields.values() if f != info.pk]


def _knows_more_than_key(instance: Any) -> bool:
    info = type(instance).directus
    return any(f.name in instance.__dict__ for f in info.fields.values() if f != info.pk)


def _lacks(instance: Any, field: Field) -> bool:
    state = state_of(instance)
    return field.name not in instance.__dict__ and field.name not in state.problems and state.stored


def _can_be_loaded(instance: Any) -> bool:
    """Return whether the key of an instance is known, and its row is not known to be missing."""
    pk, state = type(instance).directus.pk, state_of(instance)
    return pk.column in state.row and pk.name not in state.problems and not state.missing


# --- where lazy loading is forbidden ----------------------------------------------------------------------------


def _forbidden(missing: object, way_out: str) -> QueryError:
    return QueryError(f"{missing} is not loaded, and lazy loading is forbidden here: {way_out}.")


def _how_to_select_field(instance: Any, field: Field) -> str:
    """Return how to write the query so that it selects a field."""
    paths = _paths_to(instance)
    if _knows_more_than_key(instance) or (not paths and state_of(instance).batch is not None):
        return f"name {field.name!r} in only(), or leave it out of defer()"
    if paths:
        return _calls_to_add(paths)
    return f"{type(instance).__name__}.objects.get(pk={instance.pk!r}) reads the row"


def _how_to_prefetch_list(instance: Any, nested: PrefetchedList) -> str:
    """Return how to write the query so that it prefetches a list."""
    name, relation = nested.name, nested.relation
    if not relation.has_alias:
        return f"read {relation.target.__name__}.objects.filter({relation.reverse_field.name}__in=…) instead"
    return _calls_to_add([(extend_path(path, name), True) for path, _ in _paths_to(instance) or [("", False)]])


def _calls_to_add(paths: list[tuple[str, bool]]) -> str:
    names_by_call = {
        "select_related": [path for path, crosses_many in paths if not crosses_many],
        "prefetch_related": [path for path, crosses_many in paths if crosses_many],
    }
    calls = (f".{call}({', '.join(map(repr, names))})" for call, names in names_by_call.items() if names)
    return f"add {''.join(calls)} to the queryset"


def _paths_to(instance: Any) -> list[tuple[str, bool]]:
    """Return the paths from a query's rows to an instance, each with whether it crosses a to-many relation."""
    batch = state_of(instance).batch
    if batch is None or batch.trail.parent is None:
        return []
    for holder in batch.parent.living_members() if batch.parent else ():
        for name, is_many in batch.trail.names.items():
            if _holds(holder.__dict__.get(name.partition("__")[0]), instance):
                holder_paths = _paths_to(holder) or [("", False)]
                return [(extend_path(path, name), crosses_many or is_many) for path, crosses_many in holder_paths]
    return batch.trail.paths()


def _holds(value: Any, instance: Any) -> bool:
    return value is instance or (isinstance(value, list) and any(each is instance for each in value))
