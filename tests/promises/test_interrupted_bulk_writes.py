"""Ctrl-C in a bulk write, at any moment: what is told as done is done, and its instances have their keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from directus_orm import BulkFailure, FieldError, Model, QuerySet, Session, field, generated
from directus_orm.instances.state import state_of
from directus_orm.writing.store_back import StoreBack
from tests.worlds.tiny_server import Scripted, TinyServer

COUNT = 6
CHUNK = 2


class Thing(Model, collection="things"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


def rows(*keys: int) -> Scripted:
    return Scripted(body={"data": [{"id": key, "name": f"n{key}"} for key in keys]})


CHUNKS = (rows(1, 2), rows(3, 4), rows(5, 6))


def with_keys() -> list[Thing]:
    return [Thing(id=key, name=f"n{key}") for key in range(1, COUNT + 1)]


def without_keys() -> list[Thing]:
    return [Thing(name=f"n{key}") for key in range(1, COUNT + 1)]


Write = tuple[list[Scripted], list[Thing], Callable[[QuerySet[Thing], list[Thing], Any], object]]


def write(name: str) -> Write:
    """Return the server's responses, the instances, and what writes them; each in three chunks."""
    match name:
        case "bulk_create":
            return [*CHUNKS], without_keys(), lambda q, a, tell: q.bulk_create(a, batch_size=CHUNK, progress=tell)
        case "bulk_update":
            things = with_keys()
            for thing in things:
                state_of(thing).stored, state_of(thing).row = True, {"id": thing.id}
            return (
                [*CHUNKS],
                things,
                lambda q, a, tell: q.bulk_update(a, ["name"], batch_size=CHUNK, progress=tell),
            )
        case _:
            existing = rows(1, 2, 3, 4)
            return (
                [existing, *CHUNKS],
                with_keys(),
                lambda q, a, tell: q.upsert(a, batch_size=CHUNK, progress=tell),
            )


# --- where the interrupt comes ------------------------------------------------------------------------------

Interrupt = Callable[[pytest.MonkeyPatch, int], None]


def _around_sending(*, sent: bool) -> Interrupt:
    def interrupt(patch: pytest.MonkeyPatch, chunk: int) -> None:
        send, writes = Session.send, []

        def interrupted(session: Session, request: Any) -> Any:
            if request.reads:
                return send(session, request)
            writes.append(request)
            if len(writes) - 1 == chunk:
                if sent:
                    send(session, request)
                raise KeyboardInterrupt
            return send(session, request)

        patch.setattr(Session, "send", interrupted)

    return interrupt


def _while_storing(row: int) -> Interrupt:
    def interrupt(patch: pytest.MonkeyPatch, chunk: int) -> None:
        store, stored = StoreBack.store, []

        def interrupted(self: StoreBack, *args: Any) -> None:
            stored.append(self)
            if len(stored) - 1 == chunk * CHUNK + row:
                raise KeyboardInterrupt
            store(self, *args)

        patch.setattr(StoreBack, "store", interrupted)

    return interrupt


UNREAD: dict[str, Interrupt] = {
    "before it is sent": _around_sending(sent=False),
    "before its response is read": _around_sending(sent=True),
}
READ: dict[str, Interrupt] = {
    "before its rows are stored": _while_storing(0),
    "when half its rows are stored": _while_storing(1),
}


def names(things: Iterable[Any]) -> list[str]:
    return [thing.name for thing in things]


def interrupted_write(
    tiny: TinyServer, session: Session, verb: str, progress: Any = None
) -> tuple[list[str], BulkFailure]:
    """Write, and return the names of the instances, and what is told of them after the interrupt."""
    responses, things, call = write(verb)
    tiny.answers(*responses)
    with pytest.raises(KeyboardInterrupt) as caught:
        call(Thing.objects.using(session), things, progress)
    told = vars(caught.value)["bulk"]
    assert isinstance(told, BulkFailure)
    assert sorted(names(told.done + told.unknown + told.unsent)) == names(things)
    assert names(told.done) == [f"n{thing.pk}" for thing in told.done]
    assert all(state_of(thing).stored for thing in told.done)
    bodies = [json.loads(body) for method, _, _, body in tiny.seen if method in {"POST", "PATCH"}]
    sent = {row["name"] for body in bodies for row in body}
    assert sent <= {*names(told.done + told.unknown)}
    return names(things), told


VERBS = ["bulk_create", "bulk_update", "upsert"]


@pytest.fixture
def session(tiny: TinyServer, open_session: Callable[..., Session]) -> Session:
    return open_session(tiny.url, token="t", retry=0)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("chunk", [0, 1, 2])
@pytest.mark.parametrize("moment", UNREAD)
def test_a_chunk_whose_response_is_not_read_is_unknown(
    tiny: TinyServer, session: Session, monkeypatch: pytest.MonkeyPatch, verb: str, chunk: int, moment: str
) -> None:
    UNREAD[moment](monkeypatch, chunk)
    things, told = interrupted_write(tiny, session, verb)
    assert names(told.done) == things[: chunk * CHUNK]
    assert names(told.unknown) == things[chunk * CHUNK :][:CHUNK]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("chunk", [0, 1, 2])
@pytest.mark.parametrize("moment", READ)
def test_a_chunk_whose_response_is_read_is_stored_all_the_same(
    tiny: TinyServer, session: Session, monkeypatch: pytest.MonkeyPatch, verb: str, chunk: int, moment: str
) -> None:
    READ[moment](monkeypatch, chunk)
    things, told = interrupted_write(tiny, session, verb)
    assert names(told.done)[: (chunk + 1) * CHUNK] == things[: (chunk + 1) * CHUNK]
    assert not told.unknown


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_an_interrupt_after_a_chunk_leaves_nothing_unknown(
    tiny: TinyServer, session: Session, verb: str, chunk: int
) -> None:
    told_of: list[int] = []

    def progress(done: int, _: int) -> None:
        told_of.append(done)
        if len(told_of) == chunk + 1:
            raise KeyboardInterrupt

    things, told = interrupted_write(tiny, session, verb, progress)
    assert names(told.done)[: (chunk + 1) * CHUNK] == things[: (chunk + 1) * CHUNK]
    assert not told.unknown
    assert told_of == sorted(set(told_of))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_an_impatient_second_interrupt_leaves_the_chunk_unknown(
    tiny: TinyServer, session: Session, monkeypatch: pytest.MonkeyPatch, verb: str, chunk: int
) -> None:
    """The first comes while its rows are stored, the second while that is made up for."""
    store, stored = StoreBack.store, []

    def interrupted(self: StoreBack, *args: Any) -> None:
        stored.append(self)
        if len(stored) > chunk * CHUNK:
            raise KeyboardInterrupt
        store(self, *args)

    monkeypatch.setattr(StoreBack, "store", interrupted)
    things, told = interrupted_write(tiny, session, verb)
    assert names(told.done) == things[: chunk * CHUNK]
    assert names(told.unknown)[:CHUNK] == things[chunk * CHUNK :][:CHUNK]


def test_a_field_that_the_server_lacks_loses_no_key(tiny: TinyServer, session: Session) -> None:
    tiny.answers(Scripted(body={"data": [{"id": 1}, {"id": 2}]}))
    things = [Thing(name="a"), Thing(name="b"), Thing(name="c")]
    with pytest.raises(FieldError, match="is lost") as caught:
        Thing.objects.using(session).bulk_create(things, batch_size=CHUNK)
    told = caught.value.bulk
    assert told is not None
    assert (names(told.done), names(told.unsent)) == (["a", "b"], ["c"])
    assert [thing.pk for thing in told.done] == [1, 2]
