"""Two collections for tests of single requests: ``wire_articles`` and ``wire_texts``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from directus_orm.testing import DirectusServer

_KEY = {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}
_ARTICLES = {
    "collection": "wire_articles",
    "schema": {},
    "meta": {},
    "fields": [
        _KEY,
        {"field": "title", "type": "string", "schema": {"is_nullable": False}},
        {"field": "slug", "type": "string", "schema": {"is_unique": True}},
        {"field": "parent", "type": "integer", "schema": {}},
    ],
}
_TEXTS = {
    "collection": "wire_texts",
    "schema": {},
    "meta": {},
    "fields": [
        {"field": "id", "type": "string", "schema": {"is_primary_key": True, "has_auto_increment": False}},
        {"field": "text", "type": "string", "schema": {}},
    ],
}


@contextmanager
def wire_collections(server: DirectusServer) -> Iterator[None]:
    """wire_articles (parent refers to itself, deletes restricted) and wire_texts (keys are texts)."""
    relation = {"collection": "wire_articles", "field": "parent", "related_collection": "wire_articles"}

    def send(method: str, path: str, data: Any = None) -> None:
        headers = {"Authorization": f"Bearer {server.token}"}
        requests.request(method, server.url + path, json=data, headers=headers, timeout=30).raise_for_status()

    send("POST", "/collections", [_ARTICLES, _TEXTS])
    send("POST", "/relations", {**relation, "schema": {"on_delete": "NO ACTION"}})
    yield
    send("DELETE", "/fields/wire_articles/parent")  # SQLite cannot drop a table that refers to itself
    send("DELETE", "/collections/wire_articles")
    send("DELETE", "/collections/wire_texts")
