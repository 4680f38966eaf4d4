"""Paging through rows without a model, for `Items.read_all`: by the pagers of models, with any parameters."""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from ..core.request_response import Request, Row, param_text, parsed_param
from ..dialects.v10 import V10Dialect
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.registry import forget
from ..fields.type_table import JunctionKey
from ..query.query import Order, Query
from ..reading.pagination.complete_rows import complete_pager
from ..reading.pagination.key_window_pagination import key_window_pager
from ..reading.pagination.keyset_pagination import keyset_pager
from ..reading.pagination.page_size import PageSizer
from ..reading.pagination.pager_driver import fetch
from ..reading.pagination.pager_protocol import Pager
from ..session.items.key_columns import KeyColumn
from ..session.items.whole_lists import WholeList
from ..session.session import Session
from .model import Model

_numbers = itertools.count()


def read_pages(session: Session, rows: WholeList) -> Iterator[list[Row]]:
    """Return the pages of a whole list."""
    return fetch(session, _pager(session, rows), read_ahead=1)


def _pager(session: Session, rows: WholeList) -> Pager:
    model = _model(rows.collection, rows.key, rows.sorting_columns)
    info = model.directus
    fields = {each.column: each for each in info.fields.values()}
    order = (
        [Order((info.pk,), rows.is_descending)]
        if rows.is_keyset
        else [Order((fields[name],)) for name in rows.sorting_columns]
    )
    wanted = [(fields[name],) for name in rows.sorting_columns if rows.wants(name)]
    query = Query(
        model,
        order=tuple(order),
        paths=((info.pk,), (info.fields["row"],), *wanted),
        limit=rows.limit,
        offset=rows.offset,
    )
    dialect = _PlainDialect(rows)
    sizes = PageSizer(dialect, session.page_size, session.max_rows)
    if rows.is_keyset:
        return keyset_pager(query, sizes)
    return complete_pager(key_window_pager(query, sizes), query, dialect)


@functools.lru_cache(maxsize=256)
def _model(collection: str, key: KeyColumn, sorting_columns: tuple[str, ...]) -> Any:
    """Return a model that stands for the rows of a collection.

    It has the key, a field for all the rest, and the columns to sort by: their values tell whether a row moved.
    """
    columns = {f"column_{number}": name for number, name in enumerate(sorting_columns)}
    body = {
        "__annotations__": {
            "key": int if key.is_integer else JunctionKey,
            **dict.fromkeys(("row", *columns), dict[str, Any] | None),
        },
        "__module__": __name__,
        "__qualname__": f"PlainRows_{next(_numbers)}",
        "key": field(default=generated, primary_key=True, name=key.name),
        "row": field(default=None, name="*"),
        **{name: field(default=None, name=column) for name, column in columns.items()},
    }
    model = types.new_class("PlainRows", (Model,), {"collection": collection}, lambda names: names.update(body))
    forget(model)
    return model


@attrs.frozen
class _PlainDialect(V10Dialect):
    """The dialect for a whole list: it adds what the caller asked for to the requests of its pager."""

    whole: WholeList

    def read(self, query: Query, *, total: bool = False) -> Request:
        """Return the request for one page of rows, or of keys."""
        request = super().read(query, total=total)
        params = self._completed({name: parsed_param(name, value) for name, value in request.params}, query)
        texts = tuple((name, param_text(value)) for name, value in params.items())
        return attrs.evolve(request, params=texts)

    def read_keys(self, query: Query, keys: Sequence[Any]) -> Request:
        """Return the request for the rows with these keys."""
        request = super().read_keys(query, keys)
        params = self._completed(request.json["query"], query)
        return attrs.evolve(request, json={**request.json, "query": params})

    def _completed(self, params: Mapping[str, Any], query: Query) -> dict[str, Any]:
        rows = self.whole
        completed = {**params, **rows.others}
        if rows.where is not None:
            completed["filter"] = {"_and": [rows.where, params["filter"]]} if "filter" in params else rows.where
        if "sort" in params and not rows.is_keyset:
            completed["sort"] = list(rows.sort)
        if (query.model.directus.fields["row"],) in query.paths:  # whole rows, and not keys alone
            missing = (name for name in rows.sorting_columns if not rows.wants(name))
            completed["fields"] = [*rows.fields, *missing]
            completed |= {"deep": rows.deep} if rows.deep else {}
        else:
            completed.pop("alias", None)
        return completed
