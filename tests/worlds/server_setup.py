"""Collections, fields, relations and users on a test server, made by plain requests and not by the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from directus_orm.testing import DirectusServer

Spec = dict[str, Any]

# A server that has just started, on a busy machine, is "under pressure" now and then (G41).
_http = requests.Session()
_http.mount(
    "http://", HTTPAdapter(max_retries=Retry(8, status_forcelist=[503], allowed_methods=None, backoff_factor=0.2))
)

AUTO_KEY: Spec = {
    "field": "id",
    "type": "integer",
    "schema": {"is_primary_key": True, "has_auto_increment": True},
    "meta": {},
}
"""An auto-incremented key; `make_collection` takes it where no other is given."""

# The specials without which a column does not behave as its type (G46, and how Directus Studio makes them).
_SPECIALS = {
    "boolean": ["cast-boolean"],
    "timestamp": ["cast-timestamp"],
    "json": ["cast-json"],
    "csv": ["cast-csv"],
    "hash": ["hash"],
}


def post(server: DirectusServer, path: str, body: Any) -> Any:
    """Send a POST as the administrator, and return the data of the response."""
    headers = {"Authorization": f"Bearer {server.token}"}
    response = _http.post(server.url + path, json=body, headers=headers, timeout=60)
    assert response.ok, f"{path}: {response.status_code} {response.text}"
    return response.json()["data"] if response.content else None


def column(name: str, kind: str, *, special: Iterable[str] | None = None, **schema: Any) -> Spec:
    """Describe a field; ``schema`` takes is_nullable, is_unique, default_value, max_length, numeric_scale …"""
    specials = _SPECIALS.get(kind, []) if special is None else list(special)
    # Version 12 answers 400 to a field without meta.
    return {"field": name, "type": kind, "schema": schema, "meta": {"special": specials} if specials else {}}


def key(kind: str = "string", name: str = "id") -> Spec:
    """Describe a key that is not auto-incremented: a string, or a uuid that the server can make."""
    return column(name, kind, special=["uuid"] if kind == "uuid" else [], is_primary_key=True)


def list_field(name: str, special: str) -> Spec:
    """Describe the field of a list (o2m, m2m, m2a), which has no column."""
    return {"field": name, "type": "alias", "schema": None, "meta": {"special": [special]}}


def collection_spec(name: str, *columns: Spec, **meta: Any) -> Spec:
    """Describe a collection; without a key among the columns it gets ``id``. ``meta``: singleton=True …"""
    has_key = any((c.get("schema") or {}).get("is_primary_key") for c in columns)
    fields = [*([] if has_key else [AUTO_KEY]), *columns]
    return {"collection": name, "schema": {}, "meta": meta, "fields": fields}


def make_collection(server: DirectusServer, name: str, *columns: Spec, **meta: Any) -> None:
    """Create a collection, as `collection_spec` describes it."""
    post(server, "/collections", collection_spec(name, *columns, **meta))


def make_field(server: DirectusServer, collection: str, spec: Spec) -> None:
    """Add a field to a collection."""
    post(server, f"/fields/{collection}", spec)


def make_relation(
    server: DirectusServer,
    collection: str,
    field: str,
    related: str,
    kind: str = "integer",
    *,
    reverse: str | None = None,
    **schema: Any,
) -> None:
    """Add a many-to-one field of the other key's type; ``schema`` takes on_delete="CASCADE" …

    ``reverse`` names the list of rows on the other side.
    """
    if reverse is not None:
        make_field(server, related, list_field(reverse, "o2m"))
    make_field(server, collection, column(field, kind, special=["m2o"]))
    relation: Spec = {"collection": collection, "field": field, "related_collection": related}
    if reverse is not None:
        relation["meta"] = {"one_field": reverse}
    post(server, "/relations", {**relation, "schema": schema} if schema else relation)


def upload(server: DirectusServer, *, file: str, **values: str) -> None:
    """Store a file of this name; ``values`` are those of its row."""
    headers = {"Authorization": f"Bearer {server.token}"}
    content = {"file": (file, b"not really", "image/png")}
    response = _http.post(f"{server.url}/files", data=values, files=content, headers=headers, timeout=60)
    assert response.ok, response.text


def drop_collection(server: DirectusServer, name: str) -> None:
    """Delete a collection with its rows; one that is not there is no error."""
    relations = _send(server, "GET", f"/relations/{name}")
    for relation in relations.json()["data"] if relations.ok else ():
        if relation["related_collection"] == name:
            # A collection that refers to itself cannot be deleted; trying blocks an SQLite server for a minute.
            _send(server, "DELETE", f"/fields/{name}/{relation['field']}")
    _send(server, "DELETE", f"/collections/{name}")


def _send(server: DirectusServer, method: str, path: str, body: Any = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {server.token}"}
    response = _http.request(method, f"{server.url}{path}", json=body, headers=headers, timeout=60)
    assert response.status_code in {200, 204, 403, 404}, response.text  # 403: it is not there
    return response


@contextmanager
def user(
    server: DirectusServer,
    name: str,
    rules: Mapping[str, Any] | None = None,
    shown: Mapping[str, Iterable[str]] | None = None,
    fields: Mapping[str, Iterable[str]] | None = None,
    **may: Iterable[str],
) -> Iterator[str]:
    """Give the token of a user who may do this, and nothing else: ``notes=["read", "delete"]``.

    ``rules`` are filters of the rows that may be read, by collection, and ``fields`` all the fields that may be;
    version 12 takes neither (G42). ``shown`` are the fields that may be read on all rows, by collection; where the
    rules hide a row, its others are null (G27).
    """
    role = post(server, "/roles", {"name": name})["id"]
    holder, created = {"role": role}, [f"/roles/{role}"]
    if not server.version.startswith("10."):  # which has no policies: its permissions belong to roles
        policy = post(server, "/policies", {"name": name, "icon": "add"})["id"]
        post(server, "/access", {"role": role, "policy": policy})
        holder, created = {"policy": policy}, [f"/policies/{policy}", *created]
    permissions = []
    for collection, actions in may.items():
        rule = {"permissions": rules[collection]} if rules and collection in rules else {}
        limits = {"fields": [*(fields or {}).get(collection, "*")], **rule}
        for action in actions:
            permission = limits if action == "read" else {"fields": ["*"]}
            permissions.append({**holder, "collection": collection, "action": action, **permission})
    for collection, names in (shown or {}).items():
        permissions.append({**holder, "collection": collection, "action": "read", "fields": [*names]})
    if permissions:
        # At once: the server forgets its caches after each request.
        post(server, "/permissions", permissions)
    token = f"token-of-the-{name}"
    created = [f"/users/{post(server, '/users', {'role': role, 'token': token})['id']}", *created]
    try:
        yield token
    finally:
        for path in created:
            delete(server, path)


def delete(server: DirectusServer, path: str) -> None:
    """Send a DELETE as the administrator."""
    headers = {"Authorization": f"Bearer {server.token}"}
    response = _http.delete(server.url + path, headers=headers, timeout=60)
    assert response.ok, f"{path}: {response.status_code} {response.text}"


def set_app_access(server: DirectusServer, name: str, *, allowed: bool) -> None:
    """Let the `user` of this name use Directus's app, and so see the schema, or not."""
    holders = "roles" if server.version.startswith("10.") else "policies"
    found = _send(server, "GET", f"/{holders}?filter[name][_eq]={name}&fields=id").json()["data"]
    _send(server, "PATCH", f"/{holders}/{found[0]['id']}", {"app_access": allowed})
