"""A server or proxy that quotes the credential which it received makes no error show it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from directus_orm import Session
from directus_orm.core.request_response import Request
from tests.promises.exposure import ANSWERS, LOGGED_IN, LOGIN, SECRETS, STATIC, Agent, exposed, found
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]

QUOTES = ANSWERS | {
    "message": lambda text: Scripted(400, {"errors": [{"message": text}]}),
    "long message": lambda text: Scripted(400, {"errors": [{"message": "x" * 249 + text + "x" * 300}]}),
    "name": lambda text: Scripted(400, {"errors": [{"message": "no", text: {"extensions": [text]}}]}),
    "header": lambda text: Scripted(400, {"errors": [{"message": f"Authorization: Bearer {text}"}]}),
    "in a URL": lambda text: Scripted(302, "", {"Location": f"http://x.invalid/{quote(text)}"}),
    "no rows": lambda text: Scripted(200, {"data": f"of {text}"}),
    "a long page": lambda text: Scripted(502, "<" + "x" * 90 + text),
    "a repeated one": lambda text: Scripted(502, text * 5),
    "no status": lambda text: Scripted(text),
}
CREDENTIALS: dict[str, tuple[dict[str, Any], list[Scripted]]] = {
    "static token": (STATIC, []),
    "access token": (LOGIN, [LOGGED_IN["json"]]),
    "cookie": ({**LOGIN, "mode": "session"}, [LOGGED_IN["session"]]),
}


ACTS: dict[str, Callable[[Session], object]] = {
    "read": lambda session: list(Agent.objects.using(session)),
    "write": lambda session: Agent.objects.using(session).create(name="a"),
    "GraphQL": lambda session: session.graphql("{ x { id } }"),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("answer", QUOTES)
def test_no_server_that_quotes_the_credential_makes_it_show(
    answer: str, credential: str, act: str, tiny: TinyServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """As proxies do in their error pages, which show the headers that they received."""
    options, logged_in = CREDENTIALS[credential]
    secret = SECRETS[credential]

    def quote_headers(_: str) -> Scripted:
        received = " ".join(tiny.seen[-1][2].values())
        return QUOTES[answer](secret if secret in received else "no secret")

    tiny.answers(*logged_in, quote_headers)
    session = open_session(tiny.url, **options, retry=0, timeout=(1, 0.1))
    with exposed(session, caplog) as caught:
        ACTS[act](session)
    assert caught or act == "GraphQL"


def test_a_response_can_be_pickled_and_its_credential_is_left_out(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted())
    response = open_session(tiny.url, **STATIC).send(Request("GET", "/items/x"))
    pickled = pickle.dumps(response)
    assert pickle.loads(pickled) == response
    assert found(pickled.decode("latin-1")) == set()
