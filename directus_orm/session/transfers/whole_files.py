"""Writing a file so that its path holds the whole of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4


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
