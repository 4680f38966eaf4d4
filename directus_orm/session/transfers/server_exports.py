"""Exports that the server makes: it stores a file, and says so in a notification."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

import attrs

from ...core import cancellation
from ...core.errors import OutcomeUnknown, QueryError, ServerError
from ...core.request_response import Request, Send, url_path

ServerFormat = Literal["csv", "csv_utf8", "json", "xml", "yaml"]
"""The formats of the server; ``"csv_utf8"``, of Directus 11 and later, begins with the mark that Excel needs."""

_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


@attrs.frozen
class ServerExport:
    """An export on the server, which answers at once and works later, also if it will fail.

    The file gets its key from here, by which it is found.
    """

    send: Send
    collection: str
    format: str
    query: Mapping[str, Any]
    file: Mapping[str, Any]

    def run(self, timeout: float) -> UUID:
        """Start the export, wait for its end, and return the key of the file.

        Raises:
            QueryError: there is no such format.
            ServerError: the export failed, which the server tells without a reason.
            OutcomeUnknown: it takes longer than the timeout.
        """
        if self.format not in get_args(ServerFormat):
            choices = ", ".join(get_args(ServerFormat))
            raise QueryError(f"format={self.format!r} is none that the server writes: {choices}.")
        key, started, pause = uuid4(), time.monotonic(), _PAUSE
        last = self._last_notification()
        body = {"format": self.format, "query": dict(self.query), "file": {**self.file, "id": str(key)}}
        self.send(Request("POST", "/utils/export" + url_path(self.collection), json=body))
        while not self._is_stored(key):
            self._check_failures(last)
            if time.monotonic() - started > timeout:
                msg = f"The export of {self.collection!r} is not done after {timeout:g} s. Its file will be {key}."
                raise OutcomeUnknown(msg)
            cancellation.pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return key

    def _is_stored(self, key: UUID) -> bool:
        """Return whether the file has its content, and so its size."""
        condition = {"id": {"_eq": str(key)}, "filesize": {"_nnull": True}}
        return bool(self._search("/files", {"filter": condition, "fields": ["id"], "limit": 1}))

    def _last_notification(self) -> int:
        rows = self._search("/notifications", {"fields": ["id"], "sort": ["-id"], "limit": 1})
        return int(rows[0]["id"]) if rows else 0

    def _check_failures(self, last: int) -> None:
        subject = {"_eq": f"Your export of {self.collection} failed"}
        condition = {"id": {"_gt": last}, "subject": subject, "recipient": {"_eq": "$CURRENT_USER"}}
        query = {"filter": condition, "fields": ["message"], "sort": ["id"], "limit": 1}
        if rows := self._search("/notifications", query):
            raise ServerError(f"The export of {self.collection!r} failed. The server says: {rows[0]['message']}")

    def _search(self, path: str, query: Mapping[str, Any]) -> list[Any]:
        rows: list[Any] = self.send(Request("SEARCH", path, json={"query": query}, purpose="info")).data
        return rows
