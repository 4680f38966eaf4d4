"""A server of another generation needs only an `Api` of its own: here one like Directus 8 and API 1.1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs
import pytest

from directus_orm.core.errors import AuthenticationError, InvalidRequest, ServerError
from directus_orm.core.masking import Secret
from directus_orm.core.request_response import Request, Response, url_path
from directus_orm.session import Session, api_registry
from directus_orm.session.http.api import ErrorEntry, Tokens
from directus_orm.session.http.raw_messages import RawRequest, RawResponse
from directus_orm.session.http.v10_api import V10Api
from tests.worlds.tiny_server import Scripted, TinyServer


class OldApi(V10Api):
    """A project in the path, the token as a query parameter, refusals with status 200, no SEARCH."""

    error_classes: Mapping[str, type[ServerError]] = {"3": AuthenticationError, "12": InvalidRequest}
    advice: Mapping[str, str] = {}
    as_search = staticmethod(lambda request: request)

    def items_path(self, collection: str) -> str:
        return url_path("project", "items", collection)

    def login_request(self, email: str, password: Secret, otp: Secret | None, mode: str) -> Request:
        body = {"email": email, "password": password}
        return Request("POST", "/project/auth/authenticate", json=body, purpose="login")

    def read_tokens(self, response: Response, mode: str) -> Tokens | None:
        return Tokens(Secret(response.data["token"]), Secret(response.data["token"]), 1200)

    def refresh_request(self, refresh: Secret, mode: str) -> tuple[Request, Secret | None]:
        return Request("POST", "/project/auth/refresh", json={"token": refresh}, purpose="login"), None

    def is_expired(self, credential: Secret, error: AuthenticationError) -> bool:
        return error.code == "3"

    def raw_request(self, request: Request, credential: Secret | None) -> RawRequest:
        raw = super().raw_request(request, None)
        if credential is None:
            return raw
        params = urlencode([*request.params, ("access_token", credential.reveal())])
        return attrs.evolve(raw, target=f"{request.path}?{params}")

    def is_enveloped(self, request: Request) -> bool:
        return True

    def is_refusal(self, request: Request, raw: RawResponse, content: Any) -> bool:
        return raw.status >= 400 or content.get("success") is False

    def error_entries(self, content: Any) -> list[ErrorEntry] | None:
        error = content["error"]
        return [{"message": error["message"], "extensions": {"code": str(error["code"])}}]


class OldSession(Session):
    dialect_name: ClassVar[str] = "old"


@pytest.fixture
def old(tiny: TinyServer, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(api_registry, "_APIS", {"old": OldApi()})
    return OldSession(tiny.url, email="a@example.com", password="secret", retry=0)


def logged_in(token: str) -> Scripted:
    return Scripted(body={"data": {"token": token}, "public": True})


def test_routes_logins_and_credentials_are_those_of_its_api(tiny: TinyServer, old: Session) -> None:
    tiny.answers(logged_in("t1"), Scripted(body={"data": [{"id": 1}]}))
    assert old.items("articles").read(limit=1) == [{"id": 1}]
    assert tiny.paths == ["/project/auth/authenticate", "/project/items/articles?limit=1&access_token=t1"]
    assert json.loads(tiny.seen[0][3]) == {"email": "a@example.com", "password": "secret"}
    assert tiny.bearers == [None, None]


def test_a_long_url_is_sent_by_get_if_the_server_knows_no_search(tiny: TinyServer, old: Session) -> None:
    tiny.answers(logged_in("t1"), Scripted())
    old.items("articles").read(search="x" * 9000)
    assert tiny.methods == ["POST", "GET"]


def test_a_refusal_with_status_200_is_raised_by_its_own_codes(tiny: TinyServer, old: Session) -> None:
    refusal = {"success": False, "error": {"code": 12, "message": "Field 'x' is unknown"}}
    tiny.answers(logged_in("t1"), Scripted(body=refusal))
    with pytest.raises(InvalidRequest, match="Field 'x' is unknown") as caught:
        old.items("articles").create({"x": 1})
    assert (caught.value.code, caught.value.status) == ("12", 200)


def test_an_expired_token_is_known_by_its_own_code_and_renewed(tiny: TinyServer, old: Session) -> None:
    expired = {"error": {"code": 3, "message": "Unauthorized request"}}
    rows = Scripted(body={"data": []})
    tiny.answers(logged_in("t1"), Scripted(401, expired), logged_in("t2"), rows)
    assert old.items("articles").read() == []
    assert tiny.paths[1:] == [
        "/project/items/articles?access_token=t1",
        "/project/auth/refresh",
        "/project/items/articles?access_token=t2",
    ]


def test_sessions_derived_from_it_use_its_api(tiny: TinyServer, old: Session) -> None:
    tiny.answers(Scripted(body={"data": [{"id": 1}]}))
    assert old.with_options(token="t9").items("articles").read() == [{"id": 1}]
    assert tiny.paths == ["/project/items/articles?access_token=t9"]
