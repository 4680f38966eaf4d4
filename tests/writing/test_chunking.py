"""Bulk writes in chunks: the size of a request, what becomes of each row, and what an error reports."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import (
    BulkFailure,
    ConfigurationError,
    DirectusError,
    FailedValidation,
    InvalidForeignKey,
    InvalidRequest,
    Model,
    OutcomeUnknown,
    QueryError,
    RecordNotUnique,
    Session,
    field,
    generated,
)
from directus_orm.core.request_response import Request
from directus_orm.session import Capture
from directus_orm.testing import DirectusServer, plugin, start
from directus_orm.writing import chunking
from tests.worlds.flights import Airline, Flight, Note
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, key, make_collection, make_relation
from tests.worlds.tiny_server import Scripted, TinyServer


class Plain(Model, collection="bulk_items"):
    """What chunks are made of: a key that the server counts, a unique name, and a rule."""

    id: int = field(default=generated, primary_key=True)
    name: str
    stars: int | None = None


class Item(Plain):
    """And a relation."""

    airline: Airline | None = None


class Coded(Model, collection="bulk_codes"):
    """The server makes its keys, in no order."""

    id: str = field(default=generated, primary_key=True)
    name: str


def make(server: DirectusServer) -> None:
    rule = {"validation": {"_and": [{"stars": {"_gt": 0}}]}}
    stars = {**column("stars", "integer", is_nullable=True), "meta": rule}
    name = column("name", "string", is_unique=True, is_nullable=False)
    make_collection(server, "bulk_items", AUTO_KEY, name, stars)
    make_collection(server, "bulk_codes", key("uuid"), column("name", "string"))


@pytest.fixture
def items(world: DirectusServer, session: Session) -> Iterator[Session]:
    make(world)
    make_relation(world, "bulk_items", "airline", "airlines", "string")
    yield session
    for name in ("bulk_items", "bulk_codes"):
        drop_collection(world, name)


@pytest.fixture(scope="module")
def narrow(pytestconfig: pytest.Config) -> Iterator[DirectusServer]:
    """A server with low limits for bodies, writes and rows."""
    limits = {"MAX_PAYLOAD_SIZE": "20kb", "MAX_BATCH_MUTATION": "40", "QUERY_LIMIT_MAX": "90"}
    with start(plugin.option(pytestconfig, "version"), env=limits) as server:
        make(server)
        yield server


def of(count: int) -> list[Item]:
    return [Item(name=f"n{n}", stars=n + 1) for n in range(count)]


def names() -> list[str]:
    return list(Item.objects.order_by("id").values_list("name", flat=True))


def sizes(sent: Capture) -> list[int]:
    """How many rows, or keys, each request that writes carries."""
    bodies = [entry.request.json for entry in sent if not entry.request.reads]
    return [len(body["keys"] if isinstance(body, dict) else body) for body in bodies]


def failure(error: BaseException) -> BulkFailure:
    found = getattr(error, "bulk", None)
    assert isinstance(found, BulkFailure)
    return found


class TestOrder:
    def test_rows_of_two_chunks_match_their_instances(self, items: Session, chunk_size: int) -> None:
        with items.capture() as sent:
            made = Item.objects.bulk_create(Item(name=f"n{n}") for n in range(2 * chunk_size))
        assert sizes(sent) == [chunk_size, chunk_size]
        there = dict(Item.objects.values_list("id", "name"))
        assert [there[item.id] for item in made] == [f"n{n}" for n in range(2 * chunk_size)]
        with items.capture() as nothing:
            for item in made:
                item.save()
        assert not nothing

    @pytest.mark.parametrize("batch_size", [1, 3, 100])
    def test_given_keys_and_made_ones_mix(self, items: Session, batch_size: int) -> None:
        keys = [None, 500, None, 20, None, None, 700, None]
        made = Item.objects.bulk_create(
            (
                Item(name=f"n{n}") if known is None else Item(id=known, name=f"n{n}")
                for n, known in enumerate(keys)
            ),
            batch_size,
        )
        assert [known or item.id for known, item in zip(keys, made, strict=True)] == [item.id for item in made]
        there = dict(Item.objects.values_list("id", "name"))
        assert [there[item.id] for item in made] == [f"n{n}" for n in range(len(keys))]

    def test_given_uuids_and_made_ones_mix(self, notes: Session) -> None:
        """G11: answers come sorted by key."""
        made = Note.objects.bulk_create(
            Note(id=UUID(int=9**20 * n % 2**120 + 1), title=f"n{n}") if n % 3 else Note(title=f"n{n}")
            for n in range(60)
        )
        there = dict(Note.objects.values_list("id", "title"))
        assert [there[note.id] for note in made] == [f"n{n}" for n in range(60)]

    def test_keys_that_the_server_makes_in_no_order_match(self, items: Session) -> None:
        """G11: only one row at a time tells which key it got."""
        with items.capture() as sent:
            made = Coded.objects.bulk_create([Coded(name=f"n{n}") for n in range(12)])
        assert sizes(sent) == [1] * 12
        there = dict(Coded.objects.values_list("id", "name"))
        assert [there[coded.id] for coded in made] == [f"n{n}" for n in range(12)]

    def test_one_key_twice_is_refused_before_anything_is_sent(self, items: Session) -> None:
        rows = [Item(id=5, name="a"), Item(name="b"), Item(id=5, name="c")]
        with (
            items.capture() as sent,
            pytest.raises(ConfigurationError, match=r"two rows with the key 5, numbers 0 and 2 \(from 0\)"),
        ):
            Item.objects.bulk_create(rows)
        assert not sent


class TestSize:
    def test_bodies_stay_below_what_the_server_takes(self, notes: Session) -> None:
        """G35: a body above 1 MB is refused, with a 400."""
        with notes.capture() as sent:
            Note.objects.bulk_create(Note(title=f"n{i}", body="é" * 25_000) for i in range(25))
        assert sizes(sent) == [6, 6, 6, 6, 1]
        assert all(len(json.dumps(entry.request.json, separators=(",", ":"))) <= 1_000_000 for entry in sent)
        assert Note.objects.count() == 25

    def test_batch_size_is_the_most_rows_of_a_request(self, items: Session) -> None:
        with items.capture() as sent:
            made = Item.objects.bulk_create(of(10), batch_size=4)
            Item.objects.bulk_update(made, ["stars"], 5)
            for item in made:
                item.name += " new"
            Item.objects.upsert(made, batch_size=9)
        assert sizes(sent) == [4, 4, 2, 5, 5, 9, 1]
        for wrong in (0, -1, True, 2.5, "9"):
            with pytest.raises(QueryError, match="batch_size is a whole number from 1"):
                Item.objects.bulk_create(of(1), wrong)  # type: ignore[arg-type]

    def test_a_server_that_takes_less_is_learnt_from(self, narrow: DirectusServer) -> None:
        """G45: QUERY_LIMIT_MAX and MAX_BATCH_MUTATION each say no, once, before anything is written."""
        with Session(narrow.url, token=narrow.token) as session, session.capture() as sent:
            made = Plain.objects.bulk_create(Plain(name=f"n{n}", stars=n + 1) for n in range(200))
            assert [entry.status for entry in sent].count(400) == 2
            assert session.max_rows == 90
            assert session.max_written == 40
            many = len(sent)
            for item in made:
                item.stars = 7
            assert Plain.objects.bulk_update(made, ["stars"]) == 200
            assert Plain.objects.all().update(stars=8) == 200
            assert Plain.objects.filter(name__startswith="n1").delete() == 111
            assert {entry.status for entry in sent[many:]} <= {200, 204}
        assert [item.id for item in made] == sorted(item.id for item in made)

    def test_a_body_that_is_too_large_is_sent_in_smaller_chunks(self, narrow: DirectusServer) -> None:
        """G35: the refusal does not say how much would do."""
        with Session(narrow.url, token=narrow.token) as session, session.capture() as sent:
            Coded.objects.bulk_create(Coded(id=str(UUID(int=n + 1)), name="x" * 4000) for n in range(9))
            assert [entry.status for entry in sent][:2] == [400, 200]
            assert Coded.objects.count() == 9
            with pytest.raises(InvalidRequest, match="too large") as caught:
                Coded.objects.bulk_create([Coded(id=str(UUID(int=99)), name="x" * 30_000)])
        assert len(failure(caught.value).refused) == 1

    def test_a_single_row_that_is_too_large_makes_no_chunk_smaller(self, narrow: DirectusServer) -> None:
        """Of the same values for all rows, fewer keys save nothing."""
        with Session(narrow.url, token=narrow.token) as session:
            Coded.objects.bulk_create(Coded(id=str(UUID(int=n + 200)), name="x") for n in range(30))
            with pytest.raises(InvalidRequest, match="too large"):
                Coded.objects.all().update(name="x" * 30_000)
            assert session.max_body is not None
            assert session.max_body > 15_000
            assert Coded.objects.all().update(name="x" * 10_000) >= 30


@pytest.fixture
def names_values(is_directus_10: bool) -> bool:
    """Whether the server names the value that is not unique; Directus 10 names only its field."""
    return not is_directus_10


class TestErrorsOfBulkWrites:
    def test_the_error_has_the_written_rows_the_others_and_the_one_at_fault(
        self, items: Session, names_values: bool
    ) -> None:
        rows = of(12)
        rows[7].name = "n2"
        with pytest.raises(RecordNotUnique) as caught:
            Item.objects.bulk_create(rows, batch_size=5)
        told = failure(caught.value)
        assert (told.done, told.refused, told.unknown, told.unsent) == (
            tuple(rows[:5]),
            tuple(rows[5:10]),
            (),
            tuple(rows[10:]),
        )
        assert told.at_fault == ((rows[7],) if names_values else ())
        (note,) = caught.value.__notes__
        assert note.startswith("Of 12 rows, 5 were created, 5 were refused together, 2 were not sent; ")
        assert note.endswith(f"At fault is number 7, counted from 0: {rows[7]!r}.") is names_values
        fault = f"; at fault: {rows[7]!r}" if names_values else ""
        assert repr(told) == f"<BulkFailure: 5 done, 5 refused, 2 unsent{fault}>"
        assert names() == [f"n{n}" for n in range(5)]
        rows[7].name = "n7"
        Item.objects.bulk_create(told.refused + told.unsent)
        assert names() == [f"n{n}" for n in range(12)]

    def test_the_error_can_be_pickled(self, items: Session, names_values: bool) -> None:
        with pytest.raises(RecordNotUnique) as caught:
            Item.objects.bulk_create([*of(3), Item(name="n1")], batch_size=2)
        copy = pickle.loads(pickle.dumps(caught.value))
        assert copy.bulk.done == failure(caught.value).done
        assert [row.name for row in copy.bulk.at_fault] == (["n1"] if names_values else [])
        assert copy.__notes__ == caught.value.__notes__

    def test_two_rows_that_may_be_at_fault_are_both_named(self, items: Session, names_values: bool) -> None:
        """Whether the first of them is at fault depends on what is in the table already."""
        rows = [Item(name="a"), Item(name="b"), Item(name="a")]
        with pytest.raises(RecordNotUnique) as caught:
            Item.objects.bulk_create(rows)
        assert failure(caught.value).at_fault == ((rows[0], rows[2]) if names_values else ())
        assert "At fault" not in caught.value.__notes__[0]

    def test_rows_that_break_a_validation_rule_are_named(self, items: Session) -> None:
        rows = of(4)
        rows[2].stars = 0
        with pytest.raises(FailedValidation) as caught:
            Item.objects.bulk_create(rows)
        assert failure(caught.value).at_fault == (rows[2],)

    def test_the_row_with_a_missing_value_is_named(self, items: Session) -> None:
        class Loose(Model, collection="bulk_items"):
            id: int = field(default=generated)
            name: str | None = None

        rows = [Loose(name="a"), Loose(name="b"), Loose()]
        with pytest.raises(InvalidRequest) as caught:
            Loose.objects.bulk_create(rows)
        assert failure(caught.value).at_fault == (rows[2],)

    def test_a_reference_that_leads_nowhere(self, items: Session, world: DirectusServer) -> None:
        """SQLite says no more than that there is one."""
        rows = of(3)
        rows[1].airline = Airline.objects.ref("nowhere")
        with pytest.raises(InvalidForeignKey) as caught:
            Item.objects.bulk_create(rows)
        known = world.database.vendor != "sqlite"
        assert failure(caught.value).at_fault == ((rows[1],) if known else ())
        assert failure(caught.value).refused == tuple(rows)

    def test_every_bulk_method_reports_its_failures(self, items: Session, names_values: bool) -> None:
        made = Item.objects.bulk_create(of(7))
        for item in made[1:]:
            item.name += " new"
        made[5].name = "n0"
        with pytest.raises(RecordNotUnique) as updated:
            Item.objects.bulk_update(made, ["name"], batch_size=4)
        told = failure(updated.value)
        assert (told.done, told.refused) == (tuple(made[:4]), tuple(made[4:]))
        assert told.at_fault == ((made[5],) if names_values else ())

        new = [Item(name="new"), Item(name="n0"), Item(name="newer")]
        with pytest.raises(RecordNotUnique) as upserted:
            Item.objects.upsert([new[0], made[6], new[1], new[2]], batch_size=1)
        told = failure(upserted.value)
        assert (told.done, told.refused, told.unsent) == ((new[0], made[6]), (new[1],), (new[2],))

    def test_for_querysets_the_error_has_the_keys(self, items: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("directus_orm.writing.chunking.MAX_ROWS", 3)
        made = Item.objects.bulk_create(of(5))
        keys = tuple(item.id for item in made)
        with pytest.raises(FailedValidation) as caught:
            Item.objects.all().update(stars=0)
        assert failure(caught.value) == BulkFailure(refused=keys[:3], unsent=keys[3:])
        with pytest.raises(RecordNotUnique) as caught_too:
            Item.objects.filter(stars=2).update(name="n0")
        assert failure(caught_too.value).at_fault == ()

    def test_an_error_before_anything_is_sent_has_no_report(self, items: Session) -> None:
        with pytest.raises(DirectusError) as caught:
            Item.objects.bulk_create([Item(name="a"), Item(name=7)])  # type: ignore[arg-type]
        assert caught.value.bulk is None
        assert not hasattr(caught.value, "__notes__")


class Losing(HTTPAdapter):
    """Sends for real, and loses the answer to the nth POST."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.left = nth

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        self.left -= request.method == "POST"
        if not self.left:
            answer.close()
            raise requests.ConnectionError(ConnectionResetError(104, "reset by peer"))
        return answer


class TestProgressAndInterruption:
    def test_a_lost_response_leaves_its_chunk_unknown(self, items: Session, world: DirectusServer) -> None:
        http = requests.Session()
        http.mount("http://", Losing(2))
        rows = of(9)
        with (
            http,
            Session(world.url, token=world.token, http=http) as session,
            pytest.raises(OutcomeUnknown) as caught,
        ):
            Item.objects.using(session).bulk_create(rows, batch_size=3)
        told = failure(caught.value)
        assert (told.done, told.refused, told.unknown, told.unsent) == (
            tuple(rows[:3]),
            (),
            tuple(rows[3:6]),
            tuple(rows[6:]),
        )
        assert "3 may have been created" in caught.value.__notes__[0]
        assert Item.objects.count() == 6

    def test_progress_is_reported_after_each_chunk(self, items: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("directus_orm.writing.chunking.MAX_ROWS", 4)
        told: list[tuple[int, int]] = []
        made = Item.objects.bulk_create(of(9), progress=lambda *numbers: told.append(numbers))
        assert told == [(4, 9), (8, 9), (9, 9)]
        for item in made:
            item.name += " new"
        for write in (
            lambda tell: Item.objects.bulk_update(made, ["stars"], progress=tell),
            lambda tell: Item.objects.upsert(made, progress=tell),
            lambda tell: Item.objects.all().update(stars=3, progress=tell),
            lambda tell: Item.objects.all().delete(progress=tell),
        ):
            told.clear()
            write(lambda *numbers: told.append(numbers))
            assert told == [(4, 9), (8, 9), (9, 9)]

    def test_a_bar_is_drawn(self, items: Session, capsys: pytest.CaptureFixture[str]) -> None:
        Item.objects.bulk_create(of(3), progress=True)
        assert "bulk_items: 100%" in capsys.readouterr().err

    def test_a_wrong_progress_argument_is_refused_before_anything_is_sent(self, items: Session) -> None:
        wrong: Any = "yes"
        with items.capture() as sent:
            for write in (
                lambda: Item.objects.bulk_create(of(1), progress=wrong),
                lambda: Item.objects.bulk_update(of(1), ["stars"], progress=wrong),
                lambda: Item.objects.upsert(of(1), progress=wrong),
                lambda: Item.objects.all().update(stars=3, progress=wrong),
                lambda: Item.objects.all().delete(progress=wrong),
            ):
                with pytest.raises(TypeError, match="progress is True, or a function"):
                    write()
        assert not sent

    def test_a_field_called_progress_is_written_by_update(self, notes: Session) -> None:
        class Task(Model, collection="notes"):
            id: UUID = field(default=generated)
            title: str
            progress: int | None = field(default=None, name="stars")

        Task.objects.create(title="a", progress=5)
        assert Task.objects.all().update(progress=9) == 1
        assert Task.objects.get().progress == 9
        assert Task.objects.all().update(progress=None) == 1
        assert Task.objects.get().progress is None

    def test_where_the_program_stops_the_chunk_under_way_is_waited_for(self, items: Session) -> None:
        """And its instances know that they have rows; no thread stays behind."""
        rows = of(20)

        def stop(done: int, _: int) -> None:
            if done == 8:
                raise LookupError

        threads = threading.active_count()
        with pytest.raises(LookupError) as caught:
            Item.objects.bulk_create(rows, batch_size=4, progress=stop)
        assert threading.active_count() == threads
        told = failure(caught.value)
        assert (told.done, told.unsent) == (tuple(rows[:12]), tuple(rows[12:]))
        assert names() == [f"n{n}" for n in range(12)]
        assert [row.id for row in rows[:12]] == sorted(row.id for row in rows[:12])
        assert all(not hasattr(row, "id") or row.pk is None for row in rows[12:])

    def test_a_generator_is_taken(self, items: Session) -> None:
        made = Item.objects.bulk_create((item for item in of(5)), batch_size=2)
        assert [item.name for item in made] == names()
        assert Flight.objects.bulk_create(iter(())) == []


# --- answers that this server does not give ---------------------------------------------------------------------


class Box(Model, collection="boxes"):
    id: str = field(primary_key=True)
    label: str | None = None


@pytest.fixture
def scripted(tiny: TinyServer, open_session: Callable[..., Session]) -> Session:
    return open_session(tiny.url, token="t", retry=0)


def boxes(count: int, label: str = "x") -> list[dict[str, Any]]:
    return [{"id": f"b{n}", "label": label} for n in range(count)]


def write(session: Session, rows: list[dict[str, Any]], batch_size: int | None = None) -> None:
    with chunking.bulk_write(session, Box.directus, rows, "created", batch_size=batch_size) as bulk:
        bulk.send(
            list(rows),
            lambda chunk: Request("POST", "/items/boxes", json=chunk),
            lambda positions, chunk, response: bulk.record_done(positions),
            range(len(rows)),
        )


def refusal(message: str, status: int = 400, **extensions: Any) -> Scripted:
    entries = [{"message": message, "extensions": {"code": "INVALID_PAYLOAD", **extensions}}]
    return Scripted(status, {"errors": entries})


WRITTEN = Scripted(204, "")
TOO_LARGE = "Invalid payload. request entity too large."
TOO_MANY = "Invalid payload. Exceeded max batch mutation limit of {}."


def lengths(tiny: TinyServer) -> list[int]:
    return [len(json.loads(body)) for _, _, _, body in tiny.seen]


class TestLimitsThatAreLearnt:
    @pytest.mark.parametrize(("limit", "expected"), [(2, [5, 2, 2, 1]), (4, [5, 4, 1]), (1, [5, 1, 1, 1, 1, 1])])
    def test_a_limit_that_the_server_names_is_kept(
        self, limit: int, expected: list[int], tiny: TinyServer, scripted: Session
    ) -> None:
        tiny.answers(refusal(TOO_MANY.format(limit)), WRITTEN)
        write(scripted, boxes(5))
        assert (lengths(tiny), scripted.max_written, scripted.max_rows) == (expected, limit, None)

    @pytest.mark.parametrize("limit", [0, 5, 6])
    def test_a_limit_that_explains_nothing_is_an_error(
        self, limit: int, tiny: TinyServer, scripted: Session
    ) -> None:
        """Else the same chunk would be sent for ever."""
        tiny.answers(refusal(TOO_MANY.format(limit)))
        with pytest.raises(InvalidRequest) as caught:
            write(scripted, boxes(5))
        assert (lengths(tiny), scripted.max_written) == ([5], None)
        assert len(failure(caught.value).refused) == 5

    @pytest.mark.parametrize("refused", [refusal(TOO_LARGE), Scripted(413, "<html>")], ids=["Directus", "proxy"])
    def test_a_body_that_is_too_large_is_halved(
        self, refused: Scripted, tiny: TinyServer, scripted: Session
    ) -> None:
        tiny.answers(refused, WRITTEN)
        write(scripted, boxes(8))
        body_size = len(tiny.seen[0][3])
        assert scripted.max_body == body_size // 2
        assert lengths(tiny) == [8, 3, 3, 2]
        assert all(len(body) <= body_size // 2 for *_, body in tiny.seen[1:])

    def test_a_single_row_that_is_too_large_teaches_nothing(self, tiny: TinyServer, scripted: Session) -> None:
        tiny.answers(refusal(TOO_LARGE))
        with pytest.raises(InvalidRequest):
            write(scripted, boxes(1))
        assert (len(tiny.seen), scripted.max_body) == (1, None)

    def test_a_body_is_as_long_as_the_limit_allows_and_no_longer(
        self, tiny: TinyServer, scripted: Session
    ) -> None:
        """A row that alone is longer is sent alone."""
        tiny.answers(WRITTEN)
        write(scripted, boxes(3))
        scripted.max_body = len(tiny.seen[0][3])
        for count, expected in ((3, [3]), (4, [3, 1]), (7, [3, 3, 1])):
            tiny.seen.clear()
            write(scripted, boxes(count))
            assert lengths(tiny) == expected
        tiny.seen.clear()
        scripted.max_body -= 1
        write(scripted, boxes(3))
        write(scripted, boxes(2, label="long " * 50))
        assert lengths(tiny) == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal("no"), "refused"),
        (refusal("no", 499), "refused"),
        (refusal("no", 500, code="INTERNAL_SERVER_ERROR"), "unknown"),
        (refusal("FOREIGN KEY constraint failed", 500, code="INTERNAL_SERVER_ERROR"), "refused"),
        (refusal("busy", 503, code="SERVICE_UNAVAILABLE", reason="Under Pressure"), "refused"),
        (refusal("mail", 503, code="SERVICE_UNAVAILABLE", reason="it fails"), "unknown"),
        (refusal("busy", 429, code="REQUESTS_EXCEEDED"), "refused"),
        (refusal("odd", 500, code="INTERNAL_SERVER_ERROR", reason="Under Pressure"), "unknown"),
        (Scripted(404, "<html>"), "refused"),
        (Scripted(302, ""), "refused"),
        (Scripted(500, "<html>"), "unknown"),
        (Scripted(504, "<html>"), "unknown"),
        (Scripted(200, "<html>"), "unknown"),
        (Scripted(0), "unknown"),
    ],
    ids=str,
)
def test_rows_are_told_as_refused_only_where_nothing_was_written(
    answer: Scripted, outcome: str, tiny: TinyServer, scripted: Session
) -> None:
    rows = boxes(3)
    tiny.answers(WRITTEN, answer)
    with pytest.raises(DirectusError) as caught:
        write(scripted, rows, batch_size=1)
    expected = {"done": tuple(rows[:1]), "unsent": tuple(rows[2:]), outcome: tuple(rows[1:2])}
    assert failure(caught.value) == BulkFailure(**expected)
    assert lengths(tiny) == [1, 1]


def test_rows_that_no_server_took_are_told_as_refused(tiny: TinyServer, scripted: Session) -> None:
    tiny.stop()
    with pytest.raises(DirectusError, match="was not sent") as caught:
        write(scripted, rows := boxes(2))
    assert failure(caught.value) == BulkFailure(refused=tuple(rows))
    (note,) = caught.value.__notes__
    assert note == "Of 2 rows, 2 were refused together; the error's attribute 'bulk' has them."
