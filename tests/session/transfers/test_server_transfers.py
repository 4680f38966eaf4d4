"""Imports and exports that the server makes: all of it, or an error that says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from directus_orm import FieldError, Forbidden, OutcomeUnknown, QueryError, ServerError, Session, UnsupportedQuery
from directus_orm.system import File, Folder
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, key, make_collection

STOCK = "imported_stock"


@pytest.fixture
def stock(session: Session, directus_server: DirectusServer) -> Iterator[Session]:
    columns = (column("name", "string", is_unique=True), column("amount", "integer"))
    make_collection(directus_server, STOCK, key("integer"), *columns)
    with session:
        yield session
    drop_collection(directus_server, STOCK)


def rows(session: Session) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in session.items(STOCK).read(fields="id,name,amount", sort="id")]


@pytest.mark.parametrize("way", ["path", "bytes", "pieces"])
def test_a_csv_file_updates_and_creates_rows(stock: Session, tmp_path: Path, way: str) -> None:
    stock.items(STOCK).create({"id": 1, "name": "old", "amount": 1})
    text = b'id,name,amount\r\n1,"new, and\nlong",\r\n2,other,3\r\n'
    path = tmp_path / "stock.csv"
    path.write_bytes(text)
    sources: dict[str, Any] = {
        "path": path,
        "bytes": text,
        "pieces": (text[n : n + 3] for n in range(0, len(text), 3)),
    }
    told: list[tuple[int, int]] = []
    stock.utils.import_file(STOCK, sources[way], format="csv", progress=lambda *told_of: told.append(told_of))
    assert rows(stock) == [(1, "new, and\nlong", 1), (2, "other", 3)]
    assert told[-1][0] == len(text)


def test_a_json_file_is_imported(stock: Session, tmp_path: Path) -> None:
    path = tmp_path / "stock.json"
    path.write_text(json.dumps([{"id": n, "name": f"n{n}"} for n in range(300)]))
    stock.utils.import_file(STOCK, path)
    assert len(stock.items(STOCK).read(limit=-1)) == 300


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"id;name\n9;a\n", "id;name"),
        (b"id,nam\n9,a\n", "nam"),
        (b'\xef\xbb\xbfid,"na\nme"\n9,a', "na\nme"),
        (b"nope", "nope"),
    ],
)
def test_a_header_with_other_names_is_refused(stock: Session, text: bytes, name: str) -> None:
    """The server would store a row without values for each line."""
    with pytest.raises(FieldError, match="names a field") as caught:
        stock.utils.import_file(STOCK, text, format="csv")
    assert repr(name) in str(caught.value)
    assert rows(stock) == []


def test_names_in_json_are_checked_too(stock: Session) -> None:
    with pytest.raises(FieldError, match=r"'nam'.*Did you mean 'name'"):
        stock.utils.import_file(STOCK, b' [ {"id": 1, "nam": "x"}]', format="json")
    assert rows(stock) == []


def test_a_csv_file_without_a_header_is_refused(stock: Session) -> None:
    with pytest.raises(QueryError, match="has no header"):
        stock.utils.import_file(STOCK, b"", format="csv")


@pytest.mark.parametrize("source", ["stock.xls", b"id,name\n"])
def test_the_format_has_to_be_known(stock: Session, tmp_path: Path, source: str | bytes) -> None:
    (tmp_path / "stock.xls").write_text("x")
    with pytest.raises(QueryError, match="csv or json"):
        stock.utils.import_file(STOCK, tmp_path / source if isinstance(source, str) else source)


def test_a_refused_row_is_named_and_none_is_written(stock: Session, directus_version: str) -> None:
    text = b"id,name,amount\n1,a,1\n2,b,2\n3,a,3\n"
    with pytest.raises(ServerError) as caught:
        stock.utils.import_file(STOCK, text, format="csv")
    assert rows(stock) == []
    assert ("Refused rows: 3" in str(caught.value)) is not directus_version.startswith("10")


def test_an_unknown_collection_is_an_error(stock: Session) -> None:
    with pytest.raises(Forbidden):
        stock.utils.import_file("imported_nothing", b"id\n1\n", format="csv")


def test_rows_of_several_collections_are_imported(stock: Session, directus_version: str) -> None:
    imported = {STOCK: [{"id": 5, "name": "five"}]}
    if not directus_version.startswith("12"):
        with pytest.raises(UnsupportedQuery, match=r"Directus 12\.2 and later"):
            stock.utils.import_collections(imported, dry_run=True)
        return
    planned = stock.utils.import_collections(imported, dry_run=True)
    assert (planned.applied, len(planned.collections[STOCK].new)) == (False, 1)
    assert rows(stock) == []
    done = stock.utils.import_collections(imported)
    assert done.applied
    assert [row[1] for row in rows(stock)] == ["five"]
    with pytest.raises(QueryError, match="needs mode='merge'"):
        stock.utils.import_collections(imported, delete_others=True)
    stock.items(STOCK).create([{"id": 11, "name": "one"}, {"id": 12, "name": "two"}])
    stock.utils.import_collections({STOCK: [{"id": 12, "name": "two"}]}, mode="merge", delete_others=True)
    assert [row[1] for row in rows(stock)] == ["two"]
    with pytest.raises(QueryError, match="is none of 'add', 'merge'"):
        stock.utils.import_collections(imported, mode="replace")  # type: ignore[arg-type]


def test_the_server_writes_a_file(stock: Session) -> None:
    stock.items(STOCK).create_many({"id": n, "name": f"n{n}"} for n in range(150))
    folder = Folder.objects.create(name="exports of stock")
    file = File.objects.get(
        pk=stock.utils.export_file(STOCK, "json", title="All", filename="all.json", folder=folder, sort="id")
    )
    assert (file.title, file.filename_download, file.folder) == ("All", "all.json", folder)
    assert [row["id"] for row in json.loads(file.read())] == list(range(150))
    one = File.objects.get(
        pk=stock.utils.export_file(STOCK, fields=["id"], filter={"id": {"_lt": 2}}, sort=["-id"])
    )
    assert one.read().split() == [b'"id"', b"1", b"0"]
    file.delete()
    one.delete()
    folder.delete()


def test_a_query_that_would_fail_says_why(stock: Session) -> None:
    """The server says that the export failed, and no reason."""
    with pytest.raises((Forbidden, ServerError), match="nope"):
        stock.utils.export_file(STOCK, filter={"nope": {"_eq": 1}})
    with pytest.raises(QueryError, match="none that the server writes"):
        stock.utils.export_file(STOCK, "xls")  # type: ignore[arg-type]


def test_an_export_that_fails_is_an_error(stock: Session, directus_version: str) -> None:
    """The storage does not exist."""
    from directus_orm.session.transfers.server_exports import ServerExport  # noqa: PLC0415

    export = ServerExport(stock.send, STOCK, "csv", {}, {"storage": "nowhere"})
    with pytest.raises(ServerError, match=f"The export of '{STOCK}' failed"):
        export.run(30)
    for row in stock.items("directus_notifications").read():
        stock.delete(f"/notifications/{row['id']}")


def test_an_export_that_takes_long_is_not_lost(stock: Session) -> None:
    with pytest.raises(OutcomeUnknown, match="Its file will be"):
        stock.utils.export_file(STOCK, timeout=-1)


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_a_bom_before_the_header_is_no_part_of_a_name(stock: Session, is_repeatable: bool) -> None:
    """Directus 10 ignores the values below such a name."""
    before = len(rows(stock))
    text = b"\xef\xbb\xbfid\n990\n"
    stock.utils.import_file(STOCK, text if is_repeatable else iter([text[:2], text[2:]]), format="csv")
    assert len(rows(stock)) == before + 1
    assert stock.items(STOCK).read_one(990)["id"] == 990
