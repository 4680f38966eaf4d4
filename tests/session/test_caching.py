"""Caches are the application's choice, and the server's: what was written is read all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from requests_cache import CachedSession

from directus_orm import AuthenticationError, Forbidden, Model, Session, field, generated
from directus_orm.system import Settings
from directus_orm.testing import DirectusServer, start
from tests.worlds.server_setup import column, make_collection

Open = Callable[..., Session]


class Leaf(Model, collection="cache_leaves"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


@pytest.fixture(scope="module")
def caching(directus_version: str) -> Iterator[DirectusServer]:
    """A server that answers GETs from its cache for minutes, whatever is written meanwhile (G28)."""
    env = {"CACHE_ENABLED": "true", "CACHE_AUTO_PURGE": "false", "CACHE_STORE": "memory"}
    with start(directus_version, env=env) as server:
        make_collection(server, "cache_leaves", column("name", "string"))
        yield server


@pytest.fixture
def other(caching: DirectusServer, open_session: Open) -> Session:
    """Another program on the same server."""
    return open_session(caching.url, token=caching.token)


def bare_get(server: DirectusServer, key: int) -> str:
    headers = {"Authorization": f"Bearer {server.token}"}
    params = {"filter": f'{{"id":{{"_eq":{key}}}}}', "fields": "name"}
    return str(
        requests.get(f"{server.url}/items/cache_leaves", params, headers=headers, timeout=10).json()["data"][0][
            "name"
        ]
    )


def test_fresh_reads_bypass_the_cache_of_the_server(caching: DirectusServer, other: Session) -> None:
    """G28: the server itself gives old rows."""
    with Session(caching.url, token=caching.token) as session:
        leaf = Leaf.objects.create(name="old")
        assert bare_get(caching, leaf.id) == "old"
        other.items("cache_leaves").update(leaf.id, {"name": "theirs"})
        assert bare_get(caching, leaf.id) == "old"
        leaf.refresh()
        assert leaf.name == "theirs"
        leaf.name = "ours"
        leaf.save()
        assert Leaf.objects.get(pk=leaf.id).name == "ours"
        assert list(Leaf.objects.filter(pk=leaf.id).values_list("name", flat=True)) == ["ours"]
        leaf.delete()
        assert not Leaf.objects.filter(pk=leaf.id).exists()
        assert Leaf.objects.filter(pk=leaf.id).count() == 0
        with session.capture() as sent:
            Leaf.objects.filter(name="x").count()
        assert [entry.request.method for entry in sent] == ["SEARCH"]


def test_a_session_that_wrote_nothing_may_read_from_the_cache(caching: DirectusServer) -> None:
    with Session(caching.url, token=caching.token) as session, session.capture() as sent:
        list(Leaf.objects.filter(name="y"))
        list(Leaf.objects.filter(name="y"))
    assert [entry.request.method for entry in sent] == ["GET", "GET"]


def test_a_session_reads_what_it_wrote_though_a_cache_knew_the_row(caching: DirectusServer) -> None:
    """The first old answer shows that there is a cache: it is asked again past it, and not used after that."""
    with Session(caching.url, token=caching.token):
        key = Leaf.objects.create(name="old").id
    with Session(caching.url, token=caching.token) as session:
        assert Leaf.objects.get(pk=key).name == "old"
        Leaf.objects.filter(pk=key).update(name="new")
        with session.capture() as sent:
            assert Leaf.objects.get(pk=key).name == "new"
            assert Leaf.objects.get(pk=key).name == "new"
    assert [entry.request.method for entry in sent][-1] == "SEARCH"


def test_without_a_cache_reads_stay_what_they_are(directus_server: DirectusServer) -> None:
    with Session(directus_server.url, token=directus_server.token) as session:
        session.patch("/users/me", {"title": "x"})
        with session.capture() as sent:
            session.get("/users", {"fields": "title"})
    assert [entry.request.method for entry in sent] == ["GET"]


@pytest.fixture
def cached(tmp_path: Path) -> Iterator[CachedSession]:
    with CachedSession(
        str(tmp_path / "cache.sqlite"), allowable_methods=["GET", "HEAD", "SEARCH", "POST"]
    ) as http:
        yield http


@pytest.fixture
def leaves(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(directus_server, "cache_leaves", column("name", "string"))
    yield directus_server
    with Session(directus_server.url, token=directus_server.token) as session:
        session.delete("/collections/cache_leaves")


def test_a_requests_cache_session_works_as_http(leaves: DirectusServer, cached: CachedSession) -> None:
    """Reads are cached as the application says; lookups by key, writes and logins never are."""
    with Session(leaves.url, email=leaves.email, password=leaves.password) as fresh:
        keys = [leaf.id for leaf in Leaf.objects.bulk_create(Leaf(name=f"n{n}") for n in range(3))]
    with Session(leaves.url, email=leaves.email, password=leaves.password, http=cached) as session:
        assert [leaf.name for leaf in Leaf.objects.all()] == ["n0", "n1", "n2"]
        with fresh:
            fresh.items("cache_leaves").update(keys[0], {"name": "theirs"})
        rows = list(Leaf.objects.all())
        assert rows[0].name == "n0"  # from the cache
        rows[0].refresh()
        assert rows[0].name == "theirs"
        rows[1].name = "ours"
        rows[1].save()
        assert [leaf.name for leaf in Leaf.objects.all()] == ["theirs", "ours", "n2"]
        assert [session.items("cache_leaves").read(filter={"id": key}, fields="id") for key in keys]
        assert list(Leaf.objects.in_bulk(keys)) == keys
    urls = [response.url for response in cached.cache.filter()]
    assert urls
    assert not [url for url in urls if "/auth/" in url]
    assert {response.request.method for response in cached.cache.filter()} == {"GET"}


def test_another_user_gets_no_rows_of_a_cache_that_they_share(
    leaves: DirectusServer, cached: CachedSession
) -> None:
    """requests-cache knows a request by its URL: the public would see what the administrator saw."""
    with Session(leaves.url, token=leaves.token) as session:
        session.items("cache_leaves").create({"name": "secret"})
    with Session(leaves.url, token=leaves.token, http=cached) as session:
        for _ in range(2):
            assert session.items("cache_leaves").read(fields="name") == [{"name": "secret"}]
        for options in ({"token": None}, {"token": "another"}):
            other = session.with_options(**options)
            for derived in (other, other.with_options(timeout=5)):
                with pytest.raises((Forbidden, AuthenticationError)):
                    derived.items("cache_leaves").read(fields="name")
        session.with_options(token=leaves.token).items("cache_leaves").read(fields="id")
    assert not [response.url for response in cached.cache.filter() if "fields=id" in response.url]


def test_fresh_settings_bypass_the_cache_of_the_server(caching: DirectusServer, other: Session) -> None:
    """The settings have no SEARCH: another parameter makes the request another one to the cache."""
    with Session(caching.url, token=caching.token):
        Settings(project_descriptor="before").save()
        settings = Settings.objects.get()
        assert settings.project_descriptor == "before"
        other.patch("/settings", {"project_descriptor": "theirs"})
        assert Settings.objects.get().project_descriptor == "before"
        settings.refresh()
        assert settings.project_descriptor == "theirs"
        settings.project_descriptor = None
        settings.save(if_unmodified=True)
