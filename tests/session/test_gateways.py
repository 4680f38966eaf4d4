"""Gateways that refuse the method SEARCH, as CloudFront and Cloud Run do: GET is sent in its place."""

from __future__ import annotations

import http.client
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from directus_orm import Count, DoesNotExist, Forbidden, Model, Retry, Session, UnsupportedQuery, field, generated
from directus_orm.testing import DirectusServer, start
from tests.promises.fault_proxy import FaultProxy, Hangup
from tests.worlds.server_setup import column, drop_collection, key, make_collection, make_relation, user
from tests.worlds.tiny_server import Scripted, TinyServer

MANY = 400
FAST = Retry(times=1, first_pause=0.01)


class Word(Model, collection="gateway_words"):
    id: str = field(primary_key=True)
    text: str | None = None


class Leaf(Model, collection="gateway_leaves"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    size: int | None = None
    word: Word | None = None


@pytest.fixture(scope="module")
def server(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(directus_server, "gateway_words", key("string"), column("text", "string"))
    make_collection(directus_server, "gateway_leaves", column("name", "string"), column("size", "integer"))
    make_relation(directus_server, "gateway_leaves", "word", "gateway_words", "string")
    with Session(directus_server.url, token=directus_server.token, timeout=300):
        Word.objects.bulk_create(Word(id=f"the-word-number-{n:03}", text=f"t{n}") for n in range(MANY))
        Leaf.objects.bulk_create(
            Leaf(name=f"n{n}", size=n, word=Word.objects.ref(f"the-word-number-{n:03}")) for n in range(MANY)
        )
    yield directus_server
    drop_collection(directus_server, "gateway_leaves")
    drop_collection(directus_server, "gateway_words")


@attrs.frozen
class Answer:
    """What a gateway answers to SEARCH; without a status it closes the connection."""

    status: int | None
    body: bytes = b"<html><h1>The request could not be satisfied</h1>"
    kind: str = "text/html"

    def __bytes__(self) -> bytes:
        headers = f"Content-Type: {self.kind}\r\nContent-Length: {len(self.body)}\r\n"
        return f"HTTP/1.1 {self.status} no\r\n{headers}\r\n".encode() + self.body


ANSWERS = {
    "403 HTML": Answer(403),
    "403 JSON of a gateway": Answer(403, b'{"message":"Forbidden"}', "application/json"),
    "405": Answer(405, b""),
    "501": Answer(501),
    "200 HTML": Answer(200),
    "closed": Answer(None),
}


class Gateway(FaultProxy):
    """Passes on everything but SEARCH."""

    answer = Answer(405)

    def _meet(self, fault: Any, message: Any, client: socket.socket, upstream: http.client.HTTPConnection) -> None:
        if message.method != "SEARCH":
            super()._meet(fault, message, client, upstream)
        elif self.answer.status is None:
            raise Hangup
        else:
            client.sendall(bytes(self.answer))

    @property
    def methods(self) -> list[str]:
        return [message.method for message in self.seen]


@contextmanager
def gateway(server: DirectusServer, answer: Answer = ANSWERS["405"]) -> Iterator[Gateway]:
    proxy = Gateway(int(server.url.rpartition(":")[2]))
    proxy.answer = answer
    try:
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def behind(server: DirectusServer) -> Iterator[Gateway]:
    with gateway(server) as proxy, Session(proxy.url, token=server.token, retry=FAST, timeout=60):
        yield proxy


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_reads_by_key_work_whatever_the_gateway_answers(server: DirectusServer, answer: Answer) -> None:
    """It is learnt once: the second read sends no SEARCH."""
    with gateway(server, answer) as proxy, Session(proxy.url, token=server.token, retry=FAST, timeout=60):
        leaf = Leaf.objects.only("name").get(name="n7")
        assert leaf.size == 7
        proxy.seen.clear()
        leaf.refresh()
        assert leaf.word is not None
        assert leaf.word.text == "t7"
        assert {*proxy.methods} == {"GET"}
        assert all(message.headers["cache-control"] == "no-store" for message in proxy.seen)


def test_everything_that_reads_by_key_works(behind: Gateway) -> None:
    leaf = Leaf.objects.get(name="n7")
    assert list(Leaf.objects.in_bulk([leaf.id, 10**8])) == [leaf.id]
    with pytest.raises(DoesNotExist):
        Leaf.objects.ref(10**8).refresh()
    leaf.name = "changed"
    leaf.save(if_unmodified=True)
    leaf.name = "n7"
    Leaf.objects.upsert([leaf])
    leaf.refresh()
    assert leaf.name == "n7"
    made = Leaf.objects.create(name="gone")
    assert Leaf.objects.filter(name="gone").update(size=-1) == 1
    assert Leaf.objects.filter(pk=made.id).delete() == 1
    assert not Leaf.objects.filter(name="gone").exists()
    assert [row.word.text for row in Leaf.objects.order_by("-size")[:5] if row.word] == [
        f"t{MANY - 1 - n}" for n in range(5)
    ]


def test_long_lists_are_divided_among_urls(behind: Gateway) -> None:
    words = [f"the-word-number-{n:03}" for n in range(MANY)]
    assert list(Word.objects.in_bulk(words[::-1])) == words[::-1]
    assert sorted(word.id for word in Word.objects.order_by("text")) == words
    assert [leaf.name for leaf in Leaf.objects.filter(word__in=words[:300])] == [f"n{n}" for n in range(300)]
    names = Leaf.objects.filter(word__in=words[:300]).order_by("-id").values_list("name", flat=True)
    assert list(names) == [f"n{299 - n}" for n in range(300)]
    assert list(names[120:260]) == [f"n{179 - n}" for n in range(140)]
    assert Leaf.objects.filter(word__in=words[:300]).count() == 300
    assert all(len(message.target) < 8_000 for message in behind.seen)


def test_sums_over_many_keys_are_divided_among_urls(behind: Gateway) -> None:
    Leaf.objects.ref(Leaf.objects.order_by("id")[0].id).refresh()
    assert Leaf.objects.order_by("-size")[:300].aggregate(n=Count("*")) == {"n": 300}


def test_what_no_url_can_carry_raises_an_error(behind: Gateway) -> None:
    words = [f"the-word-number-{n:03}" for n in range(MANY)]
    with pytest.raises(UnsupportedQuery, match=r"refuses the method SEARCH.*order by the key alone"):
        list(Leaf.objects.filter(word__in=words).order_by("name"))
    with pytest.raises(UnsupportedQuery, match=r"'\$NOW'.*would evaluate"):
        Word.objects.in_bulk(["$NOW"])


def test_a_refusal_of_directus_is_no_gateway(server: DirectusServer) -> None:
    with user(server, "gateway-reader", gateway_words=["read"]) as token, gateway(server) as proxy:
        with Session(server.url, token=token) as session:
            with session.capture() as sent, pytest.raises(Forbidden):
                Leaf.objects.in_bulk([1])
            assert [entry.request.method for entry in sent] == ["SEARCH"]
        with Session(proxy.url, token=token, retry=FAST), pytest.raises(Forbidden, match="gateway_leaves"):
            Leaf.objects.in_bulk([1])


def test_a_gateway_that_refuses_get_as_well_raises_its_first_refusal(tiny: TinyServer) -> None:
    tiny.script = [Scripted(403, "<html>no", {"Content-Type": "text/html"})]
    with Session(tiny.url, retry=FAST), pytest.raises(Forbidden, match="SEARCH"):
        Leaf.objects.in_bulk([1])
    assert tiny.methods == ["SEARCH", "GET"]


def test_an_option_says_it_before_the_first_request(server: DirectusServer) -> None:
    with gateway(server) as proxy:
        with Session(proxy.url, token=server.token, use_search=False) as session:
            assert list(Leaf.objects.in_bulk([1])) == [1]
            derived = session.with_options(timeout=30)
            assert list(Leaf.objects.using(derived).in_bulk([1])) == [1]
            copy = pickle.loads(pickle.dumps(session))
        assert "SEARCH" not in proxy.methods
        assert copy.facts.refuses_search


def test_a_cache_of_the_server_is_bypassed_without_search(directus_version: str) -> None:
    """The server caches GET, whatever a request says; so it is asked what it cannot have been asked before."""
    env = {"CACHE_ENABLED": "true", "CACHE_AUTO_PURGE": "false", "CACHE_STORE": "memory"}
    with start(directus_version, env=env) as caching:
        make_collection(caching, "gateway_words", key("string"), column("text", "string"))
        with gateway(caching) as proxy, Session(caching.url, token=caching.token) as other:
            other.items("gateway_words").create({"id": "a", "text": "old"})
            with Session(proxy.url, token=caching.token, retry=FAST):
                word = Word.objects.get(pk="a")
                for text in ("new", "newer"):
                    word.refresh()
                    other.items("gateway_words").update("a", {"text": text})
                    word.refresh()
                    assert word.text == text
                word.text = "newest"
                word.save()
                assert Word.objects.get(pk="a").text == "newest"
                assert Word.objects.filter(text="newest").count() == 1
