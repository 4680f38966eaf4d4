"""Installing: which version, with which Node.js, into which folder, by whom."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from directus_orm.core.errors import DirectusError
from directus_orm.testing import NodeNotFound, NpmNotFound, ServerSetupError, VersionNotInstallable, install
from directus_orm.testing.installing import cache_folder, exact_version, installation
from directus_orm.testing.node import find_node
from directus_orm.testing.progress import progress

NOT_ON_PATH = "/nonexistent"


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    path.chmod(0o755)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIRECTUS_ORM_CACHE", str(folder))
    return folder


@pytest.fixture
def stand_in(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Node.js and an npm that only look like them: "installs" take a moment and are counted in a file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    node = script(folder / "node", f'printf "{folder}/node\\n22.14.0\\n"')
    script(
        folder / "npm",
        f"""\
        echo "$@" >> {tmp_path}/installs
        mkdir -p node_modules/directus
        sleep 0.7
        touch node_modules/directus/cli.js
        """,
    )
    monkeypatch.setenv("DIRECTUS_ORM_NODE", str(node))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path / "installs"


def in_python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize(
    ("short", "full"),
    [("12", "12.4.0"), ("11", "11.17.4"), ("10", "10.13.4"), ("11.5.1", "11.5.1"), ("12.0.0-rc.1", "12.0.0-rc.1")],
)
def test_short_versions_are_pinned_and_full_ones_taken_as_they_are(short: str, full: str) -> None:
    assert exact_version(short) == full


@pytest.mark.parametrize("wrong", ["", "13", "latest", "12.4", "../12.4.0", "12.4.0 --force"])
def test_a_version_that_is_none_is_refused_with_the_choices(wrong: str) -> None:
    with pytest.raises(VersionNotInstallable, match=r"'12' \(12.4.0\), '11' \(11.17.4\), '10'"):
        install(wrong)


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("DIRECTUS_ORM_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache/directus_orm"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/directus_orm"
    monkeypatch.setenv("DIRECTUS_ORM_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_without_node_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIRECTUS_ORM_NODE", raising=False)
    monkeypatch.setenv("PATH", NOT_ON_PATH)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NodeNotFound, match=r"pip install 'directus_orm\[server\]'.*DIRECTUS_ORM_NODE"):
        install()


def test_a_node_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIRECTUS_ORM_NODE", "/nonexistent/node")
    with pytest.raises(NodeNotFound, match=r"/nonexistent/node \(named in DIRECTUS_ORM_NODE\) does not run"):
        install()


@pytest.mark.parametrize("old", ["18.20.1", "22.0.0", "22.13.1", "21.99.0-nightly"])
def test_an_old_node_is_refused(old: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = script(tmp_path / "node", f'printf "/usr/bin/node\\n{old}\\n"')
    monkeypatch.setenv("DIRECTUS_ORM_NODE", str(node))
    with pytest.raises(NodeNotFound, match=rf"is {re.escape(old)}; Directus needs 22\.14 or later"):
        install()


def test_without_npm_the_error_says_so(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", NOT_ON_PATH)
    with pytest.raises(NpmNotFound, match=r"npm is neither beside .* nor on PATH"):
        install()


def test_what_npm_cannot_install_is_told_in_its_words_and_leaves_nothing(cache: Path) -> None:
    """No such version: the real npm says so (or, without a network, that)."""
    with pytest.raises(VersionNotInstallable, match=r"could not install Directus 12\.999\.0") as caught:
        install("12.999.0")
    assert "npm error" in caught.value.log
    assert not [path for path in (cache / "directus").iterdir() if path.is_dir()]


def test_an_installed_version_is_not_installed_again(stand_in: Path) -> None:
    assert install() == install("12") == install("12.4.0")
    assert stand_in.read_text().count("install") == 1


def test_a_half_install_never_counts(stand_in: Path) -> None:
    """Killed in the middle of npm: the next call waits until npm has ended as well, and starts from scratch."""
    killed = in_python("from directus_orm.testing import install; install()")
    deadline = time.monotonic() + 10
    while not stand_in.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    folder = installation("12.4.0", find_node())
    assert not folder.exists()
    (folder.with_name(folder.name + ".partial") / "rubbish").touch()
    before = time.monotonic()
    assert install() == folder
    assert time.monotonic() - before > 0.9  # what is left of the first 0.7 s of npm, then its own
    assert not (folder / "rubbish").exists()


def test_an_npm_that_ends_well_without_installing_is_an_error(stand_in: Path, tmp_path: Path) -> None:
    script(tmp_path / "bin/npm", "echo all is well")
    with pytest.raises(VersionNotInstallable, match="all is well"):
        install()


def test_of_two_processes_at_once_one_installs_and_the_other_waits(stand_in: Path) -> None:
    both = [in_python("from directus_orm.testing import install; print(install())") for _ in range(2)]
    printed = [process.communicate(timeout=30) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert printed[0][0] == printed[1][0]
    assert stand_in.read_text().count("install") == 1


def test_a_lock_dies_with_its_holder(cache: Path) -> None:
    take = f"""
        import time
        from pathlib import Path
        from directus_orm.testing.installing import lock
        with lock(Path({str(cache)!r}) / "x"):
            print("held", flush=True)
            time.sleep(60)
    """
    holder, waiter = in_python(take), None
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiter = in_python(take)
        time.sleep(0.3)
        assert waiter.poll() is None
        holder.send_signal(signal.SIGKILL)
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == "held\n"
    finally:
        for process in filter(None, (holder, waiter)):
            process.kill()
            process.communicate()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_updating_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("Working"):
        time.sleep(0.6)
    shown = terminal.getvalue()
    assert shown.count("\r") >= 3
    assert shown.count("\n") == 1
    assert shown.endswith("Working … took 1 s\n")


def test_progress_is_plain_lines_elsewhere_and_none_for_a_short_step(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with progress("Short", after=5):
        pass
    with progress("Long"):
        pass
    assert file.getvalue().splitlines() == ["Long … 0 s", "Long … took 0 s"]


def test_every_error_is_a_directus_error() -> None:
    assert issubclass(ServerSetupError, DirectusError)
    for kind in (NodeNotFound, NpmNotFound, VersionNotInstallable):
        assert issubclass(kind, ServerSetupError)
