"""Plain access below models: dicts in, dicts out."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from ..core.messages import Request, Response, Row, url_path

Send = Callable[[Request], Response]


# "." and ".." as a whole segment, in clear or encoded.
_DOTS = re.compile(r"(^|/|\\|%2f|%5c)(\.|%2e){1,2}($|/|\\|%2f|%5c)", re.IGNORECASE)


class Items:
    """The rows of one collection, as JSON gives them. Collection and key may hold any character.

    Parameters are those of Directus (``fields``, ``filter``, ``sort``, ``limit`` …), as Python values.
    The server's own rules hold: without ``limit`` a list ends after 100 rows.
    """

    def __init__(self, send: Send, collection: str) -> None:
        if not isinstance(collection, str):
            raise TypeError(f"{collection!r} is not the name of a collection.")
        self._send = send
        self._path = url_path("items", collection)

    def read(self, key: object = None, **params: Any) -> Any:
        """Return one row, if a key is given, else a list of rows (a singleton: its row)."""
        return self._sent("GET", self._at(key), params)

    def create(self, data: Row | Iterable[Row], **params: Any) -> Any:
        """Create one row, or all rows of a list in one transaction, and return what was stored.

        Stored rows of a list come in the server's order, not in yours (G11).
        """
        return self._sent("POST", self._path, params, data if isinstance(data, Mapping) else list(data))

    def update(self, key: object, data: Row, **params: Any) -> Any:
        """Change one row and return it; with None as key, change a singleton.

        Returns None where the row is missing (as an admin) or may not be read (G5).
        """
        return self._sent("PATCH", self._at(key), params, data)

    def delete(self, key: object) -> None:
        """Delete one row."""
        if key is None:
            raise ValueError("delete() takes the key of one row.")
        self._sent("DELETE", self._at(key), {})

    def _at(self, key: object) -> str:
        if key is None:
            return self._path
        if not isinstance(key, str | int | UUID) or isinstance(key, bool):
            raise TypeError(f"{key!r} is not a key: a key is a text, a whole number or a UUID.")
        return self._path + url_path(key)

    def _sent(self, method: str, at: str, params: Mapping[str, Any], json: Any = None) -> Any:
        return self._send(Request(method, at, encoded_params(params), json)).data


def encoded_path(text: str) -> str:
    """Return a path for the wire: a leading slash, percent-encoding kept, other characters encoded."""
    if "?" in text or "#" in text or "://" in text:
        raise ValueError(f"{text!r} is not a path below the base URL. Give parameters as params=.")
    if _DOTS.search(text):
        raise ValueError(f"{text!r} is not a path below the base URL: servers and proxies resolve its dots.")
    return "/" + quote(text.lstrip("/"), safe="/%:@!$&'()*+,;=~")


def encoded_params(params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return query parameters as Directus reads them: comma lists, and JSON for what is nested."""
    return tuple((name, _encoded(value)) for name, value in params.items() if value is not None)


def _encoded(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(v, str | int) for v in value):
        return ",".join(map(str, value))
    return jsonlib.dumps(value, ensure_ascii=False, separators=(",", ":"))
