"""What the rows that are read back say of a write whose response was lost: applied, not applied, or unknown.

A scripted server holds the rows, so that each case is one line. The real server is in `test_write_recovery` and
`test_write_evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from directus_orm import (
    Model,
    OutcomeUnknown,
    RateLimited,
    RecordNotUnique,
    Retry,
    Session,
    TransportError,
    field,
    generated,
)
from directus_orm.core.request_response import Request
from directus_orm.query.query import Query
from directus_orm.writing.write_recovery import RecoverableWrite, send
from tests.worlds.tiny_server import Scripted, TinyServer

APPLIED, REPEATED, UNKNOWN = "applied", "not applied, and sent again", "unknown"
LOST = Scripted(504, "<html>")
ABSENT: Any = object()


class Box(Model, collection="boxes"):
    id: str = field(primary_key=True)
    label: str | None = None
    weight: Decimal | None = None
    mass: float | None = None
    packed: datetime | None = None
    count: int | None = None
    secret: str | None = field(default=None, type="hash")
    parent: Box | None = None


class Jar(Model, collection="jars"):
    """Its key has one spelling, so that the keys of a response can be compared with those that were sent."""

    id: int = field(default=generated, primary_key=True)
    label: str | None = None


class Knob(Model, collection="knob", singleton=True):
    id: int = field(default=generated, primary_key=True)
    angle: int | None = None


@pytest.fixture
def session(tiny: TinyServer, open_session: Callable[..., Session]) -> Session:
    return open_session(tiny.url, token="t", retry=Retry(2, first_pause=0.001, longest_pause=0.001))


def write_of(*rows: dict[str, Any], **options: Any) -> RecoverableWrite:
    creates = options.get("creates", False)
    request = Request("POST" if creates else "PATCH", "/items/boxes", json=list(rows))
    return RecoverableWrite(request, Box.directus, rows, Query(Box, paths=Box.directus.paths), **options)


def rows(*stored: dict[str, Any]) -> Scripted:
    return Scripted(body={"data": list(stored)})


SEES_ALL = Scripted(body={"data": {"boxes": {"read": {"access": "full"}}}})
SEES_SOME = Scripted(body={"data": {"boxes": {"read": {"access": "partial"}}}})


def verdict(
    tiny: TinyServer, session: Session, write: RecoverableWrite, *stored: dict[str, Any], sees_all: bool = True
) -> str:
    """Lose the response to a write, and return what is concluded from the stored rows that this user sees."""
    tiny.seen.clear()
    asked = len(stored) < len(write.rows) and not write.creates
    permissions = [SEES_ALL] if sees_all else [SEES_SOME, SEES_SOME]
    tiny.answers(LOST, rows(*stored), *(permissions if asked else []), rows(*write.rows))
    try:
        send(session, write)
    except OutcomeUnknown:
        return UNKNOWN
    return REPEATED if tiny.methods.count("PATCH") + tiny.methods.count("POST") == 2 else APPLIED


@pytest.mark.parametrize(
    ("name", "before", "sent", "stored", "expected"),
    [
        ("label", "a", "b", "b", APPLIED),
        ("label", "a", "b", "a", REPEATED),
        ("label", "a", "b", "c", UNKNOWN),
        ("label", ABSENT, "b", "b", APPLIED),
        ("label", ABSENT, "b", "a", UNKNOWN),
        ("label", "a", None, None, APPLIED),
        ("label", "a", None, "a", REPEATED),
        ("label", None, "b", None, REPEATED),
        ("label", "a", "b", ABSENT, UNKNOWN),
        ("label", "a", "a", "a", APPLIED),
        ("weight", "7", "1.50", 1.5, APPLIED),
        ("weight", "7", "1.50", "1.5", APPLIED),
        ("weight", "7.25", "1.504", "1.50", APPLIED),  # a column of hundredths, which rounds by 0.005 at most
        ("weight", "7.25", "1.505", "1.50", APPLIED),
        ("weight", "7.25", "1.506", "1.50", UNKNOWN),
        ("weight", "7.25", "1.504", "1.5", APPLIED),  # what it kept before tells how it rounds
        ("weight", "7.2", "1.54", "1.5", APPLIED),
        ("weight", "7.2", "1.56", "1.5", UNKNOWN),
        ("weight", None, "1.504", "1.50", APPLIED),
        ("weight", ABSENT, "1.504", "1.50", UNKNOWN),
        ("weight", "1.506", "1.504", "1.50", UNKNOWN),
        ("weight", "7.125", "1.54", "1.5", UNKNOWN),  # it kept thousandths of one value
        ("label", "a", "bc", "b", UNKNOWN),
        ("parent", {"id": "p"}, {"id": "q"}, {"id": "q"}, APPLIED),
        ("weight", "1.51", "1.505", "1.50", UNKNOWN),
        ("weight", "7", "9E+999999", "-9E+999999", UNKNOWN),
        ("weight", "1.50", "1.504", "1.50", REPEATED),
        ("weight", "7.25", "1.504", None, UNKNOWN),
        ("weight", "7.25", None, "1.50", UNKNOWN),
        ("weight", "7.25", "1.504", "odd", UNKNOWN),
        ("weight", "odd", "1.504", "1.50", UNKNOWN),
        ("mass", 3.0, 1_000_000.9, 1_000_000.0, APPLIED),
        ("mass", 3.0, 1_000_001.1, 1_000_000.0, UNKNOWN),
        ("mass", 3.0, -1_000_000.9, -1_000_000.0, APPLIED),
        ("mass", 1_000_000.5, 1_000_000.9, 1_000_000.0, UNKNOWN),
        ("packed", None, "2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z", APPLIED),
        ("packed", None, "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z", UNKNOWN),
        ("packed", None, "2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05.001Z", UNKNOWN),
        ("packed", None, "2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05.998Z", UNKNOWN),
        ("packed", "2020-01-01T00:00:00.5Z", "2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z", UNKNOWN),
        ("count", 1, 2, 3, UNKNOWN),
        ("count", 1, 2, 2, APPLIED),
        ("parent", "p", "q", {"id": "q"}, APPLIED),
        ("parent", {"id": "p"}, "q", "p", REPEATED),
        ("parent", "p", {"id": "q"}, "q", APPLIED),
        ("parent", "p", {"label": "new"}, "q", UNKNOWN),
        ("parent", "p", {"label": "new"}, "p", REPEATED),
        ("parent", "p", {"label": "new"}, None, UNKNOWN),
        ("parent", None, {"label": "new"}, None, REPEATED),
        ("secret", "**********", "s", "**********", UNKNOWN),
        ("secret", "**********", None, None, APPLIED),
        ("secret", None, "s", None, UNKNOWN),
    ],
    ids=str,
)
def test_one_field_of_an_update(
    name: str, before: Any, sent: Any, stored: Any, expected: str, tiny: TinyServer, session: Session
) -> None:
    def row(value: Any) -> dict[str, Any]:
        return {"id": "x"} if value is ABSENT else {"id": "x", name: value}

    write = write_of(row(sent), rows_before={"x": row(before)})
    assert verdict(tiny, session, write, row(stored)) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"count": 5, "label": "b"}, APPLIED),
        ({"count": 1, "label": "a"}, REPEATED),
        ({"count": 5, "label": "a"}, UNKNOWN),
        ({"count": 1, "label": "b"}, UNKNOWN),
        ({"count": 5}, UNKNOWN),
    ],
    ids=str,
)
def test_all_fields_of_a_row_say_the_same_or_nothing(
    stored: dict[str, Any], expected: str, tiny: TinyServer, session: Session
) -> None:
    write = write_of({"id": "x", "count": 5, "label": "b"}, rows_before={"x": {"count": 1, "label": "a"}})
    assert verdict(tiny, session, write, {"id": "x", **stored}) == expected


@pytest.mark.parametrize(("before", "expected"), [({"count": 1, "label": "b"}, APPLIED), ({"count": 5}, UNKNOWN)])
def test_of_hidden_rows_one_field_that_changed_says_enough(
    before: dict[str, Any], expected: str, tiny: TinyServer, session: Session
) -> None:
    sent = {"count": 5, "label": "b"}
    write = write_of({"id": "x", **sent}, {"id": "y", **sent}, rows_before={"y": before})
    assert verdict(tiny, session, write, {"id": "y", **sent}, sees_all=False) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [({"count": 5, "parent": "q"}, UNKNOWN), ({"count": 1, "parent": "p"}, REPEATED)],
    ids=["changed", "as before"],
)
def test_a_new_related_row_shows_nothing_by_its_key(
    stored: dict[str, Any], expected: str, tiny: TinyServer, session: Session
) -> None:
    """The server makes the key, so that no row can be compared with what was sent."""
    write = write_of(
        {"id": "x", "count": 5, "parent": {"label": "new"}}, rows_before={"x": {"count": 1, "parent": "p"}}
    )
    assert verdict(tiny, session, write, {"id": "x", **stored}) == expected


def test_a_masked_field_does_not_show_that_a_row_was_created(tiny: TinyServer, session: Session) -> None:
    for masked in ("s", "**********"):
        write = write_of({"id": "x", "secret": masked}, creates=True)
        assert verdict(tiny, session, write, {"id": "x", "secret": "**********"}) == UNKNOWN


def test_a_session_that_repeats_nothing_looks_nothing_up(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    tiny.answers(LOST)
    with pytest.raises(OutcomeUnknown):
        send(open_session(tiny.url, token="t", retry=0), write_of({"id": "x", "count": 5}))
    assert tiny.methods == ["PATCH"]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([{"id": "x", "count": 5}, {"id": "y", "count": 6}], APPLIED),
        ([{"id": "x", "count": 1}, {"id": "y", "count": 2}], REPEATED),
        ([{"id": "x", "count": 5}, {"id": "y", "count": 2}], UNKNOWN),
        ([{"id": "y", "count": 6}], APPLIED),
        ([{"id": "y", "count": 2}], REPEATED),
        ([], APPLIED),
    ],
    ids=str,
)
def test_all_rows_of_an_update_say_the_same_or_nothing(
    stored: list[dict[str, Any]], expected: str, tiny: TinyServer, session: Session
) -> None:
    """Rows that are gone were skipped."""
    before = {"x": {"id": "x", "count": 1}, "y": {"id": "y", "count": 2}}
    write = write_of({"id": "x", "count": 5}, {"id": "y", "count": 6}, rows_before=before)
    assert verdict(tiny, session, write, *stored) == expected


@pytest.mark.parametrize(
    ("before", "stored", "expected"),
    [
        (2, [6], APPLIED),
        (2, [2], REPEATED),
        (2, [5], UNKNOWN),
        (6, [6], UNKNOWN),
        (None, [6], APPLIED),
        (ABSENT, [6], UNKNOWN),
        (2, [], UNKNOWN),
    ],
    ids=str,
)
def test_of_rows_some_of_which_are_hidden_only_one_that_changed_says_something(
    before: Any, stored: list[int], expected: str, tiny: TinyServer, session: Session
) -> None:
    known = {"y": {} if before is ABSENT else {"count": before}}
    write = write_of({"id": "x", "count": 5}, {"id": "y", "count": 6}, rows_before=known)
    found = [{"id": "y", "count": count} for count in stored]
    assert verdict(tiny, session, write, *found, sees_all=False) == expected


def test_a_masked_field_of_a_row_says_nothing_of_hidden_ones(tiny: TinyServer, session: Session) -> None:
    before = {"y": {"secret": "**********"}}
    write = write_of({"id": "x", "secret": "s"}, {"id": "y", "secret": None}, rows_before=before)
    assert verdict(tiny, session, write, {"id": "y", "secret": None}, sees_all=False) == UNKNOWN


@pytest.mark.parametrize(
    ("before", "sent", "expected"),
    [
        ({"label": "a"}, {"label": "b", "secret": "s"}, APPLIED),
        ({"label": "b"}, {"label": "b", "secret": "s"}, UNKNOWN),
        ({}, {"label": "b", "secret": "s"}, UNKNOWN),
        ({}, {"label": "b", "secret": None}, APPLIED),
        ({"label": "b", "count": 1}, {"label": "b", "count": 2, "secret": "s"}, APPLIED),
    ],
    ids=str,
)
def test_a_masked_field_was_written_with_another_that_changed(
    before: dict[str, Any], sent: dict[str, Any], expected: str, tiny: TinyServer, session: Session
) -> None:
    stored = {**sent, "secret": sent["secret"] and "**********"}
    write = write_of({"id": "x", **sent}, rows_before={"x": before})
    assert verdict(tiny, session, write, {"id": "x", **stored}) == expected


@pytest.mark.parametrize(
    ("sent", "new", "stored", "expected"),
    [
        ([{"id": "x", "label": "a"}], [], [], REPEATED),
        ([{"id": "x", "label": "a"}], [], [{"id": "x", "label": "a"}], APPLIED),
        ([{"id": "x", "label": "a"}], [], [{"id": "x", "label": "b"}], UNKNOWN),
        ([{"id": "x", "label": "a"}], ["x"], [{"id": "x", "label": "b"}], APPLIED),
        ([{"id": "x"}, {"id": "y"}], [], [{"id": "x"}], UNKNOWN),
        ([{"id": "x"}, {"id": "y"}], ["x", "y"], [{"id": "x"}], APPLIED),
        ([{"id": "x"}, {"id": "y"}], ["y"], [{"id": "x"}], UNKNOWN),
        ([{"id": "x"}, {"id": "y"}], ["y"], [{"id": "x"}, {"id": "y"}], APPLIED),
        ([{"id": "x", "secret": "s"}], [], [{"id": "x", "secret": "**********"}], UNKNOWN),
        ([{"id": "x", "secret": None}], [], [{"id": "x", "secret": None}], APPLIED),
        ([{"id": "x", "weight": "1.504"}], [], [{"id": "x", "weight": "1.50"}], UNKNOWN),
        ([{"id": "x", "parent": {"label": "new"}}], [], [{"id": "x", "parent": "p"}], APPLIED),
        ([{"id": "x", "parent": {"id": "p"}}], [], [{"id": "x", "parent": "q"}], UNKNOWN),
    ],
    ids=str,
)
def test_rows_that_were_to_be_created(
    sent: list[dict[str, Any]],
    new: list[str],
    stored: list[dict[str, Any]],
    expected: str,
    tiny: TinyServer,
    session: Session,
) -> None:
    """``new`` are keys that were made for this write, so that nobody else has them: one tells of all rows."""
    assert verdict(tiny, session, write_of(*sent, creates=True, new_keys=new), *stored) == expected


def test_the_response_that_was_lost_is_made_of_the_rows(tiny: TinyServer, session: Session) -> None:
    write = write_of({"id": "x", "count": 5}, {"id": "y", "count": 5})
    stored = [{"id": "x", "count": 5}, {"id": "y", "count": 5}]
    tiny.answers(LOST, rows(*stored))
    response = send(session, write)
    assert (response.status, response.data, response.request) == (200, stored, write.request)
    write = write_of({"id": "x", "count": 5}, single=True)
    tiny.answers(LOST, rows(stored[0]))
    response = send(session, write)
    assert (response.status, response.data, response.request) == (200, stored[0], write.request)
    tiny.answers(LOST, rows(), SEES_ALL)
    response = send(session, write)
    assert (response.status, response.data, response.request) == (204, None, write.request)


def test_a_singleton_is_looked_up_without_a_key(tiny: TinyServer, session: Session) -> None:
    info = Knob.directus
    write = RecoverableWrite(
        Request("PATCH", "/items/knob", json={"angle": 5}),
        info,
        [{"angle": 5}],
        Query(Knob, paths=info.paths),
        rows_before={None: {"angle": 4}},
        single=True,
    )
    tiny.answers(
        LOST, Scripted(body={"data": {"id": 1, "angle": 4}}), Scripted(body={"data": {"id": 1, "angle": 5}})
    )
    assert send(session, write).data == {"id": 1, "angle": 5}
    assert tiny.methods == ["PATCH", "SEARCH", "PATCH"]


def test_rows_without_keys_are_not_looked_up(tiny: TinyServer, session: Session) -> None:
    """Nor is anything, where a session repeats nothing."""
    tiny.answers(LOST)
    for write in (write_of({"label": "a"}, creates=True), write_of({"id": "x"}, {"id": None}, creates=True)):
        with pytest.raises(OutcomeUnknown):
            send(session, write)
    assert tiny.methods == ["POST", "POST"]


@pytest.mark.parametrize(
    "data",
    ["done", [1], [{"label": "without its key"}], {"id": "x"}, [{"id": "x"}, None], True],
    ids=str,
)
def test_a_response_with_something_else_than_rows_is_looked_up(
    data: Any, tiny: TinyServer, session: Session
) -> None:
    tiny.answers(Scripted(body={"data": data}), rows({"id": "x", "count": 5}))
    assert send(session, write_of({"id": "x", "count": 5})).data == [{"id": "x", "count": 5}]
    assert tiny.methods == ["PATCH", "SEARCH"]
    tiny.answers(Scripted(body={"data": data}))
    text = "PATCH /items/boxes .status 200. .*It is not known whether"
    with pytest.raises(OutcomeUnknown, match=text) as caught:
        send(session, write_of({"label": "without a key"}))
    assert (caught.value.status, caught.value.request) == (200, write_of({"label": "without a key"}).request)


def write_of_jars(*sent: dict[str, Any]) -> RecoverableWrite:
    request = Request("PATCH", "/items/jars", json=list(sent))
    return RecoverableWrite(request, Jar.directus, sent, Query(Jar, paths=Jar.directus.paths))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([{"id": 1}, {"id": 1}], "twice the same key, or the key of another row"),
        ([{"id": 1}, {"id": 3}], "twice the same key, or the key of another row"),
        ([{"id": 1}, {"id": "odd"}], "does not fit int"),
    ],
    ids=str,
)
def test_a_response_with_other_rows_than_were_written_is_looked_up(
    found: list[dict[str, Any]], reason: str, tiny: TinyServer, session: Session
) -> None:
    stored = [{"id": 1, "label": "a"}, {"id": 2, "label": "a"}]
    tiny.answers(Scripted(body={"data": found}), rows(*stored))
    assert send(session, write_of_jars(*stored)).data == stored
    assert tiny.methods == ["PATCH", "SEARCH"]
    tiny.answers(Scripted(body={"data": found}), LOST)
    with pytest.raises(OutcomeUnknown, match=f"shows other rows than were written: .*{reason}"):
        send(session, write_of_jars(*stored))


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}]),
        ([{"id": 1}, {"id": 2}], [{"id": 2}]),
        ([{"id": 1}, {"id": 2}], [{"id": None}, {"id": None}]),  # the key is hidden from this user
        ([{"id": 1}, {"label": "a"}], [{"id": 1}, {"id": 7}]),  # the server makes the key
    ],
    ids=str,
)
def test_a_response_with_rows_that_were_written_is_one(
    sent: list[dict[str, Any]], found: list[dict[str, Any]], tiny: TinyServer, session: Session
) -> None:
    tiny.answers(rows(*found))
    assert send(session, write_of_jars(*sent)).data == found
    assert tiny.methods == ["PATCH"]


def test_a_text_key_may_come_back_spelled_otherwise(tiny: TinyServer, session: Session) -> None:
    """The database decides which texts are the same, and may drop blanks at the end."""
    tiny.answers(rows({"id": "X"}))
    assert send(session, write_of({"id": "x "})).data == [{"id": "X"}]
    assert tiny.methods == ["PATCH"]


def test_a_response_without_rows_is_one(tiny: TinyServer, session: Session) -> None:
    """Of a user who may write and not read."""
    tiny.answers(Scripted(204, ""), rows())
    assert send(session, write_of({"id": "x"})).data is None
    assert send(session, write_of({"id": "x"})).data == []
    assert tiny.methods == ["PATCH", "PATCH"]


def test_rows_that_cannot_be_read_back_leave_the_outcome_unknown(tiny: TinyServer, session: Session) -> None:
    tiny.answers(LOST, Scripted(403, {"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}))
    with pytest.raises(OutcomeUnknown, match="status 504") as caught:
        send(session, write_of({"id": "x", "count": 5}))
    assert "no (FORBIDDEN" in str(caught.value.__cause__)
    assert tiny.methods == ["PATCH", "SEARCH"]


def test_an_answer_that_no_time_mends_is_not_looked_up(tiny: TinyServer, session: Session) -> None:
    """The address is not that of a Directus."""
    tiny.answers(Scripted(200, "<html>"))
    with pytest.raises(OutcomeUnknown):
        send(session, write_of({"id": "x", "count": 5}))
    assert tiny.methods == ["PATCH"]


def test_the_tries_of_a_write_end(tiny: TinyServer, session: Session) -> None:
    before = {"x": {"count": 4}}
    unchanged = rows({"id": "x", "count": 4})
    lost_again = Scripted(502, "<html>")
    tiny.answers(LOST, unchanged, lost_again, unchanged, lost_again, unchanged, rows())
    with pytest.raises(OutcomeUnknown) as caught:
        send(session, write_of({"id": "x", "count": 5}, rows_before=before))
    assert tiny.methods == ["PATCH", "SEARCH"] * 3
    assert caught.value.status == 504, "the first error that left it open"


def test_looking_rows_up_ends_with_the_total_time_of_the_write(
    tiny: TinyServer, open_session: Callable[..., Session]
) -> None:
    policy = Retry(100, total=0.5, first_pause=0.2, longest_pause=0.2, jitter=0)
    tiny.answers(LOST, Scripted(502, "<html>"))
    with pytest.raises(OutcomeUnknown):
        send(open_session(tiny.url, token="t", retry=policy), write_of({"id": "x", "count": 5}))
    assert tiny.methods.count("SEARCH") <= 2


def test_a_write_is_checked_before_it_is_sent_again(tiny: TinyServer, session: Session) -> None:
    def refuse() -> None:
        raise LookupError

    write = write_of({"id": "x", "count": 5}, rows_before={"x": {"count": 4}}, recheck=refuse)
    tiny.answers(LOST, rows({"id": "x", "count": 5}))
    send(session, write)
    tiny.answers(LOST, rows({"id": "x", "count": 4}))
    with pytest.raises(LookupError):
        send(session, write)
    assert tiny.methods == ["PATCH", "SEARCH"] * 2


def taken(name: str | None) -> Scripted:
    extensions = {"code": "RECORD_NOT_UNIQUE", **({} if name is None else {"field": name})}
    return Scripted(400, {"errors": [{"message": "taken", "extensions": extensions}]})


class TestRefusalsOfASecondTry:
    def test_the_first_try_may_have_taken_the_key(self, tiny: TinyServer, session: Session) -> None:
        write = write_of({"id": "x", "label": "a"}, creates=True)
        tiny.answers(LOST, rows(), taken("id"), rows({"id": "x", "label": "a"}))
        assert send(session, write).data == [{"id": "x", "label": "a"}]
        for name in ("id", None):
            tiny.answers(LOST, rows(), taken(name), rows())
            with pytest.raises(OutcomeUnknown) as caught:
                send(session, write)
            assert isinstance(caught.value.__cause__, RecordNotUnique)

    def test_a_key_that_was_made_here_is_taken_by_the_first_try(self, tiny: TinyServer, session: Session) -> None:
        """Whose row is hidden from this user."""
        write = write_of({"id": "x"}, creates=True, new_keys=["x"])
        tiny.answers(LOST, rows(), taken("id"), rows())
        assert send(session, write).data == []
        tiny.answers(LOST, rows(), taken("label"), rows())
        with pytest.raises(RecordNotUnique):
            send(session, write)
        tiny.answers(LOST, rows(), taken("id"), rows())
        with pytest.raises(OutcomeUnknown):
            send(session, write_of({"id": "x"}, {"id": "y"}, creates=True, new_keys=["x"]))

    def test_another_row_took_a_value(self, tiny: TinyServer, session: Session) -> None:
        tiny.answers(LOST, rows(), taken("label"), rows())
        with pytest.raises(RecordNotUnique):
            send(session, write_of({"id": "x", "label": "a"}, creates=True))
        assert tiny.methods == ["POST", "SEARCH", "POST", "SEARCH"]
        tiny.seen.clear()
        tiny.answers(LOST, rows({"id": "x", "label": "a"}), taken("label"))
        with pytest.raises(RecordNotUnique):
            send(session, write_of({"id": "x", "label": "b"}, rows_before={"x": {"label": "a"}}))
        assert tiny.methods == ["PATCH", "SEARCH", "PATCH"]

    def test_a_first_try_that_is_refused_is_refused(self, tiny: TinyServer, session: Session) -> None:
        tiny.answers(taken("id"))
        with pytest.raises(RecordNotUnique):
            send(session, write_of({"id": "x"}, creates=True))
        assert tiny.methods == ["POST"]

    def test_a_busy_server_has_not_written(self, tiny: TinyServer, session: Session) -> None:
        """Its refusal is raised as it is, since no response was lost."""
        tiny.answers(Scripted(429, {"errors": [{"message": "no", "extensions": {"code": "REQUESTS_EXCEEDED"}}]}))
        with pytest.raises(RateLimited):
            send(session, write_of({"id": "x"}))
        assert set(tiny.methods) == {"PATCH"}

    def test_only_an_answer_of_the_server_settles_it(self, tiny: TinyServer, session: Session) -> None:
        write = write_of({"id": "x", "label": "b"}, rows_before={"x": {"label": "a"}})
        unchanged = rows({"id": "x", "label": "a"})
        tiny.answers(LOST, unchanged, Scripted(404, "<html>"))
        with pytest.raises(OutcomeUnknown) as caught:
            send(session, write)
        assert isinstance(caught.value.__cause__, TransportError)
        tiny.answers(LOST, unchanged, taken("label"))
        with pytest.raises(RecordNotUnique):
            send(session, write)
