"""Model: refresh, bulk_create, assigned relations, singletons, identity, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    ConfigurationError,
    ConversionError,
    Count,
    FieldError,
    InvalidRequest,
    Model,
    Session,
    UnsupportedQuery,
    field,
    generated,
    system,
)
from tests.worlds.flights import Airline, Flight, Note, Plane, Setting


class TestRefresh:
    def test_the_row_is_read_again(self, notes: Session) -> None:
        """G28: by SEARCH, which no cache of the server answers."""
        note = Note.objects.create(title="a")
        other = Note.objects.get(pk=note.pk)
        other.title, other.body = "b", "new"
        other.save()
        note.stars = 9
        with notes.capture() as sent:
            note.refresh(["title"])
        assert [entry.request.method for entry in sent] == ["SEARCH"]
        assert (note.title, note.stars) == ("b", 9)
        note.refresh()
        assert (note.body, note.stars) == ("new", 1)

    def test_a_missing_row_is_an_error(self, notes: Session) -> None:
        note = Note.objects.create(title="a")
        Note.objects.get(pk=note.pk).delete()
        with pytest.raises(Note.DoesNotExist):
            note.refresh()

    def test_it_is_the_row_that_was_loaded_whatever_was_assigned(self, session: Session) -> None:
        airline = Airline.objects.get(pk="AA")
        airline.carrier = "B6"
        airline.refresh()
        assert (airline.pk, airline.name) == ("AA", "American Airlines")


class TestBulkCreate:
    def test_instances_match_their_rows_one_by_one(self, notes: Session) -> None:
        """G11: answers come sorted by key, which shuffles rows with uuid keys."""
        with notes.capture() as sent:
            made = Note.objects.bulk_create(Note(title=f"n{i}", stars=i) for i in range(250))
        assert len(sent) == 1
        assert [n.title for n in made] == [f"n{i}" for i in range(250)]
        stored = {n.pk: n.stars for n in Note.objects.all()}
        assert all(stored[n.pk] == n.stars == i for i, n in enumerate(made))
        assert all(n.created for n in made)

    def test_server_made_numbers_match_as_well(self, session: Session) -> None:
        made = Flight.objects.bulk_create(
            [Flight(carrier=Airline.objects.ref("AA"), dep_delay=i) for i in range(30)]
        )
        try:
            assert [Flight.objects.get(pk=f.pk).dep_delay for f in made[::7]] == list(range(30))[::7]
            assert made[0].carrier.name == "American Airlines"
        finally:
            for flight in made:
                flight.delete()

    def test_only_new_instances_of_the_model_are_taken(self, notes: Session) -> None:
        note = Note.objects.create(title="a")
        with pytest.raises(ValueError, match="has one already"):
            Note.objects.bulk_create([note])
        with pytest.raises(TypeError, match="takes instances of Note"):
            Note.objects.bulk_create([Plane(tailnum="x")])  # type: ignore[list-item]
        twice = Note(title="b")
        with pytest.raises(ValueError, match="twice"):
            Note.objects.bulk_create([twice, twice])
        assert Note.objects.bulk_create([]) == []


class TestRelations:
    def test_an_instance_a_reference_a_key_and_none_can_be_assigned(self, notes: Session) -> None:
        flight = Flight.objects.get(pk=3)
        note = Note(title="a", flight=flight)
        note.save()
        for value, key in ((Flight.objects.ref(4), 4), (5, 5), (flight, 3), (None, None)):
            note.flight = value  # type: ignore[assignment]
            note.save()
            stored = Note.objects.get(pk=note.pk).flight
            assert (stored and stored.pk) == key

    @pytest.mark.parametrize("value", [[5], {"id": 5}, "abc", True, 1.5, Airline(carrier="x", name="y"), object()])
    def test_anything_else_is_a_type_error_at_once(self, value: Any) -> None:
        """G9, G10: lists and dictionaries would make new rows, or change those they name."""
        note = Note(title="a")
        with pytest.raises(TypeError, match=r"Note\.flight takes a Flight, its key \(int\), or None"):
            note.flight = value
        with pytest.raises(TypeError, match=r"Flight\.carrier takes a Airline, its key \(str\), not None"):
            Flight(carrier=None)  # type: ignore[arg-type]

    def test_the_key_of_a_relation_asks_nothing(self, session: Session) -> None:
        flight = Flight.objects.get(pk=1)
        with session.capture() as sent:
            assert flight.carrier.pk == "AA"
            assert flight.carrier == Airline.objects.ref("AA")
            assert "carrier='AA'" in repr(flight)
        assert not sent

    def test_saving_a_row_never_writes_the_related_one(self, notes: Session) -> None:
        note = Note.objects.create(title="a", flight=Flight.objects.get(pk=2))
        flight = note.flight
        assert flight is not None
        flight.note = "changed here only"
        note.title = "b"
        with notes.capture() as sent:
            note.save()
        assert sent[-1].request.json == {"title": "b"}
        assert note.flight is flight
        assert Flight.objects.get(pk=2).note != "changed here only"

    def test_a_key_in_another_form_becomes_the_key(self, notes: Session) -> None:
        class Comment(Model, collection="notes"):
            id: UUID = field(default=generated)
            title: str
            body: Note | None = None

        key = UUID(int=7)
        comment = Comment(title="a", body=str(key))  # type: ignore[arg-type]
        assert comment.body is not None
        assert comment.body.pk == key
        assert comment.body == Note.objects.ref(key)

    def test_an_unsaved_related_instance_goes_along_with_save_alone(self, notes: Session) -> None:
        note = Note(title="a", flight=Flight(carrier=Airline.objects.ref("AA")))
        with notes.capture() as sent, pytest.raises(ConversionError, match="save it first"):
            Note.objects.bulk_create([note])
        assert not sent

    def test_an_unsaved_related_instance_is_a_change_of_a_row_that_had_none(self, notes: Session) -> None:
        """It has no key yet, as no related instance has none."""
        note = Note.objects.create(title="a")
        note.flight = Flight(carrier=Airline.objects.ref("AA"), note="of a test")
        try:
            with notes.capture() as sent:
                note.save()
            assert [entry.request.json for entry in sent] == [{"flight": {"carrier": "AA", "note": "of a test"}}]
            assert Note.objects.select_related("flight").get().flight == note.flight
        finally:
            note.delete()
            Flight.objects.filter(note="of a test").delete()


class SettingRow(Model, collection="settings_of_app"):
    """A singleton, which is not declared as one."""

    id: int = field(default=generated, primary_key=True)
    size: int | None = None


class TestSingleton:
    def test_it_is_read_by_get_and_written_by_save(self, session: Session) -> None:
        """G49: a singleton that was never saved has no key, and only the fields with a default."""
        setting = Setting.objects.get()
        if setting.pk is None:
            assert (setting.color, setting.size) == ("blue", None)
        setting.size = 4 if setting.size != 4 else 5
        with session.capture() as sent:
            setting.save()
            setting.save()
        assert [entry.request.method for entry in sent] == ["PATCH"]
        assert setting.pk is not None
        assert Setting.objects.get().size == setting.size
        partial = Setting.objects.only("color").get()
        with session.capture() as sent:
            assert partial.size == setting.size
            setting.refresh()
        assert [entry.request.method for entry in sent] == ["SEARCH", "SEARCH"]  # past a cache (G28)
        setting.id = 77
        with pytest.raises(ConversionError, match="cannot change a key"):
            setting.save()

    def test_an_ordinary_collection_is_no_singleton(self, session: Session) -> None:
        class Wrong(Model, collection="airlines", singleton=True):
            carrier: str = field(primary_key=True)

        with pytest.raises(ConfigurationError, match="leave out singleton=True"):
            Wrong.objects.get()

    def test_saving_it_says_so_too(self, session: Session) -> None:
        class Wrong(Model, collection="flights", singleton=True):
            id: int = field(default=generated, primary_key=True)
            note: str | None = None

        with pytest.raises(InvalidRequest) as caught:
            Wrong(note="x").save()
        assert caught.value.__notes__ == [
            "If the server's 'flights' is no singleton, leave out singleton=True of Wrong."
        ]

    @pytest.mark.parametrize(
        "read",
        [
            lambda rows: list(rows),
            lambda rows: rows.first(),
            lambda rows: rows.get(pk=1),
            lambda rows: rows.count(),
            lambda rows: rows.exists(),
            lambda rows: list(rows.values("size")),
            lambda rows: rows.aggregate(n=Count("*")),
            lambda rows: rows.page(1, 10),
            lambda rows: rows.in_bulk([1]),
            lambda rows: rows.update(size=1),
        ],
    )
    def test_a_singleton_is_no_ordinary_collection(self, session: Session, read: Any) -> None:
        message = "'settings_of_app' is a singleton, which has one row: declare its model with singleton=True"
        with pytest.raises(ConfigurationError, match=message):
            read(SettingRow.objects.all())

    def test_saving_a_row_of_a_singleton_says_so_too(self, session: Session) -> None:
        for write in (SettingRow(size=1).save, lambda: SettingRow.objects.bulk_create([SettingRow(size=1)])):
            with pytest.raises(InvalidRequest) as caught:
                write()
            note = "If the server's 'settings_of_app' is a singleton, declare SettingRow with singleton=True."
            assert note in caught.value.__notes__

    @pytest.mark.parametrize(
        "use",
        [
            lambda: Setting.objects.filter(size=1),
            lambda: list(Setting.objects.all()),
            lambda: Setting.objects.count(),
            lambda: Setting.objects.first(),
            lambda: Setting.objects.all()[0],
            lambda: bool(Setting.objects.all()),
            lambda: Setting.objects.create(size=1),
            lambda: Setting.objects.get(size=1),
            lambda: Setting.objects.values(),
            lambda: Setting.objects.in_bulk([1]),
            lambda: Setting.objects.ref(1),
            lambda: Setting.objects.none(),
            lambda: Setting.objects.limit(1),
            lambda: Setting.objects.get().delete(),
        ],
    )
    def test_all_else_is_refused(self, session: Session, use: Any) -> None:
        with pytest.raises(UnsupportedQuery, match="is a singleton"):
            use()


class TestIdentity:
    def test_equal_is_the_same_collection_and_key(self, session: Session) -> None:
        first, second = Airline.objects.get(pk="AA"), Airline.objects.ref("AA")
        assert first == second
        assert hash(first) == hash(second)
        assert first != Airline.objects.ref("B6")
        assert first != Plane.objects.ref("AA")
        assert first != "AA"
        assert len({first, second}) == 1

    def test_unsaved_instances_are_themselves_alone(self) -> None:
        one = Note(title="a")
        assert one == one
        assert one != Note(title="a")
        with pytest.raises(TypeError, match="cannot be hashed"):
            hash(one)

    def test_repr_shows_what_is_loaded_and_asks_nothing(self, session: Session) -> None:
        with session.capture() as sent:
            assert repr(Airline.objects.ref("AA")) == "Airline(carrier='AA')"
            assert str(Note(title="a")) == "Note(title='a', stars=1, tags=[])"
        assert not sent

    def test_what_goes_into_a_hash_field_is_shown_nowhere(self, session: Session) -> None:
        """G6: and the mask that comes out is not taken for a value."""

        class Safe(Model, collection="airlines"):
            carrier: str = field(primary_key=True)
            name: str = field(type="hash")

        safe = Safe(carrier="QQ", name="hunter2")
        with session.capture() as sent:
            safe.save()
        assert "hunter2" not in f"{safe!r} {sent!r}"
        Airline.objects.ref("QQ").delete()
        with pytest.raises(ConversionError) as caught:
            Safe(carrier="QQ", name=5).save()  # type: ignore[arg-type]
        assert "5" not in f"{caught.value} {caught.value.value}"

    def test_pk_is_none_before_there_is_one(self) -> None:
        note = Note(title="a")
        assert note.pk is None
        with pytest.raises(AttributeError, match="the server makes its value"):
            note.id
        assert note.body is None
        note.pk = UUID(int=1)
        assert note.id == UUID(int=1)
        assert Note(pk=UUID(int=2), title="b").id == UUID(int=2)  # type: ignore[call-arg]


class TestCopies:
    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
    def test_copies_keep_what_is_loaded_without_a_session(self, notes: Session, duplicate: Any) -> None:
        Note.objects.create(title="a", tags=["x"], flight=Flight.objects.get(pk=1))
        note = Note.objects.select_related("flight").only("title", "tags", "flight").get()
        again = duplicate(note)
        with notes.capture() as sent:
            assert again == note
            assert (again.title, again.tags) == ("a", ["x"])
            assert again.flight.dep_delay == note.flight.dep_delay  # type: ignore[union-attr]
            again.save()
        assert not sent
        assert again.stars == 1  # loads by the current session
        again.title = "b"
        again.save()
        assert note.title == "a"
        note.title = "c"
        note.save()

    def test_to_dict_gives_loaded_fields_and_sends_nothing(self, notes: Session) -> None:
        note = Note.objects.create(title="a", flight=Flight.objects.ref(3))
        with notes.capture() as sent:
            assert Note.objects.ref(note.pk).to_dict() == {"id": note.pk}
            assert note.to_dict()["flight"] == 3
            as_json = note.to_dict(json=True)
        assert not sent
        assert as_json["id"] == str(note.pk)
        assert as_json["created"].endswith("Z")

    def test_from_dict_gives_an_unsaved_instance_of_either_form(self, notes: Session) -> None:
        note = Note.objects.create(title="a", tags=["x"], flight=3)
        for again in (Note.from_dict(note.to_dict()), Note.from_dict(note.to_dict(json=True), json=True)):
            assert again.to_dict() == note.to_dict()
            assert again != note
        with pytest.raises(FieldError, match="Did you mean 'title'"):
            Note.from_dict({"titel": "a"})
        with pytest.raises(ConversionError):
            Note.from_dict({"title": "a", "stars": "many"})


def test_two_users_of_one_row_do_not_undo_each_other(notes: Session) -> None:
    key = Note.objects.create(title="a").pk
    first, second = Note.objects.get(pk=key), Note.objects.get(pk=key)
    first.title, second.stars = "b", 7
    first.save()
    second.save()
    again = Note.objects.get(pk=key)
    assert (again.title, again.stars) == ("b", 7)


class TestSingletons:
    def test_a_subclass_of_a_singleton_is_one(self) -> None:
        """Whether it adds fields at once or by an abstract base."""

        class OwnSettings(system.Settings):
            motto: str | None = None

        class MottoFields(system.Settings, abstract=True):
            motto: str | None = None

        class SettingsWithMotto(MottoFields):
            pass

        for model in (OwnSettings, SettingsWithMotto):
            assert (model.directus.collection, model.directus.options.singleton) == ("directus_settings", True)

    def test_a_model_of_another_collection_says_it_anew(self) -> None:
        class Leaflet(Model, collection="leaflets", singleton=True):
            id: int = field(default=generated, primary_key=True)

        class Brochure(Leaflet, collection="brochures"):
            pass

        class ManyLeaflets(Leaflet, singleton=False):
            pass

        assert [each.directus.options.singleton for each in (Leaflet, Brochure, ManyLeaflets)] == [
            True,
            False,
            False,
        ]
