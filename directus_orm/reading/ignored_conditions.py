"""Conditions that the server would ignore, since it does not have their relation: refused before they are sent.

Directus 10 leaves out a condition that begins with a relation that it does not have, so that every row matches. So
a session asks once for the version, before the first query with a condition on related rows. Later versions check
the names in conditions. But a field that is no relation stands for its own collection there: a condition on it is
left out if the collection has a field of the name that follows. So all versions are asked for such a relation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from ..core.errors import ConfigurationError, Forbidden, InvalidRequest, ServerError, TransportError
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.model_info import Step
from ..fields.to_many import ToMany
from ..query.conditions import Comparison, Exists, Node, parts_of
from ..query.query import Query
from ..session.session import Session
from .unknown_names import SentNames, unknown_name_error

_CHECKS_NAMES = "checked_conditions"


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
    relations, facts = dict.fromkeys(_relations_of(query)), session.facts
    if facts.capabilities is None and any(isinstance(relation, ToMany) for relation in relations):
        _learn_capabilities(session)
    if facts.capabilities is None or _CHECKS_NAMES in facts.capabilities:
        return dict.fromkeys(_confusable_relations_of(query))
    return relations


def _learn_capabilities(session: Session) -> None:
    """Ask for the version; where a gateway hides it, each relation has to be looked for."""
    try:
        session.info()
    except (Forbidden, InvalidRequest, TransportError) as error:
        if isinstance(error, TransportError) and error.status is None:
            raise
        session.facts.capabilities = frozenset()


def _relations_of(query: Query) -> Iterator[Step]:
    """Yield the relations that the conditions of a query follow, those on nested rows included."""
    yield from _relations_in(query.where)
    for nested in query.nested:
        for inner in nested.queries:
            yield from _relations_of(inner)


def _relations_in(node: Node) -> Iterator[Step]:
    for part in parts_of(node):
        if isinstance(part, Comparison):
            yield from part.path[:-1]
        if isinstance(part, Exists):
            yield from part.path
            yield from _relations_in(part.where)


def _confusable_relations_of(query: Query) -> Iterator[Step]:
    """Yield many-to-one relations of rows for which the server may take fields of the rows themselves."""
    yield from _confusable_relations_in(query.where)
    for nested in query.nested:
        for inner in nested.queries:
            yield from _confusable_relations_of(inner)


def _confusable_relations_in(node: Node) -> Iterator[Step]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists) and len(part.path) > 1 and isinstance(part.path[0], Field):
            relation, following = part.path[:2]
            if following.column in relation.model.directus.columns:
                yield relation
        if isinstance(part, Exists):
            yield from _confusable_relations_in(part.where)


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
