"""Many operations under many faults: afterwards the database holds exactly what the application was told.

``FAULT_OPERATIONS`` is their number; see ``make test-faults``.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from directus_orm import (
    DirectusError,
    Model,
    OutcomeUnknown,
    RateLimited,
    Retry,
    Session,
    TransportError,
    Unavailable,
    field,
    generated,
)
from directus_orm.testing import DirectusServer, start
from tests.promises.fault_proxy import FaultProxy, by_chance, faulty
from tests.worlds.server_setup import column, key, make_collection

OPERATIONS = int(os.environ.get("FAULT_OPERATIONS", "400"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
THREADS = 8
CRASHES = [0.5] if OPERATIONS < 2000 else [0.2, 0.4, 0.6, 0.8]
SHARE = 0.2
TIMEOUT = (2.0, 1.0)
POLICY = Retry(times=12, total=20, first_pause=0.05, longest_pause=2)
# One request ends within its policy and a timeout, and its look-up within another timeout; the longest operation
# sends two.
BOUND = 2 * (POLICY.total + 2 * sum(TIMEOUT))

ABSENT = object()
"""Stands for a row that is not there."""


class Box(Model, collection="fault_boxes"):
    """Its keys are made by the client, so that a lost create can be looked up."""

    id: UUID = field(factory=uuid4, primary_key=True)
    owner: int
    n: int = 0


class Slip(Model, collection="fault_slips"):
    """Its keys are made by the server, so that the outcome of a lost create stays unknown."""

    id: int = field(default=generated, primary_key=True)
    owner: int
    label: str


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


class Worker:
    """One thread of the application: what it did, what it was told, and so what may be in its rows."""

    def __init__(self, session: Session, owner: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.session = session
        self.owner = owner
        # The values that each row may have; more than one only where an outcome is unknown.
        self.boxes: dict[UUID, set[Any]] = {}
        self.slips: dict[str, set[Any]] = {}
        self.told: Counter[str] = Counter()
        self.longest = 0.0

    def run(self, operations: int) -> None:
        verbs: list[tuple[Callable[[], None], int]] = [
            (self.create, 20),
            (self.create_slip, 5),
            (self.read, 25),
            (self.update, 25),
            (self.delete, 10),
            (self.iterate, 5),
            (self.bulk_create, 3),
            (self.update_many, 4),
            (self.delete_many, 3),
        ]
        for verb in self.dice.choices([v for v, _ in verbs], [w for _, w in verbs], k=operations):
            started = time.monotonic()
            verb()
            self.longest = max(self.longest, time.monotonic() - started)

    def write(
        self, changes: dict[Any, Any], act: Callable[[], Any], states: dict[Any, set[Any]] | None = None
    ) -> None:
        """Do something that gives rows these values, and keep what the application was told of it."""
        states = self.boxes if states is None else states
        before = {key: states.get(key, {ABSENT}) for key in changes}
        try:
            act()
        except OutcomeUnknown:
            states |= {key: before[key] | {value} for key, value in changes.items()}
            self.told["unknown"] += 1
        except DirectusError as error:
            self.refused(error)
            states |= before
        else:
            states |= {key: {value} for key, value in changes.items()}
            self.told["done"] += 1

    def refused(self, error: DirectusError) -> None:
        """Count an error that says that nothing was written."""
        before = isinstance(error, TransportError) and error.request is not None and error.request.reads
        unsent = isinstance(error, TransportError) and not error.sent
        assert before or unsent or isinstance(error, RateLimited | Unavailable), repr(error)
        self.told[f"refused: {type(error).__name__}"] += 1

    def look(self, act: Callable[[], Any]) -> Any:
        """Read something; None where that failed."""
        try:
            found = act()
        except (TransportError, RateLimited, Unavailable) as error:
            self.told[f"not read: {type(error).__name__}"] += 1
            return None
        self.told["read"] += 1
        return found

    def create(self) -> None:
        box = Box(owner=self.owner, n=self.dice.randrange(1000))
        self.write({box.id: box.n}, box.save)

    def create_slip(self) -> None:
        label = f"{self.owner}-{len(self.slips)}"
        self.write({label: 1}, lambda: Slip.objects.create(owner=self.owner, label=label), self.slips)

    def bulk_create(self) -> None:
        boxes = [Box(owner=self.owner, n=self.dice.randrange(1000)) for _ in range(5)]
        self.write({box.id: box.n for box in boxes}, lambda: Box.objects.bulk_create(boxes))

    def some(self, most: int) -> list[UUID]:
        """Choose rows of which it is known that they are there, and their value."""
        known = [key for key, values in self.boxes.items() if len(values) == 1 and ABSENT not in values]
        return self.dice.sample(known, min(most, len(known)))

    def read(self) -> None:
        for pk in self.dice.sample(list(self.boxes), min(1, len(self.boxes))):
            found = self.look(partial(list, Box.objects.filter(pk=pk)))
            if found is not None:
                value = found[0].n if found else ABSENT
                assert value in self.boxes[pk], (pk, value, self.boxes[pk])

    def update(self) -> None:
        for pk in self.some(1):
            box = self.look(partial(Box.objects.get, pk=pk))
            if box is not None:
                box.n = 1000 + self.dice.randrange(1_000_000)
                self.write({pk: box.n}, box.save)

    def update_many(self) -> None:
        keys, value = self.some(4), self.dice.randrange(1_000_000)
        self.write(dict.fromkeys(keys, value), lambda: Box.objects.filter(pk__in=keys).update(n=value))

    def delete(self) -> None:
        for pk in self.some(1):
            self.write({pk: ABSENT}, Box.objects.ref(pk).delete)

    def delete_many(self) -> None:
        keys = self.some(3)
        self.write(dict.fromkeys(keys, ABSENT), lambda: Box.objects.filter(pk__in=keys).delete())

    def iterate(self) -> None:
        found = self.look(
            lambda: {box.pk: box.n for box in Box.objects.filter(owner=self.owner).iterator(page_size=20)}
        )
        if found is not None:
            self.check(found)

    def check(self, found: dict[UUID, int]) -> None:
        """Compare rows with what the application was told: none is missing, doubled, or of another value."""
        assert found.keys() <= self.boxes.keys()
        for pk, values in self.boxes.items():
            assert found.get(pk, ABSENT) in values, (pk, found.get(pk), values)


def crash(server: DirectusServer, at: list[float], progress: Callable[[], float]) -> None:
    """Kill the server and start it again, whenever that share of the work is done."""
    for share in at:
        while progress() < share:
            time.sleep(0.1)
        server.kill()
        time.sleep(0.5)
        server.restart()


def test_the_database_holds_what_the_application_was_told(
    server: DirectusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with faulty(server.port, by_chance(SEED, SHARE), silence=1.5) as proxy:
        session = Session(proxy.url, token=server.token, timeout=TIMEOUT, retry=POLICY)
        workers = [Worker(session, owner, SEED * 100 + owner) for owner in range(THREADS)]
        run(server, session, workers)
        session.close()
        seconds, met = time.monotonic() - started, proxy.met
    told = sum((worker.told for worker in workers), Counter[str]())
    with capsys.disabled():
        print(f"\n{OPERATIONS} operations by {THREADS} threads in {seconds:.0f} s, seed {SEED}")
        print(f"  told: {dict(told.most_common())}")
        print(f"  met: { ({fault.name: n for fault, n in met.most_common()}) }")
        print(f"  longest operation: {max(worker.longest for worker in workers):.1f} s of at most {BOUND:.0f} s")
    assert max(worker.longest for worker in workers) < BOUND
    with Session(server.url, token=server.token):
        for worker in workers:
            check(worker)
    assert sum(told.values()) >= OPERATIONS * 0.9
    # What was under way at each crash, and lost creates whose keys the server makes.
    assert told["unknown"] < OPERATIONS * 0.02 + THREADS * len(CRASHES) * 2


def run(server: DirectusServer, session: Session, workers: list[Worker]) -> None:
    each = OPERATIONS // THREADS

    def work(worker: Worker) -> None:
        with session:
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
    rows = list(Box.objects.filter(owner=worker.owner))
    assert len({row.pk for row in rows}) == len(rows)
    worker.check({row.pk: row.n for row in rows})
    labels = Counter(Slip.objects.filter(owner=worker.owner).values_list("label", flat=True))
    assert labels.keys() <= worker.slips.keys()
    for label, values in worker.slips.items():
        assert labels[label] <= 1, f"{label} was created {labels[label]} times"
        assert (1 if labels[label] else ABSENT) in values, (label, values)


def test_a_fault_proxy_without_faults_changes_nothing(server: DirectusServer) -> None:
    with faulty(server.port) as proxy, Session(proxy.url, token=server.token):
        box = Box.objects.create(owner=99)
        assert Box.objects.get(pk=box.pk) == box
        box.delete()
        assert isinstance(proxy, FaultProxy)
        assert [message.method for message in proxy.seen] == ["POST", "GET", "DELETE"]
