"""What the path of a request says: which list of rows, which key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import attrs

from ...core.messages import Request, _native

SYSTEM_LISTS = frozenset(
    (
        "access activity comments dashboards files flows folders notifications operations panels permissions "
        "policies presets revisions roles shares translations users versions"
    ).split()
)
"""The routes of Directus's own collections that list rows, by GET and by SEARCH."""


def listing(request: Request) -> bool:
    """Whether the request reads a list of rows on a route that knows SEARCH as well."""
    route, keys = _placed(request)
    return request.method == "GET" and route is not None and not keys


def list_route(request: Request) -> str | None:
    """Return the route that lists the rows of which the request speaks; None where there is none."""
    return _placed(request)[0]


def deletes_by_key(request: Request) -> list[Any] | None:
    """Return the keys of the rows that a request deletes, so that deleting them twice is harmless; else None."""
    route, keys = _placed(request)
    if request.method != "DELETE" or route is None:
        return None
    if keys:
        return keys
    named = request.json.get("keys") if isinstance(request.json, Mapping) else request.json
    return list(named) if isinstance(named, list | tuple) else None


def _placed(request: Request) -> tuple[str | None, list[Any]]:
    """Return the route of a list of rows, and the key of the one row that the path goes on to."""
    match request.path.strip("/").split("/"):
        case ["items", collection, *key] if len(key) <= 1:
            return f"/items/{collection}", [unquote(each) for each in key]
        case [root, *key] if root in SYSTEM_LISTS and len(key) <= 1:
            return f"/{root}", [unquote(each) for each in key]
        case _:
            return None, []


def as_search(request: Request) -> Request:
    """Return a listing GET as the SEARCH that means the same, its parameters in the body.

    Other requests are returned as they are, and so is a GET with parameters in bracket form
    (``filter[id][_eq]=1``), which have no equal in a body.
    """
    names = [name for name, _ in request.params]
    if not listing(request) or any("[" in name for name in names) or len({*names}) < len(names):
        return request
    query = {name: _native(name, value) for name, value in request.params}
    return attrs.evolve(request, method="SEARCH", params=(), json={"query": query}, body=None)
