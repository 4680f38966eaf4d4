"""Numbers of related rows, that come with each row.

The server counts the rows of a list, by ``count(list)``. Those over a junction are the junction's, of which some
may lead nowhere, since the row at the other side was deleted, or, of a many-to-any, to models that are not meant:
so they are listed, under a name of their own, and counted here.
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
        parts["fields"] += [".".join((*place, tally.key, *name)) for name in tally.names]
        # What a row of a many-to-any leads to is known when it comes: its column has the key of what is gone, too.
        where: Row = (
            {relation.options.collection: {"_in": tally.collections}}
            if relation.is_scoped
            else {relation.steps[1]: {"_nnull": True}}
        )
        listed = {"_limit": _ALL, "_filter": where}
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
