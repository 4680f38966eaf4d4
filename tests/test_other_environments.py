"""What `make test-pythons` and `make test-lowest` say, and their status; environments are not made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import other_environments


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The Pythons of this machine by version; in their environments, the tests of all but one named "bad" pass."""
    pythons: dict[str, str] = {}
    monkeypatch.setattr(other_environments, "find_python", pythons.get)
    monkeypatch.setattr(other_environments, "make_environment", lambda python, *_: python)
    monkeypatch.setattr(other_environments, "passes", lambda python: python != "bad")
    return pythons


def code_of(name: str) -> object:
    with pytest.raises(SystemExit) as caught:
        other_environments.main(name)
    return caught.value.code


def test_the_status_is_0_if_all_pass(found: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found.update({"3.11": "a", "3.12": "b"})
    assert code_of("pythons") is None
    assert code_of("lowest") is None
    assert "Python 3.12: b\n" in capsys.readouterr().out


def test_what_fails_is_named(found: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    found.update({"3.11": "a", "3.12": "bad"})
    assert code_of("pythons") == "Python 3.12 failed"
    monkeypatch.setattr("sys.executable", "bad")
    assert code_of("lowest") == "the oldest dependencies failed"


def test_one_python_is_too_few_and_those_that_lack_are_named(
    found: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found.update({"3.11": "a"})
    assert code_of("pythons") == "fewer than two versions of Python were found"
    assert "Python 3.13: not found on this machine" in capsys.readouterr().out


def test_a_python_that_does_not_run_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shim of pyenv, which has the names of versions that are not chosen."""
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(other_environments, "PYENV", tmp_path)
    assert other_environments.find_python("3.12") is None
