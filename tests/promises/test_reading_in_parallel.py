"""Querysets and their parts travel to other processes, which read one collection at once."""

from __future__ import annotations

import multiprocessing
import os
import pickle

import pytest

from directus_orm import QuerySet, Session
from directus_orm.session import Secret
from tests.worlds.flights import Flight, Plane

KEYS = list(range(1, 261))


def keys_of(part: QuerySet[Flight]) -> tuple[int, list[int]]:
    """Return the process that read a part, and its keys."""
    return os.getpid(), [flight.pk for flight in part.iterator(page_size=50)]


@pytest.fixture
def credentials(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the session, where other processes look for them: they are never pickled."""
    token = session._state.auth.token(lambda _: None)  # type: ignore[arg-type]
    assert isinstance(token, Secret)
    monkeypatch.setenv("DIRECTUS_TOKEN", token.reveal())


def test_several_processes_read_one_collection(session: Session, credentials: None) -> None:
    parts = Flight.objects.filter(pk__gt=0).using(session).partition(4)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(keys_of, parts, chunksize=1)
    assert [key for _, keys in found for key in keys] == KEYS
    assert os.getpid() not in {process for process, _ in found}


def test_a_dask_bag_reads_one_collection(session: Session, credentials: None) -> None:
    bag = pytest.importorskip("dask.bag")
    parts = Flight.objects.using(session).partition(4)
    found = bag.from_sequence(parts, npartitions=2).map(keys_of).compute(scheduler="processes")
    assert sorted(key for _, keys in found for key in keys) == KEYS
    assert os.getpid() not in {process for process, _ in found}


def test_querysets_models_and_requests_pickle(session: Session) -> None:
    flights = Flight.objects.filter(carrier__name__startswith="J").exclude(dep_delay=None).order_by("-dep_delay")
    copy = pickle.loads(pickle.dumps(flights))
    assert copy.query == flights.query
    assert [flight.pk for flight in copy] == [flight.pk for flight in flights]
    assert pickle.loads(pickle.dumps(Flight)) is Flight
    with session.capture() as sent:
        Plane.objects.get(pk="N1")
    request = sent[0].request
    assert pickle.loads(pickle.dumps(request)) == request
