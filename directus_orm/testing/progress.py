"""Shows on stderr that a long step still runs, on a terminal or in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_INTERVAL = {True: 0.5, False: 20.0}  # seconds between two lines, on a terminal and elsewhere


@contextmanager
def progress(step: str, *, after: float = 0.0) -> Iterator[None]:
    """Show on stderr that ``step`` is running, and for how many seconds.

    On a terminal one line is updated; elsewhere a line is written every 20 seconds.
    Nothing is shown for a step that is shorter than ``after`` seconds.
    """
    ended = threading.Event()
    reporter = threading.Thread(target=_report, args=(step, after, ended), daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()


def _report(step: str, after: float, ended: threading.Event) -> None:
    start = time.monotonic()
    if after and ended.wait(after):
        return
    terminal = sys.stderr.isatty()
    before, end = ("\r", "") if terminal else ("", "\n")
    while True:
        line = f"{step} … {time.monotonic() - start:.0f} s"
        _write(before + line + end)
        if ended.wait(_INTERVAL[terminal]):
            break
    line = f"{step} … took {time.monotonic() - start:.0f} s"
    _write(before + line + "\n")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
