"""Plain access to the rows of a collection, without models: dicts in, dicts out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from ...core.async_twins import async_twin
from ...core.errors import NotVisibleWarning, QueryError
from ...core.masking import MASK, masked_url
from ...core.request_response import Request, Row
from ...core.tracebacks import hides_locals
from .item_queries import ROW, check_choice, check_names
from .items_reading import ItemReads
from .key_columns import checked_key, checked_keys

# "." or ".." as a whole path segment, as it is or percent-encoded.
_DOT_SEGMENT = re.compile(r"(^|/|\\|%2f|%5c)(\.|%2e){1,2}($|/|\\|%2f|%5c)", re.IGNORECASE)


class Items(ItemReads):
    """The rows of one collection, as the server's JSON holds them. Collection and key may contain any character.

    Parameters are those of Directus (``fields``, ``filter``, ``sort``, ``limit`` …), as Python values; those of a
    write say what comes back. Long writes go in several requests, each a transaction: if one fails, the attribute
    ``bulk`` of the error says what happened to each row.

    ```python
    airlines = session.items("airlines")
    airlines.create({"carrier": "XX", "name": "New"})
    airlines.update("XX", {"name": "Other"})
    ```
    """

    @hides_locals
    def create(self, /, data: Row | Iterable[Row], **params: Any) -> Any:
        """Create one row, or all rows of a list in one transaction, and return the stored rows.

        The stored rows of a list come in the server's order, which may not be that of ``data``.
        """
        if isinstance(data, Mapping):
            return self._request("POST", self._path, params, _checked_data(data))
        return self._request("POST", self._path, params, _checked_rows(data))

    @hides_locals
    def create_many(self, /, rows: Iterable[Row], **params: Any) -> list[Row]:
        """Create any number of rows, and return the stored rows, in the server's order.

        Rows that this user may not read do not come back; a `NotVisibleWarning` says so.
        """
        check_names("create_many", params, ROW)
        data = _checked_rows(rows)
        stored = self._chunks.write(data, lambda chunk: self._write("POST", params, chunk, len(chunk)), "created")
        if len(stored) < len(data):
            message = (
                f"{self._collection!r}: {len(data)} rows were created; {len(data) - len(stored)} are not visible."
            )
            warnings.warn(message, NotVisibleWarning, stacklevel=3)
        return stored

    @hides_locals
    def update(self, /, key: object, data: Row, **params: Any) -> Any:
        """Change one row and return it; with None as key, change a singleton.

        Returns None if the row does not exist (for an administrator) or may not be read.
        """
        if key is None:
            return self._update_singleton(data, params)
        return self._request("PATCH", self._row_path(key), params, _checked_data(data))

    @hides_locals
    def update_many(self, /, keys: Iterable[object], data: Row, **params: Any) -> list[Row]:
        """Write the same changes to the rows with these keys, and return those that exist and may be read."""
        check_names("update_many", params, ROW)
        return self._update_keys(checked_keys(keys), data, params)

    @hides_locals
    def update_batch(self, /, rows: Iterable[Row], *, key: str | None = None, **params: Any) -> list[Row]:
        """Write changes of its own to each row, which has the key beside the changes; return the stored rows.

        ``key`` names the key, for users who may not read the server's list of fields. Raises `QueryError` if a row
        has no key.
        """
        check_names("update_batch", params, ROW)
        data = _checked_rows(rows)
        name = self._key_column(key).name if data else ""
        for number, row in enumerate(data):
            if row.get(name) is None:
                raise QueryError(f"update_batch(): row {number}, counted from 0, has no key {name!r}.")
        return self._chunks.write(data, lambda chunk: self._write("PATCH", params, chunk, len(chunk)), "updated")

    @hides_locals
    def update_by_query(
        self, /, query: Mapping[str, Any], data: Row, *, key: str | None = None, **params: Any
    ) -> list[Row]:
        """Write the same changes to every row that a query selects, and return those that may be read.

        The keys are read first, all of them, and the rows are written by key: Directus itself would change the
        first 100. ``query`` takes filter, search, sort, limit and offset. It has to say which rows; for all rows,
        that is ``{"limit": -1}``. A row that stops matching in between is changed all the same.

        ```python
        articles.update_by_query({"filter": {"status": {"_eq": "draft"}}}, {"status": "archived"})
        ```
        """
        check_names("update_by_query", params, ROW)
        check_choice("update_by_query", query)
        changes = _checked_data(data)
        return self._update_keys(self._selected_keys(query, key), changes, params)

    @hides_locals
    def update_singleton(self, /, data: Row, **params: Any) -> Any:
        """Change the row of a singleton, which need not exist yet, and return it; None if it may not be read."""
        check_names("update_singleton", params, ROW)
        return self._update_singleton(data, params)

    @hides_locals
    def delete(self, key: object) -> None:
        """Delete one row."""
        if key is None:
            raise ValueError("delete() takes the key of one row.")
        self._request("DELETE", self._row_path(checked_key(key)), {})

    @hides_locals
    def delete_many(self, keys: Iterable[object]) -> None:
        """Delete the rows with these keys; keys without a row are no error for an administrator."""
        self._delete_keys(checked_keys(keys))

    @hides_locals
    def delete_by_query(self, query: Mapping[str, Any], *, key: str | None = None) -> int:
        """Delete every row that a query selects, and return their number.

        The keys are read first, and the rows are deleted by key, as by `update_by_query`.
        """
        check_choice("delete_by_query", query)
        keys = self._selected_keys(query, key)
        self._delete_keys(keys)
        return len(keys)

    acreate = async_twin(create, changes=True)
    acreate_many = async_twin(create_many, changes=True)
    aupdate = async_twin(update, changes=True)
    aupdate_many = async_twin(update_many, changes=True)
    aupdate_batch = async_twin(update_batch, changes=True)
    aupdate_by_query = async_twin(update_by_query, changes=True)
    aupdate_singleton = async_twin(update_singleton, changes=True)
    adelete = async_twin(delete, changes=True)
    adelete_many = async_twin(delete_many, changes=True)
    adelete_by_query = async_twin(delete_by_query, changes=True)

    # --- for the methods above ------------------------------------------------------------------------------

    def _selected_keys(self, query: Mapping[str, Any], key: str | None) -> list[str | int]:
        name = self._key_column(key).name
        pages = self._pages(key=key, **{**query, "fields": [name]})
        return [row[name] for page in pages for row in page]

    def _update_keys(self, keys: list[str | int], data: Row, params: Mapping[str, Any]) -> list[Row]:
        changes = _checked_data(data)

        def build(chunk: list[Any]) -> Request:
            return self._write("PATCH", params, {"keys": chunk, "data": changes}, len(chunk))

        return self._chunks.write(keys, build, "updated")

    def _update_singleton(self, data: Row, params: Mapping[str, Any]) -> Any:
        changes = _checked_data(data)
        if "data" in changes and not {"keys", "query"}.isdisjoint(changes):
            self.singleton()  # an ordinary collection would take this for an update of many rows
        return self._request("PATCH", self._path, params, changes)

    def _delete_keys(self, keys: list[str | int]) -> None:
        self._chunks.write(keys, lambda chunk: Request("DELETE", self._path, json=chunk), "deleted")

    def _write(self, method: str, params: Mapping[str, Any], json: Any, count: int) -> Request:
        # With the limit, a server with a lower maximum refuses before it writes; else it returns fewer rows (G45).
        return Request(method, self._path, self._api.query_params({**params, "limit": count}), json)


def _checked_data(data: object) -> Row:
    """Return the values of a row; refuse the mask that Directus shows in the place of a secret (G6)."""
    if not isinstance(data, Mapping):
        raise TypeError(f"The values of a row are a dict, and not {type(data).__name__}.")
    if masked := [name for name, value in data.items() if value == MASK]:
        raise QueryError(
            f"{masked[0]!r} is {MASK!r}, which Directus shows in the place of a secret. "
            "Storing it would replace the secret: leave the field out."
        )
    return dict(data)


def _checked_rows(rows: object) -> list[Row]:
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise TypeError(f"Rows are a list of dicts, and not {type(rows).__name__}.")
    return [_checked_data(row) for row in rows]


def encoded_path(text: str) -> str:
    """Return a path as it is sent: with a leading slash, and percent-encoded where it is not yet."""
    if "?" in text or "#" in text or "://" in text:
        raise ValueError(f"{masked_url(text)!r} is not a path below the base URL. Give parameters as params=.")
    if _DOT_SEGMENT.search(text):
        raise ValueError(f"{text!r} is not a path below the base URL: servers and proxies resolve its dots.")
    return "/" + quote(text.lstrip("/"), safe="/%:@!$&'()*+,;=~")
