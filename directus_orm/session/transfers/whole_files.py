"""Writing a file so that its path holds the whole of it, or nothing; and under a name that leads nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

# What some system takes for a separator, a drive, a pattern or the end of a name.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
# Windows opens a device by these names, whatever follows the first dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.IGNORECASE)
# Bytes of a name that common file systems take.
_LONGEST_NAME = 255


def safe_name(name: str, default: str = "file") -> str:
    """Return the name for a file within a folder, whatever a server calls it: valid on every system, and no path.

    Folders in the name are left out, and characters that some system refuses become ``_``.
    """
    last = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    last = _UNSAFE.sub("_", last).strip(" ").rstrip(" .")
    last = f"_{last}" if _DEVICE.match(last) else last
    return _shortened(last) or default


def _shortened(name: str) -> str:
    """Return a name that is short enough for file systems, with its extension if that is short."""
    stem, dot, extension = name.rpartition(".")
    ending = (dot + extension).encode() if stem else b""
    ending = ending if len(ending) <= _LONGEST_NAME // 4 else b""
    beginning = name.encode()[: len(name.encode()) - len(ending)]
    kept = beginning[: _LONGEST_NAME - len(ending)].decode(errors="ignore")
    return (kept + ending.decode()).rstrip(" .")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that gets a path when the block ends without an error; a file of that path is replaced then.

    Raises:
        OSError: the folder does not exist, or may not be written to.
    """
    part = path.with_name(f".{uuid4().hex}.part")  # others may write to the same path
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
