"""What is not loaded: how it comes in when it is read, for all instances that came together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from ..core.errors import ConfigurationError, QueryError
from ..fields.field import Field
from ..fields.paths import FieldPath, target_of
from ..fields.registry import is_model
from ..query.query import PrefetchedList, Query, key_alias
from ..reading.read import resolve_subqueries
from ..reading.unknown_names import SentNames, explain_guessed_names, unknown_name
from ..session.session import Session
from .field_values import fill_missing
from .hydration import RowLoader
from .refetch import refetch_by_query, refetch_rows
from .state import PageBatch, does_not_exist, extend_path, is_reference, session_of, state_of, stored_key


@attrs.frozen
class DeferredField:
    """A field that was left out of a query."""

    field: Field

    def lacks(self, instance: Any) -> bool:
        """Whether an instance does not have it."""
        return _lacks(instance, self.field)


@attrs.frozen
class DeferredRow:
    """The row behind a many-to-one."""

    field: Field

    def lacks(self, instance: Any) -> bool:
        """Whether nothing but its key is known."""
        value = instance.__dict__.get(self.field.name)
        return (
            is_model(type(value))
            and is_reference(value)
            and state_of(value).stored
            and not state_of(value).missing
        )


@attrs.frozen
class DeferredList:
    """The rows behind a relation to many."""

    nested: PrefetchedList

    def lacks(self, instance: Any) -> bool:
        """Whether an instance does not have the list."""
        return self.nested.name not in instance.__dict__


Lazy = DeferredField | DeferredRow | DeferredList
"""What is loaded when it is touched. A batch remembers it: of a page that joins later, all of it comes at once."""


@attrs.frozen
class LazyLoad:
    """What is asked at once: of which instances, and what of them."""

    batch: PageBatch
    instances: list[Any]
    things: list[Lazy]

    @property
    def query(self) -> Query:
        """The query for rows of which nothing but this comes, and the key."""
        model = self.batch.model
        paths, related, nested = _described(self.batch, self.things)
        return Query(model, paths=((model.directus.pk,), *paths), related=tuple(related), nested=tuple(nested))

    def load(self) -> None:
        """Ask, and give the instances what they lack; one whose row is not there is marked."""
        session, query = self.batch.session, self.query
        loader = RowLoader(query.model, query.paths, query.nested)
        with explain_guessed_names(query):
            rows = refetch_by_query(session, resolve_subqueries(session, query), self.instances)
        for one, row in zip(self.instances, rows, strict=True):
            if row is None:
                state_of(one).missing = True
                continue
            keys = {
                thing.field: row.get(key_alias(thing.field))
                for thing in self.things
                if isinstance(thing, DeferredRow)
            }
            loader.load_missing_into(one, row, self.batch)
            for field, key in keys.items():
                if key is not None and not isinstance(row.get(field.column), dict):
                    _mark(one.__dict__.get(field.name), key)


def load_missing(instance: Any, field: Field) -> None:
    """Load a field for an instance and for all of its batch that lack it.

    One request, or one per 1,000 keys. Where nothing but the key is known, all fields are loaded. What was touched
    before comes along, where a page that joined lacks it.

    Raises:
        DoesNotExist: the row is gone, or this user may not see it.
    """
    state = state_of(instance)
    if state.missing:
        raise does_not_exist(instance)
    session = session_of(instance)
    if session.lazy_loading_is_forbidden:
        raise _forbidden(field, _way_to_field(instance, field))
    batch, things = _where(instance, field)
    asking = _together(batch, things) if batch else None
    if asking:
        asking.load()
    if not state.missing and _lacks(instance, field):
        _load_by_keys(session, instance, field)
    if state.missing:
        raise does_not_exist(instance)
    if batch:
        batch.touched |= dict.fromkeys(things)


def _load_by_keys(session: Session, instance: Any, field: Field) -> None:
    fields = _wanted(instance, field)
    rows_of = [instance, *(mate for mate in _mates(instance) if _lacks(mate, field))]
    for one, row in zip(rows_of, refetch_rows(session, rows_of, fields), strict=True):
        if row is None:
            state_of(one).missing = True
        else:
            fill_missing(one, row, fields)


def load_list(instance: Any, nested: PrefetchedList) -> None:
    """Load a list of related rows for an instance and for all of its batch that lack it, as `load_missing` does.

    Raises:
        DoesNotExist: the row is gone, or this user may not see it.
        ConfigurationError: this user may not read the list, or there is none.
    """
    state = state_of(instance)
    if state.missing:
        raise does_not_exist(instance)
    if session_of(instance).lazy_loading_is_forbidden:
        raise _forbidden(nested.relation, _way_to_list(instance, nested.name))
    asking = lazy_load_for(instance, nested)
    asking.load()
    if state.missing:
        raise does_not_exist(instance)
    if nested.name not in instance.__dict__:
        unknown = unknown_name(asking.batch.session, SentNames(nested.relation))
        guess = nested.relation.guess_note
        raise unknown or ConfigurationError(f"{nested.relation} may not be read by this user. {guess}".rstrip())
    asking.batch.touched[DeferredList(nested)] = None


def lazy_load_for(instance: Any, nested: PrefetchedList) -> LazyLoad:
    """Return what is asked where a list of an instance is touched."""
    batch, thing = state_of(instance).batch, DeferredList(nested)
    if batch is None:
        return LazyLoad(PageBatch(session_of(instance), type(instance)), [instance], [thing])
    together = _together(batch, [thing])
    things: list[Lazy] = together.things if together else [thing]
    mates = [one for one in _mates(instance) if any(each.lacks(one) for each in things)]
    return LazyLoad(batch, [instance, *mates], things)


def _together(batch: PageBatch, things: Sequence[Lazy]) -> LazyLoad | None:
    """Return what is asked at once where a page lacks more than these things; None where it does not."""
    before = [thing for thing in batch.touched if thing not in things]
    if not before:
        return None
    members = [one for one in batch.members() if _has_key(one) and not state_of(one).missing]
    for target in {target_of(thing.field) for thing in (*things, *before) if isinstance(thing, DeferredRow)}:
        batch.make_references(target)
    lacking = [thing for thing in before if any(map(thing.lacks, members))]
    if not lacking:
        return None
    every = [*things, *lacking]
    return LazyLoad(batch, [one for one in members if any(thing.lacks(one) for thing in every)], every)


def _where(instance: Any, field: Field) -> tuple[PageBatch | None, list[Lazy]]:
    """Return the batch that lacks a field, and as what: of a reference, the batch of those that led to it."""
    batch = state_of(instance).batch
    parent = None if batch is None or _knows_more(instance) else batch.parent
    if batch is not None and parent is not None:
        ones = [name for name, many in batch.trail.names.items() if not many]
        if ones:
            return parent, [DeferredRow(parent.model.directus.fields[name]) for name in ones]
    return batch, [DeferredField(field)]


def _described(
    batch: PageBatch, things: Iterable[Lazy]
) -> tuple[list[FieldPath], list[FieldPath], list[PrefetchedList]]:
    """Return the paths, related rows and lists that bring some things, and what was touched behind them."""
    paths: list[FieldPath] = []
    related: list[FieldPath] = []
    nested: list[PrefetchedList] = []
    for thing in things:
        if isinstance(thing, DeferredField):
            paths.append((thing.field,))
        elif isinstance(thing, DeferredRow):
            field = thing.field
            target = target_of(field)
            inner = _behind(batch, target)
            paths += [(field, *path) for path in (*target.directus.paths, *inner[0])]
            related += [(field,), *((field, *path) for path in inner[1])]
            nested += [attrs.evolve(each, path=(field, *each.path)) for each in inner[2]]
        else:
            nested.append(_with_what_is_behind(batch, thing.nested))
    return paths, related, nested


def _behind(batch: PageBatch, target: type[Any]) -> tuple[list[FieldPath], list[FieldPath], list[PrefetchedList]]:
    part = batch.known_related_batch(target)
    return (
        ([], [], [])
        if part is None
        else _described(part, [t for t in part.touched if not isinstance(t, DeferredField)])
    )


def _with_what_is_behind(batch: PageBatch, nested: PrefetchedList) -> PrefetchedList:
    queries = []
    for query in nested.queries:
        paths, related, lists = _behind(batch, query.model)
        queries.append(
            query.evolve(
                paths=tuple(dict.fromkeys((*query.paths, *paths))),
                related=tuple(dict.fromkeys((*query.related, *related))),
                nested=(*query.nested, *lists),
            )
        )
    return attrs.evolve(nested, queries=tuple(queries))


def _mark(related: Any, key: Any) -> None:
    """Mark a reference whose row did not come as one that leads nowhere, or may not be read."""
    if is_model(type(related)) and is_reference(related) and stored_key(related) == key:
        state_of(related).missing = True


def _mates(instance: Any) -> Iterable[Any]:
    """Return the others of the batch that something can be loaded for."""
    batch = state_of(instance).batch
    others = () if batch is None else batch.members()
    return (one for one in others if one is not instance and _has_key(one) and not state_of(one).missing)


def _wanted(instance: Any, field: Field) -> list[Field]:
    info = field.model.directus
    return [field] if _knows_more(instance) else [f for f in info.fields.values() if f != info.pk]


def _knows_more(instance: Any) -> bool:
    """Return whether more than the key is known of a row."""
    info = type(instance).directus
    return any(f.name in instance.__dict__ for f in info.fields.values() if f != info.pk)


def _lacks(instance: Any, field: Field) -> bool:
    state = state_of(instance)
    return field.name not in instance.__dict__ and field.name not in state.problems and state.stored


def _has_key(instance: Any) -> bool:
    pk = type(instance).directus.pk
    return pk.column in state_of(instance).row and pk.name not in state_of(instance).problems


# --- where it is forbidden --------------------------------------------------------------------------------------


def _forbidden(what: object, way_out: str) -> QueryError:
    return QueryError(f"{what} is not loaded, and lazy loading is forbidden here: {way_out}.")


def _way_to_field(instance: Any, field: Field) -> str:
    """Return how a field comes with the rows."""
    paths = _paths(instance)
    if _knows_more(instance) or (not paths and state_of(instance).batch is not None):
        return f"name {field.name!r} in only(), or leave it out of defer()"
    return _added(paths) if paths else f"{type(instance).__name__}.objects.get(pk={instance.pk!r}) reads the row"


def _way_to_list(instance: Any, name: str) -> str:
    """Return how a list comes with the rows."""
    return _added([(extend_path(path, name), True) for path, _ in _paths(instance) or [("", False)]])


def _added(paths: list[tuple[str, bool]]) -> str:
    verbs = {"select_related": [path for path, many in paths if not many]}
    verbs["prefetch_related"] = [path for path, many in paths if many]
    calls = (f".{verb}({', '.join(map(repr, found))})" for verb, found in verbs.items() if found)
    return f"add {''.join(calls)} to the queryset"


def _paths(instance: Any) -> list[tuple[str, bool]]:
    """Return the paths that led to an instance from the rows of a query, and whether one leads over many rows."""
    batch = state_of(instance).batch
    if batch is None or batch.trail.parent is None:
        return []
    for holder in batch.parent.living_members() if batch.parent else ():
        for name, many in batch.trail.names.items():
            if _holds(holder.__dict__.get(name.partition("__")[0]), instance):
                return [
                    (extend_path(path, name), before or many) for path, before in _paths(holder) or [("", False)]
                ]
    return batch.trail.paths()


def _holds(value: Any, instance: Any) -> bool:
    return value is instance or (isinstance(value, list) and any(one is instance for one in value))
