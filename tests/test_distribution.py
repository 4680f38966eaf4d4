"""What `pip` gets: the files of the archives, and the metadata."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def metadata(archives: Path) -> Message:
    (path,) = archives.glob("*.whl")
    with ZipFile(path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        return message_from_bytes(wheel.read(name))


def test_the_source_archive_holds_what_its_tests_and_its_documents_need(archives: Path) -> None:
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("benchmarks", "demo", "directus_orm", "docs", "tests")
    files = [
        file for folder in folders for suffix in ("py", "md") for file in ROOT.glob(f"{folder}/**/*.{suffix}")
    ]
    here = {str(file.relative_to(ROOT)) for file in files}
    assert here | {"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "setup.cfg"} <= inside
    assert not [name for name in inside if "__pycache__" in name]


def test_the_wheel_holds_the_package_alone_and_its_type_marker(archives: Path) -> None:
    (path,) = archives.glob("*.whl")
    with ZipFile(path) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"directus_orm"}
    assert "directus_orm/py.typed" in names


def test_the_metadata_says_the_licence_and_who_made_it(metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "directus_orm contributors"
    assert metadata["Requires-Python"] == ">=3.11"
