"""No key, name or text leads to a path other than the intended one, as a server that records them sees it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given

from directus_orm import DirectusError, Model, QueryError, Session, field
from directus_orm.testing import DirectusServer
from tests.promises.hostile.paths import meant, quickly, texts
from tests.worlds.server_setup import column, drop_collection, key, make_collection
from tests.worlds.tiny_server import TinyServer


def sent(recording: TinyServer, call: Callable[[], Any]) -> list[str]:
    """Return the paths that a call leads to; a refusal is a ValueError or a TypeError, and leads to none."""
    recording.seen.clear()
    try:
        call()
    except (ValueError, TypeError):
        assert recording.seen == []
    except DirectusError:
        pass  # of the answer, which is no row
    return [urlsplit(path).path for path in recording.paths]


@quickly
@given(collection=texts, row=texts)
@example("x", "../users/me")
@example("../users", "me")
def test_hostile_keys_by_plain_access(recording: TinyServer, session: Session, collection: str, row: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: session.items(collection).read(row, fields="id"),
        lambda: session.items(collection).update(row, {"a": 1}),
        lambda: session.items(collection).delete(row),
    ]
    for call in calls:
        assert all(meant(path, "items", collection, row) for path in sent(recording, call))
    assert all(
        meant(path, "items", collection) for path in sent(recording, lambda: session.items(collection).read())
    )


class Odd(Model, collection="a/b ?#%2F"):
    id: str = field(primary_key=True)
    name: str | None = None


class User(Model, collection="directus_users"):
    id: str
    title: str | None = None


@quickly
@given(row=texts, text=texts)
def test_hostile_keys_by_models(recording: TinyServer, session: Session, row: str, text: str) -> None:
    def change(model: Any) -> None:
        reference = model.objects.ref(row)
        setattr(reference, "name" if model is Odd else "title", "x")
        reference.save()

    for model, where in ((Odd, ("items", "a/b ?#%2F")), (User, ("users",))):
        calls: list[Callable[[], Any]] = [
            lambda model=model: change(model),  # type: ignore[misc]
            lambda model=model: model.objects.ref(row).delete(),  # type: ignore[misc]
        ]
        for call in calls:
            for path in sent(recording, call):
                assert meant(path, *where, row) or meant(path, *where)
                assert model is not User or path != "/cms/users/me"
        reads: list[Callable[[], Any]] = [
            lambda model=model: list(model.objects.filter(pk=row)),  # type: ignore[misc]
            lambda model=model: model.objects.filter(pk__in=[row, text]).count(),  # type: ignore[misc]
            lambda model=model: model.objects.in_bulk([row, text]),  # type: ignore[misc]
        ]
        for call in reads:
            assert all(meant(path, *where) for path in sent(recording, call))


@quickly
@given(text=texts)
@example("/items/../../users")
@example("..")
def test_paths_of_ones_own_stay_below_the_base_url(recording: TinyServer, session: Session, text: str) -> None:
    for path in sent(recording, lambda: session.get(text)):
        assert posixpath.normpath(unquote(path)).startswith("/cms")
        assert "\r" not in path
        assert "\n" not in path


@pytest.mark.parametrize("row", [True, 1.5, None, b"a", ["a"], {"a": 1}], ids=str)
def test_what_is_no_key_is_refused(row: Any, recording: TinyServer, session: Session) -> None:
    recording.seen.clear()
    with pytest.raises((TypeError, ValueError), match="key"):
        session.items("x").delete(row)
    assert recording.seen == []


def test_zero_and_numbers_are_keys(recording: TinyServer, session: Session) -> None:
    """Plain access takes any key that a table can have; models refuse those that the server mistakes (G12)."""
    assert sent(recording, lambda: session.items("x").read(0)) == ["/cms/items/x/0"]
    assert sent(recording, lambda: session.items("x").read(-5)) == ["/cms/items/x/-5"]
    assert sent(recording, lambda: Odd.objects.ref("")) == []


def test_the_row_of_another_user_is_not_reached_by_a_key(directus_server: DirectusServer) -> None:
    """On a real server: the key of nobody, and not the route of the user who is logged in."""
    server = directus_server
    make_collection(server, "path_rows", key("string"), column("name", "string"))
    try:
        with Session(server.url, token=server.token) as session:
            for row in ("../users/me", "../../users/me?fields=email", "x/../../users/me"):
                session.items("path_rows").create({"id": row, "name": "mine"})
                assert session.items("path_rows").read(row) == {"id": row, "name": "mine"}
            with pytest.raises(ValueError, match="route of its own"):
                User.objects.ref("me").delete()
    finally:
        drop_collection(server, "path_rows")


class Dotted(Model, collection="keys_of_dots"):
    id: str
    n: int | None = None


@pytest.mark.parametrize("dots", [".", ".."])
def test_rows_whose_keys_are_dots_are_written_by_a_query(world: DirectusServer, dots: str) -> None:
    """A path cannot hold such a key: the error says what can be done."""
    drop_collection(world, "keys_of_dots")
    make_collection(world, "keys_of_dots", key(), column("n", "integer"))
    with Session(world.url, token=world.token):
        Dotted.objects.create(id=dots, n=1)
        row = Dotted.objects.get(pk=dots)
        row.n = 2
        for refused in (row.save, row.delete):
            with pytest.raises(QueryError, match=rf"Dotted.objects.filter\(pk='{dots}'\).update\(…\) and .delete"):
                refused()
        assert Dotted.objects.filter(pk=dots).update(n=3) == 1
        row.refresh()
        assert row.n == 3
        assert Dotted.objects.bulk_update([row], ["n"]) == 1
        assert Dotted.objects.in_bulk([dots])[dots].n == 3
        assert Dotted.objects.filter(pk=dots).delete() == 1
        assert not Dotted.objects.exists()
    drop_collection(world, "keys_of_dots")
