"""Paging in the order of an integer key: each page starts behind the last key seen.

Depth costs nothing then, and rows that come and go meanwhile neither repeat nor vanish: a page is one statement,
keys do not change, and the conditions leave no gap.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import attrs

from ...core.messages import Request
from ...fields.type_table import INTEGERS
from ...query.conditions import Comparison
from ...query.query import Query
from .pager_protocol import Pager, PageSizer


def has_keyset_order(query: Query) -> bool:
    """Return whether the rows are in the order of a key that the server compares (facts, 1.1)."""
    pk = query.model.directus.pk
    first, *others = query.total_order
    return first.path == (pk,) and first.function is None and not others and pk.value_type.kind in INTEGERS


def keyset_pager(query: Query, sizes: PageSizer) -> Pager:
    """Yield the turns that read a query whose order `has_keyset_order`."""
    pk, is_flat = query.model.directus.pk.column, _is_flat(query)
    rest, left = query, query.limit
    while left is None or left > 0:
        asked, (page,) = yield from sizes.asking(
            left,
            lambda size, rest=rest: (sizes.reader.read(rest.evolve(limit=size)),),  # type: ignore[misc]
            partial(_predict_next, query, sizes, left) if is_flat else None,
        )
        number = len(page.rows)
        sizes.grow_after(number, page.size)
        sizes.ready = page.rows
        if number < asked:
            break
        left = None if left is None else left - asked
        rest = after_key(query, page.rows[-1][pk])
        del page
    yield sizes.turn()


def after_key(query: Query, key: Any) -> Query:
    """Return the query for what follows the row with a key."""
    pk = query.model.directus.pk
    operator = "lt" if query.total_order[0].descending else "gt"
    return attrs.evolve(query.filtered(Comparison((pk,), operator, pk.dump(pk.load(key)))), offset=0)


# --- before a page is decoded -----------------------------------------------------------------------------------

_NUMBER = re.compile(rb'("-?[0-9]+"|-?[0-9]+)[,}]')


def _predict_next(
    query: Query, sizes: PageSizer, left: int | None, asked: int, body: bytes
) -> tuple[Request, ...]:
    """Return the request behind a page that is not decoded; none where it is the last one."""
    rows, key = peek_last_key(body, query.model.directus.pk.column)
    left = None if left is None else left - asked
    if key is None or rows < asked or left == 0:
        return ()
    further = attrs.evolve(sizes)
    further.grow_after(rows, len(body))
    return (sizes.reader.read(after_key(query, key).evolve(limit=further.next(left))),)


def peek_last_key(body: bytes, column: str) -> tuple[int, Any]:
    """Return the number of rows in the JSON of a page, and the key of the last as it stands there, or None.

    The key's name is looked for: within a text, the quotes around it have backslashes before them.
    """
    name = f"{json.dumps(column)}:".encode()
    at = body.rfind(name)
    found = _NUMBER.match(body, at + len(name)) if at >= 0 else None
    return body.count(name), None if found is None else json.loads(found[1])


def _is_flat(query: Query) -> bool:
    """Return whether each row is one JSON object without others in it, so that the key's name is there once."""
    plain = all(len(path) == 1 and not path[0].is_document for path in query.paths)
    return plain and not (query.related or query.nested or query.shown)
