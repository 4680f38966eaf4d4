"""Rows whose keys the database finds in another spelling: MariaDB takes "ABC" and "abc " for "abc"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from directus_orm import (
    Count,
    F,
    Max,
    Model,
    QuerySet,
    RecordNotUnique,
    Related,
    Session,
    field,
    generated,
    one_to_many,
)
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


class Part(Model, collection="parts_spelled"):
    id: int = field(default=generated, primary_key=True)
    thing: Thing | None = None


KEYS = ["abc", "ABC", "abc ", "x", None]
NAMES = ["lower", "lower", "lower", "ex", None]
LOWER = {"id": "abc", "name": "lower"}


@pytest.fixture(scope="module")
def server(directus_mariadb: DirectusServer) -> Iterator[DirectusServer]:
    server = directus_mariadb
    make_collection(server, "owners_spelled", key("string"), column("name", "string"))
    make_collection(server, "things_spelled", AUTO_KEY)
    make_relation(server, "things_spelled", "p", "owners_spelled", "string", reverse="things")
    make_collection(server, "parts_spelled", AUTO_KEY)
    make_relation(server, "parts_spelled", "thing", "things_spelled")
    with Session(server.url, token=server.token) as session:
        session.items("owners_spelled").create([{"id": "abc", "name": "lower"}, {"id": "x", "name": "ex"}])
        things = session.items("things_spelled").create([{"p": key} for key in KEYS])
        session.items("parts_spelled").create([{"thing": thing["id"]} for thing in things])
    yield server
    for name in ("parts_spelled", "things_spelled", "owners_spelled"):
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


VALUES: dict[str, Callable[[], Iterable[Any]]] = {
    "values()": lambda: Thing.objects.order_by("id").values_list("p__name", flat=True),
    "values() beside the key": lambda: (
        name for _, name in Thing.objects.order_by("id").values_list("p", "p__name")
    ),
    "annotate()": lambda: (thing.name for thing in Thing.objects.order_by("id").annotate(name=F("p__name"))),  # type: ignore[attr-defined]
    "values() over two relations": lambda: Part.objects.order_by("id").values_list("thing__p__name", flat=True),
    "page()": lambda: Thing.objects.order_by("id").values_list("p__name", flat=True).page(1, 10).rows,
}


@pytest.mark.parametrize("way", VALUES)
def test_values_of_related_rows(admin: Session, way: str) -> None:
    """The server gives null for a row that it finds by the letters of the key alone: those are asked for again."""
    assert list(VALUES[way]()) == NAMES


def test_an_annotation_leaves_the_key_as_it_is_stored(admin: Session) -> None:
    things = Thing.objects.order_by("id").annotate(name=F("p__name"))
    assert [thing.p and thing.p.pk for thing in things] == KEYS


def test_values_in_conditions(admin: Session) -> None:
    assert Owner.objects.filter(name__in=Thing.objects.filter(p__isnull=False).values("p__name")).count() == 2
    Owner.objects.filter(pk="abc").update(name="100%")
    try:
        assert Thing.objects.filter(p__name__contains="0%").count() == 3
        assert len(Thing.objects.filter(p__name__contains="0%")) == 3
    finally:
        Owner.objects.filter(pk="abc").update(name="lower")


def test_no_more_is_asked_where_keys_are_found_as_they_are_written(admin: Session) -> None:
    with admin.capture() as sent:
        assert list(Thing.objects.filter(p="x").values_list("p__name", flat=True)) == ["ex"]
        assert list(Thing.objects.filter(p=None).values_list("p__name", flat=True)) == [None]
    assert len(sent) == 2


def test_rows_by_their_key(admin: Session) -> None:
    """As in Django, the rows are those that the database finds, under the keys that it stores."""
    assert Owner.objects.get(pk="ABC ").pk == "abc"
    assert list(Owner.objects.in_bulk(["ABC", "abc ", "abd"])) == ["abc"]
    assert Owner.objects.filter(pk="ABC").update(name="lower") == 1
    assert Owner.objects.filter(pk="abd").delete() == 0
    with pytest.raises(RecordNotUnique):
        Owner.objects.upsert([Owner(id="ABC", name="upper")])
    assert sorted(Owner.objects.values_list("name", flat=True)) == ["ex", "lower"]


def test_lists_go_by_keys_to_the_letter(admin: Session) -> None:
    """The server puts these together by itself; docs/django.md says so, and how to mend the keys."""
    ordered = Thing.objects.order_by("id")
    assert [len(owner.things) for owner in Owner.objects.order_by("name")] == [1, 1]
    assert [owner.things.count() for owner in Owner.objects.order_by("name")] == [1, 3]
    assert Thing.objects.filter(p="abc").update(p="abc") == 3
    assert list(ordered.values_list("p__name", flat=True)) == NAMES
    assert [len(owner.things) for owner in Owner.objects.order_by("name")] == [1, 3]
