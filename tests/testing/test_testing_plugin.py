"""The pytest plugin and the commands, as another project meets them."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from directus_orm.testing.__main__ import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
for name in ("DIRECTUS_TEST_VERSION", "DIRECTUS_TEST_DATABASE"):
    ENVIRONMENT.pop(name, None)


def run_pytest(folder: Path, *arguments: str, status: int = 0, **environment: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "directus_orm.testing.plugin", *arguments]
    # Installed, the entry point loads it, and twice is an error.
    command += ["-p", "no:directus_orm"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_the_plugin_costs_other_projects_no_import() -> None:
    code = """if True:
        import sys, pytest
        before = set(sys.modules)
        import directus_orm
        root = set(sys.modules)
        import directus_orm.testing.plugin
        print(*sorted(set(sys.modules) - root))
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["directus_orm.testing", "directus_orm.testing.plugin"], done.stderr


def test_options_come_from_the_command_line_then_the_environment_then_the_ini_file(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from directus_orm.testing.plugin import option\n"
        "def test_it(pytestconfig):\n"
        "    print('GOT', option(pytestconfig, 'version'), option(pytestconfig, 'database'))\n"
    )
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\n")
    assert "GOT 12 sqlite" in run_pytest(tmp_path, "-s")
    ini.write_text("[pytest]\ndirectus_version = 10\ndirectus_database = mysql://\n")
    assert "GOT 11 mysql://" in run_pytest(tmp_path, "-s", DIRECTUS_TEST_VERSION="11")
    given = ("--directus-version=11.5.1", "--directus-database=postgres://")
    assert "GOT 11.5.1 postgres://" in run_pytest(tmp_path, "-s", *given, DIRECTUS_TEST_VERSION="11")


def test_another_project_gets_one_server_for_all_its_tests_and_none_after_an_interrupt(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, signal, requests\n"
        "def test_one(directus_server, pytestconfig):\n"
        "    assert requests.get(directus_server.url + '/server/ping', timeout=9).text == 'pong'\n"
        "    pytestconfig.seen = directus_server\n"
        "def test_two(directus_server, pytestconfig):\n"
        "    assert pytestconfig.seen is directus_server\n"
        "    print('URL', directus_server.url)\n"
        "def test_three():\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    printed = run_pytest(tmp_path, "-s", "-W", "error", status=pytest.ExitCode.INTERRUPTED)
    assert "2 passed" in printed
    url = printed.partition("URL ")[2].split()[0]
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_serve_tells_how_to_reach_and_how_to_stop_it_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "directus_orm.testing", "serve", "--env", "PROJECT_NAME=One", "A=b"]
    # A test run in the background of a shell ignores SIGINT, and what it starts would as well.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    served = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=listen,  # noqa: PLW1509 - one call into C
    )
    try:
        assert served.stdout is not None
        lines: list[str] = []
        while not lines or "Stop" not in lines[-1]:
            lines.append(served.stdout.readline())
            assert lines[-1], lines
        told = dict(line.split()[:2] for line in lines if line.startswith("  ") and "export" not in line)
        me = requests.get(f"{told['URL']}/users/me", params={"access_token": told["token"]}, timeout=10)
        assert me.json()["data"]["email"] == told["e-mail"]
        login = {"email": told["e-mail"], "password": told["password"]}
        assert requests.post(f"{told['URL']}/auth/login", json=login, timeout=10).status_code == 200
        assert requests.get(f"{told['URL']}/admin/", timeout=10).status_code == 200
        served.send_signal(signal.SIGINT)
        rest, _ = served.communicate(timeout=20)
        assert rest == "Stopped; its files and its database are removed.\n"
        assert served.returncode == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(told["URL"], timeout=5)
    finally:
        served.kill()
        served.communicate()


def test_commands_end_with_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--version", "9"]) == 1
    assert "'9' is not a version of Directus" in capsys.readouterr().err
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        before = signal.getsignal(signal.SIGTERM)
        try:
            assert main(["serve", "--port", str(port)]) == 1
        finally:
            signal.signal(signal.SIGTERM, before)
    assert f"error: Port {port} on 127.0.0.1 is taken" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["serve", "--env", "NOVALUE"])
    assert "'NOVALUE' is not KEY=VALUE" in capsys.readouterr().err


def test_the_fixture_check_models_fails_with_the_list_of_problems(tmp_path: Path) -> None:
    (tmp_path / "test_models.py").write_text(
        """if True:
        from directus_orm import Model

        class Wrong(Model):
            id: int
            width: complex

        class Right(Model):
            id: int

        def test_wrong_models(check_models):
            check_models(Wrong)

        def test_right_models(check_models):
            check_models(Right)
        """
    )
    printed = run_pytest(tmp_path, status=1)
    assert "1 failed, 1 passed" in printed
    assert "1 problem in the declarations of models:\n- Wrong.width: complex is no type" in printed
    assert "Traceback" not in printed
