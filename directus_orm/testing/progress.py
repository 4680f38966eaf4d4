"""Showing that a long step is alive, on a terminal and in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = {True: 0.5, False: 20.0}  # seconds between two signs of life, on a terminal and elsewhere


@contextmanager
def progress(what: str, *, after: float = 0.0) -> Iterator[None]:
    """Tell on stderr that ``what`` is going on, with the seconds it has taken.

    On a terminal one line is updated; elsewhere a line is written every 20 seconds.
    A step shorter than ``after`` seconds leaves no trace.
    """
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, after, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(what: str, after: float, over: threading.Event) -> None:
    start = time.monotonic()
    if after and over.wait(after):
        return
    terminal = sys.stderr.isatty()
    before, end = ("\r", "") if terminal else ("", "\n")
    while True:
        line = f"{what} … {time.monotonic() - start:.0f} s"
        _write(before + line + end)
        if over.wait(_EVERY[terminal]):
            break
    line = f"{what} … took {time.monotonic() - start:.0f} s"
    _write(before + line + "\n")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
