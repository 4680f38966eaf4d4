"""What travels: a request and its answer, as values. Nothing here does I/O."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode

import attrs

from .json_codec import dumps
from .masking import _SECRET_NAMES, masked

Row = dict[str, Any]
Purpose = Literal["data", "login", "info"]
_READING_METHODS = frozenset({"GET", "HEAD", "SEARCH"})
_JSON_PARAMS = frozenset({"aggregate", "alias", "deep", "filter"})
_MAY_BE_KEPT = re.compile(r"max-age=[1-9]")
_NUMBER_PARAMS = frozenset({"limit", "offset", "page"})


def url_path(*segments: object) -> str:
    """Join path segments, each percent-encoded whole, so that no key can reach another route."""
    return "".join("/" + _segment(str(segment)) for segment in segments)


def _segment(text: str) -> str:
    # Dots survive percent-encoding, and clients and proxies resolve "." and "..".
    if text in {"", ".", ".."}:
        msg = f"{text!r} cannot be a part of a URL path: a server would read it as another address."
        raise ValueError(msg)
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        msg = f"{text!r} cannot be a part of a URL path: half of a surrogate pair is no character."
        raise ValueError(msg) from error


def _shown(params: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for name, value in params:
        whole = _native(name, value)
        safe = masked({name: whole})[name]
        yield name, value if safe == whole else _text(safe)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False, default=str)


@attrs.frozen(repr=False, hash=False)
class Request:
    """One HTTP request to a Directus server, without host and without credentials.

    ``path`` is relative to the server's base URL and already percent-encoded (see `url_path`). ``secret`` names
    the fields of the body, in lower case, whose values are not shown. ``body`` is the encoded JSON, if known.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    json: Any = None
    purpose: Purpose = "data"
    secret: frozenset[str] = frozenset()
    body: bytes | None = attrs.field(default=None, eq=False)

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing, so that sending it twice is harmless."""
        return self.method in _READING_METHODS

    @property
    def url(self) -> str:
        """The path with its query string, as it goes over the wire."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path

    def encoded(self) -> Request:
        """Return the request with its JSON encoded, to be measured, and sent without doing so again.

        Raises:
            ValueError: it holds a number that JSON has not.
        """
        return attrs.evolve(self, body=dumps(self.json))

    def masked(self) -> Request:
        """Return a login without its secrets; other requests stay whole, to be sent again."""
        return attrs.evolve(self, json=masked(self.json), body=None) if self.purpose == "login" else self

    def __repr__(self) -> str:
        return f"<Request {self}>"

    def __str__(self) -> str:
        parts = [self.method, unquote(self.path)]
        parts += [f"{name}={value}" for name, value in _shown(self.params)]
        if self.json is not None:
            parts.append(_text(masked(self.json, _SECRET_NAMES | self.secret)))
        return " ".join(parts)


def _native(name: str, value: str) -> Any:
    # Comma lists stay texts: the server splits them the same way as those of a URL, parentheses included.
    if name not in _JSON_PARAMS and name not in _NUMBER_PARAMS:
        return value
    try:
        return jsonlib.loads(value) if name in _JSON_PARAMS else int(value)
    except ValueError:
        return value  # the server refuses it with the same words either way


@attrs.frozen
class Response:
    """A successful answer: status, the envelope's ``data`` and ``meta``, the headers, and the length of the body.

    ``data`` is None for an answer without a body (204); ``request`` is what was answered. ``from_cache`` says that
    the program's own cache answered.
    """

    status: int
    data: Any = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    size: int = 0
    request: Request | None = attrs.field(default=None, repr=False, eq=False)
    from_cache: bool = False

    @property
    def may_be_old(self) -> bool:
        """Whether a cache may have given it: the program's, the server's (G28), or one between."""
        control = self.headers.get("Cache-Control", "")
        return self.from_cache or "Age" in self.headers or _MAY_BE_KEPT.search(control) is not None
