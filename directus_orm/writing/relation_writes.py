"""Writing relations to many: rows are tied to an instance and untied, and nothing else is touched (G7, G8)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import attrs

from ..core.errors import FieldError, Forbidden, InvalidForeignKey, QueryError
from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.model_info import ModelInfo
from ..fields.registry import is_model
from ..fields.to_many import ToMany
from ..fields.type_table import PLAIN_KEYS
from ..instances.refetch import refetch_rows
from ..instances.state import (
    PageBatch,
    does_not_exist,
    is_new,
    key_to_send,
    reference,
    session_of,
    state_of,
    stored_key,
)
from ..query.conditions import NEVER, Comparison
from ..query.query import PrefetchedList, Query
from ..reading.unknown_names import SentNames, refuse_dropped_names
from ..session.session import Session
from . import bulk, save
from .nested_payload import junction_fields_to_read, junction_row
from .nested_response import set_parent

Identity = tuple[str, Any]


@attrs.frozen
class JunctionRow:
    """A row of a junction: its key, as it is sent, and its place in the order of the relation."""

    key: Any
    place: int | None = None


JunctionRows = dict[Identity, list[JunctionRow]]
"""The junction's rows of an instance, by what they lead to."""
FindTies = Callable[[Sequence[Any]], JunctionRows]
"""Finds those that lead to some instances, or all."""

# So many keys fit into a URL, which says what of the list is read back (G36).
_READ_BACK = 50


# --- what was given ---------------------------------------------------------------------------------------------


def coerce_instances(relation: ToMany, verb: str, others: Iterable[Any]) -> list[Any]:
    """Return instances, made of keys where these were given, each once.

    Raises:
        TypeError: something else was given.
        QueryError: a key that no row has.
        DoesNotExist: an instance that was deleted.
    """
    if isinstance(others, str | bytes | Mapping) or not isinstance(others, Iterable):
        msg = f"{relation}.{verb}() takes a list, not {others!r}."
        raise TypeError(msg)
    found: dict[Any, Any] = {}
    for other in others:
        one = _instance(relation, verb, other)
        found.setdefault(_which(one), one)
    return list(found.values())


def _instance(relation: ToMany, verb: str, other: Any) -> Any:
    if isinstance(other, relation.targets):
        if state_of(other).deleted:
            raise does_not_exist(other, "it was deleted")
        return other
    if other is None or is_model(type(other)) or relation.is_many_to_any:
        raise _wrong(relation, verb, other)
    pk = relation.target.directus.pk
    try:
        key = pk.value_type.load(pk.value_type.dump(other))
    except (ValueError, TypeError, ArithmeticError):
        raise _wrong(relation, verb, other) from None
    if not key:
        msg = f"{relation}.{verb}(): {pk} cannot be {key!r}."
        raise QueryError(msg)
    return reference(relation.target, key)


def _wrong(relation: ToMany, verb: str, other: Any) -> TypeError:
    names = " or ".join(target.__name__ for target in relation.targets)
    key = "" if relation.is_many_to_any else f", or its key ({relation.target.directus.pk.value_type.python})"
    way = f"; {verb}(*…) takes each of a list" if verb != "set" and isinstance(other, Iterable) else ""
    msg = f"{relation}.{verb}() takes {names}{key}, not {other!r} ({type(other).__name__}){way}."
    return TypeError(msg)


def require_saved(relation: ToMany, verb: str, found: Sequence[Any]) -> list[Any]:
    """Return the instances; refuse those that have no row.

    Raises:
        QueryError: there is one.
    """
    for one in found:
        if is_new(one):
            msg = f"{relation}.{verb}(): {one!r} is not saved, so that nothing is tied to it."
            raise QueryError(msg)
    return list(found)


def identity(instance: Any) -> Identity:
    """Return what tells an instance that has a row from all others, those of other models, too."""
    info: ModelInfo = type(instance).directus
    return (info.collection, info.pk.load(stored_key(instance)))


def _which(instance: Any) -> Any:
    return id(instance) if is_new(instance) or instance.pk is None else identity(instance)


def new_child(relation: ToMany, instance: Any, model: Any, values: dict[str, Any]) -> Any:
    """Return a new instance for the list of another one.

    Raises:
        TypeError: the model is not one that the relation leads to, or is not said and one of several.
        QueryError: a child is to belong to another parent.
    """
    if model is None and not relation.is_many_to_any:
        model = relation.target
    if model not in relation.targets:
        names = " or ".join(target.__name__ for target in relation.targets)
        said = "not said" if model is None else f"{model!r} here"
        msg = f"{relation}.create() makes a {names}; which one comes first, and is {said}."
        raise TypeError(msg)
    if relation.is_one_to_many:
        name = relation.reverse_field.name
        if name in values and values[name] is not instance and values[name] != instance:
            msg = f"{relation}.create({name}=…): its rows belong to this {type(instance).__name__}; leave it out."
            raise QueryError(msg)
        values = {**values, name: instance}
    return model(**values)


# --- what is sent -----------------------------------------------------------------------------------------------


def create_missing(session: Session, instances: Iterable[Any]) -> None:
    """Create the rows of those instances that have none; those that nothing goes along with, in one request."""
    plain: dict[type[Any], list[Any]] = {}
    for instance in instances:
        if not is_new(instance):
            continue
        if any(map(is_new, instance.__dict__.values())) or any(state_of(instance).pending.values()):
            _adopt(session, instance)
            save.save(instance)
        else:
            plain.setdefault(type(instance), []).append(instance)
    for model, new in plain.items():
        bulk.create(session, model.directus, new)


def _adopt(session: Session, instance: Any) -> None:
    if state_of(instance).batch is None:
        state_of(instance).batch = batch = PageBatch(session, type(instance))
        batch.add(instance)


def write(instance: Any, relation: ToMany, changes: Mapping[str, list[Any]], named: Sequence[Any] = ()) -> None:
    """Send what changes of a list; what was loaded of it is forgotten.

    The server says nothing of rows that are not there (G5), so that those which were named are read back.

    Raises:
        DoesNotExist: the instance, or one of those that were named, is not there any more.
        ConfigurationError: the server has no such list, or its junction lacks a field.
    """
    parts = {name: rows for name, rows in changes.items() if rows}
    if not parts:
        return
    info: ModelInfo = type(instance).directus
    session = session_of(instance)
    # A junction's row that leads nowhere, the database refuses, unless it may lead to several collections.
    unsure = () if relation.is_many_to_many else named
    said = _said(relation, parts)
    further = junction_fields_to_read(relation, said.fields)
    shown = named if further else unsure  # Directus 10 says by its rows alone which fields they have
    few = shown if len(shown) <= _READ_BACK and _may_be_compared(relation) else ()
    back = Query(
        info.model, paths=((info.pk,),), nested=(attrs.evolve(_those(relation, few), junction_fields=further),)
    )
    key = None if info.options.singleton else stored_key(instance)
    try:
        answer = session.send(dialect_of(session).update(info, key, {relation.column: parts}, back))
    except (Forbidden, InvalidForeignKey) as error:
        _raise_for_missing(session, [instance, *named], error)
        raise
    finally:
        instance.__dict__.pop(relation.name, None)
    if answer.data is None:
        _raise_for_missing(session, [instance, *unsure])
    elif len(few) < len(unsure):
        _raise_for_missing(session, unsure)
    else:
        _raise_for_unread(relation, answer.data.get(relation.column), unsure)
    if not said.is_in(answer.data):
        refuse_dropped_names(session, [said])


def _said(relation: ToMany, parts: Mapping[str, list[Any]]) -> SentNames:
    """Return what is sent of a list: of children, keys alone; of a junction's rows, their fields."""
    to_one = relation.is_one_to_many
    rows = () if to_one else [row for name, part in parts.items() if name != "delete" for row in part]
    return SentNames(relation, frozenset(name for row in rows for name in row if name != relation.junction_key))


def _may_be_compared(relation: ToMany) -> bool:
    """Return whether keys can stand in a filter: the server takes some texts for something else (G16, G17)."""
    return all(target.directus.pk.value_type.kind in PLAIN_KEYS for target in relation.targets)


def _those(relation: ToMany, named: Sequence[Any]) -> PrefetchedList:
    """Return the description of what of a list leads to some instances: their keys."""
    queries = []
    for scope in relation.scopes:
        pk = scope.target.directus.pk
        keys = [stored_key(one) for one in named if isinstance(one, scope.target)]
        queries.append(Query(scope.target, Comparison((pk,), "in", keys) if keys else NEVER, paths=((pk,),)))
    return PrefetchedList((relation,), tuple(queries))


def _raise_for_unread(relation: ToMany, rows: Any, named: Sequence[Any]) -> None:
    """Raise for the first of the named instances that is not in what was read back of the list."""
    step = relation.target_column
    parts = [(row, row.get(step) if step else row) for row in rows or () if isinstance(row, dict)]
    if not isinstance(rows, list) or len(parts) < len(rows):
        return  # it may not be read (G26)
    found = set()
    for scope in relation.scopes:
        info, name = scope.target.directus, relation.options.collection
        mine = [part for row, part in parts if not relation.is_many_to_any or row.get(name) == info.collection]
        found |= {(info.collection, info.pk.load(part[info.pk.column])) for part in mine if isinstance(part, dict)}
    for one in named:
        if identity(one) not in found:
            raise does_not_exist(one)


def _raise_for_missing(session: Session, instances: Sequence[Any], cause: Exception | None = None) -> None:
    """Raise for the first of some instances whose row is not there, as far as this user can tell."""
    by_model: dict[type[Any], list[Any]] = {}
    for instance in instances:
        if not type(instance).directus.options.singleton:
            by_model.setdefault(type(instance), []).append(instance)
    for same in by_model.values():
        with contextlib.suppress(Forbidden):
            for one, row in zip(same, refetch_rows(session, same, ()), strict=True):
                if row is None:
                    raise does_not_exist(one) from cause


# --- one-to-many ------------------------------------------------------------------------------------------------


def move_children(instance: Any, relation: ToMany, gained: Sequence[Any], lost: Sequence[Any]) -> None:
    """Tie children to an instance, and untie others, which the server's setting of the relation may delete.

    New children are created, told whose they are; the rest goes in one request.
    """
    column = relation.target.directus.pk.column
    new = [child for child in gained if is_new(child)]
    others = [child for child in gained if not is_new(child)]
    loaded = {identity(child): child for child in instance.__dict__.get(relation.name, ())}
    update = [{column: key_to_send(child)} for child in others]
    delete = [key_to_send(child) for child in lost]
    for child in new:
        setattr(child, relation.reverse_field.name, instance)
    create_missing(session_of(instance), new)
    write(instance, relation, {"update": update, "delete": delete}, others)
    for child in (*new, *others):
        set_parent(child, relation, instance)
    for child in lost:
        for known in {id(one): one for one in (child, loaded.get(identity(child), child))}.values():
            forget_parent(known, relation)


def forget_parent(child: Any, relation: ToMany) -> None:
    """Let a child ask the server whose it is, when that is read."""
    child.__dict__.pop(relation.reverse_field.name, None)
    state_of(child).row.pop(relation.reverse_field.column, None)


def references_to(relation: ToMany, keys: Iterable[Any]) -> Iterator[Any]:
    """Yield instances of which only the key is known."""
    return (reference(relation.target, key) for key in keys)


# --- junctions --------------------------------------------------------------------------------------------------


def add_links(
    instance: Any, relation: ToMany, others: Sequence[Any], further: Mapping[str, Any], ties: FindTies
) -> None:
    """Tie rows to an instance that are not tied to it yet, by new rows of the junction."""
    known = ties([other for other in others if not is_new(other)])
    create_missing(session_of(instance), others)
    missing = [other for other in others if identity(other) not in known]
    write(instance, relation, {"create": [_row(relation, other, further) for other in missing]}, missing)


def remove_links(instance: Any, relation: ToMany, others: Sequence[Any], ties: FindTies) -> None:
    """Untie rows from an instance, by the keys of the junction's rows."""
    write(instance, relation, {"delete": [tie.key for found in ties(others).values() for tie in found]})


def set_links(
    instance: Any,
    relation: ToMany,
    others: Sequence[Any],
    further: Mapping[str, Any],
    ties: FindTies,
    *,
    ordered: bool,
) -> None:
    """Tie these rows and no others to an instance, in one request; ``ordered``, in their order."""
    known = ties([])
    create_missing(session_of(instance), others)
    column = relation.options.sort if ordered else None
    changes: dict[str, list[Any]] = {"create": [], "update": [], "delete": []}
    last, new = None, []
    for other in others:
        tied = known.pop(identity(other), None)
        if tied is None:
            new.append(other)
            last = _behind(last, None)
            place = {column: last} if column else {}
            changes["create"].append(_row(relation, other, {**place, **further}))
        for row in tied or ():
            last = _behind(last, row.place)
            if column and last != row.place:
                changes["update"].append({relation.junction_key: row.key, column: last})
    changes["delete"] = [row.key for tied in known.values() for row in tied]
    write(instance, relation, changes, new)


def _behind(last: int | None, place: int | None) -> int:
    """Return a place behind the last one: the given one, if it is."""
    if place is not None and (last is None or place > last):
        return place
    return 1 if last is None else last + 1


def keeps_order_of(relation: ToMany, others: Any) -> bool:
    """Return whether instances were given in an order that the relation keeps."""
    return relation.options.sort is not None and not isinstance(others, Set)


def _row(relation: ToMany, other: Any, further: Mapping[str, Any]) -> Row:
    return {**junction_row(relation, other, key_to_send(other)), **further}


def junction_values(relation: ToMany, values: Any) -> Row:
    """Return further fields of the junction's rows, as they are sent: by the server's names.

    Raises:
        TypeError: something else was given.
        QueryError: there is no junction, or what is said is what the relation says itself.
        FieldError: the junction's model has no such field.
        ConversionError: it has, and this is no value of it.
    """
    if values is None or values == {}:
        return {}
    if not isinstance(values, Mapping):
        msg = f"{relation}: through_defaults= takes a dict, by the server's names, not {values!r}."
        raise TypeError(msg)
    if relation.is_one_to_many:
        msg = f"{relation} is a one-to-many, which has no junction for through_defaults={dict(values)!r}."
        raise QueryError(msg)
    told = {relation.source_column, relation.target_column, relation.options.collection}
    for name in values:
        if name in told:
            msg = f"{relation}: through_defaults= says {name!r}, which the relation says itself."
            raise QueryError(msg)
    through = relation.options.through
    return dict(values) if isinstance(through, str) else _of_model(relation, through, values)


def _of_model(relation: ToMany, junction: Any, values: Mapping[str, Any]) -> Row:
    known = {f.column: f for f in junction.directus.fields.values()}
    for name in values:
        if name not in known:
            msg = (
                f"{relation}: the junction {junction.__name__} has no field {name!r} (in through_defaults=). "
                f"Fields, by the server's names: {', '.join(known)}."
            )
            raise FieldError(msg, name=name, choices=tuple(known))
    return {name: known[name].dump(value, None) for name, value in values.items()}
