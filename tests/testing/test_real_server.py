"""A started server is healthy, alone, and gone afterwards, however the program ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from directus_orm.core.errors import ConfigurationError
from directus_orm.testing import DirectusServer, PortTaken, ServerDied, ServerNotReady, server, start

BROKEN = {"NODE_OPTIONS": "--require=/nonexistent.cjs"}  # Node.js ends at once and says why


ENDS = {
    "the end of the program": None,
    "Ctrl-C": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "kill -9": signal.SIGKILL,
}


@pytest.fixture(scope="module", autouse=True)
def programs() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """One program per way to end, each with a server of its own, started while other tests run."""
    code = """
        import os, signal, sys, time
        from directus_orm.testing import start
        signal.signal(signal.SIGINT, signal.default_int_handler)
        server = start(timeout=240)
        if os.fork() == 0:
            sys.exit()  # runs what is registered with atexit, but the server is not its own
        os.wait()
        print(server.port, server.database.path, flush=True)
        parent = os.getpid()
        if os.fork() == 0:  # a worker that outlives its parent
            os.closerange(0, 100)
            while os.getppid() == parent:
                time.sleep(0.1)
            time.sleep(6)
            os._exit(0)
        sys.stdin.readline()
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = {
        how: subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for how in ENDS
    }
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


def get(server: DirectusServer, path: str) -> requests.Response:
    return requests.get(server.url + path, headers={"Authorization": f"Bearer {server.token}"}, timeout=10)


def port_is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_token_and_password_are_an_administrators(directus_server: DirectusServer) -> None:
    me = get(directus_server, "/users/me?fields=email,role.name").json()["data"]
    assert me["email"] == directus_server.email
    assert me["role"]["name"] == "Administrator"
    login = {"email": directus_server.email, "password": directus_server.password}
    assert requests.post(directus_server.url + "/auth/login", json=login, timeout=10).status_code == 200


def test_it_is_the_version_it_says(directus_server: DirectusServer) -> None:
    assert get(directus_server, "/server/health").json()["releaseId"] == directus_server.version


def test_it_listens_on_the_loopback_interface_alone(directus_server: DirectusServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        # All of 127/8 is loopback on Linux: a server bound to every interface would answer here.
        if sys.platform == "linux":
            assert client.connect_ex(("127.0.0.2", directus_server.port)) != 0
    assert directus_server.url == f"http://127.0.0.1:{directus_server.port}"


def test_its_database_can_be_read_directly(directus_server: DirectusServer) -> None:
    connection = directus_server.database.connect()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT email FROM directus_users")
        assert directus_server.email in {email for (email,) in cursor.fetchall()}
    finally:
        connection.close()


def test_neither_repr_nor_log_shows_a_secret(directus_server: DirectusServer) -> None:
    shown = repr(directus_server) + directus_server.log
    assert directus_server.token not in shown
    assert directus_server.password not in shown
    assert directus_server.url in repr(directus_server)


@pytest.mark.parametrize("name", ["PORT", "HOST", "DB_CLIENT", "DB_FILENAME"])
def test_env_cannot_contradict_the_arguments(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} cannot be set by env=.*use (port|database)="):
        start(env={name: "x"})


def test_a_taken_port_is_named_before_a_directus_is_installed(
    taken_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRECTUS_ORM_CACHE", str(tmp_path))
    with pytest.raises(PortTaken, match=f"Port {taken_port} on 127.0.0.1 is taken"):
        start(port=taken_port)
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_only_others_may_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listener(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Listener)
    with pytest.raises(PortTaken, match="This user may not listen on port 80"):
        start(port=80)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"from 1 to 65535, not {port}"):
        start(port=port)


@pytest.fixture(scope="module")
def odd_server() -> Iterator[DirectusServer]:
    """A server whose start met every obstacle at once: starting takes seconds, so they share one."""
    env = {"ADMIN_EMAIL": "me@example.org", "ADMIN_PASSWORD": "secret-enough", "QUERY_LIMIT_DEFAULT": "2"}
    with pytest.MonkeyPatch.context() as patch, socket.socket() as other_program:
        patch.setenv("DB_CLIENT", "oracledb")
        patch.setenv("QUERY_LIMIT_MAX", "3")
        other_program.bind(("127.0.0.1", 0))
        other_program.listen()
        ports = iter([other_program.getsockname()[1], server._free_port()])
        patch.setattr(server, "_free_port", lambda: next(ports))
        patch.setattr(server, "require_free", lambda port: None)
        own = start(env=env, timeout=240)
        assert next(ports, None) is None
    with own:
        yield own


def test_a_free_port_that_is_lost_in_a_race_is_replaced(odd_server: DirectusServer) -> None:
    """Lost after the last look, that is: Directus itself found it taken."""
    assert odd_server.running
    assert get(odd_server, "/server/ping").text == "pong"


def test_settings_of_the_program_under_test_do_not_reach_the_server(odd_server: DirectusServer) -> None:
    """An application's own DB_CLIENT in the environment would start nothing at all; env= does reach it."""
    assert odd_server.database.vendor == "sqlite"
    assert get(odd_server, "/server/info").json()["data"]["queryLimit"] == {"default": 2, "max": -1}


def test_the_administrator_can_be_chosen(odd_server: DirectusServer) -> None:
    assert (odd_server.email, odd_server.password) == ("me@example.org", "secret-enough")
    assert get(odd_server, "/users/me").json()["data"]["email"] == "me@example.org"
    login = {"email": odd_server.email, "password": odd_server.password}
    assert requests.post(odd_server.url + "/auth/login", json=login, timeout=10).status_code == 200


def test_rows_survive_a_crash_and_a_restart(odd_server: DirectusServer) -> None:
    url = odd_server.url
    renamed = requests.patch(
        url + "/users/me", params={"access_token": odd_server.token}, json={"title": "kept"}, timeout=10
    )
    assert renamed.status_code == 200
    odd_server.kill()
    assert not odd_server.running
    assert port_is_free(odd_server.port)
    odd_server.restart()
    assert odd_server.url == url
    assert get(odd_server, "/users/me").json()["data"]["title"] == "kept"


def test_nothing_is_left_of_a_stopped_server() -> None:
    with start() as own:
        file = own.database.path
        assert file is not None
        assert file.is_file()
        own.stop()
        own.stop()
    assert port_is_free(own.port)
    assert not file.parent.exists()
    assert not own.running
    with pytest.raises(ConfigurationError, match="was stopped, and its rows are gone"):
        own.restart()


def test_a_server_that_dies_while_starting_shows_its_last_words() -> None:
    with pytest.raises(ServerDied, match="ended while it was starting") as caught:
        start(env=BROKEN)
    assert "Cannot find module '/nonexistent.cjs'" in caught.value.log


def test_a_server_that_is_not_healthy_in_time_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(ServerNotReady, match=r"not healthy after 0 s .*longer timeout="):
        start(timeout=0.2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ENDS)
def test_the_server_ends_with_the_program(how: str, programs: dict[str, subprocess.Popen[str]]) -> None:
    program = programs[how]
    assert program.stdin is not None
    assert program.stdout is not None
    port, file = program.stdout.readline().split()
    time.sleep(0.5)  # the watchdog looks five times a second
    assert requests.get(f"http://127.0.0.1:{port}/server/ping", timeout=10).text == "pong"
    sent = ENDS[how]
    if sent is None:
        program.stdin.write("\n")
        program.stdin.flush()
    else:
        program.send_signal(sent)
    assert program.wait(10) == (0 if sent is None else -sent)
    deadline = time.monotonic() + 3
    while not port_is_free(int(port)) or Path(file).parent.exists():
        # Sooner than the worker ends: it does not keep the server.
        assert time.monotonic() < deadline
        time.sleep(0.05)
