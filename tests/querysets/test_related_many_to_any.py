"""Lists of a many-to-any: rows of several models are a list; of one of them, there is a queryset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from directus_orm import (
    Count,
    Model,
    Related,
    Session,
    UnsupportedQuery,
    many_to_any,
)
from tests.worlds.library import (
    Hero,
    Page,
    Tag,
    Text,
    blocks_of,
    keys,
)


class TestManyToAny:
    """Rows of several models are a list; of one of them, there is a queryset."""

    def test_a_list_holds_rows_of_several_models(self, library_session: Session) -> None:
        page = Page.objects.get(pk=1)
        hero, *texts = page.blocks
        with library_session.capture() as sent:
            assert (page.blocks.count(), len(page.blocks), page.blocks.exists()) == (3, 3, True)
            assert (page.blocks.first(), page.blocks.last()) == (hero, texts[-1])
            assert (page.blocks[1], list(page.blocks[1:])) == (texts[0], texts)
            assert list(page.blocks.all()) == list(page.blocks.iterator()) == [hero, *texts]
            assert hero in page.blocks
            assert page.blocks.contains(hero)
            assert not page.blocks.contains(Hero.objects.ref(2))
            assert Text.objects.ref(7) not in page.blocks
        assert not sent
        assert not Page.objects.get(pk=12).blocks

    def test_of_one_model(self, library_session: Session) -> None:
        page = Page.objects.get(pk=4)
        assert keys(page.blocks.of_model(Hero)) == [1, 3]
        assert page.blocks.of_model(Hero).filter(title="RED").count() == 1
        assert keys(page.blocks.of_model(Hero).order_by("-id")) == [3, 1]
        assert keys(page.blocks.of_model(Text)) == []
        assert Page.objects.get(pk=1).blocks.of_model(Text).values_list("content", flat=True)[0] == "red"
        with pytest.raises(UnsupportedQuery, match=r"Page\.blocks leads to Hero, Text, not to .*Tag"):
            page.blocks.of_model(Tag)

    def test_paths_name_the_model(self, library_session: Session) -> None:
        assert keys(Page.objects.filter(blocks__hero__title="RED")) == [1, 4, 8]
        assert keys(Page.objects.filter(blocks__hero=1, blocks__text__content="red")) in ([1, 8], [])

    @pytest.mark.parametrize(
        "use",
        [
            *(lambda rows: rows.get(), lambda rows: rows.get(id=1), lambda rows: rows.filter(id=1)),
            *(lambda rows: rows.only("title"), lambda rows: rows.defer("title"), lambda rows: rows.query),
            *(lambda rows: rows.values("title"), lambda rows: rows.update(title="x"), lambda rows: rows.delete()),
            *(lambda rows: rows.order_by("title"), lambda rows: rows.reverse(), lambda rows: rows.limit(1)),
            *(lambda rows: rows.select_related(), lambda rows: rows.aggregate(n=Count("*"))),
            *(lambda rows: rows.page(1, 2), lambda rows: rows.in_bulk([1]), lambda rows: rows | rows),
            *(lambda rows: rows.annotate(n=Count("*")), lambda rows: rows.distinct(), lambda rows: rows.none()),
            *(lambda rows: Hero.objects.filter(pk__in=rows), lambda rows: rows.latest("id")),
            lambda rows: rows.prefetch_related("x"),
            lambda rows: rows.exclude(title="x"),
            lambda rows: rows.using(rows._using),
            lambda rows: Hero.objects.union(rows),
        ],
    )
    def test_a_query_without_a_model_is_refused(self, library_session: Session, use: Callable[[Any], Any]) -> None:
        page = Page.objects.get(pk=1)
        with (
            library_session.capture() as sent,
            pytest.raises(UnsupportedQuery, match=r"of_model\(Hero\) or of_model\(Text\)"),
        ):
            use(page.blocks)
        assert not sent

    def test_a_collection_that_is_not_declared_is_left_out(self, library_session: Session) -> None:
        class Sheet(Model, collection="pages"):
            id: int
            blocks: Related[Hero] = many_to_any("pages_blocks", source="pages_id")

        for rows in (Sheet.objects.all(), Sheet.objects.prefetch_related("blocks")):
            assert {sheet.pk: keys(sheet.blocks) for sheet in rows} == {
                page: [n for collection, n in blocks_of(page) if collection == "heroes"] for page in range(1, 13)
            }
