"""The key of a collection without a model: its name and its kind, requested once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any
from uuid import UUID

import attrs

from ...core.errors import ConfigurationError, Forbidden, QueryError
from ...core.request_response import Request, Response, url_path

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
    send: Callable[[Request], Response],
    known: MutableMapping[str, KeyColumn],
    collection: str,
    name: str | None = None,
) -> KeyColumn:
    """Return the key of a collection, from what is known or from the server's list of fields.

    Args:
        send: sends a request.
        known: the keys that are known, to which a new one is added.
        collection: the name of the collection.
        name: the name of the key as the caller gave it; without one, it is that of the server.

    Raises:
        Forbidden: this user may not read the list of fields.
        ConfigurationError: the collection has no key that this user may read.
    """
    if name is not None and not (isinstance(name, str) and name):
        raise QueryError(f"key= is the name of a field, not {name!r}.")
    if collection in known and name in {None, known[collection].name}:
        return known[collection]
    try:
        fields = send(Request("GET", url_path("fields", collection), purpose="info")).data
    except Forbidden as error:
        if name is not None:
            return KeyColumn(name)
        message = f"{error} The key of {collection!r} is therefore not known: give its name, as key='id'."
        raise error.with_message(message) from None
    found = _key_among([each for each in fields if isinstance(each, dict)] if isinstance(fields, list) else [])
    if found is None or name not in {None, found.name}:
        if name is not None:
            return KeyColumn(name)
        raise ConfigurationError(
            f"The server shows this user no key of {collection!r}: give the name of the key, as key='id'."
        )
    known[collection] = found
    return found


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
