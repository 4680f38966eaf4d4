"""save(if_unmodified=True) writes to a row that is as it was loaded, and to no other."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from directus_orm import ConfigurationError, Forbidden, Model, Session, StaleObject, field, generated
from directus_orm.core.masking import MASK
from directus_orm.session import Capture
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight, Note, Plane, Setting
from tests.worlds.server_setup import column, drop_collection, make_collection, user


@pytest.fixture
def note(notes: Session) -> Note:
    """A row of ours, as it was loaded."""
    made = Note.objects.create(title="first", body="text", tags=["a"], stars=5, flight=Flight.objects.ref(1))
    return Note.objects.get(pk=made.pk)


def theirs(note: Note, **values: Any) -> None:
    """Write to the row as another program does, with another instance."""
    other = Note.objects.get(pk=note.pk)
    for name, value in values.items():
        setattr(other, name, value)
    other.save()


def sent_by(session: Session, note: Model, **options: Any) -> Capture:
    with session.capture() as sent:
        note.save(if_unmodified=True, **options)
    return sent


class TestIfUnmodified:
    def test_the_row_is_read_past_caches_and_then_written(self, note: Note, notes: Session) -> None:
        """G28: a GET may be answered from a cache."""
        note.stars = 9
        sent = sent_by(notes, note)
        assert [entry.request.method for entry in sent] == ["SEARCH", "PATCH"]
        assert sent[0].request.json["keys"] == [str(note.pk)]
        assert sent[1].request.json == {"stars": 9}
        assert Note.objects.get(pk=note.pk).stars == 9

    def test_nothing_changed_is_no_request(self, note: Note, notes: Session) -> None:
        assert not sent_by(notes, note)
        theirs(note, stars=1)
        assert not sent_by(notes, note)

    def test_a_lost_update_is_prevented(self, note: Note, notes: Session) -> None:
        theirs(note, stars=1)
        note.stars = 9
        with notes.capture() as sent, pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True)
        assert [entry.request.method for entry in sent] == ["SEARCH"]
        error = caught.value
        assert (error.model, error.key) == ("Note", note.pk)
        assert (error.ours, error.theirs, error.loaded) == ({"stars": 9}, {"stars": 1}, {"stars": 5})
        assert "stars was 5 and is 1 by now (here 9)" in str(error)
        assert note.stars == 9
        note.refresh()
        note.stars = 9
        note.save(if_unmodified=True)
        assert Note.objects.get(pk=note.pk).stars == 9

    def test_the_second_of_two_sessions_gets_the_error(self, note: Note, world: DirectusServer) -> None:
        copies = []
        for _ in range(2):
            with Session(world.url, token=world.token):
                copies.append(Note.objects.get(pk=note.pk))
        for mine in copies:
            mine.stars += 1
        copies[0].save(if_unmodified=True)
        with pytest.raises(StaleObject):
            copies[1].save(if_unmodified=True)
        assert Note.objects.get(pk=note.pk).stars == 6

    def test_any_loaded_field_counts_and_one_that_is_not_does_not(self, note: Note, notes: Session) -> None:
        part = Note.objects.only("title", "stars").get(pk=note.pk)
        theirs(note, body="other")
        note.stars = part.stars = 9
        with pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True)
        assert caught.value.ours == {"body": "text"}
        assert "(here" not in str(caught.value)
        part.save(if_unmodified=True)

    def test_update_fields_choose_what_is_written_and_not_what_is_compared(
        self, note: Note, notes: Session
    ) -> None:
        note.stars, note.title = 9, "mine"
        sent = sent_by(notes, note, update_fields=["stars"])
        assert sent[1].request.json == {"stars": 9}
        theirs(note, title="theirs")
        note.stars = 10
        with pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True, update_fields=["stars"])
        assert caught.value.ours == {"title": "mine"}
        assert caught.value.loaded == {"title": "first"}

    def test_what_was_saved_counts_as_loaded(self, notes: Session) -> None:
        note = Note.objects.create(title="new")
        for stars in (7, 8):
            note.stars = stars
            note.save(if_unmodified=True)
        copied = copy.copy(note)
        theirs(note, stars=1)
        copied.stars = 9
        with pytest.raises(StaleObject):
            copied.save(if_unmodified=True)

    def test_a_row_that_is_gone_does_not_exist(self, note: Note, notes: Session) -> None:
        Note.objects.ref(note.pk).delete()
        note.stars = 9
        with pytest.raises(Note.DoesNotExist):
            note.save(if_unmodified=True)

    def test_the_async_twin_does_the_same(self, note: Note, notes: Session) -> None:
        theirs(note, stars=1)
        note.stars = 9
        with pytest.raises(StaleObject):
            asyncio.run(note.asave(if_unmodified=True))
        assert Note.objects.get(pk=note.pk).stars == 1


class TestInstancesWithoutALoadedRow:
    def test_a_new_instance_is_refused(self, notes: Session) -> None:
        with notes.capture() as sent, pytest.raises(ConfigurationError, match="this Note was not"):
            Note(title="new").save(if_unmodified=True)
        with pytest.raises(ConfigurationError, match="this Setting was not"):
            Setting(size=3).save(if_unmodified=True)
        assert not sent

    def test_a_reference_is_refused(self, note: Note, notes: Session) -> None:
        blind = Note.objects.ref(note.pk)
        blind.stars = 9
        with notes.capture() as sent, pytest.raises(ConfigurationError, match="has none: load it"):
            blind.save(if_unmodified=True)
        assert not sent

    def test_a_deleted_instance_says_that_it_is_gone(self, note: Note) -> None:
        note.delete()
        with pytest.raises(Note.DoesNotExist, match="deleted"):
            note.save(if_unmodified=True)


class TestWhatIsCompared:
    def test_relations_are_compared_and_shown_by_key(self, note: Note, notes: Session) -> None:
        note.flight = Flight.objects.ref(2)
        assert len(sent_by(notes, note)) == 2
        theirs(note, flight=Flight.objects.ref(3))
        note.flight = Flight.objects.get(pk=4)
        with pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True)
        error = caught.value
        assert (error.ours, error.theirs, error.loaded) == ({"flight": 4}, {"flight": 3}, {"flight": 2})

    def test_a_relation_that_came_along_is_as_it_was(self, session: Session) -> None:
        plane = Plane.objects.select_related("owner").get(pk="N1")
        assert plane.owner is not None
        plane.maker = "Boeing"
        try:
            assert [entry.request.method for entry in sent_by(session, plane)] == ["SEARCH", "PATCH"]
        finally:
            plane.maker = "BOEING"
            plane.save()

    def test_a_new_related_row_is_not_made_for_nothing(self, note: Note, notes: Session) -> None:
        """G10: one that carries its key is created first, by a request of its own."""
        theirs(note, stars=1)
        note.flight = Flight(id=100_000, carrier=Airline.objects.ref("AA"))
        with pytest.raises(StaleObject):
            note.save(if_unmodified=True)
        assert not Flight.objects.filter(pk=100_000).exists()

    def test_documents_are_compared_by_what_is_in_them(self, note: Note, notes: Session) -> None:
        note.tags.append("b")
        assert len(sent_by(notes, note)) == 2
        theirs(note, tags=["a", "b", "c"])
        note.stars = 9
        with pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True)
        assert caught.value.theirs == {"tags": ["a", "b", "c"]}

    def test_null_is_a_value(self, note: Note) -> None:
        theirs(note, body=None)
        note.stars = 9
        with pytest.raises(StaleObject) as caught:
            note.save(if_unmodified=True)
        assert caught.value.theirs == {"body": None}

    def test_what_could_not_be_loaded_is_not_compared(self, note: Note, notes: Session) -> None:
        """G27: a null that the annotation forbids may be a value that this user may not see."""

        class Strict(Model, collection="notes"):
            id: UUID
            body: str
            stars: int

        theirs(note, body=None)
        strict = Strict.objects.get(pk=note.pk)
        assert "body" not in vars(strict)
        theirs(note, body="seen again")
        strict.stars = 9
        assert len(sent_by(notes, strict)) == 2

    def test_a_masked_value_is_no_change(self, prices: None, session: Session) -> None:
        """G6: what is behind it cannot be told, neither before nor after."""
        priced = Priced.objects.get(pk=1)
        assert priced.token == MASK
        priced.name = "other"
        assert len(sent_by(session, priced)) == 2

    def test_a_secret_is_not_shown(self, prices: None, session: Session) -> None:
        priced = Priced.objects.get(pk=2)
        Priced.objects.filter(pk=2).update(secret="theirs")
        priced.secret = "mine"
        with pytest.raises(StaleObject) as caught:
            priced.save(if_unmodified=True)
        error = caught.value
        assert (error.ours, error.theirs, error.loaded) == ({"secret": MASK}, {"secret": MASK}, {"secret": None})
        assert "mine" not in str(error)
        assert "argon" not in str(error)

    def test_numbers_are_compared_and_not_their_texts(self, prices: None, session: Session) -> None:
        """PostgreSQL gives decimals as texts, with the zeros of the column."""
        priced = Priced.objects.get(pk=1)
        state: Any = vars(priced)["_state"]
        assert priced.price == Decimal("1.5")
        state.row["price"], state.row["at"] = "1.500", "2014-01-01T00:00:00.000"
        priced.name = "again"
        assert len(sent_by(session, priced)) == 2


class Priced(Model, collection="priced_things"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    price: Decimal | None = None
    at: datetime | None = field(default=None, type="dateTime")
    secret: str | None = field(default=None, type="hash")
    token: str | None = field(default=None, type="hash")


@pytest.fixture
def prices(world: DirectusServer, session: Session) -> Iterator[None]:
    make_collection(
        world,
        "priced_things",
        column("name", "string"),
        column("price", "decimal", numeric_precision=10, numeric_scale=3),
        column("at", "dateTime"),
        column("secret", "hash"),
        column("token", "hash", special=["hash", "conceal"]),
    )
    Priced(name="one", price=Decimal("1.5"), at=datetime(2014, 1, 1), token="hidden").save()
    Priced(name="two").save()
    yield
    drop_collection(world, "priced_things")


def test_a_singleton_is_compared_as_well(session: Session, world: DirectusServer) -> None:
    setting = Setting.objects.get()
    color, size = setting.color, setting.size
    setting.size = 77
    setting.save(if_unmodified=True)
    with Session(world.url, token=world.token):
        other = Setting.objects.get()
        other.color = "red"
        other.save()
    setting.size = 78
    with session.capture() as sent, pytest.raises(StaleObject, match=r"'blue' and is 'red'"):
        setting.save(if_unmodified=True)
    assert [entry.request.method for entry in sent] == ["SEARCH"]
    setting.refresh()
    setting.color, setting.size = color, size
    setting.save(if_unmodified=True)


def test_the_error_can_be_pickled(note: Note) -> None:
    theirs(note, stars=1, flight=None)
    note.stars = 9
    with pytest.raises(StaleObject) as caught:
        note.save(if_unmodified=True)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), vars(again)) == (str(caught.value), vars(caught.value))
    assert again.loaded == {"stars": 5, "flight": 1}
    assert isinstance(again.key, UUID)
    assert isinstance(again, RuntimeError)


def test_a_user_who_may_write_and_not_read_is_refused(note: Note, world: DirectusServer) -> None:
    with user(world, "writer", notes=["update"]) as token, Session(world.url, token=token):
        mine = Note.objects.ref(note.pk)
        vars(mine)["_state"].row["stars"] = vars(mine)["stars"] = 5
        mine.stars = 9
        with pytest.raises(Forbidden):
            mine.save(if_unmodified=True)
    assert Note.objects.get(pk=note.pk).stars == 5
