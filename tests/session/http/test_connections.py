"""Connections are reused while they are fresh, and never by a forked process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from directus_orm.session import Session
from directus_orm.session.http import connections
from tests.worlds.tiny_server import TinyServer

ROOT = str(Path(__file__).parents[3])
Open = Callable[..., Session]


def test_a_connection_is_reused_but_not_after_a_while(
    tiny: TinyServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server closes idle connections: a write sent at that moment would have an unknown outcome."""
    monkeypatch.setattr(connections, "LONGEST_IDLE", 0.2)
    session = open_session(tiny.url, token="t")
    session.get("/items/x")
    session.get("/items/x")
    time.sleep(0.3)
    session.items("x").create({})
    first, second, third = tiny.ports
    assert first == second != third


def test_a_forked_process_opens_connections_of_its_own(tiny: TinyServer) -> None:
    """Two processes that read from one socket would get each other's answers."""
    script = """
import os, sys
from directus_orm.session import Session
session = Session(sys.argv[1], token="t")
session.get("/items/parent")
child = os.fork()
session.get("/items/both")
if child:
    os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", script, tiny.url], check=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert len(tiny.ports) == 3
    assert len(set(tiny.ports)) == 2
