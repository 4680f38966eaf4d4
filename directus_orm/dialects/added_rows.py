"""Permissions: the server mixes them with rows that it does not store, and ignores the limit of the list (S27).

It adds what every user of the app may do, as rows without a key. Directus 10 also merges all rows with the same
role, collection and action, into rows without a key; without these columns it would merge all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..core.errors import UnsupportedQuery
from ..core.request_response import Request, Row
from ..fields.model_info import ModelInfo
from ..session.http.routes import SYSTEM_COLLECTIONS

_ROUTES = frozenset(f"/{each.name}" for each in SYSTEM_COLLECTIONS.values() if each.adds_rows)


def has_added_rows(info: ModelInfo) -> bool:
    """Return whether the server adds rows that are not stored to those of a collection."""
    return info.collection in SYSTEM_COLLECTIONS and SYSTEM_COLLECTIONS[info.collection].adds_rows


def complete(info: ModelInfo, fields: list[str]) -> list[str]:
    """Return the fields to ask for: all columns, where the server would merge rows without these."""
    return [*fields, "*"] if has_added_rows(info) else fields


def stored_rows(request: Request, rows: list[Any]) -> list[Any]:
    """Return those rows of a response that the server stores, as many as the request asked for.

    Raises:
        UnsupportedQuery: the server merged stored rows.
    """
    if request.path not in _ROUTES:
        return rows
    stored = [row for row in rows if not _is_added(row)]
    if any(isinstance(row, dict) and row.get("id") is None for row in stored):
        msg = (
            "Directus 10 shows permissions of the same role, collection and action as one, without its key, and "
            "those of your own role together with what all users of the app may do. Select others, or read these "
            "as a user of another role."
        )
        raise UnsupportedQuery(msg)
    limit = _limit(request)
    return stored if limit is None else stored[:limit]


def _is_added(row: Any) -> bool:
    return isinstance(row, dict) and row.get("id") is None and row.get("system") is True


def _limit(request: Request) -> int | None:
    """Return the number of rows that a request for rows asks for at most; None if it asks for all, or writes."""
    body = request.json if isinstance(request.json, Mapping) else {}
    params: Row = {"GET": dict(request.params), "SEARCH": body.get("query")}.get(request.method) or {}
    limit = json.loads(str(params.get("limit", -1)))
    return limit if isinstance(limit, int) and limit >= 0 else None
