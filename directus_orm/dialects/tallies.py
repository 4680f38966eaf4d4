"""Numbers of related rows, that come with each row.

The server counts the rows of a list, by ``count(list)``. Those of a many-to-many are its junction's, of which some
may lead nowhere, since the row at the other side was deleted: so they are listed, under a name of their own, and
counted here.
"""

from __future__ import annotations

from typing import Any

from ..query.conditions import server_path
from ..query.query import Query
from ..wire import Row

# Without a limit each list is cut at 100 (G24), with -1 at the server's maximum; it honours any other number.
_ALL = 1_000_000_000


def add(parts: Row, query: Query) -> None:
    """Add what brings the numbers of related rows to the parameters of a query."""
    for tally in dict.fromkeys(query.tallies):
        *outer, relation = tally.path
        place = server_path(outer)
        if not tally.is_listed:
            parts["fields"].append(".".join((*place, f"count({relation.column})")))
            continue
        junction = relation.steps[1]
        parts["fields"].append(".".join((*place, tally.key, junction)))
        listed = {"_limit": _ALL, "_filter": {junction: {"_nnull": True}}}
        if not place:
            _put(parts, ("alias", tally.key), relation.column)
        else:
            _put(parts, ("deep", *place, "_alias", tally.key), relation.column)
        _put(parts, ("deep", *place, tally.key), listed)


def _put(found: Row, names: tuple[str, ...], value: Any) -> None:
    *outer, last = names
    for name in outer:
        found = found.setdefault(name, {})
    found[last] = value
