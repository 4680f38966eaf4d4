"""What is not loaded: how it comes in when it is read, for all instances that came together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import ConfigurationError, QueryError
from .fields import Field
from .instances import Batch, ListLoader, complete, extended, found_rows, gone, read_rows, session_of, state_of
from .query.query import Nested, Query
from .query.steps import settle, telling_guesses


def load_missing(instance: Any, field: Field) -> None:
    """Load a field for an instance and for all of its batch that lack it.

    One request, or one per 1,000 keys. Where nothing but the key is known, all fields are loaded.

    Raises:
        DoesNotExist: the row is gone, or this user may not see it.
    """
    state = state_of(instance)
    if state.missing:
        raise gone(instance)
    session = session_of(instance)
    if session.lazy_loading_is_forbidden:
        raise _forbidden(field, _way_to_field(instance, field))
    fields = _wanted(instance, field)
    rows_of = [instance, *(mate for mate in _mates(instance) if _lacks(mate, field))]
    for one, row in zip(rows_of, read_rows(session, rows_of, fields), strict=True):
        if row is None:
            state_of(one).missing = True
        else:
            complete(one, row, fields)
    if state.missing:
        raise gone(instance)


def load_list(instance: Any, nested: Nested) -> None:
    """Load a list of related rows for an instance and for all of its batch that lack it, as `load_missing` does.

    Raises:
        DoesNotExist: the row is gone, or this user may not see it.
        ConfigurationError: this user may not read the list, or there is none.
    """
    state, model = state_of(instance), type(instance)
    if state.missing:
        raise gone(instance)
    session = session_of(instance)
    if session.lazy_loading_is_forbidden:
        raise _forbidden(nested.relation, _way_to_list(instance, nested.name))
    asked, query = asked_with(instance, nested), bringing(nested)
    loader, alone = ListLoader(nested), Batch(session, model)
    with telling_guesses(query):
        rows = found_rows(session, settle(session, query), asked)
    for one, row in zip(asked, rows, strict=True):
        if row is None:
            state_of(one).missing = True
        else:
            loader.fill(one, row, state_of(one).batch or alone)
    if state.missing:
        raise gone(instance)
    if nested.name not in instance.__dict__:
        msg = (
            f"{nested.relation} may not be read by this user, or {model.directus.collection!r} has no such list."
            f"{' ' + guess if (guess := nested.relation.guess) else ''}"
        )
        raise ConfigurationError(msg)


def bringing(nested: Nested) -> Query:
    """Return the query for rows of which nothing but their key and a list comes."""
    model = nested.relation.model
    return Query(model, paths=((model.directus.pk,),), nested=(nested,))


def asked_with(instance: Any, nested: Nested) -> list[Any]:
    """Return an instance, and those that its list is loaded along with."""
    return [instance, *(mate for mate in _mates(instance) if nested.name not in mate.__dict__)]


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
    return _added([(extended(path, name), True) for path, _ in _paths(instance) or [("", False)]])


def _added(paths: list[tuple[str, bool]]) -> str:
    verbs = {"select_related": [path for path, many in paths if not many]}
    verbs["prefetch_related"] = [path for path, many in paths if many]
    calls = (f".{verb}({', '.join(map(repr, found))})" for verb, found in verbs.items() if found)
    return f"add {''.join(calls)} to the queryset"


def _paths(instance: Any) -> list[tuple[str, bool]]:
    """Return the paths that led to an instance from the rows of a query, and whether one leads over many rows."""
    batch = state_of(instance).batch
    if batch is None or batch.way.before is None:
        return []
    for holder in batch.parent.alive() if batch.parent else ():
        for name, many in batch.way.names.items():
            if _holds(holder.__dict__.get(name.partition("__")[0]), instance):
                return [(extended(path, name), before or many) for path, before in _paths(holder) or [("", False)]]
    return batch.way.paths()


def _holds(value: Any, instance: Any) -> bool:
    return value is instance or (isinstance(value, list) and any(one is instance for one in value))
