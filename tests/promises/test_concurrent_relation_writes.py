"""Programs that add related rows to one instance at the same time do not remove those of each other."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from directus_orm import Session
from directus_orm.testing import DirectusServer
from tests.worlds.library import Article, Comment, Tag

EACH = 15


def work(url: str, token: str, article: int, tags: list[int], start: Any) -> None:
    """Add tags and comments, one after the other, once both programs are ready."""
    with Session(url, token=token):
        mine = Article.objects.get(pk=article)
        list(mine.tags)
        start.wait(60)
        for tag in tags:
            mine.tags.add(tag)
            mine.comments.create(text=str(tag))


@pytest.mark.usefixtures("article")
def test_two_processes_add_to_one_article(session: Session, article: Article, world: DirectusServer) -> None:
    tags = [tag.pk for tag in Tag.objects.bulk_create([Tag(name=str(n)) for n in range(2 * EACH + 1)])]
    article.tags.add(tags[-1])
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    halves = (tags[:EACH], tags[EACH : 2 * EACH])
    programs = [
        spawn.Process(target=work, args=(world.url, world.token, article.pk, half, start)) for half in halves
    ]
    for program in programs:
        program.start()
    for program in programs:
        program.join(120)
    assert [program.exitcode for program in programs] == [0, 0]
    rows = session.items("articles_tags").read(filter={"articles_id": article.pk}, limit=-1)
    assert sorted(row["tags_id"] for row in rows) == tags
    assert Comment.objects.filter(article=article).count() == 2 * EACH
