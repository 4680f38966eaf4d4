"""Request and Response as values, and the parts of URLs. Nothing here does I/O."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf, isfinite
from typing import Any, Literal
from urllib.parse import quote, quote_plus, unquote, urlencode

import attrs

from .json_codec import compact_json, dumps
from .masking import (
    MASK,
    SECRET_NAMES,
    Secret,
    masked,
    masked_query,
    secret_texts,
    secret_variables,
    secrets_of_query,
)

Row = dict[str, Any]
Purpose = Literal["data", "login", "info"]
_READING_METHODS = frozenset({"GET", "HEAD", "SEARCH"})
_JSON_PARAMS = frozenset({"aggregate", "alias", "deep", "filter"})
_MAX_AGE = re.compile(r"max-age=[1-9]")
_BRACKETS = re.compile(r"[\[\]]")
_NUMBER_PARAMS = frozenset({"limit", "offset", "page"})


def url_path(*segments: object) -> str:
    """Join path segments, each fully percent-encoded, so that no key can lead to another route."""
    return "".join("/" + _segment(str(segment)) for segment in segments)


def _segment(text: str) -> str:
    # Percent-encoding leaves dots as they are, and clients and proxies resolve "." and "..".
    if text in {"", ".", ".."}:
        msg = f"{text!r} cannot be a part of a URL path: a server would read it as another address."
        raise ValueError(msg)
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        msg = f"{text!r} cannot be a part of a URL path: half of a surrogate pair is no character."
        raise ValueError(msg) from error


def _masked_params(params: tuple[tuple[str, str], ...], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in params:
        parsed = parsed_param(name, value)
        safe = MASK if _is_secret_param(name, names) else masked(parsed, names)
        yield name, value if safe is parsed else _text(safe)


def _is_secret_param(name: str, names: frozenset[str]) -> bool:
    """Return whether the value of a parameter is a secret, also in bracket form: ``filter[token][_eq]``."""
    return not names.isdisjoint(_BRACKETS.split(name.lower()))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False, default=str)


# The types of a key in JSON, which is null where it is hidden from this user; those of a number that the server
# computed, and of a text or a date.
_KEY_TYPES = frozenset({int, str, float, type(None)})
_TOTAL_TYPES = frozenset({int, str, float, type(None), bool})


@attrs.frozen
class RowShape:
    """What each row of a response must hold, so that code that reads the rows can rely on it.

    ``key`` is the field of a key, ``columns`` are fields of any value, and each of ``totals`` is the name of a
    function and of a field whose total is in an object of that name. There are at most ``most`` rows.
    """

    key: str | None = None
    most: float = inf
    columns: tuple[str, ...] = ()
    totals: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        names = [*((self.key,) if self.key else ()), *self.columns, *(f"{f}.{name}" for f, name in self.totals)]
        named = f" with {', '.join(names)}" if names else ""
        return named if self.most == inf else f"{named}, {self.most} at most,"

    def fits(self, rows: list[Any]) -> bool:
        """Return whether these are as many rows as there may be, all of this shape."""
        if len(rows) > self.most or not all(isinstance(row, dict) for row in rows):
            return False
        if self.key is not None and not _are_keys([row.get(self.key) for row in rows]):
            return False
        return all(self._has_values(row) for row in rows) if self.columns or self.totals else True

    def _has_values(self, row: Row) -> bool:
        totals = all(
            isinstance(row.get(function), dict) and row[function].get(field, ...).__class__ in _TOTAL_TYPES
            for function, field in self.totals
        )
        return totals and all(column in row for column in self.columns)


def _are_keys(values: list[Any]) -> bool:
    types = {value.__class__ for value in values}
    # An infinite number has no JSON: no row can be asked for by such a key.
    floats = [value for value in values if isinstance(value, float)] if float in types else []
    return types <= _KEY_TYPES and all(map(isfinite, floats))


ANY_ROWS = RowShape()


@attrs.frozen
class Upload:
    """A body that is sent piece by piece, so that it need not fit into memory.

    ``pieces`` begins it anew with each call; if it can do so once only, the upload is not ``repeatable``.
    Without a ``length``, the body is sent in chunks.
    """

    content_type: str
    pieces: Callable[[], Iterable[bytes]] = attrs.field(repr=False)
    length: int | None = None
    repeatable: bool = True


@attrs.frozen(repr=False, hash=False)
class Request:
    """One HTTP request to a Directus server, without host and without credentials.

    ``path`` is relative to the server's base URL and already percent-encoded (see `url_path`). ``secret`` holds
    the lower-case names of the fields whose values are masked in the repr, as those of passwords and tokens are.
    ``body`` is the encoded JSON, once `encoded` was called. ``is_masked`` says that values are masked for good.
    ``row_shape`` is what each row of the response must hold, and ``key_column`` the column of its key, if that is
    known. A ``fresh`` request tells caches not to answer it. A GET that ``changes`` something on the server is
    treated as a write. The response to a ``confidential`` one holds a secret that the server made, as that to a
    login does. An ``upload`` is a body in the place of JSON. Of a ``streamed`` request, the caller reads the body
    of the response piece by piece, from the byte ``offset`` on. ``headers`` are sent beside the usual ones.
    ``credential`` is what it was sent with: servers quote it, and no error may. It is not pickled.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    json: Any = attrs.field(default=None, repr=False)
    purpose: Purpose = "data"
    secret: frozenset[str] = frozenset()
    body: bytes | None = attrs.field(default=None, eq=False, repr=False)
    is_masked: bool = attrs.field(default=False, eq=False)
    row_shape: RowShape = attrs.field(default=ANY_ROWS, eq=False)
    key_column: str | None = attrs.field(default=None, eq=False, repr=False)
    fresh: bool = attrs.field(default=False, repr=False)
    confidential: bool = attrs.field(default=False, repr=False)
    changes: bool = attrs.field(default=False, repr=False)
    credential: Secret | None = attrs.field(default=None, eq=False, repr=False)
    upload: Upload | None = attrs.field(default=None, eq=False, repr=False)
    streamed: bool = attrs.field(default=False, repr=False)
    offset: int = attrs.field(default=0, repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)

    @property
    def reads(self) -> bool:
        """Whether the request only reads, so that sending it twice is harmless."""
        return self.method in _READING_METHODS and not self.changes

    @property
    def hides_response(self) -> bool:
        """Whether no error, cache or hook may show or keep the response."""
        return self.confidential or self.purpose == "login"

    @property
    def url(self) -> str:
        """The path with its query string, as it is sent."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path

    def encoded(self) -> Request:
        """Return the request with its JSON encoded, so that its length is known and it is not encoded again.

        Raises:
            ValueError: the JSON holds an infinity or NaN.
        """
        return attrs.evolve(self, body=dumps(self.json))

    def masked(self) -> Request:
        """Return the request without its secrets, which cannot be sent; itself if it has none."""
        params, json = self._shown()
        if json is self.json and params == self.params:
            return self if self.credential is None else attrs.evolve(self, credential=None)
        return attrs.evolve(self, params=params, json=json, body=None, is_masked=True, credential=None)

    def _shown(self) -> tuple[tuple[tuple[str, str], ...], Any]:
        """Return the parameters and the JSON without secrets."""
        names, query = self._secret_names, self._graphql_query
        json = masked(self.json, names)
        if query is not None and (shown := masked_query(query)) != query:
            json = {**json, "query": shown}
        return tuple(_masked_params(self.params, names)), json

    def secret_texts(self) -> set[str]:
        """Return the secrets that the request holds, and those that it was sent with."""
        names = self._secret_names
        texts = secret_texts([self.json, self.credential], names) | secrets_of_query(self._graphql_query or "")
        for name, value in self.params:
            texts |= secret_texts(parsed_param(name, value), names, inside=_is_secret_param(name, names))
        return texts

    def excerpt(self, data: Any) -> str:
        """Return the beginning of what a response contains, for a message, without the secrets of the request."""
        return repr(str(self.scrubbed(masked(data, self._secret_names)))[:80])

    def scrubbed(self, value: Any) -> Any:
        """Return a copy of JSON data in which the secrets of the request are masked, however they are written."""
        # Servers quote what they received: a token that is not unique, the values of a failed INSERT.
        secrets = {form for text in self.secret_texts() if len(text) > 2 for form in _forms(text)}
        return _masked_texts(value, sorted(secrets, key=len, reverse=True)) if secrets else value

    @property
    def _graphql_query(self) -> str | None:
        is_graphql = self.path.startswith("/graphql") and isinstance(self.json, Mapping)
        query = self.json.get("query") if is_graphql else None
        return query if isinstance(query, str) else None

    @property
    def _secret_names(self) -> frozenset[str]:
        """The lower-case names whose values are not shown."""
        query = self._graphql_query
        return SECRET_NAMES | self.secret | (frozenset() if query is None else secret_variables(query))

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in attrs.fields(Request) if f.name not in _NOT_PICKLED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, **dict.fromkeys(_NOT_PICKLED)}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<Request {self}>"

    def __str__(self) -> str:
        params, json = self._shown()
        parts = [self.method, unquote(self.path), *(f"{name}={value}" for name, value in params)]
        return " ".join(parts if json is None else [*parts, _text(json)])


_NOT_PICKLED = ("credential", "upload")


def _forms(text: str) -> set[str]:
    """Return a text as it is written itself, in JSON, in a repr, and in a URL."""
    in_json = (jsonlib.dumps(text)[1:-1], jsonlib.dumps(text, ensure_ascii=False)[1:-1])
    return {text, *in_json, repr(text)[1:-1], quote(text), quote(text, safe=""), quote_plus(text)}


def _masked_texts(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, Mapping):
        return {_masked_texts(k, secrets): _masked_texts(v, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_texts(v, secrets) for v in value]
    return value


def param_text(value: Any) -> str:
    """Return a query parameter as it is written in a URL: lists with commas, and JSON for nested values."""
    if isinstance(value, str):
        return value
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(v, str | int) for v in value):
        return ",".join(map(str, value))
    return compact_json(value)


def parsed_param(name: str, value: str) -> Any:
    """Return the value of a query parameter as it is written in the JSON body of a SEARCH."""
    # Lists with commas stay texts: the server splits them as it does in a URL, and parentheses count there.
    if name not in _JSON_PARAMS and name not in _NUMBER_PARAMS:
        return value
    try:
        return jsonlib.loads(value) if name in _JSON_PARAMS else int(value)
    except ValueError:
        return value  # the server refuses it in a body as it does in a URL


@attrs.frozen
class Response:
    """A successful response: status, the envelope's ``data`` and ``meta``, headers, and the length of the body.

    ``data`` is None for a response without a body (204). ``request`` is the request as it was sent. ``from_cache``
    is True for a response from the cache of the caller's own `requests.Session`.
    """

    status: int
    data: Any = attrs.field(default=None, repr=lambda data: repr(masked(data)))
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    size: int = 0
    request: Request | None = attrs.field(default=None, repr=False, eq=False)
    from_cache: bool = False

    @property
    def may_be_old(self) -> bool:
        """Whether the response may come from a cache: the program's, the server's, or one between them."""
        cache_control = self.headers.get("Cache-Control", "")
        return self.from_cache or "Age" in self.headers or _MAX_AGE.search(cache_control) is not None


Send = Callable[[Request], Response]
"""Sends a request and returns its response, as `Session.send` does."""
