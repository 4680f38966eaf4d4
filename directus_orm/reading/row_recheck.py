"""Rows that are looked at again on arrival, where the server finds more than is meant."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.paths import FieldPath
from ..query.conditions import And, Comparison, InSubquery, KeyList, all_of, split_key_list
from ..query.lookups.text_lookups import TextTest, case_pattern
from ..query.query import Query
from ..session.session import Session
from .pagination.fetch import fetch
from .pagination.pagers import key_pager
from .row_values import _value


def needs_recheck(query: Query) -> bool:
    """Return whether `read` has to look at the rows, so that the server cannot count them."""
    return bool(widened(query)[1]) or split_key_list(query.where)[1] is not None


# --- rows that are looked at ----------------------------------------------------------------------------------


def widened(query: Query) -> tuple[Query, list[InSubquery]]:
    """Return a query that finds more rows, and what its rows have to pass to be those that are meant."""
    parts = query.where.parts if isinstance(query.where, And) else (query.where,)
    checks = [part for part in parts if isinstance(part, InSubquery) and _is_of_its_rows(part, query)]
    if not checks and not any(isinstance(part, KeyList) for part in parts):
        return query, []
    where = all_of([*(part for part in parts if part not in checks), *(check.query.where for check in checks)])
    paths = dict.fromkeys([*query.paths, *(_present(check.tested_path, query) for check in checks)])
    return query.evolve(where=where, paths=tuple(paths), limit=None, offset=0), checks


def _present(path: FieldPath, query: Query) -> FieldPath:
    """Return where a value is in the rows: of a relation whose row comes along, it is the key in there."""
    target = path[-1].target
    comes_along = any(len(other) > len(path) and other[: len(path)] == path for other in query.paths)
    return path if target is None or not comes_along else (*path, target.directus.pk)


def _is_of_its_rows(condition: InSubquery, query: Query) -> bool:
    own = condition.path == (query.model.directus.pk,) and condition.query.model is query.model
    return own and condition.test is not None and not condition.negated


def recheck_pages(
    pages_of_rows: Iterator[list[Row]], checks: list[RowRecheck], query: Query
) -> Iterator[list[Row]]:
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


class RowRecheck:
    """Lets the rows through whose value passes a test; asks the server once, if need be, what it makes of case."""

    def __init__(self, session: Session, query: Query, condition: InSubquery) -> None:
        self._session = session
        self._query = query
        self._condition = condition

    def __call__(self, row: Row) -> bool:
        """Return whether the row is meant."""
        condition, value = self._condition, _value(row, self._condition.tested_path)
        if value is None or condition.test is None:
            return False
        if isinstance(condition.test, TextTest) and condition.test.depends_on_case(value):
            return self._disregards_case(row, value)
        return condition.test(value)

    def _disregards_case(self, row: Row, text: str) -> bool:
        if self._session.disregards_case is None:
            self._session.disregards_case = self._asked(row, text)
        return bool(self._session.disregards_case)

    def _asked(self, row: Row, text: str) -> bool:
        """Ask whether a row's text begins with itself, one letter in the other case."""
        session, pk = self._session, self._query.model.directus.pk
        same = Comparison(self._condition.tested_path, "starts_with", case_pattern(text))
        query = Query(self._query.model, where=same, paths=((pk,),))
        return any(fetch(session, key_pager(query, [row[pk.column]], dialect_of(session), session.max_rows)))
