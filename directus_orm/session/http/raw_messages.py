"""Undecoded requests and responses, and the protocol of the connections that exchange them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeGuard

import attrs

from ...core.masking import Secret


@attrs.frozen
class RawRequest:
    """A request as it is sent: ``target`` is appended to the base URL; a header of value None is not sent."""

    method: str
    target: str = attrs.field(repr=False)
    headers: dict[str, Any] = attrs.field(repr=False)
    body: bytes | Iterable[bytes] | None = attrs.field(repr=False)
    cookie: Secret | None
    private: bool
    """Whether the response holds credentials, which no cache, hook or cookie jar of the caller may keep."""
    streamed: bool = False
    """Whether the body of a successful response is left to the caller to read."""


class BodyStream(Protocol):
    """The body of a response that is read piece by piece."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the body. Raises one of `Connections.failures` if the connection breaks."""
        ...

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        ...


@attrs.frozen
class RawResponse:
    """A response as it arrived, undecoded; ``from_cache`` is True if it comes from the caller's own cache."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    from_cache: bool = False
    stream: BodyStream | None = None


class Connections(Protocol):
    """Connections to one server."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The exceptions that `exchange` raises when it fails."""
        ...

    def exchange(self, request: RawRequest, timeout: tuple[float, float]) -> RawResponse:
        """Send a request and return the response, whatever its status; redirects are not followed.

        Calls `notify_sent` when the request is sent; if that moment is not known, before it is sent.
        """
        ...

    def close(self) -> None:
        """Close the open connections; the next exchange opens new ones."""
        ...

    def reset_after_fork(self) -> None:
        """Drop the connections that the parent process opened."""
        ...

    def for_another_user(self) -> Connections:
        """Return connections to the same server for requests of another user."""
        ...


def is_credential(value: object) -> TypeGuard[str]:
    """Return whether a value can be sent as a token: visible ASCII characters without spaces."""
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable() and " " not in value


class Cookie(Secret):
    """A credential that is sent as a cookie instead of a bearer token: its text is ``name=value``."""

    __slots__ = ()

    def parts(self) -> set[str]:
        """Return the text, and the value alone."""
        return {self.reveal(), self.reveal().partition("=")[2]}
