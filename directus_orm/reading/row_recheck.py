"""Rechecking rows in Python when they arrive, for conditions where the server returns too many rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.paths import kind_of
from ..query.conditions import And, Comparison, InSubquery, KeyList, all_of, split_key_list
from ..query.lookups.text_lookups import TextTest, case_pattern
from ..query.query import Query
from ..session.session import Session
from .pagination.pager_driver import fetch
from .pagination.pagers import key_pager
from .row_values import raw_getter
from .rows_by_key import with_spelled_rows


def needs_recheck(query: Query) -> bool:
    """Return whether rows are rechecked in Python, or listed by key, so that the server cannot count them."""
    return bool(widened(query)[1]) or split_key_list(query.where)[1] is not None


def widened(query: Query) -> tuple[Query, list[InSubquery]]:
    """Return a query that the server can evaluate but that may find too many rows, and the checks for these."""
    parts = query.where.parts if isinstance(query.where, And) else (query.where,)
    checks = [part for part in parts if isinstance(part, InSubquery) and _tests_own_rows(part, query)]
    if not checks and not any(isinstance(part, KeyList) for part in parts):
        return query, []
    where = all_of([*(part for part in parts if part not in checks), *(check.query.where for check in checks)])
    paths = dict.fromkeys([*query.paths, *(check.tested_path for check in checks)])
    return query.evolve(where=where, paths=tuple(paths), limit=None, offset=0), checks


def _tests_own_rows(condition: InSubquery, query: Query) -> bool:
    """Return whether a condition says which of the query's own rows pass a test, by their keys."""
    own = condition.path == (query.model.directus.pk,) and condition.query.model is query.model
    return own and condition.test is not None and not condition.negated


def recheck_pages(
    session: Session, pages: Iterator[list[Row]], sent: Query, checks: list[InSubquery], query: Query
) -> Iterator[list[Row]]:
    """Yield the rows of the query that was sent that pass, within the offset and limit of the user's query."""
    rechecks = [RowRecheck(session, sent, check) for check in checks]
    to_skip, left = query.offset, query.limit
    for rows in pages:
        whole_rows = with_spelled_rows(session, sent, rows)
        passed = [
            row for row, whole in zip(rows, whole_rows, strict=True) if all(recheck(whole) for recheck in rechecks)
        ]
        skipped = min(to_skip, len(passed))
        to_skip -= skipped
        page = passed[skipped:] if left is None else passed[skipped : skipped + left]
        yield page
        if left is not None:
            left -= len(page)
            if not left:
                return


class RowRecheck:
    """Tests one value of a row; if a test needs it, reads once whether the database ignores case in the column."""

    def __init__(self, session: Session, query: Query, condition: InSubquery) -> None:
        self._session = session
        self._query = query
        self._condition = condition
        self._value = raw_getter(condition.tested_path)

    def __call__(self, row: Row) -> bool:
        """Return whether the row passes."""
        test, value = self._condition.test, self._value(row)
        if value is None or test is None:
            return False
        self._check_shape(row, value)
        if isinstance(test, TextTest) and test.depends_on_case(value):
            return self._disregards_case(row, value)
        return test(value)

    def _check_shape(self, row: Row, value: Any) -> None:
        """Raise ConversionError if the value of a text is no text, or that of a csv list no list."""
        field, test = self._condition.tested_path[-1], self._condition.test
        expected: type = str if isinstance(test, TextTest) else list if kind_of(field) == "csv" else object
        if not isinstance(value, expected):
            why, key = "no text" if expected is str else "no list", row.get(self._query.model.directus.pk.column)
            raise field.conversion_error(f"the server's value {field.display(value)}", why, key, value)

    def _disregards_case(self, row: Row, text: str) -> bool:
        field, known = self._condition.tested_path[-1], self._session.facts.disregards_case
        column = (field.model.directus.collection, field.column)
        if column not in known:
            known[column] = self._read_disregards_case(row, text)
        return known[column]

    def _read_disregards_case(self, row: Row, text: str) -> bool:
        """Return whether the server finds the row by the start of its text with one letter in the other case."""
        session, pk = self._session, self._query.model.directus.pk
        starts_alike = Comparison(self._condition.tested_path, "starts_with", case_pattern(text))
        query = Query(self._query.model, where=starts_alike, paths=((pk,),))
        pager = key_pager(query, [row[pk.column]], dialect_of(session), session.max_rows)
        return any(fetch(session, pager))
