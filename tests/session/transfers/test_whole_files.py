"""Files get their names when they are complete, and names from a server stay within the folder asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directus_orm.session.transfers.whole_files import safe_name, whole_file

HOSTILE = (
    *("", ".", "..", "...", "../x", "..\\x", "/etc/passwd", "C:\\x", "C:x", "a/../../b", "%2e%2e/x", "~", "~root"),
    *("x\x00y", "a\nb", "CON", "con.txt", "Lpt1.tar.gz", "NUL ", "a" * 400 + ".txt", "ü" * 300, "\u2024\u2024/x"),
    *("a.", "a ", " .", "\ud800", "x" * 300 + "." + "y" * 300, "a?b*c", "a" * 253 + ". x"),
)
PARTS = ["..", ".", "/", "\\", ":", "%2e", "CON", "aux", " ", "\x00", "\n", "é", "\u2025", "a" * 200, ".txt"]
names = st.one_of(st.sampled_from(HOSTILE), st.text(), st.lists(st.sampled_from(PARTS), max_size=8).map("".join))


@given(name=names)
def test_no_name_leads_out_of_a_folder_and_each_can_be_written(name: str) -> None:
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "folder"
        folder.mkdir()
        with whole_file(folder / safe_name(name)) as file:
            file.write(b"abc")
        (written,) = (path for path in Path(above).rglob("*") if path.is_file())
        assert written.parent == folder
        assert written.read_bytes() == b"abc"


@given(name=names)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_name(safe_name(name)) == safe_name(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ü 字.tar.gz", "ü 字.tar.gz"),
        (".profile", ".profile"),
        ("a/b/c.txt", "c.txt"),
        ("a\\b.txt", "b.txt"),
        ("..", "file"),
        ("con.txt", "_con.txt"),
        ("console.txt", "console.txt"),
        ("C:x?.txt", "C_x_.txt"),
        ("a\x00b\n", "a_b_"),
        ("a. .", "a"),
        ("a" * 400 + ".txt", "a" * 251 + ".txt"),
    ],
)
def test_a_name_keeps_what_every_system_takes(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_file_that_broke_leaves_nothing(tmp_path: Path) -> None:
    def breaking() -> None:
        with whole_file(tmp_path / "a") as file:
            file.write(b"abc")
            raise KeyError

    with pytest.raises(KeyError):
        breaking()
    assert list(tmp_path.iterdir()) == []
