"""Reading rows of instances again, by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.messages import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..query.query import Query
from ..reading.pagination.fetch import fetch
from ..reading.pagination.pager import key_pages
from ..session.session import Session
from .state import stored_key


def refetch_rows(session: Session, instances: Sequence[Any], fields: Iterable[Field]) -> list[Row | None]:
    """Read the rows of instances of one model again; of one that is not there, None.

    By SEARCH, which no cache of the server answers (G28).
    """
    info = type(instances[0]).directus
    pk: Field = info.pk
    query = Query(info.model, paths=tuple((field,) for field in dict.fromkeys((pk, *fields))))
    return refetch_by_query(session, query, instances)


def refetch_by_query(session: Session, query: Query, instances: Sequence[Any]) -> list[Row | None]:
    """Read what a query brings of the rows of instances; of one that is not there, None."""
    info, dialect = query.model.directus, dialect_of(session)
    if info.options.singleton:
        answer = session.send(dialect.read_singleton(query, fresh=True))
        return [dialect.singleton_row(answer, info)] * len(instances)
    pk: Field = info.pk
    keys = [stored_key(instance) for instance in instances]
    steps = key_pages(query, list(dict.fromkeys(keys)), dialect, session.max_rows)
    found = {pk.load(row[pk.column]): row for rows in fetch(session, steps) for row in rows}
    return [found.get(pk.load(key)) for key in keys]
