"""update(), delete(), bulk_update(), upsert() …: every row that is meant is written, and no other.

What a failing write reports is tested in `test_chunking`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import attrs
import pytest

from directus_orm import (
    ConfigurationError,
    ConversionError,
    FieldError,
    Forbidden,
    Model,
    OutcomeUnknown,
    QueryError,
    RecordNotUnique,
    Session,
    field,
    generated,
)
from directus_orm.session import Capture
from directus_orm.testing import DirectusServer
from directus_orm.writing import chunking
from tests.worlds import server_setup
from tests.worlds.flights import Airline, Flight, Note
from tests.worlds.server_setup import user


@pytest.fixture
def many(notes: Session) -> Session:
    """250 notes, numbered by their stars; every third without a body."""
    Note.objects.bulk_create(
        Note(title=f"n{i:03}", stars=i, body=None if i % 3 == 0 else f"body {i % 7}") for i in range(250)
    )
    return notes


def stars(**lookups: Any) -> list[int]:
    return sorted(Note.objects.filter(**lookups).values_list("stars", flat=True))


def methods(sent: Capture) -> list[str]:
    return [entry.request.method for entry in sent]


class TestUpdate:
    def test_every_matching_row_is_written_and_no_other(self, many: Session) -> None:
        """G1: the server writes the first 100 rows of a query."""
        with many.capture() as sent:
            assert Note.objects.filter(stars__gte=20).update(body="new") == 230
        assert methods(sent) == ["GET", "PATCH"]
        assert stars(body="new") == list(range(20, 250))

    def test_rows_where_the_field_is_null_stay_in_what_is_excluded(self, many: Session) -> None:
        """G19"""
        assert Note.objects.exclude(body="body 1").update(body="new") == len(stars(body="new"))
        assert len(stars(body="new")) == 250 - len([i for i in range(250) if i % 3 and i % 7 == 1])

    def test_limits_orderings_and_offsets_choose_the_rows(self, many: Session) -> None:
        assert Note.objects.order_by("-stars")[10:130].update(body="cut") == 120
        assert stars(body="cut") == list(range(120, 240))
        assert Note.objects.none().update(body="x") == 0
        assert Note.objects.filter(stars__in=[]).update(body="x") == 0
        assert stars(body="x") == []

    def test_update_of_all_rows_needs_all(self, many: Session) -> None:
        with pytest.raises(TypeError, match=r"Note\.objects\.all\(\)\.update\(\)"):
            Note.objects.update(stars=1)
        with pytest.raises(TypeError, match=r"Note\.objects\.all\(\)\.delete\(\)"):
            Note.objects.using(many).delete()
        assert Note.objects.all().update(stars=1) == 250

    def test_values_are_checked_before_anything_is_sent(self, many: Session) -> None:
        class Checked(Model, collection="notes"):
            id: UUID = field(default=generated)
            title: str = field(validator=attrs.validators.max_len(5))

        with many.capture() as sent:
            for wrong, error in (
                ({"stars": "many"}, ConversionError),
                ({"star": 1}, FieldError),
                ({"id": UUID(int=1)}, QueryError),
                ({"created": None}, QueryError),
                ({}, QueryError),
                ({"flight": Airline.objects.ref("AA")}, QueryError),
            ):
                with pytest.raises(error):
                    Note.objects.filter(stars=1).update(**wrong)
            with pytest.raises(ValueError, match="Length"):
                Checked.objects.filter(title="n001").update(title="too long")
        assert not sent

    def test_a_field_that_the_server_lacks_is_an_error(self, many: Session) -> None:
        """G15: the server drops the value and answers as if all was well."""

        class Wrong(Model, collection="notes"):
            id: UUID = field(default=generated)
            nope: int | None = None

        with pytest.raises((Forbidden, FieldError), match="nope") as caught:
            Wrong.objects.all().update(nope=3)
        assert "is lost" in f"{caught.value} {getattr(caught.value, '__notes__', '')}"

    def test_a_relation_takes_an_instance_a_key_or_none(self, many: Session) -> None:
        few = Note.objects.filter(stars__lt=3)
        for value, key in ((Flight.objects.ref(2), 2), (3, 3), (None, None)):
            assert few.update(flight=value) == 3
            assert set(few.values_list("flight", flat=True)) == {key}

    def test_rows_are_written_in_chunks(self, many: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chunking, "MAX_ROWS", 100)
        with many.capture() as sent:
            assert Note.objects.all().update(body="new") == 250
            assert Note.objects.all().delete() == 250
        assert methods(sent) == ["GET", *["PATCH"] * 3, "GET", *["DELETE"] * 3]


class TestDelete:
    def test_every_matching_row_goes_and_no_other(self, many: Session) -> None:
        """G1: the server deletes the first 100 rows of a query."""
        with many.capture() as sent:
            assert Note.objects.filter(stars__lt=180).delete() == 180
        assert methods(sent) == ["GET", "DELETE"]
        assert stars() == list(range(180, 250))

    def test_limits_orderings_and_offsets_choose_the_rows(self, many: Session) -> None:
        assert Note.objects.order_by("-stars")[5:15].delete() == 10
        assert stars() == [*range(235), *range(245, 250)]
        assert Note.objects.filter(stars=999).delete() == 0

    def test_a_row_that_another_program_deleted_meanwhile_is_no_obstacle(
        self, world: DirectusServer, many: Session
    ) -> None:
        """G33: to a user who is no administrator the server refuses the whole list."""
        with (
            user(world, "sweeper", notes=["read", "delete"]) as token,
            Session(world.url, token=token) as session,
        ):
            query = Note.objects.filter(stars__lt=20)
            doomed = Note.objects.using(many).get(stars=7)
            send = session.send

            def send_late(request: Any) -> Any:
                if request.method == "DELETE":
                    doomed.delete()
                return send(request)

            session.send = send_late  # type: ignore[method-assign]
            assert query.delete() == 19
        assert stars() == list(range(20, 250))

    def test_a_user_who_may_not_delete_gets_an_error(self, world: DirectusServer, many: Session) -> None:
        with (
            user(world, "reader", notes=["read"]) as token,
            Session(world.url, token=token),
            pytest.raises(Forbidden),
        ):
            Note.objects.filter(stars__lt=20).delete()
        assert len(stars()) == 250


class TestGetOrCreate:
    def test_it_gets_an_existing_row_and_creates_a_missing_one(self, notes: Session) -> None:
        note, created = Note.objects.get_or_create({"stars": 4}, title="a")
        assert (note.stars, created) == (4, True)
        again, created = Note.objects.get_or_create({"stars": 9}, title__exact="a", stars__gt=1)
        assert (again, again.stars, created) == (note, 4, False)
        assert Note.objects.count() == 1

    def test_the_second_of_two_programs_finds_the_row_of_the_first(self, notes: Session) -> None:
        rows = Note.objects.filter(stars__gt=0)
        get, calls = type(rows).get, []

        def get_late(self: Any, *args: Any, **lookups: Any) -> Any:
            calls.append(lookups)
            if len(calls) == 1:
                Note.objects.create(title="a", stars=7)
                raise Note.DoesNotExist
            return get(self, *args, **lookups)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(rows), "get", get_late)
            note, created = rows.get_or_create(title="a")
        assert (note.stars, created, len(calls)) == (7, False, 2)

    def test_update_or_create(self, notes: Session) -> None:
        note, created = Note.objects.update_or_create({"stars": 2}, {"stars": 1, "body": "first"}, title="a")
        assert (note.stars, note.body, created) == (1, "first", True)
        with notes.capture() as sent:
            note, created = Note.objects.update_or_create({"stars": 2}, title="a")
        assert (note.stars, created) == (2, False)
        assert methods(sent) == ["GET", "PATCH"]
        assert Note.objects.get(title="a").stars == 2


class TestBulkUpdate:
    def test_each_row_gets_its_own_values_in_one_request(self, notes: Session) -> None:
        made = Note.objects.bulk_create(Note(title=f"n{n}", stars=n) for n in range(5))
        for n, note in enumerate(made):
            note.stars, note.body = 10 + n, "changed and not sent"
        with notes.capture() as sent:
            assert Note.objects.bulk_update(made, ["stars"]) == 5
        assert [entry.request.method for entry in sent] == ["PATCH"]
        assert list(Note.objects.values_list("stars", "body")) == [(10 + n, None) for n in range(5)]
        with notes.capture() as sent:
            made[0].save()
        assert sent[0].request.json == {"body": "changed and not sent"}

    def test_a_null_that_was_read_is_not_written_over_what_it_may_hide(self, notes: Session) -> None:
        """G27"""
        made = Note.objects.bulk_create([Note(title="a", body=None), Note(title="b", body="text")])
        Note.objects.filter(title="a").update(body="hidden")
        made[1].body = None
        assert Note.objects.bulk_update(made, ["body", "stars"]) == 2
        assert list(Note.objects.values_list("body", flat=True)) == ["hidden", None]

    def test_more_than_a_chunk(self, notes: Session, chunk_size: int) -> None:
        count = chunk_size * 3 // 2
        made = Note.objects.bulk_create(Note(title=f"{n:05}") for n in range(count))
        for note in made:
            note.body = note.title
        assert Note.objects.bulk_update(made, ["body", "stars"]) == count
        assert all(note.title == note.body for note in Note.objects.all())

    def test_rows_that_are_all_gone_are_not_counted(self, notes: Session) -> None:
        """G5: the answer is an empty list, which is another thing than no answer."""
        gone = Note.objects.bulk_create([Note(title="gone"), Note(title="too")])
        Note.objects.all().delete()
        assert Note.objects.bulk_update(gone, ["stars"]) == 0

    def test_a_row_that_is_gone_is_not_counted(self, notes: Session) -> None:
        """G5: an administrator's PATCH of a missing key is answered as if it had worked."""
        here, gone = Note.objects.bulk_create([Note(title="here"), Note(title="gone")])
        Note.objects.filter(title="gone").delete()
        assert Note.objects.bulk_update([here, gone], ["stars"]) == 1

    def test_where_all_rows_are_gone_none_is_counted(self, notes: Session) -> None:
        made = Note.objects.bulk_create([Note(title="a"), Note(title="b")])
        Note.objects.all().delete()
        assert Note.objects.bulk_update(made, ["stars"]) == 0

    def test_a_row_that_is_gone_is_passed_over_for_every_user(self, world: DirectusServer, notes: Session) -> None:
        """G33: to a user who is no administrator the server refuses the whole chunk."""
        made = Note.objects.bulk_create(Note(title=f"n{n}", stars=n) for n in range(4))
        for note in made:
            note.body = "new"
        Note.objects.filter(stars=2).delete()
        with (
            user(world, "writer", notes=["read", "update"]) as token,
            Session(world.url, token=token) as session,
        ):
            assert Note.objects.using(session).bulk_update(made, ["body"]) == 3
            made[0].body = "newer"
            assert Note.objects.using(session).bulk_update(made[:1], ["body"]) == 1
        assert stars(body="new") == [1, 3]

    def test_a_user_who_may_not_write_gets_an_error(self, world: DirectusServer, notes: Session) -> None:
        made = Note.objects.bulk_create([Note(title="a")])
        with (
            user(world, "looker", notes=["read"]) as token,
            Session(world.url, token=token) as session,
            pytest.raises(Forbidden),
        ):
            Note.objects.using(session).bulk_update(made, ["body"])

    def test_wrong_arguments_are_refused(self, notes: Session) -> None:
        note = Note.objects.create(title="x")
        with pytest.raises(ConfigurationError, match="has no value to write for stars, body"):
            Note.objects.bulk_update([Note.objects.ref(note.pk)], ["stars", "body"])
        with pytest.raises(ConfigurationError, match=r"two rows with the key .* numbers 0 and 1"):
            Note.objects.bulk_update([note, Note.objects.get(pk=note.pk)], ["stars"])
        with pytest.raises(QueryError, match="not the key"):
            Note.objects.bulk_update([note], ["id"])
        with pytest.raises(QueryError, match="names of the fields"):
            Note.objects.bulk_update([note], [])
        with pytest.raises(FieldError, match="no field 'nope'"):
            Note.objects.bulk_update([note], ["nope"])
        with pytest.raises(ConfigurationError, match="one instance twice"):
            Note.objects.bulk_update([note, note], ["stars"])
        with pytest.raises(Note.DoesNotExist):
            Note.objects.bulk_update([Note(title="new")], ["stars"])
        assert Note.objects.bulk_update([], ["stars"]) == 0


@pytest.mark.row_rules
def test_what_is_hidden_on_some_rows_is_not_overwritten(world: DirectusServer, notes: Session) -> None:
    """G27: such values come as null."""
    if not world.version.startswith("11."):
        pytest.skip("10 has no such permissions, and 12 none without a licence (G42)")
    Note.objects.bulk_create(Note(title=f"n{n}", body=f"body {n}", stars=n) for n in range(6))
    with (
        user(
            world,
            "halfblind",
            {"notes": {"stars": {"_gt": 3}}},
            {"notes": ["id", "title", "stars", "tags", "created", "flight"]},
            notes=["read", "update"],
        ) as token,
        Session(world.url, token=token),
    ):
        read = list(Note.objects.all())
        assert [note.body for note in read] == [None] * 4 + ["body 4", "body 5"]
        for note in read:
            note.tags = ["new"]
        Note.objects.upsert(read)
        assert Note.objects.bulk_update(read, ["body", "tags"]) == 6
    assert list(Note.objects.values_list("body", "tags")) == [(f"body {n}", ["new"]) for n in range(6)]


class TestUpsert:
    def test_existing_rows_are_updated_and_others_created(self, notes: Session) -> None:
        kept = Note.objects.create(title="kept", body="old")
        new, made = UUID(int=7), UUID(int=8)
        given = [
            Note(id=new, title="with a key"),
            Note(id=kept.id, title="kept", body="new"),
            Note(title="without a key"),
            Note(id=made, title="another"),
        ]
        assert Note.objects.upsert(given) is not given
        assert {note.title: note.body for note in Note.objects.all()} == {
            "kept": "new",
            "with a key": None,
            "without a key": None,
            "another": None,
        }
        assert given[0].id == new
        assert all(note.created is not None for note in given)
        with notes.capture() as sent:
            for note in given:
                note.save()
        assert not sent

    def test_what_was_read_can_be_written_back_readonly_fields_included(self, notes: Session) -> None:
        made = Note.objects.bulk_create([Note(title="a"), Note(title="b")])
        made[0].body = "new"
        with notes.capture() as sent:
            Note.objects.upsert([*made, Note(title="c")])
        assert methods(sent) == ["SEARCH", "PATCH", "POST"]
        assert list(Note.objects.values_list("title", "body")) == [("a", "new"), ("b", None), ("c", None)]
        made[0].__dict__["created"] = None
        with pytest.raises(ConversionError, match="readonly"):
            Note.objects.upsert(made)

    def test_a_row_deleted_after_its_key_was_looked_up_is_created(self, notes: Session) -> None:
        made = Note.objects.bulk_create([Note(title="a"), Note(title="b")])
        send = notes.send

        def send_late(request: Any) -> Any:
            if request.method == "PATCH":
                notes.delete(f"/items/notes/{made[0].pk}")
            return send(request)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(notes, "send", send_late)
            for note in made:
                note.stars = 5
            Note.objects.upsert(made)
        assert {note.title: note.pk for note in Note.objects.all()} == {note.title: note.pk for note in made}

    def test_only_changes_of_rows_that_were_read_are_sent(self, notes: Session) -> None:
        """G27: the null that was read stands for a text that this user may not see."""
        made = Note.objects.bulk_create([Note(title="a", body=None), Note(title="b", body=None)])
        read = list(Note.objects.all())
        Note.objects.filter(pk__in=[note.pk for note in made]).update(body="hidden")
        read[0].stars = 5
        told: list[tuple[int, int]] = []
        with notes.capture() as sent:
            Note.objects.upsert([*read, Note(title="c")], progress=lambda *numbers: told.append(numbers))
        assert methods(sent) == ["SEARCH", "PATCH", "POST"]
        assert sent[1].request.json == [{"id": str(read[0].pk), "stars": 5}]
        assert told == [(1, 3), (2, 3), (3, 3)]
        assert list(Note.objects.values_list("body", flat=True)) == ["hidden", "hidden", None]

    def test_rows_that_were_read_and_are_gone_are_created_whole(self, notes: Session) -> None:
        Note.objects.create(title="a", body="text", tags=["x"])
        (note,) = Note.objects.all()
        Note.objects.all().delete()
        note.stars = 5
        Note.objects.upsert([note])
        assert list(Note.objects.values_list("pk", "title", "body", "tags", "stars")) == [
            (note.pk, "a", "text", ["x"], 5)
        ]

    def test_a_row_that_was_read_goes_to_another_key_whole(self, notes: Session) -> None:
        Note.objects.create(title="a", body="text")
        (note,) = Note.objects.all()
        note.id, note.title = UUID(int=7), "b"
        Note.objects.upsert([note])
        assert set(Note.objects.values_list("title", "body")) == {("a", "text"), ("b", "text")}

    def test_two_rows_with_one_key_are_refused(self, notes: Session) -> None:
        key = UUID(int=7)
        with notes.capture() as sent, pytest.raises(ConfigurationError, match="two rows with the key"):
            Note.objects.upsert([Note(id=key, title="a"), Note(title="b"), Note(id=key, title="c")])
        assert not sent

    def test_a_conflict_raises_and_says_what_was_done(self, notes: Session) -> None:
        Note.objects.create(title="taken")
        with pytest.raises(RecordNotUnique):
            Note.objects.upsert([Note(title="taken")])
        assert Note.objects.upsert([]) == []


class Beacon(Model, collection="beacons_big"):
    id: int = field(primary_key=True, type="bigInteger")
    n: int | None = None


@pytest.fixture
def beacons(world: DirectusServer, session: Session) -> Iterator[None]:
    columns = server_setup.key("bigInteger"), server_setup.column("n", "integer")
    server_setup.make_collection(world, "beacons_big", *columns)
    yield
    server_setup.drop_collection(world, "beacons_big")


@pytest.mark.usefixtures("beacons")
def test_keys_beyond_2_to_the_53(world: DirectusServer) -> None:
    """On SQLite the server rounds them: rows were written, and their keys do not come back."""
    numbers = [2**53 + 1, 2**60 + 1, -(2**60) - 1]
    if world.database.vendor == "sqlite":
        with pytest.raises(OutcomeUnknown, match="rounds integers beyond"):
            Beacon.objects.bulk_create([Beacon(id=n) for n in numbers])
        return
    beacons = Beacon.objects.bulk_create([Beacon(id=n, n=1) for n in numbers])
    assert [beacon.pk for beacon in beacons] == numbers
    for beacon in beacons:
        beacon.n = 2
    assert Beacon.objects.bulk_update(beacons, ["n"]) == Beacon.objects.filter(n=2).update(n=3) == 3
    assert sorted(Beacon.objects.filter(n=3).values_list("pk", flat=True)) == sorted(numbers)
    assert Beacon.objects.filter(pk__in=numbers).delete() == 3
