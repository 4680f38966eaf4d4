"""Names that the server does not have, or that this user may not read: found out, and explained in errors.

The server ignores unknown names of lists and junction fields, so they are checked (G15).

Directus 10 also leaves out a condition that begins with a relation that it does not have, so that every row
matches. So a session asks once for the version, before the first query with a condition on related rows. Later
versions check the names in conditions. But a field that is no relation stands for its own collection there: a
condition on it is left out if the collection has a field of the name that follows. So all versions are asked for
such a relation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import attrs

from ..core.errors import ConfigurationError, Forbidden, InvalidRequest, ServerError, TransportError
from ..dialects.protocol import Dialect
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import Step
from ..fields.to_many import ToMany
from ..query.conditions import Comparison, Exists, Node, parts_of
from ..query.query import Query
from ..session.session import Session

_CHECKS_NAMES = "checked_conditions"


@attrs.frozen
class SentNames:
    """A list that a request names, and the fields of its junction, to be looked for in the response."""

    relation: ToMany
    fields: frozenset[str] = frozenset()

    def are_in(self, row: Any) -> bool:
        """Return whether a row of the response has the list, and all items of the list have the fields."""
        items = row.get(self.relation.column) if isinstance(row, dict) else None
        return isinstance(items, list) and all(isinstance(i, dict) and self.fields <= i.keys() for i in items)

    @property
    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Each name in the request: its collection, the name, "list" or "field", and the option that sets it."""
        relation = self.relation
        yield relation.model.directus.collection, relation.column, "list", "name"
        if relation.is_one_to_many:
            return
        options: dict[str | None, str] = {
            relation.source_column: "source",
            relation.target_column: "target",
            relation.collection_column: "collection",
            relation.sort_column: "sort",
        }
        options |= dict.fromkeys(sorted(self.fields - options.keys()), "through_defaults")
        for name, option in options.items():
            if name is not None:
                yield relation.junction, name, "field", option


def unknown_name_error(session: Session, sent: SentNames) -> ConfigurationError | None:
    """Return the error for the first name that the server does not have; None if it has them all.

    Sends a request for each name, since a response may also lack names that this user may not read.
    """
    for collection, name, kind, option in sent.names:
        refusal = _refusal_of_field(session, collection, name)
        if isinstance(refusal, Forbidden) and not dialect_of(session).names_field(refusal):
            continue  # this user may not read the collection
        if refusal is not None:
            return ConfigurationError(_unknown_name(sent.relation, collection, name, kind, option))
    return None


def _unknown_name(relation: ToMany, collection: str, name: str, kind: str, option: str) -> str:
    return (
        f"{relation}: {collection!r} has no {kind} {name!r}, as far as this user may read. "
        f"{option}= takes the server's name of it."
    )


def _refusal_of_field(session: Session, collection: str, column: str) -> Forbidden | InvalidRequest | None:
    """Return the error with which the server refuses a field or list, or None if this user may read it."""
    try:
        session.send(attrs.evolve(dialect_of(session).check_field(collection, column), purpose="info"))
    except (Forbidden, InvalidRequest) as error:
        return error
    return None


def has_list(session: Session, relation: Step) -> bool:
    """Return whether the server has the list of a relation, and this user may read it; a session asks once."""
    known, place = session.facts.has_list, (relation.model.directus.collection, relation.column)
    if place not in known:
        known[place] = _refusal_of_field(session, *place) is None
    return known[place]


def refuse_dropped_names(session: Session, missing: Iterable[SentNames]) -> None:
    """Raise if the server does not have names that were sent and are missing from its response.

    Raises:
        ConfigurationError: the server has no such list, or its junction no such field.
    """
    for sent in dict.fromkeys(missing):
        error = unknown_name_error(session, sent)
        if error is not None:
            error.add_note("What was sent under this name is lost; all else was written.")
            raise error


@contextmanager
def explain_refusals(query: Query, dialect: Dialect) -> Iterator[None]:
    """Add notes to a refusal: on lists and junctions, and on the model that declares a refused field."""
    try:
        yield
    except (Forbidden, InvalidRequest) as error:
        if not getattr(error, "__notes__", None):
            relations = dict.fromkeys(_to_many_relations(query))
            on_lists = filter(None, (_note_about(error, relation) for relation in relations))
            for note in (*on_lists, *_notes_on_fields(query, dialect, error)):
                error.add_note(note)
        raise


def _note_about(error: ServerError, relation: ToMany) -> str:
    """Return what to say of a relation that an error may be about; empty if it is about something else.

    Directus 10 quotes no names. Where the list is unknown, the others also quote the names that lead on from it.
    """
    quoted = {name for text in re.findall(r'"([^"]+)"', str(error)) for name in text.split(".")}
    collection = relation.model.directus.collection
    if {relation.column, collection} <= quoted:
        return _unknown_name(relation, collection, relation.column, "list", "name")
    guessed = {*relation.guessed_names.values(), relation.junction}
    return relation.guess_note if not quoted or quoted & guessed else ""


def _notes_on_fields(query: Query, dialect: Dialect, error: ServerError) -> Iterator[str]:
    """Yield which models declare the fields that were refused, and the ways out."""
    if not isinstance(error, Forbidden):
        return
    readable = f"{query.model.__name__}.objects.readable() loads what the user may read"
    way_out = "leave it out" if query.readable else readable
    collection, columns = dialect.refused_fields(error)
    if not collection and not query.readable:  # Directus 10
        yield f"The server does not say what was refused. If this user may not read some of the fields, {way_out}."
    for model in dict.fromkeys(_models_of(query)):
        names = [str(field) for field in model.directus.fields.values() if field.column in columns]
        if names and model.directus.collection == collection:
            yield (
                f"{model.__name__} declares it: {' and '.join(names)}. If this user may not read it, {way_out}. "
                "If the server has no such field, leave it out, or give the server's name with field(name=…)."
            )


def _models_of(query: Query) -> Iterator[type[Any]]:
    """Yield the models whose rows a query reads or tests."""
    yield query.model
    yield from (field.model for path in query.paths for field in path)
    yield from (step.model for order in query.order for step in order.path)
    yield from _models_in(query.where)
    for nested in query.nested:
        for inner in nested.queries:
            yield from _models_of(inner)


def _models_in(node: Node) -> Iterator[type[Any]]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists):
            yield from (step.model for step in part.path)
        if isinstance(part, Exists):
            yield from _models_in(part.where)


def _to_many_relations(query: Query) -> Iterator[ToMany]:
    """Yield the to-many relations in a query: in its conditions, and the lists that are read with its rows."""
    declared = query.model.directus.options.junction_of
    if declared is not None:
        yield declared
    yield from _relations_in(query.where)
    for nested in query.nested:
        yield nested.relation
        for inner in nested.queries:
            yield from _to_many_relations(inner)


def _relations_in(node: Node) -> Iterator[ToMany]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists):
            yield from (step for step in part.path if isinstance(step, ToMany))
        if isinstance(part, Exists):
            yield from _relations_in(part.where)


# --- conditions that the server would leave out -----------------------------------------------------------------


def refuse_ignored_conditions(session: Session, query: Query) -> None:
    """Raise if the server would ignore a condition of a query; its sub-queries were replaced before.

    Raises:
        ConfigurationError: the server does not have a relation that a condition follows.
    """
    for relation in _relations_in_doubt(session, query):
        if not _has_relation(session, relation):
            raise _unknown_relation_error(session, relation)


def _relations_in_doubt(session: Session, query: Query) -> Iterable[Step]:
    """Return the relations that the server has to be asked for, before it gets the conditions of a query."""
    relations, facts = dict.fromkeys(_in_conditions(query, _relations_followed_by)), session.facts
    if facts.capabilities is None and any(isinstance(relation, ToMany) for relation in relations):
        _learn_capabilities(session)
    if facts.capabilities is None or _CHECKS_NAMES in facts.capabilities:
        return dict.fromkeys(_in_conditions(query, _confusable_relations))
    return relations


def _learn_capabilities(session: Session) -> None:
    """Ask for the version; where a gateway hides it, each relation has to be looked for."""
    try:
        session.info()
    except (Forbidden, InvalidRequest, TransportError) as error:
        if isinstance(error, TransportError) and error.status is None:
            raise
        session.facts.capabilities = frozenset()


def _in_conditions(query: Query, relations_in: Callable[[Node], Iterator[Step]]) -> Iterator[Step]:
    """Yield what a function finds in the conditions of a query, and in those on nested rows."""
    yield from relations_in(query.where)
    for nested in query.nested:
        for inner in nested.queries:
            yield from _in_conditions(inner, relations_in)


def _relations_followed_by(node: Node) -> Iterator[Step]:
    for part in parts_of(node):
        if isinstance(part, Comparison):
            yield from part.path[:-1]
        if isinstance(part, Exists):
            yield from part.path
            yield from _relations_followed_by(part.where)


def _confusable_relations(node: Node) -> Iterator[Step]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists) and len(part.path) > 1 and isinstance(part.path[0], Field):
            relation, following = part.path[:2]
            if following.column in relation.model.directus.columns:
                yield relation
        if isinstance(part, Exists):
            yield from _confusable_relations(part.where)


def _has_relation(session: Session, relation: Step) -> bool:
    """Return whether the server has a relation; a session asks once. If it may not be read, nothing is ignored."""
    known, place = session.facts.has_relation, (relation.model.directus.collection, relation.segments)
    if place not in known:
        try:
            session.send(dialect_of(session).check_relation(relation))
            known[place] = True
        except Forbidden:
            known[place] = True
        except InvalidRequest:
            known[place] = False
    return known[place]


def _unknown_relation_error(session: Session, relation: Step) -> ConfigurationError:
    error = None
    if isinstance(relation, ToMany):
        with suppress(ServerError):  # a field without a column that is no list cannot be read
            error = unknown_name_error(session, SentNames(relation))
    if error is None:
        collection = relation.model.directus.collection
        msg = f"{relation}: the field {relation.column!r} of {collection!r} is no relation on the server."
        error = ConfigurationError(f"{msg} name= takes the name of the one that is meant.")
    error.add_note(
        "The query was not sent: the server would leave out the condition on it, so that every row matches."
    )
    return error
