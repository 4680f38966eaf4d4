"""What goes to a server and what comes back, before any of it is understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from ...core.masking import MASK


@attrs.frozen
class RawRequest:
    """What is sent: ``target`` follows the base URL as it stands; a header of None must not be there."""

    method: str
    target: str
    headers: dict[str, Any]
    body: bytes | None
    cookie: str | None
    private: bool
    """Whether the answer holds credentials, which no cache, hook or cookie jar of a caller may keep."""


@attrs.frozen
class RawResponse:
    """What came back, undecoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    from_cache: bool = False


class Connections(Protocol):
    """A way to the server."""

    def exchange(self, out: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send, and return what comes back, whatever it is; redirects are not followed.

        It tells when the request is sent (see `tell_sent`); if it cannot know, before it is.
        """
        ...

    def close(self) -> None:
        """Close what was opened; the next exchange opens it anew."""
        ...

    def forget(self) -> None:
        """Let go of what a parent process has opened."""
        ...

    def for_another_user(self) -> Connections:
        """Return the same way for requests whose answers are another user's."""
        ...


class Cookie(str):
    """A credential that travels as a cookie, and not as a bearer token: its text is ``name=value``."""

    __slots__ = ()

    @property
    def pair(self) -> str:
        """The cookie as it is sent."""
        return str.__str__(self)

    def __repr__(self) -> str:
        return f"<Cookie {MASK}>"
