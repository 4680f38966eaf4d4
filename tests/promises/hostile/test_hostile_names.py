"""No name of a collection, a field or a file leads to another path than the intended one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from directus_orm import ConversionError, DirectusError, NotVisibleWarning, QueryError, Session
from directus_orm.session.http.routes import collection_segments
from directus_orm.system import File, Flow, Folder, Share, User
from directus_orm.testing import DirectusServer
from tests.promises.hostile.paths import meant, quickly, texts
from tests.worlds.tiny_server import TinyServer

names = st.one_of(
    texts,
    st.sampled_from(
        [
            *(
                "files/import",
                "tus",
                "trigger",
                "%2e%2e%2fusers",
                "..\\users",
                "\u2024\u2024",
                "\uff0e\uff0e/users",
            ),
            *("/etc/passwd", "C:\\x", "con", "nul.txt", "a\tb", "\x7f", "x" * 5000, "directus_users", "$me"),
        ]
    ),
)
# What a session asks about the server and its user.
FACTS = (("server", "info"), ("users", "me"), ("permissions", "me"), ("permissions",))
Calls = Mapping[Callable[[], Any], tuple[tuple[str, ...], ...]]


def check(recording: TinyServer, calls: Calls) -> int:
    """Check that each call leads to its own routes alone; return how many requests there were."""
    count = 0
    for call, routes in calls.items():
        recording.seen.clear()
        with suppress(
            DirectusError, NotVisibleWarning, ValueError, TypeError
        ):  # a refusal, or the answer, which is no row
            call()
        for path in recording.paths:
            count += 1
            assert any(meant(urlsplit(path).path, *route) for route in (*routes, *FACTS)), path
    return count


def on_rows(session: Session, name: str, other: str) -> Calls:
    """Return the verbs for the rows of a collection, with the routes that each may ask."""
    rows = collection_segments(name)
    whole = (rows, ("fields", name), (*rows, other))
    by_list: list[Callable[[], Any]] = [
        lambda: session.items(name).read(limit=1),
        lambda: session.items(name).search(limit=1),
        lambda: list(session.items(name).read_all()),
        lambda: list(session.items(name).read_all(key=other)),
        lambda: session.items(name).singleton(),
        lambda: session.items(name).aggregate({"count": "*"}),
        lambda: session.items(name).create({"a": 1}),
        lambda: session.items(name).create_many([{"a": 1}]),
        lambda: session.items(name).update_many([other], {"a": 1}),
        lambda: session.items(name).update_batch([{"id": other, "a": 1}]),
        lambda: session.items(name).update_by_query({"filter": {"a": {"_eq": other}}}, {"a": 1}),
        lambda: session.items(name).update_singleton({"a": 1}),
        lambda: session.items(name).delete_many([other]),
        lambda: session.items(name).delete_by_query({"filter": {"a": {"_eq": other}}}),
    ]
    by_key: list[Callable[[], Any]] = [
        lambda: session.items(name).read_one(other),
        lambda: session.items(name).read(other),
        lambda: session.items(name).update(other, {"a": 1}),
        lambda: session.items(name).delete(other),
    ]
    return dict.fromkeys(by_list, whole) | dict.fromkeys(by_key, ((*rows, other),))


def on_schema(session: Session, name: str, other: str) -> Calls:
    schema = session.schema
    return {
        partial(schema.collection, name): (("collections", name),),
        partial(schema.create_collection, name): (("collections",),),
        partial(schema.update_collection, name, {"note": "x"}): (("collections", name),),
        partial(schema.delete_collection, name): (("collections", name),),
        partial(schema.fields, name): (("fields", name),),
        partial(schema.field, name, other): (("fields", name, other),),
        partial(schema.create_field, name, other, "string"): (("fields", name), ("collections", name)),
        partial(schema.update_field, name, other, meta={"note": "x"}): (("fields", name, other),),
        partial(schema.delete_field, name, other): (("fields", name, other),),
        partial(schema.relations, name): (("relations", name),),
        partial(schema.relation, name, other): (("relations", name), ("relations", name, other)),
        partial(schema.update_relation, name, other, meta={"one_field": "x"}): (
            ("relations", name),
            ("relations", name, other),
        ),
        partial(schema.delete_relation, name, other): (("relations", name), ("relations", name, other)),
    }


def on_the_rest(session: Session, name: str, other: str) -> Calls:
    utils = session.utils
    return {
        partial(utils.sort, name, other, 1): (
            ("utils", "sort", name),
            (*collection_segments(name), other),
            (*collection_segments(name), "1"),
            ("fields", name),
        ),
        partial(utils.import_file, name, b"a\n1\n", format="csv"): (("utils", "import", name), ("fields", name)),
        partial(utils.export_file, name, "csv", timeout=-1): (
            ("utils", "export", name),
            ("fields", name),
            collection_segments(name),
            ("files",),
            ("notifications",),
            ("users", "me"),
        ),
        partial(session.shares.info, name): (("shares", "info", name),),
        partial(session.shares.invite, name, "a@example.com"): (("shares", "invite"),),
        partial(session.people.disable_two_factor_of, name): (("users", name, "tfa", "disable"), ("users", name)),
        partial(File.objects.using(session).zip, [name], "."): (("assets", "files"), ("files",)),
        partial(download, session, name): (("assets", name), ("files", name), ("files",)),
    }


def download(session: Session, key: str) -> None:
    File.objects.using(session).ref(key).read()


@settings(quickly, max_examples=10)
@pytest.mark.parametrize("calls", [on_rows, on_schema, on_the_rest])
@given(name=names, other=names)
@example(name="articles", other="a")
@example(name="directus_..", other="..")
@example(name="..", other="users/me")
@example(name="../users", other="..")
def test_hostile_names_lead_nowhere_else(
    recording: TinyServer,
    session: Session,
    name: str,
    other: str,
    calls: Callable[[Session, str, str], Calls],
) -> None:
    """A name that no path can hold is refused before anything is sent."""
    check(recording, calls(session, name, other))


@pytest.mark.parametrize("calls", [on_rows, on_schema, on_the_rest])
def test_plain_names_lead_somewhere(
    recording: TinyServer, session: Session, calls: Callable[[Session, str, str], Calls]
) -> None:
    """So the test above looks at requests, and not at refusals alone."""
    key = str(uuid4()) if calls is on_the_rest else "articles"
    verbs = calls(session, key, key)
    silent = [call for call, routes in verbs.items() if not check(recording, {call: routes})]
    assert silent == []


OWN_ROWS: Mapping[str, Callable[[Session, str], Any]] = {
    "a file": lambda session, key: File.objects.using(session).ref(key).read(),
    "a folder": lambda session, key: Folder.objects.using(session).ref(key).download_zip(),
    "a flow": lambda session, key: Flow.objects.using(session).ref(key).trigger(),
    "a share": lambda session, key: Share.objects.using(session).ref(key).invite("a@example.com"),
    "a user": lambda session, key: User.objects.using(session).ref(key).delete(),
}


@quickly
@pytest.mark.parametrize("row", OWN_ROWS)
@given(name=names)
def test_hostile_keys_of_directus_own_rows_are_refused(
    recording: TinyServer, session: Session, row: str, name: str
) -> None:
    """Their keys are UUIDs; nothing is sent for what is none."""
    recording.seen.clear()
    with pytest.raises((ConversionError, QueryError)):
        OWN_ROWS[row](session, name)
    assert recording.seen == []


@quickly
@given(name=names)
@example('a"; filename="b\r\nX-Own: 1\r\n\r\n--')
def test_hostile_names_of_files_are_one_value_of_an_upload(
    recording: TinyServer, session: Session, name: str
) -> None:
    """No name ends its header, or begins another part."""
    recording.seen.clear()
    try:
        File.objects.using(session).upload(b"abc", filename=name, title=name)
    except (ValueError, TypeError):
        return
    except DirectusError:
        pass  # of the answer, which is no row
    uploads = [each for each in recording.seen if "multipart" in each[2].get("content-type", "")]
    assert {urlsplit(path).path for _, path, _, _ in recording.seen} <= {"/cms/files", "/cms/server/info"}
    for _, _, headers, body in uploads:
        message = message_from_bytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
        parts = [part for part in message.walk() if part is not message]
        assert [part for part in parts if {key.lower() for key in part} - HEADERS] == []
        assert len(parts) <= MOST_PARTS


HEADERS = {"content-disposition", "content-type"}
MOST_PARTS = 6


def test_downloads_of_hostile_names_stay_in_their_folder(directus_server: DirectusServer, tmp_path: Path) -> None:
    """On a real server, which keeps any name."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with Session(directus_server.url, token=directus_server.token):
        for name in ("../../outside.txt", "..", "/etc/passwd", "C:\\boot.ini", "con", "a" * 250 + ".txt"):
            file = File.objects.upload(b"abc", filename="x.txt")
            file.filename_download = name
            file.save()
            saved = file.download(folder)
            assert saved.parent == folder
            assert saved.read_bytes() == b"abc"
            file.delete()
    assert [path for path in tmp_path.rglob("*") if path.parent != folder] == [folder]
    assert len(list(folder.iterdir())) == 6
