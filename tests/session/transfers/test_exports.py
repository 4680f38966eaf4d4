"""Rows that are exported are read back as they were, by the libraries that everybody uses."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from directus_orm import ConversionError, QueryError, Session
from directus_orm.session.transfers.exports import FileExport
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, key, make_collection

# The characters that XML 1.0 lacks.
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
)
# Texts of every letter that UTF-8 has, also of those that are special to one of the formats.
TEXTS = st.text() | st.sampled_from(
    ["", " ", "a,b", 'x"y', "r\rn\n", "<&>", "null", "true", "- 1", "\x00", "\x85", "]]>"]
)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
NAMES = ("id", "with-dash", "1st", "ümlaut", "a b")
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), max_size=5)


def exported(rows: list[dict[str, Any]], name: str, columns: list[str] | None = None) -> bytes:
    file = io.BytesIO()
    assert FileExport.of(file, name, columns).write(rows, lambda: len(rows)) == len(rows)
    return file.getvalue()


@settings(deadline=None)
@given(ROWS)
def test_json_is_read_back(rows: list[dict[str, Any]]) -> None:
    assert json.loads(exported(rows, "json")) == rows
    assert [json.loads(line) for line in exported(rows, "jsonl").decode().split("\n")[:-1]] == rows


@settings(deadline=None)
@given(ROWS)
def test_yaml_is_read_back(rows: list[dict[str, Any]]) -> None:
    assert yaml.safe_load(exported(rows, "yaml")) == rows


@settings(deadline=None)
@given(ROWS)
def test_csv_is_read_back(rows: list[dict[str, Any]]) -> None:
    header, *lines = csv.reader(io.StringIO(exported(rows, "csv", list(NAMES)).decode(), newline=""))
    assert tuple(header) == NAMES
    assert lines == [[cell(row[name]) for name in NAMES] for row in rows]


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@settings(deadline=None)
@given(ROWS)
def test_xml_is_read_back_or_refused(rows: list[dict[str, Any]]) -> None:
    """It has no place for control characters."""
    if any(
        _NOT_IN_XML.search(json.loads(f'"{text}"'))
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(rows))
    ):
        with pytest.raises(ConversionError, match="XML has no place for the character"):
            exported(rows, "xml")
        return
    for element, row in zip(ElementTree.fromstring(exported(rows, "xml")), rows, strict=True):
        assert element.tag == "row"
        for child, (name, value) in zip(element, row.items(), strict=True):
            assert child.get("name", child.tag) == name
            if not isinstance(value, list | dict):
                assert (child.text or "") == cell(value)
                assert (child.get("null") == "true") is (value is None)


def test_csv_leaves_out_no_field_that_only_a_later_row_has() -> None:
    with pytest.raises(ConversionError, match="no column for 'b'"):
        exported([{"a": 1}, {"a": 2, "b": 3}], "csv")


def test_half_a_character_is_an_error_that_names_the_row() -> None:
    with pytest.raises(ConversionError, match="Row 2 of the export holds half of a character"):
        exported([{"id": 1}, {"id": "\ud800"}], "csv")


@pytest.fixture
def places(session: Session, directus_server: DirectusServer) -> Iterator[Session]:
    make_collection(directus_server, "exported_places", key("integer"), column("name", "string"))
    make_collection(directus_server, "exported_trips", key("integer"), column("place", "integer"))
    session.schema.create_relation("exported_trips", "place", "exported_places")
    session.items("exported_places").create_many({"id": n, "name": f"Place {n}"} for n in range(1500))
    session.items("exported_trips").create([{"id": 1, "place": 7}, {"id": 2, "place": None}])
    yield session
    for name in ("exported_trips", "exported_places"):
        drop_collection(directus_server, name)


def test_all_rows_of_a_collection_are_written(places: Session, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "places.csv"
    count = places.items("exported_places").export(
        path, fields="id,name", progress=lambda *told_of: told.append(told_of)
    )
    assert count == 1500
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "name"], *([str(n), f"Place {n}"] for n in range(1500))]
    assert told[-1] == (1500, 1500)
    assert list(tmp_path.iterdir()) == [path]


def test_a_query_chooses_rows_and_columns(places: Session, tmp_path: Path) -> None:
    trips = places.items("exported_trips")
    assert trips.export(tmp_path / "trips.csv", fields=["id", "place.name"], sort="-id") == 2
    assert (tmp_path / "trips.csv").read_bytes() == b"id,place.name\r\n2,\r\n1,Place 7\r\n"
    assert trips.export(tmp_path / "all.csv", fields="*,place.*") == 2
    assert (tmp_path / "all.csv").read_bytes() == b'id,place\r\n1,"{""id"":7,""name"":""Place 7""}"\r\n2,\r\n'
    assert trips.export(tmp_path / "one.jsonl", filter={"id": {"_eq": 2}}) == 1
    assert (tmp_path / "one.jsonl").read_text() == '{"id":2,"place":null}\n'


def test_a_file_that_cannot_be_finished_leaves_the_old_one(places: Session, tmp_path: Path) -> None:
    path = tmp_path / "places.xml"
    path.write_text("before")
    places.items("exported_places").update(9, {"name": "bell \x07"})
    with pytest.raises(ConversionError, match="Row 10 of the export: XML has no place"):
        places.items("exported_places").export(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "given_format", "match"),
    [
        ("places", None, "give format="),
        ("places.xls", None, "give format="),
        ("places.csv", "jsonn", "Did you mean 'json'"),
    ],
)
def test_a_format_is_known_before_anything_is_sent(
    session: Session, tmp_path: Path, name: str, given_format: Any, match: str
) -> None:
    with session.capture() as sent, pytest.raises(QueryError, match=match):
        session.items("exported_places").export(tmp_path / name, given_format)
    assert len(sent) == 0
    assert not list(tmp_path.iterdir())
