"""Running a query: sub-queries first, then the rows page by page, rechecked in Python where necessary.

Three kinds of conditions are sub-queries, with requests of their own: the values of another query; tests of texts
and dates for which the server returns too many rows; and several conditions on one related row, which the server
cannot combine (G2). Each is replaced by a list of keys or values.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ..core.errors import ConfigurationError, InvalidRequest, IterationLost, UnsupportedQuery
from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..fields.paths import path_name
from ..query.conditions import Comparison, InSubquery, Node, all_of, parts_of, split_key_list
from ..query.lookups.field_lookups import in_values
from ..query.lookups.text_lookups import TextTest
from ..query.query import Query
from ..session.session import Session
from .pagination.pager_driver import fetch
from .pagination.pager_protocol import Pager, RawPage
from .pagination.pagers import check_page, key_pager, query_pager
from .row_recheck import RowRecheck, needs_recheck, recheck_pages, widened
from .row_values import raw_getter
from .rows_by_key import with_spelled_rows
from .server_versions import require_named_support
from .subqueries import replace_subqueries
from .unknown_names import explain_refusals, has_list, refuse_ignored_conditions

# Keys are small: one request reads them all, as they were at one moment.
KEYS_AT_ONCE = 100_000


def read_pages(
    session: Session, query: Query, page_size: int | None = None, *, read_ahead: int = 0, after: Any = None
) -> Iterator[list[Row]]:
    """Yield the rows of a query, page by page; nothing is sent before it is needed.

    If the server can only return too many rows, they are rechecked in Python; then a page may be empty.

    ``page_size`` fixes the number of rows of a page; ``read_ahead`` is as for `fetch`; ``after`` is the key of the
    row to start after.
    """
    if query.is_empty:
        return
    sendable, checks = widened(query)
    resolved = resolve_subqueries(session, sendable)
    if resolved.is_empty:
        return
    pages = fetch(session, _pager(session, resolved, page_size, after), read_ahead)
    try:
        with explain_refusals(resolved, dialect_of(session)):
            if needs_recheck(query):
                pages = recheck_pages(session, pages, resolved, checks, query)
            yield from pages
    except InvalidRequest as error:
        if dialect_of(session).lacks_json(error):
            msg = "Conditions inside JSON fields need Directus 12; this server is older. Test the rows in Python."
            raise UnsupportedQuery(msg) from error
        raise


def _pager(session: Session, query: Query, page_size: int | None, after: Any) -> Pager:
    where, key_list = split_key_list(query.where)
    if key_list is None:
        return query_pager(query, dialect_of(session), page_size, session.max_rows, after)
    keys = key_list.keys
    if after is not None:
        if after not in keys:
            msg = f"The row with the key {after!r} is not in this part of a partition(), so no row follows it."
            raise IterationLost(msg)
        keys = keys[keys.index(after) + 1 :]
    return key_pager(query.evolve(where=where), keys, dialect_of(session), session.max_rows, page_size)


def read_page_and_total(session: Session, query: Query) -> tuple[list[Row], int]:
    """Return the rows of a query, and the number of all rows that it selects without its limit, by one request.

    It takes a second one for a collection whose rows do not come with this number.

    Raises:
        ConversionError: a row came without its key.
        TransportError: the rows are not those that were asked for.
    """
    dialect = dialect_of(session)
    counts_along = dialect.counts_along(query.model.directus)
    request = dialect.read(query, total=counts_along)
    with explain_refusals(query, dialect):
        response = session.send(request)
    page = RawPage(dialect.rows(response))
    check_page(query, dialect, page, request)
    total = dialect.total_count(response) if counts_along else read_count(session, query)
    return page.rows, total


def read_count(session: Session, query: Query) -> int:
    """Return the number of rows that a query selects without its limit and offset, by one request."""
    dialect = dialect_of(session)
    with explain_refusals(query, dialect):
        return dialect.row_count(session.send(dialect.count(query)))


def select_keys(session: Session, query: Query) -> list[Any]:
    """Return the keys of a query's rows as JSON values, in the order of the query.

    Raises:
        ConversionError: the key of a row is hidden from this user.
    """
    pk: Field = query.model.directus.pk
    pages = read_pages(session, query.with_paths((pk,)), KEYS_AT_ONCE)
    return [pk.dump(pk.load(row[pk.column])) for rows in pages for row in rows]


def resolve_subqueries(session: Session, query: Query) -> Query:
    """Run the sub-queries of a query, and return the query with their keys or values in their place.

    Raises:
        UnsupportedQuery: a sub-query finds more values than a filter can carry.
        ConfigurationError: the server would ignore a condition, since it does not have the relation.
    """
    require_named_support(session, query)
    capabilities = dialect_of(session).capabilities
    resolved = replace_subqueries(query, partial(_run_subquery, session), capabilities)
    values = sum(
        len(leaf.value)
        for leaf in parts_of(resolved.where)
        if isinstance(leaf, Comparison) and isinstance(leaf.value, list)
    )
    most = capabilities.longest_list
    if values > most:
        msg = (
            f"The lists of this query have {values:,} values together, and not every database takes more than "
            f"{most:,}. Divide them among several queries, or test the rows in Python."
        )
        raise UnsupportedQuery(msg)
    refuse_ignored_conditions(session, resolved)
    return resolved


def _run_subquery(session: Session, condition: InSubquery) -> Node:
    """Return the condition that a value is one of those that a sub-query finds, or its shortcut.

    Raises:
        UnsupportedQuery: the sub-query finds more values than a filter can carry.
    """
    session = condition.session or session
    if condition.shortcut is not None and has_list(session, condition.shortcut.path[-1]):
        return condition.shortcut
    if isinstance(condition.test, TextTest) and condition.path == condition.tested_path == condition.value_path:
        return _run_key_test(session, condition, condition.test)
    passes = None if condition.test is None else RowRecheck(session, condition.query, condition)
    get_value, load = raw_getter(condition.value_path), condition.value_path[-1].load
    pages = read_pages(session, condition.query, KEYS_AT_ONCE)
    rows = (row for page in pages for row in with_spelled_rows(session, condition.query, page))
    raw_values = [get_value(_with_value(row, condition)) for row in rows if passes is None or passes(row)]
    values = list(dict.fromkeys(load(raw) for raw in raw_values if raw is not None))
    most = dialect_of(session).capabilities.longest_list
    if len(values) > most:
        msg = (
            f"{path_name(condition.path)}: this condition needs a list of {len(values):,} values, and a filter "
            f"carries {most:,} at most. Add another condition, or test the rows in Python."
        )
        raise UnsupportedQuery(msg)
    return in_values(condition.path, values)


def _run_key_test(session: Session, condition: InSubquery, test: TextTest) -> Node:
    """Return the condition that a text key is one of those that pass a test.

    In a list, the server would evaluate some texts, such as ``$NOW``. If one of these keys is such a text, the
    condition is the one that found too many keys, with the keys excluded that do not pass.

    Raises:
        UnsupportedQuery: the server would evaluate one of the excluded keys, too.
    """
    pk = condition.path[-1]
    passes = RowRecheck(session, condition.query, condition)
    rows = [row for page in read_pages(session, condition.query, KEYS_AT_ONCE) for row in page]
    passed = [row[pk.column] for row in rows if passes(row)]
    evaluates = dialect_of(session).capabilities.evaluates
    if not any(map(evaluates, passed)):
        return in_values(condition.path, [pk.load(key) for key in passed])
    failed = [row[pk.column] for row in rows if row[pk.column] not in passed]
    if any(map(evaluates, failed)):
        msg = (
            f"{path_name(condition.path)}: in a filter the server evaluates the keys "
            f"{', '.join(map(repr, (*passed, *failed)))}, and cannot select one of them ({test.needle!r}) beside "
            "other conditions. in_bulk() takes any keys."
        )
        raise UnsupportedQuery(msg)
    return all_of([condition.query.where, *([Comparison(condition.path, "nin", failed)] if failed else [])])


def _with_value(row: Row, condition: InSubquery) -> Row:
    """Return a row if it has the column of the value; Directus 10 leaves out fields that it does not have.

    Raises:
        ConfigurationError: the row does not have the column.
    """
    field = condition.value_path[0]
    if field.column not in row:
        options = field.model.directus.options
        guess = options.junction_of.guess_note if options.junction_of else ""
        msg = f"The server's rows of {options.collection!r} have no field {field.column!r}. {guess}"
        raise ConfigurationError(msg.rstrip())
    return row
