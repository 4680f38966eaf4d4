"""Two workers take rows: the recipe of the documentation gives each row to one of them; `update()` does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from directus_orm import Model, OutcomeUnknown, RecordNotUnique, Retry, Session, field, generated
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import Fault, faulty
from tests.worlds.server_setup import column, drop_collection, key, make_collection


class Job(Model, collection="claimed_jobs"):
    id: int = field(default=generated, primary_key=True)
    worker: str | None = None


class Claim(Model, collection="job_claims"):
    """Its key is that of the job, so that the database keeps the first claim alone."""

    job: int = field(primary_key=True)
    worker: str


def take(job: Job, worker: str) -> bool:
    try:
        Claim(job=job.id, worker=worker).save()
    except RecordNotUnique:
        return False
    except OutcomeUnknown:
        return Claim.objects.filter(pk=job.id, worker=worker).exists()
    return True


@pytest.fixture(scope="module", params=["directus_server", "directus_postgres"], ids=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    server: DirectusServer = request.getfixturevalue(request.param)
    make_collection(server, "claimed_jobs", column("worker", "string"))
    make_collection(server, "job_claims", key("integer", "job"), column("worker", "string"))
    yield server
    for name in ("claimed_jobs", "job_claims"):
        drop_collection(server, name)


@pytest.fixture
def jobs(server: DirectusServer) -> Iterator[Session]:
    """The current session; what is left in the collections is removed."""
    with Session(server.url, token=server.token) as session:
        yield session
        for model in (Job, Claim):
            model.objects.all().delete()


def test_each_row_is_taken_by_one_worker(jobs: Session) -> None:
    start = Barrier(2)

    def work(worker: str, waiting: list[Job]) -> set[int]:
        with jobs:
            start.wait()
            return {job.id for job in waiting if take(job, worker)}

    for number in range(20):
        waiting = Job.objects.bulk_create(Job() for _ in range(5))
        with ThreadPoolExecutor(2) as pool:
            one, other = (pool.submit(work, f"{name} {number}", waiting) for name in ("one", "other"))
            assert one.result() | other.result() == {job.id for job in waiting}
            assert not one.result() & other.result()


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER], ids=str)
@pytest.mark.parametrize("is_taken", [False, True])
def test_a_lost_response_does_not_give_a_row_to_two_workers(
    fault: Fault, is_taken: bool, server: DirectusServer, jobs: Session
) -> None:
    job = Job.objects.create()
    if is_taken:
        assert take(job, "other")
    policy = Retry(4, first_pause=0.05)
    with faulty(server.port) as proxy, Session(proxy.url, token=server.token, retry=policy):
        proxy.script(fault, method="POST")
        assert take(job, "one") is not is_taken
    assert Claim.objects.get().worker == ("other" if is_taken else "one")


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_rows_that_stopped_matching_after_their_keys_were_read_are_written(
    verb: str, server: DirectusServer, jobs: Session, open_session: Callable[..., Session]
) -> None:
    """As the documentation says: the server reads keys first as well, and writes by key."""
    job, send = Job.objects.create(), jobs.send
    other = open_session(server.url, token=server.token).items("claimed_jobs")

    def send_late(request: Any) -> Any:
        if request.method in {"PATCH", "DELETE"}:
            other.update(job.id, {"worker": "other"})
        return send(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "send", send_late)
        waiting = Job.objects.filter(worker=None)
        assert (waiting.update(worker="one") if verb == "update" else waiting.delete()) == 1
    assert [each.worker for each in Job.objects.all()] == (["one"] if verb == "update" else [])
