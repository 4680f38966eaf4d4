"""Uploads in parts, by the protocol TUS: after a broken connection they go on where they stopped."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import attrs

from ...core import cancellation
from ...core.errors import ServerError, TransportError
from ...core.progress import Advance
from ...core.request_response import Request, Upload, url_path
from ...session.http.retry import RetryState
from ...session.session import Session
from ...session.transfers.upload_sources import Source

_ROUTE = ("files", "tus")
_VERSION = ("Tus-Resumable", "1.0.0")
_PART = "application/offset+octet-stream"
_GONE = frozenset({404, 410})

LARGE = 8 << 20
"""The length in bytes from which files are uploaded in parts, if the server takes that."""


def part_size(session: Session) -> int | None:
    """Return how many bytes the server takes at a time; None if it does not take uploads in parts."""
    uploads = session.info().raw.get("uploads")
    # Directus 10 does not say ``tus``, and has no entry at all where it is off.
    is_on = isinstance(uploads, Mapping) and uploads.get("tus", True)
    size = uploads.get("chunkSize") if is_on and isinstance(uploads, Mapping) else None
    return size if isinstance(size, int) and size > 0 else LARGE if is_on else None


@attrs.define
class ResumableUpload:
    """A content on its way to the server, in parts of ``size`` bytes. The server gives it ten minutes in all."""

    session: Session
    source: Source
    length: int
    size: int
    offset: int = 0

    def run(self, texts: Mapping[str, str], advance: Advance) -> str:
        """Send all of the content; return the key of the file. ``texts`` are values of its row.

        Raises:
            TransportError: the connection broke too often, or the time was over.
            ServerError: the server refused it.
        """
        path = self._begin(texts)
        key = self._key(path)
        attempts = self._new_attempts()
        while self.offset < self.length:
            before = self.offset
            try:
                self._send_part(path)
            except (ServerError, TransportError) as error:
                pause = attempts.pause(error)
                if pause is None or not isinstance(error, TransportError):
                    raise
                cancellation.pause(pause)
                self._ask_offset(path)
            if self.offset > before:
                advance(self.offset - before)
                attempts = self._new_attempts()
        return key

    def _begin(self, texts: Mapping[str, str]) -> str:
        names = {**texts, "type": self.source.type}
        metadata = ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in names.items())
        headers = (_VERSION, ("Upload-Length", str(self.length)), ("Upload-Metadata", metadata))
        response = self.session.send(Request("POST", url_path(*_ROUTE), headers=headers))
        # The address of a server behind a proxy may be another one than it believes.
        return url_path(*_ROUTE, response.headers.get("Location", "").rpartition("/")[2])

    def _key(self, path: str) -> str:
        """Ask for the key that the server chose: once the last part has arrived, the upload is forgotten."""
        response = self.session.send(Request("HEAD", path, headers=(_VERSION,), purpose="info"))
        entries = (entry.split(" ") for entry in response.headers["Upload-Metadata"].split(","))
        encoded = dict(entry for entry in entries if len(entry) == 2)
        return base64.b64decode(encoded["id"]).decode()

    def _new_attempts(self) -> RetryState:
        # A part that is sent again from the offset that the server tells does no harm: it counts as reading.
        return RetryState(self.session.retry, Request("HEAD", url_path(*_ROUTE)), self.session.api)

    def _send_part(self, path: str) -> None:
        length = min(self.size, self.length - self.offset)
        part = Upload(_PART, lambda: _first(self.source.pieces(self.offset), length), length)
        headers = (_VERSION, ("Upload-Offset", str(self.offset)))
        response = self.session.send(Request("PATCH", path, headers=headers, upload=part))
        self.offset = int(response.headers["Upload-Offset"])

    def _ask_offset(self, path: str) -> None:
        """Ask how much has arrived; after the last part, the server has forgotten the upload."""
        try:
            response = self.session.send(Request("HEAD", path, headers=(_VERSION,), purpose="info"))
        except (ServerError, TransportError) as error:
            if error.status not in _GONE:
                raise
            self.offset = self.length  # or the time is over: the row tells
            return
        self.offset = int(response.headers["Upload-Offset"])


def _first(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Yield the first bytes of a content."""
    for piece in pieces:
        yield piece[:length]
        length -= len(piece)
        if length <= 0:
            return
