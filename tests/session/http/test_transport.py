"""What goes over the wire: paths, parameters, bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from directus_orm.core.errors import OutcomeUnknown
from directus_orm.core.request_response import Request, url_path
from directus_orm.session import Session
from directus_orm.session.http.routes import as_search, deleted_keys
from directus_orm.testing import DirectusServer
from tests.worlds.tiny_server import Recorder, Scripted, TinyServer

KEYS = ["a/b", "a?b=c", "a#b", "%2F", "..a", "a b", "é☃", "~a", "a%2E%2E", "a;b,c", "'\"", "a+b", "../users", "me"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_arrives_as_one_raw_segment(
    key: str, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    """No character of a key changes the route: requests and urllib3 do not rewrite the path."""
    request = Request("GET", url_path("items", "x", key))
    open_session(tiny.url, token="t").send(request)
    assert tiny.paths == [request.path]


@pytest.mark.parametrize(
    "raw", ["/items/x/%2E%2E/y", "/items/x/%7Ea", "/items/%2E/y", "/items/x/%2F", "/items//x"]
)
def test_an_encoded_path_is_not_normalised(
    raw: str, tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    open_session(tiny.url, token="t").send(Request("GET", raw, (("fields", "a,b"), ("search", "ü&=%"))))
    assert tiny.paths == [f"{raw}?fields=a%2Cb&search=%C3%BC%26%3D%25"]


def test_a_request_is_sent_as_it_is_then(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    """What was changed since it was sent before is not passed over; one that is encoded stays as it was."""
    session, row = open_session(tiny.url, token="t"), {"a": 1}
    request = Request("POST", "/items/x", json=row)
    encoded = request.encoded()
    session.send(request)
    row["a"] = 2
    session.send(request)
    session.send(encoded)
    assert [body for *_, body in tiny.seen] == [b'{"a":1}', b'{"a":2}', b'{"a":1}']


@pytest.mark.usefixtures("collections")
@pytest.mark.parametrize("key", KEYS)
def test_keys_of_any_characters_work_on_a_real_server(key: str, session: Session) -> None:
    texts = session.items("wire_texts")
    texts.create({"id": key, "text": "old"})
    assert texts.update(key, {"text": "new"}) == {"id": key, "text": "new"}
    assert texts.read(key, fields=["text"]) == {"text": "new"}
    texts.delete(key)
    assert texts.read() == []


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_a_key_that_would_be_another_address_is_refused(key: str, session: Session) -> None:
    with pytest.raises(ValueError, match="another address"):
        session.items("wire_texts").read(key)


def test_a_base_url_with_a_sub_path_is_kept(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    session = open_session(tiny.url + "/cms/", token="t")
    session.get("items/x")
    session.get("/items/y")
    assert tiny.paths == ["/cms/items/x", "/cms/items/y"]
    assert session.url == tiny.url + "/cms"


def test_a_path_cannot_lead_to_another_host(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    session = open_session(tiny.url, token="t")
    session.get("@example.com/x")
    session.get("//example.com/x")
    assert tiny.paths == ["/@example.com/x", "/example.com/x"]
    with pytest.raises(ValueError, match="starts with"):
        session.send(Request("GET", "@example.com/x"))
    with pytest.raises(ValueError, match="params="):
        session.get("https://example.com/x")


def test_writes_are_json_whatever_the_body(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    """G14: a body of another type would make an empty row."""
    session = open_session(tiny.url, token="t")
    session.items("x").create({"a": "ü"})
    session.items("x").create([])
    assert [(headers["content-type"], json.loads(body)) for _, _, headers, body in tiny.seen] == [
        ("application/json", {"a": "ü"}),
        ("application/json", []),
    ]


def test_own_requests_session_is_used_and_not_changed(
    directus_server: DirectusServer, own_http: requests.Session, recorder: Recorder
) -> None:
    own_http.headers["X-Mine"] = "1"
    before = (dict(own_http.headers), own_http.auth, dict(own_http.adapters), own_http.verify, own_http.cert)
    with Session(directus_server.url, token=directus_server.token, http=own_http) as session:
        session.get("/users/me")
    assert recorder.sent[0].headers["X-Mine"] == "1"
    assert recorder.sent[0].headers["Authorization"] == f"Bearer {directus_server.token}"
    after = (dict(own_http.headers), own_http.auth, dict(own_http.adapters), own_http.verify, own_http.cert)
    assert after == before


def test_a_netrc_file_never_replaces_or_adds_credentials(
    tiny: TinyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_session: Callable[..., Session]
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    open_session(tiny.url, token="mine").get("/items/x")
    open_session(tiny.url).get("/items/x")
    assert tiny.bearers == ["Bearer mine", None]


def listing(**params: str) -> Request:
    return Request("GET", "/items/wire_articles", tuple(params.items()))


def test_as_search_says_the_same_in_a_body() -> None:
    request = listing(
        fields="id,title", filter='{"id":{"_in":[1,2]}}', limit="-1", offset="3", meta="filter_count"
    )
    assert as_search(request) == Request(
        "SEARCH",
        "/items/wire_articles",
        (),
        {
            "query": {
                "fields": "id,title",
                "filter": {"id": {"_in": [1, 2]}},
                "limit": -1,
                "offset": 3,
                "meta": "filter_count",
            }
        },
    )


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/items/x/1", (("fields", "a"),)),
        Request("GET", "/users/me", (("fields", "a"),)),
        Request("GET", "/settings", (("fields", "a"),)),
        Request("POST", "/items/x", (("fields", "a"),), {}),
        Request("GET", "/items/x", (("filter[a][_eq]", "1"),)),
        Request("GET", "/items/x", (("fields", "a"), ("fields", "b"))),
    ],
    ids=str,
)
def test_as_search_leaves_alone_what_search_cannot_say(request_: Request) -> None:
    assert as_search(request_) is request_


@given(st.dictionaries(st.sampled_from(["filter", "deep", "alias", "limit", "sort", "search"]), st.text()))
def test_as_search_never_fails_and_keeps_what_it_cannot_read(params: dict[str, str]) -> None:
    query = as_search(listing(**params)).json["query"]
    assert query.keys() == params.keys()
    assert all(isinstance(query[name], str) for name in params if name in {"sort", "search"})


@pytest.mark.usefixtures("collections")
@pytest.mark.parametrize(
    "params",
    [
        {"fields": "id,title", "sort": "-title,id", "limit": "3", "offset": "1"},
        {"fields": "id,title", "sort": "id", "limit": "2", "page": "2", "meta": "filter_count,total_count"},
        {"filter": '{"_or":[{"title":{"_contains":"1"}},{"id":{"_in":[2,4]}}]}', "fields": "*", "sort": "id"},
        {"fields": "id,parent.title,kind", "alias": '{"kind":"title"}', "sort": "id", "limit": "-1"},
        {"fields": "id,parent.id", "deep": '{"parent":{"_filter":{"id":{"_gt":1}}}}', "sort": "id"},
        {"aggregate": '{"count":"*","max":["id"]}', "groupBy": "title", "sort": "title", "limit": "-1"},
        {"search": "title 3", "fields": "id"},
    ],
    ids=str,
)
def test_search_gives_the_rows_that_get_gives(params: dict[str, str], session: Session) -> None:
    """Every parameter means the same in a URL and in a body."""
    articles = session.items("wire_articles")
    made = articles.create([{"title": f"title {n % 4}"} for n in range(6)], fields="id")
    keys = [row["id"] for row in made]
    for key in keys[1:]:
        articles.update(key, {"parent": keys[0]})
    try:
        request = listing(**params)
        by_get, by_search = session.send(request), session.send(as_search(request))
        assert by_get.data
        assert (by_get.data, by_get.meta) == (by_search.data, by_search.meta)
    finally:
        for key in reversed(keys):
            articles.delete(key)


@pytest.mark.usefixtures("collections")
def test_a_long_get_becomes_a_search_and_a_short_one_does_not(session: Session) -> None:
    """G36: the server refuses URLs of 16 KiB; the limit is on the whole path and query."""
    with session.capture() as sent:
        assert session.items("wire_articles").read(filter={"id": {"_in": list(range(9000))}}) == []
        assert session.items("wire_articles").read(filter={"id": {"_in": [1]}}) == []
        assert session.get("/users", {"filter": {"email": {"_in": ["x" * 8000]}}}) == []
    assert [entry.request.method for entry in sent] == ["SEARCH", "GET", "SEARCH"]


def test_the_length_that_counts_includes_the_base_path(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    room = 8000 - len("/items/x?search=")
    open_session(tiny.url).get("/items/x", {"search": "x" * (room - 1)})
    open_session(tiny.url).get("/items/x", {"search": "x" * room})
    open_session(tiny.url + "/cms").get("/items/x", {"search": "x" * (room - 4)})
    assert tiny.methods == ["GET", "SEARCH", "SEARCH"]


def test_plain_parameters_are_written_as_directus_reads_them(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    open_session(tiny.url).items("x").read(
        fields=["a", "b"], filter={"a": {"_eq": 1}}, limit=2, deep=None, backlink=False
    )
    assert tiny.paths == [
        "/items/x?fields=a%2Cb&filter=%7B%22a%22%3A%7B%22_eq%22%3A1%7D%7D&limit=2&backlink=false"
    ]


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        (Request("DELETE", "/items/x/a%2Fb"), ["a/b"]),
        (Request("DELETE", "/users/1"), ["1"]),
        (Request("DELETE", "/items/x", json=[1, 2]), [1, 2]),
        (Request("DELETE", "/items/x", json={"keys": ["a"]}), ["a"]),
        (Request("DELETE", "/items/x", json={"query": {"limit": 100}}), None),
        (Request("DELETE", "/items/x"), None),
        (Request("DELETE", "/collections/x"), None),
        (Request("DELETE", "/items/x/1/more"), None),
        (Request("PATCH", "/items/x/1"), None),
    ],
    ids=str,
)
def test_only_a_deletion_by_key_may_be_done_twice(request_: Request, keys: list[object] | None) -> None:
    """Done twice by a query, it deletes the next rows as well (G1)."""
    assert deleted_keys(request_) == keys


def test_a_deletion_by_query_is_not_repeated(tiny: TinyServer, open_session: Callable[..., Session]) -> None:
    tiny.answers(Scripted(0))
    session = open_session(tiny.url, token="t")
    for path_, body in (("/items/x", {"query": {"limit": 100}}), ("/collections/x", None)):
        before = len(tiny.seen)
        with pytest.raises(OutcomeUnknown):
            session.delete(path_, body)
        assert len(tiny.seen) == before + 1


def test_secrets_in_requests_are_masked_when_shown() -> None:
    """Neither a body, nor a parameter, nor a filter shows a token."""
    request = Request(
        "PATCH",
        "/users/1",
        (("access_token", "hidden1"), ("filter", '{"token":{"_eq":"hidden2"}}')),
        {"password": "hidden3", "nested": [{"Token": "hidden4"}], "name": "Ada"},
    )
    assert "hidden" not in repr(request) + str(request)
    assert "Ada" in str(request)
