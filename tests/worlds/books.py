"""Relations of the kinds that the library has not: files and galleries, translations, a model related to itself.

Two relations lead from books to people, and two keys are no numbers. The fields of the junctions have the names
that Directus Studio gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from directus_orm import Model, Related, Session, field, generated, many_to_many, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    AUTO_KEY,
    Spec,
    column,
    delete,
    drop_collection,
    key,
    list_field,
    make_collection,
    make_field,
    post,
    upload,
)


class File(Model, collection="directus_files"):
    id: UUID = field(default=generated, primary_key=True)
    title: str | None = None
    filename_download: str | None = None


class Language(Model):
    code: str = field(primary_key=True)
    name: str | None = None


class Person(Model, collection="people"):
    id: int = field(default=generated, primary_key=True)
    name: str
    friends: Related[Person] = many_to_many("people_people", sort="sort")
    friends_of: Related[Person] = many_to_many(
        "people_people", source="related_people_id", target="people_id", sort="sort"
    )
    written: Related[Book] = one_to_many("writer")
    edited: Related[Book] = one_to_many("editor")


class Book(Model):
    id: UUID = field(default=generated, primary_key=True)
    title: str
    writer: Person
    editor: Person | None = None
    cover: File | None = None
    gallery: Related[File] = many_to_many("books_files", sort="sort")
    translations: Related[Translation] = one_to_many("book")


class Edition(Model, collection="books"):
    """A book again, which sees its languages behind the translations."""

    id: UUID = field(default=generated, primary_key=True)
    languages: Related[Language] = many_to_many("books_translations", name="translations")


class Translation(Model, collection="books_translations"):
    id: int = field(default=generated, primary_key=True)
    book: Book | None = field(default=None, name="books_id")
    language: Language | None = field(default=None, name="languages_code")
    title: str | None = None


IDS = [UUID(int=n) for n in (3, 1, 2)]
FILES = [UUID(int=n) for n in (0xF3, 0xF1, 0xF2)]
ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [{"id": n, "name": name} for n, name in enumerate(("Ann", "Bob", "Cid", "Dee"), 1)],
    "people_people": [
        {"people_id": one, "related_people_id": other, "sort": sort}
        for one, other, sort in ((1, 2, 3), (1, 3, 1), (1, 4, 2), (2, 1, 1), (3, 3, 1))
    ],
    "languages": [{"code": "en-GB", "name": "English"}, {"code": "de/AT", "name": "German"}],
    "books": [
        {"id": str(key), "title": title, "writer": writer, "editor": editor, "cover": cover and str(cover)}
        for key, title, writer, editor, cover in zip(
            IDS, ("Red", "Blue", "Green"), (1, 2, 1), (2, None, 1), (FILES[0], None, FILES[1]), strict=True
        )
    ],
    "books_files": [
        {"books_id": str(IDS[n]), "directus_files_id": str(FILES[m])} for n, m in ((0, 0), (0, 1), (0, 2), (2, 1))
    ],
    "books_translations": [
        {"books_id": str(IDS[0]), "languages_code": "en-GB", "title": "Red"},
        {"books_id": str(IDS[0]), "languages_code": "de/AT", "title": "Rot"},
        {"books_id": str(IDS[2]), "languages_code": "de/AT", "title": "Grün"},
    ],
}


@contextmanager
def built(server: DirectusServer) -> Iterator[None]:
    """Make the collections and rows of this module, and delete them again.

    They do not stay: version 12 without a licence allows 25 collections, and other tests need some of them.
    """
    try:
        _make_collections(server)
        for n, file in enumerate(FILES):
            upload(server, id=str(file), title=f"Picture {n}", file=f"{n}.png")
        with Session(server.url, token=server.token) as session:
            for name, rows in ROWS.items():
                session.items(name).create(rows)
        yield
    finally:
        for name in reversed(ROWS):
            drop_collection(server, name)
        for file in FILES:
            delete(server, f"/files/{file}")


def keys_of(session: Session, collection: str) -> set[Any]:
    """Return the keys of all rows of one of these collections."""
    key = "code" if collection == "languages" else "id"
    return {row[key] for row in session.items(collection).read(fields=key, limit=-1)}


def _make_collections(server: DirectusServer) -> None:
    sort = column("sort", "integer")
    make_collection(server, "people", AUTO_KEY, column("name", "string"))
    make_collection(server, "languages", key("string", "code"), column("name", "string"))
    make_collection(server, "books", key("uuid"), column("title", "string"))
    for junction in ("people_people", "books_files"):
        make_collection(server, junction, AUTO_KEY, sort, hidden=True)
    make_collection(server, "books_translations", AUTO_KEY, column("title", "string"), hidden=True)
    _make_many_to_one(server, "books", "writer", "integer", "people", one_field="written")
    _make_many_to_one(server, "books", "editor", "integer", "people", one_field="edited")
    _make_many_to_one(server, "books", "cover", "uuid", "directus_files")
    _make_junction_fields(
        server,
        "people_people",
        ("people_id", "integer", "people", "friends"),
        ("related_people_id", "integer", "people", "friends_of"),
    )
    _make_junction_fields(
        server,
        "books_files",
        ("books_id", "uuid", "books", "gallery"),
        ("directus_files_id", "uuid", "directus_files", None),
        sort_field="sort",
        one_deselect_action="delete",
    )
    _make_junction_fields(
        server,
        "books_translations",
        ("books_id", "uuid", "books", "translations"),
        ("languages_code", "string", "languages", None),
    )


def _make_junction_fields(
    server: DirectusServer, junction: str, *sides: tuple[str, str, str, str | None], **meta: Any
) -> None:
    names = [name for name, *_ in sides]
    for (name, kind, related, one_field), other in zip(sides, reversed(names), strict=True):
        _make_many_to_one(server, junction, name, kind, related, one_field=one_field, junction_field=other, **meta)
        meta = {}


def _make_many_to_one(
    server: DirectusServer, collection: str, name: str, kind: str, related: str, **meta: Any
) -> None:
    alias = meta.get("one_field")
    if alias:
        special = "m2m" if "junction_field" in meta else "o2m"
        make_field(server, related, list_field(alias, special))
    make_field(server, collection, column(name, kind))
    relation: Spec = {"collection": collection, "field": name, "related_collection": related, "meta": meta}
    post(server, "/relations", relation)
