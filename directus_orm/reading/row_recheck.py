"""Testing rows in Python when they arrive, where the server can only be asked for more rows than are meant."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.paths import FieldPath
from ..query.conditions import And, Comparison, InSubquery, KeyList, all_of, split_key_list
from ..query.lookups.text_lookups import TextTest, case_pattern
from ..query.query import Query
from ..session.session import Session
from .pagination.pager_driver import fetch
from .pagination.pagers import key_pager
from .row_values import raw_getter


def needs_recheck(query: Query) -> bool:
    """Return whether rows are tested in Python, or given by their keys, so that the server cannot count them."""
    return bool(widened(query)[1]) or split_key_list(query.where)[1] is not None


def widened(query: Query) -> tuple[Query, list[InSubquery]]:
    """Return a query that the server can answer but that may find more rows, and the tests for these rows."""
    parts = query.where.parts if isinstance(query.where, And) else (query.where,)
    checks = [part for part in parts if isinstance(part, InSubquery) and _tests_own_rows(part, query)]
    if not checks and not any(isinstance(part, KeyList) for part in parts):
        return query, []
    where = all_of([*(part for part in parts if part not in checks), *(check.query.where for check in checks)])
    paths = dict.fromkeys([*query.paths, *(_path_in_rows(check.tested_path, query) for check in checks)])
    return query.evolve(where=where, paths=tuple(paths), limit=None, offset=0), checks


def _path_in_rows(path: FieldPath, query: Query) -> FieldPath:
    """Return where a value is in the rows: the key of a related row, if that row is read as well."""
    target = path[-1].target
    is_row_read = any(len(other) > len(path) and other[: len(path)] == path for other in query.paths)
    return path if target is None or not is_row_read else (*path, target.directus.pk)


def _tests_own_rows(condition: InSubquery, query: Query) -> bool:
    """Return whether a condition says which of the query's own rows pass a test, by their keys."""
    own = condition.path == (query.model.directus.pk,) and condition.query.model is query.model
    return own and condition.test is not None and not condition.negated


def recheck_pages(pages: Iterator[list[Row]], checks: list[RowRecheck], query: Query) -> Iterator[list[Row]]:
    """Yield the rows that pass, from the query's offset to its limit."""
    skip, left = query.offset, query.limit
    for rows in pages:
        passed = [row for row in rows if all(check(row) for check in checks)]
        skipped = min(skip, len(passed))
        skip -= skipped
        wanted = passed[skipped:] if left is None else passed[skipped : skipped + left]
        yield wanted
        if left is not None:
            left -= len(wanted)
            if not left:
                return


class RowRecheck:
    """Tests the value of a row; reads once how the database compares upper and lower case, if a test needs it."""

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
        if isinstance(test, TextTest) and test.depends_on_case(value):
            return self._disregards_case(row, value)
        return test(value)

    def _disregards_case(self, row: Row, text: str) -> bool:
        if self._session.disregards_case is None:
            self._session.disregards_case = self._read_disregards_case(row, text)
        return bool(self._session.disregards_case)

    def _read_disregards_case(self, row: Row, text: str) -> bool:
        """Read the row again on condition that its text starts with itself, with one letter in the other case."""
        session, pk = self._session, self._query.model.directus.pk
        starts_alike = Comparison(self._condition.tested_path, "starts_with", case_pattern(text))
        query = Query(self._query.model, where=starts_alike, paths=((pk,),))
        pager = key_pager(query, [row[pk.column]], dialect_of(session), session.max_rows)
        return any(fetch(session, pager))
