"""What travels: a request and its answer, as values. Nothing here does I/O."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode

import attrs

Row = dict[str, Any]
Purpose = Literal["data", "login", "info"]

MASK = "**********"
_SECRET_NAMES = frozenset({"access_token", "otp", "password", "refresh_token", "secret", "token"})
_READING_METHODS = frozenset({"GET", "HEAD", "SEARCH"})


def path(*segments: object) -> str:
    """Join path segments, each percent-encoded whole, so that no key can reach another route."""
    return "".join("/" + _segment(str(segment)) for segment in segments)


def _segment(text: str) -> str:
    # Dots survive percent-encoding, and clients and proxies resolve "." and "..".
    if text in {"", ".", ".."}:
        msg = f"{text!r} cannot be a part of a URL path: a server would read it as another address."
        raise ValueError(msg)
    return quote(text, safe="")


def masked(value: Any) -> Any:
    """Return a copy of JSON data in which the values of secret names read ``**********``."""
    if isinstance(value, Mapping):
        return {
            k: MASK if k.lower() in _SECRET_NAMES and v is not None else masked(v) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(v) for v in value]
    return value


@attrs.frozen(repr=False, hash=False)
class Request:
    """One HTTP request to a Directus server, without host and without credentials.

    ``path`` is relative to the server's base URL and already percent-encoded (see `path`).
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    json: Any = None
    purpose: Purpose = "data"

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing, so that sending it twice is harmless."""
        return self.method in _READING_METHODS

    @property
    def url(self) -> str:
        """The path with its query string, as it goes over the wire."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path

    def __repr__(self) -> str:
        return f"<Request {self}>"

    def __str__(self) -> str:
        parts = [self.method, unquote(self.path)]
        parts += [f"{name}={value}" for name, value in masked(dict(self.params)).items()]
        if self.json is not None:
            parts.append(jsonlib.dumps(masked(self.json), ensure_ascii=False, default=str))
        return " ".join(parts)


@attrs.frozen
class Answer:
    """A successful answer: status, the envelope's ``data`` and ``meta``, and the headers.

    ``data`` is None for an answer without a body (204).
    """

    status: int
    data: Any = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
