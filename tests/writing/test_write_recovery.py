"""A write whose response was lost succeeds if it was applied, is repeated if not, or raises OutcomeUnknown."""

from __future__ import annotations

import _thread
import json
import signal
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from directus_orm import (
    Forbidden,
    Model,
    OutcomeUnknown,
    RecordNotUnique,
    Related,
    Retry,
    RoundedWarning,
    Session,
    StaleObject,
    TransportError,
    field,
    generated,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import Fault, FaultProxy, Message, faulty
from tests.worlds.server_setup import column, drop_collection, key, make_collection, make_relation, user

APPLIED = (Fault.RESET_AFTER, Fault.TRUNCATED, Fault.GATEWAY_AFTER, Fault.UNAVAILABLE_AFTER, Fault.SILENCE)
NOT_APPLIED = (Fault.RESET_BEFORE, Fault.RESET_DURING, Fault.GATEWAY_BEFORE, Fault.SWALLOWED)
REFUSED = (Fault.BUSY, Fault.PRESSURE)


class Crate(Model, collection="fate_crates"):
    """Its key is made by the client."""

    id: UUID = field(factory=uuid4, primary_key=True)
    label: str | None = field(default=None)
    weight: Decimal | None = None
    packed: datetime | None = None
    tags: list[str] | None = None
    secret: str | None = field(default=None, type="hash")
    items: Related[Item] = one_to_many("crate")


class Tag(Model, collection="fate_tags"):
    """Its key is made by the server, so that it is created nested."""

    id: int = field(default=generated, primary_key=True)
    text: str | None = None


class Item(Model, collection="fate_items"):
    """Its key is made by the server."""

    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    crate: Crate | None = None
    tag: Tag | None = None
    knob: Knob | None = None


class Parcel(Model, collection="fate_parcels"):
    """Its key is made by the client, and it refers to rows that are created nested."""

    id: UUID = field(factory=uuid4, primary_key=True)
    name: str | None = None
    tag: Tag | None = None


class Knob(Model, collection="fate_knobs", singleton=True):
    id: int = field(default=generated, primary_key=True)
    angle: int | None = None
    items: Related[Item] = one_to_many("knob")


@pytest.fixture(scope="module")
def made(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    server = directus_server
    make_collection(
        server,
        "fate_crates",
        key("uuid"),
        column("label", "string", is_unique=True),
        column("weight", "decimal", numeric_precision=10, numeric_scale=2),
        column("packed", "timestamp"),
        column("tags", "json"),
        column("secret", "hash"),
    )
    make_collection(server, "fate_items", column("name", "string"))
    make_relation(server, "fate_items", "crate", "fate_crates", "uuid", reverse="items", on_delete="SET NULL")
    make_collection(server, "fate_tags", column("text", "string"))
    make_collection(server, "fate_parcels", key("uuid"), column("name", "string"))
    make_relation(server, "fate_items", "tag", "fate_tags", on_delete="SET NULL")
    make_relation(server, "fate_parcels", "tag", "fate_tags", on_delete="SET NULL")
    make_collection(server, "fate_knobs", column("angle", "integer"), singleton=True)
    make_relation(server, "fate_items", "knob", "fate_knobs", reverse="items", on_delete="SET NULL")
    yield server
    for name in ("fate_items", "fate_parcels", "fate_crates", "fate_tags", "fate_knobs"):
        drop_collection(server, name)


@pytest.fixture
def proxy(made: DirectusServer) -> Iterator[FaultProxy]:
    with faulty(made.port, silence=1.5) as proxy:
        yield proxy


@pytest.fixture
def crates(made: DirectusServer, proxy: FaultProxy) -> Iterator[FaultProxy]:
    """The current session goes through the proxy; what is left in the collections is removed."""
    with Session(proxy.url, token=made.token, timeout=(2, 1), retry=Retry(4, first_pause=0.05)):
        yield proxy
    with Session(made.url, token=made.token):
        for model in (Item, Parcel, Crate, Tag):
            model.objects.all().delete()


def methods(proxy: FaultProxy) -> list[str]:
    return [message.method for message in proxy.seen]


@pytest.mark.parametrize("fault", APPLIED, ids=str)
class TestWritesThatWereApplied:
    """The row shows that the write was applied: nothing is sent twice, and the instance holds what is stored."""

    def test_a_create_with_a_key_made_here(self, fault: Fault, crates: FaultProxy) -> None:
        crate = Crate(label="a", weight=Decimal("1.50"), tags=["x", "y"])
        crates.script(fault, method="POST")
        crate.save()
        assert methods(crates) == ["POST", "SEARCH"]
        assert Crate.objects.get().weight == Decimal("1.5")
        crate.save()  # it is clean
        assert methods(crates) == ["POST", "SEARCH", "GET"]

    def test_an_update(self, fault: Fault, crates: FaultProxy) -> None:
        crate = Crate.objects.create(label="a")
        crate.label = "b"
        crate.packed = datetime(2026, 1, 2, 3, 4, 5, 678_912, UTC)
        crates.script(fault, method="PATCH")
        crate.save()
        assert methods(crates) == ["PATCH", "SEARCH"]
        assert crate.packed == datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
        assert Crate.objects.get().label == "b"

    def test_a_deletion(self, fault: Fault, crates: FaultProxy) -> None:
        crate = Crate.objects.create(label="a")
        crates.script(fault, method="DELETE")
        crate.delete()
        assert methods(crates) == ["DELETE", "DELETE"]
        assert not Crate.objects.exists()

    def test_a_singleton(self, fault: Fault, crates: FaultProxy) -> None:
        knob = Knob.objects.get()
        knob.angle = (knob.angle or 0) + 1
        crates.script(fault, method="PATCH")
        knob.save()
        assert methods(crates) == ["PATCH", "SEARCH"]
        assert Knob.objects.get().angle == knob.angle

    def test_chunks_of_rows(self, fault: Fault, crates: FaultProxy) -> None:
        crates.script(fault, method="POST")
        made = Crate.objects.bulk_create(Crate(label=f"n{n}") for n in range(5))
        assert methods(crates) == ["POST", "SEARCH"]
        for crate in made:
            crate.label = f"new {crate.label}"
        crates.script(fault, method="PATCH")
        assert Crate.objects.bulk_update(made, ["label"]) == 5
        assert methods(crates) == ["PATCH", "SEARCH"]
        crates.script(fault, method="PATCH")
        assert Crate.objects.filter(label__startswith="new").update(weight=Decimal(7)) == 5
        assert methods(crates)[1:] == ["PATCH", "SEARCH"]
        crates.script(fault, method="DELETE")
        assert Crate.objects.filter(weight=7).delete() == 5
        assert methods(crates)[1:] == ["DELETE", "DELETE"]
        assert not Crate.objects.exists()


@pytest.mark.parametrize("fault", NOT_APPLIED, ids=str)
class TestWritesThatWereNotApplied:
    """The row shows that the write was not applied: it is sent again."""

    def test_a_create_with_a_key_made_here(self, fault: Fault, crates: FaultProxy) -> None:
        crates.script(fault, fault, method="POST")
        Crate.objects.create(label="a")
        assert methods(crates) == ["POST", "SEARCH", "POST", "SEARCH", "POST"]
        assert Crate.objects.count() == 1

    def test_an_update(self, fault: Fault, crates: FaultProxy) -> None:
        crate = Crate.objects.create(label="a", tags=["x"], weight=Decimal("2.25"))
        assert crate.tags is not None
        crate.tags.append("y")
        crate.weight = None
        crates.script(fault, fault, method="PATCH")
        crate.save()
        assert methods(crates) == ["PATCH", "SEARCH", "PATCH", "SEARCH", "PATCH"]
        stored = Crate.objects.get()
        assert (stored.tags, stored.weight) == (["x", "y"], None)

    def test_chunks_of_rows(self, fault: Fault, crates: FaultProxy) -> None:
        crates.script(fault, method="POST")
        made = Crate.objects.bulk_create(Crate(label=f"n{n}") for n in range(5))
        assert methods(crates) == ["POST", "SEARCH", "POST"]
        for crate in made:
            crate.label = f"new {crate.label}"
        crates.script(fault, method="PATCH")
        assert Crate.objects.bulk_update(made, ["label"]) == 5
        assert methods(crates) == ["PATCH", "SEARCH", "PATCH"]
        assert Crate.objects.filter(label__startswith="new").count() == 5

    def test_a_deletion(self, fault: Fault, crates: FaultProxy) -> None:
        crate = Crate.objects.create(label="a")
        crates.script(fault, method="DELETE")
        crate.delete()
        assert methods(crates) == ["DELETE", "DELETE"]
        assert not Crate.objects.exists()


@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_what_the_server_refused_before_any_work_is_sent_again_at_once(fault: Fault, crates: FaultProxy) -> None:
    """429 and "under pressure": also a create whose key the server makes."""
    crates.script(fault, fault, method="POST")
    item = Item.objects.create(name="a")
    assert methods(crates) == ["POST", "POST", "POST"]
    assert [row.pk for row in Item.objects.all()] == [item.pk]


class TestUnknownOutcome:
    """Where the row does not show it, the error says what was sent."""

    @pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER], ids=str)
    def test_a_create_whose_key_the_server_makes(self, fault: Fault, crates: FaultProxy) -> None:
        crates.script(fault, method="POST")
        with pytest.raises(OutcomeUnknown) as caught:
            Item.objects.create(name="a")
        assert methods(crates) == ["POST"]
        assert caught.value.request is not None
        assert caught.value.request.json == {"name": "a"}
        assert Item.objects.count() == (fault is Fault.RESET_AFTER)

    def test_a_row_that_another_program_changed_meanwhile(self, made: DirectusServer, crates: FaultProxy) -> None:
        crate = Crate.objects.create(label="a")
        other = Session(made.url, token=made.token)
        other.items("fate_crates").update(crate.pk, {"label": "theirs"})
        crate.label = "ours"
        crates.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown) as caught:
            crate.save()
        assert caught.value.request is not None
        assert caught.value.request.json == {"label": "ours"}
        assert Crate.objects.get().label == "theirs"
        other.close()

    def test_a_row_of_which_nothing_was_known(self, crates: FaultProxy) -> None:
        reference = Crate.objects.ref(Crate.objects.create(label="a").pk)
        reference.label = "b"
        crates.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            reference.save()
        crates.script(Fault.RESET_AFTER, method="PATCH")
        reference.save()
        assert Crate.objects.get().label == "b"

    def test_a_key_that_another_row_has(self, crates: FaultProxy) -> None:
        """What is there may be another program's row, and differs from what was sent."""
        theirs = Crate.objects.create(label="theirs")
        crates.script(Fault.RESET_BEFORE, method="POST")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.create(id=theirs.pk, label="ours")
        assert Crate.objects.get().label == "theirs"

    @pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER], ids=str)
    def test_new_rows_in_the_lists_of_a_singleton(self, fault: Fault, crates: FaultProxy) -> None:
        knob = Knob()
        knob.items.create(name="a")
        crates.script(fault, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            knob.save()
        assert methods(crates) == ["SEARCH", "PATCH"]
        assert Item.objects.count() == (fault is Fault.RESET_AFTER)

    def test_a_masked_field_decides_nothing(self, crates: FaultProxy) -> None:
        """G6: what is stored cannot be read."""
        crate = Crate.objects.create(label="a", secret="one")
        crate.secret = "two"
        crates.script(Fault.RESET_AFTER, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            crate.save()

    def test_a_session_that_never_repeats_does_not_look(self, made: DirectusServer, crates: FaultProxy) -> None:
        with Session(crates.url, token=made.token, retry=0):
            crates.script(Fault.RESET_AFTER, method="POST")
            with pytest.raises(OutcomeUnknown):
                Crate.objects.create(label="a")
        assert methods(crates) == ["POST"]

    def test_a_user_who_may_not_look(self, made: DirectusServer, crates: FaultProxy) -> None:
        with (
            user(made, "packer", fate_crates=["create", "update", "delete"]) as token,
            Session(crates.url, token=token, retry=Retry(4, first_pause=0.05)),
        ):
            crates.script(Fault.RESET_AFTER, method="POST")
            crate = Crate(label="a")
            with pytest.raises(OutcomeUnknown) as caught:
                crate.save()
            assert isinstance(caught.value.__cause__, Forbidden)
            crates.script(Fault.RESET_AFTER, method="DELETE")
            with pytest.raises(OutcomeUnknown):
                Crate.objects.ref(crate.id).delete()
        assert not Crate.objects.exists()

    def test_lookups_that_fail_as_well(self, crates: FaultProxy) -> None:
        crates.script(Fault.RESET_AFTER, *[Fault.RESET_BEFORE] * 20)
        with pytest.raises(OutcomeUnknown, match="POST /items/fate_crates") as caught:
            Crate.objects.create(label="a")
        assert isinstance(caught.value.__cause__, TransportError)


@pytest.mark.parametrize("meanwhile", [False, True])
def test_an_update_of_an_unmodified_row_is_not_repeated_on_one_that_was_modified(
    meanwhile: bool, made: DirectusServer, crates: FaultProxy
) -> None:
    """Another program wrote to a field that is not sent, before it was found out that nothing was applied."""
    crate = Crate.objects.create(label="a", tags=["x"])
    other = Session(made.url, token=made.token)
    crates.script(Fault.RESET_BEFORE, method="PATCH")
    scripted = crates.choose

    def choose(message: Message) -> Fault:
        if meanwhile and message.method == "PATCH":
            other.items("fate_crates").update(crate.pk, {"tags": ["theirs"]})
        return scripted(message)

    crates.choose = choose
    crate.label = "ours"
    if meanwhile:
        with pytest.raises(StaleObject) as caught:
            crate.save(if_unmodified=True)
        assert caught.value.theirs == {"tags": ["theirs"]}
    else:
        crate.save(if_unmodified=True)
    assert Crate.objects.get().label == ("a" if meanwhile else "ours")
    assert methods(crates)[:4] == ["SEARCH", "PATCH", "SEARCH", "SEARCH"]
    other.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as Python takes it, also where whoever started the tests had it ignored: in the background, say."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_bulk_write_reports_the_chunk_under_way(crates: FaultProxy) -> None:
    """Ctrl-C: a chunk that is written all the same is known to its instances, so that nobody writes it again."""
    boxes = [Crate(label=f"n{n}") for n in range(6)]
    posts = count(1)

    def choose(message: Message) -> Fault:
        if message.method == "POST" and next(posts) == 2:
            _thread.interrupt_main()
            return Fault.DELAY
        return Fault.NONE

    crates.choose = choose
    with pytest.raises(KeyboardInterrupt) as caught:
        Crate.objects.bulk_create(boxes, batch_size=2)
    account = vars(caught.value)["bulk"]
    assert list(account.done) == boxes[:4]
    assert (account.refused, account.unknown, list(account.unsent)) == ((), (), boxes[4:])
    for box in boxes[:4]:
        box.label = f"new {box.label}"
        box.save()
    Crate.objects.bulk_create(account.unsent)
    assert Crate.objects.count() == 6


def test_a_deletion_that_is_refused_because_the_first_try_did_it_is_a_success(
    made: DirectusServer, crates: FaultProxy
) -> None:
    """G33: users who are not administrators get 403 for a row that is gone."""
    with (
        user(made, "remover", fate_crates=["create", "read", "delete"]) as token,
        Session(crates.url, token=token, retry=Retry(4, first_pause=0.05)) as session,
    ):
        one, *many = [Crate.objects.create(label=f"n{n}") for n in range(4)]
        plain = Crate.objects.create(label="plain")
        crates.script(Fault.RESET_AFTER, method="DELETE")
        one.delete()
        assert methods(crates)[:2] == ["DELETE", "DELETE"]
        crates.script(Fault.RESET_AFTER, method="DELETE")
        session.items("fate_crates").delete(plain.pk)
        assert methods(crates) == ["DELETE", "DELETE", "SEARCH"]
        crates.script(Fault.RESET_AFTER, method="DELETE")
        assert Crate.objects.all().delete() == len(many)
        assert not Crate.objects.exists()


@pytest.mark.parametrize("fault", [Fault.STRANGE_JSON, Fault.BROKEN_JSON], ids=str)
@pytest.mark.parametrize("way", ["one", "items", "query"])
def test_a_deletion_is_not_told_as_refused_by_an_answer_that_says_nothing(
    made: DirectusServer, crates: FaultProxy, fault: Fault, way: str
) -> None:
    with (
        user(made, "remover", fate_crates=["create", "read", "delete"]) as token,
        Session(crates.url, token=token, retry=Retry(1, first_pause=0.05)) as session,
    ):
        crate = Crate.objects.create(label="gone")
        crates.script()
        delete: Callable[[], Any] = {
            "one": crate.delete,
            "items": lambda: session.items("fate_crates").delete(crate.pk),
            "query": lambda: Crate.objects.filter(label="gone").delete(),
        }[way]
        faults = iter([Fault.RESET_AFTER, Fault.NONE, fault, fault])
        deleting: list[str] = []

        def choose(message: Message) -> Fault:
            deleting.extend(["DELETE"] if message.method == "DELETE" else [])
            return next(faults, Fault.NONE) if deleting else Fault.NONE

        crates.choose = choose
        with pytest.raises(OutcomeUnknown):
            delete()
        crates.script()
        assert not Crate.objects.exists()


def test_a_repeated_create_that_is_refused_by_its_own_first_try_is_a_success(
    made: DirectusServer, crates: FaultProxy
) -> None:
    """The first try reaches the server after it was looked for, as when a proxy holds it back."""
    held: list[Any] = []

    def choose(message: Any) -> Fault:
        if message.method == "POST" and not held:
            held.append(message)
            return Fault.RESET_BEFORE
        if message.method == "POST" and len(held) == 1:  # the first one comes through now
            held.append(message)
            with Session(made.url, token=made.token) as late:
                late.post("/items/fate_crates", json.loads(held[0].body))
        return Fault.NONE

    crates.choose = choose
    crate = Crate.objects.create(label="a")
    assert Crate.objects.get() == crate


def test_a_refusal_of_the_second_try_is_raised_unchanged(made: DirectusServer, crates: FaultProxy) -> None:
    """Another row took the value meanwhile: nothing of ours is there."""
    Crate.objects.create(label="taken")
    crates.script(Fault.RESET_BEFORE, method="POST")
    with pytest.raises(RecordNotUnique):
        Crate.objects.create(label="taken")
    crate = Crate.objects.create(label="mine")
    crate.label = "taken"
    crates.script(Fault.RESET_BEFORE, method="PATCH")
    with pytest.raises(RecordNotUnique):
        crate.save()


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.RESET_BEFORE], ids=str)
def test_nested_rows_were_stored_with_their_parent_or_not_at_all(fault: Fault, crates: FaultProxy) -> None:
    """One request is one transaction: the parent's key tells of all of it."""
    crate = Crate(label="parent")
    crate.items.add(Item(name="one"), Item(name="two"))
    crates.script(fault, method="POST")
    crate.save()
    assert methods(crates) == ["POST", "SEARCH"] + (["POST"] if fault is Fault.RESET_BEFORE else [])
    assert {item.name for item in Item.objects.filter(crate=crate)} == {"one", "two"}


def test_a_nested_related_row_was_stored_with_its_instance(crates: FaultProxy) -> None:
    """The key of the nested row is the server's; that of the instance tells of both."""
    crates.script(Fault.RESET_AFTER, method="POST")
    parcel = Parcel.objects.create(name="a", tag=Tag(text="new"))
    assert methods(crates) == ["POST", "SEARCH"]
    assert (parcel.tag and parcel.tag.pk) == Tag.objects.get().pk
    crates.script(Fault.RESET_BEFORE, method="POST")
    Parcel.objects.create(name="b", tag=Tag(text="newer"))
    assert Tag.objects.count() == Parcel.objects.count() == 2


def test_an_update_with_a_nested_row_is_repeated_where_nothing_changed_and_else_unknown(
    crates: FaultProxy,
) -> None:
    """That the reference has another key now does not say who wrote it."""
    item = Item.objects.create(name="a")
    item.tag = Tag(text="new")
    crates.script(Fault.RESET_BEFORE, method="PATCH")
    item.save()
    assert methods(crates) == ["PATCH", "SEARCH", "PATCH"]
    assert (item.tag.pk, Tag.objects.count()) == (Tag.objects.get().pk, 1)
    item.tag = Tag(text="newer")
    crates.script(Fault.RESET_AFTER, method="PATCH")
    with pytest.raises(OutcomeUnknown):
        item.save()
    assert methods(crates) == ["PATCH", "SEARCH"]


def test_junction_rows_are_not_sent_twice(crates: FaultProxy) -> None:
    """Junction rows are made by a nested write, whose outcome cannot be looked up."""
    crate = Crate.objects.create(label="a")
    item = Item.objects.create(name="a")
    crates.script(Fault.RESET_AFTER, method="PATCH")
    with pytest.raises(OutcomeUnknown):
        crate.items.add(item)
    assert Item.objects.get().crate == crate


@pytest.mark.parametrize("name", ["directus_postgres", "directus_mariadb"])
def test_values_that_come_back_in_another_form_are_recognised(name: str, request: pytest.FixtureRequest) -> None:
    """Decimals are texts there, and timestamps of MariaDB keep whole seconds."""
    server: DirectusServer = request.getfixturevalue(name)
    columns = [column("weight", "decimal", numeric_precision=10, numeric_scale=2), column("packed", "timestamp")]
    make_collection(server, "fate_crates", key("uuid"), *columns)

    class Plain(Model, collection="fate_crates"):
        id: UUID = field(factory=uuid4, primary_key=True)
        weight: Decimal | None = None
        packed: datetime | None = None

    try:
        with faulty(server.port) as proxy, Session(proxy.url, token=server.token, retry=Retry(first_pause=0.05)):
            proxy.script(Fault.RESET_AFTER, method="POST")
            plain = Plain.objects.create(weight=Decimal("1.50"))
            plain.weight, plain.packed = Decimal("2.5"), datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
            proxy.script(Fault.RESET_AFTER, method="PATCH")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RoundedWarning)
                plain.save()
            assert methods(proxy) == ["PATCH", "SEARCH"]
            assert Plain.objects.get().weight == plain.weight == Decimal("2.5")
    finally:
        drop_collection(server, "fate_crates")
