"""The row with the key 0, which the server takes for a row without a key where several rows are written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm import ConversionError, Model, Session
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, key, make_collection


class Zero(Model, collection="rows_from_zero"):
    id: int
    n: int | None = None


@pytest.fixture(scope="module")
def server(world: DirectusServer) -> Iterator[DirectusServer]:
    drop_collection(world, "rows_from_zero")
    make_collection(world, "rows_from_zero", key("integer"), column("n", "integer"))
    yield world
    drop_collection(world, "rows_from_zero")


@pytest.fixture
def admin(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        session.items("rows_from_zero").create([{"id": 0, "n": 0}, {"id": 1, "n": 0}, {"id": 2, "n": 0}])
        yield session
        Zero.objects.all().delete()


def stored() -> dict[int, int | None]:
    return dict(Zero.objects.order_by("id").values_list("id", "n"))


def with_numbers(rows: list[Zero]) -> list[Zero]:
    for row in rows:
        row.n = row.id + 10
    return rows


def test_bulk_update(admin: Session) -> None:
    rows = with_numbers(list(Zero.objects.all()))
    with admin.capture() as sent:
        assert Zero.objects.bulk_update(rows, ["n"]) == 3
    assert len(sent) == 2
    assert stored() == {0: 10, 1: 11, 2: 12}
    with admin.capture() as sent:
        rows[0].save()
    assert not sent


def test_bulk_update_of_a_row_that_is_gone(admin: Session) -> None:
    rows = with_numbers(list(Zero.objects.all()))
    Zero.objects.filter(pk=0).delete()
    assert Zero.objects.bulk_update(rows, ["n"]) == 2
    assert stored() == {1: 11, 2: 12}


def test_upsert_of_rows_that_were_read(admin: Session) -> None:
    Zero.objects.upsert(with_numbers(list(Zero.objects.all())))
    assert stored() == {0: 10, 1: 11, 2: 12}


def test_upsert_of_new_instances(admin: Session) -> None:
    Zero.objects.upsert([Zero(id=0, n=5), Zero(id=7, n=7)])
    assert stored() == {0: 5, 1: 0, 2: 0, 7: 7}


def test_upsert_creates_no_row_with_the_key_zero(admin: Session) -> None:
    """It would come back under another key. Nothing is written then."""
    Zero.objects.filter(pk=0).delete()
    with pytest.raises(ConversionError, match="another key"):
        Zero.objects.upsert([Zero(id=1, n=5), Zero(id=0, n=5)])
    assert stored() == {1: 0, 2: 0}


def test_one_row(admin: Session) -> None:
    zero = Zero.objects.get(pk=0)
    zero.n = 3
    zero.save()
    zero.refresh()
    assert zero.n == 3
    assert Zero.objects.filter(pk=0).update(n=4) == 1
    zero.delete()
    assert stored() == {1: 0, 2: 0}
