"""`Session.reflect` makes models from the schema of the server."""

from __future__ import annotations

import asyncio
import copy
import pickle
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from directus_orm import DoesNotExist, Session
from directus_orm.fields.registry import all_models
from directus_orm.system import File, User
from directus_orm.testing import DirectusServer
from tests.worlds import all_kinds


def _second(session: Session, *, relations: bool = False) -> Any:
    model: Any = session.reflect("kinds", relations=relations)
    return model.objects.get(title="second")


def test_every_type_is_read_as_its_value_in_python(kinds_session: Session) -> None:
    row = _second(kinds_session)
    assert (row.title, row.code, row.body, row.done) == ("second", "abc", "text", True)
    assert (row.number, row.large, row.ratio, row.quoted) == (7, 2**40, 0.5, "it's")
    assert row.price == Decimal("12.5")
    assert row.seen == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert row.local == datetime(2024, 2, 29, 12)
    assert (row.day, row.at) == (date(2024, 2, 29), time(12, 30))
    assert (row.anything, row.words, row.entries, row.names) == (
        {"a": [1, None]},
        ["a", "b"],
        [{"a": 1}],
        ["x", "y"],
    )
    assert row.plain_uuid == UUID("abcdef00-0000-4000-8000-00000000000f")
    assert isinstance(row.made_uuid, UUID)
    assert isinstance(row.date_created, datetime)
    assert isinstance(row.author, UUID)
    assert row.by_hand == "new"
    assert (row.status, row.inside) == ("draft", "in")


def test_every_relation_leads_to_the_other_rows(kinds_session: Session) -> None:
    row = _second(kinds_session, relations=True)
    assert row.author.name == row.second_author.name == "Ada"
    assert row.parent.title == "first"
    assert [child.title for child in row.parent.children] == ["second"]
    assert type(row).directus.relations["children"].sort_field is type(row).directus.fields["sort"]
    assert [other.title for other in row.related] == ["first"]
    assert [tag.slug for tag in row.tags] == ["old", "new"]
    assert [type(block).__name__ for block in row.blocks] == ["KindsText", "KindsHero"]
    assert [each.languages_code.name for each in row.translations] == ["English"]
    assert list(row.files) == []
    assert row.image is None
    assert [each.pk for each in row.author.kinds] == [row.pk]
    assert isinstance(row.user_created, User)


def test_paths_of_lookups_go_along_relations(kinds_session: Session) -> None:
    kinds: Any = kinds_session.reflect("kinds", relations=True)
    assert kinds.objects.filter(author__name="Ada", tags__name="New").count() == 1
    assert kinds.objects.filter(blocks__kinds_hero__headline="Welcome").exists()


@pytest.mark.parametrize("relations", [False, True])
def test_every_collection_is_read(kinds_session: Session, relations: bool) -> None:
    for name in (*all_kinds.MANAGED, all_kinds.UNMANAGED):
        model: Any = kinds_session.reflect(name, relations=relations)
        if name == "kinds_settings":
            assert model.objects.get().title is None
        else:
            assert len(model.objects.all()) == model.objects.count()


def test_a_model_has_keys_of_every_type(kinds_session: Session) -> None:
    for name, kind in (("kinds", int), ("kinds_texts", UUID), ("kinds_tags", str)):
        model: Any = kinds_session.reflect(name)
        first = model.objects.first()
        assert isinstance(first.pk, kind)
        assert model.objects.get(pk=first.pk) == first


def test_a_row_is_written_and_the_server_fills_in_its_defaults(kinds_session: Session) -> None:
    kinds: Any = kinds_session.reflect("kinds", relations=True)
    row = kinds(title="mine", parent=kinds.objects.get(title="first"))
    row.save()
    try:
        assert (row.number, row.status, row.done) == (7, "draft", False)
        row.tags.add(kinds_session.reflect("kinds_tags", relations=True).objects.ref("new"))
        assert [tag.name for tag in kinds.objects.get(pk=row.pk).tags] == ["New"]
    finally:
        row.delete()


def test_names_that_python_cannot_have_are_changed(kinds_session: Session) -> None:
    model: Any = kinds_session.reflect("kinds-odd_names")
    row = model.objects.first()
    assert (row.class_, row.pk_, row.a_b, row.n1st, row.with_dash) == ("c", "p", "a", "f", "w")


def test_the_same_model_comes_again_and_asks_nothing(kinds_session: Session) -> None:
    model = kinds_session.reflect("kinds")
    with kinds_session.capture() as sent:
        assert kinds_session.reflect("kinds") is model
        related: Any = kinds_session.reflect("kinds", relations=True)
        assert kinds_session.reflect("kinds", relations=True) is related
        tags: Any = kinds_session.reflect("kinds_tags", relations=True)
        assert related.directus.relations["tags"].target is tags
    assert list(sent) == []
    assert related is not model


def test_the_first_call_sends_three_requests(kinds_server: DirectusServer) -> None:
    with Session(kinds_server.url, token=kinds_server.token) as session:
        with session.capture() as sent:
            session.reflect("kinds")
        assert sorted(entry.request.path for entry in sent) == ["/collections", "/fields", "/relations"]


def test_a_fresh_model_knows_a_field_that_was_added(kinds_session: Session) -> None:
    before = kinds_session.reflect("kinds_heroes")
    kinds_session.schema.create_field("kinds_heroes", "added", "string")
    try:
        assert "added" not in kinds_session.reflect("kinds_heroes").directus.fields
        after = kinds_session.reflect("kinds_heroes", fresh=True)
        assert "added" in after.directus.fields
        assert kinds_session.reflect("kinds_heroes") is after is not before
    finally:
        kinds_session.schema.delete_field("kinds_heroes", "added")
        kinds_session.reflect("kinds_heroes", fresh=True)


def test_collections_of_directus_have_its_models_with_the_fields_that_were_added(kinds_session: Session) -> None:
    user: Any = kinds_session.reflect("directus_users", relations=True)
    assert issubclass(user, User)
    assert user.objects.filter(kinds_badge__isnull=True).exists()
    assert list(user.objects.first().kinds_written) == []
    assert kinds_session.reflect("directus_files") is File


def test_a_collection_that_is_not_there_is_named_with_the_nearest(kinds_session: Session) -> None:
    with pytest.raises(DoesNotExist, match=r"'kind' to reflect.*Did you mean 'kinds'"):
        kinds_session.reflect("kind")


def test_instances_are_copied_and_not_pickled(kinds_session: Session) -> None:
    row = _second(kinds_session)
    assert copy.copy(row) == row
    with pytest.raises(pickle.PicklingError, match="reflected_"):
        pickle.dumps(row)


def test_annotations_of_the_application_never_mean_a_reflected_model(kinds_session: Session) -> None:
    model = kinds_session.reflect("kinds", relations=True)
    assert model not in all_models()
    assert kinds_session.reflect("directus_users", relations=True) not in all_models()


async def _areflected(session: Session) -> Any:
    return await session.areflect("kinds")


def test_the_async_twin_returns_the_same_model(kinds_session: Session) -> None:
    assert asyncio.run(_areflected(kinds_session)) is kinds_session.reflect("kinds")
