"""Writing relations to many: rows are tied to an instance and untied, and nothing else is touched (G7, G8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import bulk
from .errors import QueryError
from .info import ModelInfo, is_model
from .instances import reference, session_of, state_of
from .query.lookups import key_of
from .query.query import Query
from .relations import ToMany
from .session import Session
from .trees import is_new, junction_row, key_sent
from .wire import Row

Ties = Callable[[Sequence[Any]], dict[Any, list[Any]]]
"""Tells the junction's keys of the rows that tie these instances, by their keys."""


def given(relation: ToMany, verb: str, others: Iterable[Any]) -> list[Any]:
    """Return instances, made of keys where these were given, each once.

    Raises:
        TypeError: something else was given.
    """
    found: list[Any] = []
    for other in others:
        if isinstance(other, relation.targets):
            one = other
        elif other is None or is_model(type(other)) or relation.is_scoped:
            names = " or ".join(target.__name__ for target in relation.targets)
            msg = (
                f"{relation}.{verb}() takes {names}{'' if relation.is_scoped else ', or its key'}, not {other!r}."
            )
            raise TypeError(msg)
        else:
            pk = relation.target.directus.pk
            one = reference(relation.target, pk.value_type.load(pk.value_type.dump(key_of(pk, other))))
        if not any(one is each or (not is_new(one) and one == each) for each in found):
            found.append(one)
    return found


def create_missing(session: Session, instances: Iterable[Any]) -> None:
    """Create the rows of those instances that have none."""
    by_model: dict[type[Any], list[Any]] = {}
    for instance in instances:
        if is_new(instance):
            by_model.setdefault(type(instance), []).append(instance)
    for model, new in by_model.items():
        bulk.create(session, model.directus, new)


def write(instance: Any, relation: ToMany, changes: Any) -> None:
    """Send changes of a list; what was loaded of it is forgotten."""
    info: ModelInfo = type(instance).directus
    session = session_of(instance)
    back = Query(info.model, paths=((info.pk,),))
    session.send(session.dialect.update(info, key_sent(instance), {relation.column: changes}, back))
    instance.__dict__.pop(relation.name, None)


# --- one-to-many ------------------------------------------------------------------------------------------------


def change(instance: Any, relation: ToMany, gained: Sequence[Any], lost: Sequence[Any]) -> None:
    """Tie children to an instance, and untie others, which the server's setting of the relation may delete.

    New children are created, told whose they are; the rest goes in one request.
    """
    reverse, column = relation.reverse, relation.target.directus.pk.column
    new = [child for child in gained if is_new(child)]
    for child in new:
        setattr(child, reverse.name, instance)
    create_missing(session_of(instance), new)
    others = [child for child in gained if not any(child is each for each in new)]
    changes: dict[str, Any] = {
        "update": [{column: key_sent(child)} for child in others],
        "delete": [key_sent(child) for child in lost],
    }
    if others or lost:
        write(instance, relation, {name: rows for name, rows in changes.items() if rows})
    instance.__dict__.pop(relation.name, None)
    for child in others:
        state_of(child).row[reverse.column] = key_sent(instance)
        child.__dict__[reverse.name] = instance
    for child in lost:
        forget(child, relation)


def forget(child: Any, relation: ToMany) -> None:
    """Let a child ask the server whose it is, when that is read."""
    child.__dict__.pop(relation.reverse.name, None)
    state_of(child).row.pop(relation.reverse.column, None)


# --- junctions --------------------------------------------------------------------------------------------------


def tie(instance: Any, relation: ToMany, others: Sequence[Any], further: Mapping[str, Any], ties: Ties) -> None:
    """Tie rows to an instance that are not tied to it yet, by new rows of the junction."""
    known = ties([other for other in others if not is_new(other)])
    create_missing(session_of(instance), others)
    rows = [junction(relation, other, further) for other in others if identity(other) not in known]
    if rows:
        write(instance, relation, {"create": rows})


def untie(instance: Any, relation: ToMany, others: Sequence[Any], ties: Ties) -> None:
    """Untie rows from an instance, by the keys of the junction's rows."""
    keys = [key for found in ties(others).values() for key in found]
    if keys:
        write(instance, relation, {"delete": keys})


def retie(instance: Any, relation: ToMany, others: Sequence[Any], ties: Ties) -> None:
    """Tie these rows and no others to an instance, in one request."""
    known = ties([])
    create_missing(session_of(instance), others)
    wanted = {identity(other) for other in others}
    create = [junction(relation, other, {}) for other in others if identity(other) not in known]
    delete = [key for one, keys in known.items() if one not in wanted for key in keys]
    changes = {name: rows for name, rows in (("create", create), ("delete", delete)) if rows}
    if changes:
        write(instance, relation, changes)


def junction(relation: ToMany, other: Any, further: Mapping[str, Any]) -> Row:
    """Return a row of the junction that leads to an instance."""
    return {**junction_row(relation, other, key_sent(other)), **further}


def identity(instance: Any) -> tuple[str, Any]:
    """Return what tells an instance from those of other models, too."""
    return (type(instance).directus.collection, instance.pk)


def refuse_further(relation: ToMany, further: Mapping[str, Any] | None) -> None:
    """Refuse values for a junction that there is not.

    Raises:
        QueryError: there are some.
    """
    if further:
        msg = f"{relation} is a one-to-many, which has no junction for through_defaults={dict(further)!r}."
        raise QueryError(msg)
