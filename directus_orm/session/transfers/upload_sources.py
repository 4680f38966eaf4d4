"""What can be uploaded: a path, bytes, an open file, or an iterator of bytes; as one part of a multipart body."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import attrs

from ...core.errors import QueryError
from ...core.request_response import Upload

Content = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Iterable[bytes]
"""The content of a file: the path of one, its bytes, an open binary file, or an iterable of pieces."""

_PIECE = 1 << 18
_NO_TYPE = "application/octet-stream"
_NO_NAME = "file"
_LINE = b"\r\n"


@attrs.frozen
class Source:
    """The content to upload: its name, its MIME type, its length if that is known, and its pieces.

    ``pieces`` takes the byte to begin with, and begins anew with each call; that of a source that is not
    ``repeatable`` can be called once, from the beginning.
    """

    name: str
    type: str
    length: int | None
    pieces: Callable[[int], Iterator[bytes]] = attrs.field(repr=False)
    repeatable: bool = True

    def as_part(self, texts: Mapping[str, str], on_sent: Callable[[int], object] = lambda _: None) -> Upload:
        """Return the multipart body that holds these texts, and the content as its last part.

        The server only reads texts that come before the content (G43). ``on_sent`` gets the size of each piece.
        """
        boundary = uuid4().hex
        head = b"".join(_text_part(boundary, name, text) for name, text in texts.items())
        head += _header(boundary, f'name="file"; filename="{_quoted(self.name)}"', self.type)
        tail = _LINE + f"--{boundary}--".encode() + _LINE

        def pieces() -> Iterator[bytes]:
            yield head
            for piece in self.pieces(0):
                yield piece
                on_sent(len(piece))
            yield tail

        length = None if self.length is None else len(head) + self.length + len(tail)
        return Upload(f"multipart/form-data; boundary={boundary}", pieces, length, self.repeatable)


def source_of(content: Any, filename: str | None, kind: str | None) -> Source:
    """Return the source for what a caller wants to upload.

    Without a ``filename``, that of the path or of the open file is taken. Without a type, the name decides.

    Raises:
        TypeError: the content is none of those that can be uploaded.
        OSError: there is no such file.
    """
    name = Path(filename or _name_of(content) or _NO_NAME).name
    kind = kind or mimetypes.guess_type(name)[0] or _NO_TYPE
    if isinstance(content, bytes | bytearray | memoryview):
        data = bytes(content)
        return Source(name, kind, len(data), partial(_pieces_of_bytes, data))
    if isinstance(content, str | os.PathLike):
        path = Path(content)
        return Source(name, kind, path.stat().st_size, partial(_pieces_of_path, path))
    if hasattr(content, "read"):
        return _file_source(content, name, kind)
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        return Source(name, kind, None, lambda _: _checked_pieces(content), repeatable=False)
    msg = (
        f"This takes the path of a file, bytes, an open binary file or an iterable of bytes, "
        f"not {type(content).__name__}."
    )
    raise TypeError(msg)


def _name_of(content: Any) -> str | None:
    if isinstance(content, str | os.PathLike):
        return os.fspath(content)
    name = getattr(content, "name", None)  # of an open file; a number, if it was opened by a descriptor
    return name if isinstance(name, str) else None


def _file_source(file: IO[bytes], name: str, kind: str) -> Source:
    if not file.seekable():
        return Source(name, kind, None, lambda _: _read_pieces(file), repeatable=False)
    start = file.tell()
    length = file.seek(0, os.SEEK_END) - start
    file.seek(start)

    def pieces(offset: int) -> Iterator[bytes]:
        file.seek(start + offset)
        return _read_pieces(file)

    return Source(name, kind, length, pieces)


def _pieces_of_bytes(data: bytes, offset: int) -> Iterator[bytes]:
    return (data[start : start + _PIECE] for start in range(offset, len(data), _PIECE))


def _pieces_of_path(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        yield from _read_pieces(file)


def _read_pieces(file: IO[bytes]) -> Iterator[bytes]:
    return _checked_pieces(iter(lambda: file.read(_PIECE), b""))


def _checked_pieces(pieces: Iterable[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if not isinstance(piece, bytes | bytearray | memoryview):
            msg = f"This takes pieces of bytes, not of {type(piece).__name__}: open files in binary mode ('rb')."
            raise TypeError(msg)
        if piece:  # an empty piece would end a body that is sent in chunks
            yield bytes(piece)


def _header(boundary: str, disposition: str, kind: str | None = None) -> bytes:
    lines = [f"--{boundary}", f"Content-Disposition: form-data; {disposition}"]
    lines += [] if kind is None else [f"Content-Type: {kind}"]
    return "\r\n".join([*lines, "", ""]).encode()


def _text_part(boundary: str, name: str, text: str) -> bytes:
    return _header(boundary, f'name="{_quoted(name)}"') + text.encode() + _LINE


def _quoted(text: str) -> str:
    """Return a name as browsers write it into a header."""
    if "\x00" in text:
        msg = f"{text!r} is no name of a file: it holds a NUL character."
        raise QueryError(msg)
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
