"""What a server drops without a word: lists, and fields of a junction, that it does not know (G15)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from ..core.errors import ConfigurationError, Forbidden, InvalidRequest, ServerError
from ..dialects.registry import dialect_of
from ..fields.to_many import ToMany
from ..query.conditions import Comparison, Exists, Node, parts_of
from ..query.query import Query
from ..session.session import Session


@attrs.frozen
class SentNames:
    """What a request said of a list: its name, and the names of fields of its junction."""

    relation: ToMany
    fields: frozenset[str] = frozenset()

    def is_in(self, row: Any) -> bool:
        """Return whether an answer has all of it."""
        parts = row.get(self.relation.column) if isinstance(row, dict) else None
        return isinstance(parts, list) and all(isinstance(p, dict) and self.fields <= p.keys() for p in parts)

    @property
    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Each name of the server's that was said or meant: where it is, what it is, how another one is given."""
        relation = self.relation
        yield relation.model.directus.collection, relation.column, "list", "name"
        if relation.is_one_to_many:
            return
        options: dict[str | None, str] = {
            relation.source_column: "source",
            relation.target_column: "target",
            relation.options.collection: "collection",
            relation.options.sort: "sort",
        }
        options |= dict.fromkeys(sorted(self.fields - options.keys()), "through_defaults")
        for name, option in options.items():
            if name is not None:
                yield relation.junction, name, "field", option


def unknown_name(session: Session, said: SentNames) -> ConfigurationError | None:
    """Return the error for the first name that the server does not know; None where it knows them all.

    Asked where an answer did not show them, which may be for want of permission as well: a request for each name.
    """
    for collection, name, what, option in said.names:
        try:
            session.send(attrs.evolve(dialect_of(session).check_field(collection, name), purpose="info"))
        except (Forbidden, InvalidRequest) as error:
            if isinstance(error, Forbidden) and not dialect_of(session).names_field(error):
                continue  # nothing of the collection may be read
            msg = (
                f"{said.relation}: {collection!r} has no {what} {name!r}, as far as this user may read. "
                f"{option}= takes the server's name of it."
            )
            return ConfigurationError(msg)
    return None


def refuse_dropped_names(session: Session, unseen: Iterable[SentNames]) -> None:
    """Raise for what was sent of a list, did not come back, and is not there.

    Raises:
        ConfigurationError: the server has no such list, or its junction no such field.
    """
    for said in dict.fromkeys(unseen):
        error = unknown_name(session, said)
        if error is not None:
            error.add_note("What was sent under this name is lost; all else was written (G15).")
            raise error


@contextmanager
def explain_guessed_names(query: Query) -> Iterator[None]:
    """Say of a refusal that speaks of a junction which of its names are guesses."""
    try:
        yield
    except (Forbidden, InvalidRequest) as error:
        for relation in dict.fromkeys(_relations(query)):
            if relation.guess_note and _speaks_of(error, {*relation.guessed_names.values(), relation.junction}):
                error.add_note(relation.guess_note)
        raise


def _speaks_of(error: ServerError, names: set[str]) -> bool:
    """Return whether an error names one of these, or nothing at all, as in Directus 10."""
    named = re.findall(r'"([^"]+)"', str(error))
    return not named or any(name in part.split(".") for part in named for name in names)


def _relations(query: Query) -> Iterator[ToMany]:
    """Yield the relations over junctions that a query leads over."""
    declared = query.model.directus.options.junction_of
    if declared is not None:
        yield declared
    yield from _relations_of(query.where)
    for nested in query.nested:
        yield nested.relation
        for inner in nested.queries:
            yield from _relations(inner)


def _relations_of(node: Node) -> Iterator[ToMany]:
    for part in parts_of(node):
        if isinstance(part, Comparison | Exists):
            yield from (step for step in part.path if isinstance(step, ToMany))
        if isinstance(part, Exists):
            yield from _relations_of(part.where)
