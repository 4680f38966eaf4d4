"""What tools show of an error: Sentry, rich tracebacks, pickles, logs; and the secrets that must not be in it."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from types import FrameType
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest

from directus_orm import Model, Session, field
from tests.worlds.tiny_server import Scripted

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
    "token of a mail": "mailed-token-1",
    "two-factor secret": "TWOFACTOR1SECRET",
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


# --- servers and what may not show -------------------------------------------------------------------------------


class Agent(Model, collection="agents"):
    id: int | None = field(default=None, primary_key=True)
    name: str = ""
    code: str | None = field(default=None, type="hash")
    token: str | None = None


def refusal(status: int, code: str, text: str) -> Scripted:
    """A refusal that quotes what was sent, as servers do."""
    entry = {"message": f"what is {text}?", "extensions": {"code": code, "value": text}}
    return Scripted(status, {"errors": [entry]}, {"Retry-After": "0"})


ANSWERS: dict[str, Callable[[str], Scripted]] = {
    "hangs up": lambda _: Scripted(0),
    "cut": lambda _: Scripted(200, '{"data": [', cut=True),
    "too late": lambda _: Scripted(delay=0.4),
    "broken": lambda text: Scripted(200, '{"data": [' + text),
    "web page": lambda text: Scripted(200, f"<html>{text}"),
    "plain": lambda text: Scripted(404, f"no {text} here", {"Content-Type": "text/plain"}),
    "gateway": lambda text: Scripted(502, f"<html>{text}"),
    "redirect": lambda text: Scripted(302, "", {"Location": f"http://me:{text}@x.invalid/?token={text}"}),
    "not encoded": lambda _: Scripted(200, "abc", {"Content-Encoding": "gzip"}),
    "400": lambda text: refusal(400, "INVALID_PAYLOAD", text),
    "401": lambda text: refusal(401, "INVALID_CREDENTIALS", text),
    "expired": lambda text: refusal(401, "TOKEN_EXPIRED", text),
    "403": lambda text: refusal(403, "FORBIDDEN", text),
    "404": lambda text: refusal(404, "ROUTE_NOT_FOUND", text),
    "409": lambda text: refusal(409, "RECORD_NOT_UNIQUE", text),
    "429": lambda text: refusal(429, "REQUESTS_EXCEEDED", text),
    "500": lambda text: refusal(500, "INTERNAL_SERVER_ERROR", text),
    "503": lambda text: refusal(503, "SERVICE_UNAVAILABLE", text),
    "bent": lambda text: Scripted(200, {"data": [{"id": [], "name": {}, "token": text, "code": text}]}),
}
TOKENS = {"access_token": SECRETS["access token"], "refresh_token": SECRETS["refresh token"], "expires": 900_000}
LOGGED_IN = {
    "json": Scripted(200, {"data": TOKENS}),
    "session": Scripted(200, {"data": {"expires": 900_000}}, {"Set-Cookie": f"name={SECRETS['cookie']}; Path=/"}),
}
LOGIN = {"email": "a@example.com", "password": SECRETS["password"], "otp": SECRETS["otp"]}
STATIC = {"token": SECRETS["static token"]}


@contextmanager
def exposed(session: Session, caplog: pytest.LogCaptureFixture) -> Iterator[list[BaseException]]:
    """Fail if the block shows a secret: in the error that ends it, in logs, warnings and captures."""
    caplog.set_level(logging.DEBUG)
    caught: list[BaseException] = []
    with warnings.catch_warnings(record=True) as warned, session.capture() as sent:
        warnings.simplefilter("always")
        try:
            yield caught
        except BaseException as failure:  # noqa: BLE001 - interrupts as well
            caught.append(failure)
    for error in caught:
        assert leaks(error) == set()
    assert found(f"{sent!r} {as_rich(list(sent))} {pickle.dumps(list(sent))!r}") == set()
    assert found(" ".join(str(warning.message) for warning in warned)) == set()
    assert found(caplog.text + "".join(repr(record.args) for record in caplog.records)) == set()
