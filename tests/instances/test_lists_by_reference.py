"""Lists that the server does not have as a field hold the rows that refer back, found by a filter."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from typing import Any

import pytest

from directus_orm import (
    Count,
    Forbidden,
    Model,
    Q,
    QueryError,
    Related,
    Session,
    UnsupportedQuery,
    field,
    generated,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, make_relation, user


class Box(Model, collection="ref_boxes"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    inside: Box | None = None
    boxes: Related[Box] = one_to_many("inside", listed=False)
    things: Related[Thing] = one_to_many("box", listed=False)


class Thing(Model, collection="ref_things"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    weight: int | None = None
    box: Box | None = None
    marks: Related[Mark] = one_to_many("thing", listed=False)


class Mark(Model, collection="ref_marks"):
    """The server has the list of its thing, under the name ``marks``."""

    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    thing: Thing | None = None


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    name = "directus_server" if request.param == "sqlite" else "directus_postgres"
    made: DirectusServer = request.getfixturevalue(name)
    for collection in ("ref_boxes", "ref_things", "ref_marks"):
        make_collection(made, collection, column("name", "string"), column("weight", "integer"))
    make_relation(made, "ref_boxes", "inside", "ref_boxes")
    make_relation(made, "ref_things", "box", "ref_boxes")
    make_relation(made, "ref_marks", "thing", "ref_things", reverse="marks")
    yield made
    for collection in ("ref_marks", "ref_things", "ref_boxes"):
        drop_collection(made, collection)


@pytest.fixture(scope="module")
def rows(server: DirectusServer) -> Iterator[tuple[list[Box], list[Thing], list[Mark]]]:
    """Random boxes within boxes, with things in them, which have marks; some are in none, or have none."""
    chance = random.Random(15)
    with Session(server.url, token=server.token, timeout=60):
        boxes: list[Box] = []
        for _ in range(14):
            inside = chance.choice([None, *boxes]) if boxes else None
            boxes.append(Box.objects.create(name=chance.choice(["a", "b", None]), inside=inside))
        things = Thing.objects.bulk_create(
            Thing(name=chance.choice("abc"), weight=chance.randrange(4), box=chance.choice([None, *boxes[:9]]))
            for _ in range(30)
        )
        marks = Mark.objects.bulk_create(
            Mark(name=chance.choice("ab"), thing=chance.choice([None, *things[:20]])) for _ in range(30)
        )
        yield boxes, things, marks
        Mark.objects.all().delete()
        Thing.objects.all().delete()
        Box.objects.all().update(inside=None)
        Box.objects.all().delete()


@pytest.fixture
def session(server: DirectusServer, rows: Any) -> Iterator[Session]:
    with Session(server.url, token=server.token, timeout=60) as session:
        yield session


def keys(rows: Any) -> list[Any]:
    return sorted(row.pk for row in rows)


def test_a_list_loads_for_the_whole_page_by_one_request(
    session: Session, rows: tuple[list[Box], list[Thing], list[Mark]]
) -> None:
    boxes, things, marks = rows
    with session.capture() as sent:
        found = {box.pk: keys(box.things) for box in Box.objects.all()}
    assert [each.request.path for each in sent] == ["/items/ref_boxes", "/items/ref_things"]
    assert found == {box.pk: keys(thing for thing in things if thing.box == box) for box in boxes}
    with session.capture() as sent:
        nested = {
            box.pk: {thing.pk: keys(thing.marks) for thing in box.things}
            for box in Box.objects.all()
            if box.things
        }
    assert [each.request.path for each in sent] == ["/items/ref_boxes", "/items/ref_things", "/items/ref_marks"]
    assert nested == {
        box.pk: {thing.pk: keys(m for m in marks if m.thing == thing) for thing in things if thing.box == box}
        for box in boxes
        if any(thing.box == box for thing in things)
    }


def test_rows_of_a_list_know_the_row_that_they_refer_to(session: Session) -> None:
    with session.capture() as sent:
        for box in Box.objects.all():
            for thing in box.things:
                assert thing.box is box
                assert thing.box.name == box.name
    assert len(sent) == 2


def test_a_list_of_one_row_is_a_queryset(
    session: Session, rows: tuple[list[Box], list[Thing], list[Mark]]
) -> None:
    boxes, things, _ = rows
    box = max(boxes, key=lambda box: sum(thing.box == box for thing in things))
    inside = [thing for thing in things if thing.box == box]
    one = Box.objects.get(pk=box.pk)
    assert keys(one.things.filter(weight__gte=2)) == keys(t for t in inside if (t.weight or 0) >= 2)
    assert one.things.count() == len(inside)
    assert one.things.order_by("-weight", "id").first() == min(inside, key=lambda t: (-(t.weight or 0), t.pk))
    assert one.things.exists()
    assert inside[0] in one.things
    assert one.things.aggregate(n=Count("*")) == {"n": len(inside)}
    assert keys(Box.objects.ref(box.pk).things) == keys(inside)


def _boxes_where(boxes: list[Box], meets: Any) -> list[Any]:
    return keys(box for box in boxes if meets(box))


def test_conditions_on_lists_mean_what_they_mean_in_python(
    session: Session, rows: tuple[list[Box], list[Thing], list[Mark]]
) -> None:
    boxes, things, marks = rows

    def of(box: Box | None) -> list[Thing]:
        return [] if box is None else [thing for thing in things if thing.box == box]

    def marks_of(thing: Thing) -> list[Mark]:
        return [mark for mark in marks if mark.thing == thing]

    def inside(box: Box | None) -> list[Box]:
        return [] if box is None else [other for other in boxes if other.inside == box]

    def has(rows: list[Any], name: str) -> bool:
        return any(row.name == name for row in rows)

    cases: list[tuple[Any, Any]] = [
        (Q(things__name="a"), lambda box: has(of(box), "a")),
        (Q(things__name="a", things__weight=1), lambda box: any(t.name == "a" and t.weight == 1 for t in of(box))),
        (Q(things__some=Q(name="a", weight=2)), lambda box: any(t.name == "a" and t.weight == 2 for t in of(box))),
        (Q(things__none=Q(name="a")), lambda box: not has(of(box), "a")),
        (Q(things__isnull=True), lambda box: not of(box)),
        (Q(things__isnull=False), lambda box: bool(of(box))),
        (Q(things__name="a") | Q(name="b"), lambda box: has(of(box), "a") or box.name == "b"),
        (Q(things__name="a") & ~Q(name="b"), lambda box: has(of(box), "a") and box.name != "b"),
        (Q(things__marks__name="b"), lambda box: any(has(marks_of(thing), "b") for thing in of(box))),
        (Q(boxes__things__name="c"), lambda box: any(has(of(other), "c") for other in inside(box))),
        (Q(boxes__boxes__name="a"), lambda box: any(has(inside(other), "a") for other in inside(box))),
        (Q(inside__things__name="b"), lambda box: has(of(box.inside), "b")),
        (Q(inside__boxes__name="a"), lambda box: has(inside(box.inside), "a")),
        (Q(inside__inside__things__name="c"), lambda box: has(of(box.inside and box.inside.inside), "c")),
        (Q(things=things[3]), lambda box: things[3].box == box),
        (Q(things__in=things[:5]), lambda box: any(thing in things[:5] for thing in of(box))),
        (Q(things__name="nothing"), lambda box: False),
    ]
    for condition, meets in cases:
        wanted = _boxes_where(boxes, meets)
        others = _boxes_where(boxes, lambda box, meets=meets: not meets(box))
        assert keys(Box.objects.filter(condition)) == wanted, condition
        assert keys(Box.objects.exclude(condition)) == others, condition
        assert Box.objects.filter(condition).count() == len(wanted), condition
    twice = Box.objects.filter(things__name="a").filter(things__name="b")
    assert keys(twice) == _boxes_where(boxes, lambda box: {"a", "b"} <= {t.name for t in of(box)})
    through = Thing.objects.filter(box__boxes__name="a")
    assert keys(through) == keys(t for t in things if t.box and any(b.name == "a" for b in inside(t.box)))
    excluded = Thing.objects.exclude(box__boxes__name="a")
    assert keys(excluded) == sorted({*keys(things)} - {*keys(through)})


def test_a_list_that_the_server_has_works_without_it_as_well(
    session: Session, rows: tuple[list[Box], list[Thing], list[Mark]]
) -> None:
    _, things, marks = rows
    assert {thing.pk: keys(thing.marks) for thing in Thing.objects.all()} == {
        thing.pk: keys(mark for mark in marks if mark.thing == thing) for thing in things
    }


def test_what_a_list_cannot_do_is_refused_with_the_way_out(session: Session) -> None:
    box = Box.objects.order_by("id")[0]
    name = r"Box.things: the server has no list .* rows of Thing whose 'box' is this Box: query and write these"
    with session.capture() as sent:
        for attempt in (
            lambda: box.things.add(Thing(name="x")),
            lambda: box.things.remove(Thing.objects.ref(1)),
            lambda: box.things.set([]),
            lambda: box.things.clear(),
            lambda: box.things.create(name="x"),
            lambda: list(Box.objects.annotate(n=Count("things"))),
            lambda: list(Box.objects.filter(things__count=2)),
        ):
            with pytest.raises(UnsupportedQuery, match=name):
                attempt()
        with pytest.raises(UnsupportedQuery, match=r"no list for Box.things.* Leave it out: reading the list"):
            Box.objects.prefetch_related("things")
    assert not [each for each in sent if each.request.method != "GET"]


def test_an_unsaved_row_has_an_empty_list(session: Session) -> None:
    with session.capture() as sent:
        assert list(Box(name="new").things) == []
        with pytest.raises(UnsupportedQuery, match="no list"):
            Box(name="new").things.add(Thing(name="x"))
    assert not sent


def test_a_list_is_read_again_after_refresh(session: Session) -> None:
    box = Box.objects.create(name="refreshed")
    try:
        assert list(box.things) == []
        thing = Thing.objects.create(name="late", box=box)
        box.refresh()
        assert list(box.things) == [thing]
        thing.delete()
    finally:
        box.delete()


def test_a_loaded_list_is_pickled_and_shown(session: Session) -> None:
    box = next(box for box in Box.objects.all() if box.things)
    loaded = keys(box.things)
    copy = pickle.loads(pickle.dumps(box))
    with session.capture() as sent:
        assert keys(copy.things) == loaded
        assert keys(box.things) == loaded
        assert [each["id"] for each in box.to_dict(relations=("things",))["things"]] == [t.pk for t in box.things]
    assert not sent


def test_lazy_loading_that_is_forbidden_names_the_query(session: Session) -> None:
    box = Box.objects.order_by("id")[0]
    with session.forbid_lazy_loading(), pytest.raises(QueryError, match=r"Thing.objects.filter\(box__in=…\)"):
        list(box.things)


def test_explain_shows_the_request_for_the_rows_that_refer_back(session: Session) -> None:
    text = str(Box.objects.filter(things__name="a").explain())
    assert "GET /items/ref_things" in text
    assert "GET /items/ref_boxes" in text


def test_a_user_who_may_not_read_the_rows_is_refused(session: Session, server: DirectusServer) -> None:
    key = Box.objects.order_by("id")[0].pk
    with user(server, "box-reader", ref_boxes=["read"]) as token, Session(server.url, token=token):
        box = Box.objects.get(pk=key)
        with pytest.raises(Forbidden):
            list(box.things)
        with pytest.raises(Forbidden):
            list(Box.objects.filter(things__name="a"))
