"""Reading rows of existing instances again, by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.request_response import Row
from ..dialects.registry import dialect_of
from ..fields.field import Field
from ..query.query import Query
from ..reading.rows_by_key import read_rows_by_key
from ..reading.unknown_names import explain_refusals
from ..session.session import Session
from .state import info_of, stored_key


def refetch_rows(session: Session, instances: Sequence[Any], fields: Iterable[Field]) -> list[Row | None]:
    """Read some fields of instances of one model again; return None for a row that does not exist.

    Uses SEARCH, since the server never takes the response to it from its cache (G28).
    """
    info = info_of(instances[0])
    query = Query(info.model, paths=tuple((field,) for field in dict.fromkeys((info.pk, *fields))))
    return refetch_by_query(session, query, instances)


def refetch_by_query(session: Session, query: Query, instances: Sequence[Any]) -> list[Row | None]:
    """Read what a query selects for the rows of instances; return None for a row that does not exist."""
    info, dialect = query.model.directus, dialect_of(session)
    if info.options.singleton:
        with explain_refusals(query, dialect):
            response = session.send(dialect.read_singleton(query, fresh=True))
        return [dialect.singleton_row(response, info)] * len(instances)
    pk: Field = info.pk
    keys = [stored_key(instance) for instance in instances]
    with explain_refusals(query, dialect):
        row_by_key = read_rows_by_key(session, query, keys)
    return [row_by_key.get(pk.load(key)) for key in keys]
