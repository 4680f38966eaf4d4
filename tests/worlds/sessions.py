"""Helpers for tests of sessions: requests that were sent, calls from threads, tokens that are due or expired."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs

from directus_orm.session import Capture, Secret, Session
from directus_orm.testing import DirectusServer


def me(session: Session) -> Any:
    """Return the e-mail address of the session's user, by one request."""
    return session.get("/users/me", {"fields": "email"})["email"]


def exchanges(sent: Capture) -> list[tuple[str, int | None]]:
    """Return path and status of each request."""
    # A busy machine adds answers that the server is under pressure (G41), which are asked for again.
    return [(entry.request.path, entry.status) for entry in sent if entry.status != 503]


def data_requests(sent: Capture) -> int:
    """Return the number of requests for data: without logins and what is asked about the server."""
    return sum(entry.purpose == "data" for entry in sent)


def paths(sent: Capture) -> list[str]:
    return [path for path, _ in exchanges(sent)]


def in_threads(count: int, call: Callable[[], Any]) -> list[Any]:
    """Call from many threads, which begin at the same moment; return the results."""
    start_line = threading.Barrier(count)

    def run(_: int) -> Any:
        start_line.wait()
        return call()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class CountingExecutor(ThreadPoolExecutor):
    """Worker threads that count their calls."""

    def __init__(self, workers: int = 8) -> None:
        super().__init__(workers)
        self.calls = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        return super().submit(fn, *args, **kwargs)


def one_time_password(secret: Secret | str) -> str:
    """Return the current one-time password, as an authenticator app shows it; not one that expires at once."""
    step, left = divmod(time.time(), 30)
    if left > 20:
        time.sleep(30 - left)
        step += 1
    text = secret if isinstance(secret, str) else secret.reveal()
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(step)), hashlib.sha1)
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


# --- tokens -------------------------------------------------------------------------------------------------


def change_tokens(session: Session, **changes: Any) -> None:
    auth: Any = session._state.auth
    auth._tokens = attrs.evolve(auth._tokens, **changes)


def make_due(session: Session) -> None:
    """Make the session believe that what it logged in with is about to expire."""
    change_tokens(session, due=0.0)


def forget_expiry(session: Session) -> None:
    """Make the session believe that its token lives for ever, as after a night of a sleeping laptop."""
    change_tokens(session, due=float("inf"))


def replace_by_expired(session: Session, server: DirectusServer) -> None:
    """Replace the session's token by one that expired yesterday; the session does not know."""
    auth: Any = session._state.auth
    change_tokens(session, access=Secret(expired(auth._tokens.access.reveal(), server)))


def let_expire(session: Session, server: DirectusServer) -> None:
    """Let the session's token expire, and its clock say so."""
    replace_by_expired(session, server)
    make_due(session)


def expired(token: str, server: DirectusServer) -> str:
    """Return the same JWT, which has expired, with the signature of the server."""
    header, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims |= {name: claims[name] - 86_400 for name in ("iat", "exp")}
    signed = f"{header}.{_base64(json.dumps(claims).encode())}"
    return f"{signed}.{_base64(hmac.digest(server._env['SECRET'].encode(), signed.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
