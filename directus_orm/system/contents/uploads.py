"""Uploading the contents of files, and replacing them."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import attrs

from ...core.errors import DirectusError, Forbidden, OutcomeUnknown, ServerError, TransportError
from ...core.json_codec import compact_json
from ...core.progress import Progress, reporting
from ...core.request_response import Request, Row, url_path
from ...fields.model_info import ModelInfo
from ...instances.state import does_not_exist, key_of
from ...session.session import Session
from ...session.transfers.upload_sources import Source
from .resumable_uploads import LARGE, ResumableUpload, part_size

_ROUTE = "files"
# In a part of a multipart body, the server takes these texts for values of another type (S12).
_READ_AS_VALUES = frozenset({"true", "false", "null"})
# What an upload in parts tells along with the content.
_TOLD_WITH_PARTS = ("filename_download", "title", "folder")
# What the server keeps of a former image when the new content is none (S39).
_OF_IMAGES: Row = {"width": None, "height": None, "metadata": None}


@attrs.frozen
class ContentUpload:
    """The content of one file on its way to the server.

    Args:
        session: sends it.
        info: describes the model whose fields are read back.
        source: the content.
        progress: what reports how much of it was sent.
    """

    session: Session
    info: ModelInfo
    source: Source
    progress: Progress = None

    def create(self, values: Row) -> Row:
        """Send the content of a new file with the values of its row; return the row.

        The row gets a key from here, so that it is found again if the connection breaks. Then a complete file is
        kept, and what is left of a broken one is deleted.
        """
        values = {"id": str(uuid4()), "filename_download": self.source.name, **values}
        row = self._created(values)
        name = {"filename_download": values["filename_download"]}
        return row if name.items() <= row.items() else self._patch(row["id"], name)  # Directus 10 keeps no quotes

    def _created(self, values: Row) -> Row:
        size = part_size(self.session) if self._is_large else None
        return self._send_whole(values) if size is None else self._send_in_parts(values, size)

    @property
    def _is_large(self) -> bool:
        return self.source.repeatable and (self.source.length or 0) > LARGE

    def _send_in_parts(self, values: Row, size: int) -> Row:
        """Send the content in parts, then those values that are not told along with it."""
        length = self.source.length or 0
        texts = {name: str(values[name]) for name in _TOLD_WITH_PARTS if name in values}
        with reporting(self.progress, length, unit="B", label=self.source.name) as advance:
            key = ResumableUpload(self.session, self.source, length, size).run(texts, advance)
        rows = self._rows(key)
        if not rows or rows[0].get("filesize") is None or int(rows[0]["filesize"]) != length:
            msg = f"{self.source.name} was sent in parts, and not all of them arrived in time: upload it again."
            raise OutcomeUnknown(msg)
        del values["id"]  # the server chose another key
        wrong = {name: value for name, value in values.items() if rows[0].get(name) != value}
        return self._patch(key, wrong) if wrong else rows[0]

    def _send_whole(self, values: Row) -> Row:
        try:
            return self._send("POST", url_path(_ROUTE), values)
        except Forbidden:
            # This user may not choose the key; without it, nobody can look for the row.
            if not self.source.repeatable:
                raise
            del values["id"]
            return self._send("POST", url_path(_ROUTE), values)
        except (TransportError, ServerError) as error:
            row = self._row_after_failure(values["id"])
            if row is None or not isinstance(error, OutcomeUnknown):
                raise
            return row

    def replace(self, instance: Any, values: Row) -> Row:
        """Replace the content of a file; return its row.

        Raises:
            DoesNotExist: there is no such file, or this user may not read it. The server would store a new one.
        """
        key = key_of(instance)
        if not self._rows(key):  # S13
            raise does_not_exist(instance)
        row = self._send("PATCH", url_path(_ROUTE, key), values)
        stale = {} if self.source.type.startswith("image/") else _OF_IMAGES
        # Directus 10 takes the name of the new content all the same.
        wrong = {name: value for name, value in {**values, **stale}.items() if row.get(name) != value}
        return self._patch(key, wrong) if wrong else row

    def _send(self, method: str, path: str, values: Row) -> Row:
        texts = {name: value if isinstance(value, str) else compact_json(value) for name, value in values.items()}
        misread = {name: values[name] for name, text in texts.items() if text.strip() in _READ_AS_VALUES}
        sent = {name: text for name, text in texts.items() if name not in misread}
        with reporting(self.progress, self.source.length or 0, unit="B", label=self.source.name) as advance:
            upload = self.source.as_part(sent, advance)
            request = Request(method, path, self._fields, upload=upload, key_column="id")
            response = self.session.send(request)
        if not isinstance(response.data, dict):
            msg = f"{method} {path} stored the content, but this user may not read the row of the file."
            raise OutcomeUnknown(msg, status=response.status, request=request.masked())
        return self._patch(response.data["id"], misread) if misread else response.data

    @property
    def _fields(self) -> tuple[tuple[str, str], ...]:
        return (("fields", ",".join(self._columns)),)

    @property
    def _columns(self) -> list[str]:
        return [field.column for field in self.info.fields.values()]

    def _patch(self, key: Any, values: Row) -> Row:
        request = Request("PATCH", url_path(_ROUTE, key), self._fields, json=values, key_column="id")
        row: Row = self.session.send(request).data
        return row

    def _rows(self, key: Any) -> list[Row]:
        """Return the row of a file, in a list; an empty list if there is none."""
        body = {"query": {"filter": {"id": {"_eq": str(key)}}, "fields": self._columns}}
        rows: list[Row] = self.session.send(Request("SEARCH", url_path(_ROUTE), json=body, purpose="info")).data
        return rows

    def _row_after_failure(self, key: str) -> Row | None:
        """Return the row of an upload whose response is lost, if all of the content arrived; else delete it."""
        try:
            rows = self._rows(key)
        except DirectusError:
            return None  # the first error says more
        for row in rows:
            size = row.get("filesize")
            if size is not None and self.source.length in {None, int(size)}:
                return row
            with suppress(DirectusError):
                delete_without_content(self.session, key)
        return None


def delete_without_content(session: Session, key: Any) -> None:
    """Delete the row of a file that has no content.

    Raises:
        ServerError: it could not be deleted.
    """
    try:
        session.send(Request("DELETE", url_path(_ROUTE, key)))
    except ServerError as error:
        # The server deletes the row, and then fails to delete what is not there (S14).
        query = {"filter": {"id": {"_eq": str(key)}}, "fields": ["id"]}
        request = Request("SEARCH", url_path(_ROUTE), json={"query": query}, purpose="info")
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR or session.send(request).data:
            raise
