"""Random sequences of add, remove, set, clear and create: the tables hold what a plain model predicts.

``RELATION_EXAMPLES`` is the number of sequences for each relation and database; see ``make test-faults``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import Model, Related, Session, field, generated, many_to_any
from directus_orm.testing import DirectusServer
from tests.worlds.library import Article, Comment, Hero, Tag, Text

# Sequences on each database: PostgreSQL takes more time, and the requests are the same.
EXAMPLES = {
    "sqlite": int(os.environ.get("RELATION_EXAMPLES", "12")),
    "postgres": int(os.environ.get("RELATION_EXAMPLES", "4")),
}
# Two instances with a list, and what may be in it.
PARENTS, OTHERS = 2, 4


class SortedPage(Model, collection="pages"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    blocks: Related[Hero | Text] = many_to_any("pages_blocks", sort="sort")


Step = tuple[str, int, list[int]]
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "set", "set", "clear", "create", "delete"]),
        st.integers(0, PARENTS - 1),
        st.lists(st.integers(0, OTHERS - 1), max_size=3),
    ),
    min_size=1,
    max_size=7,
)


class Lists:
    """The lists of a relation as a plain model has them, and as the tables do, by plain access."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.parents = [self.parent() for _ in range(PARENTS)]
        self.others = [self.other(n) for n in range(OTHERS)]
        self.model: list[list[Any]] = [[] for _ in range(PARENTS)]

    def parent(self) -> Any:
        raise NotImplementedError

    def other(self, number: int) -> Any:
        raise NotImplementedError

    def related(self, parent: Any) -> Any:
        raise NotImplementedError

    def stored(self, parent: Any) -> list[Any]:
        """Return what the tables hold."""
        raise NotImplementedError

    def make(self, parent: int) -> Any:
        return self.related(self.parents[parent]).create()

    def put(self, parent: int, wanted: Iterable[Any]) -> None:
        """Let the model have these behind a parent."""
        self.model[parent] = [*dict.fromkeys(wanted)]

    def do(self, step: Step) -> None:
        verb, parent, numbers = step
        chosen = [self.others[n] for n in numbers]
        related = self.related(self.parents[parent])
        now = self.model[parent]
        match verb:
            case "add":
                related.add(*chosen)
                self.put(parent, [*now, *map(which, chosen)])
            case "remove":
                related.remove(*chosen)
                self.put(parent, [each for each in now if each not in map(which, chosen)])
            case "set":
                related.set(chosen)
                self.put(parent, map(which, chosen))
            case "clear":
                related.clear()
                self.put(parent, [])
            case "create":
                self.put(parent, [*now, which(self.make(parent))])
            case "delete":
                self.others[numbers[0] if numbers else 0] = self.replaced(numbers[0] if numbers else 0)

    def replaced(self, number: int) -> Any:
        """Delete one of the rows, with its junction rows, and make another."""
        old = self.others[number]
        self.untied(old)
        type(old).objects.filter(pk=old.pk).delete()
        for parent, now in enumerate(self.model):
            self.put(parent, [each for each in now if each != which(old)])
        return self.other(number)

    def untied(self, other: Any) -> None:
        """Remove what would protect a row."""

    def check(self, step: Step) -> None:
        verb, touched, _ = step
        if verb != "delete":  # of other programs, and of other lists, a list that was read knows nothing
            assert self.seen(map(which, self.related(self.parents[touched]))) == self.seen(self.model[touched])
        for parent, model in zip(self.parents, self.model, strict=True):
            assert self.seen(self.stored(parent)) == self.seen(model)
            fresh = type(parent).objects.get(pk=parent.pk)
            assert self.seen(map(which, self.related(fresh))) == self.seen(model)

    def seen(self, found: Iterable[Any]) -> list[Any]:
        """Return what is to be equal: without a sort, the order is that of the keys."""
        return sorted(found)


def which(one: Any) -> tuple[str, int]:
    return (type(one).directus.collection, one.pk)


class Comments(Lists):
    """One-to-many: a child has one parent, so that adding it to one takes it from the other."""

    def parent(self) -> Any:
        return Article.objects.create(title="model")

    def other(self, number: int) -> Any:
        return Comment.objects.create(text=str(number))

    def related(self, parent: Any) -> Any:
        return parent.comments

    def put(self, parent: int, wanted: Iterable[Any]) -> None:
        super().put(parent, wanted)
        for other in range(PARENTS):
            if other != parent:
                self.model[other] = [each for each in self.model[other] if each not in self.model[parent]]

    def stored(self, parent: Any) -> list[Any]:
        rows = self.session.items("comments").read(filter={"article": parent.pk}, fields="id", limit=-1)
        return [("comments", row["id"]) for row in rows]


class Tags(Lists):
    """Many-to-many, without an order."""

    def parent(self) -> Any:
        return Article.objects.create(title="model")

    def other(self, number: int) -> Any:
        return Tag.objects.create(name=str(number))

    def related(self, parent: Any) -> Any:
        return parent.tags

    def stored(self, parent: Any) -> list[Any]:
        rows = self.session.items("articles_tags").read(
            filter={"articles_id": parent.pk}, sort="sort,id", limit=-1
        )
        assert len({row["tags_id"] for row in rows}) == len(rows)
        return [("tags", row["tags_id"]) for row in rows]

    def untied(self, other: Any) -> None:
        rows = self.session.items("articles_tags").read(filter={"tags_id": other.pk}, fields="id", limit=-1)
        if rows:
            self.session.delete("/items/articles_tags", [row["id"] for row in rows])


class Blocks(Lists):
    """Many-to-any, in the order in which they were set and added: the server counts."""

    def parent(self) -> Any:
        return SortedPage.objects.create(title="model")

    def other(self, number: int) -> Any:
        return Hero.objects.create(title=str(number)) if number % 2 else Text.objects.create(content=str(number))

    def related(self, parent: Any) -> Any:
        return parent.blocks

    def make(self, parent: int) -> Any:
        return self.related(self.parents[parent]).create(Hero)

    def stored(self, parent: Any) -> list[Any]:
        rows = self.session.items("pages_blocks").read(filter={"pages_id": parent.pk}, sort="sort,id", limit=-1)
        return [(row["collection"], int(row["item"])) for row in rows]

    def untied(self, other: Any) -> None:
        rows = self.session.items("pages_blocks").read(filter={"item": str(other.pk)}, limit=-1)
        mine = [row["id"] for row in rows if row["collection"] == type(other).directus.collection]
        if mine:
            self.session.delete("/items/pages_blocks", mine)

    def seen(self, found: Iterable[Any]) -> list[Any]:
        return list(found)


@pytest.mark.usefixtures("article")  # whatever a test makes is gone afterwards
@pytest.mark.parametrize("kind", [Comments, Tags, Blocks])
def test_the_tables_hold_what_a_plain_model_predicts(
    world: DirectusServer, session: Session, kind: type[Lists]
) -> None:
    @settings(
        max_examples=EXAMPLES[world.database.vendor], deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(steps=steps)
    def every_sequence(steps: list[Step]) -> None:
        lists = kind(session)
        for step in steps:
            lists.do(step)
            lists.check(step)

    every_sequence()
