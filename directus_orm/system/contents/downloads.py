"""Downloading the contents of files: streamed, resumed where the connection broke, and never half a file."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ...core import cancellation
from ...core.errors import ServerError, TransportError
from ...core.progress import Progress, reporting
from ...core.request_response import Request, Response, url_path
from ...session.http.retry import RetryState
from ...session.session import Session
from ...session.transfers.whole_files import safe_name, whole_file

_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)$")


def asset_request(key: Any, params: tuple[tuple[str, str], ...] = ()) -> Request:
    """Return the request for the content of a file, past all caches, which may keep it for 30 days (S55)."""
    return Request("GET", url_path("assets", key), params, streamed=True, fresh=True)


@attrs.define
class Download:
    """The content of a file as it arrives; after a broken connection it goes on where it stopped.

    ``size`` is known once the first piece was asked for, unless the server does not say it.
    """

    session: Session
    request: Request
    size: int | None = None
    received: int = 0
    _mark: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """Yield the content.

        Raises:
            TransportError: the connection broke too often, or the content changed meanwhile.
            Forbidden: there is no such file, or this user may not read it.
        """
        attempts = RetryState(self.session.retry, self.request, self.session.api)
        while True:
            before = self.received
            try:
                yield from self._rest()
            except (ServerError, TransportError) as error:
                if self.received > before:  # it advances, so this is a new problem
                    attempts = RetryState(self.session.retry, self.request, self.session.api)
                pause = attempts.pause(error)
                if pause is None:
                    raise
            else:
                return
            cancellation.pause(pause)

    def _rest(self) -> Iterator[bytes]:
        if self.size is not None and self.received == self.size:
            return
        response = self.session.send(attrs.evolve(self.request, offset=self.received))
        self._check_place(response)
        for piece in response.data:
            self.received += len(piece)
            yield piece
        if self.size is not None and self.received != self.size:
            raise self._error(response, f"ended after {self.received:,} of {self.size:,} bytes", passing=True)

    def _check_place(self, response: Response) -> None:
        """Check that a response begins where the last one ended, in the same content."""
        mark, total = _mark(response), _total(response)
        if self.received and (response.status != 206 or (self._mark, self.size) != (mark, total)):
            response.data.close()
            raise self._error(response, "changed while it was downloaded, or cannot be resumed", passing=False)
        self._mark, self.size = mark, total

    def _error(self, response: Response, what: str, *, passing: bool) -> TransportError:
        msg = f"The content of {self.request.path} {what}."
        return TransportError(msg, status=response.status, request=self.request, passing=passing)


def _mark(response: Response) -> str | None:
    """Return what tells the content from a later one; Directus 10 has no ETag."""
    return response.headers.get("ETag") or response.headers.get("Last-Modified")


def _total(response: Response) -> int | None:
    """Return the length of the whole content, if a response says it."""
    if response.status == 206:
        match = _TOTAL.search(response.headers.get("Content-Range", ""))
        return None if match is None else int(match[1])
    length = response.headers.get("Content-Length")
    return None if length is None else int(length)


def save_to(download: Download, path: Path, progress: Progress = None) -> Path:
    """Write a download to a path. It gets this name when it is complete; a file of the name is replaced then."""
    with whole_file(path) as file:
        pieces = download.pieces()
        first = next(pieces, b"")
        with reporting(progress, download.size or 0, unit="B", label=path.name) as advance:
            for piece in _chained(first, pieces):
                file.write(piece)
                advance(len(piece))
    return path


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def path_for(to: str | os.PathLike[str], name: str) -> Path:
    """Return the path to save a file at: within a folder, under its own name, without any folders in it."""
    path = Path(to)
    return path / safe_name(name) if path.is_dir() else path


class ContentReader(io.RawIOBase):
    """A download as a file that is read once, from the beginning to the end."""

    def __init__(self, download: Download) -> None:
        self._pieces = download.pieces()
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to the size of a buffer into it; return the number of bytes, 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count

    def close(self) -> None:
        """Stop the download."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        super().close()
