"""One session for many threads, and what becomes of it in forked and other processes."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from directus_orm.session import Session
from directus_orm.testing import DirectusServer
from tests.worlds.sessions import in_threads
from tests.worlds.tiny_server import Scripted, TinyServer

ROOT = str(Path(__file__).parents[2])
Open = Callable[..., Session]


def run(script: str, *arguments: str) -> str:
    """Run a script in a process of its own, so that forks do not copy pytest."""
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fifty_threads_share_a_session_and_its_connections(
    directus_server: DirectusServer, open_session: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Each gets its own answer, and no connection is thrown away for want of room in the pool."""
    session = open_session(directus_server.url, token=directus_server.token)
    caplog.set_level(logging.DEBUG, "urllib3")

    def ask(n: int) -> bool:
        return all(
            session.get("/users", {"limit": 0, "meta": "total_count", "search": f"{n}"}) == [] for _ in range(10)
        )

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(ask, range(50)))
    assert "pool is full" not in caplog.text
    opened = [r for r in caplog.records if "Starting new HTTP connection" in r.getMessage()]
    assert len(opened) <= 50


def test_responses_do_not_mix(tiny: TinyServer, open_session: Open) -> None:
    session = open_session(tiny.url, token="t")
    in_threads(50, lambda: session.get("/items/x"))
    assert len(tiny.seen) == 50


FORK = """
import os, sys, threading, time
from directus_orm.session import Session
session = Session(sys.argv[1], email=sys.argv[2], password=sys.argv[3], mode=sys.argv[4])
def me():
    return session.get("/users/me", {"fields": "email"})["email"]
with session:
    assert me() == sys.argv[2]
    before = session._state.auth._tokens
    child = os.fork()
    if not child:
        with session.capture() as sent:
            assert me() == sys.argv[2]
        assert [entry.request.path for entry in sent] == ["/auth/login", "/users/me"], sent
        assert session._state.auth._tokens.refresh != before.refresh
    else:
        assert os.waitpid(child, 0)[1] == 0
        session._state.auth._tokens = type(before)(before.access, before.refresh, 0)   # due
        with session.capture() as sent:
            assert me() == sys.argv[2]
        assert [entry.request.path for entry in sent] == ["/auth/refresh", "/users/me"], sent
"""


@pytest.mark.parametrize("mode", ["json", "session"])
def test_a_forked_child_logs_in_for_itself_and_leaves_its_parent_logged_in(
    mode: str, directus_server: DirectusServer
) -> None:
    """G40: of two processes that share a refresh token, one would log the other out; so would a logout."""
    run(FORK, directus_server.url, directus_server.email, directus_server.password, mode)


LOCKED = """
import os, sys, threading, time
from directus_orm.session import Session
session = Session(sys.argv[1], email="a@example.com", password="b", retry=0, timeout=5)
thread = threading.Thread(target=lambda: session.get("/items/x"), daemon=True)
thread.start()
time.sleep(0.3)                         # it waits for its login, and holds the lock
child = os.fork()
if not child:
    session.close()                     # takes the locks
    os._exit(0)
for _ in range(50):
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
        os._exit(status)
    time.sleep(0.1)
os.kill(child, 9)
os._exit(1)
"""


def test_a_fork_in_the_middle_of_a_login_leaves_no_lock_behind(tiny: TinyServer) -> None:
    tiny.answers(Scripted(delay=3))
    run(LOCKED, tiny.url)


GIVEN = """
import os, sys, requests
from directus_orm.session import Session
with requests.Session() as http:
    session = Session(sys.argv[1], token="t", http=http)
    session.get("/items/parent")
    child = os.fork()
    session.get("/items/both")
    if child:
        assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_does_not_read_from_the_connections_of_a_given_http(tiny: TinyServer) -> None:
    run(GIVEN, tiny.url)
    assert len(set(tiny.ports)) == 2


GIVEN_AND_LOCKED = """
import os, sys, requests, threading, time
from directus_orm.session import Session
http = requests.Session()
session = Session(sys.argv[1], token="t", http=http)
session.get("/items/parent")
pools = http.get_adapter(sys.argv[1]).poolmanager.pools
[pool] = [pools[key] for key in pools.keys()]
held = threading.Event()
def hold():
    with {lock}:
        held.set()
        time.sleep(60)
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    session.get("/items/child")
    sys.exit()                          # which closes what is still open
deadline = time.monotonic() + 10
while time.monotonic() < deadline:
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
        os._exit(status)
    time.sleep(0.05)
os.kill(child, 9)
os._exit(1)
"""


@pytest.mark.parametrize("lock", ["pools.lock", "pool.pool.mutex", "http.cookies._cookies_lock"])
def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_its_parent_held_in_a_given_http(
    tiny: TinyServer, lock: str
) -> None:
    """A thread holds such a lock for a moment, whenever it takes a connection or keeps a cookie."""
    run(GIVEN_AND_LOCKED.replace("{lock}", lock), tiny.url)
    assert len(set(tiny.ports)) == 2


def test_a_session_with_a_login_pickles_without_secrets(
    directus_server: DirectusServer, open_session: Open
) -> None:
    server = directus_server
    session = open_session(server.url, email=server.email, password="hidden-password", mode="session", retry=2)
    data = pickle.dumps(session)
    assert b"hidden" not in data
    copy = pickle.loads(data)
    assert (copy.url, copy.retry) == (session.url, session.retry)
