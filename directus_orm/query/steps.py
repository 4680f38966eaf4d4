"""What the server cannot be asked in one request: what is asked first, and what is asked then.

Three things need a request of their own: another query's values, texts and dates that the server finds too many
of, and conditions on several fields of one related row where it cannot say them (G2). Each is answered by a list
of keys or values, which takes the condition's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import attrs

from ..errors import ConfigurationError, Forbidden, InvalidRequest, PlaceLost, ServerError, UnsupportedQuery
from ..fields import Field
from ..relations import ToMany
from ..session import Session
from ..wire import Row
from .conditions import (
    ALWAYS,
    NEVER,
    All,
    Among,
    Either,
    Leaf,
    Listed,
    Node,
    Some,
    all_of,
    crosses_many,
    either_of,
    holds_of_null,
    is_quantified,
    model_behind,
    negate,
    parts_of,
    path_name,
    server_path,
    without_list,
)
from .fetch import fetch
from .lookups import MOST_VALUES, among
from .paging import key_pages, pages
from .query import Nested, Path, Query
from .texts import Holds, case_pattern, is_misread, keyed
from .turns import Steps

# Keys are small: one request brings them all, as they were at one moment.
KEYS_AT_ONCE = 100_000

_LISTS = frozenset({"in", "nin"})

Find = Callable[[Among], Node]
"""Gives the condition that says what another query finds."""


def read(
    session: Session, query: Query, page_size: int | None = None, *, read_ahead: int = 0, after: Any = None
) -> Iterator[list[Row]]:
    """Yield the rows of a query, page by page; nothing is asked before it is needed.

    Where the server finds more rows than are meant, and says so of the rows themselves, they are looked at on
    arrival; then a page may be empty. ``read_ahead`` is as for `fetch`; ``after`` is the key to go on behind.
    """
    if query.is_empty:
        return
    loose, checks = loosened(query)
    asked = settle(session, loose)
    if asked.is_empty:
        return
    found = fetch(session, _steps(session, asked, page_size, after), read_ahead)
    try:
        with telling_guesses(asked):
            if looks_at_rows(query):
                found = _sifted(found, [Sieve(session, asked, check) for check in checks], query)
            yield from found
    except InvalidRequest as error:
        if session.dialect.lacks_json(error):
            msg = (
                "Conditions inside JSON fields need Directus 12; this server is older. Look at the rows in Python."
            )
            raise UnsupportedQuery(msg) from error
        raise


def _steps(session: Session, query: Query, page_size: int | None, after: Any) -> Steps:
    where, listed = without_list(query.where)
    if listed is None:
        return pages(query, session.dialect, page_size, session.max_rows, after)
    keys = listed.keys
    if after is not None:
        if after not in keys:
            msg = f"The row with the key {after!r} is none of this part of a partition(): nothing follows it here."
            raise PlaceLost(msg)
        keys = keys[keys.index(after) + 1 :]
    return key_pages(query.evolve(where=where), keys, session.dialect, session.max_rows, page_size)


@contextmanager
def telling_guesses(query: Query) -> Iterator[None]:
    """Say of a refusal that speaks of a junction which of its names are guesses."""
    try:
        yield
    except (Forbidden, InvalidRequest) as error:
        for relation in dict.fromkeys(_relations(query)):
            if relation.guess and _speaks_of(error, {*relation.guesses.values(), relation.junction}):
                error.add_note(relation.guess)
        raise


def _speaks_of(error: ServerError, names: set[str]) -> bool:
    """Return whether an error names one of these, or nothing at all, as in Directus 10."""
    named = re.findall(r'"([^"]+)"', str(error))
    return not named or any(name in part.split(".") for part in named for name in names)


def _relations(query: Query) -> Iterator[ToMany]:
    """Yield the relations over junctions that a query leads over."""
    made_of = getattr(query.model, "_made_of", None)
    if made_of is not None:
        yield made_of
    yield from _relations_of(query.where)
    for nested in query.nested:
        yield nested.relation
        for inner in nested.queries:
            yield from _relations(inner)


def _relations_of(node: Node) -> Iterator[ToMany]:
    for part in parts_of(node):
        if isinstance(part, Leaf | Some):
            yield from (step for step in part.path if isinstance(step, ToMany))
        if isinstance(part, Some):
            yield from _relations_of(part.where)


def looks_at_rows(query: Query) -> bool:
    """Return whether `read` has to look at the rows, so that the server cannot count them."""
    return bool(loosened(query)[1]) or without_list(query.where)[1] is not None


def keys(session: Session, query: Query) -> list[Any]:
    """Return the keys of a query's rows, in their order, as they are sent."""
    pk: Field = query.model.directus.pk
    only_keys = query.bringing((pk,))
    found = read(session, only_keys, KEYS_AT_ONCE)
    return [pk.dump(pk.load(row[pk.column])) for rows in found for row in rows]


def settle(session: Session, query: Query) -> Query:
    """Return the query with conditions that can be sent as they are; what has to be known first is asked.

    Raises:
        UnsupportedQuery: the answer to the first question is longer than what a filter can carry.
    """
    found = settled(query, lambda condition: _find(session, condition))
    values = sum(
        len(leaf.value) for leaf in parts_of(found.where) if isinstance(leaf, Leaf) and leaf.operator in _LISTS
    )
    if values > MOST_VALUES:
        msg = (
            f"The lists of this query have {values:,} values together, and not every database takes more than "
            f"{MOST_VALUES:,}. Ask several times, or look at rows in Python."
        )
        raise UnsupportedQuery(msg)
    return found


def settled(query: Query, find: Find, before: tuple[str, ...] = ()) -> Query:
    """Do as `settle` does, with another way to what the other queries find.

    ``before`` are the server's names that lead to the rows, where they come with other rows.
    """
    if not query.nested and _can_be_sent(query.where):
        return query
    where = _known(query.where, find)
    if crosses_many(where):
        where = _arranged(where, find, set(), before)
    nested = tuple(_settled_list(each, find) for each in query.nested)
    if where == query.where and nested == query.nested:
        return query
    return query.evolve(where=where, nested=nested)


def _can_be_sent(node: Node) -> bool:
    """Return whether a condition is made of nothing but comparisons that the server has."""
    if isinstance(node, Leaf):
        return node.operator != "nicontains"
    return isinstance(node, All | Either) and all(map(_can_be_sent, node.parts))


def _settled_list(nested: Nested, find: Find) -> Nested:
    junction = nested.relation.steps[1:]
    return attrs.evolve(nested, queries=tuple(settled(query, find, junction) for query in nested.queries))


# --- rows that are looked at ----------------------------------------------------------------------------------


def loosened(query: Query) -> tuple[Query, list[Among]]:
    """Return a query that finds more rows, and what its rows have to pass to be those that are meant."""
    parts = query.where.parts if isinstance(query.where, All) else (query.where,)
    checks = [part for part in parts if isinstance(part, Among) and _is_of_its_rows(part, query)]
    if not checks and not any(isinstance(part, Listed) for part in parts):
        return query, []
    where = all_of([*(part for part in parts if part not in checks), *(check.query.where for check in checks)])
    paths = dict.fromkeys([*query.paths, *(_present(check.tested, query) for check in checks)])
    return query.evolve(where=where, paths=tuple(paths), limit=None, offset=0), checks


def _present(path: Path, query: Query) -> Path:
    """Return where a value is in the rows: of a relation whose row comes along, it is the key in there."""
    target = path[-1].target
    comes_along = any(len(other) > len(path) and other[: len(path)] == path for other in query.paths)
    return path if target is None or not comes_along else (*path, target.directus.pk)


def _is_of_its_rows(condition: Among, query: Query) -> bool:
    own = condition.path == (query.model.directus.pk,) and condition.query.model is query.model
    return own and condition.test is not None and not condition.negated


def _sifted(pages_of_rows: Iterator[list[Row]], checks: list[Sieve], query: Query) -> Iterator[list[Row]]:
    """Yield the rows that pass, from the query's offset to its limit."""
    skip, left = query.offset, query.limit
    for rows in pages_of_rows:
        passed = [row for row in rows if all(check(row) for check in checks)]
        skipped = min(skip, len(passed))
        skip -= skipped
        wanted = passed[skipped:] if left is None else passed[skipped : skipped + left]
        yield wanted
        if left is not None:
            left -= len(wanted)
            if not left:
                return


class Sieve:
    """Lets the rows through whose value passes a test; asks the server once, if need be, what it makes of case."""

    def __init__(self, session: Session, query: Query, condition: Among) -> None:
        self._session = session
        self._query = query
        self._condition = condition

    def __call__(self, row: Row) -> bool:
        """Return whether the row is meant."""
        condition, value = self._condition, _value(row, self._condition.tested)
        if value is None or condition.test is None:
            return False
        if isinstance(condition.test, Holds) and condition.test.is_open(value):
            return self._disregards_case(row, value)
        return condition.test(value)

    def _disregards_case(self, row: Row, text: str) -> bool:
        if self._session.disregards_case is None:
            self._session.disregards_case = self._asked(row, text)
        return bool(self._session.disregards_case)

    def _asked(self, row: Row, text: str) -> bool:
        """Ask whether a row's text begins with itself, one letter in the other case."""
        session, pk = self._session, self._query.model.directus.pk
        same = Leaf(self._condition.tested, "starts_with", case_pattern(text))
        query = Query(self._query.model, where=same, paths=((pk,),))
        return any(fetch(session, key_pages(query, [row[pk.column]], session.dialect, session.max_rows)))


# --- values that another query finds --------------------------------------------------------------------------


def _known(node: Node, find: Find) -> Node:
    """Put the values of other queries where they are asked for; what folds meanwhile is not asked any more."""
    match node:
        case All(parts):
            return all_of(_until(NEVER, (_known(part, find) for part in parts)))
        case Either(parts):
            return either_of(_until(ALWAYS, (_known(part, find) for part in parts)))
        case Some():
            return _known_inside(node, find)
        case Among():
            # Its values may be texts that the server misreads: then another question follows.
            found = _known(find(node), find)
            return negate(found) if node.negated else found
        case Leaf(operator="nicontains"):
            return _known(_without(node), find)
        case Leaf() | Listed():
            return node


def _known_inside(node: Some, find: Find) -> Node:
    inner = _known(node.where, find)
    if inner == NEVER:
        return ALWAYS if node.negated else NEVER
    return attrs.evolve(node, where=inner)


def _without(leaf: Leaf) -> Node:
    """Return how an opposite is said that the server lacks: by the keys of the rows that are not meant."""
    path = cast("tuple[Field, ...]", leaf.path)
    return negate(keyed(path, Leaf(path[-1:], "icontains", leaf.value)))


def _until(last: Node, nodes: Iterator[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if node == last:
            return


def _find(session: Session, condition: Among) -> Node:
    session = condition.session or session
    if isinstance(condition.test, Holds) and condition.path == condition.tested == condition.of:
        return _find_key(session, condition, condition.test)
    meant = None if condition.test is None else Sieve(session, condition.query, condition)
    found = (row for rows in read(session, condition.query, KEYS_AT_ONCE) for row in rows)
    values = [_value(_whole(row, condition), condition.of) for row in found if meant is None or meant(row)]
    wanted = list(dict.fromkeys(condition.of[-1].load(value) for value in values if value is not None))
    if len(wanted) > MOST_VALUES:
        msg = (
            f"{path_name(condition.path)}: this condition is answered by a list of {len(wanted):,} values, and a "
            f"filter carries {MOST_VALUES:,} at most. Filter by something else as well, or look at rows in Python."
        )
        raise UnsupportedQuery(msg)
    return among(condition.path, wanted)


def _find_key(session: Session, condition: Among, test: Holds) -> Node:
    """Return the condition that a key is one of those that pass: the server may misread the very keys.

    Then it is asked for what it took for them before, without the keys that are not meant.
    """
    pk = condition.path[-1]
    meant = Sieve(session, condition.query, condition)
    rows = [row for rows in read(session, condition.query, KEYS_AT_ONCE) for row in rows]
    passed = [row[pk.column] for row in rows if meant(row)]
    if not any(map(is_misread, passed)):
        return among(condition.path, [pk.load(key) for key in passed])
    others = [row[pk.column] for row in rows if row[pk.column] not in passed]
    if any(map(is_misread, others)):
        msg = (
            f"{path_name(condition.path)}: the server takes the keys {', '.join(map(repr, (*passed, *others)))} "
            f"for something else, and cannot be asked for one of them ({test.needle!r}) beside other conditions. "
            "in_bulk() takes any keys."
        )
        raise UnsupportedQuery(msg)
    return all_of([condition.query.where, *([Leaf(condition.path, "nin", others)] if others else [])])


def _whole(row: Row, condition: Among) -> Row:
    """Return a row that has the value; Directus 10 leaves out fields that it does not know.

    Raises:
        ConfigurationError: it has not.
    """
    field = condition.of[0]
    if field.column not in row:
        made_of: ToMany | None = getattr(field.model, "_made_of", None)
        collection = field.model.directus.collection
        guess = made_of.guess if made_of else ""
        msg = f"The server's rows of {collection!r} have no field {field.column!r}. {guess}"
        raise ConfigurationError(msg.rstrip())
    return row


def _value(row: Row, path: tuple[Field, ...]) -> Any:
    value: Any = row
    for field in path:
        value = value.get(field.column) if isinstance(value, dict) else None
    # Of a relation whose row comes along, the server shows the row in the place of its key.
    target = path[-1].target
    return value[target.directus.pk.column] if isinstance(value, dict) and target is not None else value


# --- conditions on related rows -------------------------------------------------------------------------------


def _arranged(node: Node, find: Find, joined: set[tuple[str, ...]], before: tuple[str, ...]) -> Node:
    """Bring conditions on related rows into a form that the server understands.

    It has ``_some`` and ``_none`` for one condition at a time (G2), and joins: one per relation for the whole
    filter, so that only one group of conditions on a relation can go that way. ``joined`` are the lists taken, by
    the server's names from the root; ``before`` are the names of the row that this is about.
    """
    match node:
        case All(parts):
            return all_of(_arranged(part, find, joined, before) for part in parts)
        case Either(parts):
            return either_of(_arranged(part, find, joined, before) for part in parts)
        case Some():
            return _arranged_some(node, find, joined, before)
    return node


def _arranged_some(node: Some, find: Find, joined: set[tuple[str, ...]], before: tuple[str, ...]) -> Node:
    if not before and is_quantified(node):
        return node
    place = (*before, *server_path(node.path))
    # By the list, not by what its junction leads to: all models behind a many-to-any share one join.
    listed = (*before, *server_path(node.path[:-1]), node.path[-1].column)
    if node.negated or listed in joined:
        return _asked_first(node, find)
    joined.add(listed)
    where = _arranged(node.where, find, joined, place)
    if holds_of_null(where):  # a join has a row of nulls where there is none
        where = all_of([where, Leaf((model_behind(node.path).directus.pk,), "nnull")])
    return attrs.evolve(node, where=where)


def _asked_first(node: Some, find: Find) -> Node:
    """Return the keys of the rows that have such related rows, as a condition."""
    *outer, relation = node.path
    model = relation.model
    pk: Field = model.directus.pk
    query = Query(model, where=Some((relation,), node.where), paths=((pk,),))
    path: Any = tuple(outer) or (pk,)
    return _known(Among(path, query, (pk,), negated=node.negated), find)
