"""What a model says of its columns, shown with a server whose schema says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import pytest

from directus_orm import (
    ConfigurationError,
    ConversionError,
    Model,
    QueryError,
    Related,
    Session,
    UnsupportedQuery,
    field,
    generated,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, list_field, make_collection, make_field, post

LONG = "eleven char"
MASK = "*" * 10


class OptionShelf(Model, meta={"icon": "shelves"}):
    id: int = field(default=generated, primary_key=True)
    name: str | None = field(default=None, max_length=10)
    volumes: Related[OptionVolume] = one_to_many("shelf", sort="position", deselect="nullify")


class OptionVolume(Model, ordering=("-title",)):
    id: int = field(default=generated, primary_key=True)
    title: str = field(max_length=10)
    state: str = field(default=generated, server_default="draft")
    kind: Literal["book", "map"] | None = None
    topic: Literal["art", "war"] | str | None = None
    shelf: OptionShelf | None = field(default=None, on_delete="SET NULL")
    former: OptionShelf | None = field(default=None, foreign_key=False)
    position: int | None = None
    code: str | None = field(default=None, secret="conceal")
    raw: Any = field(default=generated, type="unknown")
    created: datetime | None = field(default=generated.date_created)
    by: UUID | None = field(default=generated.user_created)
    labels: Related[OptionLabel] = many_to_many("OptionVolumeLabel", sort="sort")


class OptionLabel(Model):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


class OptionVolumeLabel(Model, collection="option_links"):
    id: int = field(default=generated, primary_key=True)
    volume: OptionVolume | None = None
    label: OptionLabel | None = None
    sort: int | None = None
    remark: str | None = field(default=None, max_length=10)


COLLECTIONS = ("option_links", "option_volumes", "option_shelves", "option_labels")


def relation(server: DirectusServer, collection: str, name: str, related: str, **body: Any) -> None:
    make_field(server, collection, column(name, "integer", special=["m2o"]))
    post(server, "/relations", {"collection": collection, "field": name, "related_collection": related, **body})


@pytest.fixture(scope="module")
def options_server(world: DirectusServer) -> Iterator[DirectusServer]:
    for name in COLLECTIONS:
        drop_collection(world, name)
    make_collection(world, "option_shelves", column("name", "string"), list_field("volumes", "o2m"))
    make_collection(
        world,
        "option_volumes",
        column("title", "string", max_length=10),
        column("state", "string", default_value="draft"),
        column("kind", "string"),
        column("topic", "string"),
        column("position", "integer"),
        column("code", "string", special=["conceal"]),
        column("raw", "binary"),
        column("created", "timestamp", special=["date-created", "cast-timestamp"]),
        column("by", "uuid", special=["user-created"]),
        list_field("labels", "m2m"),
    )
    make_collection(world, "option_labels", column("name", "string"))
    links = [column(name, kind) for name, kind in (("sort", "integer"), ("remark", "string"))]
    make_collection(world, "option_links", *links)
    meta = {"one_field": "volumes", "sort_field": "position"}
    relation(world, "option_volumes", "shelf", "option_shelves", meta=meta, schema={"on_delete": "SET NULL"})
    relation(world, "option_volumes", "former", "option_shelves", schema=None)
    of_volume = {"one_field": "labels", "sort_field": "sort", "junction_field": "label"}
    relation(world, "option_links", "volume", "option_volumes", meta=of_volume, schema={"on_delete": "CASCADE"})
    relation(world, "option_links", "label", "option_labels", meta={"junction_field": "volume"})
    yield world
    for name in COLLECTIONS:
        drop_collection(world, name)


@pytest.fixture
def shelves(options_server: DirectusServer, session: Session) -> Iterator[Session]:
    yield session
    for model in (OptionVolumeLabel, OptionVolume, OptionShelf, OptionLabel):
        model.objects.all().delete()


# --- checks before sending ---------------------------------------------------------------------------------------


def nested(**values: Any) -> None:
    shelf = OptionShelf(name="new")
    shelf.volumes.add(OptionVolume(**values))
    shelf.save()


def changed(volume: OptionVolume, **values: Any) -> OptionVolume:
    for name, value in values.items():
        setattr(volume, name, value)
    return volume


Write = Callable[[OptionVolume, dict[str, Any]], object]

WRITES: dict[str, Write] = {
    "create": lambda _, values: OptionVolume.objects.create(**values),
    "save a new one": lambda _, values: OptionVolume(**values).save(),
    "save a change": lambda volume, values: changed(volume, **values).save(),
    "bulk_create": lambda _, values: OptionVolume.objects.bulk_create([OptionVolume(**values)]),
    "bulk_update": lambda volume, values: OptionVolume.objects.bulk_update([changed(volume, **values)], [*values]),
    "upsert": lambda volume, values: OptionVolume.objects.upsert([changed(volume, **values)]),
    "update": lambda volume, values: OptionVolume.objects.filter(pk=volume.pk).update(**values),
    "below a new row": lambda _, values: nested(**values),
    "into a list": lambda volume, values: OptionShelf.objects.create().volumes.create(**values),
}


@pytest.mark.parametrize("wrong", [{"title": LONG}, {"title": "a", "kind": "cd"}], ids=["max_length", "choice"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_what_the_column_or_its_choices_do_not_take_is_refused_before_it_is_sent(
    shelves: Session, write: Write, wrong: dict[str, Any]
) -> None:
    volume = OptionVolume.objects.create(title="old")
    with shelves.capture() as sent, pytest.raises(ConversionError, match=r"max_length=10|is none of"):
        write(volume, wrong)
    assert not [entry for entry in sent if "volumes" in entry.request.path]
    assert OptionVolume.objects.get().title == "old"


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_text_of_the_full_length_is_written(shelves: Session, write: Write) -> None:
    volume = OptionVolume.objects.create(title="old")
    write(volume, {"title": LONG[:10]})
    assert OptionVolume.objects.filter(title=LONG[:10]).count() == 1


def test_the_error_names_model_key_field_and_length(shelves: Session) -> None:
    volume = OptionVolume.objects.create(title="old")
    volume.title = LONG
    expected = (
        rf"OptionVolume\.title \(key {volume.pk}\): '{LONG}' does not fit str: it has 11 characters, and max"
    )
    with pytest.raises(ConversionError, match=expected):
        volume.save()


def test_a_longer_text_is_looked_for_and_found_nowhere(shelves: Session) -> None:
    OptionVolume.objects.create(title="old")
    assert not OptionVolume.objects.filter(title=LONG).exists()
    assert OptionVolume.objects.exclude(title=LONG).count() == 1


def test_fields_of_a_junction_are_checked_as_well(shelves: Session) -> None:
    volume, label = OptionVolume.objects.create(title="a"), OptionLabel.objects.create(name="b")
    with shelves.capture() as sent, pytest.raises(ConversionError, match=r"OptionVolumeLabel\.remark.*max_length"):
        volume.labels.add(label, through_defaults={"remark": LONG})
    assert not sent


def test_an_open_choice_is_any_text_and_filters_as_one(shelves: Session) -> None:
    for topic in ("art", "gardening"):
        OptionVolume.objects.create(title="a", topic=topic)
    assert [volume.topic for volume in OptionVolume.objects.order_by("topic")] == ["art", "gardening"]
    assert OptionVolume.objects.filter(topic__icontains="ARDEN").count() == 1
    with pytest.raises(ConversionError, match=r"OptionVolume\.topic"):
        OptionVolume.objects.create(title="a", topic=5)


# --- what the server makes or hides ------------------------------------------------------------------------------


def test_the_server_makes_what_was_left_alone(shelves: Session) -> None:
    volume = OptionVolume.objects.create(title="a")
    assert volume.state == "draft"
    assert isinstance(volume.created, datetime)
    assert isinstance(volume.by, UUID)
    assert OptionVolume.objects.create(title="b", state="final").state == "final"


@pytest.mark.parametrize("name", ["created", "by"])
def test_a_stamp_that_was_changed_is_refused(shelves: Session, name: str) -> None:
    volume = OptionVolume.objects.create(title="a")
    setattr(volume, name, None)
    with pytest.raises(ConversionError, match=rf"OptionVolume\.{name} is readonly"):
        volume.save()


def test_a_secret_is_written_but_never_shown(shelves: Session) -> None:
    volume = OptionVolume.objects.create(title="a", code="open sesame")
    assert "sesame" not in repr(OptionVolume(title="a", code="open sesame"))
    loaded = OptionVolume.objects.get(pk=volume.pk)
    assert loaded.code == MASK
    loaded.title = "b"
    with shelves.capture() as sent:
        loaded.save()
    assert sent[0].request.json == {"title": "b"}
    with pytest.raises(QueryError, match="code"):
        OptionVolume.objects.filter(code="open sesame")
    assert OptionVolume.objects.filter(code__empty=False).count() == 1


def test_a_column_of_unknown_type_comes_as_it_is_and_is_never_sent(shelves: Session) -> None:
    volume = OptionVolume.objects.create(title="a")
    shelves.items("option_volumes").update(volume.pk, {"raw": "abc"})
    plain = shelves.items("option_volumes").read_one(volume.pk, fields="raw")["raw"]
    loaded = OptionVolume.objects.get(raw__isnull=False)
    assert loaded.raw == plain
    assert OptionVolume.objects.values_list("raw", flat=True).get() == plain
    for wrong in ({"raw": "abc"}, {"raw__contains": "a"}, {"raw__in": ["abc"]}):
        with pytest.raises((QueryError, UnsupportedQuery)):
            OptionVolume.objects.filter(**wrong)
    with pytest.raises((QueryError, UnsupportedQuery)):
        OptionVolume.objects.order_by("raw")
    loaded.raw = "changed"
    with pytest.raises(ConversionError, match=r"OptionVolume\.raw is readonly"):
        loaded.save()


# --- relations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(shelves: Session) -> OptionShelf:
    """A shelf whose order by position is neither that of the keys nor that of the titles."""
    shelf = OptionShelf.objects.create(name="one")
    for title, position in (("b", 3), ("c", 1), ("a", 2), ("d", 2)):
        OptionVolume.objects.create(title=title, position=position, shelf=shelf)
    return shelf


ORDERS: dict[str, Callable[[OptionShelf], list[OptionVolume]]] = {
    "loaded for a page": lambda _: list(next(iter(OptionShelf.objects.all())).volumes),
    "prefetched": lambda _: list(OptionShelf.objects.prefetch_related("volumes").get().volumes),
    "filtered": lambda shelf: list(shelf.volumes.filter(title__isnull=False)),
    "sliced": lambda shelf: list(shelf.volumes[:4]),
    "read by first and last": lambda shelf: [
        v for v in (shelf.volumes.filter().first(), shelf.volumes.last()) if v
    ],
}


@pytest.mark.parametrize("read", ORDERS.values(), ids=ORDERS.keys())
def test_a_one_to_many_with_a_sort_field_is_read_in_its_order(filled: OptionShelf, read: Any) -> None:
    """Rows with the same position follow the ordering of their model."""
    titles = [volume.title for volume in read(filled)]
    assert titles in (["c", "d", "a", "b"], ["c", "b"])


def test_another_order_may_be_asked_for(filled: OptionShelf) -> None:
    assert [volume.title for volume in filled.volumes.order_by("title")] == ["a", "b", "c", "d"]


def test_a_junction_is_named_by_a_class_that_is_defined_later(shelves: Session) -> None:
    volume = OptionVolume.objects.create(title="a")
    first, second = (OptionLabel.objects.create(name=name) for name in ("x", "y"))
    volume.labels.set([second, first], through_defaults={"remark": "here"})
    rows = list(volume.labels.through)
    assert [type(row) for row in rows] == [OptionVolumeLabel] * 2
    assert [(row.label, row.remark) for row in rows] == [(second, "here"), (first, "here")]
    assert [label.name for label in OptionVolume.objects.get(pk=volume.pk).labels] == ["y", "x"]
    assert OptionVolume.directus.relations["labels"].guessed_names == {}


def test_a_relation_without_a_foreign_key_is_read_and_filtered_as_any_other(filled: OptionShelf) -> None:
    OptionVolume.objects.filter(title="a").update(former=filled)
    volume = OptionVolume.objects.select_related("former").get(former__name="one")
    assert volume.former == filled


# --- names -------------------------------------------------------------------------------------------------------


def test_a_field_called_self_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match=r"Mirror\.self: this name is reserved.*field\(name='self'\)"):

        class Mirror(Model):
            id: int = field(default=generated, primary_key=True)
            self: str | None = None
