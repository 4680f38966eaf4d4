"""Plain access to the rows of a collection, without models: dicts in, dicts out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from ...core.masking import masked_url
from ...core.request_response import Request, Response, Row, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api

Send = Callable[[Request], Response]


# "." or ".." as a whole path segment, as it is or percent-encoded.
_DOT_SEGMENT = re.compile(r"(^|/|\\|%2f|%5c)(\.|%2e){1,2}($|/|\\|%2f|%5c)", re.IGNORECASE)


class Items:
    """The rows of one collection, as the server's JSON holds them. Collection and key may contain any character.

    Parameters are those of Directus (``fields``, ``filter``, ``sort``, ``limit`` …), as Python values.
    The server's own rules hold: without ``limit`` a list ends after 100 rows.
    """

    def __init__(self, send: Send, api: Api, collection: str) -> None:
        if not isinstance(collection, str):
            raise TypeError(f"{collection!r} is not the name of a collection.")
        self._send = send
        self._api = api
        self._path = api.items_path(collection)

    @hides_locals
    def read(self, key: object = None, **params: Any) -> Any:
        """Return one row if a key is given, else a list of rows (for a singleton, its row)."""
        return self._request("GET", self._row_path(key), params)

    @hides_locals
    def create(self, data: Row | Iterable[Row], **params: Any) -> Any:
        """Create one row, or all rows of a list in one transaction, and return the stored rows.

        The stored rows of a list come in the server's order, which may not be that of ``data``.
        """
        return self._request("POST", self._path, params, data if isinstance(data, Mapping) else list(data))

    @hides_locals
    def update(self, key: object, data: Row, **params: Any) -> Any:
        """Change one row and return it; with None as key, change a singleton.

        Returns None if the row does not exist (for an administrator) or may not be read.
        """
        return self._request("PATCH", self._row_path(key), params, data)

    @hides_locals
    def delete(self, key: object) -> None:
        """Delete one row."""
        if key is None:
            raise ValueError("delete() takes the key of one row.")
        self._request("DELETE", self._row_path(key), {})

    def _row_path(self, key: object) -> str:
        if key is None:
            return self._path
        if not isinstance(key, str | int | UUID) or isinstance(key, bool):
            raise TypeError(f"{key!r} is not a key: a key is a text, a whole number or a UUID.")
        return self._path + url_path(key)

    def _request(self, method: str, path: str, params: Mapping[str, Any], json: Any = None) -> Any:
        return self._send(Request(method, path, self._api.query_params(params), json)).data


def encoded_path(text: str) -> str:
    """Return a path as it is sent: with a leading slash, and percent-encoded where it is not yet."""
    if "?" in text or "#" in text or "://" in text:
        raise ValueError(f"{masked_url(text)!r} is not a path below the base URL. Give parameters as params=.")
    if _DOT_SEGMENT.search(text):
        raise ValueError(f"{text!r} is not a path below the base URL: servers and proxies resolve its dots.")
    return "/" + quote(text.lstrip("/"), safe="/%:@!$&'()*+,;=~")
