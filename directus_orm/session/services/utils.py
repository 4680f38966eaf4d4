"""Small helpers of a server: random strings, hashes, the order of rows by hand, the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ...core.async_twins import async_twin
from ...core.errors import DoesNotExist, Forbidden, InvalidRequest, QueryError, UnsupportedQuery
from ...core.masking import Secret, as_secret
from ...core.request_response import Request, Response, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api
from ..http.error_mapping import unexpected_response

Send = Callable[[Request], Response]

_LONGEST_STRING = 500


class Utils:
    """The helpers of a server, each by one request."""

    def __init__(self, api: Api, send: Send) -> None:
        self._api = api
        self._send = send

    @hides_locals
    def random_string(self, length: int = 32) -> str:
        """Return a random text that the server makes, for example for a token; 1 to 500 characters.

        Raises `QueryError` for another length. Needs no login.
        """
        is_length = isinstance(length, int) and not isinstance(length, bool)
        if not is_length or not 1 <= length <= _LONGEST_STRING:
            raise QueryError(f"length={length!r} is not a whole number from 1 to {_LONGEST_STRING}.")
        # It may become a token: no cache may answer, and no error may show it.
        request = Request("GET", "/utils/random/string", (("length", str(length)),), fresh=True, confidential=True)
        response = self._send(request)
        if not isinstance(response.data, str) or len(response.data) != length:
            raise unexpected_response(response, "something else", "a random text")
        return response.data

    @hides_locals
    def hash(self, text: str | Secret) -> str:
        """Return the Argon2 hash of a text, as Directus stores those of passwords and of fields of type hash.

        Raises `UnsupportedQuery` on Directus 12, which hashes no texts any more.
        """
        response = self._hashed("generate", string=_secret("text", text))
        if not isinstance(response.data, str):
            raise unexpected_response(response, "something else", "a hash")
        return response.data

    @hides_locals
    def verify_hash(self, text: str | Secret, hash: str | Secret) -> bool:  # noqa: A002 - Directus's name for it
        """Return whether a hash is that of this text.

        Raises `QueryError` if ``hash`` is no Argon2 hash, and `UnsupportedQuery` on Directus 12.
        """
        hashed = _secret("hash", hash)
        if not hashed.reveal().startswith("$argon2"):
            raise QueryError("hash= is not an Argon2 hash, which begins with '$argon2'.")
        response = self._hashed("verify", string=_secret("text", text), hash=hashed)
        if not isinstance(response.data, bool):
            raise unexpected_response(response, "something else", "true or false")
        return response.data

    def _hashed(self, action: str, **body: Secret) -> Response:
        try:
            return self._send(Request("POST", f"/utils/hash/{action}", json=body, confidential=True))
        except InvalidRequest as error:
            if error.code != "ROUTE_NOT_FOUND":
                raise
        msg = "Only Directus 10 and 11 hash texts and verify hashes. Do it here, for example with argon2-cffi."
        raise UnsupportedQuery(msg)

    @hides_locals
    def sort(self, collection: Any, item: Any, to: Any) -> None:
        """Move a row to the place of another one, in the order that the app's users make by hand.

        ``collection`` is a model or the name of a collection, ``item`` and ``to`` are instances or keys. The
        collection needs a sort field (``meta.sort_field``); the server numbers the rows between anew, one by one:
        no revisions are made, and ``date_updated`` stays. Both rows are requested first, since the server numbers
        rows even if one of them does not exist.

        Raises `DoesNotExist` if a row does not exist, or is hidden from this user, and `InvalidRequest` if the
        collection has no sort field.

        ```python
        session.utils.sort(Article, item=7, to=3)
        ```
        """
        name = _collection(collection)
        keys = {"item": _key(name, item), "to": _key(name, to)}
        for key in keys.values():
            self._check_exists(name, key)
        self._send(Request("POST", "/utils/sort" + url_path(name), json=keys))

    def _check_exists(self, collection: str, key: str | int) -> None:
        path = self._api.items_path(collection) + url_path(key)
        try:
            self._send(Request("GET", path, (("fields", "*"),), fresh=True))
        except Forbidden as error:
            msg = f"There is no row {key!r} in {collection!r}, or this user may not read it. Nothing was sorted."
            raise DoesNotExist(msg) from error

    @hides_locals
    def clear_cache(self, *, system: bool = False) -> None:
        """Clear the server's cache of responses; ``system=True`` also that of its schema and permissions.

        Raises `Forbidden` for users who are no administrators.
        """
        self._send(Request("POST", "/utils/cache/clear", (("system", "true"),) if system else ()))

    arandom_string = async_twin(random_string)
    ahash = async_twin(hash)  # noqa: A003 - the method above is meant
    averify_hash = async_twin(verify_hash)
    asort = async_twin(sort, changes=True)
    aclear_cache = async_twin(clear_cache, changes=True)


def _secret(name: str, text: str | Secret) -> Secret:
    secret = as_secret(text)
    if not isinstance(secret, Secret):
        raise TypeError(f"{name}= takes a text or a Secret, not a value of type {type(text).__name__}.")
    if not secret.reveal():
        raise QueryError(f"{name}= is empty.")
    return secret


def _collection(subject: Any) -> str:
    """Return the collection of a model, or the name itself."""
    name = subject if isinstance(subject, str) else getattr(getattr(subject, "directus", None), "collection", None)
    if not isinstance(name, str) or not name:
        raise QueryError(f"{subject!r} is neither a model nor the name of a collection.")
    return name


def _key(collection: str, item: Any) -> str | int:
    """Return the key of an instance, or the key itself, as it is sent."""
    model = getattr(item, "directus", None)
    if model is not None and model.collection != collection:
        raise QueryError(f"{item!r} is a row of {model.collection!r}, not of {collection!r}.")
    key = item if model is None else item.pk
    if isinstance(key, UUID):
        return str(key)
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise QueryError(f"{item!r} has no key: give a saved instance, or a key (a text, a whole number, a UUID).")
    return key
