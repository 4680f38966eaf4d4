"""`session.server` and `session.utils` on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from directus_orm import DoesNotExist, Forbidden, InvalidRequest, Model, QueryError, UnsupportedQuery, field
from directus_orm.session import Session
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection

SORTED = "songs_by_hand"


class Song(Model, collection=SORTED):
    id: int = field(primary_key=True)
    sort: int | None = None


@pytest.fixture
def songs(directus_server: DirectusServer, admin: Session) -> Iterator[Session]:
    """Three rows in an order that is made by hand."""
    make_collection(directus_server, SORTED, column("sort", "integer"), sort_field="sort")
    admin.items(SORTED).create([{"id": key, "sort": key} for key in (1, 2, 3)])
    yield admin
    drop_collection(directus_server, SORTED)


def test_the_server_says_what_the_session_says(admin: Session) -> None:
    assert admin.server.ping() > 0
    assert admin.server.info() == admin.info()
    assert admin.server.health().status in {"ok", "warn"}
    assert asyncio.run(admin.server.ainfo()) == admin.info()


def test_openapi_describes_the_routes_of_the_server(admin: Session) -> None:
    assert "/users" in admin.server.openapi()["paths"]


def test_graphql_sdl_is_a_text_in_the_language_of_graphql(admin: Session, songs: Session) -> None:
    assert f"type {SORTED} " in admin.server.graphql_sdl()
    assert "type directus_users " in admin.server.graphql_sdl(system=True)


@pytest.mark.parametrize("length", [1, 32, 500])
def test_a_random_string_has_the_length_that_was_asked_for(admin: Session, length: int) -> None:
    texts = {admin.utils.random_string(length) for _ in range(20)}
    assert {len(text) for text in texts} == {length}
    assert length == 1 or len(texts) == 20


@pytest.mark.parametrize("length", [0, 501, True, 2.5])
def test_a_length_that_the_server_would_refuse_is_refused_here(admin: Session, length: int) -> None:
    with admin.capture() as sent, pytest.raises(QueryError, match="from 1 to 500"):
        admin.utils.random_string(length)
    assert not sent


def test_a_hash_is_verified_where_the_server_hashes(admin: Session) -> None:
    if admin.info().major >= 12:
        with pytest.raises(UnsupportedQuery, match="Only Directus 10 and 11"):
            admin.utils.hash("a text")
        with pytest.raises(UnsupportedQuery, match="Only Directus 10 and 11"):
            admin.utils.verify_hash("a text", "$argon2id$v=19$m=65536")
        return
    hashed = admin.utils.hash("a text")
    assert admin.utils.verify_hash("a text", hashed)
    assert not admin.utils.verify_hash("another text", hashed)


def test_what_is_no_hash_is_refused_here(admin: Session) -> None:
    with pytest.raises(QueryError, match="Argon2"):
        admin.utils.verify_hash("a text", "a hash")


def test_a_row_takes_the_place_of_another_one(songs: Session) -> None:
    songs.utils.sort(SORTED, 3, 1)
    assert order(songs) == [3, 1, 2]
    songs.utils.sort(Song, Song.objects.using(songs).get(pk=3), 2)
    assert order(songs) == [1, 2, 3]


@pytest.mark.parametrize(("item", "to"), [(1, 9), (9, 1)])
def test_a_row_that_is_not_there_leaves_the_order_as_it_is(songs: Session, item: int, to: int) -> None:
    """The server numbers the rows first, and fails then (S46)."""
    with pytest.raises(DoesNotExist, match="no row 9"):
        songs.utils.sort(SORTED, item, to)
    assert numbers(songs) == {1: 1, 2: 2, 3: 3}


def test_sorting_without_a_sort_field_is_an_error(songs: Session) -> None:
    songs.schema.update_collection(SORTED, {"sort_field": None})
    with pytest.raises(InvalidRequest, match="sort field"):
        songs.utils.sort(SORTED, 1, 2)


def test_keys_that_cannot_be_are_refused_here(songs: Session) -> None:
    with songs.capture() as sent:
        for item in (None, True, ["a"]):
            with pytest.raises(QueryError, match="no key"):
                songs.utils.sort(SORTED, item, 1)
        with pytest.raises(QueryError, match="neither a model"):
            songs.utils.sort(None, 1, 2)
    assert not sent


def test_only_administrators_clear_the_cache(admin: Session) -> None:
    admin.utils.clear_cache()
    admin.utils.clear_cache(system=True)
    with pytest.raises(Forbidden):
        admin.with_options(token=None).utils.clear_cache()


def order(session: Session) -> list[int]:
    return [row["id"] for row in session.items(SORTED).read(sort="sort")]


def numbers(session: Session) -> dict[int, int]:
    return {row["id"]: row["sort"] for row in session.items(SORTED).read()}
