"""Paging in the order of an integer key: each page starts behind the last key seen.

Depth costs nothing then, and rows that come and go meanwhile neither repeat nor vanish: a page is one statement,
keys do not change, and the conditions leave no gap.
"""

from __future__ import annotations

from typing import Any

import attrs

from .conditions import Leaf
from .query import Query
from .turns import Sizes, Steps

_SOUGHT_BY_KEY = frozenset({"integer", "bigInteger"})


def can_be_sought(query: Query) -> bool:
    """Return whether the rows are in the order of a key that the server compares (facts, 1.1)."""
    pk = query.model.directus.pk
    first, *others = query.total_order
    return first.path == (pk,) and first.function is None and not others and pk.value_type.kind in _SOUGHT_BY_KEY


def seek(query: Query, sizes: Sizes) -> Steps:
    """Yield the turns that read a query whose order `can_be_sought`."""
    pk = query.model.directus.pk.column
    rest, left = query, query.limit
    while left is None or left > 0:
        asked, (page,) = yield from sizes.asking(
            left,
            lambda size, rest=rest: (sizes.reader.read(rest.evolve(limit=size)),),  # type: ignore[misc]
        )
        sizes.grow(page)
        sizes.ready, number = page.rows, len(page.rows)
        if number < asked:
            break
        left = None if left is None else left - asked
        rest = behind(query, page.rows[-1][pk])
        del page
    yield sizes.turn()


def behind(query: Query, key: Any) -> Query:
    """Return the query for what follows the row with a key."""
    pk = query.model.directus.pk
    operator = "lt" if query.total_order[0].descending else "gt"
    return attrs.evolve(query.filtered(Leaf((pk,), operator, pk.dump(pk.load(key)))), offset=0)
