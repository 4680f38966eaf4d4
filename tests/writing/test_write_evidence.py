"""What shows that a write whose response was lost was applied, and what does not.

Another program writes, or stands for a column that rounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from directus_orm import Model, OutcomeUnknown, Retry, RoundedWarning, Session, field
from directus_orm.session.items.items import Items
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import Fault, FaultProxy, Message, faulty
from tests.worlds.server_setup import column, drop_collection, key, make_collection


class Crate(Model, collection="proof_crates"):
    """Its key is made by the client."""

    id: UUID = field(factory=uuid4, primary_key=True)
    label: str | None = None
    weight: Decimal | None = None
    mass: float | None = None
    packed: datetime | None = None
    secret: str | None = field(default=None, type="hash")


@pytest.fixture(scope="module")
def made(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(
        directus_server,
        "proof_crates",
        key("uuid"),
        column("label", "string"),
        column("weight", "decimal", numeric_precision=10, numeric_scale=2),
        column("mass", "float"),
        column("packed", "timestamp"),
        column("secret", "hash"),
    )
    yield directus_server
    drop_collection(directus_server, "proof_crates")


@pytest.fixture
def proxy(made: DirectusServer) -> Iterator[FaultProxy]:
    """The current session goes through the proxy; what is left in the collection is removed."""
    with faulty(made.port) as proxy, Session(proxy.url, token=made.token, retry=Retry(4, first_pause=0.05)):
        yield proxy
        proxy.script()
        Crate.objects.all().delete()


@pytest.fixture
def other(made: DirectusServer) -> Iterator[Items]:
    """Another program, which does not use the proxy."""
    session = Session(made.url, token=made.token)
    yield session.items("proof_crates")
    session.close()


def methods(proxy: FaultProxy) -> list[str]:
    return [message.method for message in proxy.seen]


NEAR = [
    ("weight", Decimal("10.4"), 10),
    ("mass", 100_000_000.5, 100_000_000),
    ("packed", datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC), "2026-01-02T03:04:05.000Z"),
]
"""A field, the value that is sent, and what another program stored: near, and another value."""


@pytest.mark.parametrize(("name", "sent", "theirs"), NEAR, ids=[name for name, *_ in NEAR])
class TestValuesThatAreNear:
    """A column may round what is sent; but a value that is only near it may have been there before."""

    def test_nothing_was_known_of_the_rows(
        self, name: str, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
    ) -> None:
        crate = Crate.objects.create(label="a")
        other.update(crate.pk, {name: theirs})
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.filter(label="a").update(**{name: sent})
        reference = Crate.objects.ref(crate.pk)
        setattr(reference, name, sent)
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            reference.save()

    def test_another_row_has_the_key_that_was_made_here(
        self, name: str, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
    ) -> None:
        pk = uuid4()
        other.create({"id": str(pk), "label": "a", name: theirs})
        proxy.script(Fault.RESET_BEFORE, method="POST")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.create(id=pk, label="a", **{name: sent})
        proxy.script(Fault.RESET_BEFORE, method="POST")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.bulk_create([Crate(id=pk, label="a", **{name: sent})])

    def test_the_value_known_before_is_near_as_well(
        self, name: str, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
    ) -> None:
        """What was known is not what is there now, so that the row is not as it was."""
        crate = Crate.objects.create(label="a")
        earlier = {
            "weight": Decimal("10.2"),
            "mass": 100_000_001.0,
            "packed": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        }
        setattr(crate, name, earlier[name])
        crate.save()
        other.update(crate.pk, {name: theirs})
        setattr(crate, name, sent)
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            crate.save()
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.bulk_update([crate], [name])

    def test_a_row_that_is_as_it_was_is_written_again(
        self, name: str, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
    ) -> None:
        other.update(Crate.objects.create(label="a").pk, {name: theirs})
        crate = Crate.objects.get()
        setattr(crate, name, sent)
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        crate.save()
        assert methods(proxy) == ["PATCH", "SEARCH", "PATCH"]
        assert getattr(Crate.objects.get(), name) == sent

    def test_a_value_known_before_that_is_far_shows_that_the_column_rounds(
        self, name: str, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
    ) -> None:
        """The other program stands for a column that rounds."""
        crate = Crate.objects.create(label="a")
        setattr(crate, name, sent)
        proxy.script(Fault.RESET_BEFORE, method="PATCH")
        scripted = proxy.choose

        def choose(message: Message) -> Fault:
            if message.method == "SEARCH":
                other.update(crate.pk, {name: theirs})
            return scripted(message)

        proxy.choose = choose
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RoundedWarning)
            crate.save()
        assert methods(proxy) == ["PATCH", "SEARCH"]


@pytest.mark.parametrize(
    ("name", "before", "sent", "theirs"),
    [
        ("weight", Decimal("7.25"), Decimal("10.4"), 10),
        ("mass", 3.0, 100_000_000.5, 100_001_000),
        ("packed", None, datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC), "2026-01-02T03:04:05.100Z"),
    ],
    ids=["weight", "mass", "packed"],
)
def test_a_value_that_the_column_does_not_make_of_the_sent_one_shows_nothing(
    name: str, before: Any, sent: Any, theirs: Any, proxy: FaultProxy, other: Items
) -> None:
    """A column that kept hundredths, or milliseconds, rounds nothing to whole numbers."""
    crate = Crate.objects.create(label="a", **{name: before})
    other.update(crate.pk, {name: theirs})
    setattr(crate, name, sent)
    proxy.script(Fault.RESET_BEFORE, method="PATCH")
    with pytest.raises(OutcomeUnknown):
        crate.save()


class TestMaskedFieldsBesideOthers:
    """G6: a masked value was written if another one of its transaction was, and was another one before."""

    @pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.RESET_BEFORE], ids=str)
    def test_a_field_that_was_the_same_before_shows_nothing(self, fault: Fault, proxy: FaultProxy) -> None:
        crate = Crate.objects.create(label="a", secret="one")
        crate.secret = "two"
        proxy.script(fault, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.bulk_update([crate], ["label", "secret"])
        proxy.script(fault, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.filter(label="a").update(label="a", secret="two")

    def test_a_field_that_changed_shows_it(self, proxy: FaultProxy) -> None:
        crate = Crate.objects.create(label="a", secret="one")
        crate.label, crate.secret = "b", "two"
        proxy.script(Fault.RESET_AFTER, method="PATCH")
        crate.save()
        assert methods(proxy) == ["PATCH", "SEARCH"]

    def test_a_row_that_exists_may_hold_another_secret(self, proxy: FaultProxy, other: Items) -> None:
        pk = uuid4()
        other.create({"id": str(pk), "label": "a", "secret": "theirs"})
        proxy.script(Fault.RESET_BEFORE, method="POST")
        with pytest.raises(OutcomeUnknown):
            Crate.objects.create(id=pk, label="a", secret="ours")
