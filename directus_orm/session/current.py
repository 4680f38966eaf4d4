"""The current session: that of the innermost ``with``, else the default of the process set by `connect`."""

from __future__ import annotations

from typing import Any

from ..core.errors import ConfigurationError
from .session import Session, session_stack


def connect(session_or_url: Session | str, **options: Any) -> Session:
    """Make a session the default of this process, for all threads; ``options`` are those of `Session`.

    Returns the session. The previous default is not closed.
    Raises `ConfigurationError` if options are passed with a session.

    ```python
    connect("https://cms.example.com", token="…")
    Flight.objects.count()
    ```
    """
    if isinstance(session_or_url, str):
        session_or_url = Session(session_or_url, **options)
    elif options:
        raise ConfigurationError("connect() takes options with a URL; this session already has its own.")
    session_stack.default = session_or_url
    return session_or_url


def current_session() -> Session:
    """Return the session of the innermost ``with`` of this thread or task, else that of `connect`.

    Raises `ConfigurationError` if there is neither.
    """
    session = session_stack.get()
    if session is None:
        raise ConfigurationError(
            "There is no session. Open one around the call, `with Session(url, token=…):`; "
            "or set one for the whole process, `connect(url, token=…)`; "
            "or name it, `Model.objects.using(session)`. A new thread does not see the `with` blocks "
            "of the thread that started it, only connect() and using()."
        )
    return session
