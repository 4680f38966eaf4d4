"""Many operations under many faults: afterwards the database holds exactly what the application was told.

Some threads work as users who do not see everything, where the server has permissions for single rows (11).
``FAULT_OPERATIONS`` is the number of operations; see ``make test-faults``.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from directus_orm import Retry, Session
from directus_orm.testing import DirectusServer, start
from tests.promises.fault_proxy import FaultProxy, by_chance, faulty
from tests.promises.fault_worker import (
    HIDDEN_FROM,
    HIDDEN_LABEL,
    Box,
    Sight,
    Slip,
    Worker,
    contents,
    sees_all,
    sees_some_notes,
    sees_some_rows,
)
from tests.worlds.server_setup import column, key, make_collection, user

OPERATIONS = int(os.environ.get("FAULT_OPERATIONS", "400"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
THREADS = 8
CRASHES = [0.5] if OPERATIONS < 2000 else [0.2, 0.4, 0.6, 0.8]
SHARE = 0.2
TIMEOUT = (2.0, 1.0)
POLICY = Retry(times=12, total=20, first_pause=0.05, longest_pause=2)
# One request ends within its policy and a timeout, and its look-up within another timeout. An operation reads and
# writes, and ends with its first request that fails. Some read twice, but no operation meets two crashes.
BOUND = 2 * (POLICY.total + 2 * sum(TIMEOUT))
# The share of the creates and updates whose outcome stays unknown if their answers are lost. These are, of 64 in
# Worker.run: creates with keys of the server (5), updates of rows that were not read (5) and by query (4), and
# updates of users who do not see the rows afterwards (6 at most, a fifth of the updates).
UNCERTAIN = 20 / 64

Users = list[tuple[str, Sight]]
"""Tokens, and what their users see."""


@pytest.fixture(scope="module")
def server(directus_version: str) -> Iterator[DirectusServer]:
    with start(directus_version) as server:
        make_collection(
            server,
            "fault_boxes",
            key("uuid"),
            column("owner", "integer"),
            column("n", "integer"),
            column("note", "text"),
        )
        make_collection(server, "fault_slips", column("owner", "integer"), column("label", "string"))
        yield server


@pytest.fixture(scope="module")
def users(server: DirectusServer) -> Iterator[Users]:
    """The administrator, and users who may write everything and see less, where there are permissions for rows."""
    admin = (server.token, sees_all)
    if not server.version.startswith("11."):
        yield [admin]
        return
    may: dict[str, Any] = {
        "fault_boxes": ["create", "read", "update", "delete"],
        "fault_slips": ["create", "read"],
    }
    boxes = {"fault_boxes": {"n": {"_lt": HIDDEN_FROM}}}
    slips = {"fault_slips": {"label": {"_nends_with": HIDDEN_LABEL}}}
    shown = {"fault_boxes": ["id", "owner", "n"]}
    with ExitStack() as stack:
        of_some_rows = stack.enter_context(user(server, "some-rows", boxes | slips, **may))
        of_some_notes = stack.enter_context(user(server, "some-notes", boxes, shown, **may))
        yield [admin, (of_some_rows, sees_some_rows), (of_some_notes, sees_some_notes)]


def crash(server: DirectusServer, at: list[float], progress: Callable[[], float]) -> None:
    """Kill the server and start it again, whenever that share of the work is done."""
    for share in at:
        while progress() < share:
            time.sleep(0.1)
        server.kill()
        time.sleep(0.5)
        server.restart()


@pytest.mark.row_rules
@pytest.mark.filterwarnings("ignore:.*not visible to this user")
def test_the_database_holds_what_the_application_was_told(
    server: DirectusServer, users: Users, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with faulty(server.port, by_chance(SEED, SHARE), silence=1.5) as proxy:
        session = Session(proxy.url, token=server.token, timeout=TIMEOUT, retry=POLICY)
        workers = []
        for owner in range(THREADS):
            token, sight = users[owner % len(users)]
            own = session if token == server.token else session.with_options(token=token)
            workers.append(Worker(own, owner, SEED * 100 + owner, sight))
        run(server, session, workers)
        session.close()
        seconds, met, lost = time.monotonic() - started, proxy.met, proxy.lost
    idle = sum(worker.idle for worker in workers)
    told = sum((worker.told for worker in workers), Counter[str]())
    with capsys.disabled():
        print(
            f"\n{OPERATIONS} operations by {THREADS} threads of {len(users)} users in {seconds:.0f} s, seed {SEED}"
        )
        print(f"  Directus {server.version}; told: {dict(told.most_common())}")
        print(f"  lost answers to creates and updates: {lost}; operations that found no row: {idle}")
        print(f"  met: { ({fault.name: n for fault, n in met.most_common()}) }")
        print(f"  longest operation: {max(worker.longest for worker in workers):.1f} s of at most {BOUND:.0f} s")
    assert max(worker.longest for worker in workers) < BOUND
    with Session(server.url, token=server.token):
        for worker in workers:
            check(worker)
    assert idle < OPERATIONS * 0.05  # those of a thread whose first creates all failed
    # Besides, a crash may interrupt what each thread does, and its look-up.
    assert told["unknown"] < lost * UNCERTAIN + THREADS * len(CRASHES)


def run(server: DirectusServer, session: Session, workers: list[Worker]) -> None:
    each = OPERATIONS // THREADS

    def work(worker: Worker) -> None:
        with worker.session:
            worker.run(each)

    def progress() -> float:
        return sum(sum(worker.told.values()) for worker in workers) / OPERATIONS

    failed = threading.Event()
    with session, ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(work, worker) for worker in workers]
        chaos = threading.Thread(
            target=crash, args=(server, CRASHES, lambda: 1.0 if failed.is_set() else progress())
        )
        chaos.start()
        try:
            for future in futures:
                future.result()
        finally:
            failed.set()
            chaos.join()


def check(worker: Worker) -> None:
    worker.check(contents(Box.objects.filter(owner=worker.owner)), sees_all)
    labels = Counter(Slip.objects.filter(owner=worker.owner).values_list("label", flat=True))
    assert labels.keys() <= worker.slips.keys()
    for label, states in worker.slips.items():
        assert labels[label] <= 1, f"{label} was created {labels[label]} times"
        assert bool(labels[label]) in states, (label, states)


def test_a_fault_proxy_without_faults_changes_nothing(server: DirectusServer) -> None:
    with faulty(server.port) as proxy, Session(proxy.url, token=server.token):
        box = Box.objects.create(owner=99)
        assert Box.objects.get(pk=box.pk) == box
        box.delete()
        assert isinstance(proxy, FaultProxy)
        assert [message.method for message in proxy.seen] == ["POST", "GET", "DELETE"]
