"""What the server cannot be asked in one request: what is asked first, and what is asked then.

Three things need a request of their own: another query's values, texts and dates that the server finds too many
of, and conditions on several fields of one related row where it cannot say them (G2). Each is answered by a list
of keys or values, which takes the condition's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.errors import ConfigurationError, InvalidRequest, IterationLost, UnsupportedQuery
from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.paths import path_name
from ..fields.to_many import ToMany
from ..query.conditions import Comparison, InSubquery, Node, all_of, parts_of, split_key_list
from ..query.lookups.field_lookups import in_values
from ..query.lookups.text_lookups import TextTest
from ..query.query import Query
from ..session.session import Session
from .pagination.fetch import fetch
from .pagination.pager_protocol import Pager
from .pagination.pagers import key_pager, query_pager
from .row_recheck import RowRecheck, needs_recheck, recheck_pages, widened
from .row_values import _value
from .subqueries import LIST_OPERATORS, replace_subqueries
from .unknown_names import explain_guessed_names

# Keys are small: one request brings them all, as they were at one moment.
KEYS_AT_ONCE = 100_000


def read_pages(
    session: Session, query: Query, page_size: int | None = None, *, read_ahead: int = 0, after: Any = None
) -> Iterator[list[Row]]:
    """Yield the rows of a query, page by page; nothing is asked before it is needed.

    Where the server finds more rows than are meant, and says so of the rows themselves, they are looked at on
    arrival; then a page may be empty. ``read_ahead`` is as for `fetch`; ``after`` is the key to go on behind.
    """
    if query.is_empty:
        return
    loose, checks = widened(query)
    asked = resolve_subqueries(session, loose)
    if asked.is_empty:
        return
    found = fetch(session, _steps(session, asked, page_size, after), read_ahead)
    try:
        with explain_guessed_names(asked):
            if needs_recheck(query):
                found = recheck_pages(found, [RowRecheck(session, asked, check) for check in checks], query)
            yield from found
    except InvalidRequest as error:
        if dialect_of(session).lacks_json(error):
            msg = (
                "Conditions inside JSON fields need Directus 12; this server is older. Look at the rows in Python."
            )
            raise UnsupportedQuery(msg) from error
        raise


def _steps(session: Session, query: Query, page_size: int | None, after: Any) -> Pager:
    where, listed = split_key_list(query.where)
    if listed is None:
        return query_pager(query, dialect_of(session), page_size, session.max_rows, after)
    keys = listed.keys
    if after is not None:
        if after not in keys:
            msg = f"The row with the key {after!r} is none of this part of a partition(): nothing follows it here."
            raise IterationLost(msg)
        keys = keys[keys.index(after) + 1 :]
    return key_pager(query.evolve(where=where), keys, dialect_of(session), session.max_rows, page_size)


def select_keys(session: Session, query: Query) -> list[Any]:
    """Return the keys of a query's rows, in their order, as they are sent."""
    pk: Field = query.model.directus.pk
    only_keys = query.with_paths((pk,))
    found = read_pages(session, only_keys, KEYS_AT_ONCE)
    return [pk.dump(pk.load(row[pk.column])) for rows in found for row in rows]


def resolve_subqueries(session: Session, query: Query) -> Query:
    """Return the query with conditions that can be sent as they are; what has to be known first is asked.

    Raises:
        UnsupportedQuery: the answer to the first question is longer than what a filter can carry.
    """
    found = replace_subqueries(query, lambda condition: _find(session, condition))
    values = sum(
        len(leaf.value)
        for leaf in parts_of(found.where)
        if isinstance(leaf, Comparison) and leaf.operator in LIST_OPERATORS
    )
    most = dialect_of(session).capabilities.longest_list
    if values > most:
        msg = (
            f"The lists of this query have {values:,} values together, and not every database takes more than "
            f"{most:,}. Ask several times, or look at rows in Python."
        )
        raise UnsupportedQuery(msg)
    return found


def _find(session: Session, condition: InSubquery) -> Node:
    session = condition.session or session
    if isinstance(condition.test, TextTest) and condition.path == condition.tested_path == condition.value_path:
        return _find_key(session, condition, condition.test)
    meant = None if condition.test is None else RowRecheck(session, condition.query, condition)
    found = (row for rows in read_pages(session, condition.query, KEYS_AT_ONCE) for row in rows)
    values = [_value(_whole(row, condition), condition.value_path) for row in found if meant is None or meant(row)]
    wanted = list(dict.fromkeys(condition.value_path[-1].load(value) for value in values if value is not None))
    most = dialect_of(session).capabilities.longest_list
    if len(wanted) > most:
        msg = (
            f"{path_name(condition.path)}: this condition is answered by a list of {len(wanted):,} values, and a "
            f"filter carries {most:,} at most. Filter by something else as well, or look at rows in Python."
        )
        raise UnsupportedQuery(msg)
    return in_values(condition.path, wanted)


def _find_key(session: Session, condition: InSubquery, test: TextTest) -> Node:
    """Return the condition that a key is one of those that pass: the server may misread the very keys.

    Then it is asked for what it took for them before, without the keys that are not meant.
    """
    pk = condition.path[-1]
    meant = RowRecheck(session, condition.query, condition)
    rows = [row for rows in read_pages(session, condition.query, KEYS_AT_ONCE) for row in rows]
    passed = [row[pk.column] for row in rows if meant(row)]
    evaluates = dialect_of(session).capabilities.evaluates
    if not any(map(evaluates, passed)):
        return in_values(condition.path, [pk.load(key) for key in passed])
    others = [row[pk.column] for row in rows if row[pk.column] not in passed]
    if any(map(evaluates, others)):
        msg = (
            f"{path_name(condition.path)}: the server takes the keys {', '.join(map(repr, (*passed, *others)))} "
            f"for something else, and cannot be asked for one of them ({test.needle!r}) beside other conditions. "
            "in_bulk() takes any keys."
        )
        raise UnsupportedQuery(msg)
    return all_of([condition.query.where, *([Comparison(condition.path, "nin", others)] if others else [])])


def _whole(row: Row, condition: InSubquery) -> Row:
    """Return a row that has the value; Directus 10 leaves out fields that it does not know.

    Raises:
        ConfigurationError: it has not.
    """
    field = condition.value_path[0]
    if field.column not in row:
        made_of: ToMany | None = getattr(field.model, "_made_of", None)
        collection = field.model.directus.collection
        guess = made_of.guess_note if made_of else ""
        msg = f"The server's rows of {collection!r} have no field {field.column!r}. {guess}"
        raise ConfigurationError(msg.rstrip())
    return row
