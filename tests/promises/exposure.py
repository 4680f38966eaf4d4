"""What tools show of an error: Sentry, rich tracebacks, pickles, logs; and the secrets that must not be in it."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from collections.abc import Iterator, Mapping
from itertools import chain
from types import FrameType
from typing import Any
from urllib.parse import quote, quote_plus

import attrs

SECRETS = {
    "static token": 'static"token+1/ab',
    "password": 'pass"wörd+1/ab',
    "otp": "otp-9471-55",
    "access token": "eyJaccess.eyJaccess.access-1",
    "refresh token": "eyJrefresh.eyJrefresh.refresh-1",
    "cookie": "eyJcookie.eyJcookie.cookie-1",
    "proxy password": "proxy-pass-1",
    "access_token=": "query-token-1",
    "filter[token]": "filter-token-1",
    "filter": "inner-token-1",
    "password of a user": 'user-"pass"-1',
    "GraphQL": "graphql-pass-1",
    "GraphQL variable": "variable-pass-1",
    "hash field": "hash-value-1",
}
_DEEPEST = 4
_LONGEST = 80


def _forms(secret: str) -> set[str]:
    """Return a secret as it is written in texts, JSON, URLs, reprs and base64, at every place in its triples."""
    encoded = secret.encode()
    in_base64 = {base64.b64encode(b"x" * shift + encoded)[4 * (shift > 0) : -4].decode() for shift in range(3)}
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(encoded)[2:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        *in_base64,
    }


_FORMS = {name: _forms(secret) for name, secret in SECRETS.items()}


def found(text: str) -> set[str]:
    """Return the names of the secrets in a text."""
    return {name for name, forms in _FORMS.items() if any(form in text for form in forms)}


def leaks(error: BaseException) -> set[str]:
    """Return what an error shows of secrets, and where."""
    return {f"{name} in {where}" for where, text in shown(error) for name in found(text)}


def errors_of(error: BaseException) -> list[BaseException]:
    """Return an error with its causes, contexts, and what its arguments hold."""
    every: list[BaseException] = []
    left: list[Any] = [error]
    while left:
        one = left.pop()
        if isinstance(one, BaseException) and not any(one is seen for seen in every):
            every.append(one)
            left += [one.__cause__, one.__context__, *one.args, *vars(one).values()]
    return every


def shown(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield what tools show of an error, each text with the place where it was found.

    The instances in ``error.bulk`` are the program's own, which may write them again: they are left out.
    """
    vars(error).pop("bulk", None)
    yield "pickle", pickle.dumps(error).decode("latin-1")
    yield "traceback", "".join(traceback.TracebackException.from_exception(error).format())
    for one in errors_of(error):
        kind = type(one).__name__
        yield f"str of {kind}", f"{one} {one!r} {one.args!r} {getattr(one, '__notes__', '')}"
        for name, value in vars(one).items():
            yield f"{kind}.{name}", f"{value!r} {as_rich(value)}"
        for frame in _frames(one):
            code = frame.f_code
            for name, value in list(frame.f_locals.items()):
                # As Sentry does it, and as rich does.
                yield f"{code.co_filename}:{code.co_name}:{name}", f"{_repr(value)} {as_rich(value)}"


def _frames(error: BaseException) -> list[FrameType]:
    """Return the frames of a traceback but those of tests, which stand for the program's own."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return [frame for frame in frames if not str(frame.f_globals.get("__name__")).startswith("tests")]


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - Sentry does so as well
        return f"<{error!r}>"


def as_rich(value: Any, depth: int = 0) -> str:
    """Return a value as rich shows it: it looks into containers and attrs classes, and cuts long texts."""
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        return _repr(value[:_LONGEST])
    if depth < _DEEPEST and isinstance(value, Mapping):
        return " ".join(as_rich(one, depth + 1) for one in chain(value.keys(), value.values()))
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return " ".join(as_rich(one, depth + 1) for one in value)
    if depth < _DEEPEST and attrs.has(type(value)):
        fields = [field for field in attrs.fields(type(value)) if field.repr]
        return " ".join(
            field.repr(getattr(value, field.name, None))
            if callable(field.repr)
            else as_rich(getattr(value, field.name, None), depth + 1)
            for field in fields
        )
    return _repr(value)
