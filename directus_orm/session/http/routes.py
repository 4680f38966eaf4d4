"""Routes of Directus 10 to 12: the rows of a collection, the rows that a request is about, GET as SEARCH."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import attrs

from ...core.request_response import Request, parsed_param

SYSTEM_LISTS = frozenset(
    (
        "access activity comments dashboards files flows folders notifications operations panels permissions "
        "policies presets revisions roles shares translations users versions"
    ).split()
)
"""The routes of Directus's own collections that list rows, by GET and by SEARCH."""


_ITEMS = "items"


def collection_segments(collection: str) -> tuple[str, ...]:
    """Return the segments of the path of a collection's rows: Directus's own have routes of their own."""
    system_name = collection.removeprefix("directus_")
    return (_ITEMS, collection) if system_name == collection else (system_name,)


def finds_by_keys(path: str) -> bool:
    """Return whether a list is read by the ``keys`` in the body of a SEARCH.

    Many routes of Directus's own collections take the ``keys``, and return the first 100 rows all the same (S26).
    A filter does there: no key of theirs is a text that a filter would evaluate.
    """
    return path.startswith(f"/{_ITEMS}/")


def list_route(request: Request) -> str | None:
    """Return the route that lists the rows a request is about; None if there is none."""
    return _route_and_keys(request)[0]


def deleted_keys(request: Request) -> list[Any] | None:
    """Return the keys of the rows that a request deletes; None if it is no deletion by key.

    Deleting rows by key a second time does no harm.
    """
    route, keys = _route_and_keys(request)
    if request.method != "DELETE" or route is None:
        return None
    if keys:
        return keys
    keys_in_body = request.json.get("keys") if isinstance(request.json, Mapping) else request.json
    return list(keys_in_body) if isinstance(keys_in_body, list | tuple) else None


def _route_and_keys(request: Request) -> tuple[str | None, list[Any]]:
    """Return the route of a list of rows, and the key of one row if the path ends in one."""
    match request.path.strip("/").split("/"):
        case [root, collection, *key] if root == _ITEMS and len(key) <= 1:
            return f"/items/{collection}", [unquote(segment) for segment in key]
        case [root, *key] if root in SYSTEM_LISTS and len(key) <= 1:
            return f"/{root}", [unquote(segment) for segment in key]
        case _:
            return None, []


def as_search(request: Request) -> Request:
    """Return a GET of a list as the SEARCH that means the same, with its parameters in the body.

    Other requests are returned as they are, and so is a GET with parameters in bracket form
    (``filter[id][_eq]=1``), which cannot be written in a body.
    """
    names = [name for name, _ in request.params]
    if not _reads_list(request) or any("[" in name for name in names) or len({*names}) < len(names):
        return request
    query = {name: parsed_param(name, value) for name, value in request.params}
    return attrs.evolve(request, method="SEARCH", params=(), json={"query": query}, body=None)


def _reads_list(request: Request) -> bool:
    route, keys = _route_and_keys(request)
    return request.method == "GET" and route is not None and not keys
