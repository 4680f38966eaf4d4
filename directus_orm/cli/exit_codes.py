"""What the exit status of a command says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit status of ``directus-orm``; 2, for wrong arguments, is click's own."""

    DONE = 0
    DIFFERENT = 1
    NOT_ASKED = 3
    """The server could not be asked: no connection, no login, no permission."""
    REFUSED = 4
    """Nothing was written, since something would be lost."""
    INTERRUPTED = 130
    """Ctrl-C, as shells say it."""
