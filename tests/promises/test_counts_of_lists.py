"""`Count` of a relation, the list itself and its count() agree, whatever the links lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from directus_orm import ConfigurationError, Count, Forbidden, Session
from directus_orm.testing import DirectusServer
from tests.worlds.library import Article, Comment, Hero, Page, Tag, Text
from tests.worlds.server_setup import user


def numbers(model: Any, relation: str) -> dict[int, int]:
    """Return the number of related rows by key, after checking that every way gives the same."""
    rows = model.objects.order_by("id")
    counted = {row.pk: row.__dict__["n"] for row in rows.annotate(n=Count(relation))}
    assert counted == dict(rows.annotate(n=Count(relation, distinct=True)).values_list("id", "n"))
    assert counted == {row.pk: len(getattr(row, relation)) for row in rows}
    assert counted == {row.pk: len(getattr(row, relation)) for row in rows.prefetch_related(relation)}
    return counted


def counts(model: Any, relation: str, *keys: int) -> dict[int, int]:
    """Return what count() gives for some rows."""
    return {row.pk: getattr(row, relation).count() for row in model.objects.filter(pk__in=keys)}


@pytest.fixture
def odd_links(library_session: Session) -> Iterator[None]:
    """Links to rows that are gone, to nothing, and to the same row twice."""
    items = library_session.items("pages_blocks")
    blocks: list[dict[str, Any]] = [
        *({"pages_id": 12, "collection": "heroes", "item": "1", "sort": n} for n in range(2)),
        {"pages_id": 12, "collection": "texts", "item": "1", "sort": 3},
        {"pages_id": 12, "collection": "heroes", "item": "4711", "sort": 4},
        {"pages_id": 12, "collection": "heroes", "item": None, "sort": 5},
        {"pages_id": 12, "collection": None, "item": None, "sort": 6},
    ]
    made = [row["id"] for row in items.create(blocks)]
    links = [{"articles_id": 90, "tags_id": tag} for tag in (None, 8, 8)]
    made_links = [row["id"] for row in library_session.items("articles_tags").create(links)]
    yield
    library_session.delete("/items/pages_blocks", made)
    library_session.delete("/items/articles_tags", made_links)


@pytest.mark.usefixtures("odd_links")
def test_many_to_many() -> None:
    assert {key: number for key, number in numbers(Article, "tags").items() if key in {7, 90}} == {7: 3, 90: 1}
    assert counts(Article, "tags", 7, 90) == {7: 3, 90: 1}
    assert numbers(Tag, "articles")[8] == 1
    assert len(Article.objects.ref(90).tags.all()) == 1
    found = dict(Comment.objects.filter(article=7).values_list("article", "id"))
    assert dict(
        Comment.objects.filter(article=7).annotate(n=Count("article__tags")).values_list("article", "n")
    ) == dict.fromkeys(found, 3)


@pytest.mark.usefixtures("odd_links")
def test_many_to_any() -> None:
    assert numbers(Page, "blocks")[12] == 2
    assert counts(Page, "blocks", 12) == {12: 2}
    page = Page.objects.annotate(heroes=Count("blocks__hero"), texts=Count("blocks__text")).get(pk=12)
    assert (page.__dict__["heroes"], page.__dict__["texts"]) == (1, 1)
    assert (page.blocks.of_model(Hero).count(), page.blocks.of_model(Text).count()) == (1, 1)


def test_one_to_many(library_session: Session) -> None:
    assert sum(numbers(Article, "comments").values()) == Comment.objects.filter(article__isnull=False).count()


def test_what_a_readable_junction_leads_to_may_not_be_read(library_server: DirectusServer) -> None:
    """The list raises as well."""
    may: Any = dict.fromkeys(("articles", "articles_tags"), ("read",))
    with user(library_server, "half", **may) as token, Session(library_server.url, token=token):
        with pytest.raises(Forbidden, match="tags"):
            list(Article.objects.get(pk=7).tags)
        with pytest.raises(ConfigurationError, match=r"Article\.tags may not be read by this user"):
            list(Article.objects.filter(pk=7).annotate(n=Count("tags")))


@pytest.mark.row_rules
@pytest.mark.usefixtures("odd_links")
def test_hidden_rows_do_not_count(library_server: DirectusServer) -> None:
    if not library_server.version.startswith("11."):
        pytest.skip("10 has no such permissions, and 12 none without a licence")
    collections = ("articles", "articles_tags", "tags", "comments", "pages", "pages_blocks", "heroes", "texts")
    may: Any = dict.fromkeys(collections, ("read",))
    rules = {
        "tags": {"id": {"_nin": [1, 8]}},
        "heroes": {"id": {"_neq": 1}},
        "comments": {"likes": {"_gt": 1}},
    }
    before = {**numbers(Article, "tags")}
    with user(library_server, "shortsighted", rules, **may) as token, Session(library_server.url, token=token):
        seen = numbers(Article, "tags")
        assert (before[7] - seen[7], before[90] - seen[90]) == (1, 1)
        assert counts(Article, "tags", 7, 90) == {7: seen[7], 90: 0}
        assert numbers(Page, "blocks")[12] == 1
        numbers(Article, "comments")
