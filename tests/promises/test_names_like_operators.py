"""Names that begin with ``_``, which the server takes for operators: what it would refuse or ignore is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    Count,
    Model,
    Prefetch,
    Q,
    Related,
    Session,
    UnsupportedQuery,
    check_models,
    field,
    generated,
    many_to_many,
    one_to_many,
)
from directus_orm.core.errors import InvalidRequest
from directus_orm.dialects.v10 import V10Dialect
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    AUTO_KEY,
    column,
    drop_collection,
    key,
    make_collection,
    make_relation,
)


class Owner(Model, collection="owners_like_operators"):
    id: int = field(default=generated, primary_key=True)
    x: int | None = field(default=None, name="_x")
    boss: Owner | None = field(default=None, name="_boss")
    things: Related[Thing] = one_to_many("owner")


class Thing(Model, collection="things_like_operators"):
    id: int = field(default=generated, primary_key=True)
    n: int | None = None
    owner: Owner | None = None


class Bossy(Model, collection="bossy_like_operators"):
    id: int = field(default=generated, primary_key=True)
    boss: Bossy | None = field(default=None, name="_boss")
    reports: Related[Bossy] = one_to_many("boss")


@pytest.fixture(scope="module")
def server(world: DirectusServer) -> Iterator[DirectusServer]:
    names = ("things_like_operators", "owners_like_operators", "keys_like_operators")
    make_collection(world, "owners_like_operators", AUTO_KEY, column("_x", "integer"))
    make_collection(world, "things_like_operators", AUTO_KEY, column("n", "integer"))
    make_collection(world, "keys_like_operators", key("string", "_id"), column("n", "integer"))
    make_relation(world, "owners_like_operators", "_boss", "owners_like_operators")
    make_relation(world, "things_like_operators", "owner", "owners_like_operators", reverse="things")
    yield world
    for name in names:
        drop_collection(world, name)


@pytest.fixture
def admin(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        session.items("owners_like_operators").create([{"id": 1, "_x": 5}, {"id": 2, "_x": 3, "_boss": 1}])
        session.items("things_like_operators").create([{"n": 1, "owner": 1}, {"n": 2, "owner": 1}])
        yield session
        Thing.objects.all().delete()
        session.delete("/items/owners_like_operators", [2, 1])


def test_fields_are_read_and_written(admin: Session) -> None:
    one, two = Owner.objects.order_by("-x")
    assert (one.x, two.x, two.boss) == (5, 3, one)
    two.x = 4
    two.save()
    two.refresh()
    assert two.x == 4
    assert Owner.objects.filter(pk=2).update(x=3) == 1
    assert two.boss.x == 5 if two.boss else False
    assert Owner.objects.select_related("boss").get(pk=2).boss == one
    assert list(Owner.objects.order_by("id").values_list("x", "boss__x")) == [(5, None), (3, 5)]
    assert list(Owner.objects.values("x").annotate(n=Count("*")).order_by("x").values_list("x")) == [(3,), (5,)]
    new = Owner.objects.create(x=9, boss=one)
    assert Owner.objects.bulk_update([new], ["x"]) == 1
    new.delete()


CONDITIONS: dict[str, Callable[[], Any]] = {
    "of a field": lambda: Owner.objects.filter(x=5),
    "of a list of values": lambda: Owner.objects.filter(x__in=[5]),
    "null": lambda: Owner.objects.filter(boss=None),
    "excluded": lambda: Owner.objects.exclude(x__gt=5),
    "over a relation": lambda: Owner.objects.filter(boss__id=1),
    "at the end of a path": lambda: Thing.objects.filter(owner__x=5),
    "in a Q": lambda: Thing.objects.filter(Q(n=1) | Q(owner__boss__isnull=True)),
    "to get a row": lambda: Owner.objects.get(x=5),
}


@pytest.mark.parametrize("ask", CONDITIONS)
def test_conditions_are_refused_at_the_call(admin: Session, ask: str) -> None:
    with admin.capture() as sent, pytest.raises(UnsupportedQuery, match="for an operator"):
        CONDITIONS[ask]()
    assert not sent


PREFETCHES: dict[str, Any] = {
    "a list": "boss__things",
    "some of a list": Prefetch("boss__things", Thing.objects.filter(n=1)),
    "under another name": Prefetch("boss__things", to_attr="mine"),
}


@pytest.mark.parametrize("prefetch", PREFETCHES)
def test_lists_behind_such_a_relation_do_not_come_with_the_rows(admin: Session, prefetch: str) -> None:
    """The server would ignore their filter, and cut them at 100 rows."""
    with admin.capture() as sent, pytest.raises(UnsupportedQuery, match="by themselves"):
        list(Owner.objects.prefetch_related(PREFETCHES[prefetch]))
    assert not sent


def test_lists_behind_such_a_relation_are_read_by_themselves(admin: Session) -> None:
    boss = Owner.objects.get(pk=2).boss
    assert boss is not None
    assert [thing.n for thing in boss.things.order_by("n")] == [1, 2]


class TestDeclarations:
    """Nothing is sent: after a row was stored, the server would refuse to read it back."""

    def test_the_key(self, admin: Session) -> None:
        class Keyed(Model, collection="keys_like_operators"):
            key: str = field(primary_key=True, name="_id")
            n: int | None = None

        with admin.capture() as sent:
            for use in (lambda: Keyed(key="a").save(), lambda: Keyed.objects.bulk_create([Keyed(key="a")])):
                with pytest.raises(ConfigurationError, match="Rename the field"):
                    use()
        assert not sent

    def test_lists(self, admin: Session) -> None:
        class Tagged(Model, collection="tagged_like_operators"):
            id: int = field(default=generated, primary_key=True)
            alias: Related[Thing] = many_to_many("x", name="_alias")
            source: Related[Thing] = many_to_many("x", source="_source")
            target: Related[Thing] = many_to_many("x", target="_target")

        with pytest.raises(ConfigurationError, match="3 problems"):
            check_models(Tagged)
        for name in ("alias", "source", "target"):
            with pytest.raises(ConfigurationError, match="for operators"):
                Tagged.objects.prefetch_related(name)
        with pytest.raises(ConfigurationError, match="for operators"):
            Bossy.objects.prefetch_related("reports")
        with pytest.raises(ConfigurationError, match="for operators"):
            list(Bossy.objects.ref(1).reports)


def test_a_value_with_the_name_of_an_operator_is_a_value(admin: Session) -> None:
    """A text with "_json" in the server's refusal was taken for that of a server without such conditions."""
    old = 'Invalid query. The filter value for "_json" has to be a string, number, or boolean.'
    assert V10Dialect().lacks_json(InvalidRequest(old))
    assert not V10Dialect().lacks_json(InvalidRequest('Invalid query. "My \\"_json\\"" is no number.'))
    assert not V10Dialect().lacks_json(InvalidRequest(f"Invalid query. {old!r} is no number."))
