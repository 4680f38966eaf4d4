"""Credentials: where they go, and that they are shown nowhere else."""

from __future__ import annotations

import gc
import logging
import pickle
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from directus_orm.core import errors
from directus_orm.core.request_response import Request
from directus_orm.session import Login, Session
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import Fault, FaultProxy, faulty
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]
SECRETS = ("hidden-token", "hidden-pass", "hidden-otp", "hidden-access", "hidden-refresh", "hidden-cookie")


def reachable(root: BaseException) -> Iterator[Any]:
    """Yield all that hangs on an exception: its attributes, arguments, causes, and what these hold.

    Frames of tracebacks hold what functions had in their hands, and modules all else: they are left out.
    """
    left, seen = [root], {id(root)}
    while left:
        one = left.pop()
        yield one
        if (
            isinstance(one, type | logging.Logger)
            or callable(one)
            or type(one).__name__ in {"traceback", "module"}
        ):
            continue
        for other in gc.get_referents(one):
            if id(other) not in seen and type(other).__name__ not in {"module", "traceback", "frame"}:
                seen.add(id(other))
                left.append(other)


def leaks(error: BaseException) -> list[str]:
    texts = [one for one in reachable(error) if isinstance(one, str | bytes)]
    plain = [text if isinstance(text, str) else text.decode("latin-1") for text in texts]
    return [text for text in plain if any(secret in text for secret in SECRETS)]


BROKEN = [
    Scripted(0),
    Scripted(502, "<html>"),
    Scripted(500, {"errors": [{"message": "no"}]}),
    Scripted(403, {"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}),
    Scripted(200, '{"data": [', cut=True),
    Scripted(200, '{"data": ['),
    Scripted(302, "", {"Location": "http://elsewhere.invalid/"}),
]


@pytest.mark.parametrize("answer", BROKEN, ids=str)
def test_no_error_holds_a_token(answer: Scripted, tiny: TinyServer, open_session: Open) -> None:
    """Neither itself, nor its causes, nor the requests that these keep."""
    tiny.answers(answer)
    session = open_session(tiny.url, token="hidden-token", retry=0)
    for method in ("GET", "POST"):
        with pytest.raises(errors.DirectusError) as caught:
            session.send(Request(method, "/items/x", json={} if method == "POST" else None))
        assert leaks(caught.value) == []


def test_no_error_of_a_refused_connection_holds_a_token(open_session: Open) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        session = open_session(f"http://127.0.0.1:{unused.getsockname()[1]}", token="hidden-token", retry=0)
        with pytest.raises(errors.TransportError) as caught:
            session.get("/items/x")
    assert isinstance(caught.value.__cause__, requests.ConnectionError)
    assert leaks(caught.value) == []


@pytest.mark.parametrize(
    "answer",
    [
        *BROKEN,
        Scripted(body={"data": {"access_token": "hidden-access"}}),
        Scripted(body='{"data": "hidden-access"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["json", "session"])
def test_no_error_of_a_login_holds_a_secret(
    answer: Scripted, mode: str, tiny: TinyServer, open_session: Open
) -> None:
    tiny.answers(answer)
    session = open_session(
        tiny.url, email="a@example.com", password="hidden-pass", otp="hidden-otp", mode=mode, retry=0
    )
    with pytest.raises(errors.DirectusError) as caught:
        session.get("/items/x")
    assert leaks(caught.value) == []
    assert b"hidden" not in pickle.dumps(caught.value)


def test_nothing_that_is_shown_or_logged_holds_a_secret(
    directus_server: DirectusServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Also not at level DEBUG, of any logger."""
    server = directus_server
    caplog.set_level(logging.DEBUG)
    for options in (
        {"token": server.token},
        {"email": server.email, "password": server.password},
        {"email": server.email, "password": server.password, "mode": "session"},
    ):
        session = open_session(server.url, **options)
        with session.capture() as sent:
            session.get("/users/me")
            session.close()
        auth: Any = session._state.auth
        shown = f"{session!r} {auth!r} {sent!r} {[entry.request for entry in sent]} {caplog.text}"
        assert server.token not in shown
        assert server.password not in shown
        assert "eyJ" not in shown
        assert pickle.dumps(session).count(server.password.encode()) == 0
        assert pickle.dumps(list(sent)).count(server.password.encode()) == 0


def test_a_proxy_that_breaks_leaves_no_token_behind(directus_server: DirectusServer, open_session: Open) -> None:
    with faulty(directus_server.port) as proxy:
        assert isinstance(proxy, FaultProxy)
        session = open_session(proxy.url, token="hidden-token", retry=0)
        for fault in (Fault.RESET_BEFORE, Fault.TRUNCATED, Fault.GATEWAY_AFTER):
            proxy.script(fault)
            with pytest.raises(errors.DirectusError) as caught:
                session.items("x").create({})
            assert leaks(caught.value) == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestTls:
    """A real TLS server, with certificates of an authority made for the test."""

    @pytest.fixture
    def bundle(self, authority: trustme.CA, tmp_path: Path) -> str:
        path = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(path)
        return str(path)

    @pytest.fixture
    def context(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    @pytest.fixture
    def secure(self, tiny: TinyServer, context: ssl.SSLContext) -> str:
        tiny._http.socket = context.wrap_socket(tiny._http.socket, server_side=True)
        return tiny.url.replace("http:", "https:")

    def test_an_unknown_certificate_is_refused_before_anything_is_sent(
        self, secure: str, tiny: TinyServer, open_session: Open
    ) -> None:
        session = open_session(secure, token="hidden-token")
        with (
            session.capture() as sent,
            pytest.raises(errors.TransportError, match=r"was not sent.*failed the TLS check.*verify=") as caught,
        ):
            session.items("x").create({})
        assert tiny.seen == []
        assert len(sent) == 1  # what is not trusted now will not be in a moment
        assert leaks(caught.value) == []

    def test_verify_takes_the_path_of_a_bundle(
        self, secure: str, bundle: str, tiny: TinyServer, open_session: Open
    ) -> None:
        assert open_session(secure, token="t", verify=bundle).get("/items/x") == []
        assert tiny.bearers == ["Bearer t"]

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_the_environment_names_a_bundle_as_for_requests(
        self, name: str, secure: str, bundle: str, open_session: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for each in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(each, raising=False)
        session = open_session(secure, token="t", retry=0)
        with pytest.raises(errors.TransportError, match="TLS"):
            session.get("/items/x")
        monkeypatch.setenv(name, bundle)
        assert session.get("/items/x") == []

    def test_a_certificate_for_another_host_is_refused(
        self, secure: str, bundle: str, tiny: TinyServer, authority: trustme.CA, open_session: Open
    ) -> None:
        other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("elsewhere.example").configure_cert(other)
        with TinyTls(other) as url, pytest.raises(errors.TransportError, match="failed the TLS check"):
            open_session(url, token="t", verify=bundle, retry=0).get("/items/x")

    def test_cert_shows_a_client_certificate(
        self, context: ssl.SSLContext, bundle: str, authority: trustme.CA, tmp_path: Path, open_session: Open
    ) -> None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(bundle)
        mine = authority.issue_cert("me@example.com")
        key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
        mine.private_key_pem.write_to_path(key)
        mine.cert_chain_pems[0].write_to_path(cert)
        with TinyTls(context) as url:
            assert open_session(url, token="t", verify=bundle, cert=(str(cert), str(key))).get("/items/x") == []
            with pytest.raises(errors.TransportError):
                open_session(url, token="t", verify=bundle, retry=0).get("/items/x")

    def test_a_missing_bundle_is_one_clear_error(self, secure: str, open_session: Open) -> None:
        with pytest.raises(errors.TransportError, match="no-such-file"):
            open_session(secure, token="t", verify="/no-such-file.pem").get("/items/x")


class TinyTls:
    """A tiny server of its own, over TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._tiny = TinyServer()
        self._tiny._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._tiny._http.socket = context.wrap_socket(self._tiny._http.socket, server_side=True)

    def __enter__(self) -> str:
        return self._tiny.url.replace("http:", "https:")

    def __exit__(self, *_: object) -> None:
        self._tiny.stop()


class TestProxies:
    def test_a_proxy_of_the_environment_is_used_and_left_again(
        self, tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As requests does, also when the environment changes while the session is open."""
        for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        session = open_session("http://directus.invalid", token="t", retry=0)
        monkeypatch.setenv("http_proxy", tiny.url)
        assert session.get("/items/x", {"limit": 1}) == []
        assert tiny.paths == ["http://directus.invalid/items/x?limit=1"]
        monkeypatch.setenv("no_proxy", "directus.invalid")
        with pytest.raises(errors.TransportError, match="cannot be found"):
            session.get("/items/x")

    def test_the_password_of_a_proxy_is_not_shown(
        self, open_session: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            monkeypatch.setenv("http_proxy", f"http://me:hidden-pass@127.0.0.1:{unused.getsockname()[1]}")
            session = open_session("http://directus.invalid", token="t", retry=0)
            with pytest.raises(errors.TransportError, match="through the proxy") as caught:
                session.get("/items/x")
        assert "hidden" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__cause__}"


def test_a_redirect_takes_no_credential_to_another_host(tiny: TinyServer) -> None:
    """Neither a token, nor the cookie of a session, nor a password."""
    other = TinyServer()
    try:
        for status in (301, 302, 303, 307, 308):
            tiny.answers(Scripted(status, "", {"Location": other.url + "/auth/login"}))
            for auth in ({"token": "t"}, {"email": "a@example.com", "password": "p"}):
                with pytest.raises(errors.TransportError, match="redirect"):
                    Session(tiny.url, **auth).get("/items/x")  # type: ignore[arg-type]
        assert other.seen == []
    finally:
        other.stop()


def test_a_login_of_ones_own_shows_only_the_address() -> None:
    assert repr(Login("a@example.com", "hidden-pass", otp="hidden-otp")) == "a@example.com"
