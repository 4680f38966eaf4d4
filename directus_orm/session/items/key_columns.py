"""The key of a collection without a model: its name and its kind, requested once a session."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any
from uuid import UUID

import attrs

from ...core.checks import is_whole_number
from ...core.errors import ConfigurationError, Forbidden, QueryError
from ...core.request_response import Request, Send, url_path

_INTEGERS = frozenset({"integer", "bigInteger"})

Key = str | int | UUID


@attrs.frozen
class KeyColumn:
    """The field of a collection's key, and whether it is an integer, so that rows can be paged by it.

    ``lists`` are the fields that hold lists of related rows; None if they are not known.
    """

    name: str
    is_integer: bool = False
    lists: frozenset[str] | None = None


def find_key_column(
    send: Send, known: MutableMapping[str, KeyColumn], collection: str, path: str, name: str | None = None
) -> KeyColumn:
    """Return the key of a collection, from what is known, or from the server's list of fields.

    Users who may not read that list get the field that is called ``id``, if the server finds a row by it.

    Args:
        send: sends a request.
        known: the keys that are known, to which a new one is added.
        collection: the name of the collection.
        path: the path of its rows.
        name: the name of the key as the caller gave it.

    Raises:
        Forbidden: this user may not read the collection, or that field.
        ConfigurationError: it is not known which field is the key, or it is another one than the caller said.
    """
    if name is not None and not (isinstance(name, str) and name):
        raise QueryError(f"key= is the name of a field, not {name!r}.")
    found = known.get(collection) or _listed_key(send, collection) or _probed_key(send, path, name or "id")
    if found is None:
        return KeyColumn(name or "id")  # there are no rows
    if name not in {None, found.name}:
        raise ConfigurationError(f"The key of {collection!r} is {found.name!r}, and not {name!r}.")
    known[collection] = found
    return found


def _listed_key(send: Send, collection: str) -> KeyColumn | None:
    """Return the key in the server's list of fields; None if this user may not read the list, or not the key."""
    try:
        fields = send(Request("GET", url_path("fields", collection), purpose="info")).data
    except Forbidden:
        return None
    return _key_among([each for each in fields if isinstance(each, dict)] if isinstance(fields, list) else [])


def _probed_key(send: Send, path: str, name: str) -> KeyColumn | None:
    """Return a field as the key if the server finds a row by it; None if there are no rows.

    Raises:
        Forbidden: there is no such collection or field, or this user may not read it.
        ConfigurationError: it is not the key.
    """
    advice = "The key is not known: this user may not read the list of fields. Give its name, as key='…'."
    try:
        rows = send(Request("GET", path, (("fields", name), ("limit", "1")), purpose="info")).data
        if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
            return None
        value = rows[0].get(name)
        if value is None:  # Directus 10 leaves out fields that it does not have
            raise ConfigurationError(f"The rows have no {name!r}. {advice}")
        row = send(Request("GET", path + url_path(value), (("fields", name),), purpose="info")).data
    except Forbidden as error:
        raise error.with_message(f"{error} {advice}") from None
    if not isinstance(row, dict) or row.get(name) != value:
        raise ConfigurationError(f"The server finds no row by {name!r}, so that is not the key. {advice}")
    return KeyColumn(name, is_whole_number(value))


def _key_among(fields: list[dict[str, Any]]) -> KeyColumn | None:
    lists = frozenset(str(field.get("field")) for field in fields if field.get("type") == "alias")
    for field in fields:
        schema = field.get("schema")
        if isinstance(schema, dict) and schema.get("is_primary_key") is True:
            return KeyColumn(str(field.get("field")), field.get("type") in _INTEGERS, lists)
    return None


def checked_key(key: object) -> Key:
    """Return a key; raise TypeError if it is none."""
    if not isinstance(key, str | int | UUID) or isinstance(key, bool):
        raise TypeError(f"{key!r} is not a key: a key is a text, a whole number or a UUID.")
    return key


def checked_keys(keys: Iterable[object]) -> list[str | int]:
    """Return keys as they are sent, each once; raise TypeError if one of them is none."""
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise TypeError(f"{keys!r} is not a list of keys.")
    checked = (checked_key(key) for key in keys)
    return list(dict.fromkeys(str(key) if isinstance(key, UUID) else key for key in checked))
