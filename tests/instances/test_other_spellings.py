"""Rows whose keys the database finds in another spelling: MariaDB takes "ABC" and "abc " for "abc"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import Count, Max, Model, QuerySet, Related, Session, field, generated, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, key, make_collection, make_relation
from tests.worlds.tiny_server import Scripted, TinyServer


class Owner(Model, collection="owners_spelled"):
    id: str = field(primary_key=True)
    name: str | None = None
    things: Related[Thing] = one_to_many("p")


class Thing(Model, collection="things_spelled"):
    id: int = field(default=generated, primary_key=True)
    p: Owner | None = None


class Loan(Model, collection="loans_spelled"):
    id: int = field(default=generated, primary_key=True)
    p: Owner
    note: str | None = None


KEYS = ["abc", "ABC", "abc ", "x", None]
NAMES = ["lower", "lower", "lower", "ex", None]
LOWER = {"id": "abc", "name": "lower"}


@pytest.fixture(scope="module")
def server(directus_mariadb: DirectusServer) -> Iterator[DirectusServer]:
    server = directus_mariadb
    make_collection(server, "owners_spelled", key("string"), column("name", "string"))
    make_collection(server, "things_spelled", AUTO_KEY)
    make_relation(server, "things_spelled", "p", "owners_spelled", "string", reverse="things")
    with Session(server.url, token=server.token) as session:
        session.items("owners_spelled").create([{"id": "abc", "name": "lower"}, {"id": "x", "name": "ex"}])
        session.items("things_spelled").create([{"p": key} for key in KEYS])
    yield server
    for name in ("things_spelled", "owners_spelled"):
        drop_collection(server, name)


@pytest.fixture
def admin(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session


WAYS: dict[str, Callable[[], QuerySet[Thing]]] = {
    "lazily": lambda: Thing.objects.all(),
    "with the rows": lambda: Thing.objects.select_related("p"),
    "beside their lists": lambda: Thing.objects.prefetch_related("p__things"),
}


@pytest.mark.parametrize("way", WAYS)
def test_related_rows(admin: Session, way: str) -> None:
    """The server finds related rows by their keys to the letter, and gives null for the others."""
    things = list(WAYS[way]().order_by("id"))
    assert [thing.p and thing.p.pk for thing in things] == KEYS
    assert [thing.p and thing.p.name for thing in things] == NAMES


def test_rows_by_key(admin: Session) -> None:
    assert Owner.objects.ref("ABC").name == "lower"
    owner = Owner.objects.ref("abc ")
    owner.refresh()
    assert owner.name == "lower"
    with pytest.raises(Owner.DoesNotExist):
        assert Owner.objects.ref("abd").name


def test_values_of_groups(admin: Session) -> None:
    groups = Thing.objects.values("p__name").annotate(n=Count("*"), last=Max("p__name"))
    found = {(group["p__name"], group["n"], group["last"]) for group in groups}
    assert found == {("lower", 3, "lower"), ("ex", 1, "ex"), (None, 1, None)}


class TestWhatIsAsked:
    """On other databases a key is found as it is written, and nothing more is asked."""

    def test_another_spelling_is_asked_for_by_itself(self, tiny: TinyServer) -> None:
        row = Scripted(body={"data": [{"id": "abc", "name": "lower"}]})
        tiny.answers(row, row)
        with Session(tiny.url, token="t"):
            assert Owner.objects.ref("ABC").name == "lower"
        assert len(tiny.seen) == 2

    def test_a_missing_row_is_not_asked_for_again(self, tiny: TinyServer) -> None:
        tiny.answers(Scripted(body={"data": []}))
        with Session(tiny.url, token="t"), pytest.raises(Owner.DoesNotExist):
            assert Owner.objects.ref("ABC").name
        assert len(tiny.seen) == 1

    def owners_of_pages(
        self, tiny: TinyServer, *answers: list[list[dict[str, str]]], keys: tuple[str, ...] = ("abc", "gone")
    ) -> int:
        """Load the owners of four pages of loans, one owner of each page hidden; return the number of requests.

        ``answers`` are those to the requests beside these of the pages and their owners, for each page.
        """
        script = [self.loans(0, keys), self.loans(0, keys, note="x"), [LOWER]]
        rows = {"abc": LOWER, "gone": None}
        beside: list[dict[str, Any]] = [{"p": rows[key], "p__key": key} for key in keys]
        for page in (1, 2, 3):
            loaded = [row | more for row, more in zip(self.loans(page, keys, note="x"), beside, strict=True)]
            script += [self.loans(page, keys), loaded, *(answers[page - 1] if page <= len(answers) else [])]
        tiny.answers(*(Scripted(body={"data": rows}) for rows in [*script, []]))
        found = []
        for loan in Loan.objects.only("p").iterator(page_size=2, read_ahead=0):
            try:
                found.append((loan.note, loan.p.name))
            except Owner.DoesNotExist:
                found.append((loan.note, "hidden"))
        assert found == [("x", "lower" if key == "abc" else "hidden") for key in keys] * 4
        return len(tiny.seen)

    def loans(self, page: int, keys: tuple[str, ...], **values: Any) -> list[dict[str, Any]]:
        return [{"id": 2 * page + n, "p": key, **values} for n, key in enumerate(keys, 1)]

    def test_hidden_rows_cost_one_request_for_each_session(self, tiny: TinyServer) -> None:
        """It asks whether the database finds a known key in other spellings; if not, no row is asked for again."""
        with Session(tiny.url, token="t"):
            assert self.owners_of_pages(tiny, [[]]) == 10 + 1
        assert json.loads(tiny.seen[5][3])["keys"] == ["ABC", "abc ", "abc\u0301"]

    def test_rows_come_with_later_pages_also_if_the_first_is_hidden(self, tiny: TinyServer) -> None:
        with Session(tiny.url, token="t"):
            assert self.owners_of_pages(tiny, [[]], keys=("gone", "abc")) == 10 + 1

    def test_where_other_spellings_are_found_each_page_asks(self, tiny: TinyServer) -> None:
        with Session(tiny.url, token="t"):
            assert self.owners_of_pages(tiny, [[LOWER], []], [[]], [[]]) == 10 + 4


def test_values_and_lists_go_by_keys_to_the_letter(admin: Session) -> None:
    """The server puts these together by itself; docs/django.md says so, and how to mend the keys."""
    ordered = Thing.objects.order_by("id")
    assert list(ordered.values_list("p", "p__name")) == list(
        zip(KEYS, ("lower", None, None, "ex", None), strict=True)
    )
    assert [len(owner.things) for owner in Owner.objects.order_by("name")] == [1, 1]
    assert Thing.objects.filter(p="abc").update(p="abc") == 3
    assert list(ordered.all().values_list("p__name", flat=True)) == NAMES
    assert [len(owner.things) for owner in Owner.objects.order_by("name")] == [1, 3]
