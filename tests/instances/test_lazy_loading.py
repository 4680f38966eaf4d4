"""Missing values are loaded when they are read, for a whole page at once; errors say why they cannot be."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from directus_orm import ConversionError, Forbidden, Model, NotVisibleWarning, Session, field, generated
from directus_orm.instances.state import PageBatch, reference, state_of
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight, Note, Plane
from tests.worlds.server_setup import user


class TestDeferredFields:
    def test_a_deferred_field_loads_for_the_whole_page_in_one_request(self, session: Session) -> None:
        flights = list(Flight.objects.only("carrier")[:50])
        with session.capture() as sent:
            notes = [flight.note for flight in flights]
            assert [flight.note for flight in flights] == notes
        assert len(sent) == 1
        assert notes == list(Flight.objects.values_list("note", flat=True)[:50])

    def test_only_the_field_that_is_read_is_loaded(self, session: Session) -> None:
        flight = Flight.objects.defer("note", "dep_delay", "distance").get(pk=2)
        with session.capture() as sent:
            flight.note
        assert sent[0].request.json["query"]["fields"] == ["id", "note"]
        assert "distance" not in vars(flight)
        assert flight.dep_delay == -10

    def test_the_key_is_never_deferred(self, session: Session) -> None:
        flight = Flight.objects.defer("id", "note")[0]
        with session.capture() as sent:
            assert flight.pk == 1
        assert not sent

    def test_what_was_assigned_meanwhile_stays(self, session: Session) -> None:
        first, second = Flight.objects.only("carrier")[:2]
        second.note = "mine"
        first.note
        assert second.note == "mine"
        with session.capture() as sent:
            first.save()
        assert not sent

    def test_instances_that_nobody_holds_are_not_loaded(self, session: Session) -> None:
        flights = list(Flight.objects.only("carrier")[:50])
        one = flights[7]
        del flights
        gc.collect()
        with session.capture() as sent:
            one.note
        assert sent[0].request.json["keys"] == [8]

    def test_an_instance_that_is_kept_does_not_keep_what_is_known_of_its_page(self, session: Session) -> None:
        kept = next(iter(Flight.objects.all()))
        gc.collect()
        batch = state_of(kept).batch
        assert batch is not None
        assert batch.members() == [kept]

    def test_instances_that_are_gone_do_not_pile_up_in_the_batch_of_one_that_is_kept(
        self, session: Session
    ) -> None:
        batch = PageBatch(session, Flight)
        kept = reference(Flight, 0, batch)
        for number in range(1, 20_000):
            reference(Flight, number, batch)
        assert len(batch._members) <= 1000
        assert batch.has_room
        assert batch.members() == [kept]

    def test_a_row_that_is_gone_says_so_when_it_is_read(self, notes: Session) -> None:
        for title in ("a", "b", "c"):
            Note.objects.create(title=title, body=title * 3)
        first, second, third = Note.objects.only("title")
        Note.objects.ref(second.pk).delete()
        assert first.body == "aaa"
        with pytest.raises(Note.DoesNotExist, match="does not exist"):
            second.body
        assert third.body == "ccc"


class TestReferences:
    def test_a_reference_asks_nothing_until_something_else_is_read(self, session: Session) -> None:
        with session.capture() as sent:
            airline = Airline.objects.ref("AA")
            assert (airline.pk, airline.carrier) == ("AA", "AA")
        assert not sent
        with session.capture() as sent:
            assert airline.name == "American Airlines"
            assert airline.country == "US"
        assert len(sent) == 1

    def test_a_wrong_key_raises_at_the_call(self) -> None:
        for wrong in (5, None, "", ["AA"]):
            with pytest.raises(ValueError, match=r"Airline\.carrier"):
                Airline.objects.ref(wrong)
        with pytest.raises(ConversionError, match="badly formed"):
            Note.objects.ref("nope")
        assert Note.objects.ref(str(UUID(int=7))).pk == UUID(int=7)

    def test_a_missing_row_is_the_models_error_when_it_is_read(self, session: Session) -> None:
        nobody = Airline.objects.ref("ZZ")
        with pytest.raises(Airline.DoesNotExist, match="'ZZ' does not exist"):
            nobody.name

    def test_relations_of_a_page_load_in_one_request(self, session: Session) -> None:
        with session.capture() as sent:
            names = [flight.carrier.name for flight in Flight.objects.all()[:100]]
        assert len(sent) == 2
        assert sorted(sent[1].request.json["keys"]) == ["AA", "B6", "LH", "a/b"]
        assert len(set(names)) == 4

    def test_a_related_row_that_is_not_there_is_asked_for_once(self, session: Session) -> None:
        class Loose(Model, collection="flights"):
            id: int
            note: Airline | None = None

        rows = list(Loose.objects.filter(id__lte=60).exclude(note=None))
        with session.capture() as sent:
            for row in rows:
                with pytest.raises(Airline.DoesNotExist):
                    row.note.name  # type: ignore[union-attr]
        assert len(sent) == 1

    def test_two_rows_that_name_one_key_share_one_instance(self, session: Session) -> None:
        for flights in (Flight.objects.all()[:9], Flight.objects.select_related("carrier")[:9]):
            first, *_, fifth = list(flights)[:5]
            assert first.carrier is fifth.carrier

    def test_relations_of_relations_load_by_page_too(self, session: Session) -> None:
        with session.capture() as sent:
            for flight in Flight.objects.all()[:60]:
                if flight.plane and flight.plane.owner:
                    flight.plane.owner.name
        assert len(sent) == 3


class TestSelectRelated:
    def test_select_related_loads_the_related_rows_with_the_page(self, session: Session) -> None:
        with session.capture() as sent:
            for flight in Flight.objects.select_related("carrier", "plane__owner")[:60]:
                flight.carrier.name
                if flight.plane and flight.plane.owner:
                    flight.plane.owner.country
        assert len(sent) == 1

    def test_a_null_relation_stays_none(self, session: Session) -> None:
        planes = {p.pk: p for p in Plane.objects.select_related("owner")}
        assert planes["N3"].owner is None
        assert planes["N1"].owner is not None

    def test_without_names_relations_that_cannot_be_null_are_loaded(self, session: Session) -> None:
        assert [path[0].name for path in Flight.objects.select_related().query.related] == ["carrier"]
        assert Flight.objects.select_related("plane").select_related(None).query == Flight.objects.all().query

    def test_it_works_with_only_and_values(self, session: Session) -> None:
        flight = Flight.objects.select_related("carrier").only("carrier", "note")[0]
        assert set(vars(flight)) == {"_state", "id", "carrier", "note"}
        assert flight.carrier.name == "American Airlines"

    def test_what_is_no_relation_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(ValueError, match=r"Relations of Flight: carrier, plane"):
            Flight.objects.select_related("note")
        with pytest.raises(ValueError, match=r"Relations of Plane: owner"):
            Flight.objects.select_related("plane__maker")
        with pytest.raises(ValueError, match="no field 'carier'"):
            Flight.objects.select_related("carier")

    def test_saving_afterwards_sends_nothing(self, session: Session) -> None:
        flight = Flight.objects.select_related("carrier", "plane__owner").get(pk=2)
        with session.capture() as sent:
            flight.save()
            flight.carrier.save()
        assert not sent


class TestValuesThatDoNotFit:
    def test_a_null_where_the_annotation_forbids_it_raises_when_it_is_read(self, session: Session) -> None:
        """G27: a null may be a value that this user may not see, so it is never written back."""

        class Strict(Model, collection="flights"):
            id: int
            note: str
            dep_delay: int | None

        rows = list(Strict.objects.all()[:20])
        empty = next(row for row in rows if "note" not in vars(row))
        assert len(rows) == 20
        with pytest.raises(ConversionError, match=r"Strict\.note \(key 1\): null does not fit str") as caught:
            empty.note
        assert (caught.value.key, caught.value.field) == (1, "note")
        with session.capture() as sent:
            empty.save()
        assert not sent
        with pytest.raises(ConversionError, match="null"):
            list(Strict.objects.values("note"))

    def test_a_value_that_does_not_convert_raises_when_it_is_read(self, session: Session) -> None:
        class Misread(Model, collection="airlines"):
            carrier: str = field(primary_key=True)
            name: int

        airline = Misread.objects.get(pk="AA")
        assert airline.carrier == "AA"
        for _ in range(2):
            with pytest.raises(ConversionError, match=r"Misread\.name \(key 'AA'\): .* does not fit int"):
                airline.name
        assert "name" not in repr(airline)

    def test_assigning_a_value_replaces_it(self, notes: Session) -> None:
        class Strict(Model, collection="notes"):
            id: UUID = field(default=generated)
            title: str
            body: str

        Note.objects.create(title="a")
        strict = Strict.objects.get()
        strict.body = "now"
        strict.save()
        assert Strict.objects.get().body == "now"

    def test_a_relation_that_forbids_null_says_so(self, session: Session) -> None:
        class Flying(Model, collection="flights"):
            id: int
            plane: Plane

        with pytest.raises(ConversionError, match=r"Flying\.plane \(key 1\): null"):
            Flying.objects.get(pk=1).plane


@pytest.fixture
def clerk(world: DirectusServer) -> Iterator[str]:
    """The token of a user who may create and change notes and read flights, and nothing else."""
    with user(world, "clerk", notes=["create", "update"], flights=["read"]) as token:
        yield token


def test_a_user_who_may_not_read_can_still_create(world: Any, notes: Session, clerk: str) -> None:
    """G5, G13: the answers are empty, and that is no failure."""
    with Session(world.url, token=clerk):
        key = UUID(int=5)
        note = Note(id=key, title="a")
        with pytest.warns(NotVisibleWarning):
            note.save()
        assert note.pk == key
        with pytest.warns(NotVisibleWarning):
            unknown = Note.objects.create(title="b")
        assert unknown.pk is None
        with pytest.raises(Note.DoesNotExist, match="did not return"):
            unknown.id
        with pytest.raises(Forbidden):
            list(Note.objects.all())
    assert {n.title for n in Note.objects.all()} == {"a", "b"}


def test_a_related_row_that_may_not_be_read_stays_a_key(world: Any, session: Session, clerk: str) -> None:
    """G26: the server sends the bare key where the row may not be read, whatever fields were asked for."""
    with Session(world.url, token=clerk):
        flight = Flight.objects.get(pk=1)
        assert flight.carrier.pk == "AA"
        with pytest.raises(Forbidden, match="airlines"):
            flight.carrier.name
        flight = Flight.objects.select_related("carrier").get(pk=2)
        assert flight.carrier.pk == "B6"
        with pytest.raises(Forbidden, match="airlines"):
            flight.carrier.name
        with pytest.raises(ConversionError, match="may not read"):
            list(Flight.objects.values("carrier__name")[:1])


def test_the_row_of_an_instance_is_what_the_server_sent(session: Session) -> None:
    airline = Airline.objects.get(pk="AA")
    assert state_of(airline).row == {"carrier": "AA", "name": "American Airlines", "country": "US"}
